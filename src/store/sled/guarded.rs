//! Guarded mode when the log itself lost something: the worse of what log and records say is shown.

use crate::{
    model::{
        card::{Card, StatusRef},
        record::Record,
    },
    store::{
        rows::{Rows, encoding},
        sled::records::Records,
        worse::{switch_off, worsen},
    },
};

pub(super) use crate::store::worse::{Shown, severity};

/// Takes into `shown` every index, suspension, revocation and switched-off token that only the records still know.
/// Rows that cannot be read are passed over: they can only make things worse than the log says, never better.
pub(super) fn harden(shown: Shown<'_>, records: &Records) {
    for tag in [encoding::CARD, encoding::TOKEN] {
        for (key, value) in records.scan(&[tag], None).map_while(Result::ok) {
            match encoding::decode(&key, &value).map(|record| record.value) {
                Ok(Record::Card(card)) => harden_card(shown, &card),
                Ok(Record::Token(token)) if token.switched_off_at.is_some() => {
                    switch_off(shown, token.id);
                }
                _ => {}
            }
        }
    }
}

fn harden_card(shown: Shown<'_>, card: &Card) {
    let copies: Vec<StatusRef> = card.copies.iter().map(|copy| copy.status).collect();
    worsen(shown, &card.credential_type, copies, card.state);
}

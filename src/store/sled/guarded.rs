//! Guarded mode when the log itself lost something: the worse of what log and records say is shown.

use crate::{
    base::time::Timestamp,
    model::{
        card::{Card, Reason, State, StatusRef},
        event::{Event, What},
        ids::{CardId, TokenId},
        party::Actor,
        record::Record,
    },
    store::{
        roster::Roster,
        rows::{Rows, encoding},
        sled::records::Records,
        status_board::StatusBoard,
    },
};

/// What a guarded store shows.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) board: &'a StatusBoard,
    pub(super) roster: &'a Roster,
    /// The last event of the log.
    pub(super) last: u64,
}

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

/// Marks indices as given, and those that read better than `state` as being in it.
pub(super) fn worsen(shown: Shown<'_>, credential_type: &str, copies: Vec<StatusRef>, state: State) {
    let nobody = CardId::from_bytes([0; 16]);
    let (from, to) = (Timestamp::default(), Timestamp::default());
    shown.board.apply(&told(
        shown,
        What::Issued {
            card: nobody,
            credential_type: credential_type.to_owned(),
            copies: copies.clone(),
            valid_from: from,
            valid_until: to,
        },
    ));
    let milder = |at: &StatusRef| shown.board.entry(*at).is_some_and(|entry| severity(entry.value) < rank(state));
    let copies = copies.into_iter().filter(milder).collect();
    let (from, reason) = (State::Active, Reason::Other);
    shown.board.apply(&told(shown, What::StateChanged { card: nobody, copies, from, to: state, until: None, reason }));
}

/// Makes a token no good.
pub(super) fn switch_off(shown: Shown<'_>, token: TokenId) {
    shown.roster.apply(&told(shown, What::TokenSwitchedOff { token }));
}

const fn rank(state: State) -> u8 {
    severity(state.list_value())
}

/// Valid, suspended, invalid.
pub(super) const fn severity(value: u8) -> u8 {
    match value {
        0 => 0,
        2 => 1,
        _ => 2,
    }
}

/// An event that no log holds, for the board and the roster only.
fn told(shown: Shown<'_>, what: What) -> Event {
    Event { number: shown.last, at: Timestamp::default(), actor: Actor::Service, what }
}

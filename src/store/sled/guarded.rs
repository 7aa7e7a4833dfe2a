//! Guarded mode when the log itself lost something: the worse of what log and records say is shown.

use crate::{
    base::time::Timestamp,
    model::{
        card::{Card, Reason, State, StatusRef},
        event::{Event, What},
        party::Actor,
        record::Record,
    },
    store::sled::{encoding, records::Records, replay::Replay},
};

/// Takes into `replay` every index, suspension, revocation and switched-off token that only the records still know.
/// Rows that cannot be read are passed over: they can only make things worse than the log says, never better.
pub(super) fn harden(replay: &Replay, records: &Records) {
    for tag in [encoding::CARD, encoding::TOKEN] {
        for (key, value) in records.scan(&[tag], None).map_while(Result::ok) {
            match encoding::decode(&key, &value).map(|record| record.value) {
                Ok(Record::Card(card)) => harden_card(replay, &card),
                Ok(Record::Token(token)) if token.switched_off_at.is_some() => {
                    replay.roster.apply(&told(replay, What::TokenSwitchedOff { token: token.id }));
                }
                _ => {}
            }
        }
    }
}

fn harden_card(replay: &Replay, card: &Card) {
    let copies: Vec<StatusRef> = card.copies.iter().map(|copy| copy.status).collect();
    replay.board.apply(&told(
        replay,
        What::Issued {
            card: card.id,
            credential_type: card.credential_type.clone(),
            copies: copies.clone(),
            valid_from: card.valid_from,
            valid_until: card.valid_until,
        },
    ));
    let milder = |at: &StatusRef| replay.board.entry(*at).is_some_and(|entry| severity(entry.value) < rank(card.state));
    let what = What::StateChanged {
        card: card.id,
        copies: copies.into_iter().filter(milder).collect(),
        from: State::Active,
        to: card.state,
        until: None,
        reason: Reason::Other,
    };
    replay.board.apply(&told(replay, what));
}

const fn rank(state: State) -> u8 {
    severity(state.list_value())
}

/// Valid, suspended, invalid.
const fn severity(value: u8) -> u8 {
    match value {
        0 => 0,
        2 => 1,
        _ => 2,
    }
}

/// An event that no log holds, for the board and the roster only.
fn told(replay: &Replay, what: What) -> Event {
    Event { number: replay.last(), at: Timestamp::default(), actor: Actor::Service, what }
}

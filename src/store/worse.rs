//! The worse of two accounts: what is shown once a store knows that events were lost.

use crate::{
    base::{limits::STATUS_LIST_ENTRIES, time::Timestamp},
    model::{
        card::{Reason, State, StatusRef},
        event::{Event, What},
        ids::{CardId, TokenId},
        party::Actor,
    },
    store::{roster::Roster, snapshot::Snapshot, status_board::StatusBoard},
};

/// What a guarded store shows.
#[derive(Clone, Copy)]
pub(in crate::store) struct Shown<'a> {
    pub(in crate::store) board: &'a StatusBoard,
    pub(in crate::store) roster: &'a Roster,
    /// The last event of the log.
    pub(in crate::store) last: u64,
}

/// Takes in, where the log has lost what the snapshot knows, every index, suspension and revocation, and takes out every
/// token the snapshot does not call good.
pub(in crate::store) fn by_snapshot(shown: Shown<'_>, snapshot: &Snapshot) {
    for (id, list) in snapshot.lists() {
        let at = |index| StatusRef { list: id, index };
        for state in [State::Suspended, State::Revoked] {
            let reads = |index: &u32| list.entry(*index).is_some_and(|entry| entry.value == state.list_value());
            let copies = (0..STATUS_LIST_ENTRIES as u32).filter(reads).map(at).collect();
            worsen(shown, list.credential_type(), copies, state);
        }
        let given = |index: &u32| list.entry(*index).is_some_and(|entry| entry.given);
        let copies = (0..STATUS_LIST_ENTRIES as u32).filter(given).map(at).collect();
        worsen(shown, list.credential_type(), copies, State::Active);
    }
    for (_, token, _) in shown.roster.entries().into_iter().filter(|(_, token, _)| !snapshot.is_good(*token)) {
        switch_off(shown, token);
    }
}

/// Marks indices as given, and those that read better than `state` as being in it.
pub(in crate::store) fn worsen(shown: Shown<'_>, credential_type: &str, copies: Vec<StatusRef>, state: State) {
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
pub(in crate::store) fn switch_off(shown: Shown<'_>, token: TokenId) {
    shown.roster.apply(&told(shown, What::TokenSwitchedOff { token }));
}

const fn rank(state: State) -> u8 {
    severity(state.list_value())
}

/// Valid, suspended, invalid.
pub(in crate::store) const fn severity(value: u8) -> u8 {
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

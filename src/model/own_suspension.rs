//! What a holder suspended, the holder can have back for a day, by signing in anew: whoever holds an open session on a
//! stolen phone cannot.

use crate::{
    base::time::Timestamp,
    model::{
        card::{Card, Change, State},
        party::Actor,
    },
};

/// For so long after it a holder's own suspension can be undone by the holder. Later it takes an operator.
pub const UNDO_SECONDS: i64 = 24 * 3600;

/// Why a holder does not get a card back.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UndoError {
    /// It is not suspended, or somebody else suspended it too.
    #[error("the card is not suspended by its holder alone")]
    NotOwn,
    /// The suspension is older than [`UNDO_SECONDS`].
    #[error("the suspension can be undone for 24 hours only")]
    TooLate,
    /// The holder has not signed in since.
    #[error("the holder has to sign in anew")]
    SignInAnew,
}

impl Card {
    /// The holder's own suspension of a good card, while it lasts and nobody else had a part in it.
    pub fn own_suspension(&self) -> Option<&Change> {
        let [.., before, last] = self.history.as_slice() else { return None };
        let is_own = self.state == State::Suspended
            && self.suspended_until.is_none()
            && (last.state, last.by) == (State::Suspended, Actor::Holder)
            && before.state == State::Active;
        is_own.then_some(last)
    }

    /// Whether the holder, who signed in at `signed_in_at`, can undo the suspension at `now`.
    pub fn can_be_undone(&self, signed_in_at: Timestamp, now: Timestamp) -> Result<(), UndoError> {
        let suspended_at = self.own_suspension().ok_or(UndoError::NotOwn)?.at;
        if now >= suspended_at.plus_seconds(UNDO_SECONDS) {
            Err(UndoError::TooLate)
        } else if signed_in_at <= suspended_at {
            Err(UndoError::SignInAnew)
        } else {
            Ok(())
        }
    }
}

//! Following a presentation: who waits for its next change, by long poll or event stream.
//!
//! Whoever follows is looked at once a second: a checkpoint that was switched off is let go of within that time, and so is
//! everybody when the service stops.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::web;
use tokio::{sync::watch, time::timeout};

use crate::{
    base::limits::FOLLOWERS_OF_CHECKPOINT,
    http::{
        State,
        problem::{Kind, Problem},
    },
    model::ids::TokenId,
    verification::presentation::{LookError, PresentationId, View},
};

/// How often a follower is looked at, and what is due for its presentation done.
const TICK: Duration = Duration::from_secs(1);

/// Who follows.
#[derive(Default)]
pub struct Followers {
    of_token: Mutex<HashMap<TokenId, usize>>,
    closed: AtomicBool,
}

impl Followers {
    /// Lets everybody go: the service stops.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether the service stops.
    pub(in crate::http) fn are_let_go(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// How many follow, for all checkpoints together.
    pub fn count(&self) -> usize {
        self.of_token.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    fn enter(&self, token: TokenId) -> bool {
        let mut of_token = self.of_token.lock().unwrap_or_else(PoisonError::into_inner);
        let count = of_token.entry(token).or_default();
        let free = *count < FOLLOWERS_OF_CHECKPOINT;
        *count += usize::from(free);
        free
    }

    fn leave(&self, token: TokenId) {
        let mut of_token = self.of_token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = of_token.get_mut(&token) {
            *count -= 1;
            if *count == 0 {
                of_token.remove(&token);
            }
        }
    }
}

/// What a follower finds after a while.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// Something changed: look.
    Changed,
    /// Nothing did.
    Quiet,
    /// The service stops.
    Closing,
    /// The checkpoint was switched off.
    SwitchedOff,
}

/// One who follows one presentation. Its place is free again when it is dropped, also when the client goes away.
pub(super) struct Follower {
    state: web::Data<State>,
    token: TokenId,
    id: PresentationId,
    changes: watch::Receiver<u64>,
}

impl Follower {
    /// Begins to follow; refused when the checkpoint follows too many.
    pub(super) fn begin(state: &web::Data<State>, token: TokenId, id: PresentationId) -> Result<Self, Problem> {
        let changes = state.presentations.changes(token, id)?;
        if !state.followers.enter(token) {
            return Err(Kind::TooManyOpen.into());
        }
        Ok(Self { state: web::Data::clone(state), token, id, changes })
    }

    /// How the presentation stands, with the count of its changes so far. A change after this is not missed.
    pub(super) fn look(&mut self) -> Result<(View, u64), LookError> {
        let revision = *self.changes.borrow_and_update();
        Ok((self.state.presentations.look(self.token, self.id, None)?, revision))
    }

    /// Waits for the next change, for a second at most.
    pub(super) async fn step(&mut self) -> Step {
        let changed = timeout(TICK, self.changes.changed()).await;
        if !self.state.store.roster().is_good(self.token) {
            return Step::SwitchedOff;
        }
        if self.state.followers.closed.load(Ordering::Acquire) {
            return Step::Closing;
        }
        if changed.is_err() {
            // To look does what is due, which may be a change; if the presentation is gone, the next look says so.
            let gone = self.state.presentations.look(self.token, self.id, None).is_err();
            return if gone || self.changes.has_changed().unwrap_or(true) { Step::Changed } else { Step::Quiet };
        }
        Step::Changed
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.state.followers.leave(self.token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_follows_so_many_and_another_is_not_in_its_way() {
        let (followers, one, other) = (Followers::default(), TokenId::from_bytes([1; 16]), TokenId::from_bytes([2; 16]));
        for _ in 0..FOLLOWERS_OF_CHECKPOINT {
            assert!(followers.enter(one));
        }
        assert!(!followers.enter(one) && followers.enter(other));
        followers.leave(one);
        assert!(followers.enter(one) && !followers.enter(one));
        assert_eq!(followers.count(), FOLLOWERS_OF_CHECKPOINT + 1);
        followers.leave(other);
        assert_eq!(followers.of_token.lock().expect("not poisoned").len(), 1);
    }
}

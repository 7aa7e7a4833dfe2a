//! The one door from request workers into the blocking pool.
//!
//! Store and signing are synchronous and may wait for a disk. A bounded number of calls runs at once and a bounded
//! number waits; who comes after that is told to try again, while a queue without an end would answer nobody in time.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::web;
use tokio::sync::Semaphore;

use crate::http::{
    State,
    problem::{Kind, Problem},
};

/// Calls that run at once. The store groups the commits that wait, so more callers than cores make larger groups.
const RUNNING: usize = 64;

/// Calls that may wait. At a commit of some milliseconds for each group of [`RUNNING`], the last waits well under a
/// second.
const WAITING: usize = 1024;

/// Why a call gave no answer of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CallError {
    /// Too many wait already.
    Busy,
    /// The call panicked.
    Panicked,
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Busy => Kind::Busy,
            CallError::Panicked => Kind::Internal,
        }
        .into()
    }
}

/// Counts who runs and who waits.
pub struct Door {
    seats: Arc<Semaphore>,
    inside: AtomicUsize,
    limit: usize,
}

impl Default for Door {
    fn default() -> Self {
        Self::of(RUNNING, WAITING)
    }
}

impl Door {
    /// A door that lets `running` calls run and `waiting` more wait.
    pub fn of(running: usize, waiting: usize) -> Self {
        Self { seats: Arc::new(Semaphore::new(running)), inside: AtomicUsize::new(0), limit: running + waiting }
    }

    /// How many run or wait.
    pub fn inside(&self) -> usize {
        self.inside.load(Ordering::Acquire)
    }

    fn enter(&self) -> Result<Inside<'_>, CallError> {
        let inside = Inside(&self.inside);
        // Counted first and given back by the drop, so that two who come together cannot both take the last place.
        if self.inside.fetch_add(1, Ordering::AcqRel) >= self.limit { Err(CallError::Busy) } else { Ok(inside) }
    }
}

/// A place behind the door; given back when dropped, also when the client goes away while it waits.
struct Inside<'a>(&'a AtomicUsize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Runs `work` in the blocking pool. Once started it runs to its end, whether or not the client still waits.
pub async fn call<T: Send + 'static>(
    state: &web::Data<State>,
    work: impl FnOnce(&State) -> T + Send + 'static,
) -> Result<T, CallError> {
    let _place = state.door.enter()?;
    let seat = Arc::clone(&state.door.seats).acquire_owned().await.map_err(|_| CallError::Busy)?;
    let inner = web::Data::clone(state);
    let done = web::block(move || {
        let result = work(&inner);
        drop(seat);
        result
    });
    done.await.map_err(|_| {
        state.metrics.panicked();
        CallError::Panicked
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_turns_callers_away_until_one_leaves() {
        let door = Door::of(1, 1);
        let first = door.enter().expect("a seat");
        let second = door.enter().expect("a place to wait");
        assert_eq!(door.enter().err(), Some(CallError::Busy));
        assert_eq!(door.inside(), 2);
        drop(first);
        assert!(door.enter().is_ok());
        drop(second);
        assert_eq!(door.inside(), 0);
    }
}

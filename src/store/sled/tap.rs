//! What is written while a copy is being made. Whoever copies reads the rows one after the other, so some are read before
//! and some after a change; every change made meanwhile is therefore handed to the copy as well, behind what was read
//! before it. The last word on each key is then the one at the end of the copy.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::store::{
    rows::Change,
    transfer::{Row, TransferError},
};

/// Bytes of changes that may wait for the copy. Beyond it the copy is given up: no commit waits for it.
const MOST_WAITING_BYTES: usize = 64 * 1024 * 1024;

/// Where the writer leaves what it has written; most of the time nobody wants it.
#[derive(Default)]
pub(super) struct Tap(Mutex<Option<Waiting>>);

/// Changes that wait for the copy, the newest of each key.
#[derive(Default)]
struct Waiting {
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    bytes: usize,
}

/// Held while changes are made: a copy begins and ends before or after all of them.
pub(super) struct Writing<'a>(MutexGuard<'a, Option<Waiting>>);

/// A copy under way. One at a time.
pub(super) struct Tapped<'a>(&'a Tap);

impl Tap {
    /// To be held while one batch of changes is applied.
    pub(super) fn writing(&self) -> Writing<'_> {
        Writing(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From here on every change is kept for the copy; none when another one is being made.
    pub(super) fn open(&self) -> Option<Tapped<'_>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_some() {
            return None;
        }
        *waiting = Some(Waiting::default());
        Some(Tapped(self))
    }
}

impl Writing<'_> {
    /// Whether somebody wants the changes.
    pub(super) fn is_tapped(&self) -> bool {
        self.0.is_some()
    }

    /// Leaves changes that were made.
    pub(super) fn leave(&mut self, changes: Vec<Change>) {
        let Some(waiting) = self.0.as_mut().filter(|waiting| waiting.bytes <= MOST_WAITING_BYTES) else { return };
        for (key, value) in changes {
            waiting.bytes += key.len() + value.as_ref().map_or(0, Vec::len);
            waiting.changes.insert(key, value);
        }
    }
}

impl Tapped<'_> {
    /// Every change made since the last call. What is read of the rows after it is at least as new.
    pub(super) fn take(&self) -> Result<Vec<Row>, TransferError> {
        let mut waiting = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken(waiting.as_mut().map(std::mem::take))
    }

    /// The last changes, and no more.
    pub(super) fn close(self) -> Result<Vec<Row>, TransferError> {
        let mut waiting = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken(waiting.take())
    }
}

fn taken(waiting: Option<Waiting>) -> Result<Vec<Row>, TransferError> {
    match waiting {
        Some(Waiting { bytes, .. }) if bytes > MOST_WAITING_BYTES => Err(TransferError::TooSlow),
        Some(Waiting { changes, .. }) => Ok(changes.into_iter().collect()),
        None => Ok(Vec::new()),
    }
}

impl Drop for Tapped<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(key: u8, value: Option<u8>) -> Change {
        (vec![key], value.map(|value| vec![value]))
    }

    #[test]
    fn changes_are_kept_while_a_copy_is_made_and_only_then() {
        let tap = Tap::default();
        assert!(!tap.writing().is_tapped());
        tap.writing().leave(vec![change(1, Some(1))]);
        let copy = tap.open().expect("nobody else copies");
        assert!(tap.writing().is_tapped());
        assert!(tap.open().is_none());
        assert_eq!(copy.take(), Ok(vec![]));
        tap.writing().leave(vec![change(2, Some(2)), change(1, Some(1))]);
        tap.writing().leave(vec![change(2, None)]);
        assert_eq!(copy.take(), Ok(vec![change(1, Some(1)), change(2, None)]));
        tap.writing().leave(vec![change(3, Some(3))]);
        assert_eq!(copy.close(), Ok(vec![change(3, Some(3))]));
        assert!(!tap.writing().is_tapped());
        drop(tap.open());
        assert!(!tap.writing().is_tapped(), "a copy that was given up wants nothing");
    }

    #[test]
    fn a_copy_that_does_not_keep_up_is_given_up() {
        let tap = Tap::default();
        let copy = tap.open().expect("nobody else copies");
        for _ in 0..10 {
            tap.writing().leave(vec![(vec![1], Some(vec![0; MOST_WAITING_BYTES / 5]))]);
        }
        assert!(tap.0.lock().expect("held").as_ref().is_some_and(|waiting| waiting.bytes < 2 * MOST_WAITING_BYTES));
        assert_eq!(copy.take(), Err(TransferError::TooSlow));
    }
}

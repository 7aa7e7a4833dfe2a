//! A watch of the last event: publication, sealing and feeds sleep on it until something was committed.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

/// The number of the last event on disk, and a bell that rings when it grows.
#[derive(Default)]
pub struct Watch {
    last: Mutex<u64>,
    bell: Condvar,
}

impl Watch {
    /// The number of the last event.
    pub fn last(&self) -> u64 {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// States that events up to `number` are on disk and shown by board and roster.
    pub fn announce(&self, number: u64) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if number > *last {
            *last = number;
            self.bell.notify_all();
        }
    }

    /// Sleeps until an event after `seen` is there, at most `patience`; gives the last event's number.
    pub fn wait_beyond(&self, seen: u64, patience: Duration) -> u64 {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, _) =
            self.bell.wait_timeout_while(last, patience, |last| *last <= seen).unwrap_or_else(PoisonError::into_inner);
        *last
    }
}

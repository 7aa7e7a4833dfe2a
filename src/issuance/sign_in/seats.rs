//! How many codes are hashed at one time: each takes 19 MiB and a core for some hundredths of a second.

use std::sync::{Condvar, Mutex, PoisonError};

use crate::issuance::Fault;

/// Hashed at once.
const AT_ONCE: usize = 4;
/// Who waits beyond these is told to come back: fewer than the calls that run in the blocking pool, so that the service does
/// its other work while somebody sends codes.
const WAITING: usize = 24;

/// The seats.
#[derive(Default)]
pub(super) struct Seats {
    inside: Mutex<Inside>,
    freed: Condvar,
}

#[derive(Default)]
struct Inside {
    working: usize,
    waiting: usize,
}

impl Seats {
    /// Does `work` on a seat, after waiting for one.
    pub(super) fn with<T>(&self, work: impl FnOnce() -> T) -> Result<T, Fault> {
        let seat = self.take()?;
        let done = work();
        drop(seat);
        Ok(done)
    }

    fn take(&self) -> Result<Seat<'_>, Fault> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if inside.waiting >= WAITING {
            return Err(Fault::Busy);
        }
        inside.waiting += 1;
        let mut inside =
            self.freed.wait_while(inside, |inside| inside.working >= AT_ONCE).unwrap_or_else(PoisonError::into_inner);
        inside.waiting -= 1;
        inside.working += 1;
        Ok(Seat(self))
    }
}

/// A seat that was taken; given back when dropped, also by a panic.
struct Seat<'a>(&'a Seats);

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.inside.lock().unwrap_or_else(PoisonError::into_inner).working -= 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
        time::Duration,
    };

    use super::*;

    #[test]
    fn no_more_than_the_seats_work_and_each_gets_a_turn() {
        let (seats, working, most) = (Seats::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..AT_ONCE + WAITING {
                scope.spawn(|| {
                    let done = seats.with(|| {
                        most.fetch_max(working.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::sleep(Duration::from_millis(1));
                        working.fetch_sub(1, Ordering::SeqCst);
                    });
                    assert_eq!(done, Ok(()));
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= AT_ONCE);
    }
}

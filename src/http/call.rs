//! The one door from request workers into the blocking pool.
//!
//! Store and signing are synchronous and may wait for a disk, a database or a key's hardware. A bounded number of calls
//! runs at once and a bounded number waits; who comes after that is told to try again, while a queue without an end would
//! answer nobody in time. No caller waits without an end either: a call that takes too long is answered "not known yet"
//! while it goes on, and as long as there is room for such calls it gives its seat to the next.
//!
//! Calls that work on records and calls that are answered from memory have seats of their own, so that checkpoints go on
//! when the store hangs with every seat of the others taken.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::web;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::http::{
    State,
    problem::{Kind, Problem},
};

/// Calls of one kind that run at once. The store groups the commits that wait, so more callers than cores make larger
/// groups.
const RUNNING: usize = 64;

/// Calls of one kind that may wait. At a commit of some milliseconds for each group of [`RUNNING`], the last waits well
/// under a second.
const WAITING: usize = 1024;

/// Late calls of one kind that go on without a seat, each on a thread that hangs with it.
const LATE: usize = 64;

/// Threads that one worker's pool may need: every call of both kinds may have come in through it.
pub(super) const THREADS: usize = 2 * (RUNNING + LATE);

/// How long a caller waits and its call may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Patience {
    /// Until it has a seat; then [`CallError::Busy`].
    pub seat: Duration,
    /// Until it has its answer; then [`CallError::Late`].
    pub answer: Duration,
}

impl Default for Patience {
    /// A seat within two seconds: longer, and who waits has asked again. An answer within ten: the stores end their own
    /// attempts after five (a database's total limit) and eight (a commit to a disk), and nothing is fetched from others
    /// for longer than three.
    fn default() -> Self {
        Self { seat: Duration::from_secs(2), answer: Duration::from_secs(10) }
    }
}

/// Why a call gave no answer of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CallError {
    /// Too many wait already, or nobody left a seat in time. Nothing was begun.
    Busy,
    /// The call takes too long; it goes on, and what becomes of it is not known.
    Late,
    /// The call panicked.
    Panicked,
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Busy => Kind::Busy,
            CallError::Late => Kind::Late,
            CallError::Panicked => Kind::Internal,
        }
        .into()
    }
}

/// The ways into the blocking pool.
#[derive(Default)]
pub struct Door {
    records: Lane,
    memory: Lane,
}

impl Door {
    /// A door whose callers have this patience.
    pub fn with(patience: Patience) -> Self {
        let lane = || Lane::of(RUNNING, WAITING, LATE, patience);
        Self { records: lane(), memory: lane() }
    }

    /// How many run or wait.
    pub fn inside(&self) -> usize {
        self.records.inside() + self.memory.inside()
    }

    /// How many go on after their caller was told that it takes too long.
    pub fn late(&self) -> usize {
        self.records.late() + self.memory.late()
    }
}

/// Seats for one kind of calls.
struct Lane {
    seats: Arc<Semaphore>,
    late: Arc<Semaphore>,
    late_limit: usize,
    inside: AtomicUsize,
    limit: usize,
    patience: Patience,
}

impl Default for Lane {
    fn default() -> Self {
        Self::of(RUNNING, WAITING, LATE, Patience::default())
    }
}

/// What a running call holds until it ends: a seat, or the place of a late one.
type Held = Arc<Mutex<Option<OwnedSemaphorePermit>>>;

impl Lane {
    /// A lane that lets `running` calls run, `waiting` more wait, and `late` go on without a seat.
    fn of(running: usize, waiting: usize, late: usize, patience: Patience) -> Self {
        Self {
            seats: Arc::new(Semaphore::new(running)),
            late: Arc::new(Semaphore::new(late)),
            late_limit: late,
            inside: AtomicUsize::new(0),
            limit: running + waiting,
            patience,
        }
    }

    fn inside(&self) -> usize {
        self.inside.load(Ordering::Acquire)
    }

    fn late(&self) -> usize {
        self.late_limit.saturating_sub(self.late.available_permits())
    }

    fn enter(&self) -> Result<Inside<'_>, CallError> {
        let inside = Inside(&self.inside);
        // Counted first and given back by the drop, so that two who come together cannot both take the last place.
        if self.inside.fetch_add(1, Ordering::AcqRel) >= self.limit { Err(CallError::Busy) } else { Ok(inside) }
    }

    /// Runs `work` in the blocking pool; at the latest after the patience of its caller there is an answer.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, CallError> {
        let _place = self.enter()?;
        let seat = timeout(self.patience.seat, Arc::clone(&self.seats).acquire_owned()).await;
        let seat = seat.map_err(|_| CallError::Busy)?.map_err(|_| CallError::Busy)?;
        let held: Held = Arc::new(Mutex::new(Some(seat)));
        let holds = HeldByCall(Arc::clone(&held));
        let done = web::block(move || {
            // Given back also when the work panics.
            let _holds = holds;
            work()
        });
        match timeout(self.patience.answer, done).await {
            Ok(ended) => ended.map_err(|_| CallError::Panicked),
            Err(_) => {
                self.stand_up(&held);
                Err(CallError::Late)
            }
        }
    }

    /// Gives the seat of a late call to the next caller, while there is room for late ones. When there is none, the seat
    /// stays taken: the number of threads that hang is bounded, and new callers are turned away early.
    fn stand_up(&self, held: &Held) {
        let Ok(place) = Arc::clone(&self.late).try_acquire_owned() else { return };
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        // None: it ended meanwhile.
        if held.is_some() {
            *held = Some(place);
        }
    }
}

/// The call's end of [`Held`].
struct HeldByCall(Held);

impl Drop for HeldByCall {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// A place behind the door; given back when dropped, also when the client goes away while it waits.
struct Inside<'a>(&'a AtomicUsize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Runs `work`, which reads or changes records, in the blocking pool. Once started it runs to its end, whether or not the
/// client still waits.
pub async fn call<T: Send + 'static>(
    state: &web::Data<State>,
    work: impl FnOnce(&State) -> T + Send + 'static,
) -> Result<T, CallError> {
    through(state, &state.door.records, work).await
}

/// The same for work that is answered from memory: presentations, verification, signed lists and heads. At most it leaves
/// evidence in the store, and says so when it could not.
pub async fn call_from_memory<T: Send + 'static>(
    state: &web::Data<State>,
    work: impl FnOnce(&State) -> T + Send + 'static,
) -> Result<T, CallError> {
    through(state, &state.door.memory, work).await
}

async fn through<T: Send + 'static>(
    state: &web::Data<State>,
    lane: &Lane,
    work: impl FnOnce(&State) -> T + Send + 'static,
) -> Result<T, CallError> {
    let inner = web::Data::clone(state);
    let ended = lane.run(move || work(&inner)).await;
    match ended {
        Err(CallError::Panicked) => state.metrics.panicked(),
        Err(CallError::Late) => state.metrics.shed("late"),
        Err(CallError::Busy) => state.metrics.shed("busy"),
        Ok(_) => {}
    }
    ended
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use actix_web::rt;

    use super::*;

    const SHORT: Patience = Patience { seat: Duration::from_millis(20), answer: Duration::from_millis(40) };

    #[test]
    fn a_full_queue_turns_callers_away_until_one_leaves() {
        let lane = Lane::of(1, 1, 1, SHORT);
        let first = lane.enter().expect("a seat");
        let second = lane.enter().expect("a place to wait");
        assert_eq!(lane.enter().err(), Some(CallError::Busy));
        assert_eq!(lane.inside(), 2);
        drop(first);
        assert!(lane.enter().is_ok());
        drop(second);
        assert_eq!(lane.inside(), 0);
    }

    #[test]
    fn a_call_that_hangs_is_answered_gives_its_seat_away_and_is_bounded_in_number() {
        rt::System::new().block_on(async {
            let lane = Lane::of(1, 8, 1, SHORT);
            let hang = || {
                let (end, ends) = mpsc::channel::<()>();
                (end, move || ends.recv().is_err())
            };
            let (first_end, first) = hang();
            assert_eq!(lane.run(first).await, Err(CallError::Late));
            assert_eq!((lane.late(), lane.inside()), (1, 0));
            assert_eq!(lane.run(|| 7).await, Ok(7), "its seat went to the next");
            let (second_end, second) = hang();
            assert_eq!(lane.run(second).await, Err(CallError::Late));
            assert_eq!(lane.run(|| 7).await, Err(CallError::Busy), "there is room for one late call only");
            drop(second_end);
            assert_eq!(lane.run(|| 7).await, Ok(7), "what hung has ended, and the seat is back");
            drop(first_end);
            while lane.late() > 0 {
                rt::time::sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(lane.inside(), 0);
        });
    }

    #[test]
    fn a_call_that_panics_gives_its_seat_back() {
        rt::System::new().block_on(async {
            let lane = Lane::of(1, 1, 1, Patience::default());
            assert_eq!(lane.run(|| -> u8 { std::panic::panic_any("of a test") }).await, Err(CallError::Panicked));
            assert_eq!(lane.run(|| 7).await, Ok(7));
        });
    }
}

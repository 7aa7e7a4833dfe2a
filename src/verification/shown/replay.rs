//! Which presentations were taken already: in memory, and in the store as a value that is good once, so that all nodes of a
//! service know and a restart forgets nothing. A store that does not take it (read-only, out of reach) is no reason to stop
//! deciding: then a presentation is taken once at each node and between two restarts, for the minutes it is good.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    base::{
        limits::{SHOWN_MEMORY, SHOWN_MEMORY_OF_CHECKPOINT, SHOWN_MEMORY_SECONDS},
        time::Timestamp,
    },
    crypto::sha256,
    model::{
        ids::TokenId,
        record::{Commit, Guard, Key, LeadsTo, OneTime, Record, Write},
    },
    store::{CommitError, Mode, Store},
};

/// A proof of a holder, by the hash of what was signed. Not of the signature: who has one signature on P-256 can write
/// another one for the same text.
pub(super) type Proof = [u8; 32];

/// What came of taking a presentation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Taken {
    /// It was not taken before.
    First,
    /// It was.
    Again,
    /// There is no room to remember it, so it is not taken.
    Full,
}

/// Remembers what was taken, for as long as it could be taken again.
pub(super) struct Replays {
    memory: Mutex<Memory>,
    most: usize,
    most_of_checkpoint: usize,
}

#[derive(Default)]
struct Memory {
    proofs: BTreeSet<Proof>,
    /// In the order in which they were taken, with when they may be forgotten.
    order: VecDeque<(Duration, Proof, TokenId)>,
    counts: BTreeMap<TokenId, usize>,
}

impl Default for Replays {
    fn default() -> Self {
        Self { memory: Mutex::default(), most: SHOWN_MEMORY, most_of_checkpoint: SHOWN_MEMORY_OF_CHECKPOINT }
    }
}

/// Word from the other nodes that is older than this says that the store is out of reach: a gate does not wait for it.
const OUT_OF_REACH: Duration = Duration::from_secs(2);

/// Takes a proof in the store: false when it was taken there before, by whichever node. Also true when the store cannot say.
pub(super) fn take_in(store: &dyn Store, proof: Proof, at: Timestamp) -> bool {
    if store.lag() > OUT_OF_REACH || store.health().mode != Mode::Normal {
        return true;
    }
    let key = sha256([b"yufu-shown-v1:".as_slice(), &proof].concat());
    let expires_at = at.plus_seconds(SHOWN_MEMORY_SECONDS.try_into().unwrap_or(i64::MAX));
    let taken = store.commit(Commit {
        guards: vec![Guard::Absent(Key::OneTime(key))],
        writes: vec![Write::Put(Record::OneTime(OneTime { key, leads_to: LeadsTo::Used, expires_at }))],
        ..Commit::default()
    });
    match taken {
        Ok(_) => true,
        Err(CommitError::GuardFailed(_)) => false,
        Err(error) => {
            tracing::warn!(%error, "a shown presentation is remembered by this node only");
            true
        }
    }
}

impl Replays {
    /// Takes a proof for a checkpoint: of two calls with the same one, one is the first.
    pub(super) fn take(&self, who: TokenId, proof: Proof, now: Duration) -> Taken {
        let mut memory = self.memory();
        memory.forget(now);
        if memory.proofs.contains(&proof) {
            return Taken::Again;
        }
        let count = memory.counts.get(&who).copied().unwrap_or_default();
        if memory.proofs.len() >= self.most || count >= self.most_of_checkpoint {
            return Taken::Full;
        }
        memory.proofs.insert(proof);
        memory.order.push_back((now + Duration::from_secs(SHOWN_MEMORY_SECONDS), proof, who));
        memory.counts.insert(who, count + 1);
        Taken::First
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Changed by insertions and removals that do not panic half-way.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn forget(&mut self, now: Duration) {
        while let Some((_, proof, who)) = self.order.pop_front_if(|(until, ..)| *until <= now) {
            self.proofs.remove(&proof);
            if let Some(count) = self.counts.get_mut(&who) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(&who);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            event::LoggedEvent,
            record::{Query, Versioned},
        },
        store::{Health, Page, ReadError, Receipt, TreeHead, roster::Roster, status_board::StatusBoard, watch::Watch},
    };

    const GATE: TokenId = TokenId::from_bytes([1; 16]);
    const OTHER: TokenId = TokenId::from_bytes([2; 16]);

    fn after(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn one_is_taken_once_at_whatever_gate_until_it_could_not_be_taken_anyway() {
        let replays = Replays::default();
        assert_eq!(replays.take(GATE, [1; 32], after(0)), Taken::First);
        assert_eq!(replays.take(OTHER, [1; 32], after(1)), Taken::Again);
        assert_eq!(replays.take(GATE, [2; 32], after(2)), Taken::First);
        assert_eq!(replays.take(GATE, [1; 32], after(SHOWN_MEMORY_SECONDS - 1)), Taken::Again);
        assert_eq!(replays.take(GATE, [1; 32], after(SHOWN_MEMORY_SECONDS)), Taken::First);
        assert_eq!(replays.take(GATE, [2; 32], after(SHOWN_MEMORY_SECONDS)), Taken::Again);
    }

    /// A store that answers every commit in one way.
    struct Answering {
        answer: Result<Receipt, CommitError>,
        lag: Duration,
        mode: Mode,
        board: StatusBoard,
        roster: Roster,
        watch: Watch,
    }

    impl Store for Answering {
        fn commit(&self, _: Commit) -> Result<Receipt, CommitError> {
            self.answer.clone()
        }

        fn get(&self, _: &Key) -> Result<Option<Versioned<Record>>, ReadError> {
            Err(ReadError::Unavailable)
        }

        fn find(&self, _: &Query, _: Option<&[u8]>, _: usize) -> Result<Page, ReadError> {
            Err(ReadError::Unavailable)
        }

        fn events(&self, _: u64, _: usize) -> Result<Vec<LoggedEvent>, ReadError> {
            Err(ReadError::Unavailable)
        }

        fn head(&self) -> TreeHead {
            TreeHead { size: 0, root: [0; 32] }
        }

        fn board(&self) -> &StatusBoard {
            &self.board
        }

        fn roster(&self) -> &Roster {
            &self.roster
        }

        fn watch(&self) -> &Watch {
            &self.watch
        }

        fn health(&self) -> Health {
            let (mode, lag) = (self.mode.clone(), self.lag);
            Health { mode, store: None, checked_events: 0, events: 0, lag, cautions: Vec::new() }
        }

        fn lag(&self) -> Duration {
            self.lag
        }
    }

    #[test]
    fn a_store_that_cannot_say_stands_in_nobodys_way_and_one_out_of_reach_is_not_waited_for() {
        let take = |answer: Result<Receipt, CommitError>, seconds, mode| {
            let (board, roster, watch) = <_>::default();
            let store = Answering { answer, lag: after(seconds), mode, board, roster, watch };
            take_in(&store, [1; 32], Timestamp::from_unix(1_795_500_000))
        };
        let taken_before = || Err(CommitError::GuardFailed(0));
        assert!(take(Ok(Receipt::default()), 0, Mode::Normal));
        assert!(!take(taken_before(), 0, Mode::Normal));
        for error in [CommitError::Unavailable, CommitError::OutcomeUnknown, CommitError::ReadOnly] {
            assert!(take(Err(error), 0, Mode::Normal));
        }
        // It is not even asked.
        assert!(take(taken_before(), 3, Mode::Normal));
        assert!(take(taken_before(), 0, Mode::ReadOnly) && take(taken_before(), 0, Mode::Opening));
    }

    #[test]
    fn nothing_is_taken_that_cannot_be_remembered() {
        let replays = Replays { most: 3, most_of_checkpoint: 2, ..Replays::default() };
        let take = |who, proof, seconds| replays.take(who, [proof; 32], after(seconds));
        assert_eq!((take(GATE, 1, 0), take(GATE, 2, 0), take(GATE, 3, 1)), (Taken::First, Taken::First, Taken::Full));
        assert_eq!((take(OTHER, 3, 1), take(OTHER, 4, 1)), (Taken::First, Taken::Full));
        // It was not taken, so it is not remembered; what was is known all the same, and room comes back.
        assert_eq!(take(GATE, 1, 2), Taken::Again);
        assert_eq!((take(OTHER, 4, SHOWN_MEMORY_SECONDS), take(GATE, 5, SHOWN_MEMORY_SECONDS)), (Taken::First, Taken::First));
    }
}

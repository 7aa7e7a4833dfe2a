//! Which presentations were taken already. In memory only: after a restart a code of before it is good for half a minute
//! more, once again.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    base::limits::{SHOWN_MEMORY, SHOWN_MEMORY_OF_CHECKPOINT, SHOWN_MEMORY_SECONDS},
    model::ids::TokenId,
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

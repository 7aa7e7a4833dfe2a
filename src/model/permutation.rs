//! In which order the indices of a status list are given.
//!
//! The n-th card of a list gets the n-th element of a permutation of all indices, keyed by a secret and the list. So
//! an index says nothing of when a card was issued, no index is given twice, and neither a list of free indices nor a
//! search for one is kept: a counter is all the state (draft-ietf-oauth-status-list sections 12.5, 13.2; checklist
//! TSL-12).
//!
//! The permutation is a balanced Feistel network over 10 + 10 bits, whose round functions are tables drawn from
//! HMAC-SHA256. A half has only 1,024 values, so ten rounds fit into 20 KiB; drawing them once costs 640 hashes, after
//! which an index costs ten look-ups instead of ten hashes inside the store's one writer thread. Luby and Rackoff
//! need four rounds against an adversary who chooses both ends; the further six answer that the domain is small. Here
//! nobody chooses inputs at all, and the published lists show outputs only of cards that changed state.

use crate::{
    base::{
        limits::STATUS_LIST_ENTRIES,
        secret::{Secret, SecretKey},
    },
    crypto::keyed_hash,
    model::ids::ListId,
};

/// Bits of one half of an index.
const HALF_BITS: u32 = 10;
/// Values of one half.
const HALF: usize = 1 << HALF_BITS;
/// See the head of the file.
const ROUNDS: usize = 10;

const _: () = assert!(HALF * HALF == STATUS_LIST_ENTRIES, "the permutation covers a list exactly");

/// The order of the indices of one list: a bijection on 0..2^20 that only the holder of the key can compute.
pub struct IndexPermutation {
    /// `ROUNDS` tables of `HALF` values, each below `HALF`.
    rounds: Secret<Vec<u16>>,
}

impl IndexPermutation {
    /// The permutation of `list` under `key`. Costs about a millisecond; keep it.
    pub fn new(key: &SecretKey, list: ListId) -> Self {
        let mut rounds = Vec::with_capacity(ROUNDS * HALF);
        let mut block: u32 = 0;
        while rounds.len() < ROUNDS * HALF {
            let drawn = keyed_block(key, list, block);
            rounds.extend(drawn.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]]) % HALF as u16));
            block += 1;
        }
        Self { rounds: Secret::new(rounds) }
    }

    /// The index of the `counter`-th card, counted from 0. A counter that is no index of a list stands for itself: it
    /// can take no card's place, and the board has no such entry.
    pub fn index(&self, counter: u32) -> u32 {
        let Some((mut left, mut right)) = halves(counter) else { return counter };
        for round in self.rounds.expose().chunks_exact(HALF) {
            (left, right) = (right, left ^ mapped(round, right));
        }
        left << HALF_BITS | right
    }

    /// The counter of the card that was given `index`: what a repair needs to move the counter past every index in
    /// the log. The inverse of [`index`](Self::index).
    pub fn counter(&self, index: u32) -> u32 {
        let Some((mut left, mut right)) = halves(index) else { return index };
        for round in self.rounds.expose().chunks_exact(HALF).rev() {
            (left, right) = (right ^ mapped(round, left), left);
        }
        left << HALF_BITS | right
    }
}

/// The two halves of an index; none beyond the end of a list.
fn halves(index: u32) -> Option<(u32, u32)> {
    let left = index >> HALF_BITS;
    (left < HALF as u32).then_some((left, index & (HALF as u32 - 1)))
}

/// `half` is always below `HALF`, so it is always found.
fn mapped(round: &[u16], half: u32) -> u32 {
    round.get(half as usize).copied().map_or(0, u32::from)
}

/// 32 bytes of the stream that fills the tables.
fn keyed_block(key: &SecretKey, list: ListId, block: u32) -> [u8; 32] {
    let [a, b, c, d] = list.0.to_be_bytes();
    let [e, f, g, h] = block.to_be_bytes();
    keyed_hash(key, "yufu-index-permutation-v1", &[a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn permutation(key: u8, list: u32) -> IndexPermutation {
        IndexPermutation::new(&SecretKey::new([key; 32]), ListId(list))
    }

    #[test]
    fn every_index_of_a_list_is_given_exactly_once() {
        let order = permutation(7, 3);
        let mut given = vec![false; STATUS_LIST_ENTRIES];
        for counter in 0..STATUS_LIST_ENTRIES as u32 {
            let index = order.index(counter);
            assert!(!std::mem::replace(&mut given[index as usize], true), "{index} twice");
            assert_eq!(order.counter(index), counter);
        }
    }

    #[test]
    fn beyond_the_list_a_counter_stands_for_itself() {
        let order = permutation(7, 3);
        for counter in [1 << 20, (1 << 20) + 1, u32::MAX] {
            assert_eq!((order.index(counter), order.counter(counter)), (counter, counter));
        }
    }

    #[test]
    fn the_order_depends_on_key_and_list_and_on_nothing_else() {
        let order = permutation(1, 1);
        let base: Vec<u32> = (0..1_000).map(|counter| order.index(counter)).collect();
        assert_eq!(base[..3], [1_039, 518_431, 171_656], "the order of a list that is in use must never change");
        for other in [permutation(2, 1), permutation(1, 2), permutation(1, 0x0100_0000)] {
            // Two independent orders of a million agree at one of 1,000 places about once in a thousand times.
            let agreeing = base.iter().zip(0..).filter(|(index, counter)| other.index(*counter) == **index).count();
            assert!(agreeing <= 2, "{agreeing}");
        }
    }

    #[test]
    fn neighbours_are_torn_apart() {
        let order = permutation(9, 1);
        let near = (0..10_000).filter(|counter| order.index(*counter).abs_diff(order.index(counter + 1)) < 1_000).count();
        // Two random indices lie within 1,000 of each other about once in 524 times: 19 in 10,000.
        assert!(near < 50, "{near}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_the_key_the_way_there_and_back_agree(key: [u8; 32], list: u32, counters in prop::collection::vec(0..1_u32 << 20, 50)) {
            let order = IndexPermutation::new(&SecretKey::new(key), ListId(list));
            for counter in counters {
                let index = order.index(counter);
                prop_assert!(index < 1 << 20);
                prop_assert_eq!(order.counter(index), counter);
            }
        }
    }
}

//! Proofs for events of our own log, made by reading it page by page.
//!
//! A proof reads every event under the head once: a second or two a million. The tiles of the log, which answer such
//! questions without reading events, come with the public log.

use std::ops::Range;

use crate::{
    format::merkle::{self, Frontier, Hash},
    store::{ReadError, Store},
};

/// Events read at a time.
const PAGE: u64 = 1024;

/// Why there is no proof.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProveError {
    /// There is no such event under a head of that size, or not as many events in the log.
    #[error("no such event under that tree head")]
    NoSuchEvent,
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log does not give the events in order, without gaps.
    #[error("the log has no event {0} where it should stand")]
    Gap(u64),
}

/// The inclusion proof of event `number`, counted from 1, under the tree head of `size` events.
pub fn inclusion(store: &dyn Store, number: u64, size: u64) -> Result<Vec<Hash>, ProveError> {
    let index = number.checked_sub(1).ok_or(ProveError::NoSuchEvent)?;
    roots(store, size, merkle::inclusion_path(index, size))
}

/// The consistency proof from the tree head of `old` events to that of `new` events.
pub fn consistency(store: &dyn Store, old: u64, new: u64) -> Result<Vec<Hash>, ProveError> {
    roots(store, new, merkle::consistency_path(old, new))
}

fn roots(store: &dyn Store, size: u64, path: Option<Vec<Range<u64>>>) -> Result<Vec<Hash>, ProveError> {
    let path = path.filter(|_| size <= store.head().size).ok_or(ProveError::NoSuchEvent)?;
    path.into_iter().map(|leaves| root(store, leaves)).collect()
}

/// The root over leaves; leaf n is event n + 1.
pub(super) fn root(store: &dyn Store, leaves: Range<u64>) -> Result<Hash, ProveError> {
    let (mut tree, mut next) = (Frontier::new(), leaves.start);
    while next < leaves.end {
        let limit = usize::try_from((leaves.end - next).min(PAGE)).unwrap_or(usize::MAX);
        let events = store.events(next + 1, limit)?;
        if events.is_empty() {
            return Err(ProveError::Gap(next + 1));
        }
        for logged in events.iter().take(limit) {
            if logged.event.number != next + 1 {
                return Err(ProveError::Gap(next + 1));
            }
            tree.append(merkle::leaf_hash(&logged.commitment()));
            next += 1;
        }
    }
    Ok(tree.root())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::fixture::{LogOnly, event, head};

    fn size_and_root(count: u64) -> (u64, Hash) {
        let head = head(&(1..=count).map(event).collect::<Vec<_>>());
        (head.size, head.root)
    }

    #[test]
    fn every_event_is_proved_under_every_head() {
        let store = LogOnly::of(33);
        for size in 1..=33 {
            let (_, root) = size_and_root(size);
            for number in 1..=size {
                let proof = inclusion(&store, number, size).expect("a proof");
                let leaf = merkle::leaf_hash(&event(number).commitment());
                assert_eq!(merkle::verify_inclusion(&leaf, number - 1, size, &proof, &root), Ok(()), "{number} of {size}");
            }
        }
        for (number, size) in [(0, 5), (6, 5), (1, 34), (1, 0)] {
            assert_eq!(inclusion(&store, number, size), Err(ProveError::NoSuchEvent), "{number} of {size}");
        }
    }

    #[test]
    fn every_head_is_proved_to_be_the_beginning_of_every_later_one() {
        let store = LogOnly::of(20);
        for new in 0..=20 {
            for old in 0..=new {
                let proof = consistency(&store, old, new).expect("a proof");
                let ((_, old_root), (_, new_root)) = (size_and_root(old), size_and_root(new));
                assert_eq!(merkle::verify_consistency(old, &old_root, new, &new_root, &proof), Ok(()), "{old} to {new}");
            }
        }
        assert_eq!(consistency(&store, 3, 2), Err(ProveError::NoSuchEvent));
        assert_eq!(consistency(&store, 3, 21), Err(ProveError::NoSuchEvent));
    }

    #[test]
    fn a_gap_in_the_log_is_no_proof() {
        let mut store = LogOnly::of(9);
        store.events.remove(4);
        assert_eq!(inclusion(&store, 1, 8), Err(ProveError::Gap(5)));
        store.events.truncate(4);
        assert_eq!(inclusion(&store, 1, 4).map(|proof| proof.len()), Ok(2));
    }
}

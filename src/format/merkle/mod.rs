//! The Merkle tree of the log (RFC 9162 section 2.1, the tree of RFC 6962): hashes, roots, proofs and their checks.
//!
//! Proofs are described as ranges of leaves first ([`inclusion_path`], [`consistency_path`]); each of their nodes is
//! the root over one range. So a prover with a log too long for memory reads range after range, and the functions
//! over a slice of all leaves are a fold of the same description.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{base::base64url, crypto::sha256};

/// A node of the tree: SHA-256.
pub type Hash = [u8; 32];

/// The bytes do not describe the right edge of a tree.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not the frontier of a tree")]
pub struct NotAFrontier;

/// A proof does not lead from what it starts with to the root. Nothing more is said.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the proof does not hold")]
pub struct BadProof;

/// The hash of a leaf: SHA-256(0x00 || entry).
pub fn leaf_hash(entry: &[u8]) -> Hash {
    sha256([&[0], entry].concat())
}

/// The hash of an inner node: SHA-256(0x01 || left || right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut input = [1; 65];
    input[1..33].copy_from_slice(left);
    input[33..].copy_from_slice(right);
    sha256(input)
}

/// The root of the tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    sha256([])
}

/// The right edge of a tree: enough to append leaves and to tell the root, in 32 bytes a level.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(into = "String", try_from = "String")]
pub struct Frontier {
    size: u64,
    /// Roots of the perfect subtrees the tree falls into, the largest first: one for each bit set in `size`.
    perfect: Vec<Hash>,
}

impl Frontier {
    /// The tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends the hash of a leaf, see [`leaf_hash`]. A tree of 2^64 - 1 leaves cannot grow; none is ever met.
    pub fn append(&mut self, leaf: Hash) {
        let Some(size) = self.size.checked_add(1) else { return };
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.perfect.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.perfect.push(node);
        self.size = size;
    }

    /// The root over all leaves so far.
    pub fn root(&self) -> Hash {
        let mut smallest_first = self.perfect.iter().rev();
        match smallest_first.next() {
            None => empty_root(),
            Some(last) => smallest_first.fold(*last, |right, left| node_hash(left, &right)),
        }
    }

    /// Size (8 bytes, big-endian), then the roots of the perfect subtrees, the largest first.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.size.to_be_bytes()[..], self.perfect.as_flattened()].concat()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote: exactly one root for each bit set in the size.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotAFrontier> {
        let (size, roots) = bytes.split_first_chunk().ok_or(NotAFrontier)?;
        let size = u64::from_be_bytes(*size);
        let (perfect, rest) = roots.as_chunks();
        if !rest.is_empty() || perfect.len() != size.count_ones() as usize {
            return Err(NotAFrontier);
        }
        Ok(Self { size, perfect: perfect.to_vec() })
    }
}

impl FromIterator<Hash> for Frontier {
    /// The tree over leaf hashes.
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut tree = Self::new();
        leaves.into_iter().for_each(|leaf| tree.append(leaf));
        tree
    }
}

impl From<Frontier> for String {
    fn from(frontier: Frontier) -> Self {
        base64url::encode(frontier.to_bytes())
    }
}

impl TryFrom<String> for Frontier {
    type Error = NotAFrontier;

    fn try_from(text: String) -> Result<Self, NotAFrontier> {
        Self::from_bytes(&base64url::decode(text).map_err(|_| NotAFrontier)?)
    }
}

/// The root over leaf hashes.
pub fn root(leaves: &[Hash]) -> Hash {
    leaves.iter().copied().collect::<Frontier>().root()
}

/// Which ranges of leaves have the nodes of the inclusion proof as their roots, in the order of the proof (RFC 9162
/// section 2.1.3.1); none when the tree has no leaf `index`.
pub fn inclusion_path(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if index >= size {
        return None;
    }
    let (mut from, mut to, mut path) = (0, size, Vec::new());
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            path.push(middle..to);
            to = middle;
        } else {
            path.push(from..middle);
            from = middle;
        }
    }
    path.reverse();
    Some(path)
}

/// Which ranges of leaves have the nodes of the consistency proof as their roots, in the order of the proof (RFC 9162
/// section 2.1.4.1); none when `old` is larger than `new`. Empty when the sizes are equal, or `old` is 0: whatever
/// follows an empty tree is consistent with it.
pub fn consistency_path(old: u64, new: u64) -> Option<Vec<Range<u64>>> {
    if old > new {
        return None;
    }
    let (mut from, mut to, mut path) = (0, new, Vec::new());
    if old == 0 {
        return Some(path);
    }
    while to != old {
        let middle = from + split(to - from);
        if old <= middle {
            path.push(middle..to);
            to = middle;
        } else {
            path.push(from..middle);
            from = middle;
        }
    }
    // The subtree that ends with the old tree is known to the verifier only when it is the whole of it.
    if from > 0 {
        path.push(from..to);
    }
    path.reverse();
    Some(path)
}

/// The inclusion proof of leaf `index` in the tree over the first `size` leaf hashes; none when there are fewer
/// leaves or no such leaf.
pub fn inclusion_proof(leaves: &[Hash], index: u64, size: u64) -> Option<Vec<Hash>> {
    roots(leaves, inclusion_path(index, size)?)
}

/// The consistency proof between the trees over the first `old` and the first `new` leaf hashes; none when there are
/// fewer leaves or `old` is larger than `new`.
pub fn consistency_proof(leaves: &[Hash], old: u64, new: u64) -> Option<Vec<Hash>> {
    roots(leaves, consistency_path(old, new)?)
}

fn roots(leaves: &[Hash], path: Vec<Range<u64>>) -> Option<Vec<Hash>> {
    let range = |r: Range<u64>| leaves.get(usize::try_from(r.start).ok()?..usize::try_from(r.end).ok()?).map(root);
    path.into_iter().map(range).collect()
}

/// Checks that `leaf` is leaf `index` of the tree of `size` leaves under `root` (RFC 9162 section 2.1.3.2).
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> Result<(), BadProof> {
    if index >= size {
        return Err(BadProof);
    }
    let (mut at, mut last, mut node) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(BadProof);
        }
        if at & 1 == 1 || at == last {
            node = node_hash(sibling, &node);
            (at, last) = climb_to_right_child(at, last);
        } else {
            node = node_hash(&node, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last == 0 && node == *root { Ok(()) } else { Err(BadProof) }
}

/// Checks that the tree of `old` leaves under `old_root` is the beginning of the tree of `new` leaves under
/// `new_root` (RFC 9162 section 2.1.4.2).
pub fn verify_consistency(old: u64, old_root: &Hash, new: u64, new_root: &Hash, proof: &[Hash]) -> Result<(), BadProof> {
    let held = |holds: bool| if holds { Ok(()) } else { Err(BadProof) };
    if old == new {
        return held(proof.is_empty() && old_root == new_root);
    }
    if old == 0 {
        return held(proof.is_empty() && *old_root == empty_root());
    }
    if old > new {
        return Err(BadProof);
    }
    let (seed, rest) = match proof.split_first() {
        None => return Err(BadProof),
        Some(_) if old.is_power_of_two() => (old_root, proof),
        Some(first_and_rest) => first_and_rest,
    };
    let (mut at, mut last) = (old - 1, new - 1);
    let rises = at.trailing_ones();
    (at, last) = (at >> rises, last >> rises);
    let (mut old_node, mut new_node) = (*seed, *seed);
    for sibling in rest {
        if last == 0 {
            return Err(BadProof);
        }
        if at & 1 == 1 || at == last {
            old_node = node_hash(sibling, &old_node);
            new_node = node_hash(sibling, &new_node);
            (at, last) = climb_to_right_child(at, last);
        } else {
            new_node = node_hash(&new_node, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    held(last == 0 && old_node == *old_root && new_node == *new_root)
}

/// Skips the levels on which a node at the right edge has no sibling: up to the first level where it is a right child.
fn climb_to_right_child(at: u64, last: u64) -> (u64, u64) {
    let rises = if at == 0 { 0 } else { at.trailing_zeros() };
    (at >> rises, last >> rises)
}

/// The largest power of two below `size`, which is at least 2.
fn split(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size - 1).leading_zeros())
}

#[cfg(test)]
mod tests;

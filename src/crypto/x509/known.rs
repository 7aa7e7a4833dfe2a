//! Chains that were verified, so that the next signature under one costs a comparison and not a chain.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::chain::Leaf;
use crate::base::{limits::KNOWN_CHAINS, time::Timestamp};

/// Leaves by the very bytes of their chains. What a chain says depends on its bytes, on the anchors and on the time: one set
/// of anchors has one of these, and a leaf is given only within the time in which its chain and its anchor hold.
#[derive(Debug, Default)]
pub struct KnownChains(RwLock<HashMap<Vec<Vec<u8>>, Arc<Leaf>>>);

impl KnownChains {
    /// The leaf of a chain that was verified before and holds at this time.
    pub fn get(&self, x5c: &[Vec<u8>], at: Timestamp) -> Option<Arc<Leaf>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(x5c).filter(|leaf| leaf.holds_from <= at && at <= leaf.holds_until).map(Arc::clone)
    }

    /// Remembers a chain that was just verified, its key [`prepared`](crate::crypto::PublicKey::prepared). Only chains that
    /// lead to an anchor come here, so nobody fills this but an authority that is trusted; one chain more than
    /// [`KNOWN_CHAINS`] makes it forget all, and they are verified again.
    pub fn keep(&self, x5c: &[Vec<u8>], mut leaf: Leaf) -> Arc<Leaf> {
        leaf.public_key = leaf.public_key.prepared();
        let leaf = Arc::new(leaf);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_CHAINS && !known.contains_key(x5c) {
            known.clear();
        }
        known.insert(x5c.to_vec(), Arc::clone(&leaf));
        leaf
    }
}

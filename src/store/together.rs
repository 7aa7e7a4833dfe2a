//! What the nodes of one service arrange among themselves through the store that they share.
//!
//! Leases save work and nothing rests on them: two nodes that both believe they hold one still write through rows that
//! only move forward ([`Together::shelve`], [`Together::keep_head`]).

#[cfg(test)]
pub mod fake;

use std::{sync::Arc, time::Duration};

use crate::{
    base::time::Timestamp,
    model::ids::ListId,
    store::{ReadError, TreeHead},
};

/// A signed status list as one node left it for all.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shelved {
    /// Which list.
    pub list: ListId,
    /// The status list token.
    pub token: Arc<str>,
    /// Its `iat`.
    pub signed_at: Timestamp,
    /// Its `exp`.
    pub expires_at: Timestamp,
    /// The last event that had changed the list when it was signed.
    pub last_change: u64,
    /// The last event that was known to stand on the signing node's board completely.
    pub shown: u64,
}

/// How nodes of one service share work. Every call answers within the store's time limits.
pub trait Together: Send + Sync {
    /// Takes the lease `name`, or keeps it, for `lasts` from now by the database's clock. Whether this node holds it. A
    /// lease whose holder is gone can be taken once its time is over.
    fn lease(&self, name: &str, lasts: Duration) -> Result<bool, ReadError>;

    /// Leaves a signed list for all nodes, unless that would take what lies there back: an earlier `iat`, an earlier event
    /// (its signer has not heard of a revocation that is published), or neither of them later. Whether it was left.
    fn shelve(&self, list: &Shelved) -> Result<bool, ReadError>;

    /// The lists that lie there, each in its newest version, that are newer than `than` says: the `iat` and event of those
    /// the caller has. Some of them, in the order of their numbers, where there are many.
    fn shelved(&self, than: &[(ListId, Timestamp, u64)]) -> Result<Vec<Shelved>, ReadError>;

    /// Keeps a tree head before it is shown to anyone. False when another root was kept for the same size: the log was
    /// changed, and this head must not be shown.
    fn keep_head(&self, head: TreeHead) -> Result<bool, ReadError>;
}

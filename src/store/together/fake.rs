//! Nodes that share a table in memory instead of a database, for the tests of what they arrange through it.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use super::*;
use crate::base::clock::{Clock, ManualClock};

/// What a database keeps for all nodes.
pub struct Table {
    clock: ManualClock,
    away: AtomicBool,
    rows: Mutex<Rows>,
}

#[derive(Default)]
struct Rows {
    leases: BTreeMap<String, (u8, Duration)>,
    shelf: BTreeMap<ListId, Shelved>,
    heads: BTreeMap<u64, [u8; 32]>,
}

/// One node at the table.
pub struct Node {
    table: Arc<Table>,
    name: u8,
}

impl Table {
    /// An empty table whose leases run by this clock.
    pub fn new(clock: &ManualClock) -> Arc<Self> {
        Arc::new(Self { clock: clock.clone(), away: AtomicBool::new(false), rows: Mutex::default() })
    }

    /// A node with this name.
    pub fn node(self: &Arc<Self>, name: u8) -> Node {
        Node { table: Arc::clone(self), name }
    }

    /// From now on the table does not answer, or does again.
    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::Release);
    }

    fn rows(&self) -> Result<MutexGuard<'_, Rows>, ReadError> {
        if self.away.load(Ordering::Acquire) {
            return Err(ReadError::Unavailable);
        }
        Ok(self.rows.lock().expect("not poisoned"))
    }
}

impl Together for Node {
    fn lease(&self, name: &str, lasts: Duration) -> Result<bool, ReadError> {
        let (mut rows, now) = (self.table.rows()?, self.table.clock.monotonic());
        let held = rows.leases.get(name).is_some_and(|(holder, until)| *holder != self.name && *until > now);
        if !held {
            rows.leases.insert(name.to_owned(), (self.name, now + lasts));
        }
        Ok(!held)
    }

    fn shelve(&self, list: &Shelved) -> Result<bool, ReadError> {
        let mut rows = self.table.rows()?;
        let place = |of: &Shelved| (of.signed_at, of.last_change);
        let forward = rows.shelf.get(&list.list).is_none_or(|lies| {
            list.signed_at >= lies.signed_at && list.last_change >= lies.last_change && place(list) != place(lies)
        });
        if forward {
            rows.shelf.insert(list.list, list.clone());
        }
        Ok(forward)
    }

    fn shelved(&self, than: &[(ListId, Timestamp, u64)]) -> Result<Vec<Shelved>, ReadError> {
        let rows = self.table.rows()?;
        let known = |of: &Shelved| {
            than.iter().any(|(list, at, change)| {
                (*list, (*at, *change)) >= (of.list, (of.signed_at, of.last_change)) && *list == of.list
            })
        };
        Ok(rows.shelf.values().filter(|shelved| !known(shelved)).cloned().collect())
    }

    fn keep_head(&self, head: TreeHead) -> Result<bool, ReadError> {
        Ok(*self.table.rows()?.heads.entry(head.size).or_insert(head.root) == head.root)
    }
}

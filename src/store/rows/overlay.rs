//! What the records will be once the commits of a group are made: the records, then the earlier commits of the group,
//! then the commit at hand.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use crate::{
    model::{
        event::LoggedEvent,
        record::{Key, Record},
    },
    store::{
        ReadError,
        rows::{Change, Rows, encoding, redo::redo_event},
    },
};

type Layer = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Pending changes over the records.
pub(in crate::store) struct Overlay<'a> {
    records: &'a dyn Rows,
    group: Layer,
    own: Layer,
}

impl<'a> Overlay<'a> {
    pub(in crate::store) fn over(records: &'a dyn Rows) -> Self {
        Self { records, group: Layer::new(), own: Layer::new() }
    }

    /// The version of the record under `key`; 0 when there is none.
    pub(in crate::store) fn version(&self, key: &Key) -> Result<u64, ReadError> {
        let key = encoding::key_bytes(key);
        match self.raw(&key)? {
            Some(value) => Ok(encoding::decode(&key, &value)?.version),
            None => Ok(0),
        }
    }

    /// The record under `key`.
    pub(in crate::store) fn get(&self, key: &Key) -> Result<Option<Record>, ReadError> {
        self.read(&encoding::key_bytes(key))
    }

    /// The record under a key as bytes.
    pub(in crate::store) fn read(&self, key: &[u8]) -> Result<Option<Record>, ReadError> {
        self.raw(key)?.map(|value| Ok(encoding::decode(key, &value)?.value)).transpose()
    }

    /// Every key that begins with `prefix`.
    pub(in crate::store) fn keys(&self, prefix: &[u8]) -> Result<BTreeSet<Vec<u8>>, ReadError> {
        let mut keys = BTreeSet::new();
        for row in self.records.scan(prefix, None) {
            keys.insert(row?.0);
        }
        for layer in [&self.group, &self.own] {
            for (key, value) in layer.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix)) {
                match value {
                    Some(_) => drop(keys.insert(key.clone())),
                    None => drop(keys.remove(key)),
                }
            }
        }
        Ok(keys)
    }

    /// Whether any key begins with `prefix`.
    pub(in crate::store) fn any(&self, prefix: &[u8]) -> Result<bool, ReadError> {
        for layer in [&self.own, &self.group] {
            let mut rows = layer.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
            if rows.any(|(key, _)| matches!(self.pending(key), Some(Some(_)))) {
                return Ok(true);
            }
        }
        for row in self.records.scan(prefix, None) {
            if self.pending(&row?.0).is_none_or(Option::is_some) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes a record and its index keys; gives nothing up until [`keep`](Self::keep).
    pub(in crate::store) fn put(&mut self, record: &Record) -> Result<(), ReadError> {
        let key = record.key();
        let version = self.version(&key)?.saturating_add(1);
        self.remove(&key)?;
        self.own.insert(encoding::key_bytes(&key), Some(encoding::encode(version, record)?));
        self.own.extend(encoding::index_keys(record).into_iter().map(|index| (index, Some(Vec::new()))));
        Ok(())
    }

    /// Removes a record and its index keys.
    pub(in crate::store) fn remove(&mut self, key: &Key) -> Result<(), ReadError> {
        let key = encoding::key_bytes(key);
        if let Some(value) = self.raw(&key)? {
            let old = encoding::decode(&key, &value)?.value;
            self.own.extend(encoding::index_keys(&old).into_iter().map(|index| (index, None)));
            self.own.insert(key, None);
        }
        Ok(())
    }

    /// Whether redoing `events` on what was there before the commit at hand gives exactly its changes, byte for byte.
    pub(in crate::store) fn follows_from(&mut self, events: &[LoggedEvent]) -> bool {
        let made = mem::take(&mut self.own);
        let follows = events.iter().all(|logged| redo_event(self, &logged.event) == Ok(true)) && self.own == made;
        self.own = made;
        follows
    }

    /// Makes the changes of the commit at hand part of the group.
    pub(in crate::store) fn keep(&mut self) {
        self.group.append(&mut self.own);
    }

    /// Forgets the changes of the commit at hand.
    pub(in crate::store) fn discard(&mut self) {
        self.own.clear();
    }

    /// All changes of the group.
    pub(in crate::store) fn into_changes(self) -> impl Iterator<Item = Change> {
        self.group.into_iter()
    }

    /// What stands under a key once the pending changes are made; none when they do not touch it.
    fn pending(&self, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        self.own.get(key).or_else(|| self.group.get(key))
    }

    fn raw(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        match self.pending(key) {
            Some(pending) => Ok(pending.clone()),
            None => self.records.raw(key),
        }
    }
}

//! The status lists in memory, packed as they are published: a lookup is one index.
//!
//! One writer (the store's commit thread) sets entries; readers take no lock but the short one on the map of lists.
//! Beside the two bits of a status stands one bit that says whether the index was ever given: a forged card with an
//! index nobody gave reads "valid" in the list, as the standard asks, and is caught by that bit.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering},
    },
};

use crate::{
    base::limits::STATUS_LIST_ENTRIES,
    model::{
        card::StatusRef,
        event::{Event, What},
        ids::ListId,
    },
};

/// Bits of one entry.
pub const BITS: u8 = 2;

/// One list in memory.
pub struct PackedList {
    credential_type: String,
    /// Two bits an entry, least significant first (draft-ietf-oauth-status-list section 4.1).
    values: Box<[AtomicU8]>,
    /// One bit an entry: given to a card.
    given: Box<[AtomicU8]>,
    given_count: AtomicU32,
    last_change: AtomicU64,
}

/// What the board knows of one index.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The value of the list: 0 valid, 1 invalid, 2 suspended.
    pub value: u8,
    /// Whether the index was ever given to a card.
    pub given: bool,
}

impl PackedList {
    /// An empty list for cards of one type.
    pub fn new(credential_type: String) -> Self {
        let zeros = |bytes: usize| (0..bytes).map(|_| AtomicU8::new(0)).collect();
        Self {
            credential_type,
            values: zeros(STATUS_LIST_ENTRIES * BITS as usize / 8),
            given: zeros(STATUS_LIST_ENTRIES / 8),
            given_count: AtomicU32::new(0),
            last_change: AtomicU64::new(0),
        }
    }

    /// The type whose cards have their status here.
    pub fn credential_type(&self) -> &str {
        &self.credential_type
    }

    /// The number of the last event that changed a value; 0 when none did.
    pub fn last_change(&self) -> u64 {
        self.last_change.load(Ordering::Acquire)
    }

    /// How many indices were given.
    pub fn given_count(&self) -> u32 {
        self.given_count.load(Ordering::Acquire)
    }

    /// The entry at `index`; none beyond the end of the list.
    pub fn entry(&self, index: u32) -> Option<Entry> {
        let at = usize::try_from(index).ok()?;
        let value = self.values.get(at / 4)?.load(Ordering::Acquire) >> (at % 4 * 2) & 3;
        let given = self.given.get(at / 8)?.load(Ordering::Acquire) >> (at % 8) & 1 == 1;
        Some(Entry { value, given })
    }

    /// A copy of the packed values, as they are compressed for publication.
    pub fn packed_values(&self) -> Vec<u8> {
        self.values.iter().map(|byte| byte.load(Ordering::Acquire)).collect()
    }

    /// A copy of the packed bits that say which indices were given.
    pub fn packed_given(&self) -> Vec<u8> {
        self.given.iter().map(|byte| byte.load(Ordering::Acquire)).collect()
    }

    /// A list as a snapshot kept it; none when the lengths are not those of a list.
    pub fn restore(credential_type: String, values: &[u8], given: &[u8], last_change: u64) -> Option<Self> {
        let list = Self::new(credential_type);
        if values.len() != list.values.len() || given.len() != list.given.len() {
            return None;
        }
        list.values.iter().zip(values).for_each(|(to, from)| to.store(*from, Ordering::Release));
        list.given.iter().zip(given).for_each(|(to, from)| to.store(*from, Ordering::Release));
        list.given_count.store(given.iter().map(|byte| byte.count_ones()).sum(), Ordering::Release);
        list.last_change.store(last_change, Ordering::Release);
        Some(list)
    }

    fn set(&self, index: u32, value: u8, event: u64) {
        let at = index as usize;
        if let Some(byte) = self.values.get(at / 4) {
            let shift = at % 4 * 2;
            // One writer only, so load and store need not be one step.
            byte.store(byte.load(Ordering::Acquire) & !(3 << shift) | (value & 3) << shift, Ordering::Release);
            self.last_change.store(event, Ordering::Release);
        }
    }

    fn give(&self, index: u32) {
        let at = index as usize;
        if let Some(byte) = self.given.get(at / 8)
            && byte.fetch_or(1 << (at % 8), Ordering::AcqRel) >> (at % 8) & 1 == 0
        {
            self.given_count.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// All lists of the service.
#[derive(Default)]
pub struct StatusBoard {
    lists: RwLock<BTreeMap<ListId, Arc<PackedList>>>,
    incomplete: AtomicBool,
}

impl StatusBoard {
    /// The list, if it was ever opened.
    pub fn list(&self, id: ListId) -> Option<Arc<PackedList>> {
        self.lists.read().unwrap_or_else(PoisonError::into_inner).get(&id).map(Arc::clone)
    }

    /// Every list, in the order of opening.
    pub fn lists(&self) -> Vec<(ListId, Arc<PackedList>)> {
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        lists.iter().map(|(id, list)| (*id, Arc::clone(list))).collect()
    }

    /// The entry of one copy; none when there is no such list or index.
    pub fn entry(&self, at: StatusRef) -> Option<Entry> {
        self.list(at.list)?.entry(at.index)
    }

    /// States that events were lost: what reads suspended or revoked is so, what reads valid may have been revoked.
    pub fn mark_incomplete(&self) {
        self.incomplete.store(true, Ordering::Release);
    }

    /// States that nothing was lost after all.
    pub fn mark_complete(&self) {
        self.incomplete.store(false, Ordering::Release);
    }

    /// Whether every status change that was answered for is shown. Only then is a value of "valid" worth anything.
    pub fn is_complete(&self) -> bool {
        !self.incomplete.load(Ordering::Acquire)
    }

    /// Puts a list in place, as read from a snapshot.
    pub fn install(&self, id: ListId, list: PackedList) {
        self.lists.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::new(list));
    }

    /// Takes up what an event says of lists and statuses. Called by the store, in the order of the events.
    pub fn apply(&self, event: &Event) {
        match &event.what {
            What::ListOpened { list, credential_type } => drop(self.list_or_new(*list, credential_type)),
            What::Issued { copies, credential_type, .. } => {
                copies.iter().for_each(|at| self.list_or_new(at.list, credential_type).give(at.index));
            }
            What::Renewed { copies, .. } => copies.iter().for_each(|at| self.list_or_new(at.list, "").give(at.index)),
            what => {
                let Some((copies, value)) = what.status_changes() else { return };
                // A log that is damaged may have lost the opening of the list, but not what was revoked in it.
                copies.iter().for_each(|at| self.list_or_new(at.list, "").set(at.index, value, event.number));
            }
        }
    }

    fn list_or_new(&self, id: ListId, credential_type: &str) -> Arc<PackedList> {
        if let Some(list) = self.list(id) {
            return list;
        }
        let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lists.entry(id).or_insert_with(|| Arc::new(PackedList::new(credential_type.to_owned()))))
    }
}

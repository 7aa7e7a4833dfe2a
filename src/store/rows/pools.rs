//! Which index is given next: for each credential type the list that is being filled, and how far it is.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    base::{limits::STATUS_LIST_ENTRIES, secret::SecretKey},
    model::{card::StatusRef, ids::ListId, permutation::IndexPermutation},
    store::status_board::StatusBoard,
};

#[derive(Clone)]
struct Pool {
    list: ListId,
    /// How many indices of the list were ever drawn.
    counter: u32,
    order: Arc<IndexPermutation>,
}

/// The pools of all types. A copy is drawn from and takes the place of the original once the commits stand.
#[derive(Clone)]
pub(in crate::store) struct Pools {
    filling: BTreeMap<String, Pool>,
    lists: u32,
    capacity: u32,
    key: SecretKey,
}

/// What was drawn for one card.
pub(in crate::store) struct Drawn {
    /// Lists that have to be opened first.
    pub(in crate::store) opened: Vec<ListId>,
    /// One reference a copy.
    pub(in crate::store) copies: Vec<StatusRef>,
}

/// All list numbers are used.
#[derive(Debug)]
pub(in crate::store) struct NoMoreLists;

impl Pools {
    /// As the board says: every index that was ever drawn stands in an event, so it is marked there as given.
    pub(in crate::store) fn from_board(board: &StatusBoard, key: SecretKey, capacity: u32) -> Self {
        let capacity = capacity.clamp(1, STATUS_LIST_ENTRIES as u32);
        let mut pools = Self { filling: BTreeMap::new(), lists: 0, capacity, key };
        for (list, packed) in board.lists() {
            pools.lists = pools.lists.max(list.0);
            let order = Arc::new(IndexPermutation::new(&pools.key, list));
            let pool = Pool { list, counter: packed.given_count(), order };
            pools.filling.insert(packed.credential_type().to_owned(), pool);
        }
        pools
    }

    /// Draws `count` indices of lists of one type.
    pub(in crate::store) fn draw(
        &mut self,
        board: &StatusBoard,
        credential_type: &str,
        count: usize,
    ) -> Result<Drawn, NoMoreLists> {
        let mut drawn = Drawn { opened: Vec::new(), copies: Vec::with_capacity(count) };
        while drawn.copies.len() < count {
            match self.filling.get_mut(credential_type).filter(|pool| pool.counter < self.capacity) {
                Some(pool) => {
                    let at = StatusRef { list: pool.list, index: pool.order.index(pool.counter) };
                    pool.counter += 1;
                    // After a change of the key the order is another one and can meet an index that was given.
                    if !board.entry(at).is_some_and(|entry| entry.given) {
                        drawn.copies.push(at);
                    }
                }
                None => drawn.opened.push(self.open(credential_type)?),
            }
        }
        Ok(drawn)
    }

    fn open(&mut self, credential_type: &str) -> Result<ListId, NoMoreLists> {
        self.lists = self.lists.checked_add(1).ok_or(NoMoreLists)?;
        let list = ListId(self.lists);
        let order = Arc::new(IndexPermutation::new(&self.key, list));
        self.filling.insert(credential_type.to_owned(), Pool { list, counter: 0, order });
        Ok(list)
    }
}

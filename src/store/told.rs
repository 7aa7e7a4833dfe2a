//! What the events tell, wherever they are kept: the packed lists, who holds a good token, the tree, and whose log it is.

use crate::{
    format::merkle::{Frontier, leaf_hash},
    model::{
        event::{LoggedEvent, What},
        ids::StoreId,
    },
    store::{TreeHead, roster::Roster, status_board::StatusBoard},
};

/// The state that follows from the events.
#[derive(Default)]
pub(in crate::store) struct Told {
    pub(in crate::store) board: StatusBoard,
    pub(in crate::store) roster: Roster,
    pub(in crate::store) frontier: Frontier,
    /// The records that belong to the log: those of the last creation, repair or restoring.
    pub(in crate::store) store: Option<StoreId>,
    /// The records the log began with; tells one log from another.
    pub(in crate::store) origin: Option<StoreId>,
    /// A head that was signed before, to be met on the way.
    pub(in crate::store) expected: Option<TreeHead>,
    /// Whether it was met with another root: the log was changed.
    pub(in crate::store) is_forked: bool,
}

impl Told {
    /// The number of the last event.
    pub(in crate::store) fn last(&self) -> u64 {
        self.frontier.size()
    }

    /// The size and root of the tree.
    pub(in crate::store) fn head(&self) -> TreeHead {
        TreeHead { size: self.frontier.size(), root: self.frontier.root() }
    }

    /// Takes up the next event.
    pub(in crate::store) fn take(&mut self, logged: &LoggedEvent) {
        self.frontier.append(leaf_hash(&logged.commitment()));
        self.show(logged);
        let met = self.expected.filter(|expected| expected.size == self.last());
        self.is_forked |= met.is_some_and(|expected| expected.root != self.frontier.root());
    }

    /// Takes up what an event says of lists and tokens, without its place in the tree.
    pub(in crate::store) fn show(&mut self, logged: &LoggedEvent) {
        self.board.apply(&logged.event);
        self.roster.apply(&logged.event);
        if let What::StoreCreated { store } | What::StoreRepaired { store, .. } | What::StoreRestored { store, .. } =
            logged.event.what
        {
            self.store = Some(store);
            self.origin.get_or_insert(store);
        }
    }
}

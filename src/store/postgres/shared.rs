//! What the writer, the readers and those who follow other nodes have in common.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    format::merkle::{Frontier, Hash, leaf_hash},
    model::{event::LoggedEvent, ids::StoreId},
    store::{
        Caution, Damage, Health, Mode, TreeHead,
        postgres::high_water::HighWater,
        roster::Roster,
        snapshot::Place,
        status_board::{PackedList, StatusBoard},
        told::Told,
        watch::Watch,
    },
};

pub(super) struct Shared {
    pub(super) board: StatusBoard,
    pub(super) roster: Roster,
    pub(super) watch: Watch,
    /// Whose records the database holds; none when it holds none.
    pub(super) store: Option<StoreId>,
    /// Whose log the database holds.
    origin: Option<StoreId>,
    mode: Mutex<Mode>,
    head: RwLock<TreeHead>,
    /// Held by whoever takes up events, so that each is taken up once and in order.
    edge: Mutex<Edge>,
    checked: AtomicU64,
    is_unreachable: AtomicBool,
    high_water: HighWater,
}

/// The end of what was taken up.
pub(super) struct Edge {
    frontier: Frontier,
    /// The leaf of the last event.
    last_leaf: Hash,
}

/// Events that do not go on where the ones before ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Gap;

impl Shared {
    /// The state the events gave, the last of which has this leaf. `checked` of them were read in this start.
    pub(super) fn new(told: Told, last_leaf: Hash, mode: Mode, checked: u64, high_water: HighWater) -> Self {
        let head = told.head();
        let Told { board, roster, frontier, store, origin, .. } = told;
        let shared = Self {
            board,
            roster,
            watch: Watch::default(),
            store,
            origin,
            mode: Mutex::new(mode),
            head: RwLock::new(head),
            edge: Mutex::new(Edge { frontier, last_leaf }),
            checked: AtomicU64::new(checked),
            is_unreachable: AtomicBool::new(false),
            high_water,
        };
        shared.watch.announce(head.size);
        if shared.mode() == Mode::Normal {
            shared.note(head);
        }
        shared
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Turns a normal store read-only.
    pub(super) fn close(&self) {
        let mut mode = self.mode.lock().unwrap_or_else(PoisonError::into_inner);
        if *mode == Mode::Normal {
            *mode = Mode::ReadOnly;
        }
    }

    /// Turns the store guarded; the first damage that was found stays named. What is in memory knows everything this
    /// node has seen, and may miss what others commit from now on: only what is revoked can be told.
    pub(super) fn guard(&self, damage: Damage) {
        let mut mode = self.mode.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*mode, Mode::Guarded(_)) {
            tracing::error!(%damage, "the database has lost or changed events; the store is guarded until it is restored");
            self.board.mark_incomplete();
            *mode = Mode::Guarded(damage);
        }
    }

    /// Takes up events in the order of their numbers; those that were taken up before are passed over.
    pub(super) fn take_up(&self, events: &[LoggedEvent]) -> Result<TreeHead, Gap> {
        let mut edge = self.edge();
        for logged in events {
            let next = edge.frontier.size().saturating_add(1);
            if logged.event.number < next {
                continue;
            }
            if logged.event.number > next {
                return Err(Gap);
            }
            edge.last_leaf = leaf_hash(&logged.commitment());
            let leaf = edge.last_leaf;
            edge.frontier.append(leaf);
            self.board.apply(&logged.event);
            self.roster.apply(&logged.event);
        }
        let head = TreeHead { size: edge.frontier.size(), root: edge.frontier.root() };
        let before = std::mem::replace(&mut *self.head.write().unwrap_or_else(PoisonError::into_inner), head);
        if head != before {
            // What was read from the database just now needs no check of its own once everything before was checked.
            if self.checked.load(Ordering::Acquire) >= before.size {
                self.checked(head.size);
            }
            self.note(head);
            self.watch.announce(head.size);
        }
        Ok(head)
    }

    /// The edge of the tree over what was taken up.
    pub(super) fn frontier(&self) -> Frontier {
        self.edge().frontier.clone()
    }

    /// Everything the events told, copied at one moment, and the place of the last one for a snapshot.
    pub(super) fn copy(&self) -> (Told, Place) {
        let edge = self.edge();
        let frontier = edge.frontier.clone();
        let told = Told { frontier, store: self.store, origin: self.origin, ..Told::default() };
        for (id, list) in self.board.lists() {
            let (values, given) = (list.packed_values(), list.packed_given());
            let copied = PackedList::restore(list.credential_type().to_owned(), &values, &given, list.last_change());
            if let Some(copied) = copied {
                told.board.install(id, copied);
            }
        }
        for (hash, token, role) in self.roster.entries() {
            told.roster.install(hash, token, role);
        }
        for (token, account) in self.roster.accounts() {
            told.roster.install_account(token, (*account).clone());
        }
        (told, place_of(&edge.last_leaf))
    }

    /// States that events were re-checked up to this one.
    pub(super) fn checked(&self, events: u64) {
        self.checked.fetch_max(events, Ordering::AcqRel);
    }

    /// States whether the database answers.
    pub(super) fn reached(&self, is_reached: bool) {
        self.is_unreachable.store(!is_reached, Ordering::Release);
    }

    pub(super) fn head(&self) -> TreeHead {
        *self.head.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn health(&self) -> Health {
        let events = self.head().size;
        let checked_events = self.checked.load(Ordering::Acquire).min(events);
        let cautions = if self.is_unreachable.load(Ordering::Acquire) { vec![Caution::Unreachable] } else { Vec::new() };
        Health { mode: self.mode(), store: self.store, checked_events, events, lag: Duration::ZERO, cautions }
    }

    /// Brings to the disk how far this node has seen.
    pub(super) fn sync_high_water(&self) {
        if let Err(error) = self.high_water.sync() {
            tracing::warn!(%error, "postgres/high-water could not be synced");
        }
    }

    fn note(&self, head: TreeHead) {
        if let Err(error) = self.high_water.note(head) {
            tracing::warn!(%error, "postgres/high-water could not be written");
        }
    }

    fn edge(&self) -> MutexGuard<'_, Edge> {
        self.edge.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds what the database says of itself against `own`, what this node had taken up before it asked.
pub(super) fn compare(own: TreeHead, database: TreeHead) -> Result<(), Damage> {
    if database.size < own.size {
        return Err(Damage::DatabaseBehind { seen: own.size, database: database.size });
    }
    if database.size == own.size && database.root != own.root {
        return Err(Damage::DatabaseForked(own.size));
    }
    Ok(())
}

/// How a snapshot remembers its last event: the first 24 bytes of its leaf.
pub(super) fn place_of(leaf: &Hash) -> Place {
    let (numbers, _) = leaf.as_chunks::<8>();
    let number = |at: usize| numbers.get(at).map_or(0, |bytes| u64::from_be_bytes(*bytes));
    (number(0), number(1), number(2))
}

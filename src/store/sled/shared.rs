//! What the writer and the readers of one store have in common.

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{
    format::merkle::{Frontier, leaf_hash},
    model::{
        event::{Event, LoggedEvent},
        ids::StoreId,
    },
    store::{
        Damage, Health, Mode, ReadError, TreeHead,
        log::{EventIndex, Frame, LogReader, Position},
        roster::Roster,
        sled::replay::Replay,
        status_board::StatusBoard,
        told::Told,
        watch::Watch,
    },
};

pub(super) struct Shared {
    pub(super) board: StatusBoard,
    pub(super) roster: Roster,
    pub(super) watch: Watch,
    /// Where the log lies.
    folder: PathBuf,
    store: OnceLock<StoreId>,
    mode: Mutex<Mode>,
    head: RwLock<TreeHead>,
    index: RwLock<EventIndex>,
    checked: AtomicU64,
    callers: AtomicUsize,
}

impl Shared {
    /// The state the log gave. `checked` events of it were read in this start.
    pub(super) fn new(replay: Replay, folder: PathBuf, mode: Mode, checked: u64) -> (Self, Frontier) {
        let Replay { told, index, .. } = replay;
        let head = told.head();
        let Told { board, roster, frontier, store, .. } = told;
        let shared = Self {
            board,
            roster,
            watch: Watch::default(),
            folder,
            store: store.map_or_else(OnceLock::new, OnceLock::from),
            mode: Mutex::new(mode),
            head: RwLock::new(head),
            index: RwLock::new(index),
            checked: AtomicU64::new(checked),
            callers: AtomicUsize::new(0),
        };
        shared.watch.announce(head.size);
        (shared, frontier)
    }

    /// Where the log lies.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a caller of `commit` as long as the answer is not dropped.
    pub(super) fn caller(&self) -> Caller<'_> {
        self.callers.fetch_add(1, Ordering::AcqRel);
        Caller(&self.callers)
    }

    /// How many callers of `commit` there are.
    pub(super) fn callers(&self) -> usize {
        self.callers.load(Ordering::Acquire)
    }

    /// Ends the opening in this mode.
    pub(super) fn settle(&self, mode: Mode) {
        let mut now = self.mode.lock().unwrap_or_else(PoisonError::into_inner);
        if *now == Mode::Opening {
            *now = mode;
        }
    }

    /// Takes up the first event of a new log.
    pub(super) fn created(&self, store: StoreId, at: Position, frame: &Frame, frontier: &mut Frontier) {
        let _ = self.store.set(store);
        self.note(frame.first(), at);
        for logged in &frame.events {
            frontier.append(leaf_hash(&logged.commitment()));
            self.show(&logged.event);
        }
        self.advance(frontier);
    }

    /// Shows what an event says of lists and tokens.
    pub(super) fn show(&self, event: &Event) {
        self.board.apply(event);
        self.roster.apply(event);
    }

    /// Turns a normal store read-only.
    pub(super) fn close(&self) {
        let mut mode = self.mode.lock().unwrap_or_else(PoisonError::into_inner);
        if *mode == Mode::Normal {
            *mode = Mode::ReadOnly;
        }
    }

    /// Turns the store guarded; the first damage that was found stays named.
    pub(super) fn guard(&self, damage: Damage) {
        let mut mode = self.mode.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*mode, Mode::Guarded(_)) {
            *mode = Mode::Guarded(damage);
        }
    }

    /// States that the log was re-checked up to this event.
    pub(super) fn checked(&self, events: u64) {
        self.checked.fetch_max(events, Ordering::AcqRel);
    }

    /// Publishes a longer tree and wakes who waits for it.
    pub(super) fn advance(&self, frontier: &Frontier) {
        let head = TreeHead { size: frontier.size(), root: frontier.root() };
        let before = std::mem::replace(&mut *self.head.write().unwrap_or_else(PoisonError::into_inner), head);
        // What this process has just written needs no check of its own once everything before was checked.
        if self.checked.load(Ordering::Acquire) >= before.size {
            self.checked(head.size);
        }
        self.watch.announce(head.size);
    }

    pub(super) fn head(&self) -> TreeHead {
        *self.head.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes where a frame stands.
    pub(super) fn note(&self, first: u64, at: Position) {
        self.index.write().unwrap_or_else(PoisonError::into_inner).note(first, at);
    }

    /// Events from the log's files, none beyond the published head.
    pub(super) fn events(&self, from: u64, limit: usize) -> Result<Vec<LoggedEvent>, ReadError> {
        let (from, size) = (from.max(1), self.head().size);
        let mut found = Vec::new();
        if from > size || limit == 0 {
            return Ok(found);
        }
        let place = self.index.read().unwrap_or_else(PoisonError::into_inner).before(from);
        let reader = match place {
            Some((first, at)) => LogReader::open_at(&self.folder, first, at),
            None => LogReader::open_near(&self.folder, from),
        };
        let mut reader = reader.map_err(|_| ReadError::Unavailable)?;
        while found.len() < limit && reader.next_event() <= size {
            let Some((_, frame)) = reader.next_frame().map_err(|_| ReadError::Damaged("the log"))? else { break };
            let wanted = frame.events.into_iter().filter(|logged| (from..=size).contains(&logged.event.number));
            found.extend(wanted.take(limit - found.len()));
        }
        Ok(found)
    }

    pub(super) fn health(&self) -> Health {
        let events = self.head().size;
        let checked_events = self.checked.load(Ordering::Acquire).min(events);
        Health {
            mode: self.mode(),
            store: self.store.get().copied(),
            checked_events,
            events,
            lag: Duration::ZERO,
            cautions: Vec::new(),
        }
    }
}

/// One who waits for a commit.
pub(super) struct Caller<'a>(&'a AtomicUsize);

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

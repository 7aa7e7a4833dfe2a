//! The embedded store: records in sled, events in the log, one thread that writes both.
//!
//! sled 0.34 can lose what it was given and can open empty without a word (THREATS F1 to F5), so nothing here believes
//! it: the log is written and synced first, and every start holds the two against each other (`start`). A commit goes
//! `commit` -> `group` (guards, indices, events) -> log -> records -> board -> answer.

mod commit;
mod copy;
mod exchange;
mod findings;
mod guarded;
mod keeper;
mod moved;
mod open;
mod opening;
mod options;
mod rebuild;
mod records;
mod redo;
mod repair;
mod replay;
mod restore;
mod restored;
mod shared;
mod snapshot;
mod start;
mod tap;
mod target;

pub use moved::mark_moved;
pub use options::{OpenError, Options};
pub use repair::{RepairError, RepairReport, repair};
pub use restore::{ListFound, RestoreError, RestoreOrder, RestoreReport, restore};
pub use restored::NotInLog;
pub use target::SledTarget;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        mpsc::{Receiver, sync_channel},
    },
};

use crate::{
    model::{
        event::LoggedEvent,
        record::{Commit, Key, Query, Record, Versioned},
    },
    store::{
        CommitError, Health, Mode, Page, ReadError, Receipt, Store, TreeHead,
        log::LogLock,
        roster::Roster,
        rows::query,
        sled::{commit::Job, opening::Opened, records::Records, shared::Shared},
        status_board::StatusBoard,
        transfer::Source,
        watch::Watch,
    },
};

/// Where the records of a data folder lie.
pub fn folder(data: &Path) -> PathBuf {
    data.join("store")
}

/// The embedded store.
pub struct SledStore {
    shared: Arc<Shared>,
    /// Once the records are open.
    opened: OnceLock<Opened>,
    /// Where that comes from.
    opening: Mutex<Receiver<Result<Opened, OpenError>>>,
    _lock: Arc<LogLock>,
}

impl SledStore {
    /// Opens the store in a data folder, or makes it. Whatever the folder holds, what was revoked is shown as revoked:
    /// when records and log do not agree the store opens guarded, which [`Store::health`] says.
    ///
    /// The log is read before this returns. The records are waited for as long as [`Options::patience`] says; until they
    /// are open the store is [`Mode::Opening`]: what the log tells is served, commits and reads are
    /// [`Unavailable`](CommitError::Unavailable). Should they not open at all, the store turns guarded.
    pub fn open(options: Options<'_>) -> Result<Self, OpenError> {
        open::open(options)
    }
}

impl Store for SledStore {
    fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let queue = match self.shared.mode() {
            Mode::Normal => self.opened().and_then(|opened| opened.queue.as_ref()).ok_or(CommitError::ReadOnly)?,
            Mode::Opening => return Err(CommitError::Unavailable),
            Mode::ReadOnly | Mode::Guarded(_) => return Err(CommitError::ReadOnly),
        };
        let _caller = self.shared.caller();
        let (answer, answered) = sync_channel(1);
        queue.send(Job { commit, answer }).map_err(|_| CommitError::ReadOnly)?;
        // The writer died with the commit in hand.
        answered.recv().unwrap_or(Err(CommitError::OutcomeUnknown))
    }

    fn get(&self, key: &Key) -> Result<Option<Versioned<Record>>, ReadError> {
        self.believed()?.get(key)
    }

    fn find(&self, query: &Query, after: Option<&[u8]>, limit: usize) -> Result<Page, ReadError> {
        query::find(self.believed()?, query, after, limit)
    }

    fn events(&self, from: u64, limit: usize) -> Result<Vec<LoggedEvent>, ReadError> {
        self.shared.events(from, limit)
    }

    fn head(&self) -> TreeHead {
        self.shared.head()
    }

    fn board(&self) -> &StatusBoard {
        &self.shared.board
    }

    fn roster(&self) -> &Roster {
        &self.shared.roster
    }

    fn watch(&self) -> &Watch {
        &self.shared.watch
    }

    fn health(&self) -> Health {
        self.shared.health()
    }

    fn source(&self) -> Option<&dyn Source> {
        Some(self)
    }
}

impl SledStore {
    fn believed(&self) -> Result<&Records, ReadError> {
        match self.shared.mode() {
            Mode::Guarded(_) => Err(ReadError::Guarded),
            Mode::Opening => Err(ReadError::Unavailable),
            Mode::Normal | Mode::ReadOnly => {
                self.opened().and_then(|opened| opened.records.as_deref()).ok_or(ReadError::Unavailable)
            }
        }
    }

    /// What the store has once its records are open. It is handed over before the mode says so.
    fn opened(&self) -> Option<&Opened> {
        if let Some(opened) = self.opened.get() {
            return Some(opened);
        }
        // Held until what was handed over is in its place: another one would find it in neither.
        let opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(Ok(opened)) = opening.try_recv() {
            let _ = self.opened.set(opened);
        }
        drop(opening);
        self.opened.get()
    }
}

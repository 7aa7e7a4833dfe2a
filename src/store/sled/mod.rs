//! The embedded store: records in sled, events in the log, one thread that writes both.
//!
//! sled 0.34 can lose what it was given and can open empty without a word (THREATS F1 to F5), so nothing here believes
//! it: the log is written and synced first, and every start holds the two against each other (`start`). A commit goes
//! `commit` -> `group` (guards, indices, events) -> log -> records -> board -> answer.

mod commit;
mod guarded;
mod keeper;
mod open;
mod options;
mod rebuild;
mod records;
mod redo;
mod repair;
mod replay;
mod shared;
mod snapshot;
mod start;

pub use options::{OpenError, Options};
pub use repair::{RepairError, RepairReport, repair};

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Sender, SyncSender, sync_channel},
    },
    thread::JoinHandle,
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
        sled::{commit::Job, records::Records, shared::Shared},
        status_board::StatusBoard,
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
    /// None in guarded mode: what they say is not believed.
    records: Option<Arc<Records>>,
    queue: Option<SyncSender<Job>>,
    writer: Option<JoinHandle<()>>,
    /// The keeper, and what it stops at when it is dropped.
    keeper: Option<(Sender<()>, JoinHandle<()>)>,
    _lock: LogLock,
}

impl SledStore {
    /// Opens the store in a data folder, or makes it. Whatever the folder holds, what was revoked is shown as revoked:
    /// when records and log do not agree the store opens guarded, which [`Store::health`] says.
    pub fn open(options: Options<'_>) -> Result<Self, OpenError> {
        open::open(options)
    }
}

impl Store for SledStore {
    fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let Some(queue) = self.queue.as_ref().filter(|_| self.shared.mode() == Mode::Normal) else {
            return Err(CommitError::ReadOnly);
        };
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
}

impl SledStore {
    fn believed(&self) -> Result<&Records, ReadError> {
        match (&self.records, self.shared.mode()) {
            (_, Mode::Guarded(_)) | (None, _) => Err(ReadError::Guarded),
            (Some(records), _) => Ok(records),
        }
    }
}

impl Drop for SledStore {
    /// Waits for the commits that were taken.
    fn drop(&mut self) {
        self.queue = None;
        if let Some((stop, keeper)) = self.keeper.take() {
            drop(stop);
            let _ = keeper.join();
        }
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has turned the store read-only already.
            let _ = writer.join();
        }
    }
}

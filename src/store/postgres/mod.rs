//! The store on PostgreSQL, for several nodes: records and events in tables of one database, what the events tell in the
//! memory of each node.
//!
//! The events table is the log: a commit's records and events are one transaction. Every transaction locks the one row
//! of `head` first (see `commit`), so commits of all nodes follow one another; that is cheap because each node makes the
//! commits that wait at one moment in one transaction.

mod address;
mod commit;
mod connect;
mod contact;
mod failure;
mod follow;
mod high_water;
mod keeper;
mod read;
mod rows;
mod runtime;
mod schema;
mod settings;
mod shared;
mod sql;
mod start;
mod together;
mod transaction;
mod transfer;

pub use address::{Address, AddressError};
pub use settings::{Listen, OpenError, Options, Patience};
pub use transfer::{PostgresCopy, PostgresTarget};

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Sender, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    model::{
        event::LoggedEvent,
        record::{Commit, Key, Query, Record, Versioned},
    },
    store::{
        CommitError, Health, Mode, Page, ReadError, Receipt, Store, TreeHead,
        log::LogLock,
        postgres::{commit::Job, contact::Contact, follow::Follower, read::Reader, shared::Shared, together::Member},
        roster::Roster,
        status_board::StatusBoard,
        together::Together,
        transfer::Source,
        watch::Watch,
    },
};

/// Where a node keeps what it remembers of the database.
pub fn folder(data: &Path) -> PathBuf {
    data.join("postgres")
}

/// The store on PostgreSQL.
pub struct PostgresStore {
    shared: Arc<Shared>,
    reader: Arc<Reader>,
    queue: Option<SyncSender<Job>>,
    writer: Option<JoinHandle<()>>,
    /// The keeper, and what it stops at when it is dropped.
    keeper: Option<(Sender<()>, JoinHandle<()>)>,
    contact: Arc<Contact>,
    member: Member,
    /// Follows other nodes.
    follower: Option<Follower>,
    patience: Patience,
    _lock: LogLock,
}

impl PostgresStore {
    /// Opens the store in a database, making its tables when there are none. A database that ends before what this node
    /// has seen, or tells another history, is opened guarded, which [`Store::health`] says.
    pub fn open(options: Options<'_>) -> Result<Self, OpenError> {
        start::open(options)
    }

    fn believed(&self) -> Result<&Reader, ReadError> {
        match self.shared.mode() {
            Mode::Guarded(_) => Err(ReadError::Guarded),
            _ => Ok(&self.reader),
        }
    }
}

impl Store for PostgresStore {
    fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let Some(queue) = self.queue.as_ref().filter(|_| self.shared.mode() == Mode::Normal) else {
            return Err(CommitError::ReadOnly);
        };
        let (answer, answered) = sync_channel(1);
        // When so many wait, the database is slow or gone: who comes now is better told at once.
        queue.try_send(Job { commit, answer, until: Instant::now() + self.patience.commit }).map_err(|error| match error {
            TrySendError::Full(_) => CommitError::Unavailable,
            TrySendError::Disconnected(_) => CommitError::ReadOnly,
        })?;
        // The writer died with the commit in hand.
        answered.recv().unwrap_or(Err(CommitError::OutcomeUnknown))
    }

    fn get(&self, key: &Key) -> Result<Option<Versioned<Record>>, ReadError> {
        self.believed()?.get(key)
    }

    fn find(&self, query: &Query, after: Option<&[u8]>, limit: usize) -> Result<Page, ReadError> {
        self.believed()?.find(query, after, limit)
    }

    fn events(&self, from: u64, limit: usize) -> Result<Vec<LoggedEvent>, ReadError> {
        self.reader.events(from, limit)
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
        let mut health = self.shared.health();
        health.lag = self.contact.lag();
        health.cautions.extend(self.contact.cautions());
        health.cautions.sort_unstable();
        health.cautions.dedup();
        health
    }

    fn lag(&self) -> Duration {
        self.contact.lag()
    }

    fn together(&self) -> Option<&dyn Together> {
        Some(&self.member)
    }

    fn source(&self) -> Option<&dyn Source> {
        Some(self)
    }
}

impl Drop for PostgresStore {
    /// Waits for the commits that were taken.
    fn drop(&mut self) {
        self.queue = None;
        self.follower = None;
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

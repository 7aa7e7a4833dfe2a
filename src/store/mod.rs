//! The store: records, the log of events beside them, and the packed status lists kept in step with both.

pub mod faults;
pub mod log;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod roster;
mod rows;
pub mod sled;
mod snapshot;
pub mod status_board;
pub mod together;
mod told;
pub mod transfer;
pub mod watch;
mod worse;

use std::time::Duration;

use crate::model::{
    card::Card,
    event::LoggedEvent,
    ids::StoreId,
    record::{Commit, Key, Query, Record, Versioned},
};

/// Why a commit was not made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CommitError {
    /// A guard did not hold; its place in the list of guards. Nothing was changed.
    #[error("condition {0} does not hold")]
    GuardFailed(usize),
    /// Nothing was changed, and the same commit may be tried again: the log could not be written (disk full).
    #[error("the store cannot write now")]
    Unavailable,
    /// The commit may or may not have happened. The embedded store has turned read-only until a restart; with a database,
    /// a read tells once it answers again.
    #[error("outcome unknown, ask again")]
    OutcomeUnknown,
    /// The store only reads: see [`Health::mode`].
    #[error("the store is read-only")]
    ReadOnly,
}

/// Why a read gave nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// The store is guarded: records are not believed until it is repaired.
    #[error("the store is guarded until it is repaired")]
    Guarded,
    /// A record cannot be read; the place is named, never the content.
    #[error("a record of {0} cannot be read")]
    Damaged(&'static str),
    /// The store did not answer.
    #[error("the store cannot be read")]
    Unavailable,
}

/// What a commit did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Receipt {
    /// The numbers of its events, in order: those of `issue` first (with `list_opened` before them where a list was
    /// opened), then those of `events`.
    pub events: Vec<u64>,
    /// The issued cards with their indices, in the order of `issue`.
    pub issued: Vec<Card>,
}

/// A page of records, in a fixed order, and where the next one starts.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Page {
    /// The records.
    pub records: Vec<Versioned<Record>>,
    /// Give it back to go on; none at the end. Opaque.
    pub next: Option<Vec<u8>>,
}

/// The size and root of the tree over all events that are on disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TreeHead {
    /// How many events.
    pub size: u64,
    /// The root (RFC 6962 section 2.1).
    pub root: [u8; 32],
}

/// How far the store can be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Mode {
    /// All of it.
    Normal,
    /// The records are still being opened: status lists, verification and the log are served, everything else a little
    /// later.
    Opening,
    /// Reads only, until a restart: a sync failed.
    ReadOnly,
    /// Acknowledged data were lost: status lists, verification and the log are served from the log, nothing else.
    Guarded(Damage),
}

/// Why a store is guarded.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Damage {
    /// The records are older than what the log knows to be on disk.
    #[error("records end at event {records}, but the log knows event {applied} to have been stored")]
    RecordsBehind {
        /// The records' last event.
        records: u64,
        /// What the log knows.
        applied: u64,
    },
    /// The records are newer than the log.
    #[error("records end at event {records}, but the log ends at {log}")]
    LogBehind {
        /// The records' last event.
        records: u64,
        /// The log's last event.
        log: u64,
    },
    /// The records belong to another log.
    #[error("the records belong to another store")]
    ForeignRecords,
    /// There is a log, but no records.
    #[error("there are no records beside the log")]
    RecordsEmpty,
    /// The records cannot be opened.
    #[error("the records cannot be opened: {0}")]
    RecordsUnreadable(String),
    /// There are records or a snapshot, but no log.
    #[error("there is no log beside the records")]
    LogMissing,
    /// The log itself is damaged; the first bad event is named.
    #[error("the log is damaged at event {0}")]
    LogDamaged(u64),
    /// The database ends before what this node has seen in it: it was restored from a backup, or a standby took over that
    /// had not got everything.
    #[error("the database ends at event {database}, but this node has seen event {seen}")]
    DatabaseBehind {
        /// The highest event this node has answered for or read.
        seen: u64,
        /// The database's last event.
        database: u64,
    },
    /// The database tells another history than this node has seen, at the latest from this event on.
    #[error("the events of the database up to {0} are not those this node has seen")]
    DatabaseForked(u64),
}

/// What an operator has to know of a store that works.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Caution {
    /// No standby confirms commits before they are answered: what was acknowledged last may be gone after a failover.
    FailoverMayLoseRevocations,
    /// The database does not answer: what is in memory is served with its age.
    Unreachable,
    /// There is little room left on the disk.
    LittleRoom,
}

/// What the store says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Health {
    /// How far it can be used.
    pub mode: Mode,
    /// Which store it is; none when the log is gone too.
    pub store: Option<StoreId>,
    /// Events re-checked since the start, by the check that runs in the background.
    pub checked_events: u64,
    /// Events in the log.
    pub events: u64,
    /// For how long the board and the roster may have missed what others committed; zero where there are no others.
    pub lag: Duration,
    /// What else there is to know.
    pub cautions: Vec<Caution>,
}

/// Keeps records and events. Every implementation passes the contract suite in `tests/store_contract.rs`.
pub trait Store: Send + Sync {
    /// Makes all of `commit`, or nothing. When it returns `Ok`, the commit is on disk, the board and the roster show
    /// it, and every later read sees it.
    fn commit(&self, commit: Commit) -> Result<Receipt, CommitError>;

    /// The record under `key`.
    fn get(&self, key: &Key) -> Result<Option<Versioned<Record>>, ReadError>;

    /// Records that answer `query`, at most `limit`, in the order of their keys; `after` is [`Page::next`].
    fn find(&self, query: &Query, after: Option<&[u8]>, limit: usize) -> Result<Page, ReadError>;

    /// Events from number `from` on, at most `limit`. Served in every mode as far as the log can be read.
    fn events(&self, from: u64, limit: usize) -> Result<Vec<LoggedEvent>, ReadError>;

    /// The tree over all events on disk.
    fn head(&self) -> TreeHead;

    /// The packed status lists.
    fn board(&self) -> &status_board::StatusBoard;

    /// Who holds a good token.
    fn roster(&self) -> &roster::Roster;

    /// Wakes those who wait for the next event.
    fn watch(&self) -> &watch::Watch;

    /// How it is.
    fn health(&self) -> Health;

    /// How old the newest word from the other nodes is; see [`Health::lag`]. Asked at every verification: an atomic read.
    fn lag(&self) -> Duration {
        Duration::ZERO
    }

    /// How the nodes of this service share work; none when there is one node.
    fn together(&self) -> Option<&dyn together::Together> {
        None
    }

    /// The store as something that can be copied; none of one that cannot.
    fn source(&self) -> Option<&dyn transfer::Source> {
        None
    }
}

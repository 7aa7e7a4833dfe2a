//! What the store is opened with, and why it was not.

use std::{io, path::Path, sync::Arc, time::Duration};

use crate::{
    base::{clock::Clock, limits::STATUS_LIST_ENTRIES, random::Random, secret::SecretKey},
    crypto::Signer,
    store::{TreeHead, log::LockError, postgres::address::Address},
};

/// How long things may take. Every call of the database has one of these bounds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Patience {
    /// Making a connection.
    pub connect: Duration,
    /// One read.
    pub read: Duration,
    /// All attempts at one group of commits, after which it is unavailable.
    pub commit: Duration,
    /// Finding out whether a group whose COMMIT had no answer was made.
    pub settle: Duration,
    /// Everything at the start.
    pub start: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            read: Duration::from_secs(3),
            commit: Duration::from_secs(5),
            settle: Duration::from_secs(5),
            start: Duration::from_secs(10),
        }
    }
}

/// Where notifications of other nodes are heard. Without them changes are seen within the time of a poll.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Listen {
    /// At the address of the database.
    #[default]
    Database,
    /// At another address of the same database: notifications do not pass a pooler.
    At(Box<Address>),
    /// Nowhere.
    Off,
}

/// What a store is opened with.
pub struct Options<'a> {
    /// The folder for what this node keeps for itself; made when it is missing.
    pub data: &'a Path,
    /// The database.
    pub database: Address,
    /// A replica for lookups on which no commit depends.
    pub replica: Option<Address>,
    /// Where notifications of other nodes are heard.
    pub listen: Listen,
    /// The key of the order in which indices are given; the same at all nodes.
    pub index_key: SecretKey,
    /// Signs snapshots.
    pub log_signer: Arc<dyn Signer>,
    /// The time of the store's own events.
    pub clock: Arc<dyn Clock>,
    /// Salts and the store's identifier.
    pub random: Arc<dyn Random>,
    /// How many commits may wait. More are unavailable at once.
    pub queue: usize,
    /// How many commits share one transaction.
    pub group: usize,
    /// Connections for reads, to each of the database and the replica.
    pub connections: usize,
    /// Indices given of each list before another one is opened; the same at all nodes.
    pub list_capacity: u32,
    /// Events between two snapshots.
    pub snapshot_every: u64,
    /// The newest signed head that lies outside the store: a database that ends before it has lost events, and one with
    /// another root there was changed.
    pub attested: Option<TreeHead>,
    /// How long things may take.
    pub patience: Patience,
}

impl<'a> Options<'a> {
    /// With the bounds of a service.
    pub fn new(
        data: &'a Path,
        database: Address,
        index_key: SecretKey,
        log_signer: Arc<dyn Signer>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            data,
            database,
            replica: None,
            listen: Listen::Database,
            index_key,
            log_signer,
            clock,
            random,
            queue: 1024,
            group: 256,
            connections: 16,
            list_capacity: STATUS_LIST_ENTRIES as u32,
            snapshot_every: 50_000,
            attested: None,
            patience: Patience::default(),
        }
    }
}

/// Why there is no store at all, not even a guarded one.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OpenError {
    /// Another process uses the data folder.
    #[error("another process uses the data folder; stop it first")]
    InUse,
    /// The store was moved elsewhere.
    #[error("the store of this database was moved to {0}\n该数据库的数据已迁移到上述位置")]
    Moved(String),
    /// The data folder or a file in it cannot be made or read.
    #[error("the data folder cannot be used: {0}")]
    Io(io::ErrorKind),
    /// The note of the highest event this node has seen is damaged.
    #[error(
        "postgres/high-water in the data folder is damaged, so this node cannot tell whether the database has lost events; \
         remove the file only when you know that it has not\n\
         数据目录中的 postgres/high-water 已损坏，本节点无法判断数据库是否丢失事件；仅在确认未丢失时方可删除该文件"
    )]
    HighWater,
    /// The file of roots cannot be used.
    #[error("the root certificates of the database cannot be read: {0}")]
    Roots(String),
    /// The database does not answer, or not in time.
    #[error("the database {address} does not answer: {why}\n无法连接数据库")]
    Unreachable {
        /// The database, without a password.
        address: String,
        /// In the words of whoever noticed.
        why: String,
    },
    /// The database was made or changed by a newer version.
    #[error("the database has schema {found}, and this version knows only those up to {known}; use the version that wrote it")]
    NewerSchema {
        /// The newest migration that was applied.
        found: i64,
        /// The newest this version has.
        known: i64,
    },
    /// The records were written by another version.
    #[error("the records have schema {0}, which this version does not know; use the version that wrote them")]
    UnknownSchema(i64),
    /// A migration failed; nothing of it was kept.
    #[error("migration {version} of the database failed: {why}")]
    Migration {
        /// Which.
        version: i64,
        /// What the server said.
        why: String,
    },
    /// A row of the database is not what this version writes.
    #[error("the database holds something in {0} that cannot be read")]
    Damaged(&'static str),
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

impl From<LockError> for OpenError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::InUse(_) => Self::InUse,
            LockError::Io { kind, .. } => Self::Io(kind),
        }
    }
}

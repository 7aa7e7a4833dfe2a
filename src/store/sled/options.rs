//! What a store is opened with, and why it was not.

use std::{io, path::Path, sync::Arc, time::Duration};

use crate::{
    base::{clock::Clock, limits::STATUS_LIST_ENTRIES, random::Random, secret::SecretKey},
    crypto::Signer,
    store::{
        TreeHead,
        faults::{Faults, NoFaults},
        log::{DEFAULT_SEGMENT_BYTES, LockError, LogError},
    },
};

/// See [`Options::gather`]. A sync takes longer than that on any disk, and a caller who was just answered comes back sooner
/// (benches/durable.rs).
const GATHER: Duration = Duration::from_micros(100);

/// What a store is opened with.
pub struct Options<'a> {
    /// The data folder; made when it is missing.
    pub data: &'a Path,
    /// The key of the order in which indices are given. Another key is safe, but breaks nothing apart from the order.
    pub index_key: SecretKey,
    /// Signs snapshots.
    pub log_signer: Arc<dyn Signer>,
    /// The time of the store's own events.
    pub clock: Arc<dyn Clock>,
    /// Salts and the store's identifier.
    pub random: Arc<dyn Random>,
    /// How long [`open`](super::SledStore::open) waits for the records. When it is over the store is opening still, and goes
    /// on with that by itself.
    pub patience: Duration,
    /// With so many events at most it waits however long it takes: so few records are open in no time.
    pub few: u64,
    /// How many commits may wait. More wait at the door, in `commit`.
    pub queue: usize,
    /// How many commits share one sync.
    pub group: usize,
    /// How long a commit waits, at most, for each of those that are expected to share its sync.
    pub gather: Duration,
    /// When a segment of the log is full.
    pub segment_bytes: u64,
    /// Indices given of each list before another one is opened.
    pub list_capacity: u32,
    /// Events between two snapshots.
    pub snapshot_every: u64,
    /// The newest signed head outside the store: a log that ends before it has lost events, and one with another root there
    /// was changed.
    pub attested: Option<TreeHead>,
    /// What fails; nothing outside tests.
    pub faults: Arc<dyn Faults>,
}

impl<'a> Options<'a> {
    /// With the bounds of a service, for one who waits until the store is open.
    pub fn new(
        data: &'a Path,
        index_key: SecretKey,
        log_signer: Arc<dyn Signer>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            data,
            index_key,
            log_signer,
            clock,
            random,
            patience: Duration::MAX,
            few: 100_000,
            queue: 1024,
            group: 256,
            gather: GATHER,
            segment_bytes: DEFAULT_SEGMENT_BYTES,
            list_capacity: STATUS_LIST_ENTRIES as u32,
            snapshot_every: 50_000,
            attested: None,
            faults: Arc::new(NoFaults),
        }
    }
}

/// Why there is no store at all, not even a guarded one.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OpenError {
    /// Another process uses the data folder.
    #[error("another process uses the data folder; stop it first")]
    InUse,
    /// The folder or a file in it cannot be made or read.
    #[error("the data folder cannot be used: {0}")]
    Io(io::ErrorKind),
    /// The records were written by another version.
    #[error("the records have schema {0}, which this version does not know; use the version that wrote them")]
    UnknownSchema(u8),
    /// The store was moved elsewhere.
    #[error("the store of this data folder was moved to {0}\n该数据目录的数据已迁移到上述位置")]
    Moved(String),
    /// New records cannot be made beside a new log.
    #[error("the records cannot be made: {0}")]
    NotMade(String),
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

impl From<LogError> for OpenError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Io(kind) => Self::Io(kind),
            // Never met: damage is a finding of the start, not an error of it.
            LogError::Torn { .. } | LogError::Damaged { .. } => Self::Io(io::ErrorKind::InvalidData),
        }
    }
}

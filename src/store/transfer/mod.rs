//! Copies of a whole store: into a backup, and from one kind of store into another.
//!
//! A copy is rows first, then events, as they all stand at one event: the end that [`Source::copy`] gives. Rows are the
//! very bytes that `store/rows` writes, so a copy is the same in every kind of store, and what this version cannot read is
//! carried over all the same.

pub mod file;
pub mod file_reader;

use std::io;

use sha2::{Digest, Sha256};

use crate::{
    model::{event::LoggedEvent, ids::StoreId},
    store::{ReadError, TreeHead},
};

/// A key and the value under it; none where there is nothing.
pub type Row = (Vec<u8>, Option<Vec<u8>>);

/// Why a store was not copied. Nothing was changed in what was copied.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TransferError {
    /// The store does not give what it holds.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Another copy is being made.
    #[error("another copy of the store is being made")]
    Busy,
    /// More was written meanwhile than may wait for a slow receiver; the service does not wait for it.
    #[error("too much was written while the receiver did not keep up; nothing was copied")]
    TooSlow,
    /// The receiver fails.
    #[error("the copy cannot be written: {0}")]
    Write(io::ErrorKind),
    /// An event is missing or not the next one.
    #[error("the log is not whole at event {0}")]
    LogNotWhole(u64),
    /// What arrived is not what was sent.
    #[error("the copy is not what was copied: {0} differ")]
    Differs(&'static str),
    /// There is something already where the copy was to go.
    #[error("there is a store already where the copy is to go")]
    NotEmpty,
    /// The records' database refuses; in its words.
    #[error("the records cannot be made: {0}")]
    Database(String),
}

impl From<io::Error> for TransferError {
    fn from(error: io::Error) -> Self {
        Self::Write(error.kind())
    }
}

/// Takes a copy.
pub trait Sink {
    /// Rows, in any order, without the one by which a store knows itself. A later word on a key takes the place of an
    /// earlier one.
    fn rows(&mut self, rows: Vec<Row>) -> Result<(), TransferError>;

    /// The next events, from the first on. No rows come after them.
    fn events(&mut self, events: Vec<LoggedEvent>) -> Result<(), TransferError>;
}

/// Which store was copied, and up to where.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Extent {
    /// The store.
    pub store: StoreId,
    /// The tree over its events, the last of which is the last whose changes the rows hold.
    pub head: TreeHead,
}

/// How many rows there are, and a hash over all of them in the order of their keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RowsDigest {
    /// How many.
    pub rows: u64,
    /// SHA-256 over each key and value, each behind its length in eight bytes.
    pub hash: [u8; 32],
}

/// A store that can be copied.
pub trait Source {
    /// Copies everything as it stands at one event, while commits go on.
    fn copy(&self, to: &mut dyn Sink) -> Result<Extent, TransferError>;

    /// The digest of all rows but the one by which a store knows itself; says something only of a store nobody writes.
    fn digest(&self) -> Result<RowsDigest, TransferError>;
}

/// A store in the making.
pub trait Target: Sink {
    /// Ends the copy: it is a store, on disk, if it is what `extent` says, and nothing otherwise.
    fn finish(&mut self, extent: &Extent) -> Result<(), TransferError>;
}

/// A digest in the making; rows are added in the order of their keys.
#[derive(Clone, Default)]
pub(in crate::store) struct Digesting {
    rows: u64,
    hash: Sha256,
}

impl Digesting {
    pub(in crate::store) fn add(&mut self, key: &[u8], value: &[u8]) {
        self.rows = self.rows.saturating_add(1);
        for part in [key, value] {
            self.hash.update((part.len() as u64).to_be_bytes());
            self.hash.update(part);
        }
    }

    pub(in crate::store) fn finish(self) -> RowsDigest {
        RowsDigest { rows: self.rows, hash: self.hash.finalize().into() }
    }
}

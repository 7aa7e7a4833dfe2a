//! A copy of a store as one stream: what lies inside an encrypted backup, and what a running service hands to
//! `yufu backup`.
//!
//! The stream begins with a line that names its form. Then come parts: a letter, four bytes of length, the content
//! deflated except in the last. `h` is the header, `r` rows, `e` events, `z` the end: which store, how many events, their root. `s` is the
//! signature of the log's key over the SHA-256 of everything before it, so a stream is whole and from this service, or it
//! is nothing. `x` takes the place of the rest when the copy failed on the way.

use std::io::{self, Write};

use flate2::{Compression, write::ZlibEncoder};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    base::{base64url, time::Timestamp},
    crypto::{SignError, Signer},
    model::{event::LoggedEvent, ids::StoreId},
    store::{
        TreeHead,
        transfer::{Extent, Row, Sink, Source, TransferError},
    },
};

/// The first line.
pub(super) const MAGIC: &[u8] = b"yufu-backup-v1\n";
/// Before the hash that is signed.
pub(super) const DOMAIN: &[u8] = b"yufu-backup-v1";
/// Content of a part before it is deflated, when it is written; a single larger row still gets a part of its own.
const PART_BYTES: usize = 1024 * 1024;

/// What the stream is of, as far as it is known when it begins.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The version of yufu that made it.
    pub version: String,
    /// The public URL of the service.
    pub public_url: String,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// Events at that time; there may be more at its end.
    pub events: u64,
}

/// What the stream was of, at its end.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Trailer {
    /// The store.
    pub store: StoreId,
    /// Its last event.
    pub events: u64,
    /// The root over all events, base64url.
    pub root: String,
    /// Rows and changes of rows in the stream.
    pub rows: u64,
    /// When the last of it was read: what was committed later is not in it.
    pub ended_at: Timestamp,
}

impl Trailer {
    /// Which store, and up to where; none when the root is not one.
    pub fn extent(&self) -> Option<Extent> {
        let root = base64url::decode_array(&self.root).ok()?;
        Some(Extent { store: self.store, head: TreeHead { size: self.events, root } })
    }
}

/// Why a stream was not written whole.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WriteError {
    /// The copy.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The signature.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Transfer(error.into())
    }
}

/// Copies `source` into `to`, signed by the key of the log. `now` is asked once at the end. When the copy fails on the way
/// the stream says so at its end, as far as it can still be written.
pub fn write(
    source: &dyn Source,
    header: &Header,
    now: &dyn Fn() -> Timestamp,
    signer: &dyn Signer,
    to: &mut dyn Write,
) -> Result<Trailer, WriteError> {
    let mut writer = Writer { to, hash: Sha256::new(), rows: 0, waiting: Vec::new() };
    let written = writer.all(source, header, now, signer);
    if let Err(error) = &written {
        // The reader of a stream that breaks off knows as much; the reason is a courtesy.
        let _ = writer.part(b'x', error.to_string().as_bytes());
    }
    let flushed = writer.to.flush();
    written.and_then(|trailer| Ok(flushed.map(|()| trailer)?))
}

struct Writer<'a> {
    to: &'a mut dyn Write,
    hash: Sha256,
    rows: u64,
    /// Rows for the next part.
    waiting: Vec<u8>,
}

impl Writer<'_> {
    fn all(
        &mut self,
        source: &dyn Source,
        header: &Header,
        now: &dyn Fn() -> Timestamp,
        signer: &dyn Signer,
    ) -> Result<Trailer, WriteError> {
        self.raw(MAGIC)?;
        self.part(b'h', &json(header)?)?;
        let Extent { store, head } = source.copy(self)?;
        self.flush_rows()?;
        let (events, root, rows) = (head.size, base64url::encode(head.root), self.rows);
        let trailer = Trailer { store, events, root, rows, ended_at: now() };
        self.part(b'z', &json(&trailer)?)?;
        let hash: [u8; 32] = self.hash.clone().finalize().into();
        let signature = signer.sign(&[DOMAIN, &hash].concat())?;
        // In one spelling only: nothing covers the bytes of the signature itself.
        self.plain_part(b's', &signature)?;
        Ok(trailer)
    }

    fn part(&mut self, kind: u8, content: &[u8]) -> Result<(), TransferError> {
        let mut deflated = ZlibEncoder::new(Vec::with_capacity(content.len() / 4), Compression::fast());
        deflated.write_all(content)?;
        self.plain_part(kind, &deflated.finish()?)
    }

    fn plain_part(&mut self, kind: u8, content: &[u8]) -> Result<(), TransferError> {
        let length = u32::try_from(content.len()).map_err(|_| TransferError::Write(io::ErrorKind::FileTooLarge))?;
        self.raw(&[&[kind], length.to_be_bytes().as_slice()].concat())?;
        Ok(self.raw(content)?)
    }

    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.to.write_all(bytes)
    }

    fn flush_rows(&mut self) -> Result<(), TransferError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.waiting);
        self.part(b'r', &rows)
    }
}

impl Sink for Writer<'_> {
    fn rows(&mut self, rows: Vec<Row>) -> Result<(), TransferError> {
        for (key, value) in rows {
            self.rows += 1;
            put(&mut self.waiting, Some(&key))?;
            put(&mut self.waiting, value.as_deref())?;
            if self.waiting.len() >= PART_BYTES {
                self.flush_rows()?;
            }
        }
        Ok(())
    }

    fn events(&mut self, events: Vec<LoggedEvent>) -> Result<(), TransferError> {
        self.flush_rows()?;
        self.part(b'e', &json(&events)?)
    }
}

/// Four bytes of length, all ones for none, and the bytes.
fn put(to: &mut Vec<u8>, bytes: Option<&[u8]>) -> Result<(), TransferError> {
    let length = bytes.map_or(Ok(u32::MAX), |bytes| u32::try_from(bytes.len()));
    to.extend(length.map_err(|_| TransferError::Write(io::ErrorKind::FileTooLarge))?.to_be_bytes());
    to.extend_from_slice(bytes.unwrap_or_default());
    Ok(())
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, TransferError> {
    serde_json::to_vec(value).map_err(|_| TransferError::Write(io::ErrorKind::InvalidData))
}

//! Reads a copy of a store that [`file`](super::file) wrote.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;
use sha2::{Digest, Sha256};

use crate::{
    crypto::PublicKey,
    model::event::LoggedEvent,
    store::transfer::{
        Row, Sink, TransferError,
        file::{DOMAIN, Header, MAGIC, Trailer},
    },
};

/// Largest part that is read, before and after it is inflated: a row of a whole presentation kept as evidence has room.
const MOST_PART_BYTES: u64 = 256 * 1024 * 1024;

/// Why a stream is not a whole copy of a store.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StreamError {
    /// It cannot be read; a stream whose encryption was altered comes here too.
    #[error("the backup cannot be read: {0}")]
    Io(String),
    /// It begins like nothing that this version knows.
    #[error("not a backup that this version can read")]
    Unknown,
    /// It breaks off.
    #[error("the backup breaks off before its end")]
    Truncated,
    /// It is damaged.
    #[error("the backup is damaged")]
    Damaged,
    /// It was signed by another key, or not by any.
    #[error("the backup was not made by this service: its signature is not that of the log's key")]
    NotSigned,
    /// Whoever made it could not go on.
    #[error("the backup was not finished: {0}")]
    Failed(String),
    /// What takes it fails.
    #[error(transparent)]
    Transfer(#[from] TransferError),
}

impl From<io::Error> for StreamError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Truncated } else { Self::Io(error.to_string()) }
    }
}

/// Whether the signature at the end is checked.
#[derive(Clone, Copy)]
pub enum SignedBy<'a> {
    /// It has to be the one of this key.
    Key(&'a PublicKey),
    /// Whoever passes the stream on cannot tell; that there is one is all that is looked at.
    Anyone,
}

/// Reads a whole stream into `to`. Nothing of it may be believed before this has returned well.
pub fn read(from: &mut dyn Read, signed_by: SignedBy<'_>, to: &mut dyn Sink) -> Result<(Header, Trailer), StreamError> {
    let mut reader = Reader { from, hash: Sha256::new() };
    let mut magic = [0; MAGIC.len()];
    reader.exact(&mut magic)?;
    if magic != *MAGIC {
        return Err(StreamError::Unknown);
    }
    let Part { kind: b'h', content, .. } = reader.part()? else { return Err(StreamError::Damaged) };
    let header: Header = json(&content)?;
    let mut rows = 0_u64;
    let trailer: Trailer = loop {
        let part = reader.part()?;
        match part.kind {
            b'r' => {
                let part = read_rows(&part.content)?;
                rows = rows.saturating_add(part.len() as u64);
                to.rows(part)?;
            }
            b'e' => to.events(json::<Vec<LoggedEvent>>(&part.content)?)?,
            b'z' => break json(&part.content)?,
            _ => return Err(StreamError::Damaged),
        }
    };
    let end = reader.part()?;
    let signed = match signed_by {
        SignedBy::Key(key) => key.verify(&[DOMAIN, &end.before].concat(), &end.content).is_ok(),
        SignedBy::Anyone => true,
    };
    if end.kind != b's' || !signed {
        return Err(StreamError::NotSigned);
    }
    if rows != trailer.rows || trailer.extent().is_none() || reader.from.read(&mut [0])? != 0 {
        return Err(StreamError::Damaged);
    }
    Ok((header, trailer))
}

struct Part {
    kind: u8,
    content: Vec<u8>,
    /// The hash of everything before it.
    before: [u8; 32],
}

struct Reader<'a> {
    from: &'a mut dyn Read,
    hash: Sha256,
}

impl Reader<'_> {
    fn exact(&mut self, bytes: &mut [u8]) -> Result<(), StreamError> {
        self.from.read_exact(bytes)?;
        self.hash.update(&*bytes);
        Ok(())
    }

    fn part(&mut self) -> Result<Part, StreamError> {
        let before = self.hash.clone().finalize().into();
        let (mut kind, mut length) = ([0], [0; 4]);
        self.exact(&mut kind)?;
        self.exact(&mut length)?;
        let length = u64::from(u32::from_be_bytes(length));
        if length > MOST_PART_BYTES {
            return Err(StreamError::Damaged);
        }
        let mut deflated = Vec::new();
        // Not allocated beforehand: a length is only a claim.
        if (&mut *self.from).take(length).read_to_end(&mut deflated)? as u64 != length {
            return Err(StreamError::Truncated);
        }
        self.hash.update(&deflated);
        if kind == [b's'] {
            return Ok(Part { kind: b's', content: deflated, before });
        }
        let mut content = Vec::new();
        let inflated = ZlibDecoder::new(deflated.as_slice()).take(MOST_PART_BYTES + 1).read_to_end(&mut content);
        if inflated.is_err() || content.len() as u64 > MOST_PART_BYTES {
            return Err(StreamError::Damaged);
        }
        match kind {
            [b'x'] => Err(StreamError::Failed(String::from_utf8_lossy(&content).into_owned())),
            [kind] => Ok(Part { kind, content, before }),
        }
    }
}

fn read_rows(mut bytes: &[u8]) -> Result<Vec<Row>, StreamError> {
    let mut rows = Vec::new();
    while !bytes.is_empty() {
        let key = take(&mut bytes)?.ok_or(StreamError::Damaged)?;
        rows.push((key, take(&mut bytes)?));
    }
    Ok(rows)
}

fn take(bytes: &mut &[u8]) -> Result<Option<Vec<u8>>, StreamError> {
    let (length, rest) = bytes.split_first_chunk().ok_or(StreamError::Damaged)?;
    let length = u32::from_be_bytes(*length);
    if length == u32::MAX {
        *bytes = rest;
        return Ok(None);
    }
    let length = usize::try_from(length).map_err(|_| StreamError::Damaged)?;
    let (taken, rest) = rest.split_at_checked(length).ok_or(StreamError::Damaged)?;
    *bytes = rest;
    Ok(Some(taken.to_vec()))
}

fn json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, StreamError> {
    serde_json::from_slice(bytes).map_err(|_| StreamError::Damaged)
}

/// Takes nothing: for who only looks whether a stream is whole.
pub struct Nowhere;

impl Sink for Nowhere {
    fn rows(&mut self, _: Vec<Row>) -> Result<(), TransferError> {
        Ok(())
    }

    fn events(&mut self, _: Vec<LoggedEvent>) -> Result<(), TransferError> {
        Ok(())
    }
}

//! One frame: the events of one group of commits, with a checksum.

use serde::{Deserialize, Serialize};

use crate::model::event::LoggedEvent;

/// "yfL1": where a frame begins, and which form it has.
const MAGIC: [u8; 4] = *b"yfL1";
/// Magic, length of the payload, checksum over length and payload; both numbers little-endian.
const HEADER_BYTES: usize = 12;

/// Largest payload of a frame, in bytes. A group is bounded by its number of commits; this bounds what a damaged length
/// can make a reader believe.
pub const MAX_FRAME_BYTES: usize = 64 * 1024 * 1024;

/// What one append writes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    /// The highest event whose changes were known to be synced in the records when the frame was written.
    pub applied: u64,
    /// The events, numbered without gaps; at least one.
    pub events: Vec<LoggedEvent>,
}

/// The events of one group do not fit into a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("too many events for one frame")]
pub struct FrameTooLong;

/// The bytes are not a whole frame. Which part is wrong says nothing about why.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a whole frame")]
pub struct BadFrame;

impl Frame {
    /// The number of the first event; 0 for a frame without events, which is never written.
    pub fn first(&self) -> u64 {
        self.events.first().map_or(0, |logged| logged.event.number)
    }

    /// The number of the last event.
    pub fn last(&self) -> u64 {
        self.events.last().map_or(0, |logged| logged.event.number)
    }

    /// The bytes of the frame.
    pub fn encode(&self) -> Result<Vec<u8>, FrameTooLong> {
        let payload = serde_json::to_vec(self).map_err(|_| FrameTooLong)?;
        let length = u32::try_from(payload.len()).map_err(|_| FrameTooLong)?;
        if payload.len() > MAX_FRAME_BYTES {
            return Err(FrameTooLong);
        }
        let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
        bytes.extend(MAGIC);
        bytes.extend(length.to_le_bytes());
        bytes.extend(checksum(length, &payload).to_le_bytes());
        bytes.extend(payload);
        Ok(bytes)
    }

    /// Reads the frame at the beginning of `bytes`; gives its length too. Events are numbered without gaps from a
    /// number above `applied` on.
    pub fn decode(bytes: &[u8]) -> Result<(Self, usize), BadFrame> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(BadFrame)?;
        let (length, rest) = rest.split_first_chunk().ok_or(BadFrame)?;
        let (sum, rest) = rest.split_first_chunk().ok_or(BadFrame)?;
        let length = u32::from_le_bytes(*length);
        let size = usize::try_from(length).map_err(|_| BadFrame)?;
        let payload = rest.get(..size).filter(|_| size <= MAX_FRAME_BYTES).ok_or(BadFrame)?;
        if checksum(length, payload) != u32::from_le_bytes(*sum) {
            return Err(BadFrame);
        }
        let frame: Self = serde_json::from_slice(payload).map_err(|_| BadFrame)?;
        let numbered = frame.events.iter().zip(frame.first()..).all(|(logged, number)| logged.event.number == number);
        if frame.first() <= frame.applied || !numbered {
            return Err(BadFrame);
        }
        Ok((frame, HEADER_BYTES + size))
    }

    /// The first whole frame that begins at `from` or later, with its place and length.
    pub fn search(bytes: &[u8], from: usize) -> Option<(Self, usize, usize)> {
        let mut at = from;
        loop {
            let tail = bytes.get(at..)?;
            at += tail.windows(MAGIC.len()).position(|window| window == MAGIC)?;
            if let Ok((frame, length)) = Self::decode(bytes.get(at..)?) {
                return Some((frame, at, length));
            }
            at += 1;
        }
    }
}

fn checksum(length: u32, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

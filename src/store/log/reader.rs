//! Reads the log from its files alone: the start of the store, `audit verify` and the repair all stand on this.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use crate::store::log::{
    frame::Frame,
    segment::{self, Position},
};

/// Why the log cannot be read further.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LogError {
    /// The files do not answer.
    #[error("the log cannot be read: {0}")]
    Io(io::ErrorKind),
    /// The last frame is not whole, and nothing readable follows it: what a crash while writing leaves behind.
    #[error("the log is torn at its end, at event {event}")]
    Torn {
        /// The number its first event would have.
        event: u64,
    },
    /// A frame that is not the last one cannot be read, is missing, or does not carry on where the one before ended.
    #[error("the log is damaged at event {event}")]
    Damaged {
        /// The first event that cannot be trusted.
        event: u64,
    },
}

/// Frames of a log in order. Strict: after the first error it ends.
pub struct LogReader {
    folder: PathBuf,
    segments: Vec<u64>,
    /// Place in `segments`.
    current: usize,
    /// The current segment from `base` on.
    bytes: Vec<u8>,
    loaded: bool,
    base: u64,
    /// Place in `bytes`.
    at: usize,
    /// The number of the next event.
    next: u64,
    /// `applied` of the frame before.
    applied: u64,
    ended: bool,
}

impl LogReader {
    /// Reads from event 1 on. A folder that is missing or without segments is an empty log.
    pub fn open(folder: &Path) -> Result<Self, LogError> {
        Self::open_at(folder, 1, Position { segment: 1, offset: 0 })
    }

    /// Reads from a frame that is known to begin at `position` with event `first`.
    pub fn open_at(folder: &Path, first: u64, position: Position) -> Result<Self, LogError> {
        let segments = segment::list(folder).map_err(|error| LogError::Io(error.kind()))?;
        let current = segments.partition_point(|segment| *segment < position.segment);
        // A segment that is missing is met as one with another name, read from its beginning.
        let base = if segments.get(current) == Some(&position.segment) { position.offset } else { 0 };
        Ok(Self {
            folder: folder.to_owned(),
            ended: segments.is_empty(),
            segments,
            current,
            bytes: Vec::new(),
            loaded: false,
            base,
            at: 0,
            next: first,
            applied: 0,
        })
    }

    /// Reads from the beginning of the segment that holds `event`.
    pub fn open_near(folder: &Path, event: u64) -> Result<Self, LogError> {
        let segments = segment::list(folder).map_err(|error| LogError::Io(error.kind()))?;
        let segment = segments.into_iter().rev().find(|first| *first <= event).unwrap_or(1);
        Self::open_at(folder, segment, Position { segment, offset: 0 })
    }

    /// The number of the next event: one more than the last one read.
    pub fn next_event(&self) -> u64 {
        self.next
    }

    /// Where the next frame begins or would begin; none in an empty log.
    pub fn position(&self) -> Option<Position> {
        Some(Position { segment: self.segment()?, offset: self.base + self.at as u64 })
    }

    /// The next frame and its place; none at the end of the log.
    pub fn next_frame(&mut self) -> Result<Option<(Position, Frame)>, LogError> {
        if self.ended {
            return Ok(None);
        }
        let frame = self.read_frame();
        self.ended = !matches!(frame, Ok(Some(_)));
        frame
    }

    /// After an error of [`next_frame`](Self::next_frame): the next frame behind the damage that is whole by itself
    /// and later than everything read so far. What such frames revoke must stay revoked, though they prove nothing.
    pub fn salvage(&mut self) -> Result<Option<Frame>, LogError> {
        loop {
            if !self.loaded {
                self.load()?;
            }
            if let Some((frame, at, length)) = Frame::search(&self.bytes, self.at) {
                self.at = at + length;
                if frame.first() >= self.next {
                    self.next = frame.last().saturating_add(1);
                    return Ok(Some(frame));
                }
            } else if !self.advance() {
                return Ok(None);
            }
        }
    }

    fn read_frame(&mut self) -> Result<Option<(Position, Frame)>, LogError> {
        let damaged = LogError::Damaged { event: self.next };
        loop {
            let Some(segment) = self.segment() else { return Err(damaged) };
            if !self.loaded {
                // A segment begins with the event it is named by, so one that is missing shows.
                if self.base == 0 && segment != self.next {
                    return Err(damaged);
                }
                self.load()?;
            }
            if self.at < self.bytes.len() {
                break;
            }
            if !self.advance() {
                return Ok(None);
            }
        }
        let position = self.position().ok_or(damaged.clone())?;
        match Frame::decode(self.bytes.get(self.at..).unwrap_or_default()) {
            Ok((frame, length)) if frame.first() == self.next && frame.applied >= self.applied => {
                self.at += length;
                self.next = frame.last().saturating_add(1);
                self.applied = frame.applied;
                Ok(Some((position, frame)))
            }
            Ok(_) => Err(damaged),
            Err(_) => {
                let last = self.current + 1 == self.segments.len();
                let torn = last && Frame::search(&self.bytes, self.at + 1).is_none();
                Err(if torn { LogError::Torn { event: self.next } } else { damaged })
            }
        }
    }

    fn segment(&self) -> Option<u64> {
        self.segments.get(self.current).copied()
    }

    /// Moves to the next segment; false when this is the last one.
    fn advance(&mut self) -> bool {
        if self.current + 1 >= self.segments.len() {
            return false;
        }
        self.current += 1;
        self.base = 0;
        self.at = 0;
        self.bytes.clear();
        self.loaded = false;
        true
    }

    fn load(&mut self) -> Result<(), LogError> {
        let Some(segment) = self.segment() else { return Ok(()) };
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(segment::path(&self.folder, segment))?;
            file.seek(SeekFrom::Start(self.base))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        self.bytes = read().map_err(|error| LogError::Io(error.kind()))?;
        self.loaded = true;
        Ok(())
    }
}

//! The log: every event in files that are only ever appended to, written and synced before anything else of a commit.
//!
//! `DATA/log/` holds segments, each named by the number of its first event. A segment is a row of frames, a frame the
//! events of one group of commits (see [`Frame`]). The log names no person and is enough to say which cards are
//! suspended or revoked, which indices were given and which tokens are good, whatever becomes of the records.

mod frame;
mod lock;
mod reader;
mod segment;
mod writer;

pub use frame::{BadFrame, Frame, FrameTooLong, MAX_FRAME_BYTES};
pub use lock::{LockError, LogLock};
pub use reader::{LogError, LogReader};
pub use segment::{EventIndex, Position};
pub use writer::{AppendError, DEFAULT_SEGMENT_BYTES, LogWriter, create_folder, sync_folder};

use std::path::{Path, PathBuf};

/// Where the log of a data folder lies.
pub fn folder(data: &Path) -> PathBuf {
    data.join("log")
}

#[cfg(test)]
mod tests;

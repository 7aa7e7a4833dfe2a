//! Segments of the log and places in them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Bytes between two entries of an [`EventIndex`]: a search reads at most this much too much.
const INDEX_STEP: u64 = 64 * 1024;

/// Where a frame begins.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Position {
    /// The segment, by the number of its first event.
    pub segment: u64,
    /// Bytes from its beginning.
    pub offset: u64,
}

/// The file of a segment.
pub(super) fn path(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:020}.log"))
}

/// The segments of a folder in order; none when there is no folder.
pub(super) fn list(folder: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut segments = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".log")).filter(|digits| digits.len() == 20);
        segments.extend(number.and_then(|digits| digits.parse::<u64>().ok()));
    }
    segments.sort_unstable();
    Ok(segments)
}

/// Which event stands where, every `INDEX_STEP` bytes.
#[derive(Clone, Debug, Default)]
pub struct EventIndex {
    entries: Vec<(u64, Position)>,
}

impl EventIndex {
    /// Notes a frame by its first event. Frames are noted in order.
    pub fn note(&mut self, first: u64, at: Position) {
        let due = self
            .entries
            .last()
            .is_none_or(|(_, last)| last.segment != at.segment || at.offset.saturating_sub(last.offset) >= INDEX_STEP);
        if due {
            self.entries.push((first, at));
        }
    }

    /// The last noted frame that begins with `event` or an earlier one.
    pub fn before(&self, event: u64) -> Option<(u64, Position)> {
        let after = self.entries.partition_point(|(first, _)| *first <= event);
        self.entries.get(after.checked_sub(1)?).copied()
    }
}

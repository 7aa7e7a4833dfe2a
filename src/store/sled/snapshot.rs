//! The log of a data folder, read from the newest snapshot on where that can be believed.

use std::path::Path;

use crate::{
    crypto::PublicKey,
    format::merkle::Hash,
    store::{
        TreeHead,
        log::{self, LogReader, Position},
        sled::replay::{End, Replay},
        snapshot::{Snapshot, newest},
        told::Told,
        worse::{self, Shown},
    },
};

/// The part of the log that a snapshot stands for and that is still to be re-checked.
#[derive(Clone, Copy)]
pub(super) struct Skipped {
    pub(super) size: u64,
    pub(super) root: Hash,
}

/// The state a snapshot holds, and where the log goes on; none when this log does not go on from it.
fn base(snapshot: &Snapshot, data: &Path) -> Option<(Replay, Position, Skipped)> {
    let (log, head) = (log::folder(data), snapshot.head());
    let mut first = Replay::default();
    let (at, frame) = LogReader::open(&log).ok()?.next_frame().ok()??;
    first.take(at, &frame);
    let (segment, offset, number) = snapshot.place();
    let mut reader = LogReader::open_at(&log, number, Position { segment, offset }).ok()?;
    let (at, last) = reader.next_frame().ok()??;
    if first.told.origin != Some(snapshot.origin()) || last.last() != head.size {
        return None;
    }
    let told = snapshot.tell()?;
    let mut replay = Replay { told, applied: last.applied, last_frame: Some((at, number)), ..Replay::default() };
    replay.index.note(number, at);
    Some((replay, reader.position()?, Skipped { size: head.size, root: head.root }))
}

/// Takes into `replay` what only the snapshot knows.
fn harden(snapshot: &Snapshot, replay: &Replay) {
    let shown = Shown { board: &replay.told.board, roster: &replay.told.roster, last: replay.last() };
    worse::by_snapshot(shown, snapshot);
}

/// What the log says: from a snapshot on where that can be believed, otherwise all of it.
pub(super) struct FoundLog {
    pub(super) replay: Replay,
    pub(super) end: End,
    pub(super) position: Option<Position>,
    /// The last event that a snapshot attests.
    pub(super) attested: u64,
    pub(super) skipped: Option<Skipped>,
}

/// Reads the log of a data folder.
pub(super) fn read_log(
    data: &Path,
    key: &PublicKey,
    expected: Option<TreeHead>,
    from_snapshot: bool,
) -> Result<FoundLog, log::LogError> {
    let folder = log::folder(data);
    let snapshot = newest(data, key);
    let mut attested = snapshot.as_ref().map_or(0, Snapshot::sequence);
    if let Some((mut replay, at, skipped)) = snapshot.as_ref().filter(|_| from_snapshot).and_then(|found| base(found, data)) {
        replay.told.expected = expected;
        let (end, position) = replay.read(&folder, Some(at))?;
        // What a damaged log says is gathered from all of it.
        if !matches!(end, End::Damaged(_)) {
            return Ok(FoundLog { replay, end, position, attested, skipped: Some(skipped) });
        }
    }
    let mut replay = Replay { told: Told { expected, ..Told::default() }, ..Replay::default() };
    let (end, position) = replay.read(&folder, None)?;
    match snapshot {
        // The log of another store, with our key, would be another matter.
        Some(snapshot) if replay.told.origin.is_some_and(|origin| origin != snapshot.origin()) => attested = 0,
        Some(snapshot) if attested > replay.last() => harden(&snapshot, &replay),
        _ => {}
    }
    Ok(FoundLog { replay, end, position, attested, skipped: None })
}

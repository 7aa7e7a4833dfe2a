use std::{fs, io, path::Path, sync::Arc};

use super::*;
use crate::{
    base::time::Timestamp,
    model::{
        event::{Event, LoggedEvent, What},
        party::Actor,
    },
    store::faults::{Faults, NoFaults, Step},
};

struct FailAt(&'static [Step]);

impl Faults for FailAt {
    fn before(&self, step: Step) -> io::Result<()> {
        if self.0.contains(&step) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

fn frame(first: u64, count: u64) -> Frame {
    let events = (first..first + count).map(|number| {
        let event = Event { number, at: Timestamp::from_unix(7), actor: Actor::Service, what: What::PersonRegistered };
        LoggedEvent { event, salt: [number as u8; 16] }
    });
    Frame { applied: first - 1, events: events.collect() }
}

/// A log of `frames` frames of two events each, in segments of three frames.
fn write(folder: &Path, frames: u64) -> LogWriter {
    let segment_bytes = 2 * frame(1, 2).encode().expect("it is short").len() as u64 + 16;
    let mut writer = LogWriter::open(folder, None, segment_bytes, Arc::new(NoFaults)).expect("the folder is there");
    for n in 0..frames {
        writer.append(&frame(2 * n + 1, 2)).expect("it is written");
    }
    writer
}

/// Everything readable, what stopped it, and what can be salvaged behind that.
fn read(folder: &Path) -> (Vec<u64>, Option<LogError>, Vec<u64>) {
    let mut reader = LogReader::open(folder).expect("the folder can be listed");
    let (mut read, mut error, mut salvaged) = (Vec::new(), None, Vec::new());
    loop {
        match reader.next_frame() {
            Ok(Some((_, frame))) => read.extend(frame.events.iter().map(|logged| logged.event.number)),
            Ok(None) => break,
            Err(found) => error = Some(found),
        }
    }
    while let Ok(Some(frame)) = reader.salvage() {
        salvaged.extend(frame.events.iter().map(|logged| logged.event.number));
    }
    (read, error, salvaged)
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).expect("it is there").map(|entry| entry.expect("it is").path()).collect();
    files.sort();
    files
}

#[test]
fn what_was_appended_is_read_back_over_all_segments() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), 8);
    assert_eq!(segments(folder.path()).len(), 3);
    assert_eq!(read(folder.path()), ((1..=16).collect(), None, vec![]));
    let none = tempfile::tempdir().expect("a folder");
    assert_eq!(read(&none.path().join("nothing")), (vec![], None, vec![]));
}

#[test]
fn reading_starts_at_any_indexed_frame() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), 8);
    let (mut index, mut reader) = (EventIndex::default(), LogReader::open(folder.path()).expect("it is there"));
    while let Some((at, frame)) = reader.next_frame().expect("it is whole") {
        index.note(frame.first(), at);
        let mut other = LogReader::open_at(folder.path(), frame.first(), at).expect("it is there");
        assert_eq!(other.next_frame().expect("it is whole").map(|(_, again)| again), Some(frame));
    }
    assert_eq!(index.before(0), None);
    assert_eq!(index.before(9).map(|(first, at)| (first, at.segment, at.offset)), Some((7, 7, 0)));
}

#[test]
fn a_torn_last_frame_is_told_from_damage_and_cut() {
    for keep in [1, 11, 12, 40] {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), 5);
        let last = segments(folder.path()).pop().expect("there is one");
        let whole = fs::read(&last).expect("it is read");
        let start = whole.len() / 2;
        fs::write(&last, &whole[..start + keep]).expect("it is torn");
        assert_eq!(read(folder.path()), ((1..=8).collect(), Some(LogError::Torn { event: 9 }), vec![]), "{keep} bytes");

        let mut reader = LogReader::open(folder.path()).expect("it is there");
        while let Ok(Some(_)) = reader.next_frame() {}
        let mut writer = LogWriter::open(folder.path(), reader.position(), 1 << 20, Arc::new(NoFaults)).expect("it opens");
        writer.append(&frame(reader.next_event(), 1)).expect("it is written");
        assert_eq!(read(folder.path()), ((1..=9).collect(), None, vec![]), "{keep} bytes");
    }
}

#[test]
fn damage_elsewhere_is_named_by_its_first_event_and_what_follows_is_salvaged() {
    let flips: [(usize, u64); 4] = [(0, 1), (1, 7), (0, 5), (1, 11)];
    for (segment, event) in flips {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), 8);
        let path = &segments(folder.path())[segment];
        let mut bytes = fs::read(path).expect("it is read");
        let frames_before = (event - 1) / 2 - 3 * segment as u64;
        let place = frame(1, 2).encode().expect("short").len() * frames_before as usize;
        let at = bytes.len().min(place + 30);
        bytes[at] ^= 1;
        fs::write(path, bytes).expect("it is written");
        let expected = ((1..event).collect(), Some(LogError::Damaged { event }), (event + 2..=16).collect());
        assert_eq!(read(folder.path()), expected, "segment {segment}");
    }
}

#[test]
fn a_segment_or_frame_that_is_missing_is_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), 8);
    fs::remove_file(&segments(folder.path())[1]).expect("it is removed");
    assert_eq!(read(folder.path()), ((1..=6).collect(), Some(LogError::Damaged { event: 7 }), (13..=16).collect()));
    fs::remove_file(&segments(folder.path())[0]).expect("it is removed");
    assert_eq!(read(folder.path()), (vec![], Some(LogError::Damaged { event: 1 }), (13..=16).collect()));

    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), 3);
    let path = &segments(folder.path())[0];
    let bytes = fs::read(path).expect("it is read");
    let (one, all) = (bytes.len() / 3, bytes.len());
    for (kept, expected) in [
        ([0..one, 2 * one..all], (vec![1, 2], Some(LogError::Damaged { event: 3 }), vec![5, 6])),
        ([0..one, 0..one], (vec![1, 2], Some(LogError::Damaged { event: 3 }), vec![])),
    ] {
        fs::write(path, kept.map(|range| &bytes[range]).concat()).expect("it is written");
        assert_eq!(read(folder.path()), expected);
    }
}

#[test]
fn a_failed_append_leaves_nothing_behind_and_can_be_repeated() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = LogWriter::open(folder.path(), None, 1 << 20, Arc::new(FailAt(&[Step::LogWrite]))).expect("it opens");
    for _ in 0..2 {
        assert_eq!(writer.append(&frame(1, 2)), Err(AppendError::NotWritten(io::ErrorKind::StorageFull)));
    }
    assert_eq!(read(folder.path()), (vec![], None, vec![]));
    assert_eq!(fs::metadata(&segments(folder.path())[0]).expect("it is there").len(), 0);
}

#[test]
fn after_a_failed_sync_or_cut_the_log_is_closed() {
    for (faults, error) in [
        (&[Step::LogSync][..], AppendError::NotSynced(io::ErrorKind::StorageFull)),
        (&[Step::LogName], AppendError::NotSynced(io::ErrorKind::StorageFull)),
        (&[Step::LogWrite, Step::LogCut], AppendError::NotCut(io::ErrorKind::StorageFull)),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = LogWriter::open(folder.path(), None, 1 << 20, Arc::new(FailAt(faults))).expect("it opens");
        assert_eq!(writer.append(&frame(1, 2)), Err(error));
        assert_eq!(writer.append(&frame(1, 2)), Err(AppendError::Closed));
    }
}

#[test]
fn a_folder_has_one_writer() {
    let folder = tempfile::tempdir().expect("a folder");
    let held = LogLock::take(folder.path()).expect("it is free");
    assert_eq!(LogLock::take(folder.path()).err(), Some(LockError::InUse(folder.path().join("lock"))));
    drop(held);
    assert!(LogLock::take(folder.path()).is_ok());
}

#[test]
fn what_an_earlier_process_wrote_is_synced_before_anything_stands_on_it() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(write(folder.path(), 1));
    let mut reader = LogReader::open(folder.path()).expect("the folder can be listed");
    assert!(matches!(reader.next_frame(), Ok(Some(_))));
    let opened = LogWriter::open(folder.path(), reader.position(), 1 << 20, Arc::new(FailAt(&[Step::StartSync])));
    assert_eq!(opened.err().map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
}

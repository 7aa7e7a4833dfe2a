use std::{fs, io::Write, ops::Range, path::PathBuf, sync::Arc};

use super::*;
use crate::{
    audit::{
        fixture::{URL, event, head, key, signer},
        seal::Seal,
    },
    base::random::{Random, SeededRandom},
    model::event::LoggedEvent,
    store::{
        faults::NoFaults,
        log::{Frame, LogWriter},
    },
};

const FRAMES: u64 = 24;

/// Room for about three frames.
const SEGMENT_BYTES: u64 = 800;

/// How many events frame `n` has, counted from 0: one to three.
fn events_of(frame: u64) -> u64 {
    frame % 3 + 1
}

/// The number of the first event of frame `n`.
fn first_of(frame: u64) -> u64 {
    1 + (0..frame).map(events_of).sum::<u64>()
}

fn frame(n: u64) -> Frame {
    let first = first_of(n);
    Frame { applied: first - 1, events: (first..first + events_of(n)).map(event).collect() }
}

/// A data folder with a log in several segments, and a head signed after every `sealed_every`-th frame.
fn data(sealed_every: u64) -> tempfile::TempDir {
    let data = tempfile::tempdir().expect("a folder");
    let folder = log::folder(data.path());
    fs::create_dir(&folder).expect("a folder in it");
    let mut writer = LogWriter::open(&folder, None, SEGMENT_BYTES, Arc::new(NoFaults)).expect("it opens");
    let seal = Seal::open(signer(1), URL, data.path()).expect("there is no head yet");
    let mut events: Vec<LoggedEvent> = Vec::new();
    for n in 0..FRAMES {
        let frame = frame(n);
        writer.append(&frame).expect("it is written");
        events.extend(frame.events);
        if (n + 1) % sealed_every == 0 {
            seal.try_leave_head(head(&events)).expect("it is left");
        }
    }
    data
}

fn segments(data: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(log::folder(data)).expect("it is there").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|ext| ext == "log")).collect();
    files.sort();
    assert!(files.len() > 3, "several segments");
    files
}

/// The frames of each segment: number, and place in the file.
fn frames(segments: &[PathBuf]) -> Vec<Vec<(u64, Range<usize>)>> {
    let mut n = 0;
    let of_segment = |path: &PathBuf| {
        let (length, mut at, mut found) = (fs::metadata(path).expect("it is there").len() as usize, 0, Vec::new());
        while at < length {
            let end = at + frame(n).encode().expect("it is short").len();
            found.push((n, at..end));
            (at, n) = (end, n + 1);
        }
        found
    };
    segments.iter().map(of_segment).collect()
}

/// Numbers that follow from a seed.
struct Dice(SeededRandom);

impl Dice {
    fn below(&self, bound: usize) -> usize {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        u32::from_be_bytes(bytes) as usize % bound
    }
}

/// Changes one thing in the log as an attacker or a broken disk would. Gives what was done and the first event that is
/// not as it was written.
fn mutate(data: &Path, kind: usize, dice: &Dice) -> (&'static str, u64) {
    let segments = segments(data);
    let frames = frames(&segments);
    let segment = dice.below(segments.len());
    let (path, places) = (&segments[segment], &frames[segment]);
    let bytes = fs::read(path).expect("it is read");
    let (n, place) = places[dice.below(places.len())].clone();
    let holding = |at: usize| places.iter().find(|(_, place)| place.contains(&at)).map(|(n, _)| *n).expect("a frame");
    let spliced = |range: Range<usize>, with: &[u8]| [&bytes[..range.start], with, &bytes[range.end..]].concat();
    let (what, changed, first_changed) = match kind {
        0 => {
            let (at, mut changed) = (dice.below(bytes.len()), bytes.clone());
            changed[at] ^= 1 << dice.below(8);
            ("a bit flipped", changed, holding(at))
        }
        1 => {
            let at = dice.below(bytes.len());
            let end = bytes.len().min(at + 1 + dice.below(300));
            ("bytes deleted", spliced(at..end, &[]), holding(at))
        }
        2 => {
            let at = dice.below(bytes.len());
            ("truncated", bytes[..at].to_vec(), holding(at))
        }
        3 => ("a frame deleted", spliced(place, &[]), n),
        4 => {
            // The frame after the one that stands twice is the first in a wrong place; the last one's twin is one too many.
            ("a frame twice", spliced(place.end..place.end, &bytes[place]), n + 1)
        }
        5 => {
            let (first, second) = (&places[0], &places[1 + dice.below(places.len() - 1)]);
            let (one, other) = (&bytes[first.1.clone()], &bytes[second.1.clone()]);
            ("frames swapped", [other, &bytes[first.1.end..second.1.start], one, &bytes[second.1.end..]].concat(), first.0)
        }
        6 => {
            let mut edited = frame(n);
            edited.events.last_mut().expect("an event").event.at = edited.events[0].event.at.plus_seconds(1);
            ("an event edited, its checksum made anew", spliced(place, &edited.encode().expect("short")), n)
        }
        7 => {
            let mut edited = frame(n);
            edited.events[0].salt[dice.below(16)] ^= 1;
            ("a salt changed, its checksum made anew", spliced(place, &edited.encode().expect("short")), n)
        }
        8 => {
            let other = (segment + 1) % segments.len();
            let swapped = fs::read(&segments[other]).expect("it is read");
            fs::write(&segments[other], &bytes).expect("it is written");
            ("segments swapped", swapped, places[0].0.min(frames[other][0].0))
        }
        _ => return (("a segment deleted"), delete(path, places[0].0)),
    };
    fs::write(path, changed).expect("it is written");
    (what, first_of(first_changed))
}

fn delete(path: &Path, first: u64) -> u64 {
    fs::remove_file(path).expect("it is removed");
    first_of(first)
}

#[test]
fn a_log_as_it_was_written_is_good_and_says_how_far_it_is_sealed() {
    let all = first_of(FRAMES) - 1;
    for (every, heads) in [(1, 24), (5, 4), (100, 0)] {
        let data = data(every);
        let report = data_folder(data.path(), Some(&key(1)));
        let sealed = first_of(heads * every) - 1;
        let root = head(&(1..=all).map(event).collect::<Vec<_>>()).root;
        let expected = Report { events: all, root, sealed, heads: heads as usize, signatures_checked: true, fault: None };
        assert_eq!(report, expected);
        let without_key = data_folder(data.path(), None);
        assert_eq!(without_key, Report { signatures_checked: false, ..expected });
    }
}

#[test]
fn every_one_of_200_changes_is_found_and_its_first_event_named() {
    for seed in 0..200 {
        let data = data(1);
        let dice = Dice(SeededRandom::new(seed));
        let (what, first) = mutate(data.path(), seed as usize % 10, &dice);
        let fault = data_folder(data.path(), Some(&key(1))).fault;
        let named = fault.and_then(|fault| fault.first_bad_event());
        assert_eq!(named, Some(first), "seed {seed}, {what}: {fault:?}");
    }
}

#[test]
fn where_heads_are_few_a_change_is_found_between_two_of_them() {
    for seed in 0..20 {
        let data = data(5);
        // The last frames are under no head: there only checksums tell.
        let dice = Dice(SeededRandom::new(seed));
        let (_, first) = mutate(data.path(), 6, &dice);
        let fault = data_folder(data.path(), Some(&key(1))).fault;
        match fault {
            Some(Fault::Changed { event, until }) => assert!((event..=until).contains(&first), "{event} {first} {until}"),
            other => assert!(other.is_none() && first >= first_of(20), "seed {seed}: {other:?}, event {first}"),
        }
    }
}

#[test]
fn a_log_rewritten_from_one_event_on_with_all_checksums_right_is_found() {
    let data = data(1);
    let folder = log::folder(data.path());
    segments(data.path()).iter().for_each(|path| fs::remove_file(path).expect("it is removed"));
    let mut writer = LogWriter::open(&folder, None, SEGMENT_BYTES, Arc::new(NoFaults)).expect("it opens");
    // Event 9 was never there: everything after it moves down by one.
    for number in 1..first_of(FRAMES) - 1 {
        let mut logged = event(if number < 9 { number } else { number + 1 });
        logged.event.number = number;
        writer.append(&Frame { applied: number - 1, events: vec![logged] }).expect("it is written");
    }
    let fault = data_folder(data.path(), Some(&key(1))).fault;
    assert_eq!(fault, Some(Fault::Changed { event: first_of(4), until: first_of(5) - 1 }));
    assert!((first_of(4)..first_of(5)).contains(&9));
}

#[test]
fn a_torn_end_is_a_crash_only_where_no_head_covers_it() {
    for (every, sealed) in [(1, true), (100, false)] {
        let data = data(every);
        let last = segments(data.path()).pop().expect("a segment");
        let length = fs::metadata(&last).expect("it is there").len();
        fs::File::options().write(true).open(&last).and_then(|file| file.set_len(length - 1)).expect("it is cut");
        let (event, all) = (first_of(FRAMES - 1), first_of(FRAMES) - 1);
        let expected = if sealed { Fault::Missing { event, sealed: all } } else { Fault::Torn { event } };
        assert_eq!(data_folder(data.path(), Some(&key(1))).fault, Some(expected));
    }
}

#[test]
fn heads_by_another_key_and_foreign_text_are_named() {
    let data = data(1);
    let nth = |nth, why| Some(Fault::BadHead { nth, why });
    assert_eq!(data_folder(data.path(), Some(&key(2))).fault, nth(1, NoteError::NotSigned));
    let path = heads::path(data.path());
    let text = fs::read_to_string(&path).expect("it is read");
    fs::write(&path, text.replacen("\n3\n", "\n4\n", 1)).expect("it is written");
    assert!(matches!(data_folder(data.path(), Some(&key(1))).fault, Some(Fault::BadHead { why: NoteError::BadSignature, .. })));
    let mut file = fs::File::options().append(true).open(&path).expect("it opens");
    fs::write(&path, &text).and_then(|()| file.write_all(b"a\nb\nc\nd\ne\n")).expect("it is written");
    assert_eq!(data_folder(data.path(), Some(&key(1))).fault, nth(25, NoteError::Malformed));
    // A damaged log says more than a damaged head.
    fs::write(&segments(data.path())[0], b"nothing").expect("it is written");
    assert_eq!(data_folder(data.path(), Some(&key(1))).fault, Some(Fault::Damaged { event: 1 }));
}

#[test]
fn a_folder_without_a_log_has_no_events_and_one_that_begins_otherwise_is_named() {
    let empty = tempfile::tempdir().expect("a folder");
    let report = data_folder(empty.path(), Some(&key(1)));
    assert_eq!((report.events, report.root, report.fault), (0, merkle::empty_root(), None));

    fs::create_dir(log::folder(empty.path())).expect("a folder in it");
    let mut writer = LogWriter::open(&log::folder(empty.path()), None, SEGMENT_BYTES, Arc::new(NoFaults)).expect("it opens");
    let mut first = event(2);
    first.event.number = 1;
    writer.append(&Frame { applied: 0, events: vec![first] }).expect("it is written");
    let fault = data_folder(empty.path(), Some(&key(1))).fault;
    assert_eq!((fault, fault.and_then(|fault| fault.first_bad_event())), (Some(Fault::NoBeginning), Some(1)));
}

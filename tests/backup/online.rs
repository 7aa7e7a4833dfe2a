//! The backup itself: consistent whatever is written meanwhile, whole or refused.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use yufu::{
    model::{
        card::State,
        event::LoggedEvent,
        record::{Query, Record},
    },
    store::{
        Store,
        transfer::{
            Row, Sink, TransferError,
            file_reader::{Nowhere, SignedBy, StreamError, read},
        },
    },
};

use super::*;

/// What a copy gives, put together.
#[derive(Default)]
struct Copied {
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    events: Vec<LoggedEvent>,
}

impl Sink for Copied {
    fn rows(&mut self, rows: Vec<Row>) -> Result<(), TransferError> {
        assert!(self.events.is_empty(), "rows come first");
        for (key, value) in rows {
            match value {
                Some(value) => drop(self.rows.insert(key, value)),
                None => drop(self.rows.remove(&key)),
            }
        }
        Ok(())
    }

    fn events(&mut self, events: Vec<LoggedEvent>) -> Result<(), TransferError> {
        self.events.extend(events);
        Ok(())
    }
}

#[test]
fn a_copy_made_under_sixteen_writers_is_the_store_as_it_was_at_one_event() {
    let folder = Folder::new();
    let store = folder.open();
    for n in 0..400 {
        store.commit(issue(&format!("early-{n}"), 2)).expect("it is issued");
    }
    let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
    let copies: Vec<(Copied, yufu::store::transfer::Extent)> = std::thread::scope(|scope| {
        for writer in 0..16 {
            let (store, stop, written) = (&store, &stop, &written);
            scope.spawn(move || {
                for n in 0.. {
                    if stop.load(Ordering::Acquire) {
                        return;
                    }
                    let name = format!("{writer}-{n}");
                    store.commit(issue(&name, 1)).expect("it is issued");
                    move_card(store, &format!("early-{}", (n * 16 + writer) % 400), State::Suspended);
                    store.commit(put(one_time(&name, NOW))).expect("it is written");
                    move_card(store, &name, State::Revoked);
                    written.fetch_add(1, Ordering::AcqRel);
                }
            });
        }
        let copies = (0..3)
            .map(|_| {
                let before = written.load(Ordering::Acquire);
                while written.load(Ordering::Acquire) < before + 4 {
                    std::thread::sleep(Duration::from_millis(1));
                }
                let mut copied = Copied::default();
                let extent = store.source().expect("a source").copy(&mut copied).expect("it is copied");
                (copied, extent)
            })
            .collect();
        stop.store(true, Ordering::Release);
        copies
    });
    let all = all_events(&store);
    for (copied, extent) in &copies {
        assert_eq!(copied.events.as_slice(), &all[..extent.head.size as usize], "every event up to the end and no other");
        assert!(extent.head.size < store.head().size, "commits went on");
    }
    // A restore holds the rows against the events: each card stands in the lists as its record says.
    let bytes = backup(&store);
    let other = Folder::new();
    restored(&other, &bytes, accepted()).expect("it is restored");
    cards_agree_with_lists(&other.open(), 400);
}

/// Every card of a store has the state that its indices have.
pub fn cards_agree_with_lists(store: &dyn Store, at_least: usize) {
    let (mut after, mut count) = (None, 0);
    loop {
        let query = Query::Cards { person: None, state: None, credential_type: None };
        let page = store.find(&query, after.as_deref(), 500).expect("it is read");
        for record in &page.records {
            let Record::Card(card) = &record.value else { panic!("not a card") };
            assert!(values(store, card).iter().all(|value| *value == card.state.list_value()), "{card:?}");
            assert!(card.copies.iter().all(|copy| store.board().entry(copy.status).is_some_and(|entry| entry.given)));
            count += 1;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(count >= at_least, "{count} cards of {at_least}");
}

#[test]
fn copies_taken_under_writers_have_every_index_row_and_no_other() {
    let folder = Folder::new();
    let store = folder.open();
    let stop = AtomicBool::new(false);
    let copied = std::thread::scope(|scope| {
        for writer in 0..4 {
            let (store, stop) = (&store, &stop);
            scope.spawn(move || {
                for n in 0..500 {
                    if stop.load(Ordering::Acquire) {
                        return;
                    }
                    let name = format!("{writer}-{n}");
                    store.commit(issue(&name, 1)).expect("it is issued");
                    let card = card(store, &name);
                    let until = NOW.plus_seconds(i64::from(n) + 1);
                    store.commit(transition(&card, State::Suspended, Some(until))).expect("it is suspended");
                    move_card(store, &name, State::Revoked);
                }
            });
        }
        std::thread::sleep(Duration::from_millis(300));
        let mut copied = Copied::default();
        store.source().expect("a source").copy(&mut copied).expect("it is copied");
        stop.store(true, Ordering::Release);
        copied
    });
    let (mut suspended, mut indexed) = (0, 0);
    for (key, value) in &copied.rows {
        if key[0] == b'c' {
            let record: Record = serde_json::from_slice(&value[9..]).expect("a record");
            let Record::Card(card) = record else { panic!("not a card") };
            suspended += usize::from(card.state == State::Suspended);
        }
        indexed += usize::from(key.starts_with(b"xu"));
    }
    assert_eq!(suspended, indexed, "a suspended card has its row in the index of ends, and no other card has");
}

#[test]
fn a_backup_that_was_cut_off_or_altered_is_refused_whole() {
    let folder = Folder::new();
    let store = folder.open();
    store.commit(issue("a", 1)).expect("it is issued");
    let bytes = backup(&store);
    let key = log_key(9);
    let check = |mut bytes: &[u8]| read(&mut bytes, SignedBy::Key(key.public_key()), &mut Nowhere).map(|(_, trailer)| trailer);
    assert_eq!(check(&bytes).map(|trailer| trailer.events), Ok(store.head().size));
    for at in 0..bytes.len() {
        assert!(check(&bytes[..at]).is_err(), "cut at {at}");
        let mut altered = bytes.clone();
        altered[at] ^= 0x10;
        assert!(check(&altered).is_err(), "altered at {at}");
    }
    assert_eq!(check(&[&bytes[..], b"x"].concat()), Err(StreamError::Damaged));
    assert_eq!(check(&backup_signed(&store, &log_key(5))), Err(StreamError::NotSigned));

    let target = Folder::new();
    for bad in [&bytes[..bytes.len() - 1], &backup_signed(&store, &log_key(5))] {
        assert!(matches!(restored(&target, bad, accepted()), Err(RestoreError::Backup(_))));
        assert!(!target.path().join("store").exists() && !target.path().join("restoring").exists());
    }
    assert!(restored(&target, &bytes, accepted()).is_ok());
}

#[test]
fn a_guarded_store_gives_no_copy_and_the_stream_says_why() {
    let folder = Folder::new();
    folder.open().commit(issue("a", 1)).expect("it is issued");
    std::fs::remove_dir_all(folder.path().join("store")).expect("it is removed");
    let (store, mut bytes) = (folder.open(), Vec::new());
    let header = Header { version: String::new(), public_url: String::new(), begun_at: NOW, events: 0 };
    let source = store.source().expect("a source");
    assert!(file::write(source, &header, &|| NOW, &log_key(9), &mut bytes).is_err());
    let failed = read(&mut bytes.as_slice(), SignedBy::Anyone, &mut Nowhere);
    assert_eq!(failed, Err(StreamError::Failed("the store is guarded until it is repaired".to_owned())));
}

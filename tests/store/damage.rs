//! What can happen to a data folder between two starts, and what must hold afterwards whatever did.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use yufu::{
    model::{
        card::{Card, State, StatusRef},
        record::{Commit, Key},
    },
    store::{CommitError, Mode, ReadError, Store},
};

use crate::harness::*;

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder is made");
    for entry in fs::read_dir(from).expect("it is listed") {
        let entry = entry.expect("it is listed");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("it is copied");
        }
    }
}

pub fn replace(from: &Path, to: &Path) {
    fs::remove_dir_all(to).expect("it is removed");
    copy(from, to);
}

/// A folder with a history, copies of its parts from half-way, and what is known of it.
pub struct World {
    pub folder: Folder,
    pub half_way: PathBuf,
    /// The number of the last event half-way and at the end.
    pub events: (u64, u64),
    /// Every card with the value its copies have.
    pub cards: Vec<(Card, u8)>,
}

impl World {
    /// Cards revoked and suspended before and after half-way, tokens switched off before and after.
    pub fn new() -> Self {
        let folder = Folder::new();
        let half_way = folder.path().with_file_name("half-way");
        let store = folder.open();
        for name in ["revoked-early", "revoked-late", "suspended", "reinstated", "valid"] {
            store.commit(issue(name, 2)).expect("it is issued");
        }
        for token in ["good", "off-early", "off-late"] {
            store.commit(make_token(token)).expect("it is made");
        }
        store.commit(register("somebody", &["number"])).expect("it is registered");
        move_card(&store, "revoked-early", State::Revoked);
        move_card(&store, "reinstated", State::Suspended);
        store.commit(switch_off("off-early")).expect("it is switched off");
        let half = store.head().size;
        drop(store);
        copy(&folder.path(), &half_way);

        let store = folder.open();
        move_card(&store, "reinstated", State::Active);
        move_card(&store, "suspended", State::Suspended);
        store.commit(switch_off("off-late")).expect("it is switched off");
        store.commit(issue("issued-late", 2)).expect("it is issued");
        move_card(&store, "revoked-late", State::Revoked);
        store.commit(put(setting("last", "1"))).expect("it is written");
        // The last frame says of the revocation before it that it is stored.
        move_card(&store, "suspended", State::Revoked);
        let cards =
            [("revoked-early", 1), ("revoked-late", 1), ("suspended", 1), ("reinstated", 0), ("valid", 0), ("issued-late", 0)];
        let cards = cards.iter().map(|(name, value)| (card(&store, name).value, *value)).collect();
        let events = (half, store.head().size);
        Self { folder, half_way, events, cards }
    }

    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The only segment.
    pub fn segment(&self) -> PathBuf {
        self.log().join(format!("{:020}.log", 1))
    }

    /// sled's own snapshots, without which it reads its whole file.
    pub fn remove_sled_snapshots(&self) {
        for entry in fs::read_dir(self.store()).expect("it is listed") {
            let path = entry.expect("it is listed").path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snap.")) {
                fs::remove_file(path).expect("it is removed");
            }
        }
    }

    pub fn log_bytes(&self) -> Vec<u8> {
        fs::read(self.segment()).expect("it is read")
    }

    /// Where the frames of the segment begin, and its end.
    pub fn frames(&self) -> Vec<usize> {
        let bytes = self.log_bytes();
        let mut starts: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"yfL1")).collect();
        starts.push(bytes.len());
        starts
    }

    pub fn given(&self) -> BTreeSet<StatusRef> {
        self.cards.iter().flat_map(|(card, _)| card.copies.iter().map(|copy| copy.status)).collect()
    }

    /// Whatever was lost: nothing that was taken away comes back.
    pub fn nothing_comes_back(&self, store: &dyn Store) {
        for (card, value) in &self.cards {
            let now = values(store, card);
            if *value != 0 {
                assert_eq!(now, [*value; 2], "{card:?}");
            }
        }
        for at in self.given() {
            assert!(store.board().entry(at).is_some_and(|entry| entry.given), "{at:?} would be given again");
        }
        for off in ["off-early", "off-late"] {
            assert_eq!(store.roster().bearer(&token_hash(off)), None, "{off} is good again");
        }
    }

    /// Guarded mode serves lists, tokens and the log, and nothing else.
    pub fn guarded_serves_what_it_can(&self, store: &dyn Store) {
        assert!(matches!(store.health().mode, Mode::Guarded(_)));
        self.nothing_comes_back(store);
        // What was suspended when the damaged part was written may read so; nothing valid reads as revoked.
        for (card, _) in self.cards.iter().filter(|(_, value)| *value == 0) {
            assert!(values(store, card).iter().all(|now| *now == 0 || *now == 2), "{card:?}");
        }
        assert_eq!(store.get(&Key::Card(card_id("valid"))), Err(ReadError::Guarded));
        assert_eq!(store.find(&yufu::model::record::Query::Tokens, None, 1), Err(ReadError::Guarded));
        assert_eq!(store.commit(put(setting("a", "1"))), Err(CommitError::ReadOnly));
        assert_eq!(store.commit(Commit::default()), Err(CommitError::ReadOnly));
        log_is_whole(store);
        assert_eq!(all_events(store).len() as u64, store.head().size);
    }

    /// What [`works_again`](Self::works_again) did is there after a restart.
    pub fn works_again_after_restart(&self) {
        let store = self.folder.open();
        assert_eq!(store.health().mode, Mode::Normal);
        assert_eq!(values(&store, &self.cards[4].0), [1, 1]);
        assert_eq!(card(&store, "new-0").value.state, State::Revoked);
        log_is_whole(&store);
    }

    /// A normal store takes commits, and what it gives is new.
    pub fn works_again(&self, store: &dyn Store) {
        assert_eq!(store.health().mode, Mode::Normal);
        self.nothing_comes_back(store);
        let given = self.given();
        for n in 0..5 {
            let receipt = store.commit(issue(&format!("new-{n}"), 4)).expect("it is issued");
            let new = receipt.issued[0].copies.iter().map(|copy| copy.status);
            new.for_each(|at| assert!(!given.contains(&at), "{at:?} was given again"));
        }
        move_card(store, "new-0", State::Revoked);
        move_card(store, "valid", State::Revoked);
        assert_eq!(values(store, &self.cards[4].0), [1, 1]);
        for (name, to) in [("revoked-early", State::Revoked), ("revoked-late", State::Revoked), ("suspended", State::Revoked)] {
            assert_eq!(card(store, name).value.state, to, "{name}");
        }
        assert!(store.roster().bearer(&token_hash("good")).is_some());
        log_is_whole(store);
    }
}

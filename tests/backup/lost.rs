//! Restoring after each kind of loss.

use std::{collections::BTreeSet, fs, path::PathBuf};

use yufu::{
    format::status::{Bits, StatusList},
    model::{
        card::{Card, State, StatusRef},
        event::What,
        ids::ListId,
        record::Key,
    },
    store::{Damage, Mode, sled::ListFound},
};

use super::{online::cards_agree_with_lists, *};

/// A store with a backup from half-way and a history behind it.
struct World {
    folder: Folder,
    backup: Vec<u8>,
    half_way: PathBuf,
    /// Cards whose copies are not good at the end, with their value.
    bad: Vec<(Card, u8)>,
    given: Vec<StatusRef>,
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).expect("the folder is made");
    for entry in fs::read_dir(from).expect("it is listed") {
        let entry = entry.expect("it is listed");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() { copy(&entry.path(), &to) } else { fs::copy(entry.path(), to).map(drop).expect("copied") }
    }
}

impl World {
    fn new() -> Self {
        let folder = Folder::new();
        let store = folder.open();
        for name in ["early", "late", "later", "valid", "renewed"] {
            store.commit(issue(name, 2)).expect("it is issued");
        }
        for token in ["good", "off-early", "off-late"] {
            store.commit(make_token(token)).expect("it is made");
        }
        store.commit(register("somebody", &["number"])).expect("it is registered");
        store.commit(put(one_time("code", NOW.plus_seconds(999)))).expect("it is written");
        store.commit(put(setting("kept", "1"))).expect("it is written");
        move_card(&store, "early", State::Revoked);
        store.commit(switch_off("off-early")).expect("it is switched off");
        let backup = backup(&store);
        drop(store);
        let half_way = folder.path().with_file_name("half-way");
        copy(&folder.path(), &half_way);

        let store = folder.open();
        move_card(&store, "late", State::Revoked);
        move_card(&store, "later", State::Suspended);
        store.commit(switch_off("off-late")).expect("it is switched off");
        store.commit(issue("issued-late", 2)).expect("it is issued");
        move_card(&store, "issued-late", State::Revoked);
        store.commit(issue("valid-late", 1)).expect("it is issued");
        store.commit(renew(&card(&store, "renewed"), "renewed", 3)).expect("it is renewed");
        store.commit(register("somebody late", &["other number"])).expect("it is registered");
        let bad = [("early", 1), ("late", 1), ("later", 2), ("issued-late", 1)];
        let bad = bad.iter().map(|(name, value)| (card(&store, name).value, *value)).collect();
        let all = ["early", "late", "later", "valid", "renewed", "issued-late", "valid-late"];
        let given = all.iter().flat_map(|name| card(&store, name).value.copies).map(|copy| copy.status).collect();
        Self { folder, backup, half_way, bad, given }
    }

    fn lose(&self, part: &str) {
        fs::remove_dir_all(self.folder.path().join(part)).expect("it is removed");
    }

    /// The one list, as it was signed at the end.
    fn list(&self, at: Timestamp) -> ListFound {
        let mut values = StatusList::all_valid(Bits::Two, 1 << 20);
        for (card, value) in &self.bad {
            card.copies.iter().for_each(|copy| values.set(u64::from(copy.status.index), *value).expect("an entry"));
        }
        ListFound { list: ListId(1), signed_at: at, values }
    }

    /// Nothing of the cards that are not good is good again, and no index is given twice.
    fn nothing_comes_back(&self, store: &dyn Store) {
        assert_eq!(store.health().mode, Mode::Normal);
        for (card, value) in &self.bad {
            assert_eq!(values(store, card), vec![*value; 2], "{card:?}");
        }
        for n in 0..40 {
            let receipt = store.commit(issue(&format!("new-{n}"), 5)).expect("it is issued");
            for copy in &receipt.issued[0].copies {
                assert!(!self.given.contains(&copy.status), "{:?} was given again", copy.status);
            }
        }
        assert_eq!(store.roster().bearer(&token_hash("off-early")), None);
        assert!(store.roster().bearer(&token_hash("good")).is_some());
        assert_eq!(store.get(&Key::OneTime(yufu::crypto::sha256("code"))), Ok(None), "a code may have been used since");
        assert!(store.get(&setting_key("kept")).expect("it is read").is_some());
        assert!(store.get(&Key::Person(person_id("somebody"))).expect("it is read").is_some());
        cards_agree_with_lists(store, 45);
        log_is_whole(store);
        no_index_twice(store);
    }
}

#[test]
fn records_that_were_lost_come_from_the_backup_and_learn_what_the_log_says_behind_it() {
    for part in ["empty", "damaged", "rolled back"] {
        let world = World::new();
        let records = world.folder.path().join("store");
        match part {
            "rolled back" => {
                world.lose("store");
                copy(&world.half_way.join("store"), &records);
            }
            "damaged" => fs::write(records.join("conf"), "not what sled wrote").expect("it is written"),
            _ => world.lose("store"),
        }
        assert!(matches!(world.folder.open().health().mode, Mode::Guarded(_)), "{part}");
        let report = restored(&world.folder, &world.backup, Told::default()).expect("the log vouches for the time since");
        assert_eq!((report.redone, report.found, report.backup), (Some(8), 0, 13), "{part}");
        let late: BTreeSet<_> = [card_id("issued-late"), card_id("valid-late")].into();
        assert_eq!(report.cards_without_person.iter().copied().collect::<BTreeSet<_>>(), late);
        assert_eq!(report.not_in_log.people_registered, 1);
        assert_eq!(report.aside.is_some(), part != "empty");
        let store = world.folder.open();
        let last = store.events(store.head().size, 1).expect("it is read").remove(0).event.what;
        let told = What::StoreRestored { store: report.store, backup: 13, found: 0, cards_without_person: 2 };
        assert_eq!(last, told);
        assert_eq!(store.roster().bearer(&token_hash("off-late")), None);
        assert_eq!(card(&store, "renewed").value.copies.len(), 5);
        assert_eq!(card(&store, "valid").value.person, Some(person_id("somebody")));
        world.nothing_comes_back(&store);
        drop(store);
        assert_eq!(world.folder.open().health().mode, Mode::Normal);
        let again = restored(&world.folder, &world.backup, Told::default());
        assert_eq!(again, Err(RestoreError::NothingLost { events: 13 }));
    }
}

#[test]
fn without_the_log_nothing_is_restored_silently() {
    let world = World::new();
    fs::remove_dir_all(world.folder.path()).expect("it is removed");
    let refused = restored(&world.folder, &world.backup, Told::default());
    assert_eq!(refused, Err(RestoreError::LossNotAccepted { backup_at: BACKUP_AT, events: 13 }));
    let too_late = Told { accept_loss_since: Some(BACKUP_AT.plus_seconds(1)), ..Told::default() };
    assert_eq!(restored(&world.folder, &world.backup, too_late), Err(RestoreError::AcceptedTooLate { backup_at: BACKUP_AT }));
    assert!(!world.folder.path().join("store").exists(), "what was refused leaves nothing behind");
    // A list of the time before the backup vouches for nothing.
    let old = Told { since: vec![world.list(BACKUP_AT.plus_seconds(-1))], ..Told::default() };
    assert_eq!(restored(&world.folder, &world.backup, old), refused);

    let since = Told { since: vec![world.list(BACKUP_AT.plus_seconds(900))], ..Told::default() };
    let report = restored(&world.folder, &world.backup, since).expect("the list vouches for the time since");
    // Two copies of each of the three cards that were revoked or suspended since; one of them has no record any more.
    assert_eq!((report.redone, report.found), (None, 6));
    let store = world.folder.open();
    assert_eq!(card(&store, "late").value.state, State::Revoked);
    assert_eq!(card(&store, "later").value.state, State::Suspended);
    assert!(store.get(&Key::Card(card_id("issued-late"))).expect("it is read").is_none());
    world.nothing_comes_back(&store);
}

#[test]
fn a_loss_that_is_accepted_is_a_loss_but_no_index_is_given_twice() {
    let world = World::new();
    fs::remove_dir_all(world.folder.path()).expect("it is removed");
    let report = restored(&world.folder, &world.backup, accepted()).expect("it is accepted");
    assert_eq!((report.redone, report.found, report.good_tokens), (None, 0, 2));
    let store = world.folder.open();
    assert_eq!(card(&store, "late").value.state, State::Active);
    for n in 0..40 {
        let receipt = store.commit(issue(&format!("new-{n}"), 5)).expect("it is issued");
        for copy in &receipt.issued[0].copies {
            assert!(copy.status.list > ListId(64), "a list that the lost time may have opened is left out");
        }
    }
    cards_agree_with_lists(&store, 45);
    log_is_whole(&store);
}

#[test]
fn a_rollback_of_the_whole_folder_is_mended_by_a_newer_backup_or_by_lists_kept_elsewhere() {
    // FT-10: the folder of an earlier time is put back, and looks well.
    let world = World::new();
    let newest = backup(&world.folder.open());
    world.lose("");
    copy(&world.half_way, &world.folder.path());
    assert_eq!(world.folder.open().health().mode, Mode::Normal, "from inside nothing shows");

    // A head that was kept elsewhere shows it.
    let mut bytes = newest.as_slice();
    let read = yufu::store::transfer::file_reader::read;
    let nowhere = &mut yufu::store::transfer::file_reader::Nowhere;
    let (_, end) = read(&mut bytes, yufu::store::transfer::file_reader::SignedBy::Anyone, nowhere).expect("it is whole");
    let head = end.extent().expect("a head").head;
    let store = world.folder.try_open(|options| options.attested = Some(head)).expect("it opens");
    assert!(matches!(store.health().mode, Mode::Guarded(Damage::LogBehind { .. })));
    drop(store);

    // The backup from before the rollback is not newer than the folder: there is nothing it could bring.
    let old = restored(&world.folder, &world.backup, accepted());
    assert_eq!(old, Err(RestoreError::NothingLost { events: 13 }));
    assert!(matches!(restored(&world.folder, &newest, Told::default()), Err(RestoreError::LossNotAccepted { .. })));
    let report = restored(&world.folder, &newest, accepted()).expect("it is restored");
    assert_eq!((report.redone, report.found), (None, 0));
    let store = world.folder.open();
    assert_eq!(store.roster().bearer(&token_hash("off-late")), None);
    world.nothing_comes_back(&store);
}

#[test]
fn what_a_damaged_log_still_says_of_revocations_and_tokens_is_said_again() {
    let world = World::new();
    let segment = world.folder.path().join("log").join(format!("{:020}.log", 1));
    let mut bytes = fs::read(&segment).expect("it is read");
    // The frame behind the one in which the backup ended.
    let starts: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"yfL1")).collect();
    let at = starts[3] + 30;
    bytes[at] ^= 1;
    fs::write(&segment, bytes).expect("it is written");
    assert!(matches!(world.folder.open().health().mode, Mode::Guarded(Damage::LogDamaged(_))));
    assert!(matches!(restored(&world.folder, &world.backup, Told::default()), Err(RestoreError::LossNotAccepted { .. })));
    let report = restored(&world.folder, &world.backup, accepted()).expect("it is restored");
    assert_eq!(report.redone, None);
    assert!(report.found >= 6, "{report:?}");
    let aside = report.aside.expect("the old things are kept");
    assert!(aside.join("store").is_dir() && aside.join("log").join(format!("{:020}.log", 1)).is_file());
    let store = world.folder.open();
    assert_eq!(card(&store, "late").value.state, State::Revoked);
    world.nothing_comes_back(&store);
}

#[test]
fn a_backup_of_another_store_or_another_history_is_refused() {
    let world = World::new();
    world.lose("store");
    let elsewhere = Folder::new();
    let foreign = elsewhere.try_open(|options| options.random = Arc::new(SeededRandom::new(1234))).expect("it opens");
    let foreign = backup(&foreign);
    assert_eq!(restored(&world.folder, &foreign, accepted()), Err(RestoreError::OtherStore));

    // The same beginning, then another history.
    let store = Folder::new();
    copy(&world.half_way, &store.path());
    let forked = store.open();
    for _ in 0..3 {
        forked.commit(make_token("other")).expect("it is made");
    }
    let forked = backup(&forked);
    assert!(matches!(restored(&world.folder, &forked, accepted()), Err(RestoreError::Forked(16))));
}

#[test]
fn a_restore_that_was_interrupted_while_things_changed_places_is_carried_on() {
    let world = World::new();
    let data = world.folder.path();
    let restored_elsewhere = Folder::new();
    restored(&restored_elsewhere, &world.backup, accepted()).expect("it is restored");
    let staged = data.join("restoring");
    for step in ["nothing moved", "all is out", "the records are in"] {
        // As the restore has left it when it was ended here.
        fs::remove_dir_all(&data).expect("it is removed");
        copy(&world.half_way, &data);
        copy(&restored_elsewhere.path(), &staged);
        fs::remove_dir_all(staged.join("status")).ok();
        let (word, aside) = if step == "nothing moved" { ("out", None) } else { ("in", Some(data.join("before-restore-1"))) };
        fs::write(staged.join("exchange"), format!("{word} before-restore-1\n")).expect("it is written");
        if let Some(aside) = aside {
            fs::create_dir_all(aside.join("log")).expect("it is made");
            fs::rename(data.join("store"), aside.join("store")).expect("it is moved");
            let segment = format!("{:020}.log", 1);
            fs::rename(data.join("log").join(&segment), aside.join("log").join(&segment)).expect("it is moved");
        }
        if step == "the records are in" {
            fs::rename(staged.join("store"), data.join("store")).expect("it is moved");
        }
        let again = restored(&world.folder, &world.backup, Told::default());
        assert_eq!(again, Err(RestoreError::NothingLost { events: 13 }), "{step}: it was carried on, and all is there");
        assert!(!staged.exists() && data.join("before-restore-1").join("store").is_dir(), "{step}");
        let store = world.folder.open();
        assert_eq!(store.health().mode, Mode::Normal, "{step}");
        let last = store.events(store.head().size, 1).expect("it is read").remove(0).event.what;
        assert!(matches!(last, What::StoreRestored { backup: 13, .. }), "{step}");
    }
}

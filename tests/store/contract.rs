//! What every store promises. Each function gets a store of its own, fresh.

use std::{collections::BTreeSet, sync::Barrier, thread, time::Duration};

use yufu::{
    base::time::Date,
    model::{
        card::State,
        event::What,
        party::Role,
        record::{Commit, Guard, Key, Query, Record, Versioned, Write},
    },
    store::{CommitError, Mode, Receipt, Store},
};

use crate::harness::*;

pub fn a_new_store_is_normal_and_says_which_it_is(store: &dyn Store) {
    let events = all_events(store);
    let [first] = &events[..] else { panic!("{events:?}") };
    let What::StoreCreated { store: id } = first.event.what else { panic!("{first:?}") };
    let health = store.health();
    assert_eq!((health.mode, health.store, health.events), (Mode::Normal, Some(id), 1));
    log_is_whole(store);
}

pub fn a_commit_is_all_or_nothing(store: &dyn Store) {
    let before = store.head();
    let mut commit = Commit {
        guards: vec![Guard::Absent(setting_key("a")), Guard::Version(setting_key("b"), 1)],
        writes: vec![Write::Put(setting("a", "1")), Write::Put(person("p", &["x"]))],
        ..issue("card", 2)
    };
    commit.events.push(event(What::PersonRegistered));
    assert_eq!(store.commit(commit.clone()), Err(CommitError::GuardFailed(1)));
    assert_eq!(store.head(), before);
    for key in [setting_key("a"), Key::Person(person_id("p")), Key::Card(card_id("card"))] {
        assert_eq!(store.get(&key), Ok(None), "{key:?}");
    }
    assert!(store.board().lists().is_empty());

    commit.guards.pop();
    let receipt = store.commit(commit).expect("it is made");
    // The list that was opened, the card, and the event that was given.
    assert_eq!(receipt.events, [before.size + 1, before.size + 2, before.size + 3]);
    let kinds: Vec<_> = all_events(store).into_iter().skip(1).map(|logged| logged.event.what).collect();
    assert!(matches!(kinds[..], [What::ListOpened { .. }, What::Issued { .. }, What::PersonRegistered]), "{kinds:?}");
    assert_eq!(card(store, "card"), Versioned { version: 1, value: receipt.issued[0].clone() });
    log_is_whole(store);
}

pub fn versions_count_writes_and_guards_hold_them(store: &dyn Store) {
    let key = setting_key("a");
    let guarded = |version| Commit { guards: vec![Guard::Version(key.clone(), version)], ..put(setting("a", "x")) };
    for never in [0, 1] {
        assert_eq!(store.commit(guarded(never)), Err(CommitError::GuardFailed(0)), "there is no record of version {never}");
    }
    store.commit(put(setting("a", "x"))).expect("it is written");
    for version in 1..4 {
        assert_eq!(store.get(&key).map(|found| found.map(|found| found.version)), Ok(Some(version)));
        assert_eq!(store.commit(guarded(version + 1)), Err(CommitError::GuardFailed(0)));
        assert_eq!(store.commit(guarded(version)), Ok(Receipt::default()));
    }
    let absent = Commit { guards: vec![Guard::Absent(key.clone())], ..put(setting("a", "y")) };
    assert_eq!(store.commit(absent.clone()), Err(CommitError::GuardFailed(0)));
    store.commit(Commit { writes: vec![Write::Remove(key.clone()); 2], ..Commit::default() }).expect("it is removed");
    assert_eq!(store.get(&key), Ok(None));
    assert_eq!(store.commit(absent), Ok(Receipt::default()));
}

pub fn a_blind_index_is_taken_until_its_person_gives_it_up(store: &dyn Store) {
    store.commit(register("p", &["number-1", "name"])).expect("it is free");
    assert_eq!(store.commit(register("q", &["number-2", "number-1"])), Err(CommitError::GuardFailed(1)));
    store.commit(put(person("p", &["number-3", "name"]))).expect("it is corrected");
    store.commit(register("q", &["number-2", "number-1"])).expect("it is free now");
    store.commit(Commit { writes: vec![Write::Remove(Key::Person(person_id("q")))], ..Commit::default() }).expect("removed");
    store.commit(register("r", &["number-1"])).expect("it is free again");
}

pub fn of_64_parallel_commits_under_one_guard_exactly_one_wins(store: &dyn Store) {
    let start = Barrier::new(64);
    let won = thread::scope(|scope| {
        let racers: Vec<_> = (0..64)
            .map(|n| {
                let start = &start;
                scope.spawn(move || {
                    let guards = vec![Guard::Absent(setting_key("prize"))];
                    let mut commit = Commit { guards, ..put(setting("prize", &n.to_string())) };
                    commit.events.push(event(What::PersonRegistered));
                    start.wait();
                    store.commit(commit)
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().expect("it ends")).collect::<Vec<_>>()
    });
    assert_eq!(won.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(won.iter().filter(|result| **result == Err(CommitError::GuardFailed(0))).count(), 63);
    let winner = won.iter().position(Result::is_ok).map(|n| setting("prize", &n.to_string()));
    assert_eq!(store.get(&setting_key("prize")).map(|found| found.map(|found| found.value)), Ok(winner));
    assert_eq!(store.head().size, 2);
    log_is_whole(store);
}

pub fn indices_never_repeat_under_16_threads(store: &dyn Store) {
    let drawn = thread::scope(|scope| {
        let issuers: Vec<_> = (0..16)
            .map(|thread| {
                scope.spawn(move || {
                    let issue = |n| store.commit(issue(&format!("{thread}-{n}"), 3)).expect("it is issued");
                    (0..10).flat_map(|n| issue(n).issued).collect::<Vec<_>>()
                })
            })
            .collect();
        issuers.into_iter().flat_map(|issuer| issuer.join().expect("it ends")).collect::<Vec<_>>()
    });
    let indices: BTreeSet<_> = drawn.iter().flat_map(|card| card.copies.iter().map(|copy| copy.status)).collect();
    assert_eq!((drawn.len(), indices.len()), (160, 480));
    assert!(indices.iter().all(|at| store.board().entry(*at).is_some_and(|entry| entry.given && entry.value == 0)));
    let [(_, list)] = &store.board().lists()[..] else { panic!("more than one list was opened") };
    assert_eq!(list.given_count(), 480);
    log_is_whole(store);
}

pub fn each_type_has_lists_of_its_own(store: &dyn Store) {
    let types = ["resident-id", "cargo-owner", "resident-id"];
    let issue = types.iter().enumerate().map(|(n, credential_type)| order(&n.to_string(), credential_type, 1)).collect();
    let receipt = store.commit(Commit { issue, ..Commit::default() }).expect("they are issued");
    assert_eq!(receipt.events, [2, 3, 4, 5, 6]);
    let lists: Vec<_> = receipt.issued.iter().map(|card| card.copies[0].status.list.0).collect();
    assert_eq!(lists, [1, 2, 1]);
    let lists = store.board().lists();
    let opened: Vec<_> = lists.iter().map(|(id, list)| (id.0, list.credential_type(), list.given_count())).collect();
    assert_eq!(opened, [(1, "resident-id", 2), (2, "cargo-owner", 1)]);
}

pub fn board_roster_and_watch_are_in_step_with_the_answer(store: &dyn Store) {
    store.commit(issue("card", 3)).expect("it is issued");
    let issued = card(store, "card").value;
    let seen = store.watch().last();
    for (to, value) in [(State::Suspended, 2), (State::Active, 0), (State::Suspended, 2), (State::Revoked, 1)] {
        move_card(store, "card", to);
        assert_eq!(values(store, &issued), [value; 3]);
        assert_eq!(card(store, "card").value.state, to);
    }
    assert_eq!(store.watch().wait_beyond(seen, Duration::ZERO), seen + 4);
    let list = store.board().list(issued.copies[0].status.list).expect("it is open");
    assert_eq!(list.last_change(), seen + 4);

    assert_eq!(store.roster().bearer(&token_hash("t")), None);
    store.commit(make_token("t")).expect("it is made");
    assert_eq!(store.roster().bearer(&token_hash("t")), Some((token_id("t"), Role::Revoker)));
    assert_eq!(*store.roster().account(token_id("t")), account());
    store.commit(switch_off("t")).expect("it is switched off");
    assert_eq!(store.roster().bearer(&token_hash("t")), None);
    assert!(store.roster().account(token_id("t")).is_plain());
    log_is_whole(store);
}

pub fn events_are_read_in_pages_and_none_beyond_the_head(store: &dyn Store) {
    (0..20).for_each(|n| drop(store.commit(register(&n.to_string(), &[])).expect("it is registered")));
    let all = all_events(store);
    assert_eq!(all.len(), 21);
    for (from, limit) in [(0, 3), (1, 3), (5, 1), (20, 10), (21, 10), (22, 10), (1, 0), (u64::MAX, 5)] {
        let start = usize::try_from(from.max(1) - 1).expect("it fits").min(all.len());
        let expected = &all[start..all.len().min(start.saturating_add(limit))];
        assert_eq!(store.events(from, limit).as_deref(), Ok(expected), "{limit} from {from}");
    }
}

/// The keys of all pages, and that each page but the last is full.
fn pages(store: &dyn Store, query: &Query, limit: usize) -> Vec<Key> {
    let (mut keys, mut after) = (Vec::new(), None::<Vec<u8>>);
    loop {
        let page = store.find(query, after.as_deref(), limit).expect("it is found");
        keys.extend(page.records.iter().map(|record| record.value.key()));
        if page.next.is_some() {
            assert_eq!(page.records.len(), limit);
        } else {
            return keys;
        }
        after = page.next;
    }
}

pub fn a_search_gives_every_record_once_over_all_pages(store: &dyn Store) {
    for n in 0..10 {
        let name = n.to_string();
        let parity = if n % 2 == 0 { "even" } else { "odd" };
        store.commit(put(person(&name, &[parity, "all", &format!("number-{n}")]))).expect("it is written");
        let mut order = order(&name, if n < 7 { TYPE } else { "cargo-owner" }, 1);
        order.person = person_id(&(n % 3).to_string());
        store.commit(Commit { issue: vec![order], ..Commit::default() }).expect("it is issued");
    }
    (0..3).for_each(|n| move_card(store, &n.to_string(), State::Revoked));
    store.commit(make_token("t")).expect("it is made");
    let people = |names: &[&str]| names.iter().map(|name| Key::Person(person_id(name))).collect::<BTreeSet<_>>();
    let cards = |names: &[&str]| names.iter().map(|name| Key::Card(card_id(name))).collect::<BTreeSet<_>>();
    let all = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let by = |person: Option<&str>, state, credential_type: Option<&str>| Query::Cards {
        person: person.map(person_id),
        state,
        credential_type: credential_type.map(str::to_owned),
    };
    let rows = [
        (Query::People(vec![]), people(&all)),
        (Query::People(vec![bytes("odd")]), people(&["1", "3", "5", "7", "9"])),
        (Query::People(vec![bytes("all"), bytes("even"), bytes("number-4")]), people(&["4"])),
        (Query::People(vec![bytes("even"), bytes("odd")]), people(&[])),
        (by(None, None, None), cards(&all)),
        (by(Some("1"), None, None), cards(&["1", "4", "7"])),
        (by(Some("1"), Some(State::Active), None), cards(&["4", "7"])),
        (by(Some("1"), None, Some("cargo-owner")), cards(&["7"])),
        (by(None, Some(State::Revoked), None), cards(&["0", "1", "2"])),
        (by(None, None, Some("cargo-owner")), cards(&["7", "8", "9"])),
        (Query::Tokens, BTreeSet::from([Key::Token(token_id("t"))])),
    ];
    for (query, expected) in rows {
        for limit in [1, 2, 3, 100] {
            let keys = pages(store, &query, limit);
            assert_eq!(keys.len(), expected.len(), "{query:?} by {limit}");
            assert_eq!(keys.into_iter().collect::<BTreeSet<_>>(), expected, "{query:?} by {limit}");
        }
    }
}

pub fn what_is_past_its_time_is_found_and_pruned(store: &dyn Store) {
    let ends = [-5, 0, 5, 10].map(|seconds| NOW.plus_seconds(seconds));
    for (n, end) in ends.iter().enumerate() {
        store.commit(put(one_time(&n.to_string(), *end))).expect("it is written");
    }
    let expired = |at| pages(store, &Query::Expired(at), 2).len();
    assert_eq!((expired(ends[0].plus_seconds(-1)), expired(NOW), expired(ends[3])), (0, 2, 4));
    let page = store.find(&Query::Expired(NOW), None, 10).expect("it is found");
    let writes = page.records.iter().map(|record| Write::Remove(record.value.key())).collect();
    store.commit(Commit { writes, ..Commit::default() }).expect("they are removed");
    assert_eq!((expired(NOW), expired(ends[3])), (0, 2));
}

pub fn suspensions_are_found_by_their_end(store: &dyn Store) {
    for name in ["a", "b", "c"] {
        store.commit(issue(name, 1)).expect("it is issued");
    }
    let end = NOW.plus_seconds(100);
    store.commit(transition(&card(store, "a"), State::Suspended, Some(end))).expect("it is suspended");
    store.commit(transition(&card(store, "b"), State::Suspended, None)).expect("it is suspended");
    let ended = |at| pages(store, &Query::SuspensionsEnded(at), 1);
    assert_eq!(ended(end.plus_seconds(-1)), []);
    assert_eq!(ended(end), [Key::Card(card_id("a"))]);
    store.commit(transition(&card(store, "a"), State::Suspended, Some(end.plus_seconds(50)))).expect("it is prolonged");
    assert_eq!(ended(end), []);
    assert_eq!(ended(end.plus_seconds(50)), [Key::Card(card_id("a"))]);
    move_card(store, "a", State::Active);
    assert_eq!(ended(end.plus_seconds(1_000)), []);
}

pub fn evidence_is_found_by_its_end_and_by_its_identifier(store: &dyn Store) {
    let day = |text: &str| Date::parse(text).expect("a date");
    for (name, until) in [("a", "2026-11-24"), ("b", "2026-11-25"), ("c", "2026-11-24")] {
        store.commit(keep_evidence(name, day(until))).expect("it is kept");
    }
    let ended = |at| pages(store, &Query::EvidenceEnded(at), 1);
    let after = day("2026-11-25").start();
    assert_eq!(ended(after.plus_seconds(-1)), []);
    let mut first = vec![Key::Evidence(evidence_id("a")), Key::Evidence(evidence_id("c"))];
    first.sort();
    assert_eq!(ended(after), first);
    assert_eq!(ended(after.plus_seconds(24 * 3600)).len(), 3);
    let found = store.get(&Key::Evidence(evidence_id("b"))).expect("it is read").expect("it is there");
    assert_eq!(vec![Write::Put(found.value)], keep_evidence("b", day("2026-11-25")).writes);
    store.commit(destroy_evidence("a")).expect("it is removed");
    assert_eq!(ended(after), [Key::Evidence(evidence_id("c"))]);
    assert_eq!(store.get(&Key::Evidence(evidence_id("a"))), Ok(None));
    // What lives for a while is pruned by its own rules, and evidence by none of them.
    assert_eq!(pages(store, &Query::Expired(after.plus_seconds(1 << 40)), 1), []);
    log_is_whole(store);
}

pub fn a_large_record_and_many_writes_in_one_commit_are_kept(store: &dyn Store) {
    let value = "x".repeat(400_000);
    let mut writes: Vec<_> = (0..500).map(|n| Write::Put(setting(&format!("s{n}"), "v"))).collect();
    writes.push(Write::Put(setting("large", &value)));
    store.commit(Commit { writes, ..Commit::default() }).expect("they are written");
    let found = |name: &str| store.get(&setting_key(name)).expect("it is read").map(|found| found.value);
    assert_eq!(found("large"), Some(Record::Setting { name: "large".to_owned(), value }));
    assert_eq!(found("s499"), Some(setting("s499", "v")));
}

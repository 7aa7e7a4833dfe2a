//! FT-19: the log of a real service is changed, and `audit verify` names the first event that is not as it was written. The
//! same over logs made for it stands in `src/audit/check/tests.rs`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use yufu::{
    audit::{check, seal},
    format::note::NoteKey,
    keyring::Keyring,
    model::card::State,
    store::log::Frame,
};

use crate::{
    scene::{Dice, Scene, contents, patiently},
    support::rounds::rounds,
};

const CARDS: usize = 12;

/// A frame of the log: its place in the file, and its first event.
struct Place {
    from: usize,
    to: usize,
    first: u64,
}

#[test]
fn every_change_of_a_services_log_is_found_and_its_first_event_named() {
    let scene = Scene::new(CARDS);
    let mut served = scene.serve();
    served.is_ready();
    for card in &scene.cards {
        assert_eq!(served.order(&card.id, State::Revoked), Some(200));
    }
    let whole = |scene: &Scene| {
        let checked = scene.run(&["audit", "verify"]);
        (checked.status.code(), String::from_utf8_lossy(&checked.stdout).into_owned())
    };
    let events = served.user.get("/health/ready").json()["events"].as_u64().expect("a number");
    patiently("a head over everything is signed", || {
        let (status, words) = whole(&scene);
        assert_eq!(status, Some(0), "{words}");
        words.contains(&format!("sealed    {events} events")).then_some(())
    });
    served.kill();

    let (url, public) = Keyring::log_of(&scene.keys()).expect("there are keys").expect("there are keys");
    let key = NoteKey::new(&seal::origin(&url), public).expect("an Ed25519 key");
    let good = contents(&scene.data);
    let segment = segment(&scene.data);
    let places = places(&good[&segment]);
    let count = rounds(100, 1000);
    for round in 0..count {
        let dice = Dice::new(round as u64);
        let (what, changed, first) = mutate(&good[&segment], &places, round % 7, &dice);
        match changed {
            Some(bytes) => fs::write(&segment, bytes).expect("it is written"),
            None => fs::remove_file(&segment).expect("it is removed"),
        }
        let fault = check::data_folder(&scene.data, Some(&key)).fault;
        let named =
            fault.and_then(|fault| fault.first_bad_event()).unwrap_or_else(|| panic!("round {round}: {what}: {fault:?}"));
        match fault {
            // The checksum was made anew: between which two signed heads it was, nobody can say more closely.
            Some(check::Fault::Changed { event, until }) => assert!((event..=until).contains(&first), "{what}: {fault:?}"),
            _ => assert_eq!(named, first, "round {round}: {what}: {fault:?}"),
        }
        if round < 2 {
            let (status, words) = whole(&scene);
            assert_eq!(status, Some(1), "{words}");
            assert!(words.contains(&format!("（首个异常事件 {named}）")), "{words}");
        }
    }
    fs::write(&segment, &good[&segment]).expect("it is put back");
    assert_eq!(whole(&scene).0, Some(0));
}

fn segment(data: &Path) -> PathBuf {
    data.join("log").join(format!("{:020}.log", 1))
}

fn places(bytes: &[u8]) -> Vec<Place> {
    let (mut at, mut places) = (0, Vec::new());
    while at < bytes.len() {
        let (frame, length) = Frame::decode(&bytes[at..]).expect("a whole frame");
        places.push(Place { from: at, to: at + length, first: frame.first() });
        at += length;
    }
    places
}

/// One change: what it is, what the file then holds, and the first event that is not as it was written.
fn mutate(good: &[u8], places: &[Place], kind: usize, dice: &Dice) -> (&'static str, Option<Vec<u8>>, u64) {
    let nth = dice.below(places.len());
    let place = &places[nth];
    let holding = |at: usize| places.iter().find(|place| (place.from..place.to).contains(&at)).expect("a frame").first;
    match kind {
        0 => {
            let (at, mut bytes) = (dice.below(good.len()), good.to_vec());
            bytes[at] ^= 1 << dice.below(8);
            ("a bit flipped", Some(bytes), holding(at))
        }
        1 => {
            let at = dice.below(good.len());
            let end = good.len().min(at + 1 + dice.below(400));
            ("bytes deleted", Some([&good[..at], &good[end..]].concat()), holding(at))
        }
        2 => {
            let at = dice.below(good.len());
            ("truncated", Some(good[..at].to_vec()), holding(at))
        }
        3 => ("a frame deleted", Some([&good[..place.from], &good[place.to..]].concat()), place.first),
        4 => {
            let other = &places[(nth + 1) % places.len()];
            let (one, two) = if place.from < other.from { (place, other) } else { (other, place) };
            let parts =
                [&good[..one.from], &good[two.from..two.to], &good[one.to..two.from], &good[one.from..one.to], &good[two.to..]];
            ("frames swapped", Some(parts.concat()), one.first)
        }
        5 => {
            let (mut frame, _) = Frame::decode(&good[place.from..]).expect("a whole frame");
            let event = dice.below(frame.events.len());
            frame.events[event].event.at = frame.events[event].event.at.plus_seconds(1);
            let bytes = frame.encode().expect("it is short");
            let first = place.first + event as u64;
            ("an event edited, its checksum made anew", Some([&good[..place.from], &bytes, &good[place.to..]].concat()), first)
        }
        _ => ("the segment deleted", None, 1),
    }
}

//! FT-01: kill -9 at random moments under sixteen writers over HTTP.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use yufu::{
    base::clock::{Clock, ManualClock, SystemClock},
    crypto::jws,
    format::status,
    model::card::State,
    store::{Mode, Store},
};

use crate::{
    harness::{log_is_whole, no_index_twice},
    scene::{Dice, Ledger, Scene, Served, URL},
    support::{User, person, rounds::rounds, wallet::Wallet},
};

/// Who moves cards, each its own; beside them two who register people and two wallets that fetch cards.
const MOVERS: usize = 12;
const CARDS: usize = 20 * MOVERS;

/// What was answered in one round.
#[derive(Default)]
struct Answered {
    moves: Vec<(usize, State, Option<u16>)>,
    people: Vec<String>,
    /// Status index by person.
    fetched: Vec<(String, u64)>,
}

#[test]
fn what_was_answered_over_http_is_there_after_kill_9_under_sixteen_writers() {
    let scene = Scene::new(CARDS);
    let mut ledger = Ledger::of(&scene);
    let (mut answers, mut given) = (0, BTreeSet::new());
    let mut served = scene.serve();
    let count = rounds(3, 200);
    for round in 0..count {
        served.is_ready();
        let Answered { moves, people, fetched } = one_round(&scene, &mut served, &ledger, round);
        answers += moves.iter().filter(|(.., answer)| answer.is_some()).count() + people.len() + fetched.len();
        let mut touched = BTreeSet::new();
        for (card, to, answer) in moves {
            assert!(matches!(answer, Some(200) | None), "a service that is well answered {answer:?}");
            ledger.note(card, to, answer);
            touched.insert(card);
        }

        served = scene.serve();
        served.is_ready();
        ledger.holds(&scene, &served, touched);
        for person in people {
            served.user.get(&format!("/admin/api/v1/people/{person}")).good(200);
        }
        for (person, index) in fetched {
            assert!(given.insert(index), "index {index} was given twice");
            let cards = served.user.get(&format!("/admin/api/v1/credentials?person_id={person}")).good(200);
            assert_eq!(cards["credentials"][0]["copies"][0]["idx"], index, "the card that was fetched is on record");
        }
    }
    ledger.holds(&scene, &served, 0..CARDS);
    assert!(answers > count, "it was killed while it worked: {answers} answers in {count} rounds");
    served.kill();

    let checked = scene.run(&["audit", "verify"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    let store = scene.store();
    assert_eq!(store.health().mode, Mode::Normal);
    no_index_twice(&store);
    log_is_whole(&store);
    eprintln!("{count} rounds of kill -9: {answers} answers, none lost");
}

/// Sixteen writers until the service is killed under them.
fn one_round(scene: &Scene, served: &mut Served, ledger: &Ledger, round: usize) -> Answered {
    let (answered, gone) = (Mutex::new(Answered::default()), AtomicBool::new(false));
    let user = served.user.clone();
    let dice = Dice::new(round as u64);
    thread::scope(|scope| {
        let (served, answered, gone, user) = (&*served, &answered, &gone, &user);
        for mover in 0..MOVERS {
            scope.spawn(move || moving(scene, served, ledger, mover, round, answered, gone));
        }
        for writer in 0..2_usize {
            scope.spawn(move || registering(user, sequence(round, writer), answered, gone));
            scope.spawn(move || fetching(scene, user, sequence(round, writer + 2), answered, gone));
        }
        // FT-01: at a random moment between 2 and 150 ms after the writers began.
        thread::sleep(Duration::from_millis(2 + dice.below(149) as u64));
        served.signal("KILL");
        gone.store(true, Ordering::Release);
    });
    served.kill();
    answered.into_inner().expect("no writer panicked")
}

/// Where a writer's made-up people begin: 500 of them differ, so a round's writers take few each.
fn sequence(round: usize, writer: usize) -> u16 {
    ((round * 4 + writer) * 8 % 500) as u16
}

fn moving(
    scene: &Scene,
    served: &Served,
    ledger: &Ledger,
    mover: usize,
    round: usize,
    answered: &Mutex<Answered>,
    gone: &AtomicBool,
) {
    let dice = Dice::new((round * MOVERS + mover) as u64 + 1_000_000);
    // Each card is one writer's, and moved once in a round: its answer is the last word.
    for card in (mover..CARDS).step_by(MOVERS).filter(|card| ledger.known(*card) != State::Revoked) {
        if gone.load(Ordering::Acquire) {
            return;
        }
        // One of eight is revoked, so that some are left for the last round.
        let to = match ledger.known(card) {
            State::Active if dice.below(8) > 0 => State::Suspended,
            State::Suspended if dice.below(8) > 0 => State::Active,
            _ => State::Revoked,
        };
        let answer = served.order(&scene.cards[card].id, to);
        answered.lock().expect("no writer panics here").moves.push((card, to, answer));
    }
}

fn registering(user: &User, first: u16, answered: &Mutex<Answered>, gone: &AtomicBool) {
    for next in first.. {
        if gone.load(Ordering::Acquire) {
            return;
        }
        let Ok(made) = answer(|| user.post("/admin/api/v1/people", &person(next))) else { return };
        // A number that a writer before has registered, with or without an answer.
        if made.status == 409 {
            continue;
        }
        let id = made.good(201)["person_id"].as_str().expect("an id").to_owned();
        answered.lock().expect("no writer panics here").people.push(id);
    }
}

fn fetching(scene: &Scene, user: &User, first: u16, answered: &Mutex<Answered>, gone: &AtomicBool) {
    let clock = ManualClock::at(SystemClock::new().now());
    let wallet = Wallet::of(User::at(&user.url), URL, &scene.keys(), clock, u64::from(first));
    for next in first.. {
        let fetched = answer(|| {
            let made = user.post("/admin/api/v1/people", &person(next));
            if made.status == 409 {
                return None;
            }
            let id = made.good(201)["person_id"].clone();
            let order = json!({"person_id": id, "credential_types": ["resident-id"], "tx_code": false});
            let offer = user.post("/admin/api/v1/offers", &order).good(201);
            let (credential, _) = wallet.redeem(&offer["credential_offer"], "resident-id");
            Some((id.as_str().expect("an id").to_owned(), index(&credential)))
        });
        match fetched {
            Ok(None) => continue,
            Ok(Some(fetched)) => answered.lock().expect("no writer panics here").fetched.push(fetched),
            Err(Gone) => return,
        }
        if gone.load(Ordering::Acquire) {
            return;
        }
    }
}

/// The service went away before it answered.
struct Gone;

/// What a client gets, which ends where it is not answered; whatever else is wrong fails the test.
fn answer<T>(ask: impl FnOnce() -> T) -> Result<T, Gone> {
    catch_unwind(AssertUnwindSafe(ask)).map_err(|panic| {
        let words = panic.downcast_ref::<String>().map_or("", String::as_str);
        // `User` says these of a connection that breaks before the answer and in the middle of it.
        if !["the service answers", "the body arrives"].iter().any(|of_a_connection| words.starts_with(of_a_connection)) {
            resume_unwind(panic);
        }
        Gone
    })
}

fn index(credential: &str) -> u64 {
    let jwt = credential.split('~').next().expect("an SD-JWT begins with a JWT");
    let jws = jws::Unverified::parse(jwt, &["dc+sd-jwt"]).expect("a JWS");
    let claims: serde_json::Map<String, Value> = jws.dangerous_unverified_claims().expect("claims");
    let reference = status::StatusReference::read(&claims).expect("a good reference").expect("a status");
    reference.index
}

//! FT-13, FT-14 and FT-15: a service that is told to stop under load, a reply that is lost, and too few descriptors.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use yufu::{
    base::clock::{Clock, SystemClock},
    model::card::State,
};

use crate::{
    scene::{Ledger, PATIENCE, Scene, Served, patiently, works},
    support::rounds::rounds,
};

const WRITERS: usize = 16;

#[test]
fn told_to_stop_under_load_it_answers_what_it_has_taken_within_ten_seconds_and_loses_nothing() {
    let count = rounds(2, 20);
    let cards = WRITERS * 24;
    let scene = Scene::new(cards);
    let mut ledger = Ledger::of(&scene);
    for round in 0..count {
        let mut served = scene.serve();
        served.is_ready();
        let (answers, stopping) = (Mutex::new(Vec::new()), AtomicBool::new(false));
        let took = thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (scene, served, ledger, answers, stopping) = (&scene, &served, &ledger, &answers, &stopping);
                scope.spawn(move || {
                    for card in (writer..cards).step_by(WRITERS) {
                        let to = if ledger.known(card) == State::Active { State::Suspended } else { State::Active };
                        let answer = served.order(&scene.cards[card].id, to);
                        answers.lock().expect("no writer panics here").push((card, to, answer));
                        // A connection that is refused because nobody listens any more was never taken.
                        if answer.is_none() {
                            return assert!(stopping.load(Ordering::Acquire), "it answers until it is told to stop");
                        }
                    }
                });
            }
            patiently("half of the writers are answered", || {
                (answers.lock().expect("no writer panics here").len() > WRITERS / 2).then_some(())
            });
            stopping.store(true, Ordering::Release);
            let began = SystemClock::new();
            served.signal("TERM");
            (ended(&served), began.monotonic())
        });
        let status = served.child.wait().expect("it has ended");
        assert!(took.0 && status.success(), "round {round}: {status}: {}", served.words());
        assert!(took.1 < Duration::from_secs(10), "round {round}: it took {:?}", took.1);
        for (card, to, answer) in answers.into_inner().expect("no writer panicked") {
            assert!(matches!(answer, Some(200) | None), "round {round}: what was taken is answered well, not by {answer:?}");
            ledger.note(card, to, answer);
        }
        let served = scene.serve();
        served.is_ready();
        ledger.holds(&scene, &served, 0..cards);
    }
}

/// Waits until the process is gone; it is not waited for, so its number stays its own.
fn ended(served: &Served) -> bool {
    let began = SystemClock::new();
    let stat = format!("/proc/{}/stat", served.child.id());
    while began.monotonic() < PATIENCE {
        // A process that has ended and was not waited for is a zombie, state Z after the name.
        if std::fs::read_to_string(&stat)
            .map_or(true, |stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z')))
        {
            return true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    false
}

#[test]
fn an_order_whose_reply_was_lost_is_answered_precisely_when_it_comes_again() {
    let scene = Scene::new(3);
    let served = scene.serve();
    served.is_ready();
    for (card, verb, to) in [(0, "revoke", State::Revoked), (1, "suspend", State::Suspended)] {
        let id = &scene.cards[card].id;
        let path = format!("/admin/api/v1/credentials/{id}/{verb}");
        let mut line = TcpStream::connect(served.user.url.trim_start_matches("http://")).expect("it is connected");
        let (body, token) = (r#"{"reason":"lost"}"#, served.user.token.as_deref().expect("a token"));
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        line.write_all(format!("{head}{body}").as_bytes()).expect("it is sent");
        drop(line);
        patiently("the order is carried out though nobody hears of it", || (served.state(id) == to).then_some(()));

        let events = |served: &Served| served.user.get("/health/ready").json()["events"].as_u64();
        let before = events(&served);
        for _ in 0..2 {
            let again = served.user.post(&path, &serde_json::json!({"reason": "lost"}));
            let again = again.good(200);
            assert_eq!(again["state"], serde_json::json!(to), "{verb} again");
        }
        // A suspension may be given another end, so each order of one is told of; a revocation is final and told of once.
        if to == State::Revoked {
            assert_eq!(events(&served), before, "no second event tells of it");
        }
    }
}

#[test]
fn with_too_few_descriptors_it_sheds_callers_and_works_again_when_they_are_gone() {
    if !works("prlimit", &["--nofile=128", "true"]) {
        return;
    }
    let scene = Scene::new(8);
    let mut ledger = Ledger::of(&scene);
    let mut served = scene.try_serve(&["prlimit", "--nofile=128"]).expect("it starts");
    served.is_ready();
    let address = served.user.url.trim_start_matches("http://").to_owned();
    let idle: Vec<TcpStream> = (0..300).map_while(|_| TcpStream::connect(&address).ok()).collect();
    assert!(idle.len() > 128, "more connections than descriptors");
    // Somebody in the crowd is not answered, or late; nobody is answered and forgotten.
    for card in 0..4 {
        let mut line = TcpStream::connect(&address).expect("the kernel takes it");
        line.set_read_timeout(Some(Duration::from_secs(2))).expect("it is set");
        let _ = line.write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let mut heard = String::new();
        let _ = line.read_to_string(&mut heard);
        assert!(heard.is_empty() || heard.starts_with("HTTP/1.1 200") || heard.starts_with("HTTP/1.1 503"), "{card}: {heard}");
    }
    assert!(served.child.try_wait().expect("it is asked").is_none(), "it lives: {}", served.words());
    drop(idle);
    for card in 0..8 {
        let answer = patiently("it takes callers again", || served.order(&scene.cards[card].id, State::Revoked));
        assert_eq!(answer, 200);
        ledger.note(card, State::Revoked, Some(answer));
    }
    served.kill();
    let served = scene.serve();
    served.is_ready();
    ledger.holds(&scene, &served, 0..8);
}

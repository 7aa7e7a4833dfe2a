//! FT-02: the order of system calls. Between the write of a revocation to the log and the write of its answer to the socket
//! the log was synced; and no frame claims that records are synced which are not.

use std::thread;

use serde_json::Value;
use yufu::model::card::State;

use crate::{
    scene::{Scene, can_trace},
    trace::{self, Call},
};

const CARDS: usize = 24;

#[test]
fn the_log_is_synced_between_the_write_of_a_revocation_and_its_answer() {
    if !can_trace() {
        return;
    }
    let scene = Scene::new(CARDS);
    let out = scene.beside("trace");
    let calls = "trace=write,writev,sendto,sendmsg,pwrite64,fsync,fdatasync";
    let mut served = scene.try_serve(&trace::options(out.to_str().expect("a plain path"), calls)).expect("it starts");
    served.is_ready();
    thread::scope(|scope| {
        for writer in 0..8 {
            let (scene, served) = (&scene, &served);
            scope.spawn(move || {
                for card in (writer..CARDS).step_by(8) {
                    assert_eq!(served.order(&scene.cards[card].id, State::Revoked), Some(200));
                }
            });
        }
    });
    served.kill();
    let calls = trace::read(&out, served.child.id());
    let log = format!("{}/", scene.data.join("log").display());
    let records = scene.data.join("store/db").display().to_string();
    let frames: Vec<(&Call, Value)> = calls
        .iter()
        .filter(|call| call.writes() && call.path.starts_with(&log))
        .filter_map(|call| Some((call, frame(call)?)))
        .collect();
    let synced = |path: &str, from: &Call, to: usize| {
        calls.iter().any(|sync| sync.syncs() && sync.path == path && sync.began > from.ended && sync.ended < to)
    };

    for card in &scene.cards {
        let tells = |frame: &Value| frame.to_string().contains(&card.id);
        let (written, _) = frames.iter().find(|(_, frame)| tells(frame)).expect("the revocation is in a frame");
        let answer = calls.iter().find(|call| call.writes() && !call.path.starts_with('/') && answers(call, &card.id));
        let answer = answer.expect("the answer names the card");
        assert!(synced(&written.path, written, answer.began), "{}: answered before the log was synced", card.id);
    }
    // `applied` of a frame is believed at the next start: the records up to it were synced before.
    for (call, frame) in &frames {
        let applied = frame["applied"].as_u64().expect("a number");
        let Some((holding, _)) = frames.iter().find(|(_, frame)| last(frame) >= applied && first(frame) <= applied) else {
            continue;
        };
        assert!(synced(&records, holding, call.began), "a frame says that {applied} is synced in the records, and it is not");
    }
}

/// What a write to the log holds, when it is a frame: twelve bytes, then JSON.
fn frame(call: &Call) -> Option<Value> {
    serde_json::from_slice(call.bytes().strip_prefix(b"yfL1")?.get(8..)?).ok()
}

fn number(event: Option<&Value>) -> u64 {
    event.and_then(|logged| logged.pointer("/event/number")).and_then(Value::as_u64).expect("events are numbered")
}

fn first(frame: &Value) -> u64 {
    number(frame["events"].as_array().and_then(|events| events.first()))
}

fn last(frame: &Value) -> u64 {
    number(frame["events"].as_array().and_then(|events| events.last()))
}

fn answers(call: &Call, card: &str) -> bool {
    let text = call.bytes();
    text.starts_with(b"HTTP/1.1 200") && String::from_utf8_lossy(&text).contains(card)
}

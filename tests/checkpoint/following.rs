//! Following a presentation, by long poll and by event stream.

use serde_json::json;
use yufu::base::clock::{Clock, SystemClock};

use super::{
    gate::{GOOD_PASS, Gate, Stream, aside, path},
    text,
};

#[test]
fn a_long_poll_answers_on_the_change_and_not_before() {
    let gate = Gate::open(&json!({}));
    let view = gate.board(GOOD_PASS);
    let poll = |address: String| {
        let user = gate.gate.clone();
        aside(move || user.get(&address).good(200))
    };
    let waiting = poll(format!("{}?wait=25", path(&view)));
    assert!(waiting.is_under_way());
    let asked = gate.fetch(&view);
    let fetched = waiting.answer();
    assert_eq!(fetched["state"], "fetched");
    assert!(fetched.get("qr_svg").is_none() && fetched.get("authorization_request").is_none(), "the code is spent");
    // What was missed is told at once.
    let missed = gate.gate.get(&format!("{}?wait=25&after={}", path(&view), view["revision"])).good(200);
    assert_eq!(missed, fetched);
    let waiting = poll(format!("{}?wait=25&after={}", path(&view), fetched["revision"]));
    assert!(waiting.is_under_way());
    gate.answer(&asked);
    let answered = waiting.answer();
    assert_eq!((&answered["state"], &answered["statement"]["decision"]), (&json!("answered"), &json!("accepted")));
    // Nothing more comes, so nobody waits for it.
    assert_eq!(gate.gate.get(&format!("{}?wait=25", path(&view))).good(200), answered);
    let after = format!("{}?wait=25&after={}", path(&view), answered["revision"]);
    assert_eq!(gate.gate.get(&after).good(200), answered);
}

#[test]
fn a_long_poll_ends_after_its_time_with_the_state_as_it_is() {
    let gate = Gate::open(&json!({}));
    let view = gate.board(GOOD_PASS);
    let same = gate.gate.get(&format!("{}?wait=1", path(&view))).good(200);
    assert_eq!((&same["state"], &same["request_uri"]), (&json!("waiting"), &view["request_uri"]));
    for bad in ["wait=-1", "wait=x", "wait=1&wait=2", "after=x", "wiat=1"] {
        gate.gate.get(&format!("{}?{bad}", path(&view))).problem(400, "invalid_request");
    }
    let head = gate.gate.send("HEAD", &format!("{}?wait=25", path(&view)), &[("accept", "text/event-stream")], b"");
    assert_eq!((head.status, head.header("content-type")), (200, "application/json"));
}

#[test]
fn a_stream_tells_every_code_the_fetch_and_the_result_and_ends() {
    let gate = Gate::open(&json!({}));
    let view = gate.board(GOOD_PASS);
    let stream = Stream::open(&gate.gate, &path(&view));
    let first = stream.next("request");
    assert_eq!((&first["qr_svg"], &first["request_uri"]), (&view["qr_svg"], &view["request_uri"]));
    gate.service.clock.advance(30);
    let second = stream.next("request");
    assert_ne!(second["request_uri"], first["request_uri"]);
    assert!(text(&second["qr_svg"]).contains("<svg") && second["qr_svg"] != first["qr_svg"]);
    let asked = gate.fetch(&second);
    assert_eq!(stream.next("fetched")["state"], "fetched");
    gate.answer(&asked);
    let result = stream.next("result");
    assert_eq!(result["statement"]["decision"], "accepted");
    stream.ends();
    // Who comes late is told the end at once.
    let late = Stream::open(&gate.gate, &path(&view));
    assert_eq!(late.next("result"), result);
    late.ends();
}

#[test]
fn a_stream_tells_that_nobody_answered_and_ends() {
    let gate = Gate::open(&json!({}));
    let stream = Stream::open(&gate.gate, &path(&gate.board(GOOD_PASS)));
    stream.next("request");
    gate.service.clock.advance(125);
    loop {
        // Codes that were replaced on the way there.
        let (event, view) = stream.any();
        if event == "expired" {
            assert_eq!(view["state"], "expired");
            break;
        }
        assert_eq!(event, "request");
    }
    stream.ends();
}

#[test]
fn a_stream_ends_when_the_officer_ends_the_presentation() {
    let gate = Gate::open(&json!({}));
    let view = gate.board(GOOD_PASS);
    let stream = Stream::open(&gate.gate, &path(&view));
    stream.next("request");
    gate.gate.delete(&path(&view)).good(204);
    stream.ends();
}

#[test]
fn a_checkpoint_that_is_switched_off_is_let_go_of_at_once() {
    let gate = Gate::open(&json!({}));
    let view = gate.board(GOOD_PASS);
    let stream = Stream::open(&gate.gate, &path(&view));
    stream.next("request");
    let (user, address) = (gate.gate.clone(), format!("{}?wait=25", path(&view)));
    let waiting = aside(move || user.get(&address));
    assert!(waiting.is_under_way());
    let clock = SystemClock::new();
    gate.switch_off();
    waiting.answer().problem(401, "invalid_token");
    stream.ends();
    assert!(clock.monotonic().as_secs() < 10, "much less than the wait and the life of the presentation");
    gate.gate.get(&path(&view)).problem(401, "invalid_token");
}

#[test]
fn a_service_that_stops_does_not_wait_for_streams() {
    let mut gate = Gate::open(&json!({}));
    let stream = Stream::open(&gate.gate, &path(&gate.board(GOOD_PASS)));
    stream.next("request");
    let clock = SystemClock::new();
    gate.service.stop();
    assert!(clock.monotonic().as_secs() < 8, "{:?}", clock.monotonic());
    stream.ends();
}

#[test]
fn no_wallet_answers_a_checkpoint_that_was_switched_off() {
    let gate = Gate::open(&json!({}));
    let (fetched, waiting, decided) = (gate.board(GOOD_PASS), gate.board(GOOD_PASS), gate.decided(GOOD_PASS));
    let asked = gate.fetch(&fetched);
    assert_eq!(decided["statement"]["decision"], "accepted");
    let open = |gate: &Gate| gate.metrics().lines().any(|line| line == "yufu_presentations 3");
    assert!(open(&gate));
    gate.switch_off();
    gate.wallet.answer(&asked, &[("resident_id", &gate.card)]).oauth(400, "invalid_request");
    let link = super::support::wallet::Link::read(text(&waiting["authorization_request"]));
    for nonce in [None, Some("fresh-nonce")] {
        gate.wallet.fetch(&link, nonce).problem(404, "not_found");
    }
    assert!(gate.metrics().lines().any(|line| line == "yufu_presentations 0"), "nothing of it stays in memory");
}

//! How long a code, a request and a result are good for.

use std::fs;

use serde_json::{Value, json};
use yufu::base::limits::{
    EXPIRED_SHOWN_SECONDS, PRESENTATION_RESULT_BYTES, REQUEST_ROTATION_SECONDS, REQUEST_SECONDS, RESPONSE_BODY_BYTES,
    RESULT_SECONDS_DEFAULT,
};

use super::{
    Answer, Begun, Scene,
    support::{TestService, wallet::Link},
    text, told,
};

fn age() -> Value {
    json!({"use_case": "age-over-18"})
}

/// The code that the gate shows now.
fn shown(begun: &Begun) -> String {
    text(&begun.look()["authorization_request"]).to_owned()
}

fn fetch(scene: &Scene, link: &str) -> Answer {
    scene.wallet.fetch(&Link::read(link), None)
}

fn not_found(answer: &Answer) {
    answer.problem(404, "not_found");
}

#[test]
fn the_code_changes_every_half_minute_and_the_last_one_is_good_for_as_long_again() {
    let scene = Scene::new();
    let begun = scene.begin(&age());
    let first = begun.link().to_owned();
    scene.service.clock.advance(REQUEST_ROTATION_SECONDS - 1);
    assert_eq!(shown(&begun), first);
    scene.service.clock.advance(1);
    let second = shown(&begun);
    assert_ne!(second, first);
    assert_ne!(begun.look()["qr_svg"], begun.first["qr_svg"]);
    // Whoever was just scanning gets the request, and then nobody else does.
    scene.service.clock.advance(REQUEST_ROTATION_SECONDS - 1);
    assert_eq!(fetch(&scene, &first).status, 200);
    assert_eq!((&begun.look()["state"], begun.look().get("qr_svg")), (&json!("fetched"), None));
    not_found(&fetch(&scene, &second));
    fetch(&scene, &first).problem(410, "request_used");
    // A photograph of it is of no use a minute later.
    let begun = scene.begin(&age());
    let first = begun.link().to_owned();
    scene.service.clock.advance(REQUEST_ROTATION_SECONDS);
    let second = shown(&begun);
    scene.service.clock.advance(REQUEST_ROTATION_SECONDS);
    not_found(&fetch(&scene, &first));
    let third = shown(&begun);
    assert!(third != second && third != first);
    assert_eq!(fetch(&scene, &third).status, 200);
    not_found(&fetch(&scene, &second));
}

#[test]
fn a_request_that_nobody_answers_expires_and_is_forgotten() {
    let scene = Scene::new();
    let card = scene.resident_id(1);
    let (begun, unanswered) = (scene.begin(&age()), scene.begin(&age()));
    scene.service.clock.advance(REQUEST_SECONDS - 1);
    // Who fetched it late has the whole time to answer.
    let link = shown(&unanswered);
    let asked = scene.wallet.open(&link);
    let last = shown(&begun);
    scene.service.clock.advance(1);
    let seen = begun.look();
    assert_eq!((&seen["state"], seen.get("authorization_request"), seen.get("statement")), (&json!("expired"), None, None));
    not_found(&fetch(&scene, &last));
    scene.service.clock.advance(EXPIRED_SHOWN_SECONDS - 1);
    assert_eq!(begun.look()["state"], "expired");
    scene.service.clock.advance(1);
    not_found(&begun.at());
    assert_eq!(unanswered.look()["state"], "fetched");
    scene.service.clock.advance(REQUEST_SECONDS - EXPIRED_SHOWN_SECONDS);
    scene.wallet.answer(&asked, &[("resident_id", &card)]).oauth(400, "invalid_request");
    assert_eq!(unanswered.look()["state"], "expired");
    fetch(&scene, &link).problem(410, "request_used");
    scene.service.clock.advance(EXPIRED_SHOWN_SECONDS);
    not_found(&fetch(&scene, &link));
}

/// The result is there for as long as an officer looks at it, and no longer.
#[test]
fn a_result_is_gone_after_the_time_of_its_use_case() {
    let service = TestService::start_with(|config| {
        let cases = config.storage.data.with_file_name("use-cases");
        fs::create_dir_all(&cases).expect("a folder");
        let text = include_str!("../../use-cases/age-over-18.toml")
            .replace("name = \"age-over-18\"", "name = \"quick\"\nresults_seconds = 10");
        fs::write(cases.join("quick.toml"), text).expect("it is written");
        config.storage.use_cases = Some(cases);
    });
    let scene = Scene::on(service);
    let card = scene.resident_id(1);
    for (name, seconds) in [("age-over-18", RESULT_SECONDS_DEFAULT.cast_unsigned()), ("quick", 10)] {
        let (begun, asked) = scene.ask(&json!({"use_case": name}));
        scene.wallet.answer(&asked, &[("resident_id", &card)]).good(200);
        scene.service.clock.advance(seconds - 1);
        assert_eq!(told(&begun.statement()).0, "accepted");
        scene.service.clock.advance(1);
        not_found(&begun.at());
        scene.wallet.answer(&asked, &[("resident_id", &card)]).oauth(400, "invalid_request");
    }
    // And when the gate says so.
    let (begun, asked) = scene.ask(&age());
    scene.wallet.answer(&asked, &[("resident_id", &card)]).good(200);
    begun.gate.delete(&begun.path).good(204);
    not_found(&begun.at());
    let (begun, asked) = scene.ask(&age());
    begun.gate.delete(&begun.path).good(204);
    scene.wallet.answer(&asked, &[("resident_id", &card)]).oauth(400, "invalid_request");
}

#[test]
fn a_restart_forgets_every_presentation() {
    let mut scene = Scene::new();
    let card = scene.resident_id(1);
    let waiting = scene.begin(&age());
    let (fetched, open) = scene.ask(&age());
    let (answered, done) = scene.ask(&age());
    scene.wallet.answer(&done, &[("resident_id", &card)]).good(200);
    scene.service.restart();
    for begun in [&waiting, &fetched, &answered] {
        not_found(&begun.at());
    }
    not_found(&fetch(&scene, waiting.link()));
    not_found(&fetch(&scene, fetched.link()));
    scene.wallet.answer(&open, &[("resident_id", &card)]).oauth(400, "invalid_request");
    // The officer shows a new code, and all is well.
    assert_eq!(told(&scene.show(&age(), &[("resident_id", &card)])).0, "accepted");
}

/// What results may hold in all is bounded; a service that never counted down would one day take no answer any more.
#[test]
fn results_that_are_over_give_their_room_back() {
    let scene = Scene::new();
    let large = format!("response={}", "x".repeat(RESPONSE_BODY_BYTES - 100));
    let answer = || {
        let (_, asked) = scene.ask(&age());
        scene.wallet.post(&asked, &large)
    };
    let most = PRESENTATION_RESULT_BYTES / large.len();
    for _ in 0..most {
        answer().oauth(400, "invalid_request");
    }
    assert_eq!(answer().status, 503, "no more room");
    scene.service.clock.advance(RESULT_SECONDS_DEFAULT.unsigned_abs());
    scene.service.service().tick();
    answer().oauth(400, "invalid_request");
}

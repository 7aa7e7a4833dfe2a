//! Checkpoints: their accounts, how a device is paired, what it may ask for and follow, and what is done by hand.

#[path = "checkpoint/admission.rs"]
mod admission;
#[path = "checkpoint/following.rs"]
mod following;
#[path = "checkpoint/gate.rs"]
mod gate;
#[path = "checkpoint/limits.rs"]
mod limits;
mod support;
#[path = "checkpoint/verifications.rs"]
mod verifications;

use std::sync::Barrier;

use serde_json::{Value, json};
use support::{TestService, User};
use yufu::app::wire::repair;

const TOKENS: &str = "/admin/api/v1/tokens";
const PAIRINGS: &str = "/admin/api/v1/pairings";
const PAIR: &str = "/checkpoint/pair";

fn account() -> Value {
    json!({
        "use_cases": ["boarding"],
        "redirect_uris": ["https://gate.example/back"],
        "origins": ["https://gate.example"],
    })
}

fn with(mut body: Value, more: &Value) -> Value {
    let members = more.as_object().expect("an object").clone();
    body.as_object_mut().expect("an object").extend(members);
    body
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn shows_the_account(admin: &User, id: &str) {
    let token = admin.get(&format!("{TOKENS}/{id}")).good(200);
    for member in ["use_cases", "redirect_uris", "origins"] {
        assert_eq!(token[member], account()[member], "{token}");
    }
}

#[test]
fn an_account_is_kept_shown_and_in_the_event_that_made_it() {
    let mut service = TestService::start();
    let made = service.admin().post(TOKENS, &with(json!({"name": "gate 12", "role": "checkpoint"}), &account())).good(201);
    let id = text(&made["id"]);
    shows_the_account(&service.admin(), id);
    let plain = service.admin().post(TOKENS, &json!({"name": "gate 13", "role": "checkpoint"})).good(201);
    let plain = service.admin().get(&format!("{TOKENS}/{}", text(&plain["id"]))).good(200);
    assert!(["use_cases", "redirect_uris", "origins"].iter().all(|member| plain.get(member).is_none()), "{plain}");
    let events = service.admin().get("/admin/api/v1/events").good(200);
    let whats: Vec<_> = events["events"].as_array().expect("events").iter().map(|logged| &logged["event"]["what"]).collect();
    let of_gate = whats.iter().find(|what| what["token"] == made["id"]).expect("its event");
    assert_eq!(of_gate["account"], account());
    let of_others = whats.iter().filter(|what| what["type"] == "token_created" && what["token"] != made["id"]);
    assert!(of_others.clone().count() >= 2 && of_others.clone().all(|what| what.get("account").is_none()));
    service.restart();
    shows_the_account(&service.admin(), id);
}

#[test]
fn an_account_outlives_the_records() {
    let mut service = TestService::start();
    let made = service.admin().post(TOKENS, &with(json!({"name": "gate 12", "role": "checkpoint"}), &account())).good(201);
    service.stop();
    std::fs::remove_dir_all(service.data().join("store")).expect("the records are removed");
    repair(&service.data(), &service.keys()).expect("it can be repaired");
    service.start_again();
    shows_the_account(&service.admin(), text(&made["id"]));
}

#[test]
fn an_account_that_is_none_is_refused_with_its_place_and_nothing_is_made() {
    let service = TestService::start();
    let admin = service.admin();
    let before = service.service().store().head();
    let cases = [
        (json!({"use_cases": []}), "/use_cases", "empty"),
        (json!({"use_cases": ["boarding", "Boarding!"]}), "/use_cases/1", "unknown_use_case"),
        (json!({"use_cases": ["boarding", "boarding"]}), "/use_cases/1", "twice"),
        (json!({"redirect_uris": ["http://gate.example/back"]}), "/redirect_uris/0", "invalid"),
        (json!({"redirect_uris": ["javascript:alert(1)"]}), "/redirect_uris/0", "invalid"),
        (json!({"redirect_uris": ["https://gate.example/back#x"]}), "/redirect_uris/0", "invalid"),
        (json!({"redirect_uris": vec!["https://gate.example/"; 17]}), "/redirect_uris", "too_many"),
        (json!({"origins": ["https://gate.example", "https://gate.example/"]}), "/origins/1", "invalid"),
        (json!({"origins": ["null"]}), "/origins/0", "invalid"),
    ];
    for (members, pointer, code) in &cases {
        let new_token = with(json!({"name": "gate 12", "role": "checkpoint"}), members);
        for answer in [admin.post(TOKENS, &new_token), admin.post(PAIRINGS, &with(json!({"name": "gate 12"}), members))] {
            let problem = answer.problem(400, "invalid_request");
            assert_eq!(problem["errors"][0]["pointer"], *pointer, "{problem}");
            assert_eq!(problem["errors"][0]["code"], *code, "{problem}");
        }
    }
    for member in ["use_cases", "redirect_uris", "origins"] {
        let only = json!({member: account()[member]});
        let problem = admin.post(TOKENS, &with(json!({"name": "x", "role": "auditor"}), &only)).problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], format!("/{member}"));
        assert_eq!(problem["errors"][0]["code"], "not_for_this_role");
    }
    assert_eq!(service.service().store().head(), before);
}

#[test]
fn a_device_is_paired_once_on_the_word_of_the_administrator() {
    let service = TestService::start();
    let (admin, anon) = (service.admin(), service.anon());
    let offered = admin.post(PAIRINGS, &with(json!({"name": "gate 12"}), &account())).good(201);
    let code = text(&offered["code"]);
    assert_eq!(code.len(), 22, "128 bits");
    assert_eq!(offered["link"], format!("{}/checkpoint#pair={code}", service.url()));
    assert!(text(&offered["qr_svg"]).contains("<svg"));
    let of_token = format!("{TOKENS}/{}", text(&offered["pairing_id"]));
    admin.get(&of_token).problem(404, "not_found");
    let paired = anon.post(PAIR, &json!({"code": code})).good(201);
    assert_eq!((text(&paired["name"]), &paired["use_cases"]), ("gate 12", &account()["use_cases"]));
    anon.post(PAIR, &json!({"code": code})).problem(404, "pairing_not_open");
    shows_the_account(&admin, text(&offered["pairing_id"]));
    // It is the token of a checkpoint and of nothing else.
    let device = service.with_token(text(&paired["token"]));
    device.get(TOKENS).problem(403, "forbidden");
    device.post("/checkpoint/api/v1/verifications", &json!({})).problem(400, "invalid_request");
    let events = admin.get("/admin/api/v1/events").good(200);
    let events = events["events"].as_array().expect("events");
    let by_whom = |id: &Value| &events.iter().find(|logged| &logged["event"]["what"]["token"] == id).expect("made")["event"];
    let tokens = admin.get(TOKENS).good(200);
    let first = tokens["tokens"].as_array().expect("tokens").iter().find(|token| token["role"] == "administrator");
    let actor = &by_whom(&offered["pairing_id"])["actor"];
    assert_eq!(*actor, json!({"kind": "operator", "token": first.expect("the first")["id"]}));
    admin.delete(&of_token).good(204);
    device.post("/checkpoint/api/v1/verifications", &json!({})).problem(401, "invalid_token");
}

#[test]
fn of_sixteen_devices_with_one_code_exactly_one_is_paired() {
    let service = TestService::start();
    let offered = service.admin().post(PAIRINGS, &json!({"name": "gate 12"})).good(201);
    let before = service.service().store().head().size;
    let start = Barrier::new(16);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let devices: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    let device = service.anon();
                    start.wait();
                    device.post(PAIR, &json!({"code": offered["code"]})).status
                })
            })
            .collect();
        devices.into_iter().map(|device| device.join().expect("it ends")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 404).count(), 15, "{statuses:?}");
    assert_eq!(service.service().store().head().size, before + 1, "one token was made");
}

#[test]
fn a_code_that_is_not_open_pairs_nothing() {
    let service = TestService::start();
    let (admin, anon) = (service.admin(), service.anon());
    let not_open = |code: &str| {
        anon.post(PAIR, &json!({"code": code})).problem(404, "pairing_not_open");
    };
    for code in ["", "x", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB", &"A".repeat(10_000)] {
        not_open(code);
    }
    let late = admin.post(PAIRINGS, &json!({"name": "late"})).good(201);
    service.clock.advance(300);
    not_open(text(&late["code"]));
    // A code is no better than the word it rests on.
    let leaver = admin.post(TOKENS, &json!({"name": "leaves soon", "role": "administrator"})).good(201);
    let offered = service.with_token(text(&leaver["token"])).post(PAIRINGS, &json!({"name": "gate 12"})).good(201);
    admin.delete(&format!("{TOKENS}/{}", text(&leaver["id"]))).good(204);
    let before = service.service().store().head();
    not_open(text(&offered["code"]));
    assert_eq!(service.service().store().head(), before);
}

#[test]
fn an_officer_is_told_what_to_do_on_every_doubt_and_which_reasons_there_are() {
    let service = TestService::start();
    let by_hand = &service.checkpoint().get("/checkpoint/api/v1/use-cases").good(200)["by_hand"];
    let codes: Vec<_> = by_hand["reasons"].as_array().expect("reasons").iter().map(|reason| text(&reason["code"])).collect();
    let expected = ["document_checked", "supervisor_confirmed", "known_technical_fault", "boarding_name_variant", "other"];
    assert_eq!(codes, expected);
    for doubt in ["status_unavailable", "status_too_old", "shown_without_request", "same_person_unknown"] {
        let steps = by_hand["steps"][doubt].as_array().expect("steps");
        assert!(steps.len() >= 3 && steps.iter().all(|step| step["zh-CN"].is_string() && step["en"].is_string()), "{doubt}");
    }
    assert!(by_hand["steps"].get("credential_revoked").is_none());
}

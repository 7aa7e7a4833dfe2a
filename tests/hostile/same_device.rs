//! The result of a presentation is for who asked for it and, on the same device, for who comes back with the code.

use serde_json::{Value, json};

use super::desk::{Begun, Desk, ID, PRESENTATIONS, at_once, text};

/// A same-device presentation that was answered: its id and the response code.
fn answered(desk: &Desk) -> (String, String) {
    let order = same_device(desk);
    let Begun { id, asked } = desk.begin(&order);
    assert!(!asked.claims.contains_key("redirect_uri"), "NT-VP-09: never beside response_uri");
    let answer = desk.wallet.answer(&asked, &[(ID, &desk.card)]).good(200);
    let back = text(&answer["redirect_uri"]);
    let code = back.strip_prefix(&format!("{}/checkpoint?response_code=", desk.service.url())).expect("back to the page");
    assert!(code.len() >= 22, "128 bits and more");
    (id, code.to_owned())
}

fn same_device(desk: &Desk) -> Value {
    let mut order = desk.order();
    order["flow"] = "same_device".into();
    order["redirect_uri"] = format!("{}/checkpoint", desk.service.url()).into();
    order
}

fn with_code(id: &str, code: &str) -> String {
    format!("{PRESENTATIONS}/{id}?response_code={code}")
}

#[test]
fn session_fixation_shows_the_attacker_nothing() {
    // NT-VP-10, NT-HAIP-09: an attacker begins a presentation and sends its link to somebody, whose wallet answers. The
    // person comes back in a browser of their own, so the attacker never has the code.
    let desk = Desk::open();
    let (id, code) = answered(&desk);
    let view = desk.look(&id);
    assert_eq!((&view["state"], view.get("statement")), (&json!("answered"), None));
    desk.gate.get(&with_code(&id, "AAAAAAAAAAAAAAAAAAAAAA")).problem(403, "response_code_wrong");
    desk.gate.get(&with_code(&id, &code[1..])).problem(403, "response_code_wrong");
    // The victim's own session with the code of the attacker's presentation.
    let victims_gate = desk.service.checkpoint();
    victims_gate.get(&with_code(&id, &code)).problem(404, "not_found");
    // The code of another presentation.
    let (other, others_code) = answered(&desk);
    desk.gate.get(&with_code(&id, &others_code)).problem(403, "response_code_wrong");
    let view = desk.gate.get(&with_code(&other, &others_code)).good(200);
    assert_eq!(view["statement"]["decision"], "accepted");
    let view = desk.gate.get(&with_code(&id, &code)).good(200);
    assert_eq!(view["statement"]["decision"], "accepted");
    desk.gate.get(&with_code(&id, &code)).problem(403, "response_code_wrong");
    let view = desk.look(&id);
    assert_eq!(view.get("statement"), None, "the code is good once");
}

#[test]
fn after_five_wrong_codes_the_result_is_gone() {
    let desk = Desk::open();
    let (id, code) = answered(&desk);
    for _ in 0..5 {
        desk.gate.get(&with_code(&id, "AAAAAAAAAAAAAAAAAAAAAA")).problem(403, "response_code_wrong");
    }
    desk.gate.get(&with_code(&id, &code)).problem(404, "not_found");
}

#[test]
fn of_many_who_bring_the_code_at_once_one_sees_the_result() {
    //
    let desk = Desk::open();
    let (id, code) = answered(&desk);
    let answers = at_once(16, |_| desk.gate.get(&with_code(&id, &code)));
    let shown = answers.iter().filter(|answer| answer.status == 200 && answer.json().get("statement").is_some());
    assert_eq!(shown.count(), 1);
    assert!(answers.iter().all(|answer| [200, 403, 404].contains(&answer.status)));
}

#[test]
fn a_result_is_read_by_the_checkpoint_that_asked_and_by_no_name_a_wallet_knows() {
    // NT-VP-10
    let desk = Desk::open();
    let Begun { id, asked } = desk.begin(&desk.order());
    desk.wallet.answer(&asked, &[(ID, &desk.card)]).good(200);
    let path = format!("{PRESENTATIONS}/{id}");
    let other = desk.service.checkpoint();
    other.get(&path).problem(404, "not_found");
    other.get(&format!("{path}?wait=5")).problem(404, "not_found");
    other.send("GET", &path, &[("accept", "text/event-stream")], b"").problem(404, "not_found");
    other.put(&format!("{path}/boarding-pass"), &json!({"boarding_pass": "M1"})).problem(404, "not_found");
    let response = json!({"protocol": "openid4vp-v1-signed", "data": {"response": "x"}});
    other.post(&format!("{path}/response"), &response).problem(404, "not_found");
    other.delete(&path).problem(404, "not_found");
    desk.service.admin().get(&path).problem(403, "forbidden");
    desk.service.anon().get(&path).problem(401, "unauthenticated");
    // Names that the wallet saw: of the answer, its state and nonce.
    let response_id = asked.text("response_uri").rsplit('/').next().expect("a name");
    for name in [response_id, asked.text("state"), asked.text("nonce")] {
        desk.gate.get(&format!("{PRESENTATIONS}/{name}")).problem(404, "not_found");
    }
    assert_eq!(desk.look(&id)["statement"]["decision"], "accepted");
    // A checkpoint that is switched off reads nothing any more.
    let tokens = desk.service.admin().get("/admin/api/v1/tokens").good(200);
    let own = tokens["tokens"].as_array().expect("tokens").iter().filter(|token| token["role"] == "checkpoint");
    for token in own {
        desk.service.admin().delete(&format!("/admin/api/v1/tokens/{}", text(&token["id"]))).good(204);
    }
    desk.gate.get(&path).problem(401, "invalid_token");
}

//! Same device: the result is for whoever comes back with the code that the wallet's device was sent back with
//! (OpenID4VP 1.0 sections 8.2 and 14.3).

use serde_json::{Value, json};
use yufu::base::limits::RESPONSE_CODE_TRIES;

use super::{
    Begun, PRESENTATIONS, Scene,
    support::{User, wallet::HeldCard},
    text, told,
};

const BACK: &str = "https://counter.example/back?desk=7";

fn gate(scene: &Scene) -> User {
    let account = json!({"name": "counter 7", "role": "checkpoint", "redirect_uris": [BACK]});
    let made = scene.service.admin().post("/admin/api/v1/tokens", &account).good(201);
    scene.service.with_token(text(&made["token"]))
}

fn order(redirect_uri: &str) -> Value {
    json!({"use_case": "age-over-18", "flow": "same_device", "redirect_uri": redirect_uri})
}

/// A presentation that was answered well; with the code that came of it.
fn answered(scene: &Scene, gate: &User, card: &HeldCard) -> (Begun, String) {
    let begun = Begun::by(gate, &order(BACK));
    assert_eq!(begun.first.get("rotates_at"), None, "a link that was followed stays");
    let asked = scene.wallet.open(text(&begun.first["haip_request"]));
    let answer = scene.wallet.answer(&asked, &[("resident_id", card)]).good(200);
    let code = text(&answer["redirect_uri"]).strip_prefix(&format!("{BACK}&response_code=")).expect("the code").to_owned();
    assert_eq!(code.len(), 22, "128 bits");
    (begun, code)
}

fn with_code(begun: &Begun, code: &str) -> super::Answer {
    begun.gate.get(&format!("{}?response_code={code}", begun.path))
}

#[test]
fn the_result_is_withheld_until_somebody_comes_back_with_the_code() {
    let scene = Scene::new();
    let (begun, code) = answered(&scene, &gate(&scene), &scene.resident_id(1));
    let seen = begun.look();
    assert_eq!((&seen["state"], seen.get("statement")), (&json!("answered"), None));
    assert!(!seen.to_string().contains(&code));
    with_code(&begun, &"A".repeat(22)).problem(403, "response_code_wrong");
    // Another checkpoint does not get it by the code either.
    scene.gate.get(&format!("{}?response_code={code}", begun.path)).problem(404, "not_found");
    assert_eq!(told(&with_code(&begun, &code).good(200)["statement"]), ("accepted", "accepted"));
    // Once: whoever comes with a copy of the address comes too late.
    with_code(&begun, &code).problem(403, "response_code_wrong");
    assert_eq!(begun.look().get("statement"), None);
}

#[test]
fn a_few_wrong_codes_destroy_the_result() {
    let scene = Scene::new();
    let (gate, card) = (gate(&scene), scene.resident_id(1));
    let (begun, code) = answered(&scene, &gate, &card);
    for _ in 1..RESPONSE_CODE_TRIES {
        with_code(&begun, "wrong").problem(403, "response_code_wrong");
    }
    assert_eq!(begun.look()["state"], "answered");
    with_code(&begun, &format!("{code}x")).problem(403, "response_code_wrong");
    with_code(&begun, &code).problem(404, "not_found");
    begun.at().problem(404, "not_found");
    // One wrong code fewer does no harm.
    let (begun, code) = answered(&scene, &gate, &card);
    for _ in 1..RESPONSE_CODE_TRIES {
        with_code(&begun, "x").problem(403, "response_code_wrong");
    }
    assert_eq!(told(&with_code(&begun, &code).good(200)["statement"]), ("accepted", "accepted"));
}

#[test]
fn a_wallet_sends_nobody_to_an_address_that_is_not_registered() {
    let scene = Scene::new();
    let gate = gate(&scene);
    let refused = |order: Value, status, code| {
        gate.post(PRESENTATIONS, &order).problem(status, code);
    };
    for other in [
        "https://counter.example/back",
        "https://counter.example/back?desk=70",
        "https://counter.example/back?desk=7#x",
        "https://COUNTER.example/back?desk=7",
        "https://evil.example/?x=https://counter.example/back?desk=7",
        "javascript:alert(1)",
        "",
    ] {
        refused(order(other), 403, "redirect_uri_not_allowed");
    }
    refused(json!({"use_case": "age-over-18", "flow": "same_device"}), 400, "invalid_request");
    refused(json!({"use_case": "age-over-18", "redirect_uri": BACK}), 400, "invalid_request");
    // The page of the service itself needs no registration.
    Begun::by(&scene.gate, &order(&format!("{}/checkpoint", scene.service.url())));
    scene.gate.post(PRESENTATIONS, &order(BACK)).problem(403, "redirect_uri_not_allowed");
}

/// Who declines comes back all the same. When an answer does not fit nobody comes back, so the page that waits is told why,
/// and nothing of whom.
#[test]
fn a_refusal_comes_back_too_and_an_answer_that_does_not_fit_tells_nobody_who_it_was() {
    let scene = Scene::new();
    let (gate, card) = (gate(&scene), scene.resident_id(1));
    let begun = Begun::by(&gate, &order(BACK));
    let asked = scene.wallet.open(begun.link());
    let answer = scene.wallet.refuse(&asked, "access_denied").good(200);
    let code = text(&answer["redirect_uri"]).rsplit_once('=').expect("a code").1;
    assert_eq!(begun.look().get("statement"), None);
    assert_eq!(told(&with_code(&begun, code).good(200)["statement"]), ("refused", "declined_by_holder"));
    let vct = format!("{}/credential-types/resident-id", scene.service.url());
    let claims = json!([{"path": ["name"]}]);
    let query = json!({"id": "card", "format": "dc+sd-jwt", "meta": {"vct_values": [vct]}, "claims": claims});
    let order = json!({
        "query": {"credentials": [query]}, "flow": "same_device", "redirect_uri": BACK,
        "transaction_data": [{"type": "urn:example:rental", "credential_ids": ["card"]}],
    });
    let begun = Begun::by(&gate, &order);
    let asked = scene.wallet.open(begun.link());
    let mut unsigned = scene.wallet.unsigned(&asked, "card", &card);
    unsigned.claims.remove("transaction_data_hashes");
    let response = json!({"vp_token": {"card": [unsigned.sign(&card.key)]}, "state": asked.text("state")});
    let answer = scene.wallet.post_sealed(&asked, &scene.wallet.seal(&asked, &response));
    answer.oauth(400, "invalid_presentation");
    assert_eq!(answer.json().get("redirect_uri"), None);
    let statement = begun.statement();
    assert_eq!(told(&statement), ("refused", "transaction_data_mismatch"));
    assert!(!statement.to_string().contains("测试员"), "{statement}");
    assert_eq!(statement["credentials"][0]["credential"]["claims"], json!({}));
}

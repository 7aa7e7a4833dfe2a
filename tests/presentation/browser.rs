//! A page asks the browser (OpenID4VP 1.0 appendix A), and brings what the browser gave.

use serde_json::{Value, json};

use super::{
    Answer, Begun, PRESENTATIONS, Scene, check,
    support::{
        User,
        wallet::{AskedFor, HeldCard},
    },
    text, told,
};

const SIGNED: &str = "openid4vp-v1-signed";
const COUNTER: &str = "https://counter.example";

fn order() -> Value {
    json!({"use_case": "age-over-18", "flow": "dc_api"})
}

/// The request that the page hands to the browser.
fn asked(scene: &Scene, begun: &Begun) -> AskedFor {
    let [request] = &begun.first["dc_api"]["requests"].as_array().expect("requests")[..] else { panic!("one request") };
    assert_eq!(request["protocol"], SIGNED);
    scene.wallet.check_request(text(&request["data"]["request"]))
}

/// What the wallet gives to the browser, for a page of `origin`.
fn answer(scene: &Scene, asked: &AskedFor, card: &HeldCard, audience: &str) -> Value {
    let mut unsigned = scene.wallet.unsigned(asked, "resident_id", card);
    unsigned.claims.insert("aud".to_owned(), audience.into());
    let response = json!({"vp_token": {"resident_id": [unsigned.sign(&card.key)]}});
    json!({"protocol": SIGNED, "data": {"response": scene.wallet.seal(asked, &response)}})
}

fn bring(gate: &User, begun: &Begun, answer: &Value) -> Answer {
    gate.post(&format!("{}/response", begun.path), answer)
}

#[test]
fn a_page_asks_the_browser_and_brings_its_answer_once() {
    let scene = Scene::new();
    let card = scene.resident_id(1);
    let begun = scene.begin(&order());
    for member in ["authorization_request", "request_uri", "qr_svg"] {
        assert_eq!(begun.first.get(member), None);
    }
    let asked = asked(&scene, &begun);
    let origin = format!("origin:{}", scene.service.url());
    assert_eq!(asked.claims["response_mode"], "dc_api.jwt");
    assert_eq!(asked.claims["expected_origins"], json!([scene.service.url()]));
    assert!(["state", "response_uri", "redirect_uri"].iter().all(|member| !asked.claims.contains_key(*member)));
    let answer = answer(&scene, &asked, &card, &origin);
    // The answer of another protocol, and one that another checkpoint brings, take nothing.
    let other = json!({"protocol": "openid4vp-v1-unsigned", "data": answer["data"]});
    bring(&scene.gate, &begun, &other).problem(400, "invalid_request");
    bring(&scene.service.checkpoint(), &begun, &answer).problem(404, "not_found");
    let seen = bring(&scene.gate, &begun, &answer).good(200);
    assert_eq!((&seen["state"], seen.get("dc_api")), (&json!("answered"), None));
    assert_eq!(told(&seen["statement"]), ("accepted", "accepted"));
    assert_eq!(seen["statement"], begun.statement());
    bring(&scene.gate, &begun, &answer).problem(409, "presentation_over");
}

/// Only the page brings the answer: whoever saw the request finds no door for another one, nor spends it.
#[test]
fn a_wallet_cannot_answer_a_page_behind_its_back() {
    let scene = Scene::new();
    let (card, another) = (scene.resident_id(1), scene.resident_id(2));
    let begun = scene.begin(&order());
    let asked = asked(&scene, &begun);
    let origin = format!("origin:{}", scene.service.url());
    let sealed = answer(&scene, &asked, &another, &origin);
    let kid = asked.encryption_jwk()["kid"].clone();
    let form = format!("response={}", text(&sealed["data"]["response"]));
    for path in [format!("/responses/{}", text(&kid)), format!("/requests/{}", text(&kid))] {
        assert!(scene.service.anon().post_form(&path, &form).status >= 400, "{path}");
    }
    assert_eq!(begun.look()["state"], "waiting");
    let seen = bring(&scene.gate, &begun, &answer(&scene, &asked, &card, &origin)).good(200);
    assert_eq!(told(&seen["statement"]), ("accepted", "accepted"));
    // Nor does a page answer for a wallet that was invited by a code.
    let by_code = scene.begin(&json!({"use_case": "age-over-18"}));
    bring(&scene.gate, &by_code, &sealed).problem(409, "presentation_over");
}

#[test]
fn a_browser_s_answer_in_the_clear_is_taken_on_this_machine() {
    let scene = Scene::new();
    let card = scene.resident_id(1);
    let begun = scene.begin(&json!({"use_case": "age-over-18", "flow": "dc_api", "response_mode": "direct_post"}));
    let asked = asked(&scene, &begun);
    assert_eq!(asked.text("response_mode"), "dc_api");
    let mut unsigned = scene.wallet.unsigned(&asked, "resident_id", &card);
    unsigned.claims.insert("aud".to_owned(), format!("origin:{}", scene.service.url()).into());
    let data = json!({"vp_token": {"resident_id": [unsigned.sign(&card.key)]}});
    let seen = bring(&scene.gate, &begun, &json!({"protocol": SIGNED, "data": data})).good(200);
    assert_eq!(told(&seen["statement"]), ("accepted", "accepted"));
}

#[test]
fn an_answer_for_a_page_of_another_origin_is_refused() {
    let scene = Scene::new();
    let card = scene.resident_id(1);
    let begin = || {
        let begun = scene.begin(&order());
        let asked = asked(&scene, &begun);
        (begun, asked)
    };
    let client_id = text(&begin().1.claims["client_id"]).to_owned();
    for audience in ["origin:https://evil.example", scene.service.url().as_str(), &client_id] {
        let (begun, asked) = begin();
        let seen = bring(&scene.gate, &begun, &answer(&scene, &asked, &card, audience)).good(200);
        assert_eq!(told(&seen["statement"]), ("refused", "audience_mismatch"), "{audience}");
        assert_eq!(check(&seen["statement"], "audience"), "failed");
        assert_eq!(seen["statement"]["credential"]["claims"], json!({}), "who was not asked is not looked at");
    }
}

#[test]
fn a_page_asks_from_an_origin_that_is_registered() {
    let scene = Scene::new();
    let card = scene.resident_id(1);
    let account = json!({"name": "counter 7", "role": "checkpoint", "origins": [COUNTER]});
    let made = scene.service.admin().post("/admin/api/v1/tokens", &account).good(201);
    let counter = scene.service.with_token(text(&made["token"]));
    let from = |origin: &str| json!({"use_case": "age-over-18", "flow": "dc_api", "origin": origin});
    let begun = Begun::by(&counter, &from(COUNTER));
    let asked = asked(&scene, &begun);
    assert_eq!(asked.claims["expected_origins"], json!([COUNTER]));
    let seen = bring(&counter, &begun, &answer(&scene, &asked, &card, &format!("origin:{COUNTER}"))).good(200);
    assert_eq!(told(&seen["statement"]), ("accepted", "accepted"));
    Begun::by(&counter, &from(&scene.service.url()));
    for other in
        ["https://counter.example:8443", "http://counter.example", "https://counter.example/", "https://evil.example", ""]
    {
        counter.post(PRESENTATIONS, &from(other)).problem(403, "origin_not_allowed");
    }
    scene.gate.post(PRESENTATIONS, &from(COUNTER)).problem(403, "origin_not_allowed");
    let elsewhere = json!({"use_case": "age-over-18", "origin": COUNTER});
    counter.post(PRESENTATIONS, &elsewhere).problem(400, "invalid_request");
}

#[test]
fn who_declines_in_the_browser_declined() {
    let scene = Scene::new();
    let begun = scene.begin(&order());
    let declined = json!({"protocol": SIGNED, "data": {"error": "access_denied"}});
    let seen = bring(&scene.gate, &begun, &declined).good(200);
    assert_eq!(told(&seen["statement"]), ("refused", "declined_by_holder"));
}

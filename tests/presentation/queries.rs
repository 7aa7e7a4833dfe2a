//! Queries of a gate's own (OpenID4VP 1.0 section 6), and answers at the edge of what is allowed.

use serde_json::{Value, json};
use yufu::{base::limits::PORTRAIT_BYTES, crypto::Algorithm, format::sdjwt::present};

use super::{
    Scene, check,
    support::{TestService, driver, person, wallet::HeldCard},
    text, told, with_portrait,
};

/// A credential query for a type of the service.
fn asks(scene: &Scene, id: &str, kind: &str, claims: &[&str]) -> Value {
    let vct = format!("{}/credential-types/{kind}", scene.service.url());
    let claims: Vec<_> = claims.iter().map(|name| json!({"path": [name]})).collect();
    json!({"id": id, "format": "dc+sd-jwt", "meta": {"vct_values": [vct]}, "claims": claims})
}

/// A driver without vehicle classes on the card, and both cards.
fn driver_without_classes(scene: &Scene) -> (HeldCard, HeldCard) {
    let mut driver = with_portrait(driver(1));
    driver["qualifications"][0]["data"].as_object_mut().expect("data").remove("vehicle_classes");
    let person = scene.service.register(&driver);
    let take = |kind| scene.wallet.take(&scene.service, &person, kind);
    (take("resident-id"), take("transport-qualification"))
}

/// The wallet shows the set of claims that it can (section 6.4.1); the use case says which are good enough.
#[test]
fn a_card_without_an_optional_claim_answers_by_the_next_claim_set() {
    let scene = Scene::new();
    let (resident_id, qualification) = driver_without_classes(&scene);
    let (begun, asked) = scene.ask(&json!({"use_case": "freight-driver"}));
    let cards = [("resident_id", &resident_id), ("qualification", &qualification)];
    assert_eq!(scene.wallet.answer(&asked, &cards).good(200), json!({}));
    let statement = begun.statement();
    assert_eq!(told(&statement), ("accepted", "accepted"));
    let claims = statement["credentials"][1]["credential"]["claims"].as_object().expect("claims");
    assert_eq!(claims.keys().collect::<Vec<_>>(), ["document_number", "id_number", "qualification_valid_until"]);
}

/// Section 6.2: one option of a set is enough, and a set that is not required can stay away.
#[test]
fn one_of_two_cards_is_enough_where_the_query_says_so() {
    let scene = Scene::new();
    let (resident_id, qualification) = driver_without_classes(&scene);
    let query = json!({
        "credentials": [
            asks(&scene, "id", "resident-id", &["id_number"]),
            asks(&scene, "work", "transport-qualification", &["id_number"]),
        ],
        "credential_sets": [{"options": [["id"], ["work"]]}],
    });
    let order = json!({"query": query});
    for answer in [vec![("id", &resident_id)], vec![("work", &qualification)]] {
        let statement = scene.show(&order, &answer);
        assert_eq!(told(&statement), ("accepted", "accepted"));
        assert_eq!(statement["credentials"].as_array().map(Vec::len), Some(1));
        assert_eq!(statement["credentials"][0]["query_id"], answer[0].0);
    }
    let (begun, asked) = scene.ask(&order);
    let nothing = json!({"vp_token": {}, "state": asked.text("state")});
    let answer = scene.wallet.post_sealed(&asked, &scene.wallet.seal(&asked, &nothing));
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(told(&begun.statement()).0, "refused");
}

#[test]
fn several_cards_answer_one_query_where_it_says_so_and_each_is_checked() {
    let scene = Scene::new();
    let (one, other) = (scene.resident_id(1), scene.resident_id(2));
    let mut asked_for = asks(&scene, "id", "resident-id", &["id_number"]);
    asked_for["multiple"] = true.into();
    let order = json!({"query": {"credentials": [asked_for]}});
    let show = || {
        let (begun, asked) = scene.ask(&order);
        let both = [&one, &other].map(|card| scene.wallet.present(&asked, "id", card));
        let response = json!({"vp_token": {"id": both}, "state": asked.text("state")});
        scene.wallet.post_sealed(&asked, &scene.wallet.seal(&asked, &response)).good(200);
        begun.statement()
    };
    let statement = show();
    assert_eq!(told(&statement), ("accepted", "accepted"));
    let numbers: Vec<_> = statement["credentials"]
        .as_array()
        .expect("credentials")
        .iter()
        .map(|one| one["credential"]["claims"]["id_number"].clone())
        .collect();
    assert_eq!(numbers, [person(1)["id_number"].clone(), person(2)["id_number"].clone()]);
    scene.service.revoke(&other);
    let statement = show();
    assert_eq!(told(&statement), ("refused", "credential_revoked"));
    assert_eq!(statement["credential"]["claims"]["id_number"], person(2)["id_number"]);
}

/// Section 6.1: where no proof is asked for none is needed, and a proof that comes all the same is for this request.
#[test]
fn a_card_that_needs_no_holder_is_accepted_without_a_proof() {
    let scene = Scene::new();
    let card = scene.resident_id(1);
    let mut asked_for = asks(&scene, "id", "resident-id", &["name"]);
    asked_for["require_cryptographic_holder_binding"] = false.into();
    let order = json!({"query": {"credentials": [asked_for]}});
    let statement = scene.show(&order, &[("id", &card)]);
    assert_eq!((told(&statement).0, check(&statement, "holder_binding")), ("accepted", "passed"));
    let bare = |path: &[_]| matches!(path, [yufu::format::sdjwt::PathPart::Name(name)] if name == "name");
    let bare = present(&card.credential, &bare, None).expect("the card is in order");
    let (begun, asked) = scene.ask(&order);
    let response = json!({"vp_token": {"id": [bare]}, "state": asked.text("state")});
    scene.wallet.post_sealed(&asked, &scene.wallet.seal(&asked, &response)).good(200);
    let statement = begun.statement();
    assert_eq!((told(&statement).0, check(&statement, "holder_binding")), ("accepted", "not_checked"));
    assert_eq!(statement["credential"]["claims"], json!({"name": "测试员"}));
}

#[test]
fn the_largest_portrait_passes_a_gate() {
    let scene = Scene::new();
    let prefix = "data:image/jpeg;base64,/9j/";
    let portrait = format!("{prefix}{}", "A".repeat((PORTRAIT_BYTES - prefix.len()) / 4 * 4));
    let mut large = person(1);
    large["portrait"] = portrait.clone().into();
    let card = scene.wallet.take_resident_id(&scene.service, &large);
    for mode in ["direct_post.jwt", "direct_post"] {
        let order = json!({"use_case": "security-check", "response_mode": mode});
        let statement = scene.show(&order, &[("resident_id", &card)]);
        assert_eq!(told(&statement), ("accepted", "accepted"), "{mode}");
        assert_eq!(statement["credential"]["claims"]["portrait"], portrait.as_str());
    }
}

/// The algorithm of the cards is the issuer's; requests are signed and answers encrypted as every wallet knows.
#[test]
fn cards_signed_with_ed25519_are_asked_for_and_shown_alike() {
    let service = TestService::start_with(|config| config.identity.signing = Algorithm::Ed25519);
    let scene = Scene::on(service);
    let card = scene.resident_id(1);
    let (begun, asked) = scene.ask(&json!({"use_case": "age-over-18"}));
    assert_eq!(asked.header["alg"], "ES256");
    scene.wallet.answer(&asked, &[("resident_id", &card)]).good(200);
    assert_eq!(told(&begun.statement()), ("accepted", "accepted"));
}

/// Sections 8.3 and 8.5: an error is an answer, in the clear or encrypted, and the holder's own choice.
#[test]
fn who_declines_is_told_apart_from_a_wallet_that_cannot() {
    let scene = Scene::new();
    let ask = || scene.ask(&json!({"use_case": "age-over-18"}));
    for (error, reason) in [("access_denied", "declined_by_holder"), ("vp_formats_not_supported", "wallet_error")] {
        let (begun, asked) = ask();
        assert_eq!(scene.wallet.refuse(&asked, error).good(200), json!({}));
        assert_eq!(told(&begun.statement()), ("refused", reason));
        let (begun, asked) = ask();
        let sealed = scene.wallet.seal(&asked, &json!({"error": error, "state": asked.text("state")}));
        assert_eq!(scene.wallet.post_sealed(&asked, &sealed).good(200), json!({}));
        let statement = begun.statement();
        assert_eq!(told(&statement), ("refused", reason));
        assert_eq!((&statement["credential"], text(&statement["status"]["value"])), (&Value::Null, "unknown"));
    }
}

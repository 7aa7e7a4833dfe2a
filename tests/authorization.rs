//! The authorisation code flow over HTTP, as far as wallets and offices have it: metadata, the register of wallets, offers
//! by this flow, and requests that are pushed. What the browser does has tests of its own.

mod support;

use serde_json::{Value, json};
use support::{Answer, TestService, User, haip::form_of, person};
use yufu::app::config::Config;

const BACK: &str = "https://wallet.example/back";
const WALLETS: &str = "/admin/api/v1/wallets";
const OFFERS: &str = "/admin/api/v1/offers";
const PRE_AUTHORIZED: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";

fn registered(service: &TestService) -> Value {
    let order = json!({"client_id": "wallet.example", "name": "A wallet", "redirect_uris": [BACK]});
    service.admin().post(WALLETS, &order).good(201)
}

fn push(user: &User, changes: &[(&str, &str)]) -> Answer {
    let mut all = vec![
        ("client_id", "wallet.example"),
        ("response_type", "code"),
        ("redirect_uri", BACK),
        ("scope", "resident-id"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    all.retain(|(name, _)| !changes.iter().any(|(other, _)| other == name));
    all.extend(changes);
    user.post_form("/par", &form_of(&all))
}

#[test]
fn a_request_is_pushed_as_the_metadata_say() {
    let service = TestService::start();
    registered(&service);
    let wallet = service.anon();
    let metadata = wallet.get("/.well-known/oauth-authorization-server").good(200);
    assert_eq!(metadata["pushed_authorization_request_endpoint"], format!("{}/par", service.url()));
    assert_eq!(metadata["require_pushed_authorization_requests"], true);
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(metadata["authorization_endpoint"], format!("{}/authorize", service.url()));
    let answer = push(&wallet, &[]);
    let pushed = answer.good(201);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(pushed["expires_in"], 90);
    let uri = pushed["request_uri"].as_str().expect("a request_uri");
    assert_eq!(uri.strip_prefix("urn:ietf:params:oauth:request_uri:").map(str::len), Some(43));
    assert_ne!(push(&wallet, &[]).good(201)["request_uri"], uri);
}

#[test]
fn a_request_that_is_refused_is_told_so_in_the_words_of_the_protocol() {
    let service = TestService::start();
    registered(&service);
    let wallet = service.anon();
    for (change, error) in [
        (("client_id", "other.example"), "invalid_client"),
        (("redirect_uri", "https://evil.example/"), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("scope", "passport"), "invalid_scope"),
        (("authorization_details", "x"), "invalid_authorization_details"),
        (("resource", "https://other.example"), "invalid_target"),
        (("issuer_state", "unknown"), "invalid_request"),
    ] {
        push(&wallet, &[change]).oauth(400, error);
    }
    wallet.post("/par", &json!({})).oauth(415, "invalid_request");
    wallet.post_form("/par", &"a".repeat(16 * 1024 + 1)).oauth(413, "invalid_request");
    wallet.get("/par").problem(405, "method_not_allowed");
}

#[test]
fn wallets_are_registered_listed_and_switched_off() {
    let mut service = TestService::start();
    let made = registered(&service);
    let admin = service.admin();
    let again = json!({"client_id": "wallet.example", "name": "Another", "redirect_uris": []});
    admin.post(WALLETS, &again).problem(409, "wallet_exists");
    for (order, pointer) in [
        (json!({"client_id": "", "name": "x", "redirect_uris": []}), "/client_id"),
        (json!({"client_id": "x", "name": "", "redirect_uris": []}), "/name"),
        (json!({"client_id": "x", "name": "x", "redirect_uris": [BACK, "http://x.example/"]}), "/redirect_uris/1"),
        (json!({"client_id": "x", "name": "x", "redirect_uris": [BACK, BACK]}), "/redirect_uris/1"),
    ] {
        let problem = admin.post(WALLETS, &order).problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{order}");
    }
    let listed = admin.get(WALLETS).good(200);
    assert_eq!(listed, json!({"wallets": [made]}));
    let one = format!("{WALLETS}/{}", made["id"].as_str().expect("an id"));
    let other = json!({"client_id": "wallet.example", "name": "Renamed", "redirect_uris": ["https://wallet.example/other"]});
    assert_eq!(admin.put(&one, &other).good(200)["name"], "Renamed");
    push(&service.anon(), &[]).oauth(400, "invalid_request");
    push(&service.anon(), &[("redirect_uri", "https://wallet.example/other")]).good(201);
    let renamed = json!({"client_id": "other.example", "name": "Renamed", "redirect_uris": []});
    assert_eq!(admin.put(&one, &renamed).problem(400, "invalid_request")["errors"][0]["pointer"], "/client_id");
    admin.delete(&one).good(204);
    admin.put(&one, &other).problem(409, "wallet_off");
    admin.delete(&one).good(204);
    push(&service.anon(), &[]).oauth(400, "invalid_client");
    service.restart();
    push(&service.anon(), &[]).oauth(400, "invalid_client");
    assert!(service.admin().get(WALLETS).good(200)["wallets"][0]["switched_off_at"].is_string());
    let events = service.admin().get("/admin/api/v1/events?limit=100").good(200).to_string();
    assert!(events.contains("wallet_registered") && events.contains("wallet_switched_off"));
    assert_eq!(events.matches("wallet_switched_off").count(), 1, "once, though it was asked for twice");
    assert_eq!(events.matches("wallet_changed").count(), 1);
}

#[test]
fn an_offer_names_the_grants_that_were_ordered() {
    let service = TestService::start();
    registered(&service);
    let id = service.register(&person(1));
    let admin = service.admin();
    let order = |more: Value| {
        let mut order = json!({"person_id": id, "credential_types": ["resident-id"]});
        order.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        order
    };
    let grants = |more: Value| admin.post(OFFERS, &order(more)).good(201)["credential_offer"]["grants"].clone();
    let names = |grants: &Value| grants.as_object().expect("grants").keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&grants(json!({}))), [PRE_AUTHORIZED]);
    assert_eq!(names(&grants(json!({"grants": ["pre-authorized_code"]}))), [PRE_AUTHORIZED]);
    assert_eq!(names(&grants(json!({"grants": ["authorization_code"]}))), ["authorization_code"]);
    let both = grants(json!({"grants": ["authorization_code", "pre-authorized_code"], "tx_code": true}));
    assert_eq!(names(&both), ["authorization_code", PRE_AUTHORIZED]);
    let state = both["authorization_code"]["issuer_state"].as_str().expect("an issuer_state");
    push(&service.anon(), &[("issuer_state", state)]).good(201);
    for (wrong, pointer) in [
        (json!({"grants": []}), "/grants"),
        (json!({"grants": ["implicit"]}), "/grants/0"),
        (json!({"grants": ["authorization_code"], "tx_code": true}), "/tx_code"),
    ] {
        let problem = admin.post(OFFERS, &order(wrong.clone())).problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{wrong}");
    }
}

#[test]
fn where_development_says_so_wallets_nobody_registered_push_too() {
    let admits = |config: &mut Config| {
        config.identity.admit_redirect_uris = vec!["http://127.0.0.1:*".parse().expect("every port")];
    };
    let service = TestService::start_with(admits);
    let wallet = service.anon();
    push(&wallet, &[("redirect_uri", "http://127.0.0.1:5173/callback")]).good(201);
    push(&wallet, &[]).oauth(400, "invalid_client");
}

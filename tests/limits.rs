//! Limits over HTTP: the answer in the words of who asks, when to come again, and whom it does not touch.

mod support;

use std::sync::Arc;

use serde_json::json;
use support::{
    Answer, TestService, User,
    attester::Attester,
    haip::{form_of, trust},
    person,
};

/// A service behind a proxy on this machine that lets two requests a minute of one address pass.
fn service() -> TestService {
    TestService::start_with(|config| {
        config.limits.limit_address = 2;
        config.limits.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a block")];
    })
}

fn ask(user: &User, client: &str, method: &str, path: &str) -> Answer {
    user.send(method, path, &[("x-forwarded-for", client)], b"")
}

#[test]
fn a_wallet_that_comes_too_often_reads_it_in_its_protocol_and_when_to_come_again() {
    let service = service();
    let anon = service.anon();
    for _ in 0..2 {
        assert_eq!(ask(&anon, "192.0.2.1", "POST", "/nonce").status, 200);
    }
    let refused = ask(&anon, "192.0.2.1", "POST", "/nonce");
    refused.oauth(429, "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), "31");
    let page = ask(&anon, "192.0.2.1", "GET", "/offers/00000000-0000-4000-8000-000000000000");
    page.problem(429, "too_often");
    assert_eq!(page.header("retry-after"), "31");
    // Another client behind the same proxy, and what is kept ready, are not touched.
    assert_eq!(ask(&anon, "192.0.2.2", "POST", "/nonce").status, 200);
    assert_eq!(ask(&anon, "192.0.2.1", "GET", "/.well-known/openid-credential-issuer").status, 200);
    assert_eq!(ask(&service.admin(), "192.0.2.1", "GET", "/admin/api/v1/people?id_number=none").status, 400);
    service.clock.advance(31);
    assert_eq!(ask(&anon, "192.0.2.1", "POST", "/nonce").status, 200);
}

#[test]
fn what_a_client_writes_of_itself_gives_it_no_other_bucket() {
    let service = service();
    let anon = service.anon();
    let told: Vec<u16> = (0..4).map(|n| ask(&anon, &format!("198.51.100.{n}, 192.0.2.1"), "POST", "/nonce").status).collect();
    assert_eq!(told, [200, 200, 429, 429]);
}

#[test]
fn a_wallet_that_proves_itself_has_its_own_bucket_and_takes_nothing_from_others() {
    let attester = Arc::new(Attester::new(1));
    let service = TestService::start_with(|config| {
        trust(&attester, &config.storage.keys);
        config.limits.limit_wallet = 3;
    });
    let (one, other) = (service.haip_wallet(&attester, 1), service.haip_wallet(&attester, 2));
    let form = one.refresh_form("of nobody");
    assert_eq!(one.post_form("/token", &form).status, 400);
    let told: Vec<Answer> = (0..4).map(|_| one.post_form_once("/token", &form)).collect();
    let last = told.last().expect("four");
    last.oauth(429, "temporarily_unavailable");
    assert_eq!(last.header("retry-after"), "21");
    assert_eq!(other.post_form("/token", &form).status, 400, "another installation of the same wallet");
}

#[test]
fn a_person_and_a_code_have_their_own() {
    let service = TestService::start_with(|config| {
        config.limits.limit_person = 1;
        config.limits.limit_code = 2;
    });
    let wallet = service.wallet(1);
    let (one, other) = (service.register(&person(1)), service.register(&person(2)));
    wallet.take(&service, &one, "resident-id");
    wallet.take(&service, &other, "resident-id");
    let order = json!({"person_id": one, "credential_types": ["resident-id"], "tx_code": true});
    let offered = service.admin().post("/admin/api/v1/offers", &order).good(201);
    let grant = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
    let code = offered["credential_offer"]["grants"][grant]["pre-authorized_code"].as_str().expect("a code");
    let form = form_of(&[("grant_type", grant), ("pre-authorized_code", code), ("tx_code", "wrong")]);
    let told: Vec<u16> = (0..3).map(|_| wallet.user.post_form("/token", &form).status).collect();
    assert_eq!(told, [400, 400, 429]);
    let right = form_of(&[
        ("grant_type", grant),
        ("pre-authorized_code", code),
        ("tx_code", offered["tx_code"].as_str().expect("a code")),
    ]);
    service.clock.advance(30);
    let token = wallet.user.post_form("/token", &right).good(200);
    let bearer = service.with_token(token["access_token"].as_str().expect("a token"));
    let refused: Vec<u16> = (0..2).map(|_| bearer.post("/credential", &json!({})).status).collect();
    assert_eq!(refused, [429, 429], "half a minute after the last card one a minute is one too many");
    service.clock.advance(31);
    assert_eq!(bearer.post("/credential", &json!({})).status, 400);
}

#[test]
fn the_start_says_when_nobody_in_front_is_named() {
    let says = |proxies: &str| {
        let service = TestService::start_with(|config| {
            config.identity.public_url = Some("https://id.example".parse().expect("a URL"));
            config.identity.allow_development_keys = true;
            config.limits.trusted_proxies =
                proxies.split_terminator(',').map(|block| block.parse().expect("a block")).collect();
        });
        service.service().notes().iter().any(|note| note.contains("--trusted-proxies"))
    };
    assert!(says(""));
    assert!(!says("10.0.0.0/8"));
}

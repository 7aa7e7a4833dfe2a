//! HAIP 1.0: what the profile forbids a verifier to ask, and a verifier of the profile to accept.

use std::collections::BTreeSet;

use serde_json::json;
use yufu::{
    app::config::IdentityOptions,
    crypto::{Algorithm, Signer},
    format::status::{StatusList, StatusListClaims, StatusReference, sign},
    model::{reason::ReasonCode as R, statement::CheckName as C},
    verification::{Finding, examine, lists::in_lists, request_object::ClientIdPrefix},
};

use super::{
    desk::{Desk, PRESENTATIONS, text},
    gate::{Gate, INDEX, LIST, NOW, asked, outcome},
    support::{TestService, person},
};

pub const TESTED: &[&str] = &["NT-HAIP-01", "NT-HAIP-02", "NT-HAIP-06", "NT-HAIP-07", "NT-HAIP-10"];

#[test]
fn beyond_this_machine_requests_are_signed_and_answers_encrypted() {
    // NT-HAIP-01, NT-HAIP-02
    assert_eq!(IdentityOptions::default().client_id_prefix, ClientIdPrefix::X509Hash);
    let service = TestService::start_with(|config| {
        config.identity.public_url = Some("https://id.example".parse().expect("a URL"));
        config.identity.allow_development_keys = true;
    });
    let mut admin = service.admin();
    admin.url = format!("http://{}", service.service().address().expect("it listens"));
    let made = admin.post("/admin/api/v1/tokens", &json!({"name": "a gate", "role": "checkpoint"})).good(201);
    let mut gate = service.with_token(text(&made["token"]));
    gate.url.clone_from(&admin.url);
    let order = json!({"use_case": "age-over-18"});
    let view = gate.post(PRESENTATIONS, &order).good(201);
    let path = text(&view["request_uri"]).strip_prefix("https://id.example").expect("at the public URL");
    let mut wallet = service.wallet(1);
    wallet.user.url.clone_from(&admin.url);
    let asked = wallet.check_request(&wallet.user.get(path).text());
    assert!(asked.text("client_id").starts_with("x509_hash:"));
    assert_eq!(asked.text("response_mode"), "direct_post.jwt");
    assert!(asked.text("response_uri").starts_with("https://id.example/responses/"));
    let in_the_clear = json!({"use_case": "age-over-18", "response_mode": "direct_post"});
    let answer = gate.post(PRESENTATIONS, &in_the_clear);
    answer.problem(400, "invalid_request");
    assert_eq!(answer.json()["errors"][0]["pointer"], "/response_mode");
}

#[test]
fn keys_come_by_certificates_in_the_header_and_the_holders_in_the_card() {
    // NT-HAIP-06, NT-HAIP-07
    let gate = Gate::new(Algorithm::Es256);
    let bare = gate.forge(|header, _| drop(header.remove("x5c")));
    assert_eq!(outcome(&gate.decide(&bare)), (R::IssuerNotTrusted, Some(C::IssuerTrusted)));
    let by_name = gate.forge(|header, _| {
        header.remove("x5c");
        header.insert("kid".to_owned(), gate.issuer.key_id().into());
    });
    assert_eq!(outcome(&gate.decide(&by_name)), (R::IssuerNotTrusted, Some(C::IssuerTrusted)));
    for confirmation in [json!({"kid": gate.holder.key_id()}), json!({"jkt": gate.holder.key_id()}), json!({})] {
        let forged = gate.forge(|_, claims| drop(claims.insert("cnf".to_owned(), confirmation.clone())));
        assert_eq!(outcome(&gate.decide(&forged)), (R::HolderBindingInvalid, Some(C::HolderBinding)), "{confirmation}");
    }
    let list = StatusList::all_valid(yufu::format::status::Bits::Two, 1 << 17);
    let claims = StatusListClaims {
        sub: LIST.to_owned(),
        iat: NOW,
        exp: Some(NOW.plus_seconds(3600)),
        ttl: Some(300),
        bits: yufu::format::status::Bits::Two,
        lst: StatusListClaims::encode(list.packed()).expect("a list"),
        aggregation_uri: None,
    };
    let finding = |x5c: &[Vec<u8>]| {
        let signed = sign(&claims, x5c, &gate.issuer).expect("a list");
        let presentation = gate.present(&gate.card());
        let wanted = examine(&presentation, &gate.trust(), &asked(), NOW).wanted_status().expect("it passed");
        assert_eq!(wanted.reference, StatusReference { index: u64::from(INDEX), uri: LIST.to_owned() });
        in_lists(&wanted, &[&signed], &gate.trust(), NOW).map(|answer| answer.finding)
    };
    assert!(matches!(finding(&gate.x5c), Some(Finding::Known { value: 0, .. })));
    assert!(matches!(finding(&[]), Some(Finding::Unavailable(_))));
}

#[test]
fn no_two_credentials_share_an_index() {
    // NT-HAIP-10
    let desk = Desk::open();
    let mut places = BTreeSet::new();
    for sequence in 2..30 {
        let card = desk.wallet.take_resident_id(&desk.service, &person(sequence));
        let jwt = card.credential.split('~').next().expect("a JWT");
        let claims =
            yufu::crypto::jws::Unverified::parse(jwt, &["dc+sd-jwt"]).and_then(|jws| jws.dangerous_unverified_claims());
        let status = claims.expect("a card")["status"]["status_list"].clone();
        assert!(places.insert((text(&status["uri"]).to_owned(), status["idx"].as_u64().expect("an index"))));
    }
}

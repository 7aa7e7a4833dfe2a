//! The issuer's metadata as a wallet fetches them: signed or plain, in its languages, with logos and colours.

mod support;

use serde_json::{Value, json};
use support::{Answer, BEGIN, TestService, User};
use yufu::crypto::{
    jws::{Unverified, Verified},
    x509::{Anchor, verify_chain},
};

const PATH: &str = "/.well-known/openid-credential-issuer";

fn ask(user: &User, headers: &[(&str, &str)]) -> Answer {
    let answer = user.send("GET", PATH, headers, b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("vary"), "Accept, Accept-Language");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    answer
}

/// The claims, once the chain in the header led to the service's root and its key made the signature.
fn verified(service: &TestService, answer: &Answer) -> Verified {
    assert_eq!(answer.header("content-type"), "application/jwt");
    let text = answer.text();
    let unverified = Unverified::parse(&text, &["openidvci-issuer-metadata+jwt"]).expect("a JWS of this type");
    let root = std::fs::read_to_string(service.keys().join("development-root.cert.pem")).expect("the root");
    let anchors = yufu::crypto::pem::decode("CERTIFICATE", &root).expect("PEM").into_iter();
    let anchors: Vec<_> = anchors.map(|der| Anchor::from_der(&der).expect("an anchor")).collect();
    let chain = unverified.header().x5c.clone().expect("certificates");
    let leaf = verify_chain(&chain, &anchors, BEGIN).expect("a chain to the root, without the root");
    assert_eq!(leaf.dns_names, ["localhost"], "the certificate that asks for presentations, not the one of cards");
    assert!(!unverified.header().members.contains_key("kid"));
    unverified.verify(&leaf.public_key).expect("its signature")
}

fn locales(display: &Value) -> Vec<&str> {
    display.as_array().into_iter().flatten().filter_map(|entry| entry["locale"].as_str()).collect()
}

#[test]
fn who_prefers_a_signed_document_gets_the_same_metadata_signed() {
    let service = TestService::start();
    let user = service.anon();
    let plain = ask(&user, &[]);
    assert_eq!(plain.header("content-type"), "application/json");
    let signed = ask(&user, &[("accept", "application/jwt, application/json;q=0.5")]);
    let Verified { header, mut claims } = verified(&service, &signed);
    assert_eq!(header.algorithm.jose_name(), "ES256");
    assert_eq!(claims.remove("sub"), Some(json!(service.url())));
    assert_eq!(claims.remove("iat"), Some(json!(BEGIN.unix())));
    assert_eq!(claims.remove("exp"), Some(json!(BEGIN.unix() + 24 * 3600)));
    assert_eq!(Value::Object(claims), plain.json());
}

#[test]
fn everybody_else_gets_it_unsigned() {
    let service = TestService::start();
    for accept in ["*/*", "application/json", "application/json, application/jwt;q=0.9", "text/html", "application/jwt;q=0"] {
        let answer = ask(&service.anon(), &[("accept", accept)]);
        assert_eq!(answer.header("content-type"), "application/json", "{accept}");
        assert_eq!(answer.json()["credential_issuer"], json!(service.url()), "{accept}");
    }
}

#[test]
fn one_signature_serves_an_hour_and_each_language_has_its_own() {
    let service = TestService::start();
    let user = service.anon();
    let token = |language: &str| ask(&user, &[("accept", "application/jwt"), ("accept-language", language)]).text();
    let first = token("en");
    service.clock.advance(3599);
    assert_eq!(token("en"), first);
    assert_ne!(token("zh"), first);
    service.clock.advance(1);
    assert_ne!(token("en"), first);
}

#[test]
fn names_come_in_the_languages_that_were_asked_for() {
    let service = TestService::start();
    for (asked, expected) in [
        ("", &["zh-CN", "en"][..]),
        ("fr", &["zh-CN", "en"]),
        ("en-GB, en;q=0.8", &["en"]),
        ("zh", &["zh-CN"]),
        ("en, zh;q=0.5", &["en", "zh-CN"]),
    ] {
        let asking: &[_] = if asked.is_empty() { &[] } else { &[("accept-language", asked)] };
        let answer = ask(&service.anon(), asking);
        let metadata = answer.json();
        let said = if matches!(asked, "" | "fr") { String::new() } else { expected.join(", ") };
        assert_eq!(answer.header("content-language"), said, "{asked}");
        assert_eq!(locales(&metadata["display"]), expected, "{asked}");
        let configurations = metadata["credential_configurations_supported"].as_object().expect("configurations");
        for (name, of) in configurations {
            assert_eq!(locales(&of["credential_metadata"]["display"]), expected, "{asked} {name}");
            for claim in of["credential_metadata"]["claims"].as_array().expect("claims") {
                assert_eq!(locales(&claim["display"]), expected, "{asked} {claim}");
            }
        }
    }
}

#[test]
fn issuer_and_cards_have_names_logos_and_colours_that_can_be_fetched() {
    let service = TestService::start();
    let user = service.anon();
    let metadata = ask(&user, &[("accept-language", "en")]).json();
    let logo = json!({
        "uri": format!("{}/assets/tally.svg", service.url()), "alt_text": "Fish tally: two halves of a fish that match",
    });
    assert_eq!(metadata["display"], json!([{"name": "yufu electronic ID", "locale": "en", "logo": logo}]));
    let card = &metadata["credential_configurations_supported"]["resident-id"]["credential_metadata"];
    let display = json!([{
        "name": "Resident ID", "locale": "en",
        "description": "The electronic resident identity card: shown when boarding, checking in or dealing with an office, \
                        and only as much of it as is asked for.",
        "background_color": "#8c1d18", "text_color": "#ffffff",
        "logo": {
            "uri": format!("{}/credential-types/resident-id/logo.svg", service.url()),
            "alt_text": "Fish tally: two halves of a fish that match",
        },
    }]);
    assert_eq!(card["display"], display);
    let name = json!({"path": ["name"], "mandatory": true, "display": [{"locale": "en", "name": "Name"}]});
    assert_eq!(card["claims"][0], name);
    for uri in [&metadata["display"][0]["logo"]["uri"], &card["display"][0]["logo"]["uri"]] {
        let path = uri.as_str().and_then(|uri| uri.strip_prefix(&service.url())).expect("an address of the service");
        let picture = user.get(path);
        assert_eq!((picture.status, picture.header("content-type")), (200, "image/svg+xml"), "{path}");
    }
}

#[test]
fn who_has_the_document_already_is_told_so() {
    let service = TestService::start();
    for accept in ["application/json", "application/jwt"] {
        let tag = ask(&service.anon(), &[("accept", accept)]).header("etag").to_owned();
        let again = service.anon().send("GET", PATH, &[("accept", accept), ("if-none-match", &tag)], b"");
        assert_eq!((again.status, again.header("vary"), again.body.len()), (304, "Accept, Accept-Language", 0), "{accept}");
    }
}

//! OV, and the rows of NR that concern issuance: what a wallet can send that is not its due. Over a socket.

use std::thread;

use serde_json::{Map, Value, json};
use yufu::{
    base::{
        base64url,
        clock::{Clock, SystemClock},
        random::SystemRandom,
    },
    crypto::{Algorithm, Signer, SoftwareKey, jws},
};

use crate::server::{Answer, Server, request, tally};

/// The lines that are tested here.
pub const TESTED: &[&str] =
    &["OV-01", "OV-02", "OV-03", "OV-04", "OV-05", "OV-06", "OV-07", "OV-08", "OV-09", "OV-12", "NR-05", "NR-09", "X-08"];

const PRE_AUTHORIZED: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
const CONFIGURATION: &str = "resident-id";

/// A synthetic person and what they were offered.
struct Offered {
    code: String,
    person: String,
}

fn offer(server: &Server, number: u32) -> Offered {
    let start = format!("52010219900307{:03}", number * 2);
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = start.chars().zip(weights).map(|(digit, weight)| digit.to_digit(10).expect("a digit") * weight).sum();
    let check = "10X98765432".chars().nth((sum % 11) as usize).expect("one of eleven");
    let person = json!({
        "id_number": format!("{start}{check}"), "family_name": "林", "given_name": "晓雨", "latin_family_name": "LIN",
        "latin_given_name": "XIAOYU", "sex": "female", "ethnicity": "汉", "birth_date": "1990-03-07",
        "address": {"region": "贵州省", "locality": "贵阳市南明区", "street_address": "测试路1号"},
    });
    let person = server.admin("POST", "/people", &person, 201)["person_id"].as_str().expect("an id").to_owned();
    let order = json!({"person_id": person, "credential_types": [CONFIGURATION], "tx_code": false});
    let offer = server.admin("POST", "/offers", &order, 201)["credential_offer"].clone();
    let code = offer["grants"][PRE_AUTHORIZED]["pre-authorized_code"].as_str().expect("a code").to_owned();
    Offered { code, person }
}

fn redeem(server: &Server, code: &str) -> Answer {
    let form = format!("grant_type={PRE_AUTHORIZED}&pre-authorized_code={code}");
    server.send(&request("POST", "/token", &[("Content-Type", "application/x-www-form-urlencoded")], form.as_bytes()))
}

fn access_token(server: &Server, number: u32) -> String {
    let answer = redeem(server, &offer(server, number).code);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["access_token"].as_str().expect("a token").to_owned()
}

fn nonce(server: &Server) -> String {
    let answer = server.send(&request("POST", "/nonce", &[], b""));
    answer.json()["c_nonce"].as_str().expect("a nonce").to_owned()
}

fn key() -> SoftwareKey {
    SoftwareKey::generate(Algorithm::Es256, &SystemRandom)
}

fn now() -> i64 {
    SystemClock::new().now().unix()
}

/// A proof by `key` whose claims `change` may spoil.
fn proof(server: &Server, key: &SoftwareKey, nonce: &str, change: impl FnOnce(&mut Map<String, Value>)) -> String {
    let mut claims = object(json!({"aud": server.url(), "iat": now(), "nonce": nonce}));
    change(&mut claims);
    let header = object(json!({"typ": "openid4vci-proof+jwt", "jwk": key.public_key().to_jwk()}));
    jws::sign(header, &claims, key).expect("a software key signs")
}

fn good(server: &Server, key: &SoftwareKey, nonce: &str) -> String {
    proof(server, key, nonce, |_| {})
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn fetch(server: &Server, access_token: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {access_token}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    server.send(&request("POST", "/credential", &headers, body.to_string().as_bytes()))
}

fn outcome(answer: &Answer) -> (u16, String) {
    (answer.status, answer.code())
}

#[test]
fn a_request_that_is_not_due_is_refused_by_its_name_and_costs_the_wallet_nothing() {
    let server = Server::start();
    let token = access_token(&server, 1);
    let (one, two) = (key(), key());
    let with = |proofs: Value| json!({"credential_configuration_id": CONFIGURATION, "proofs": proofs});
    let fresh = |key: &SoftwareKey| good(&server, key, &nonce(&server));
    let mut spoiled = fresh(&one);
    let last = spoiled.pop().expect("a signature");
    let before = spoiled.pop().expect("a signature");
    spoiled.push(if before == 'A' { 'B' } else { 'A' });
    spoiled.push(last);
    let many: Vec<String> = (0..11).map(|_| fresh(&key())).collect();
    let shared = nonce(&server);
    let rows = [
        ("OV-01 no proofs", json!({"credential_configuration_id": CONFIGURATION}), "invalid_proof"),
        (
            "OV-01 the old form",
            json!({"credential_configuration_id": CONFIGURATION, "proof": {"proof_type": "jwt", "jwt": fresh(&one)}}),
            "invalid_proof",
        ),
        ("OV-01 an empty list", with(json!({"jwt": []})), "invalid_proof"),
        ("OV-01 two types", with(json!({"jwt": [fresh(&one)], "attestation": ["x"]})), "invalid_proof"),
        ("OV-02 signature", with(json!({"jwt": [spoiled]})), "invalid_proof"),
        (
            "OV-03 another issuer",
            with(
                json!({"jwt": [proof(&server, &one, &nonce(&server), |claims| { claims.insert("aud".into(), "https://other.example".into()); })]}),
            ),
            "invalid_proof",
        ),
        (
            "OV-03 a list",
            with(
                json!({"jwt": [proof(&server, &one, &nonce(&server), |claims| { claims.insert("aud".into(), json!([server.url()])); })]}),
            ),
            "invalid_proof",
        ),
        (
            "OV-04 nobody's nonce",
            with(json!({"jwt": [good(&server, &one, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]})),
            "invalid_nonce",
        ),
        (
            "OV-04 no nonce",
            with(json!({"jwt": [proof(&server, &one, "x", |claims| { claims.remove("nonce"); })]})),
            "invalid_proof",
        ),
        (
            "OV-05 configuration",
            json!({"credential_configuration_id": "no-such", "proofs": {"jwt": [fresh(&one)]}}),
            "unknown_credential_configuration",
        ),
        (
            "OV-05 identifier",
            json!({"credential_identifier": "no-such", "proofs": {"jwt": [fresh(&one)]}}),
            "unknown_credential_identifier",
        ),
        (
            "OV-06 both",
            json!({"credential_configuration_id": CONFIGURATION, "credential_identifier": CONFIGURATION, "proofs": {"jwt": [fresh(&one)]}}),
            "invalid_credential_request",
        ),
        ("OV-06 neither", json!({"proofs": {"jwt": [fresh(&one)]}}), "invalid_credential_request"),
        ("OV-07 more than a batch", with(json!({"jwt": many})), "invalid_proof"),
        (
            "OV-08 one key twice",
            with(json!({"jwt": [good(&server, &two, &shared), good(&server, &two, &shared)]})),
            "invalid_proof",
        ),
        (
            "OV-09 encryption",
            json!({"credential_configuration_id": CONFIGURATION, "proofs": {"jwt": [fresh(&one)]}, "credential_response_encryption": {"jwk": one.public_key().to_jwk(), "enc": "A128GCM"}}),
            "invalid_encryption_parameters",
        ),
    ];
    for (row, body, code) in rows {
        let answer = fetch(&server, &token, &body);
        assert_eq!(outcome(&answer), (400, code.to_owned()), "{row}: {}", answer.text());
    }
    let flood = json!({"credential_configuration_id": CONFIGURATION, "proofs": {"jwt": vec!["x"; 100_000]}});
    assert_eq!(fetch(&server, &token, &flood).status, 413, "OV-07: 100,000 proofs");

    let answer = fetch(&server, &token, &with(json!({"jwt": [fresh(&one)]})));
    assert_eq!(answer.status, 200, "the wallet still gets its card: {}", answer.text());
    server.assert_well();
}

#[test]
fn of_many_who_redeem_one_offer_exactly_one_wins() {
    let server = Server::start();
    let offered = offer(&server, 1);
    let outcomes = thread::scope(|scope| {
        let racers: Vec<_> = (0..16).map(|_| scope.spawn(|| outcome(&redeem(&server, &offered.code)))).collect();
        racers.into_iter().map(|racer| racer.join().expect("a racer ends")).collect::<Vec<_>>()
    });
    let expected = [((200, String::new()), 1), ((400, "invalid_grant".to_owned()), 15)];
    assert_eq!(tally(outcomes), expected.into(), "OV-12, X-08");
    server.assert_well();
}

#[test]
fn a_nonce_is_good_once_and_a_lost_answer_can_be_asked_for_again() {
    let server = Server::start();
    let first = offer(&server, 1);
    let token = redeem(&server, &first.code).json()["access_token"].as_str().expect("a token").to_owned();
    let used = nonce(&server);
    let body = json!({"credential_configuration_id": CONFIGURATION, "proofs": {"jwt": [good(&server, &key(), &used)]}});

    // Sixteen at once with one nonce and one token: one card, whoever is answered.
    let outcomes = thread::scope(|scope| {
        let racers: Vec<_> = (0..16).map(|_| scope.spawn(|| fetch(&server, &token, &body))).collect();
        racers.into_iter().map(|racer| racer.join().expect("a racer ends")).collect::<Vec<_>>()
    });
    let indices: Vec<Value> = outcomes.iter().filter(|answer| answer.status == 200).map(index).collect();
    assert!(!indices.is_empty(), "NR-09: one is answered at least");
    for answer in &outcomes {
        let known = answer.status == 200
            || [(400, "invalid_nonce".to_owned()), (400, "credential_request_denied".to_owned())].contains(&outcome(answer));
        assert!(known, "NR-09: {}", answer.text());
    }
    let again = fetch(&server, &token, &body);
    assert_eq!(again.status, 200, "NR-09: {}", again.text());
    assert!(indices.iter().all(|one| *one == index(&again)), "NR-09: the same card");
    let cards = server.admin("GET", &format!("/credentials?person_id={}", first.person), &json!(null), 200);
    assert_eq!(cards.to_string().matches(&first.person).count(), 1, "X-08: one card, not {cards}");

    let other = access_token(&server, 2);
    let reused = json!({"credential_configuration_id": CONFIGURATION, "proofs": {"jwt": [good(&server, &key(), &used)]}});
    assert_eq!(outcome(&fetch(&server, &other, &reused)), (400, "invalid_nonce".to_owned()), "NR-05");

    let foreign = Server::start();
    let theirs =
        json!({"credential_configuration_id": CONFIGURATION, "proofs": {"jwt": [good(&server, &key(), &nonce(&foreign))]}});
    assert_eq!(outcome(&fetch(&server, &other, &theirs)), (400, "invalid_nonce".to_owned()), "NR-05: of another issuer");
    server.assert_well();
}

/// Where the status of the first copy in an answer stands.
fn index(answer: &Answer) -> Value {
    let credential = answer.json()["credentials"][0]["credential"].as_str().expect("a credential").to_owned();
    let payload = credential.split('.').nth(1).expect("a payload");
    let payload: Value = serde_json::from_slice(&base64url::decode(payload).expect("base64url")).expect("JSON");
    payload["status"]["status_list"].clone()
}

#[test]
fn every_line_about_issuance_is_tested_or_waits() {
    crate::assert_complete("OV-", 12);
    crate::assert_complete("NR-", 9);
}

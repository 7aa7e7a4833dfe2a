//! Presentations made to get somebody through a gate: each with the exact reason and the check that failed.

use serde_json::{Map, Value, json};
use yufu::{
    base::{base64url, limits::NONCE_BYTES, random::SeededRandom},
    crypto::{
        Algorithm, Signer, SoftwareKey,
        x509::{self, Issuer, Validity, x5c_header},
    },
    format::sdjwt::present,
    model::{
        card::State,
        reason::{Decision, ReasonCode as R},
        statement::{CheckName as C, CheckResult, Statement, StatusSource, StatusValue},
    },
    verification::{
        Expectations, Finding, HolderBinding, Issuers, Policy, StatusAnswer, Trust, WhenTooOld, decide, examine,
        lookup::on_own_board,
    },
};

use super::{
    assert_complete,
    gate::{
        AUDIENCE, Gate, LIST, NONCE, NOW, TYPE, URL, asked, certificate, disclosure, leaf, outcome, raw_jwt, subject, validity,
    },
};

pub const TESTED: &[&str] = &[
    "NT-SVC-01",
    "NT-SVC-02",
    "NT-SVC-03",
    "NT-SVC-06",
    "JH-01",
    "JH-02",
    "JH-03",
    "JH-04",
    "JH-05",
    "JH-06",
    "JH-07",
    "JH-08",
    "JH-09",
    "JH-10",
    "JH-12",
    "JH-13",
    "JH-14",
    "SD-15",
    "SD-17",
    "KB-01",
    "KB-02",
    "KB-03",
    "KB-04",
    "KB-05",
    "KB-06",
    "KB-07",
    "KB-08",
    "KB-09",
    "KB-10",
    "KB-11",
    "NT-SDJ-02",
    "NT-SDJ-03",
    "NT-SDJ-21",
    "NR-07",
    "SL-08",
    "SL-14",
    "SL-15",
    "NT-TSL-04",
    "NT-TSL-10",
    "NT-TSL-14",
];

/// A row: its line, what is presented, the reason, the first check that failed.
type Row = (&'static str, String, R, C);

#[test]
fn every_line_of_the_credential_profile_is_tested_or_waits() {
    assert_complete("NT-SVC-", 10);
    assert_complete("JH-", 14);
    assert_complete("KB-", 11);
}

fn refuse(gate: &Gate, rows: Vec<Row>) {
    assert!(!rows.is_empty());
    for (at, (line, presentation, reason, check)) in rows.into_iter().enumerate() {
        assert!(TESTED.contains(&line), "{line}");
        let statement = gate.decide(&presentation);
        assert_eq!(outcome(&statement), (reason, Some(check)), "{line}, row {at}: {statement:?}");
        assert_whole(&statement);
    }
}

/// Every check stands in its place, and what is not accepted says so everywhere.
fn assert_whole(statement: &Statement) {
    let names: Vec<_> = statement.checks.iter().map(|check| check.name).collect();
    assert_eq!(names, C::ALL);
    assert_eq!(statement.decision, statement.reason.decision());
    assert_eq!(statement.failed_check().is_none(), statement.decision == Decision::Accepted);
    assert_eq!(statement.credentials.len(), 1);
    assert_eq!(statement.credentials[0].checks, statement.checks);
}

fn set(map: &mut Map<String, Value>, name: &str, value: Value) {
    map.insert(name.to_owned(), value);
}

#[test]
fn what_all_rows_start_from_is_accepted() {
    for algorithm in Algorithm::ALL {
        let gate = Gate::new(algorithm);
        for presentation in [gate.present(&gate.card()), gate.forge(|_, _| {})] {
            let statement = gate.decide(&presentation);
            assert_eq!(outcome(&statement), (R::Accepted, None), "{statement:?}");
            let not_passed = statement.checks.iter().filter(|check| check.result != CheckResult::Passed);
            let not_passed: Vec<_> = not_passed.map(|check| (check.name, check.result)).collect();
            // What a query, a second card or a boarding pass is needed for.
            let unasked = [C::Query, C::TransactionData, C::SamePerson, C::BoardingPass];
            assert_eq!(not_passed, unasked.map(|name| (name, CheckResult::NotChecked)), "{statement:?}");
            let (value, source) = (statement.status.value, statement.status.source);
            assert_eq!((value, source), (StatusValue::Valid, Some(StatusSource::Local)));
            let claims = statement.credential.as_ref().map(|credential| &credential.claims);
            assert_eq!(claims.map(Map::len), Some(10), "the claims of the holder and no others: {claims:?}");
            assert_whole(&statement);
        }
    }
}

#[test]
fn headers_that_lead_elsewhere_are_refused() {
    let gate = Gate::new(Algorithm::Es256);
    let header = |name: &'static str, value: Value| gate.forge(move |header, _| set(header, name, value));
    let mut rows: Vec<Row> = Vec::new();
    for typ in [json!("vc+sd-jwt"), json!("JWT"), json!("DC+SD-JWT"), json!(["dc+sd-jwt"]), Value::Null] {
        rows.push(("NT-SVC-01", header("typ", typ), R::TokenTypeWrong, C::Format));
    }
    rows.push(("NT-SVC-01", gate.forge(|header, _| drop(header.remove("typ"))), R::TokenTypeWrong, C::Format));
    for alg in ["none", "None", "nOnE", "HS256", "HS512", "RS256", "ES384", "es256", ""] {
        let line = if alg.starts_with('H') { "JH-02" } else { "JH-01" };
        rows.push((line, header("alg", alg.into()), R::AlgorithmNotAllowed, C::Format));
    }
    let unsigned = gate.forge(|header, _| set(header, "alg", "none".into()));
    let (signed, rest) = unsigned.split_once('~').expect("a tilde");
    let (text, _) = signed.rsplit_once('.').expect("a dot");
    rows.push(("JH-01", format!("{text}.~{rest}"), R::AlgorithmNotAllowed, C::Format));
    rows.push(("JH-03", header("alg", "EdDSA".into()), R::AlgorithmNotAllowed, C::IssuerSignature));
    for alg in [json!(7), json!(["ES256"]), Value::Null] {
        rows.push(("JH-04", header("alg", alg), R::AlgorithmNotAllowed, C::Format));
    }
    rows.push(("JH-04", gate.forge(|header, _| drop(header.remove("alg"))), R::AlgorithmNotAllowed, C::Format));
    for (line, name, value) in [
        ("JH-06", "jku", json!("http://127.0.0.1:9/keys")),
        ("JH-06", "x5u", json!("https://127.0.0.1:9/chain")),
        ("JH-07", "kid", json!("k\0id")),
        ("JH-07", "kid", json!("k".repeat(64 * 1024))),
        ("JH-07", "kid", json!({"$gt": ""})),
        ("JH-09", "crit", json!(["x"])),
        ("JH-09", "crit", json!([])),
        ("JH-09", "crit", json!(["alg"])),
        ("JH-10", "b64", json!(false)),
        ("JH-13", "zip", json!("DEF")),
    ] {
        rows.push((line, header(name, value), R::HeaderNotAccepted, C::Format));
    }
    let doubled = format!(r#"{{"typ":"dc+sd-jwt","alg":"none","alg":"ES256","x5c":{}}}"#, x5c_header(&gate.x5c));
    let doubled = raw_jwt(&doubled, &json!(gate.claims()).to_string(), &gate.issuer);
    rows.push(("JH-12", gate.bind(&format!("{doubled}~"), |_, _| {}), R::PresentationMalformed, C::Format));
    for encrypted in
        ["eyJhbGciOiJkaXIifQ..aaaa.bbbb.cccc~", r#"{"protected":"e30","ciphertext":"AA"}"#, "eyJhbGciOiJQQkVTMiJ9.a.b.c.d~"]
    {
        rows.push(("JH-14", encrypted.to_owned(), R::PresentationMalformed, C::Format));
    }
    refuse(&gate, rows);
    // A name that means nothing to us names nothing: the key comes from the certificate.
    let statement = gate.decide(&header("kid", "../../etc/passwd' OR 1=1".into()));
    assert_eq!(outcome(&statement), (R::Accepted, None));
}

#[test]
fn a_key_without_a_trusted_chain_is_nobody() {
    let gate = Gate::new(Algorithm::Es256);
    let random = SeededRandom::new(99);
    let thief = SoftwareKey::generate(Algorithm::Es256, &random);
    let other_root = SoftwareKey::generate(Algorithm::Es256, &random);
    let other_root_der = x509::root(subject("other root"), validity(), &other_root, &random).expect("a root");
    let ours = Issuer { certificate: Some(&gate.root_der), signer: &gate.root };
    let past = Validity { not_before: NOW.plus_seconds(-900), not_after: NOW.plus_seconds(-1) };
    let future = Validity { not_before: NOW.plus_seconds(1), not_after: NOW.plus_seconds(900) };
    let chain = |signer: &SoftwareKey, chain: Vec<Vec<u8>>| {
        gate.forge_with(signer, &[], |header, _| set(header, "x5c", x5c_header(&chain)))
    };
    let with = |validity, usages: &[&str]| chain(&gate.issuer, vec![certificate(&gate.issuer, URL, validity, usages, ours)]);
    let bare_jwk = gate.forge_with(&thief, &[], |header, _| {
        header.remove("x5c");
        set(header, "jwk", thief.public_key().to_jwk());
    });
    let self_signed = certificate(&thief, URL, validity(), &[], Issuer { certificate: None, signer: &thief });
    let good = gate.x5c[0].clone();
    let base64url_chain = gate.forge(|header, _| set(header, "x5c", json!([base64url::encode(&good)])));
    refuse(
        &gate,
        vec![
            ("JH-05", bare_jwk, R::IssuerNotTrusted, C::IssuerTrusted),
            ("JH-08", chain(&thief, vec![self_signed.clone()]), R::IssuerNotTrusted, C::IssuerTrusted),
            ("JH-08", chain(&gate.issuer, vec![good.clone(); 1000]), R::PresentationTooLarge, C::Format),
            ("JH-08", chain(&gate.issuer, vec![good.clone(); 5]), R::HeaderNotAccepted, C::Format),
            ("JH-08", with(past, &[]), R::IssuerCertificateExpired, C::IssuerTrusted),
            ("JH-08", with(validity(), &["1.3.6.1.5.5.7.3.1"]), R::IssuerNotTrusted, C::IssuerTrusted),
            ("NT-SVC-06", with(future, &[]), R::IssuerCertificateExpired, C::IssuerTrusted),
            ("NT-SVC-06", chain(&thief, vec![good.clone()]), R::IssuerSignatureInvalid, C::IssuerSignature),
            (
                "NT-SVC-06",
                chain(&thief, vec![leaf(&thief, URL, &other_root, &other_root_der)]),
                R::IssuerNotTrusted,
                C::IssuerTrusted,
            ),
            (
                "NT-SVC-06",
                chain(&gate.issuer, vec![good.clone(), gate.root_der.clone()]),
                R::IssuerNotTrusted,
                C::IssuerTrusted,
            ),
            ("NT-SVC-06", chain(&thief, vec![self_signed, gate.root_der.clone()]), R::IssuerNotTrusted, C::IssuerTrusted),
            ("NT-SVC-06", chain(&gate.issuer, vec![]), R::HeaderNotAccepted, C::Format),
            ("NT-SVC-06", chain(&gate.issuer, vec![b"no certificate".to_vec()]), R::IssuerNotTrusted, C::IssuerTrusted),
            ("NT-SVC-06", base64url_chain, R::HeaderNotAccepted, C::Format),
        ],
    );
}

#[test]
fn another_authority_speaks_for_its_own_issuers_only() {
    let gate = Gate::new(Algorithm::Es256);
    let random = SeededRandom::new(5);
    let root = SoftwareKey::generate(Algorithm::Es256, &random);
    let root_der = x509::root(subject("neighbour"), validity(), &root, &random).expect("a root");
    let neighbour = SoftwareKey::generate(Algorithm::Es256, &random);
    let both = vec![gate.anchor(), x509::Anchor::from_der(&root_der).expect("an anchor")];
    let trust = Trust::new(both).with_own_issuer(URL.to_owned(), [TYPE.to_owned()].into(), &gate.x5c, NOW);
    let card = |uri: &str, iss: &str| {
        let x5c = x5c_header(&[leaf(&neighbour, uri, &root, &root_der)]);
        gate.forge_with(&neighbour, &[], |header, claims| {
            set(header, "x5c", x5c);
            set(claims, "iss", iss.into());
        })
    };
    let theirs = "https://neighbour.example";
    let only_us = trust.clone().with_issuers(Issuers::Only([URL.to_owned()].into()));
    for (presentation, trust, expected) in [
        // Its own card is good, but its status stands on no list of ours, whatever it says.
        (card(theirs, theirs), &trust, (R::StatusUnavailable, Some(C::StatusKnown))),
        (card(theirs, theirs), &only_us, (R::IssuerNotTrusted, Some(C::IssuerTrusted))),
        (card(URL, URL), &trust, (R::IssuerNotTrusted, Some(C::IssuerTrusted))),
        (card(theirs, URL), &trust, (R::IssuerMismatch, Some(C::IssuerTrusted))),
        (card(theirs, "https://neighbour.example/"), &trust, (R::IssuerMismatch, Some(C::IssuerTrusted))),
        (gate.forge(|_, _| {}), &trust, (R::Accepted, None)),
    ] {
        let statement = gate.decide_with(&presentation, trust, &asked(), NOW);
        assert_eq!(outcome(&statement), expected, "{statement:?}");
        assert_whole(&statement);
    }
}

#[test]
fn claims_that_decide_stand_in_clear_and_have_their_form() {
    let gate = Gate::new(Algorithm::Es256);
    let claim = |name: &'static str, value: Value| gate.forge(move |_, claims| set(claims, name, value));
    let without = |name: &'static str| gate.forge(move |_, claims| drop(claims.remove(name)));
    // The claim in a disclosure, and its digest in the payload.
    let hidden = |name: &'static str| {
        let value = gate.claims()[name].clone();
        let (text, digest) = disclosure(&json!(["c2FsdC1zYWx0LXNhbHQ", name, value]));
        gate.forge_with(&gate.issuer, &[text], |_, claims| {
            claims.remove(name);
            set(claims, "_sd", json!([digest]));
        })
    };
    let (text, digest) = disclosure(&json!(["c2FsdC1zYWx0LXNhbHQ", "x", "AAAA"]));
    let nested = gate.forge_with(&gate.issuer, &[text], |_, claims| {
        set(claims, "cnf", json!({"jwk": {"kty": "OKP", "crv": "Ed25519", "_sd": [digest]}}));
    });
    let (_, digest) = disclosure(&json!(["c2FsdC1zYWx0LXNhbHQ", "exp", NOW.unix() + 900]));
    let never_shown = gate.forge(|_, claims| {
        claims.remove("exp");
        set(claims, "_sd", json!([digest]));
    });
    let mut rows = vec![
        ("NT-SVC-02", without("vct"), R::ClaimInvalid, C::Type),
        ("NT-SVC-02", claim("vct", json!(7)), R::ClaimInvalid, C::Type),
        ("NT-SVC-02", claim("vct", json!("")), R::ClaimInvalid, C::Type),
        ("NT-SVC-02", claim("vct", json!("https://id.example/credential-types/Resident-ID")), R::TypeNotAccepted, C::Type),
        ("SD-17", claim("vct", json!("https://id.example/credential-types/dragon-licence")), R::TypeNotAccepted, C::Type),
        ("NT-SVC-03", nested, R::DisclosureInvalid, C::Disclosures),
        ("NT-SDJ-21", never_shown, R::ClaimInvalid, C::ValidityPeriod),
        ("NT-SDJ-21", without("exp"), R::ClaimInvalid, C::ValidityPeriod),
    ];
    for name in ["exp", "nbf", "cnf", "status", "vct", "iss"] {
        rows.push((if name == "iss" { "SD-15" } else { "NT-SVC-03" }, hidden(name), R::DisclosureInvalid, C::Disclosures));
    }
    refuse(&gate, rows);
}

#[test]
fn who_cannot_prove_to_hold_the_card_does_not_pass() {
    let gate = Gate::new(Algorithm::Es256);
    let card = gate.card();
    let thief = SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(1));
    let at = |seconds| gate.present_with(&card, &gate.holder, NONCE, AUDIENCE, NOW.plus_seconds(seconds));
    let bound = |name: &'static str, value: Value| gate.bind(&card, move |_, claims| set(claims, name, value));
    let header = |name: &'static str, value: Value| gate.bind(&card, move |header, _| set(header, name, value));
    let whole = gate.present(&card);
    let (shown, proof) = whole.rsplit_once('~').expect("a tilde");
    let (fewer, _) = shown.rsplit_once('~').expect("two tildes");
    let mut claims = gate.claims();
    claims.remove("cnf");
    let unbound = gate.bind(&gate.issue(claims), |_, _| {});
    let other_card = gate.card();
    let moved = format!("{other_card}{proof}");
    let (text, digest) = disclosure(&json!(["c2FsdC1zYWx0LXNhbHQ", "cnf", {"jwk": thief.public_key().to_jwk()}]));
    let injected = gate.forge_with(&gate.issuer, &[text], |_, claims| set(claims, "_sd", json!([digest])));
    let mac = proof.rsplit_once('.').map(|(text, _)| format!("{card}{text}.")).expect("a proof");
    refuse(
        &gate,
        vec![
            ("KB-01", card.clone(), R::HolderBindingMissing, C::HolderBinding),
            ("NT-SDJ-03", format!("{shown}~"), R::HolderBindingMissing, C::HolderBinding),
            ("NT-SDJ-02", format!("{shown}~"), R::HolderBindingMissing, C::HolderBinding),
            ("KB-02", bound("aud", json!("https://other-gate.example")), R::AudienceMismatch, C::Audience),
            ("KB-02", bound("aud", json!("https://gate.example/")), R::AudienceMismatch, C::Audience),
            ("KB-02", bound("aud", json!([AUDIENCE])), R::HolderBindingInvalid, C::HolderBinding),
            ("KB-03", bound("nonce", json!("an older one")), R::NonceMismatch, C::Nonce),
            ("KB-04", gate.bind(&card, |_, claims| drop(claims.remove("nonce"))), R::HolderBindingInvalid, C::HolderBinding),
            ("KB-05", format!("{fewer}~{proof}"), R::HolderBindingInvalid, C::HolderBinding),
            ("KB-05", bound("sd_hash", json!(base64url::encode([0; 32]))), R::HolderBindingInvalid, C::HolderBinding),
            ("KB-06", gate.present_with(&card, &thief, NONCE, AUDIENCE, NOW), R::HolderBindingInvalid, C::HolderBinding),
            ("KB-07", header("typ", json!("JWT")), R::HolderBindingInvalid, C::HolderBinding),
            ("KB-07", gate.bind(&card, |header, _| drop(header.remove("typ"))), R::HolderBindingInvalid, C::HolderBinding),
            ("KB-08", at(600), R::HolderBindingExpired, C::HolderBinding),
            ("KB-08", at(-600), R::HolderBindingExpired, C::HolderBinding),
            ("KB-09", unbound, R::HolderBindingInvalid, C::HolderBinding),
            ("KB-09", injected, R::DisclosureInvalid, C::Disclosures),
            ("KB-10", moved, R::HolderBindingInvalid, C::HolderBinding),
            ("KB-11", header("alg", json!("none")), R::HolderBindingInvalid, C::HolderBinding),
            ("KB-11", header("alg", json!("HS256")), R::HolderBindingInvalid, C::HolderBinding),
            ("KB-11", mac, R::HolderBindingInvalid, C::HolderBinding),
        ],
    );
}

#[test]
fn a_copied_card_gives_nothing_to_read() {
    let gate = Gate::new(Algorithm::Es256);
    let thief = SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(1));
    let card = gate.card();
    for presentation in [card.clone(), gate.present_with(&card, &thief, NONCE, AUDIENCE, NOW)] {
        let text = serde_json::to_string(&gate.decide(&presentation)).expect("a statement is JSON");
        assert!(!text.contains("鱼小符") && !text.contains("520103199003070029"), "{text}");
    }
}

#[test]
fn of_several_faults_the_first_in_order_gives_the_reason_and_each_is_told() {
    let gate = Gate::new(Algorithm::Es256);
    let card = gate.card();
    let statement = gate.decide(&gate.present_with(&card, &gate.holder, "other", "https://other.example", NOW));
    assert_eq!(outcome(&statement), (R::NonceMismatch, Some(C::Nonce)));
    assert_eq!(statement.result(C::HolderBinding), CheckResult::Passed);
    assert_eq!(statement.result(C::Audience), CheckResult::Failed);
    assert_eq!(statement.result(C::StatusKnown), CheckResult::NotChecked);
    // The same, made ten minutes ago: the proof itself is no good either, and that comes first.
    let old = gate.present_with(&card, &gate.holder, "other", AUDIENCE, NOW.plus_seconds(-600));
    let statement = gate.decide(&old);
    assert_eq!(outcome(&statement), (R::HolderBindingExpired, Some(C::HolderBinding)));
    assert_eq!((statement.result(C::Nonce), statement.result(C::Audience)), (CheckResult::Failed, CheckResult::Passed));
}

#[test]
fn a_proof_that_was_not_asked_for_is_not_passed_over() {
    // NT-SDJ-02: policy comes first, not what was sent.
    let gate = Gate::new(Algorithm::Es256);
    let expectations = Expectations::new(HolderBinding::NotRequired);
    let decide = |presentation: &str| gate.decide_with(presentation, &gate.trust(), &expectations, NOW);
    let card = gate.card();
    let bound = outcome(&decide(&gate.present(&card)));
    assert_eq!(bound, (R::HolderBindingUnexpected, Some(C::HolderBinding)));
    let bare = decide(&present(&card, &|_| true, None).expect("a presentation"));
    assert_eq!(outcome(&bare), (R::Accepted, None));
    for name in [C::HolderBinding, C::Nonce, C::Audience] {
        assert_eq!(bare.result(name), CheckResult::NotChecked);
    }
}

#[test]
fn a_status_that_cannot_be_read_is_no_good_status() {
    let gate = Gate::new(Algorithm::Es256);
    let status = |status: Value| gate.forge(move |_, claims| set(claims, "status", status));
    let index = |idx: Value| status(json!({"status_list": {"idx": idx, "uri": LIST}}));
    let mut rows = vec![
        ("SL-15", gate.forge(|_, claims| drop(claims.remove("status"))), R::StatusMissing, C::StatusKnown),
        ("NT-TSL-14", status(json!({"foo": {"idx": 1}})), R::StatusNotUnderstood, C::StatusKnown),
        ("NT-TSL-14", status(json!({})), R::StatusNotUnderstood, C::StatusKnown),
        ("NT-TSL-14", status(json!({"status_list": []})), R::StatusNotUnderstood, C::StatusKnown),
        ("NT-TSL-14", status(json!("valid")), R::ClaimInvalid, C::StatusKnown),
    ];
    for idx in [json!(-1), json!(1.5), json!("7"), Value::Null] {
        rows.push(("NT-TSL-04", index(idx), R::StatusNotUnderstood, C::StatusKnown));
    }
    for idx in [json!(1_u64 << 20), json!(1_u64 << 31), json!(1_u64 << 53), json!(u64::MAX)] {
        rows.push(("SL-08", index(idx), R::StatusNotUnderstood, C::StatusKnown));
    }
    refuse(&gate, rows);
    for uri in [
        "https://id.example/status-lists/2",
        "https://id.example/status-lists/01",
        "https://id.example/status-lists/1/",
        "https://id.example/status-lists/1?x",
        "https://id.example.evil.example/status-lists/1",
        "https://evil.example/status-lists/1",
        "http://id.example/status-lists/1",
    ] {
        let statement = gate.decide(&status(json!({"status_list": {"idx": 0, "uri": uri}})));
        assert_eq!(outcome(&statement), (R::StatusUnavailable, Some(C::StatusKnown)), "{uri}");
        assert_eq!(statement.decision, Decision::Undetermined);
        assert_eq!(statement.status.value, StatusValue::Unknown);
    }
}

#[test]
fn a_card_that_nobody_issued_is_refused_though_its_index_reads_valid() {
    let gate = Gate::new(Algorithm::Es256);
    let statement = gate.decide(&gate.forge(|_, claims| {
        set(claims, "status", json!({"status_list": {"idx": 9, "uri": LIST}}));
    }));
    assert_eq!(outcome(&statement), (R::NotIssuedByUs, Some(C::IssuedByUs)));
    assert_eq!(statement.status.value, StatusValue::Valid);
    // An index that was given, but to a card of another type.
    let other_type = "https://id.example/credential-types/cargo-owner";
    let types = [TYPE.to_owned(), other_type.to_owned()].into();
    let trust = Trust::new(vec![gate.anchor()]).with_own_issuer(URL.to_owned(), types, &gate.x5c, NOW);
    let presentation = gate.forge(|_, claims| set(claims, "vct", other_type.into()));
    let statement = gate.decide_with(&presentation, &trust, &asked(), NOW);
    assert_eq!(outcome(&statement), (R::NotIssuedByUs, Some(C::IssuedByUs)));
}

#[test]
fn every_value_of_a_list_but_valid_is_refused() {
    // NT-TSL-10, SL-14.
    let gate = Gate::new(Algorithm::Es256);
    let presentation = gate.present(&gate.card());
    for value in 0..=255 {
        let examined = examine(&presentation, &gate.trust(), &asked(), NOW);
        let wanted = examined.wanted_status().expect("it passed and names a status");
        let finding = Finding::Known { value, known_since: NOW, source: StatusSource::List, issued_by_us: None };
        let answer = StatusAnswer { reference: wanted.reference, finding };
        let statement = decide(examined, &[answer], &Policy::default(), NOW);
        let expected = match value {
            0 => (R::Accepted, None),
            1 => (R::CredentialRevoked, Some(C::Status)),
            2 => (R::CredentialSuspended, Some(C::Status)),
            _ => (R::StatusNotUnderstood, Some(C::Status)),
        };
        assert_eq!(outcome(&statement), expected, "{value}");
        assert_eq!(statement.result(C::IssuedByUs), CheckResult::NotChecked);
    }
}

#[test]
fn good_news_grows_old_and_bad_news_does_not() {
    let gate = Gate::new(Algorithm::Es256);
    let presentation = gate.present(&gate.card());
    let at_age = |age: i64, value: u8, when_too_old| {
        let examined = examine(&presentation, &gate.trust(), &asked(), NOW);
        let reference = examined.wanted_status().expect("it passed").reference;
        let known_since = NOW.plus_seconds(-age);
        let finding = Finding::Known { value, known_since, source: StatusSource::List, issued_by_us: None };
        let policy = Policy { max_status_age_seconds: 300, when_too_old, requires_status: true };
        decide(examined, &[StatusAnswer { reference, finding }], &policy, NOW)
    };
    let (amber, red) = (WhenTooOld::Undetermined, WhenTooOld::Refused);
    for (age, value, when, reason, decision) in [
        (300, 0, red, R::Accepted, Decision::Accepted),
        (301, 0, amber, R::StatusTooOld, Decision::Undetermined),
        (301, 0, red, R::StatusTooOldRefused, Decision::Refused),
        (1_000_000, 1, amber, R::CredentialRevoked, Decision::Refused),
        (1_000_000, 2, amber, R::CredentialSuspended, Decision::Refused),
        (-60, 0, amber, R::Accepted, Decision::Accepted),
        (-61, 0, amber, R::StatusUnavailable, Decision::Undetermined),
    ] {
        let statement = at_age(age, value, when);
        assert_eq!((statement.reason, statement.decision), (reason, decision), "{age} {value}");
    }
    assert_eq!(at_age(301, 0, amber).status.age_seconds, Some(301));
}

#[test]
fn what_was_captured_before_a_revocation_is_worth_nothing_after() {
    // NR-07.
    let gate = Gate::new(Algorithm::Es256);
    let captured = gate.present(&gate.card());
    assert_eq!(outcome(&gate.decide(&captured)), (R::Accepted, None));
    gate.set(3, State::Revoked);
    assert_eq!(outcome(&gate.decide(&captured)), (R::CredentialRevoked, Some(C::Status)));
    let next = Expectations::new(HolderBinding::Required { nonce: Some("next".to_owned()), audience: AUDIENCE.to_owned() });
    let statement = gate.decide_with(&captured, &gate.trust(), &next, NOW);
    assert_eq!(outcome(&statement), (R::NonceMismatch, Some(C::Nonce)));
    assert_eq!(statement.status.value, StatusValue::Unknown, "nothing is looked up for what did not pass");
}

#[test]
fn no_status_is_wanted_for_what_did_not_pass() {
    let gate = Gate::new(Algorithm::Es256);
    let forged = gate.forge_with(&gate.holder, &[], |_, _| {});
    for presentation in [forged, gate.card(), gate.present_with(&gate.card(), &gate.holder, "x", AUDIENCE, NOW)] {
        let examined = examine(&presentation, &gate.trust(), &asked(), NOW);
        assert_eq!(examined.wanted_status(), None);
        let reason = examined.refused();
        // An answer that nobody asked for changes nothing.
        let wanted = examine(&gate.present(&gate.card()), &gate.trust(), &asked(), NOW).wanted_status().expect("it passed");
        let answer = on_own_board(&wanted, &gate.board, URL, NOW).expect("our own list");
        let statement = decide(examined, &[answer], &Policy::default(), NOW);
        assert_eq!((Some(statement.reason), statement.status.value), (reason, StatusValue::Unknown));
    }
}

#[test]
fn a_nonce_longer_than_any_is_simply_another() {
    let gate = Gate::new(Algorithm::Es256);
    let long = "n".repeat(NONCE_BYTES + 1);
    let card = gate.card();
    let statement = gate.decide(&gate.present_with(&card, &gate.holder, &long, AUDIENCE, NOW));
    assert_eq!(outcome(&statement), (R::HolderBindingInvalid, Some(C::HolderBinding)));
}

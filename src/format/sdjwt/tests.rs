//! The three parties together: what is issued can be presented in any part, and verifies to exactly that part.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::{
    base::{json::parse_object, random::SeededRandom, time::Timestamp},
    crypto::{Algorithm, Signer, SoftwareKey},
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const AUDIENCE: &str = "https://gate.example";

fn key(seed: u64, algorithm: Algorithm) -> SoftwareKey {
    SoftwareKey::generate(algorithm, &SeededRandom::new(seed))
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn name(name: &str) -> Step {
    Step::Name(name.to_owned())
}

fn claims(holder: &dyn Signer) -> Map<String, Value> {
    map(json!({
        "iss": "https://issuer.example", "vct": "https://issuer.example/types/resident-id", "exp": 1_900_000_000,
        "cnf": {"jwk": holder.public_key().to_jwk()},
        "given_name": "小明", "family_name": "王",
        "address": {"region": "贵州省", "locality": "贵阳市", "street": "中华北路 1 号"},
        "nationalities": ["CN", "DE", "FR"],
    }))
}

/// Every claim about the person, the address whole and in parts, each nationality.
fn disclosable() -> Vec<Vec<Step>> {
    vec![
        vec![name("given_name")],
        vec![name("family_name")],
        vec![name("address")],
        vec![name("address"), name("region")],
        vec![name("address"), name("locality")],
        vec![name("nationalities"), Step::Every],
        vec![name("not_there"), name("at_all")],
    ]
}

fn issued(issuer: &dyn Signer, holder: &dyn Signer, decoys: usize) -> String {
    let issuance = Issuance { header: Map::new(), claims: claims(holder), disclosable: &disclosable(), decoys };
    issue(issuance, issuer, &SeededRandom::new(9)).expect("it can be issued")
}

fn expectation(nonce: &str) -> KeyBindingExpectation<'_> {
    KeyBindingExpectation { nonce: Some(nonce), audience: AUDIENCE, max_age_seconds: 300, now: NOW }
}

#[test]
fn with_every_disclosure_the_claims_come_back_whole() {
    for algorithm in Algorithm::ALL {
        for decoys in [0, 3] {
            let (issuer, holder) = (key(1, algorithm), key(2, algorithm));
            let text = issued(&issuer, &holder, decoys);
            assert_eq!(text.matches('~').count(), 1 + 8);
            let verified = Unverified::parse(&text).expect("it is an SD-JWT").verify(issuer.public_key()).expect("it holds");
            assert_eq!(verified.claims(), &claims(&holder));
            assert_eq!(verified.key_binding(), None);
        }
    }
}

#[test]
fn without_disclosures_only_the_clear_claims_are_left() {
    let (issuer, holder) = (key(1, Algorithm::Ed25519), key(2, Algorithm::Ed25519));
    let text = present(&issued(&issuer, &holder, 2), &|_| false, None).expect("it can be presented");
    let verified = Unverified::parse(&text).expect("it is an SD-JWT").verify(issuer.public_key()).expect("it holds");
    let mut expected = claims(&holder);
    for hidden in ["given_name", "family_name", "address"] {
        expected.remove(hidden);
    }
    expected.insert("nationalities".to_owned(), json!([]));
    assert_eq!(verified.claims(), &expected);
}

#[test]
fn a_kept_claim_brings_the_disclosure_it_stands_in() {
    let (issuer, holder) = (key(1, Algorithm::Es256), key(2, Algorithm::Es256));
    let wanted = [PathPart::Name("address".to_owned()), PathPart::Name("region".to_owned())];
    let element = [PathPart::Name("nationalities".to_owned()), PathPart::Element(1)];
    let text = present(&issued(&issuer, &holder, 0), &|path| path == wanted || path == element, None).expect("presented");
    let verified = Unverified::parse(&text).expect("it is an SD-JWT").verify(issuer.public_key()).expect("it holds");
    let claims = verified.claims();
    assert_eq!(claims.get("address"), Some(&json!({"region": "贵州省", "street": "中华北路 1 号"})));
    assert_eq!(claims.get("nationalities"), Some(&json!(["DE"])));
    assert_eq!(claims.get("given_name"), None);
}

#[test]
fn a_key_binding_holds_for_its_verifier_and_nonce() {
    for algorithm in Algorithm::ALL {
        let (issuer, holder) = (key(1, algorithm), key(2, algorithm));
        let proof = HolderProof { signer: &holder, nonce: "n-1", audience: AUDIENCE, issued_at: NOW };
        let text = present(&issued(&issuer, &holder, 0), &|_| true, Some(proof)).expect("it can be presented");
        let verified = Unverified::parse(&text).expect("it is an SD-JWT").verify(issuer.public_key()).expect("it holds");
        let binding = verified.verify_key_binding(&expectation("n-1")).expect("it is bound");
        assert_eq!((&binding.holder, binding.issued_at), (holder.public_key(), NOW));
        assert_eq!(verified.verify_key_binding(&expectation("n-2")), Err(KeyBindingError::WrongNonce));
        assert!(verified.verify_key_binding(&KeyBindingExpectation { nonce: None, ..expectation("") }).is_ok());
        let again = present(&text, &|_| true, None);
        assert_eq!(again, Err(PresentError::AlreadyBound));
    }
}

#[test]
fn a_credential_without_hidden_claims_has_no_digests() {
    let (issuer, holder) = (key(1, Algorithm::Ed25519), key(2, Algorithm::Ed25519));
    let issuance = Issuance { header: Map::new(), claims: claims(&holder), disclosable: &[], decoys: 5 };
    let text = issue(issuance, &issuer, &SeededRandom::new(9)).expect("it can be issued");
    assert!(text.ends_with('~') && text.matches('~').count() == 1);
    let payload = Unverified::parse(&text).expect("it is an SD-JWT").dangerous_unverified_claims().expect("it has claims");
    assert_eq!(payload, claims(&holder));
}

#[test]
fn digests_are_sorted_and_decoys_look_like_them() {
    let (issuer, holder) = (key(1, Algorithm::Ed25519), key(2, Algorithm::Ed25519));
    let text = issued(&issuer, &holder, 4);
    let payload = Unverified::parse(&text).expect("it is an SD-JWT").dangerous_unverified_claims().expect("it has claims");
    let digests: Vec<_> = payload["_sd"].as_array().expect("digests").iter().filter_map(Value::as_str).collect();
    assert_eq!(digests.len(), 3 + 4);
    assert!(digests.is_sorted() && digests.iter().all(|digest| digest.len() == 43));
    assert_eq!(payload["nationalities"].as_array().map(Vec::len), Some(3 + 4));
    assert_eq!(payload["_sd_alg"], "sha-256");
}

#[test]
fn what_may_not_be_hidden_is_not() {
    let (issuer, holder) = (key(1, Algorithm::Ed25519), key(2, Algorithm::Ed25519));
    let attempt = |claims: Map<String, Value>, disclosable: Vec<Vec<Step>>| {
        issue(Issuance { header: Map::new(), claims, disclosable: &disclosable, decoys: 0 }, &issuer, &SeededRandom::new(9))
    };
    for claim in REGISTERED {
        let whole = attempt(claims(&holder), vec![vec![name(claim)]]);
        assert_eq!(whole, Err(IssueError::RegisteredClaim(claim)));
    }
    let part = attempt(claims(&holder), vec![vec![name("cnf"), name("jwk"), name("x")]]);
    assert_eq!(part, Err(IssueError::RegisteredClaim("cnf")));
    assert_eq!(attempt(claims(&holder), vec![vec![]]), Err(IssueError::EmptyPath));

    for reserved in ["_sd", "_sd_alg", "..."] {
        let mut bad = claims(&holder);
        bad.insert("list".to_owned(), json!([{ reserved: "x" }]));
        assert_eq!(attempt(bad, vec![]), Err(IssueError::ReservedName), "{reserved}");
    }
    let mut bad = claims(&holder);
    bad.remove("vct");
    assert_eq!(attempt(bad, vec![]), Err(IssueError::Claim(ClaimFormError::Missing("vct"))));
}

#[test]
fn nothing_is_issued_that_a_verifier_would_refuse_for_its_size() {
    let (issuer, holder) = (key(1, Algorithm::Ed25519), key(2, Algorithm::Ed25519));
    let attempt = |claim: Value, path: Vec<Step>| {
        let mut claims = claims(&holder);
        claims.insert("claim".to_owned(), claim);
        let issuance = Issuance { header: Map::new(), claims, disclosable: &[path], decoys: 0 };
        issue(issuance, &issuer, &SeededRandom::new(9))
    };
    // The payload's own object is the first level.
    let deep = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!({"a": inner}));
    let path = |levels: usize| [vec![name("claim")], vec![name("a"); levels]].concat();
    for (value, path) in [(deep(62), path(0)), (deep(62), path(62))] {
        let text = attempt(value, path).expect("it can be issued");
        assert!(Unverified::parse(&text).expect("it is an SD-JWT").verify(issuer.public_key()).is_ok());
    }
    assert_eq!(attempt(deep(63), path(0)), Err(IssueError::TooLarge));
    assert_eq!(attempt(json!(vec![1; 257]), vec![name("claim"), Step::Every]), Err(IssueError::TooLarge));
    assert_eq!(attempt(json!("x".repeat(256 * 1024)), vec![name("other")]), Err(IssueError::TooLarge));
    assert_eq!(attempt(json!("x".repeat(512 * 1024)), vec![name("claim")]), Err(IssueError::TooLarge));
}

/// JSON as credentials carry it, with every kind of value and names that need escapes.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z\"\\\\é国]{1,4}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Every path to a value inside `value`.
fn paths(value: &Value, so_far: &[Step], found: &mut Vec<Vec<Step>>) {
    let inner: Vec<(Step, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (name(key), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, value)| (Step::Element(at), value)).collect(),
        _ => return,
    };
    for (step, value) in inner {
        let path = [so_far, &[step]].concat();
        paths(value, &path, found);
        found.push(path);
    }
}

/// What is left of `value` at `path` when of the `hidden` paths only the `shown` are disclosed.
fn expected(value: &Value, path: &[Step], hidden: &[Vec<Step>], shown: &[Vec<Step>]) -> Option<Value> {
    let path_vec = path.to_vec();
    let kept = shown.iter().any(|shown| shown.starts_with(path));
    if hidden.contains(&path_vec) && !kept {
        return None;
    }
    let child = |step: Step, value: &Value| expected(value, &[path, &[step]].concat(), hidden, shown);
    Some(match value {
        Value::Object(map) => {
            Value::Object(map.iter().filter_map(|(key, value)| Some((key.clone(), child(name(key), value)?))).collect())
        }
        Value::Array(items) => items.iter().enumerate().filter_map(|(at, value)| child(Step::Element(at), value)).collect(),
        other => other.clone(),
    })
}

fn steps(path: &[PathPart]) -> Vec<Step> {
    let step = |part: &PathPart| match part {
        PathPart::Name(text) => name(text),
        PathPart::Element(at) => Step::Element(*at),
    };
    path.iter().map(step).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn any_chosen_part_verifies_to_exactly_that_part(
        value in json_value(),
        hide in any::<u64>(),
        show in any::<u64>(),
    ) {
        let (issuer, holder) = (key(1, Algorithm::Ed25519), key(2, Algorithm::Ed25519));
        let claims = map(json!({"vct": "urn:a", "cnf": {"jwk": holder.public_key().to_jwk()}, "value": value}));
        let mut all = Vec::new();
        paths(&json!({"value": claims["value"]}), &[], &mut all);
        let pick = |from: &[Vec<Step>], mask: u64| -> Vec<Vec<Step>> {
            from.iter().enumerate().filter(|(at, _)| mask >> (at % 64) & 1 == 1).map(|(_, path)| path.clone()).collect()
        };
        let hidden = pick(&all, hide);
        let shown = pick(&hidden, show);
        let issuance = Issuance { header: Map::new(), claims: claims.clone(), disclosable: &hidden, decoys: 0 };
        let text = issue(issuance, &issuer, &SeededRandom::new(hide)).expect("it can be issued");
        let proof = HolderProof { signer: &holder, nonce: "n", audience: AUDIENCE, issued_at: NOW };
        let text = present(&text, &|path| shown.contains(&steps(path)), Some(proof)).expect("it can be presented");
        let verified = Unverified::parse(&text).expect("it is an SD-JWT").verify(issuer.public_key()).expect("it holds");
        prop_assert!(verified.verify_key_binding(&expectation("n")).is_ok());
        let expected = expected(&Value::Object(claims), &[], &hidden, &shown).expect("the top is never hidden");
        prop_assert_eq!(&Value::Object(verified.into_claims()), &expected);
    }

    #[test]
    fn a_changed_byte_never_changes_the_claims(at in any::<prop::sample::Index>(), flip in 1_u8..=255) {
        let (issuer, holder) = (key(1, Algorithm::Ed25519), key(2, Algorithm::Ed25519));
        let proof = HolderProof { signer: &holder, nonce: "n", audience: AUDIENCE, issued_at: NOW };
        let good = present(&issued(&issuer, &holder, 1), &|_| true, Some(proof)).expect("it can be presented");
        let mut bytes = good.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let Ok(bad) = String::from_utf8(bytes) else { return Ok(()) };
        let outcome = Unverified::parse(&bad).ok().and_then(|parsed| parsed.verify(issuer.public_key()).ok());
        if let Some(verified) = outcome {
            // The change is in the key binding: the claims are as they were, and the binding does not hold. Without the last
            // tilde the last disclosure is taken for a part of it, as if the holder had not shown it.
            if Some(at) != good.rfind('~') {
                prop_assert_eq!(verified.claims(), &claims(&holder));
            }
            prop_assert!(verified.verify_key_binding(&expectation("n")).is_err(), "byte {}", at);
        }
    }

    #[test]
    fn any_text_is_taken_apart_without_a_panic(text in "[~.\\[\\]{}a-zA-Z0-9\"=]{0,200}") {
        let _ = Unverified::parse_with_types(&text, &[CREDENTIAL_TYPE, "kb+jwt"]).map(|parsed| {
            parsed.verify(key(1, Algorithm::Ed25519).public_key()).map(Verified::into_claims)
        });
        let _ = disclosure::read(&text);
        let _ = parse_object(text.as_bytes());
    }
}

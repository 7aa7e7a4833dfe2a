//! Credentials and a presentation of our own, byte for byte. Keys and salts follow from seeds and Ed25519 signatures from
//! their message, so a text that changes means that what wallets and verifiers out there get has changed.
//!
//! `YUFU_WRITE_DATA=1` writes the files anew after a change that was meant.

use std::{fs, path::Path};

use serde_json::{Map, Value, json};
use yufu::{
    base::{random::SeededRandom, time::Timestamp},
    crypto::{Algorithm, Signer, SoftwareKey},
    format::sdjwt::{HolderProof, Issuance, KeyBindingExpectation, PathPart, Step, Unverified, issue, present},
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const AUDIENCE: &str = "https://gate.example";
const NONCE: &str = "wHF0tBWbUsPbQcMkbqVEaA";

fn issuer() -> SoftwareKey {
    SoftwareKey::generate(Algorithm::Ed25519, &SeededRandom::new(1))
}

fn holder() -> SoftwareKey {
    SoftwareKey::generate(Algorithm::Ed25519, &SeededRandom::new(2))
}

/// A person who does not exist; the number has no valid check character.
fn claims() -> Map<String, Value> {
    let claims = json!({
        "iss": "https://id.example", "vct": "https://id.example/credential-types/resident-id",
        "iat": 1_799_971_200, "nbf": 1_799_971_200, "exp": 1_802_563_200,
        "cnf": {"jwk": holder().public_key().to_jwk()},
        "status": {"status_list": {"idx": 654_321, "uri": "https://id.example/status-lists/3"}},
        "family_name": "王", "given_name": "小明", "birthdate": "1990-03-07",
        "address": {"region": "贵州省", "locality": "贵阳市"},
        "nationalities": ["CN", "XX"],
    });
    claims.as_object().expect("an object").clone()
}

fn credential(decoys: usize, disclosable: &[Vec<Step>]) -> String {
    let issuance = Issuance { header: Map::new(), claims: claims(), disclosable, decoys };
    issue(issuance, &issuer(), &SeededRandom::new(3)).expect("it can be issued")
}

fn disclosable() -> Vec<Vec<Step>> {
    let name = |name: &str| Step::Name(name.to_owned());
    vec![
        vec![name("family_name")],
        vec![name("given_name")],
        vec![name("birthdate")],
        vec![name("address")],
        vec![name("address"), name("locality")],
        vec![name("nationalities"), Step::Every],
    ]
}

/// Compares with the committed file, or writes it when asked to.
fn assert_same(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sdjwt").join(file);
    if std::env::var_os("YUFU_WRITE_DATA").is_some() {
        fs::write(&path, format!("{text}\n")).expect("the file can be written");
    }
    let committed = fs::read_to_string(&path).expect("the file is committed");
    assert_eq!(committed.trim_end(), text, "{file}");
}

#[test]
fn a_plain_credential_has_the_committed_bytes() {
    assert_same("plain.sdjwt", &credential(0, &[]));
}

#[test]
fn a_credential_with_nested_disclosures_has_the_committed_bytes() {
    let text = credential(0, &disclosable());
    assert_same("nested.sdjwt", &text);
    let parsed = Unverified::parse(&text).expect("it is an SD-JWT");
    let verified = parsed.verify(issuer().public_key()).expect("it holds");
    assert_eq!(verified.claims(), &claims());
}

#[test]
fn a_credential_with_decoys_has_the_committed_bytes() {
    assert_same("decoys.sdjwt", &credential(2, &disclosable()));
}

#[test]
fn a_presentation_has_the_committed_bytes_and_its_claims() {
    let (text, holder) = (credential(0, &disclosable()), holder());
    let shown =
        |path: &[PathPart]| matches!(path.last(), Some(PathPart::Name(name)) if name == "locality" || name == "family_name");
    let proof = HolderProof { signer: &holder, nonce: NONCE, audience: AUDIENCE, issued_at: NOW };
    let text = present(&text, &shown, Some(proof)).expect("it can be presented");
    assert_same("presentation.sdjwtkb", &text);

    let parsed = Unverified::parse(&text).expect("it is an SD-JWT");
    let verified = parsed.verify(issuer().public_key()).expect("it holds");
    let expected = KeyBindingExpectation { nonce: Some(NONCE), audience: AUDIENCE, max_age_seconds: 300, now: NOW };
    assert!(verified.verify_key_binding(&expected).is_ok());
    let claims = serde_json::to_string_pretty(verified.claims()).expect("it can be written");
    assert_same("presentation_claims.json", &claims);
}

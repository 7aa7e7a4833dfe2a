//! Wycheproof: Ed25519, ECDSA on P-256 with raw signatures, and JWS for the algorithms spoken here.

use serde_json::{Map, Value};
use yufu::{
    base::base64url,
    crypto::{
        KeyError, PublicKey,
        jws::{JwsError, Unverified},
    },
};

use crate::exceptions::Outcomes;

pub const ED25519: &str = "wycheproof ed25519";
pub const ECDSA: &str = "wycheproof ecdsa p256";
pub const JWS: &str = "wycheproof jws";

/// Runs `accepts` on every test of every group that `spoken` picks; of the others nothing should be accepted.
fn run(suite: &'static str, file: &str, spoken: fn(&Value) -> bool, accepts: fn(&Value, &Value) -> bool) -> Option<Outcomes> {
    let vectors = crate::json(&format!("wycheproof/testvectors_v1/{file}"))?;
    let mut outcomes = Outcomes::of(suite);
    for group in vectors["testGroups"].as_array().expect("groups") {
        for test in group["tests"].as_array().expect("tests") {
            // "acceptable" leaves it to the implementation; none of these files has one.
            let valid = match test["result"].as_str() {
                Some("valid") => true,
                Some("invalid") => false,
                other => panic!("{file}: result {other:?}"),
            };
            outcomes.record(&test["tcId"], valid && spoken(group), accepts(group, test));
        }
    }
    Some(outcomes)
}

fn bytes(value: &Value) -> Vec<u8> {
    crate::hex(value.as_str().expect("a text"))
}

fn signature_is_accepted(key: Result<PublicKey, KeyError>, test: &Value) -> bool {
    key.is_ok_and(|key| key.verify(&bytes(&test["msg"]), &bytes(&test["sig"])).is_ok())
}

#[test]
fn ed25519_signatures() {
    let accepts =
        |group: &Value, test: &Value| signature_is_accepted(PublicKey::ed25519(&bytes(&group["publicKey"]["pk"])), test);
    if let Some(outcomes) = run(ED25519, "ed25519_test.json", |_| true, accepts) {
        outcomes.assert(88, 63);
    }
}

#[test]
fn ecdsa_signatures_of_64_raw_bytes() {
    let accepts =
        |group: &Value, test: &Value| signature_is_accepted(PublicKey::p256(&bytes(&group["publicKey"]["uncompressed"])), test);
    if let Some(outcomes) = run(ECDSA, "ecdsa_secp256r1_sha256_p1363_test.json", |_| true, accepts) {
        outcomes.assert(173, 89);
    }
}

/// Every token of the suite is without `typ`, which our reader insists on and asks for after all else that would refuse
/// it: a token that is refused for that alone goes on to its signature.
fn jws_is_accepted(jwk: &Map<String, Value>, text: &str) -> bool {
    let Ok(key) = PublicKey::from_jwk(jwk) else { return false };
    if !matches!(Unverified::parse(text, &["none of the suite's"]), Err(JwsError::WrongType)) {
        return false;
    }
    let Some((input, signature)) = text.rsplit_once('.') else { return false };
    base64url::decode(signature).is_ok_and(|signature| key.verify(input.as_bytes(), &signature).is_ok())
}

fn public_jwk(group: &Value) -> &Map<String, Value> {
    group.get("public").unwrap_or(&group["private"]).as_object().expect("a JWK")
}

#[test]
fn jws_by_keys_of_every_kind() {
    let spoken = |group: &Value| public_jwk(group).get("crv").is_some_and(|curve| curve == "P-256");
    let accepts = |group: &Value, test: &Value| jws_is_accepted(public_jwk(group), test["jws"].as_str().unwrap_or_default());
    if let Some(outcomes) = run(JWS, "json_web_signature_test.json", spoken, accepts) {
        outcomes.assert(2, 399);
    }
}

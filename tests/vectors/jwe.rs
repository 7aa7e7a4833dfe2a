//! Encrypted responses: the example of OpenID4VP 1.0 section 8.3, Wycheproof's JWE, and Wycheproof's agreements on P-256, each
//! as the JWE that agrees so.

use aes_gcm::{
    Aes128Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use yufu::{
    base::base64url,
    crypto::jwe::{DecryptionKey, Encryption, decrypt},
    format::openid::presentation::PostedResponse,
};

use crate::exceptions::Outcomes;

pub const JWE: &str = "wycheproof jwe";
pub const ECDH: &str = "wycheproof ecdh p256";

const MOST_BYTES: usize = 1 << 20;

fn key(jwk: &Value) -> Option<DecryptionKey> {
    let scalar = base64url::decode_array(jwk.get("d")?.as_str()?).ok()?;
    DecryptionKey::from_secret(&scalar).ok()
}

#[test]
fn the_encrypted_response_of_openid4vp() {
    let Some(vector) = crate::json("oid4vp/encrypted_response_vector.json") else { return };
    let key = key(&vector["private_jwk"]).expect("a key of P-256");
    for member in ["crv", "kty", "x", "y", "use", "alg", "kid"] {
        assert_eq!(key.public_jwk("ac")[member], vector["private_jwk"][member], "{member}");
    }
    let read = decrypt(vector["response"].as_str().expect("a text"), &key, "ac", MOST_BYTES).expect("it decrypts");
    assert_eq!(read.encryption, Encryption::A128Gcm);
    let response = PostedResponse::from_decrypted(read.plaintext.expose());
    let vp_token = vector["expected_payload"]["vp_token"].clone();
    assert_eq!(response, Ok(PostedResponse::Plain { vp_token, state: None }));
}

#[test]
fn jwe_of_every_algorithm() {
    let Some(vectors) = crate::json("wycheproof/testvectors_v1/json_web_encryption_test.json") else { return };
    let mut outcomes = Outcomes::of(JWE);
    for group in vectors["testGroups"].as_array().expect("groups") {
        for test in group["tests"].as_array().expect("tests") {
            let (text, jwk) = (test["jwe"].as_str().unwrap_or_default(), &group["private"]);
            let header = base64url::decode(text.split('.').next().unwrap_or_default()).unwrap_or_default();
            let header: Value = serde_json::from_slice(&header).unwrap_or_default();
            let spoken = header["alg"] == "ECDH-ES" && (header["enc"] == "A128GCM" || header["enc"] == "A256GCM");
            let kid = jwk["kid"].as_str().unwrap_or_default();
            let accepted = key(jwk).is_some_and(|key| decrypt(text, &key, kid, MOST_BYTES).is_ok());
            outcomes.record(&test["tcId"], spoken && test["result"] == "valid", accepted);
        }
    }
    outcomes.assert(0, 139);
}

/// DER before an uncompressed point of P-256 (RFC 5480). A JWK has coordinates, so that keys in any other form of the suite
/// have no counterpart.
const SPKI: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200";

#[test]
fn agreements_on_p256() {
    let Some(vectors) = crate::json("wycheproof/testvectors_v1/ecdh_secp256r1_test.json") else { return };
    let (mut outcomes, mut without_counterpart) = (Outcomes::of(ECDH), 0);
    for test in vectors["testGroups"].as_array().expect("groups").iter().flat_map(|group| group["tests"].as_array()).flatten() {
        let point = test["public"].as_str().expect("a text").strip_prefix(SPKI).map(crate::hex);
        let Some(point) = point.filter(|point| point.len() == 65 && point[0] == 4) else {
            without_counterpart += 1;
            continue;
        };
        let private = crate::hex(test["private"].as_str().expect("a text"));
        let mut scalar = [0; 32];
        let significant = &private[private.iter().take_while(|byte| **byte == 0).count()..];
        scalar[32 - significant.len()..].copy_from_slice(significant);
        let key = DecryptionKey::from_secret(&scalar).expect("a scalar of P-256");
        let text = agreed(&point, &crate::hex(test["shared"].as_str().expect("a text")));
        let plain = decrypt(&text, &key, "1", MOST_BYTES).is_ok_and(|read| read.plaintext.expose() == b"plain");
        outcomes.record(&test["tcId"], test["result"] == "valid", plain);
    }
    println!("{ECDH}: {without_counterpart} keys that no JWK can write");
    outcomes.assert(330, 19);
}

/// A JWE from the owner of `point`, under the key that `shared` gives (RFC 7518 section 4.6.2); nothing of ours takes part.
fn agreed(point: &[u8], shared: &[u8]) -> String {
    let (x, y) = (base64url::encode(&point[1..33]), base64url::encode(&point[33..]));
    let header = json!({"alg": "ECDH-ES", "enc": "A128GCM", "kid": "1", "epk": {"kty": "EC", "crv": "P-256", "x": x, "y": y}});
    let header = base64url::encode(header.to_string());
    let key = Sha256::new()
        .chain_update([0, 0, 0, 1])
        .chain_update(shared)
        .chain_update(b"\0\0\0\x07A128GCM\0\0\0\0\0\0\0\0\0\0\0\x80")
        .finalize();
    let cipher = Aes128Gcm::new_from_slice(&key[..16]).expect("16 bytes");
    let sealed = cipher.encrypt(&Nonce::from([0; 12]), Payload { msg: b"plain", aad: header.as_bytes() }).expect("it encrypts");
    let (ciphertext, tag) = sealed.split_at(sealed.len() - 16);
    let [iv, ciphertext, tag] = [[0; 12].as_slice(), ciphertext, tag].map(base64url::encode);
    format!("{header}..{iv}.{ciphertext}.{tag}")
}

use serde_json::{Map, Value, json};

use super::*;
use crate::{
    base::{base64url, random::SeededRandom},
    crypto::{SoftwareKey, jws},
};

const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);
const EXPECTED: Expectation<'_> = Expectation { issuer: "https://id.example", audience: "https://id.example/", now: NOW };

fn claims() -> Claims {
    Claims {
        iss: EXPECTED.issuer.to_owned(),
        aud: EXPECTED.audience.to_owned(),
        sub: "offer".to_owned(),
        client_id: None,
        jti: "token".to_owned(),
        cnf: None,
        generation: 0,
        iat: NOW,
        exp: NOW.plus_seconds(300),
        configurations: vec!["resident-id".to_owned(), "driving-licence.mdoc".to_owned()],
    }
}

fn key(seed: u64) -> Arc<dyn Signer> {
    Arc::new(SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(seed)))
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

/// Signs any header and claims by our key, as only a fault of ours could.
fn signed(header: Value, claims: Value) -> Result<Claims, AccessTokenError> {
    let key = key(1);
    let text = jws::sign(object(header), &object(claims), &*key).expect("it signs");
    verify(&text, key.public_key(), &EXPECTED)
}

fn with(changed: &str, value: Value) -> Value {
    let mut claims = serde_json::to_value(claims()).expect("claims are JSON");
    claims[changed] = value;
    claims
}

#[test]
fn what_is_signed_is_read_back_with_keys_of_both_kinds() {
    for algorithm in Algorithm::ALL {
        let key: Arc<dyn Signer> = Arc::new(SoftwareKey::generate(algorithm, &SeededRandom::new(1)));
        let text = sign(&claims(), &key).expect("it signs");
        assert_eq!(verify(&text, key.public_key(), &EXPECTED), Ok(claims()));
        let header = Unverified::parse(&text, &["at+jwt"]).expect("it is a JWS").header().clone();
        assert_eq!(header.kid.as_deref(), Some(key.key_id()));
        assert_eq!(header.members.len(), 3);
    }
}

#[test]
fn threads_with_keys_of_their_own_do_not_mix() {
    let one = |seed: u64| {
        let key = key(seed);
        for _ in 0..50 {
            let text = sign(&claims(), &key).expect("it signs");
            assert!(verify(&text, key.public_key(), &EXPECTED).is_ok());
        }
    };
    std::thread::scope(|threads| {
        for seed in 0..4 {
            threads.spawn(move || one(seed));
        }
    });
}

#[test]
fn time_is_the_time_given_and_only_the_issuing_clock_may_be_fast() {
    let key = key(1);
    let text = sign(&claims(), &key).expect("it signs");
    let at = |seconds: i64| verify(&text, key.public_key(), &Expectation { now: NOW.plus_seconds(seconds), ..EXPECTED }).err();
    assert_eq!((at(-CLOCK_SKEW_SECONDS), at(0), at(299)), (None, None, None));
    assert_eq!(at(300), Some(AccessTokenError::Expired(NOW.plus_seconds(300))));
    assert_eq!(at(-CLOCK_SKEW_SECONDS - 1), Some(AccessTokenError::NotYetIssued(NOW)));
}

#[test]
fn another_key_another_issuer_and_another_audience_are_refused() {
    let text = sign(&claims(), &key(1)).expect("it signs");
    let refused = |key: &Arc<dyn Signer>, expected: Expectation<'_>| verify(&text, key.public_key(), &expected).err();
    assert_eq!(refused(&key(2), EXPECTED), Some(AccessTokenError::BadSignature));
    assert_eq!(
        refused(&key(1), Expectation { issuer: "https://id.example/", ..EXPECTED }),
        Some(AccessTokenError::WrongIssuer)
    );
    assert_eq!(refused(&key(1), Expectation { audience: "https://id", ..EXPECTED }), Some(AccessTokenError::WrongAudience));
    let ed25519: Arc<dyn Signer> = Arc::new(SoftwareKey::generate(Algorithm::Ed25519, &SeededRandom::new(1)));
    assert_eq!(refused(&ed25519, EXPECTED), Some(JwsError::AlgorithmNotAllowed.into()));
    let long = "a".repeat(ACCESS_TOKEN_BYTES + 1);
    assert_eq!(verify(&long, key(1).public_key(), &EXPECTED), Err(AccessTokenError::TooLong));
}

#[test]
fn headers_the_library_would_accept_are_refused() {
    let good = || serde_json::to_value(claims()).expect("claims are JSON");
    assert_eq!(signed(json!({"typ": "at+jwt"}), good()), Ok(claims()));
    for typ in
        [json!({"typ": "JWT"}), json!({"typ": "AT+JWT"}), json!({"typ": "application/at+jwt"}), json!({}), json!({"typ": 1})]
    {
        assert_eq!(signed(typ, good()), Err(JwsError::WrongType.into()));
    }
    for crit in [json!(["x"]), json!([]), json!(["alg"])] {
        let refused = signed(json!({"typ": "at+jwt", "crit": crit}), good());
        assert_eq!(refused, Err(JwsError::HeaderNotAccepted("crit").into()));
    }
    assert_eq!(signed(json!({"typ": "at+jwt", "b64": false}), good()), Err(JwsError::HeaderNotAccepted("b64").into()));
    let jwk = key(1).public_key().to_jwk();
    assert_eq!(signed(json!({"typ": "at+jwt", "jwk": jwk}), good()), Err(AccessTokenError::UnexpectedHeader));
    assert_eq!(signed(json!({"typ": "at+jwt", "cty": "x"}), good()), Err(AccessTokenError::UnexpectedHeader));
}

#[test]
fn claims_missing_or_of_another_type_are_refused() {
    let header = || json!({"typ": "at+jwt"});
    for name in ["iss", "aud", "sub", "jti", "iat", "exp", "scope"] {
        let mut claims = with("jti", json!("token"));
        claims.as_object_mut().expect("an object").remove(name);
        assert_eq!(signed(header(), claims), Err(AccessTokenError::Claims), "{name} missing");
        for value in [json!(true), json!({}), json!([]), json!(["https://id.example/"]), json!(null), json!(1.5)] {
            assert_eq!(signed(header(), with(name, value.clone())), Err(AccessTokenError::Claims), "{name}: {value}");
        }
    }
    for exp in [json!("1795500300"), json!(1e300), json!(1_795_500_300.5)] {
        assert_eq!(signed(header(), with("exp", exp)), Err(AccessTokenError::Claims));
    }
    let negative = Timestamp::from_unix(-1);
    assert_eq!(signed(header(), with("exp", json!(-1))), Err(AccessTokenError::Expired(negative)));
    assert_eq!(signed(header(), with("cnf", json!({"jkt": "x", "jwk": {}}))), Err(AccessTokenError::Claims));
    assert_eq!(signed(header(), with("scope", json!("a  b"))), Err(AccessTokenError::Claims));
    let backwards = with("iat", json!(NOW.unix() + 300));
    assert_eq!(signed(header(), backwards), Err(AccessTokenError::NotYetIssued(NOW.plus_seconds(300))));
}

#[test]
fn unsigned_and_mac_signed_tokens_are_refused() {
    let key = key(1);
    let good = sign(&claims(), &key).expect("it signs");
    let payload = good.split('.').nth(1).expect("three parts");
    let forged = |header: Value, signature: &[u8]| {
        let text = format!("{}.{payload}.{}", base64url::encode(header.to_string()), base64url::encode(signature));
        verify(&text, key.public_key(), &EXPECTED).err()
    };
    for alg in ["none", "None", "nOnE", "HS256", "ES384", "RS256"] {
        let refused = forged(json!({"typ": "at+jwt", "alg": alg}), b"");
        assert_eq!(refused, Some(JwsError::AlgorithmNotAllowed.into()), "{alg}");
    }
    assert_eq!(forged(json!({"typ": "at+jwt", "alg": "ES256"}), &[0; 64]), Some(AccessTokenError::BadSignature));
    assert_eq!(forged(json!({"typ": "at+jwt", "alg": "ES256"}), b""), Some(AccessTokenError::BadSignature));
}

#[test]
fn a_key_out_of_reach_signs_nothing() {
    struct Removed(SoftwareKey);
    impl Signer for Removed {
        fn public_key(&self) -> &PublicKey {
            self.0.public_key()
        }
        fn key_id(&self) -> &str {
            self.0.key_id()
        }
        fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, SignError> {
            Err(SignError::Unavailable)
        }
    }
    let removed: Arc<dyn Signer> = Arc::new(Removed(SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(1))));
    assert_eq!(sign(&claims(), &removed), Err(SignError::Unavailable));
}

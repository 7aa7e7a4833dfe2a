//! Key binding: checklist NT-SDJ-02, -03 and -13 to -19, threats KB. A nonce is good once because its verifier expects each
//! once; here it has to be the one expected.

use serde_json::{Value, json};
use yufu::{
    base::{
        json::JsonError,
        limits::{CLOCK_SKEW_SECONDS, KEY_BINDING_AGE_SECONDS},
    },
    crypto::{Algorithm, KeyError, Signer, jws::JwsError},
    format::sdjwt::{KeyBindingError, KeyBindingExpectation, SdJwtError, Unverified},
};

use crate::sdjwt_forge::{Forge, NOW, NOW_TIMESTAMP, disclosure, hash, join, sign, sign_texts};

/// Lines of the checklist and of the threats that stand in the tables below.
pub const TESTED: &[&str] = &[
    "NT-SDJ-02",
    "NT-SDJ-03",
    "NT-SDJ-13",
    "NT-SDJ-14",
    "NT-SDJ-15",
    "NT-SDJ-16",
    "NT-SDJ-17",
    "NT-SDJ-18",
    "NT-SDJ-19",
    "X-05",
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
];

type Row = (&'static str, String, KeyBindingError);

fn outcome(forge: &Forge, text: &str) -> Result<i64, KeyBindingError> {
    let (nonce, audience) = (Some("nonce-1"), "https://gate.example");
    let expected = KeyBindingExpectation { nonce, audience, max_age_seconds: 300, now: NOW_TIMESTAMP };
    let parsed = Unverified::parse(text).expect("the SD-JWT itself is in order");
    let verified = parsed.verify(forge.issuer.public_key()).expect("the SD-JWT itself holds");
    verified.verify_key_binding(&expected).map(|binding| binding.issued_at.unix())
}

fn run(rows: impl Fn(&Forge) -> Vec<Row>) {
    for algorithm in Algorithm::ALL {
        let forge = Forge::new(algorithm);
        for (at, (line, text, error)) in rows(&forge).into_iter().enumerate() {
            assert_eq!(outcome(&forge, &text), Err(error), "row {at}, {line}, {algorithm}");
        }
    }
}

fn names() -> [String; 2] {
    [disclosure(r#"["salt","a",1]"#), disclosure(r#"["salt","b",2]"#)]
}

/// A credential with two disclosures, both shown, without key binding.
fn bound(forge: &Forge) -> String {
    let [a, b] = names();
    join(&forge.jwt(json!({"_sd": [hash(&a), hash(&b)]})), &[&a, &b])
}

#[test]
fn what_the_rows_are_made_from_is_accepted() {
    for algorithm in Algorithm::ALL {
        let forge = Forge::new(algorithm);
        let text = bound(&forge);
        assert_eq!(outcome(&forge, &forge.bind(&text, json!({}))), Ok(NOW));
        for iat in [json!(NOW - KEY_BINDING_AGE_SECONDS), json!(NOW + CLOCK_SKEW_SECONDS)] {
            assert_eq!(outcome(&forge, &forge.bind(&text, json!({ "iat": iat }))), Ok(iat.as_i64().expect("a time")));
        }
        assert_eq!(outcome(&forge, &forge.bind(&text, json!({"iat": NOW as f64 + 0.5}))), Ok(NOW));
        let own_key = json!({"typ": "kb+jwt", "jwk": forge.holder.public_key().to_jwk()});
        assert_eq!(outcome(&forge, &forge.bind_with(&text, own_key, json!({}), &forge.holder)), Ok(NOW));
    }
}

#[test]
fn the_proof_is_the_holders() {
    run(|forge| {
        let text = bound(forge);
        let bad_signature = || KeyBindingError::Jwt(JwsError::BadSignature);
        let wrong_type = || KeyBindingError::Jwt(JwsError::WrongType);
        let typed = |header: Value| forge.bind_with(&text, header, json!({}), &forge.holder);
        let raw = |header: &str| {
            let claims = json!({"iat": NOW, "aud": "https://gate.example", "nonce": "nonce-1", "sd_hash": hash(&text)});
            format!("{text}{}", sign_texts(header, &claims.to_string(), &forge.holder))
        };
        let strange = |header: Value| forge.bind_with(&text, header, json!({}), &forge.stranger);
        vec![
            ("NT-SDJ-02", text.clone(), KeyBindingError::Missing),
            ("NT-SDJ-03", format!("{}~", text.trim_end_matches('~')), KeyBindingError::Missing),
            ("KB-01", text.clone(), KeyBindingError::Missing),
            ("KB-06", strange(json!({"typ": "kb+jwt"})), bad_signature()),
            (
                "NT-SDJ-17",
                strange(json!({"typ": "kb+jwt", "jwk": forge.stranger.public_key().to_jwk()})),
                KeyBindingError::OtherKey,
            ),
            (
                "NT-SDJ-17",
                typed(json!({"typ": "kb+jwt", "jwk": forge.stranger.public_key().to_jwk()})),
                KeyBindingError::OtherKey,
            ),
            ("NT-SDJ-17", typed(json!({"typ": "kb+jwt", "jwk": {"kty": "RSA"}})), KeyBindingError::OtherKey),
            ("NT-SDJ-13", typed(json!({})), wrong_type()),
            ("KB-07", typed(json!({"typ": "JWT"})), wrong_type()),
            ("KB-07", typed(json!({"typ": "dc+sd-jwt"})), wrong_type()),
            ("KB-07", typed(json!({"typ": "KB+JWT"})), wrong_type()),
            ("KB-11", raw(r#"{"alg":"none","typ":"kb+jwt"}"#), KeyBindingError::Jwt(JwsError::AlgorithmNotAllowed)),
            ("KB-11", raw(r#"{"alg":"HS256","typ":"kb+jwt"}"#), KeyBindingError::Jwt(JwsError::AlgorithmNotAllowed)),
            ("JH-09", typed(json!({"typ": "kb+jwt", "crit": []})), KeyBindingError::Jwt(JwsError::HeaderNotAccepted("crit"))),
            ("SDJ-02", format!("{text}a.b"), KeyBindingError::Jwt(JwsError::Malformed)),
            ("SDJ-02", format!("{text}."), KeyBindingError::Jwt(JwsError::Malformed)),
            ("SDJ-02", format!("{text}{}.x", forge.jwt(json!({}))), KeyBindingError::Jwt(JwsError::Malformed)),
        ]
    });
}

#[test]
fn the_proof_is_for_this_verifier_and_request() {
    run(|forge| {
        let text = bound(forge);
        let with = |members: Value| forge.bind(&text, members);
        vec![
            ("KB-02", with(json!({"aud": "https://other.example"})), KeyBindingError::WrongAudience),
            ("KB-02", with(json!({"aud": "https://gate.example/"})), KeyBindingError::WrongAudience),
            ("NT-SDJ-14", with(json!({"aud": ["https://gate.example"]})), KeyBindingError::Claim("aud")),
            ("NT-SDJ-14", with(json!({"aud": null})), KeyBindingError::Claim("aud")),
            ("KB-03", with(json!({"nonce": "nonce-0"})), KeyBindingError::WrongNonce),
            ("NT-SDJ-19", with(json!({"nonce": "nonce-1 of yesterday"})), KeyBindingError::WrongNonce),
            ("KB-04", with(json!({"nonce": null})), KeyBindingError::Claim("nonce")),
            ("KB-04", with(json!({"nonce": ""})), KeyBindingError::Claim("nonce")),
            ("KB-04", with(json!({"nonce": 1})), KeyBindingError::Claim("nonce")),
            ("NR-06", with(json!({"nonce": "n".repeat(1025)})), KeyBindingError::Claim("nonce")),
            ("SDJ-17", with(json!({"sd_hash": null})), KeyBindingError::Claim("sd_hash")),
            ("SDJ-17", with(json!({"sd_hash": 7})), KeyBindingError::Claim("sd_hash")),
        ]
    });
}

#[test]
fn the_proof_is_for_these_disclosures_in_this_order() {
    run(|forge| {
        let [a, b] = names();
        let text = bound(forge);
        let jwt = text.split('~').next().expect("a JWT").to_owned();
        // The proof made over `signed` beside the disclosures of `shown`.
        let moved = |signed: &str, shown: &str| {
            let proof = forge.bind(signed, json!({}));
            format!("{shown}{}", proof.rsplit_once('~').expect("a tilde").1)
        };
        let other_credential = join(&forge.jwt(json!({"_sd": [hash(&a), hash(&b)], "exp": 1_900_000_001})), &[&a, &b]);
        vec![
            ("NT-SDJ-15", forge.bind(&text, json!({"sd_hash": hash(text.trim_end_matches('~'))})), KeyBindingError::WrongHash),
            ("NT-SDJ-15", moved(&join(&jwt, &[&b, &a]), &text), KeyBindingError::WrongHash),
            ("NT-SDJ-15", moved(&join(&jwt, &[&a]), &text), KeyBindingError::WrongHash),
            ("NT-SDJ-15", forge.bind(&text, json!({"sd_hash": format!("{}=", hash(&text))})), KeyBindingError::WrongHash),
            ("NT-SDJ-16", moved(&text, &join(&jwt, &[&a])), KeyBindingError::WrongHash),
            ("KB-05", moved(&join(&jwt, &[]), &join(&jwt, &[&a])), KeyBindingError::WrongHash),
            ("KB-10", moved(&other_credential, &text), KeyBindingError::WrongHash),
        ]
    });
}

#[test]
fn the_proof_is_fresh() {
    run(|forge| {
        let text = bound(forge);
        let with = |members: Value| forge.bind(&text, members);
        vec![
            ("KB-08", with(json!({"iat": NOW + 600})), KeyBindingError::InFuture { ahead_seconds: 600 }),
            ("KB-08", with(json!({"iat": NOW - 600})), KeyBindingError::TooOld { age_seconds: 600 }),
            ("NT-SDJ-18", with(json!({"iat": NOW - 301})), KeyBindingError::TooOld { age_seconds: 301 }),
            ("NT-SDJ-18", with(json!({"iat": NOW + 61})), KeyBindingError::InFuture { ahead_seconds: 61 }),
            ("NT-SDJ-18", with(json!({"iat": null})), KeyBindingError::Claim("iat")),
            ("NT-SDJ-18", with(json!({"iat": NOW.to_string()})), KeyBindingError::Claim("iat")),
            ("NT-SDJ-18", with(json!({"iat": 1e300})), KeyBindingError::Claim("iat")),
            ("X-05", with(json!({"exp": NOW - 60})), KeyBindingError::Expired { late_seconds: 60 }),
            ("X-05", with(json!({"nbf": NOW + 61})), KeyBindingError::InFuture { ahead_seconds: 61 }),
            ("SDJ-27", with(json!({"exp": "later"})), KeyBindingError::Claim("exp")),
        ]
    });
}

#[test]
fn only_the_credential_names_the_key() {
    run(|forge| {
        let with = |cnf: Value| forge.bind(&format!("{}~", forge.jwt(json!({ "cnf": cnf }))), json!({}));
        let identity = json!({"kty": "OKP", "crv": "Ed25519", "x": "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"});
        let short = json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"});
        vec![
            ("KB-09", with(Value::Null), KeyBindingError::NoHolderKey),
            ("KB-09", with(json!({})), KeyBindingError::NoHolderKey),
            ("KB-09", with(json!({"kid": "holder"})), KeyBindingError::NoHolderKey),
            ("KB-09", with(json!({"jwk": "text"})), KeyBindingError::HolderKey(KeyError::Malformed)),
            ("SG-03", with(json!({ "jwk": identity })), KeyBindingError::HolderKey(KeyError::Weak)),
            ("SG-06", with(json!({ "jwk": short })), KeyBindingError::HolderKey(KeyError::Malformed)),
            ("JH-02", with(json!({"jwk": {"kty": "oct", "k": "AAAA"}})), KeyBindingError::HolderKey(KeyError::Private)),
        ]
    });
    // A key brought in by a disclosure is refused before anyone could use it.
    let forge = Forge::new(Algorithm::Ed25519);
    let cnf = disclosure(&format!(r#"["salt","cnf",{{"jwk":{}}}]"#, forge.stranger.public_key().to_jwk()));
    let text = forge.sd_jwt(json!({"cnf": null, "_sd": [hash(&cnf)]}), &[&cnf]);
    let text = forge.bind_with(&text, json!({"typ": "kb+jwt"}), json!({}), &forge.stranger);
    let verified = Unverified::parse(&text).expect("an SD-JWT").verify(forge.issuer.public_key());
    assert_eq!(verified.err(), Some(SdJwtError::RegisteredClaimHidden("cnf")), "KB-09");
}

#[test]
fn the_proof_is_a_json_object_without_doubled_claims() {
    let forge = Forge::new(Algorithm::Ed25519);
    let text = bound(&forge);
    let claims =
        format!(r#"{{"iat":{NOW},"aud":"x","aud":"https://gate.example","nonce":"nonce-1","sd_hash":"{}"}}"#, hash(&text));
    let proof = sign_texts(r#"{"alg":"EdDSA","typ":"kb+jwt"}"#, &claims, &forge.holder);
    let error = outcome(&forge, &format!("{text}{proof}"));
    assert!(matches!(error, Err(KeyBindingError::Jwt(JwsError::Payload(JsonError::Syntax(_))))), "NT-SDJ-23: {error:?}");
    // A status list token, an access token or a credential in its place is of the wrong type, whoever signed it.
    for typ in ["statuslist+jwt", "at+jwt", "openid4vci-proof+jwt", "dc+sd-jwt"] {
        let proof = sign(json!({ "typ": typ }), json!({"iat": NOW}), &forge.holder);
        let error = outcome(&forge, &format!("{text}{proof}"));
        assert_eq!(error, Err(KeyBindingError::Jwt(JwsError::WrongType)), "X-02: {typ}");
    }
}

#[test]
fn every_line_about_sd_jwt_is_tested() {
    for (lines, text) in [(TESTED, include_str!("key_binding.rs")), (super::sdjwt::TESTED, include_str!("sdjwt.rs"))] {
        for line in lines {
            assert!(text.matches(&format!("\"{line}")).count() > 1, "{line} is listed, and no row has it");
        }
    }
    crate::assert_complete("NT-SDJ-", 24);
    crate::assert_complete("KB-", 11);
    crate::assert_complete("SD-", 16);
}

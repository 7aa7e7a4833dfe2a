//! What is sent to get a card that is not one's own, or two for one: each with its exact code, and nothing changed.

use serde_json::{Map, Value, json};
use yufu::{
    base::{base64url, clock::Clock},
    crypto::{KeyError, Signer, jws::JwsError},
    format::{openid::credential::CredentialRequestError, sdjwt::Unverified},
    issuance::{
        AccessError,
        credential::{Body, CredentialError, Denial},
        proof::ProofError,
    },
    keyring::Purpose,
};

use super::office::{Office, URL, at_once, bearer, code, key, no_headers, object, raw, request, signed, token_request};

pub const TESTED: &[&str] = &[
    "NT-VCI-04",
    "NT-VCI-05",
    "NT-VCI-06",
    "NT-VCI-08",
    "NT-VCI-09",
    "OV-01",
    "OV-02",
    "OV-03",
    "OV-04",
    "OV-05",
    "OV-06",
    "OV-07",
    "OV-08",
    "OV-09",
    "OV-12",
    "NR-05",
    "NR-06",
    "NR-09",
];

#[test]
fn every_line_of_issuance_is_tested_or_waits() {
    super::assert_complete("NT-VCI-", 13);
    super::assert_complete("OV-", 12);
}

#[test]
fn a_wallet_gets_its_card() {
    let office = Office::new();
    let token = office.token(&["resident-id"]);
    let (keys, nonce) = ([key(1), key(2), key(3)], office.nonce());
    let proofs: Vec<_> = keys.iter().map(|key| office.proof(key, &nonce)).collect();
    let answer = office.fetch(&token, &request("resident-id", &proofs)).expect("three copies");
    assert_eq!(answer.credentials.len(), 3);
    let cards = office.cards();
    assert_eq!(cards.len(), 1);
    for ((issued, key), copy) in answer.credentials.iter().zip(&keys).zip(&cards[0].copies) {
        let issuer = office.ground.keyring.signer(Purpose::Issuer);
        let verified = Unverified::parse(&issued.credential).expect("an SD-JWT").verify(issuer.public_key()).expect("ours");
        let claims = verified.claims();
        assert_eq!(claims["cnf"]["jwk"], key.public_key().to_jwk());
        assert_eq!(claims["vct"], json!(format!("{URL}/credential-types/resident-id")));
        assert_eq!((&claims["iss"], &claims["name"]), (&json!(URL), &json!("鱼小符")));
        assert_eq!(claims["address"]["locality"], json!("贵阳市"));
        assert_eq!(claims["age_equal_or_over"]["65"], json!(true));
        assert_eq!(claims["status"]["status_list"]["idx"], json!(copy.status.index));
        assert_eq!(claims["nbf"].as_i64().map(|at| at % 86_400), Some(0));
    }
}

#[test]
fn ov_12_one_token_raced_by_many_keys_gives_one_card() {
    for racers in [2_u64, 16] {
        let office = Office::new();
        let token = office.token(&["resident-id"]);
        let bodies: Vec<_> = (0..racers).map(|n| request("resident-id", &[office.proof(&key(n), &office.nonce())])).collect();
        let outcomes = at_once(racers, |n| office.fetch(&token, &bodies[n as usize]).map(|_| ()));
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        let lost = CredentialError::Denied(Denial::AlreadyFetched);
        assert_eq!(outcomes.iter().filter(|outcome| outcome.as_ref() == Err(&lost)).count() as u64, racers - 1);
        assert_eq!(lost.code(), Some("credential_request_denied"));
        assert_eq!(office.cards().len(), 1);
    }
}

#[test]
fn nr_09_a_repeated_request_gets_the_same_card() {
    let office = Office::new();
    let token = office.token(&["resident-id"]);
    let nonce = office.nonce();
    let proofs = [office.proof(&key(1), &nonce), office.proof(&key(2), &nonce)];
    let body = request("resident-id", &proofs);
    let outcomes = at_once(4, |_| office.fetch(&token, &body).is_ok());
    assert_eq!(outcomes, [true; 4]);
    let state = office.state();
    let turned = request("resident-id", &[proofs[1].clone(), proofs[0].clone()]);
    let again = office.fetch(&token, &turned).expect("the same card");
    let card = &office.cards()[0];
    let indices: Vec<_> = again.credentials.iter().map(|issued| index_of(&office, &issued.credential)).collect();
    assert_eq!(indices, [json!(card.copies[1].status.index), json!(card.copies[0].status.index)]);
    let other = request("resident-id", &proofs[..1]);
    assert_eq!(office.fetch(&token, &other), Err(CredentialError::Denied(Denial::AlreadyFetched)));
    assert_eq!(office.state(), state);
    office.clock.advance(300);
    assert_eq!(office.fetch(&token, &body), Err(CredentialError::Access(AccessError::InvalidToken)));
}

#[test]
fn requests_that_are_not_good_get_no_card() {
    use CredentialRequestError as R;
    let office = Office::new();
    let token = office.token(&["resident-id"]);
    let proof = office.proof(&key(1), &office.nonce());
    let state = office.state();
    let with = |members: Value| {
        let mut body = object(members);
        body.entry("proofs").or_insert_with(|| json!({"jwt": [proof]}));
        Value::Object(body)
    };
    let config = "credential_configuration_id";
    let id = "resident-id";
    for (line, body, error, code) in [
        ("NT-VCI-04", with(json!({})), R::NotOneTarget.into(), "invalid_credential_request"),
        ("OV-06", with(json!({config: id, "credential_identifier": id})), R::NotOneTarget.into(), "invalid_credential_request"),
        ("OV-05", with(json!({config: "passport"})), CredentialError::UnknownConfiguration, "unknown_credential_configuration"),
        (
            "OV-05",
            with(json!({"credential_identifier": "card:resident-id"})),
            CredentialError::UnknownIdentifier,
            "unknown_credential_identifier",
        ),
        ("NT-VCI-08", with(json!({config: "transport-qualification"})), Denial::NotOffered.into(), "credential_request_denied"),
        ("OV-01", json!({config: id}), R::ProofsMissing.into(), "invalid_proof"),
        (
            "NT-VCI-05",
            json!({config: id, "proof": {"proof_type": "jwt", "jwt": proof}}),
            R::ProofsMissing.into(),
            "invalid_proof",
        ),
        (
            "NT-VCI-05",
            with(json!({config: id, "proofs": {"jwt": [proof], "attestation": ["x"]}})),
            R::ProofType.into(),
            "invalid_proof",
        ),
        ("NT-VCI-05", with(json!({config: id, "proofs": {"jwt": []}})), R::ProofList.into(), "invalid_proof"),
        ("OV-07", with(json!({config: id, "proofs": {"jwt": vec!["x"; 100_000]}})), R::TooManyProofs.into(), "invalid_proof"),
        (
            "NT-VCI-09",
            with(json!({config: id, "credential_response_encryption": {"jwk": {}, "enc": "A128GCM"}})),
            R::Encryption("alg of jwk has to be ECDH-ES").into(),
            "invalid_encryption_parameters",
        ),
        ("OV-08", request(id, &[proof.clone(), proof.clone()]), ProofError::KeyTwice.into(), "invalid_proof"),
    ] {
        let refused = office.fetch(&token, &body).expect_err("refused");
        assert_eq!((&refused, refused.code()), (&error, Some(code)), "{line}");
        assert_eq!(office.state(), state, "{line}");
    }
    let doubled = format!(r#"{{"{config}":"{id}","{config}":"{id}","proofs":{{"jwt":["{proof}"]}}}}"#);
    assert_eq!(office.credentials.issue(&bearer(&token), Body::Json(doubled.as_bytes())), Err(R::NotJson.into()), "NT-VCI-13");
    assert!(office.fetch(&token, &request(id, &[proof])).is_ok(), "and the service goes on");
}

#[test]
fn nt_vci_06_proofs_that_prove_nothing() {
    let office = Office::new();
    let token = office.token(&["resident-id"]);
    let (holder, other, nonce) = (key(1), key(3), office.nonce());
    let jwk = holder.public_key().to_jwk();
    let now = office.clock.now().unix();
    let claims = office.claims(&nonce);
    let change = |claim: &str, value: Value| {
        let mut claims = claims.clone();
        match value {
            Value::Null => claims.remove(claim),
            value => claims.insert(claim.to_owned(), value),
        };
        signed(&holder, office.header(&holder), claims)
    };
    let head = |header: Value| raw(&holder, &header, &claims);
    let good_header = |member: &str, value: Value| {
        let mut header = json!({"alg": "ES256", "typ": "openid4vci-proof+jwt", "jwk": jwk});
        header[member] = value;
        head(header)
    };
    let mut private = jwk.clone();
    private["d"] = json!(base64url::encode(holder.secret().expose()));
    let identity = json!({"kty": "OKP", "crv": "Ed25519", "x": base64url::encode([[1].as_slice(), &[0; 31]].concat())});
    let short = json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"});
    let foreign = Office::new_with_other_keys_nonce();
    let rows: Vec<(&str, String, ProofError)> = vec![
        ("NT-VCI-06", good_header("typ", json!("JWT")), JwsError::WrongType.into()),
        ("NT-VCI-06", good_header("alg", json!("none")), JwsError::AlgorithmNotAllowed.into()),
        ("OV-09", good_header("alg", json!("HS256")), JwsError::AlgorithmNotAllowed.into()),
        ("OV-09", good_header("alg", json!("EdDSA")), JwsError::AlgorithmNotAllowed.into()),
        ("NT-VCI-06", good_header("jwk", private), KeyError::Private.into()),
        ("NT-VCI-06", good_header("jwk", identity), KeyError::Weak.into()),
        ("NT-VCI-06", good_header("jwk", short), KeyError::Malformed.into()),
        ("NT-VCI-06", good_header("kid", json!("x")), ProofError::KeyNotNamedOnce),
        ("NT-VCI-06", head(json!({"alg": "ES256", "typ": "openid4vci-proof+jwt"})), ProofError::KeyNotNamedOnce),
        ("NT-VCI-06", head(json!({"alg": "ES256", "typ": "openid4vci-proof+jwt", "kid": "x"})), ProofError::KeyNotGiven),
        ("OV-02", good_header("jwk", other.public_key().to_jwk()), JwsError::BadSignature.into()),
        ("OV-03", change("aud", json!("https://other.example")), ProofError::Audience),
        ("OV-03", change("aud", json!(format!("{URL}/"))), ProofError::Audience),
        ("OV-03", change("aud", json!([URL])), ProofError::Audience),
        ("OV-03", change("aud", Value::Null), ProofError::Audience),
        ("NT-VCI-06", change("iss", json!("wallet")), ProofError::Issuer),
        ("NT-VCI-06", change("iat", Value::Null), ProofError::NotATime("iat")),
        ("NT-VCI-06", change("iat", json!("now")), ProofError::NotATime("iat")),
        ("NT-VCI-06", change("iat", json!(now - 361)), ProofError::Time("iat")),
        ("NT-VCI-06", change("iat", json!(now + 61)), ProofError::Time("iat")),
        ("NT-VCI-06", change("exp", json!(now - 60)), ProofError::Time("exp")),
        ("OV-04", change("nonce", Value::Null), ProofError::NonceMissing),
        ("OV-04", change("nonce", json!(7)), ProofError::NonceMissing),
        ("OV-04", change("nonce", json!("made up")), ProofError::NonceNotGood),
        ("NR-05", change("nonce", json!(foreign)), ProofError::NonceNotGood),
        ("NR-06", change("nonce", json!("n".repeat(2000))), ProofError::NonceNotGood),
        ("NR-06", change("nonce", json!("n".repeat(1 << 20))), JwsError::TooLong.into()),
    ];
    let state = office.state();
    for (line, proof, error) in rows {
        let code = if error == ProofError::NonceNotGood { "invalid_nonce" } else { "invalid_proof" };
        let refused = office.fetch(&token, &request("resident-id", &[proof])).expect_err("refused");
        assert_eq!(refused, CredentialError::Proof(error), "{line}");
        assert_eq!(refused.code(), Some(code), "{line}");
        assert_eq!(office.state(), state, "{line}");
    }
    assert!(office.fetch(&token, &request("resident-id", &[office.proof(&holder, &nonce)])).is_ok(), "and it goes on");
}

impl Office {
    /// A nonce of an issuer with other keys.
    fn new_with_other_keys_nonce() -> String {
        use yufu::{base::random::SeededRandom, crypto::Algorithm, issuance::nonce::Nonces, keyring::Keyring};
        let office = Self::new();
        let random = SeededRandom::new(99);
        let mut ground = office.ground.clone();
        ground.keyring = Keyring::in_memory(URL, Algorithm::Es256, &office.clock, &random).expect("other keys").into();
        Nonces::new(ground).issue().c_nonce
    }
}

#[test]
fn nr_05_a_nonce_is_good_once_and_for_five_minutes() {
    let office = Office::new();
    let first = office.token(&["resident-id"]);
    let second = office.token(&["resident-id"]);
    let nonce = office.nonce();
    assert!(office.fetch(&first, &request("resident-id", &[office.proof(&key(1), &nonce)])).is_ok());
    let state = office.state();
    let used = office.fetch(&second, &request("resident-id", &[office.proof(&key(2), &nonce)]));
    assert_eq!(used, Err(ProofError::NonceNotGood.into()));
    let nonce = office.nonce();
    office.clock.advance(299);
    assert!(office.fetch(&second, &request("resident-id", &[office.proof(&key(2), &nonce)])).is_ok());
    office.clock.advance(1);
    let third = office.token(&["resident-id"]);
    let old = office.fetch(&third, &request("resident-id", &[office.proof(&key(4), &nonce)]));
    assert_eq!(old, Err(ProofError::NonceNotGood.into()));
    assert_eq!(office.state().1, state.1 + 1);
}

#[test]
fn nt_vci_08_tokens_that_are_not_good() {
    let office = Office::new();
    let token = office.token(&["resident-id"]);
    let body = request("resident-id", &[office.proof(&key(1), &office.nonce())]);
    let state = office.state();
    let (input, signature) = token.rsplit_once('.').expect("a JWS");
    let altered = format!("{input}.{}", signature.chars().rev().collect::<String>());
    let issuer: std::sync::Arc<dyn Signer> = office.ground.keyring.signer(Purpose::Issuer);
    let claims = token.split('.').nth(1).expect("a payload");
    let claims: Map<String, Value> = serde_json::from_slice(&base64url::decode(claims).expect("base64url")).expect("claims");
    let by_another = yufu::crypto::jws::sign(object(json!({"typ": "at+jwt"})), &claims, &*issuer).expect("signed");
    for bad in ["", "x", "a.b.c", altered.as_str(), by_another.as_str(), office.nonce().as_str()] {
        let refused = office.fetch(bad, &body).expect_err("refused");
        assert_eq!(
            (&refused, refused.code()),
            (&CredentialError::Access(AccessError::InvalidToken), Some("invalid_token")),
            "{bad}"
        );
    }
    office.clock.advance(300);
    assert_eq!(office.fetch(&token, &body), Err(CredentialError::Access(AccessError::InvalidToken)), "expired");
    assert_eq!(office.state(), state);
}

#[test]
fn nt_vci_04_identifiers_bind_the_request_to_what_was_granted() {
    let office = Office::new();
    let offered = office.offer_of(&["resident-id", "transport-qualification"], false);
    let mut asked = token_request(&code(&offered), None);
    let details = |name: &str| Some(format!(r#"[{{"type":"openid_credential","credential_configuration_id":"{name}"}}]"#));
    asked.authorization_details = details("passport");
    assert_eq!(office.tokens.redeem(&no_headers(), &asked).expect_err("refused").code(), Some("invalid_authorization_details"));
    asked.authorization_details = details("resident-id");
    let answer = office.tokens.redeem(&no_headers(), &asked).expect("a token");
    let identifier = &answer.authorization_details[0].credential_identifiers[0];
    let proofs = json!({"jwt": [office.proof(&key(1), &office.nonce())]});
    let fetch = |body: Value| office.fetch(&answer.access_token, &body);
    let by_name = json!({"credential_configuration_id": "resident-id", "proofs": proofs});
    assert_eq!(fetch(by_name), Err(CredentialError::IdentifierNeeded));
    let not_granted = json!({"credential_configuration_id": "transport-qualification", "proofs": proofs});
    assert_eq!(fetch(not_granted), Err(Denial::NotOffered.into()));
    let not_given = json!({"credential_identifier": "card:transport-qualification", "proofs": proofs});
    assert_eq!(fetch(not_given), Err(CredentialError::UnknownIdentifier));
    assert!(fetch(json!({"credential_identifier": identifier, "proofs": proofs})).is_ok());
}

#[test]
fn asking_for_one_thing_many_times_gives_a_token_that_works() {
    let office = Office::new();
    let mut asked = token_request(&code(&office.offer(false)), None);
    let detail = r#"{"type":"openid_credential","credential_configuration_id":"resident-id"}"#;
    asked.authorization_details = Some(format!("[{}]", [detail; 200].join(",")));
    let answer = office.tokens.redeem(&no_headers(), &asked).expect("a token");
    assert_eq!(answer.authorization_details.len(), 1);
    let identifier = &answer.authorization_details[0].credential_identifiers[0];
    let body = json!({"credential_identifier": identifier, "proofs": {"jwt": [office.proof(&key(1), &office.nonce())]}});
    assert!(office.fetch(&answer.access_token, &body).is_ok(), "no longer than what is read back");
}

#[test]
fn a_client_that_named_itself_is_named_in_its_proofs() {
    let office = Office::new();
    let mut asked = token_request(&code(&office.offer(false)), None);
    asked.client_id = Some("wallet".to_owned());
    let token = office.tokens.redeem(&no_headers(), &asked).expect("a token").access_token;
    let proof = |iss: &str| {
        let mut claims = office.claims(&office.nonce());
        claims.insert("iss".to_owned(), json!(iss));
        signed(&key(1), office.header(&key(1)), claims)
    };
    assert_eq!(office.fetch(&token, &request("resident-id", &[proof("other")])), Err(ProofError::Issuer.into()));
    assert!(office.fetch(&token, &request("resident-id", &[proof("wallet")])).is_ok());
}

fn index_of(office: &Office, credential: &str) -> Value {
    let issuer = office.ground.keyring.signer(Purpose::Issuer);
    let verified = Unverified::parse(credential).expect("an SD-JWT").verify(issuer.public_key()).expect("ours");
    verified.claims()["status"]["status_list"]["idx"].clone()
}

//! Attestations of keys that attest nothing: each with its exact code, and nothing changed.

use std::sync::Arc;

use serde_json::{Value, json};
use yufu::{
    base::clock::Clock,
    crypto::{
        KeyError, PublicKey, Signer, SoftwareKey,
        jws::JwsError,
        x509::{ChainError, x5c_header},
    },
    format::openid::credential::CredentialRequestError,
    issuance::{
        attestation_status::{AttestationStatuses, NamedStatus},
        credential::{Body, CredentialError, Credentials},
        proof::{KeyAttestationError as Attestation, ProofError},
    },
    model::profile::Profile,
};

use super::{
    office::{Office, URL, bearer, key, raw, request},
    support::attester::{Attester, Jwt},
};

pub const TESTED: &[&str] = &["NT-VCI-07", "OV-11"];

/// An office that trusts one attester of keys, and another one for wallets only.
struct Desk {
    office: Office,
    attester: Attester,
    of_wallets: Attester,
}

impl Desk {
    fn new() -> Self {
        let (attester, of_wallets) = (Attester::new(1), Attester::new(2));
        let office = Office::believing(Profile::Open, &[&of_wallets.root], &[&attester.root]);
        Self { office, attester, of_wallets }
    }

    fn attestation(&self, keys: &[&SoftwareKey], nonce: Option<&str>) -> Jwt {
        let keys: Vec<&PublicKey> = keys.iter().map(|key| key.public_key()).collect();
        self.attester.key_attestation(&keys, nonce, self.office.clock.now())
    }

    /// A proof by `key` with this attestation in its header.
    fn proof(&self, key: &SoftwareKey, nonce: &str, attestation: impl Into<Value>) -> String {
        let claims = json!({"aud": URL, "iat": self.office.clock.now().unix(), "nonce": nonce});
        let header =
            json!({"typ": "openid4vci-proof+jwt", "jwk": key.public_key().to_jwk(), "key_attestation": attestation.into()});
        Jwt::new(header, claims).sign(key)
    }

    fn refuse(&self, line: &str, body: &Value, error: CredentialError) {
        let token = self.office.token(&["resident-id"]);
        let state = self.office.state();
        let code = if error == ProofError::NonceNotGood.into() { "invalid_nonce" } else { "invalid_proof" };
        let refused = self.office.fetch(&token, body).expect_err("refused");
        assert_eq!((&refused, refused.code()), (&error, Some(code)), "{line}");
        assert_eq!(self.office.state(), state, "{line}");
    }
}

fn alone(attestation: &str) -> Value {
    json!({"credential_configuration_id": "resident-id", "proofs": {"attestation": [attestation]}})
}

#[test]
fn every_attested_key_gets_a_copy() {
    let desk = Desk::new();
    let (first, second, third) = (key(1), key(2), key(3));
    let fetch = |body: Value| desk.office.fetch(&desk.office.token(&["resident-id"]), &body).expect("copies").credentials;
    let keys = |body: Value| -> Vec<Value> { fetch(body).iter().map(|issued| holder(&issued.credential)).collect() };
    let jwk = |key: &SoftwareKey| key.public_key().to_jwk();
    let all = [&first, &second, &third];
    let nonce = desk.office.nonce();
    let attested = desk.attester.sign(desk.attestation(&all, Some(&nonce)));
    // One proof stands for all, in their order.
    let proof = desk.proof(&second, &nonce, attested.as_str());
    assert_eq!(keys(request("resident-id", &[proof])), [jwk(&first), jwk(&second), jwk(&third)]);
    // Several come in their own order, before keys that none of them signed with.
    let nonce = desk.office.nonce();
    let attested = desk.attester.sign(desk.attestation(&all, Some(&nonce)));
    let proofs = [desk.proof(&third, &nonce, attested.as_str()), desk.proof(&first, &nonce, attested.as_str())];
    assert_eq!(keys(request("resident-id", &proofs)), [jwk(&third), jwk(&first), jwk(&second)]);
    // The attestation alone, which needs no end of its own.
    let nonce = desk.office.nonce();
    let attested = desk.attester.sign(desk.attestation(&all, Some(&nonce)).claim("exp", Value::Null));
    assert_eq!(keys(alone(&attested)), [jwk(&first), jwk(&second), jwk(&third)]);
    assert_eq!(desk.office.cards().iter().map(|card| card.copies.len()).collect::<Vec<_>>(), [3, 3, 3]);
}

#[test]
fn a_proof_may_name_its_key_by_its_place_or_name_in_the_attestation() {
    let desk = Desk::new();
    let (first, second) = (key(1), key(3));
    let named = |kid: &str, signer: &SoftwareKey| {
        let nonce = desk.office.nonce();
        let mut attested = desk.attestation(&[&first, &second], Some(&nonce));
        attested.claims["attested_keys"][0]["kid"] = json!("1");
        let claims = json!({"aud": URL, "iat": desk.office.clock.now().unix(), "nonce": nonce});
        let attested = desk.attester.sign(attested);
        let header = json!({"alg": "ES256", "typ": "openid4vci-proof+jwt", "kid": kid, "key_attestation": attested});
        request("resident-id", &[raw(signer, &header, claims.as_object().expect("an object"))])
    };
    let fetch =
        |body: &Value| desk.office.fetch(&desk.office.token(&["resident-id"]), body).map(|issued| issued.credentials.len());
    assert_eq!(fetch(&named("1", &first)), Ok(2), "a name goes before a place");
    assert_eq!(fetch(&named("0", &first)), Ok(2));
    desk.refuse("NT-VCI-07", &named("1", &second), ProofError::from(JwsError::BadSignature).into());
    desk.refuse("NT-VCI-07", &named("2", &second), ProofError::NotAttested.into());
    desk.refuse("NT-VCI-07", &named("x", &second), ProofError::NotAttested.into());
}

#[test]
fn nt_vci_07_attestations_that_attest_nothing() {
    let desk = Desk::new();
    let (holder, other) = (key(1), key(3));
    let now = desk.office.clock.now().unix();
    let nonce = desk.office.nonce();
    let good = || desk.attestation(&[&holder], Some(&nonce));
    let sign = |jwt: Jwt| desk.attester.sign(jwt);
    let untrusted = Attester::new(9);
    let by = |attester: &Attester| attester.sign(good().header("x5c", x5c_header(&attester.chain)));
    let with_root = x5c_header(&[desk.attester.chain[0].clone(), desk.attester.root.clone()]);
    let mut private = holder.public_key().to_jwk();
    private["d"] = json!("AAAA");
    let eleven: Vec<Value> = (0..11).map(|n| key(100 + 2 * n + 1).public_key().to_jwk()).collect();
    let header = |member: &str, value: Value| {
        let mut header = Value::Object(good().header.clone());
        header["alg"] = json!("ES256");
        header[member] = value;
        raw(&desk.attester.key, &header, &good().claims)
    };
    let twice = json!([holder.public_key().to_jwk(), holder.public_key().to_jwk()]);
    let rows: Vec<(&str, String, ProofError)> = vec![
        ("expired", sign(good().claim("exp", now - 60)), Attestation::Time("exp").into()),
        ("not yet valid", sign(good().claim("nbf", now + 61)), Attestation::Time("nbf").into()),
        ("from tomorrow", sign(good().claim("iat", now + 61)), Attestation::Time("iat").into()),
        ("of no time", sign(good().claim("iat", Value::Null)), Attestation::TimeMissing("iat").into()),
        ("of a time in words", sign(good().claim("iat", "now")), ProofError::NotATime("iat")),
        ("untrusted", by(&untrusted), Attestation::Chain(ChainError::Untrusted).into()),
        ("trusted for wallets only", by(&desk.of_wallets), Attestation::Chain(ChainError::Untrusted).into()),
        (
            "self-signed",
            good().header("x5c", x5c_header(std::slice::from_ref(&untrusted.root))).sign(&untrusted.root_key),
            Attestation::Chain(ChainError::SelfSigned).into(),
        ),
        (
            "with the anchor",
            sign(good().header("x5c", with_root)),
            Attestation::Chain(ChainError::AnchorIncluded { position: 1 }).into(),
        ),
        ("without a chain", sign(good().header("x5c", Value::Null)), Attestation::NoChain.into()),
        ("by another key", good().sign(&other), Attestation::Jws(JwsError::BadSignature).into()),
        ("of another type", sign(good().header("typ", "JWT")), Attestation::Jws(JwsError::WrongType).into()),
        ("of a draft's type", sign(good().header("typ", "keyattestation+jwt")), Attestation::Jws(JwsError::WrongType).into()),
        ("alg none", header("alg", json!("none")), Attestation::Jws(JwsError::AlgorithmNotAllowed).into()),
        ("alg HS256", header("alg", json!("HS256")), Attestation::Jws(JwsError::AlgorithmNotAllowed).into()),
        ("alg of another key", header("alg", json!("EdDSA")), Attestation::Jws(JwsError::AlgorithmNotAllowed).into()),
        ("crit", header("crit", json!(["exp"])), Attestation::Jws(JwsError::HeaderNotAccepted("crit")).into()),
        ("no keys", sign(good().claim("attested_keys", Value::Null)), Attestation::Keys.into()),
        ("an empty list", sign(good().claim("attested_keys", json!([]))), Attestation::Keys.into()),
        ("too many keys", sign(good().claim("attested_keys", json!(eleven))), Attestation::Keys.into()),
        ("texts for keys", sign(good().claim("attested_keys", json!(["x"]))), Attestation::Keys.into()),
        ("a private key", sign(good().claim("attested_keys", json!([private]))), Attestation::Key(KeyError::Private).into()),
        ("one key twice", sign(good().claim("attested_keys", twice)), Attestation::KeyTwice.into()),
        ("a nonce of nobody", sign(good().claim("nonce", "made up")), ProofError::NonceNotGood),
        (
            "a status nobody can tell",
            sign(good().claim("status", json!({"status_list": {"idx": 1, "uri": "https://attester-1.example/1"}}))),
            Attestation::StatusUnknown.into(),
        ),
        ("a number for a nonce", sign(good().claim("nonce", 7)), ProofError::NonceMissing),
    ];
    for (line, attestation, error) in rows {
        desk.refuse(line, &alone(&attestation), error.clone().into());
        let beside = request("resident-id", &[desk.proof(&holder, &nonce, attestation.as_str())]);
        desk.refuse(line, &beside, error.into());
    }
    let beside = |attestation: Value| request("resident-id", &[desk.proof(&holder, &nonce, attestation)]);
    let without_end = sign(good().claim("exp", Value::Null));
    desk.refuse("no end", &beside(json!(without_end)), ProofError::from(Attestation::TimeMissing("exp")).into());
    let of_other = sign(desk.attestation(&[&other], Some(&nonce)));
    desk.refuse("another's key", &beside(json!(of_other)), ProofError::NotAttested.into());
    desk.refuse("no text", &beside(json!({})), ProofError::AttestationNotText.into());
    let without_nonce = sign(good().claim("nonce", Value::Null));
    desk.refuse("no nonce", &alone(&without_nonce), ProofError::NonceMissing.into());
    let two = json!({"credential_configuration_id": "resident-id", "proofs": {"attestation": [sign(good()), sign(good())]}});
    desk.refuse("two attestations", &two, CredentialRequestError::TooManyProofs.into());
    // Beside a proof over a fresh nonce an older attestation is good until it ends.
    let token = desk.office.token(&["resident-id"]);
    assert_eq!(desk.office.fetch(&token, &beside(json!(without_nonce))).map(|issued| issued.credentials.len()), Ok(1));
}

#[test]
fn ov_11_an_attestation_is_used_once() {
    let desk = Desk::new();
    let nonce = desk.office.nonce();
    let attested = desk.attester.sign(desk.attestation(&[&key(1)], Some(&nonce)));
    let (first, second) = (desk.office.token(&["resident-id"]), desk.office.token(&["resident-id"]));
    assert!(desk.office.fetch(&first, &alone(&attested)).is_ok());
    let state = desk.office.state();
    assert!(desk.office.fetch(&first, &alone(&attested)).is_ok(), "a lost answer is given again");
    assert_eq!(desk.office.fetch(&second, &alone(&attested)), Err(ProofError::NonceNotGood.into()));
    // Nor does its nonce serve beside another proof.
    let fresh = desk.office.nonce();
    let proof = desk.proof(&key(1), &fresh, attested.as_str());
    assert_eq!(desk.office.fetch(&second, &request("resident-id", &[proof])), Err(ProofError::NonceNotGood.into()));
    assert_eq!(desk.office.state(), state);
}

fn holder(credential: &str) -> Value {
    let payload = credential.split('.').nth(1).expect("a payload");
    let claims: Value = serde_json::from_slice(&yufu::base::base64url::decode(payload).expect("base64url")).expect("JSON");
    claims["cnf"]["jwk"].clone()
}

/// What the attester's list says of every attestation.
struct Says(Option<bool>);

impl AttestationStatuses for Says {
    fn is_valid(&self, named: &NamedStatus) -> Option<bool> {
        assert_eq!((named.attester.as_str(), named.reference.index), ("https://attester-1.example", 7));
        self.0
    }
}

#[test]
fn ov_11_an_attestation_that_was_revoked_is_none() {
    let desk = Desk::new();
    let mut ground = desk.office.ground.clone();
    for (said, expected) in [
        (Some(false), Err(ProofError::from(Attestation::Revoked).into())),
        (None, Err(ProofError::from(Attestation::StatusUnknown).into())),
        (Some(true), Ok(false)),
    ] {
        ground.attestation_statuses = Arc::new(Says(said));
        let status = json!({"status_list": {"idx": 7, "uri": "https://attester-1.example/lists/1"}});
        let nonce = desk.office.nonce();
        let attested = desk.attester.sign(desk.attestation(&[&key(1)], Some(&nonce)).claim("status", status));
        let token = bearer(&desk.office.token(&["resident-id"]));
        let body = alone(&attested).to_string();
        let answer = Credentials::new(ground.clone()).issue(&token, Body::Json(body.as_bytes()));
        assert_eq!(answer.map(|reply| reply.deferred), expected, "{said:?}");
    }
}

use serde_json::json;

use super::*;
use crate::{
    base::{clock::ManualClock, random::SeededRandom},
    crypto::{
        Algorithm, PublicKey, SoftwareKey,
        jwe::DecryptionKey,
        jws::{JwsError, Unverified},
        x509::{self, Anchor, Issuer, Request, Role, Subject, Validity, verify_chain},
    },
    format::openid::presentation::{ClientMetadata, Destination},
};

const URL: &str = "https://id.example:8443";
const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);
const RESPONSE_URI: &str = "https://id.example:8443/responses/abc";

fn keyring(signing: Algorithm) -> Keyring {
    Keyring::in_memory(URL, signing, &ManualClock::at(NOW), &SeededRandom::new(1)).expect("keys")
}

fn signer(prefix: ClientIdPrefix, keyring: &Keyring) -> RequestSigner {
    RequestSigner::new(prefix, keyring, URL, None, NOW).expect("an identity")
}

fn claims(signer: &RequestSigner) -> RequestClaims {
    let key = DecryptionKey::generate(&SeededRandom::new(2));
    RequestClaims {
        client_id: Some(signer.client_id(RESPONSE_URI)),
        nonce: "n-0S6_WzA2Mj".to_owned(),
        state: Some("af0ifjsldkj".to_owned()),
        destination: Destination::DirectPost { response_uri: RESPONSE_URI.to_owned(), encrypted: true },
        dcql_query: json!({"credentials": []}),
        client_metadata: ClientMetadata { encryption_key: Some(key.public_jwk("1")) },
        wallet_nonce: Some("qPmxiNFCR3QTm19POc8u".to_owned()),
        transaction_data: vec![],
        verifier_info: vec![],
        issued_at: Some(NOW),
    }
}

/// What a wallet does with a request object before it believes a word of it (sections 5.9.3 and 5.10.1): `typ`, the
/// chain, the client identifier against the leaf, the signature by the leaf, and its own nonce.
fn accept(text: &str, anchors: &[Anchor], wallet_nonce: &str) -> Result<Map<String, Value>, &'static str> {
    let request = Unverified::parse(text, &[REQUEST_OBJECT_TYPE]).map_err(|error| match error {
        JwsError::WrongType => "typ",
        _ => "form",
    })?;
    let x5c = request.header().x5c.clone().ok_or("x5c")?;
    let leaf = verify_chain(&x5c, anchors, NOW).map_err(|_| "chain")?;
    let client_id = request.dangerous_unverified_claims().map_err(|_| "form")?;
    let client_id = client_id.get("client_id").and_then(Value::as_str).ok_or("client_id")?.to_owned();
    let named = match client_id.split_once(':') {
        Some(("x509_hash", hash)) => hash == base64url::encode(sha256(&x5c[0])),
        Some(("x509_san_dns", name)) => leaf.dns_names.iter().any(|one| one == name),
        _ => return Err("prefix"),
    };
    if !named {
        return Err("client_id");
    }
    let claims = request.verify(&leaf.public_key).map_err(|_| "signature")?.claims;
    if claims.get("wallet_nonce").is_none_or(|nonce| nonce != wallet_nonce) {
        return Err("wallet_nonce");
    }
    Ok(claims)
}

#[test]
fn a_wallet_accepts_what_is_signed() {
    for (prefix, signing) in [(ClientIdPrefix::X509Hash, Algorithm::Es256), (ClientIdPrefix::X509SanDns, Algorithm::Ed25519)] {
        let keyring = keyring(signing);
        let signer = signer(prefix, &keyring);
        let claims = claims(&signer);
        let text = signer.sign(&claims, NOW).expect("it is signed");
        assert_eq!(accept(&text, keyring.anchors(), "qPmxiNFCR3QTm19POc8u"), Ok(claims.to_map()));
        let header = Unverified::parse(&text, &[REQUEST_OBJECT_TYPE]).expect("a request object").header().members.clone();
        assert_eq!(header.keys().collect::<Vec<_>>(), ["alg", "typ", "x5c"]);
        assert_eq!(header["alg"], "ES256");
    }
    let dns = signer(ClientIdPrefix::X509SanDns, &keyring(Algorithm::Es256));
    assert_eq!(dns.client_id(RESPONSE_URI), "x509_san_dns:id.example");
}

#[test]
fn nt_vp_08_a_request_object_that_is_not_whole_is_refused() {
    let keyring = keyring(Algorithm::Es256);
    let (by_hash, by_name) = (signer(ClientIdPrefix::X509Hash, &keyring), signer(ClientIdPrefix::X509SanDns, &keyring));
    let nonce = "qPmxiNFCR3QTm19POc8u";
    let forged = |header: Value, claims: &RequestClaims, key: &dyn Signer| {
        let header = header.as_object().expect("an object").clone();
        accept(&jws::sign(header, &claims.to_map(), key).expect("it is signed"), keyring.anchors(), nonce)
    };
    let (key, x5c) = (keyring.signer(Purpose::Request), x5c_header(keyring.x5c(Purpose::Request)));
    let whole = json!({"typ": REQUEST_OBJECT_TYPE, "x5c": x5c});
    assert!(forged(whole.clone(), &claims(&by_hash), &*key).is_ok());
    // typ missing.
    assert_eq!(forged(json!({"x5c": x5c}), &claims(&by_hash), &*key), Err("typ"));
    // The hash of another certificate, another name than the leaf's, and one that only ends alike.
    for client_id in ["x509_hash:AAAA", "x509_san_dns:other.example", "x509_san_dns:example", "redirect_uri:https://id.example"]
    {
        let named = RequestClaims { client_id: Some(client_id.to_owned()), ..claims(&by_name) };
        assert!(matches!(forged(whole.clone(), &named, &*key), Err("client_id" | "prefix")), "{client_id}");
    }
    // Signed by another key, such as one that the client metadata could name.
    let other = SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(9));
    assert_eq!(forged(whole.clone(), &claims(&by_hash), &other), Err("signature"));
    // wallet_nonce absent, and another.
    for wallet_nonce in [None, Some("other".to_owned())] {
        assert_eq!(forged(whole.clone(), &RequestClaims { wallet_nonce, ..claims(&by_hash) }, &*key), Err("wallet_nonce"));
    }
    // And our own never lack any of it.
    assert!(accept(&by_hash.sign(&claims(&by_hash), NOW).expect("it is signed"), keyring.anchors(), nonce).is_ok());
}

#[test]
fn nt_haip_01_signed_by_hash_of_a_chain_without_its_anchor() {
    // By default: signed, `x509_hash`, no anchor in x5c, the leaf not self-signed.
    assert_eq!(ClientIdPrefix::default(), ClientIdPrefix::X509Hash);
    let ring = keyring(Algorithm::Es256);
    let signer = signer(ClientIdPrefix::default(), &ring);
    let text = signer.sign(&claims(&signer), NOW).expect("it is signed");
    let request = Unverified::parse(&text, &[REQUEST_OBJECT_TYPE]).expect("a request object");
    let x5c = request.header().x5c.clone().expect("a chain");
    assert!(ring.anchors().iter().all(|anchor| x5c.iter().all(|certificate| certificate != anchor.der())));
    assert_eq!(signer.client_id(RESPONSE_URI), format!("x509_hash:{}", base64url::encode(sha256(&x5c[0]))));

    // Other chains are refused before anything is signed.
    let (key, leaf) = (ring.signer(Purpose::Request), ring.x5c(Purpose::Request)[0].clone());
    let with = |x5c: &[Vec<u8>]| {
        RequestSigner::with_key(ClientIdPrefix::X509Hash, Arc::clone(&key), x5c, "id.example", None, NOW).err()
    };
    let anchor = ring.anchors()[0].der().to_vec();
    assert_eq!(with(&[leaf, anchor]), Some(ChainError::AnchorIncluded { position: 1 }.into()));
    let request = Request {
        subject: Subject { country: "CN", organization: "gate", common_name: "gate" },
        public_key: key.public_key(),
        validity: Validity { not_before: NOW.plus_seconds(-9), not_after: NOW.plus_seconds(9) },
        role: Role::Leaf,
        uris: &[],
        dns_names: &["id.example"],
        extended_key_usages: &[],
    };
    let issuer = Issuer { certificate: None, signer: &*key };
    let self_signed = x509::issue(&request, issuer, &SeededRandom::new(3)).expect("a certificate");
    assert_eq!(with(&[self_signed]), Some(ChainError::SelfSigned.into()));
    assert_eq!(with(&[]), Some(ChainError::Empty.into()));
    assert_eq!(with(ring.x5c(Purpose::Issuer)), Some(IdentityError::OtherKey));
}

#[test]
fn a_name_that_the_certificate_does_not_carry_is_not_claimed() {
    let ring = keyring(Algorithm::Es256);
    let moved = RequestSigner::new(ClientIdPrefix::X509SanDns, &ring, "https://other.example", None, NOW);
    assert_eq!(moved.err(), Some(IdentityError::OtherHost("other.example".to_owned())));
}

#[test]
fn under_redirect_uri_nothing_is_signed() {
    let ring = keyring(Algorithm::Es256);
    let unsigned = signer(ClientIdPrefix::RedirectUri, &ring);
    assert!(!unsigned.is_signed());
    assert_eq!(unsigned.client_id(RESPONSE_URI), format!("redirect_uri:{RESPONSE_URI}"));
    assert_eq!(unsigned.sign(&claims(&unsigned), NOW), Err(RequestSignError::Unsigned));
}

#[test]
fn nothing_is_signed_after_the_certificate_expired() {
    let ring = keyring(Algorithm::Es256);
    let signer = signer(ClientIdPrefix::X509Hash, &ring);
    let last = check_own_chain(ring.x5c(Purpose::Request), NOW).expect("a good chain").not_after;
    assert!(signer.sign(&claims(&signer), last).is_ok());
    assert_eq!(signer.sign(&claims(&signer), last.plus_seconds(1)), Err(RequestSignError::Expired(last)));
    let late = RequestSigner::new(ClientIdPrefix::X509Hash, &ring, URL, None, last.plus_seconds(1));
    assert_eq!(late.err(), Some(ChainError::Expired { position: 0, not_after: last }.into()));
}

/// An attestation about `key` by an authority, changed by `change`.
fn attestation(key: &PublicKey, change: impl FnOnce(&mut Map<String, Value>, &mut Map<String, Value>)) -> String {
    let authority = SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(7));
    let object = |value: Value| value.as_object().expect("an object").clone();
    let mut header = object(json!({"typ": "verifier-attestation+jwt"}));
    let until = NOW.plus_seconds(60).unix();
    let mut claims =
        object(json!({"iss": "https://registrar.example", "sub": "gate-12", "exp": until, "cnf": {"jwk": key.to_jwk()}}));
    change(&mut header, &mut claims);
    jws::sign(header, &claims, &authority).expect("it is signed")
}

#[test]
fn an_attestation_about_our_key_stands_in_the_header() {
    let ring = keyring(Algorithm::Es256);
    let key = ring.signer(Purpose::Request).public_key().clone();
    let text = attestation(&key, |_, _| {});
    let prefix = ClientIdPrefix::VerifierAttestation;
    let signer = RequestSigner::new(prefix, &ring, URL, Some(&format!("{text}\n")), NOW).expect("an identity");
    assert_eq!(signer.client_id(RESPONSE_URI), "verifier_attestation:gate-12");
    let signed = signer.sign(&claims(&signer), NOW).expect("it is signed");
    let request = Unverified::parse(&signed, &[REQUEST_OBJECT_TYPE]).expect("a request object");
    assert_eq!(request.header().members["jwt"], text);
    assert!(request.verify(&key).is_ok());
    let expired = NOW.plus_seconds(60);
    assert_eq!(signer.sign(&claims(&signer), expired.plus_seconds(1)), Err(RequestSignError::Expired(expired)));
}

#[test]
fn an_attestation_that_wallets_would_refuse_is_refused_first() {
    type Change = fn(&mut Map<String, Value>, &mut Map<String, Value>);
    let ring = keyring(Algorithm::Es256);
    let key = ring.signer(Purpose::Request).public_key().clone();
    let read = |text: Option<&str>| RequestSigner::new(ClientIdPrefix::VerifierAttestation, &ring, URL, text, NOW).err();
    let refused = |error: AttestationError| Some(IdentityError::Attestation(error));
    for (text, error) in [
        (None, AttestationError::Missing),
        (Some(" \n"), AttestationError::Missing),
        (Some("a.b"), AttestationError::Malformed),
        (Some("e30.e30."), AttestationError::Malformed),
        (Some("e30.e30.AA.AA.AA"), AttestationError::Malformed),
    ] {
        assert_eq!(read(text), refused(error));
    }
    let cases: [(Change, AttestationError); 8] = [
        (|header, _| drop(header.insert("typ".to_owned(), "jwt".into())), AttestationError::Malformed),
        (|_, claims| drop(claims.remove("sub")), AttestationError::Claim("sub")),
        (|_, claims| drop(claims.remove("iss")), AttestationError::Claim("iss")),
        (|_, claims| drop(claims.remove("exp")), AttestationError::Claim("exp")),
        (|_, claims| drop(claims.remove("cnf")), AttestationError::Claim("cnf")),
        (|_, claims| drop(claims.insert("cnf".to_owned(), json!({"kid": "1"}))), AttestationError::Claim("cnf")),
        (|_, claims| drop(claims.insert("exp".to_owned(), 1.into())), AttestationError::Expired(Timestamp::from_unix(1))),
        (|_, claims| drop(claims.insert("redirect_uris".to_owned(), json!([]))), AttestationError::RedirectUris),
    ];
    for (change, error) in cases {
        assert_eq!(read(Some(&attestation(&key, change))), refused(error));
    }
    let other = SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(9));
    assert_eq!(read(Some(&attestation(other.public_key(), |_, _| {}))), refused(AttestationError::OtherKey));
}

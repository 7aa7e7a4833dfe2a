//! Headers made to have a token checked by another rule, another key or another decoder: the layer that reads whatever a
//! stranger signs, row by row with the exact refusal.

use std::net::TcpListener;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use yufu::{
    base::{
        base64url,
        limits::{JWS_BYTES, X5C_CERTIFICATES},
        random::SeededRandom,
        time::Timestamp,
    },
    crypto::{
        Algorithm, Signer, SoftwareKey,
        jws::{JwsError, Unverified, Verified},
        pem,
        x509::{self, Anchor, ChainError, Issuer, Request, Role, Subject, Validity, issue, verify_chain, x5c_header},
    },
};

pub const TESTED: &[&str] = &[
    "JH-01", "JH-02", "JH-03", "JH-04", "JH-05", "JH-06", "JH-07", "JH-08", "JH-09", "JH-10", "JH-11", "JH-12", "JH-13",
    "JH-14", "X-01", "X-02", "X-03", "X-06",
];

const TYPE: &str = "kb+jwt";
const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);

pub fn key(algorithm: Algorithm) -> SoftwareKey {
    SoftwareKey::generate(algorithm, &SeededRandom::new(11))
}

/// Header and payload as text, signed by `key` whatever they say.
pub fn signed(header: &str, payload: &str, key: &SoftwareKey) -> String {
    let input = format!("{}.{}", base64url::encode(header), base64url::encode(payload));
    let signature = key.sign(input.as_bytes()).expect("a software key signs");
    format!("{input}.{}", base64url::encode(signature))
}

/// What a reader that knows the signer's key says.
pub fn read(text: &str, key: &SoftwareKey) -> Result<Verified, JwsError> {
    Unverified::parse(text, &[TYPE])?.verify(key.public_key())
}

/// A header of the right type and algorithm with `more` members, well signed.
fn with(more: Value) -> Result<Verified, JwsError> {
    let key = key(Algorithm::Es256);
    let mut header = json!({"typ": TYPE, "alg": "ES256"});
    for (member, value) in more.as_object().expect("an object") {
        header[member] = value.clone();
    }
    read(&signed(&header.to_string(), "{}", &key), &key)
}

/// A header as text, well signed.
fn of(header: &str) -> Result<Verified, JwsError> {
    let key = key(Algorithm::Es256);
    read(&signed(header, "{}", &key), &key)
}

#[test]
fn an_honest_token_is_read() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let header = json!({"typ": TYPE, "alg": algorithm.jose_name(), "kid": key.key_id()}).to_string();
        let verified = read(&signed(&header, r#"{"a":1}"#, &key), &key).expect("a good token");
        assert_eq!(Value::Object(verified.claims), json!({"a": 1}));
    }
    // RFC 9864 names the same algorithm so.
    let key = key(Algorithm::Ed25519);
    assert!(read(&signed(r#"{"typ":"kb+jwt","alg":"Ed25519"}"#, "{}", &key), &key).is_ok());
}

#[test]
fn the_algorithm_comes_from_the_key_and_from_nothing_else() {
    let names = ["none", "None", "nOnE", "NONE", "", "es256", "ES256 ", "ES384", "ES256K", "RS256", "PS256", "HS256", "ESP256"];
    for name in names {
        let header = json!({"typ": TYPE, "alg": name}).to_string();
        assert_eq!(of(&header), Err(JwsError::AlgorithmNotAllowed), "JH-01, X-01: {name:?}");
        let unsigned = format!("{}.{}.", base64url::encode(&header), base64url::encode("{}"));
        assert_eq!(read(&unsigned, &key(Algorithm::Es256)), Err(JwsError::AlgorithmNotAllowed), "JH-01: {name:?}, unsigned");
    }
    for alg in [
        r#"{"typ":"kb+jwt"}"#,
        r#"{"typ":"kb+jwt","alg":7}"#,
        r#"{"typ":"kb+jwt","alg":["ES256"]}"#,
        r#"{"typ":"kb+jwt","alg":null}"#,
    ] {
        assert_eq!(of(alg), Err(JwsError::AlgorithmNotAllowed), "JH-04: {alg}");
    }
    // One algorithm's name over the other's key, signed by that key.
    for (name, algorithm) in [("ES256", Algorithm::Ed25519), ("EdDSA", Algorithm::Es256), ("Ed25519", Algorithm::Es256)] {
        let key = key(algorithm);
        let text = signed(&json!({"typ": TYPE, "alg": name}).to_string(), "{}", &key);
        assert_eq!(read(&text, &key), Err(JwsError::AlgorithmNotAllowed), "JH-03: {name}");
    }
}

#[test]
fn a_public_key_is_never_a_mac_key() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let jwk = key.public_key().to_jwk().to_string();
        let pem = pem::encode("PUBLIC KEY", key.public_key().as_bytes());
        for secret in [key.public_key().as_bytes(), jwk.as_bytes(), pem.as_bytes(), b""] {
            let input = format!("{}.{}", base64url::encode(r#"{"typ":"kb+jwt","alg":"HS256"}"#), base64url::encode("{}"));
            let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).expect("any length will do");
            mac.update(input.as_bytes());
            let text = format!("{input}.{}", base64url::encode(mac.finalize().into_bytes()));
            assert_eq!(read(&text, &key), Err(JwsError::AlgorithmNotAllowed), "JH-02");
            // The same MAC under the name of the key's own algorithm.
            let renamed = json!({"typ": TYPE, "alg": algorithm.jose_name()}).to_string();
            let tail = text.split_once('.').expect("three parts").1;
            let renamed = format!("{}.{tail}", base64url::encode(renamed));
            assert_eq!(read(&renamed, &key), Err(JwsError::BadSignature), "JH-02");
        }
    }
}

#[test]
fn a_key_that_comes_with_the_token_is_not_the_key_it_is_checked_with() {
    let (honest, attacker) = (key(Algorithm::Es256), SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(99)));
    let header = json!({"typ": TYPE, "alg": "ES256", "jwk": attacker.public_key().to_jwk(), "kid": honest.key_id()});
    let text = signed(&header.to_string(), "{}", &attacker);
    assert_eq!(read(&text, &honest), Err(JwsError::BadSignature), "JH-05");
    for jwk in [json!("text"), json!([]), json!(null), json!(1)] {
        assert_eq!(with(json!({ "jwk": jwk })), Err(JwsError::HeaderNotAccepted("jwk")), "JH-05: {jwk}");
    }
}

#[test]
fn no_address_of_a_header_is_ever_called() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("it can wait");
    let url = format!("http://{}/keys", listener.local_addr().expect("it has an address"));
    for member in ["jku", "x5u"] {
        assert_eq!(with(json!({ member: url })), Err(JwsError::HeaderNotAccepted(member)), "JH-06");
        assert_eq!(with(json!({ member: 1 })), Err(JwsError::HeaderNotAccepted(member)), "JH-06");
    }
    let waiting = listener.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(waiting, Err(std::io::ErrorKind::WouldBlock), "JH-06: nobody connected");
}

#[test]
fn a_kid_is_a_short_printable_name_and_opens_nothing() {
    // Printable names are kept as they are, to be compared with names of known keys: there is no path, no query.
    for kid in ["../../etc/passwd", "' OR 1=1 --", "key\\..\\x", ""] {
        let header = Unverified::parse(
            &signed(&json!({"typ": TYPE, "alg": "ES256", "kid": kid}).to_string(), "{}", &key(Algorithm::Es256)),
            &[TYPE],
        )
        .map(|unverified| unverified.header().kid.clone());
        assert_eq!(header, Ok(Some(kid.to_owned())), "JH-07");
    }
    let refused =
        [json!("a".repeat(64 * 1024)), json!("a\0b"), json!("a\nb"), json!("\u{1b}[31m"), json!("身份"), json!(1), json!({})];
    for kid in refused {
        assert_eq!(with(json!({ "kid": kid })), Err(JwsError::HeaderNotAccepted("kid")), "JH-07");
    }
}

#[test]
fn members_that_change_what_is_signed_or_how_it_is_read_are_refused() {
    for crit in [json!(["x"]), json!([]), json!(["alg"]), json!(["b64"]), json!("x"), json!(null)] {
        assert_eq!(with(json!({ "crit": crit })), Err(JwsError::HeaderNotAccepted("crit")), "JH-09, X-01: {crit}");
    }
    for b64 in [json!(false), json!(true)] {
        assert_eq!(with(json!({ "b64": b64 })), Err(JwsError::HeaderNotAccepted("b64")), "JH-10");
    }
    assert_eq!(with(json!({ "zip": "DEF" })), Err(JwsError::HeaderNotAccepted("zip")), "JH-13");
    for (member, value) in
        [("enc", json!("A256GCM")), ("epk", json!({})), ("p2c", json!(2_147_483_648_u32)), ("p2s", json!("AAAA"))]
    {
        assert_eq!(with(json!({ member: value })), Err(JwsError::HeaderNotAccepted(member)), "JH-14");
    }
}

#[test]
fn an_encrypted_token_is_not_opened() {
    let part = base64url::encode("part");
    for alg in ["dir", "ECDH-ES", "PBES2-HS256+A128KW", "RSA-OAEP-256", "A256GCMKW"] {
        let header = json!({"typ": TYPE, "alg": alg, "enc": "A256GCM", "p2c": 2_147_483_648_u32}).to_string();
        let header = base64url::encode(header);
        let five = format!("{header}.{part}.{part}.{part}.{part}");
        assert_eq!(read(&five, &key(Algorithm::Es256)), Err(JwsError::Malformed), "JH-14: {alg}");
        let three = format!("{header}.{part}.{part}");
        assert_eq!(read(&three, &key(Algorithm::Es256)), Err(JwsError::AlgorithmNotAllowed), "JH-14: {alg}");
    }
}

#[test]
fn one_kind_of_token_is_never_taken_for_another() {
    const KINDS: [&str; 12] = [
        "dc+sd-jwt",
        "kb+jwt",
        "statuslist+jwt",
        "openid4vci-proof+jwt",
        "key-attestation+jwt",
        "oauth-client-attestation+jwt",
        "oauth-client-attestation-pop+jwt",
        "dpop+jwt",
        "oauth-authz-req+jwt",
        "openidvci-issuer-metadata+jwt",
        "at+jwt",
        "JWT",
    ];
    let key = key(Algorithm::Es256);
    for made in KINDS {
        let text = signed(&json!({"typ": made, "alg": "ES256"}).to_string(), "{}", &key);
        for wanted in KINDS {
            let read = Unverified::parse(&text, &[wanted]).map(|_| ());
            let expected = if made == wanted { Ok(()) } else { Err(JwsError::WrongType) };
            assert_eq!(read, expected, "JH-11, X-02: {made} as {wanted}");
        }
    }
    for typ in
        [json!("KB+JWT"), json!("application/kb+jwt"), json!("kb+jwt "), json!(""), json!(1), json!(["kb+jwt"]), json!(null)]
    {
        assert_eq!(with(json!({ "typ": typ })), Err(JwsError::WrongType), "X-02: {typ}");
    }
    assert_eq!(of(r#"{"alg":"ES256"}"#), Err(JwsError::WrongType), "X-02: none");
}

#[test]
fn a_member_that_stands_twice_is_refused_wherever_it_stands() {
    for header in [
        r#"{"alg":"ES256","alg":"none","typ":"kb+jwt"}"#,
        r#"{"alg":"ES256","typ":"kb+jwt","typ":"kb+jwt"}"#,
        r#"{"alg":"ES256","typ":"kb+jwt","\u0061lg":"ES256"}"#,
        r#"{"alg":"ES256","typ":"kb+jwt","jwk":{"kty":"EC","kty":"OKP"}}"#,
    ] {
        assert_eq!(of(header), Err(JwsError::Malformed), "JH-12, X-03: {header}");
    }
    let key = key(Algorithm::Es256);
    for payload in
        [r#"{"aud":"a","aud":"b"}"#, r#"{"a":{"b":1,"b":1}}"#, "\u{feff}{}", r#"{"a":"\ud800"}"#, "{}{}", "[]", "", "7"]
    {
        let text = signed(r#"{"alg":"ES256","typ":"kb+jwt"}"#, payload, &key);
        let refused = read(&text, &key);
        let expected = if payload.is_empty() {
            matches!(refused, Err(JwsError::Malformed))
        } else {
            matches!(refused, Err(JwsError::Payload(_)))
        };
        assert!(expected, "X-03: {payload}: {refused:?}");
    }
    for header in ["", "[]", "\"kb+jwt\"", "{", "{} {}"] {
        assert_eq!(of(header), Err(JwsError::Malformed), "X-03: {header}");
    }
}

#[test]
fn what_is_too_long_is_not_looked_at() {
    let text = "a".repeat(JWS_BYTES + 1);
    assert_eq!(read(&text, &key(Algorithm::Es256)), Err(JwsError::TooLong));
    for text in ["", ".", "..", "...", "a.b", "a..c", ".b.c"] {
        assert_eq!(read(text, &key(Algorithm::Es256)), Err(JwsError::Malformed), "{text:?}");
    }
}

struct Authority {
    random: SeededRandom,
    key: SoftwareKey,
    root: Vec<u8>,
}

impl Authority {
    fn new() -> Self {
        let (random, key) = (SeededRandom::new(5), key(Algorithm::Es256));
        let root = x509::root(subject("root"), days(-10, 10), &key, &random).expect("a root");
        Self { random, key, root }
    }

    fn certify(&self, request: &Request<'_>) -> Vec<u8> {
        issue(request, Issuer { certificate: Some(&self.root), signer: &self.key }, &self.random).expect("a certificate")
    }

    fn refused(&self, chain: &[Vec<u8>]) -> Option<ChainError> {
        verify_chain(chain, &[Anchor::from_der(&self.root).expect("an anchor")], NOW).err()
    }
}

fn subject(common_name: &str) -> Subject<'_> {
    Subject { country: "CN", organization: "test", common_name }
}

fn days(from: i64, to: i64) -> Validity {
    let day = |day: i64| NOW.plus_seconds(day * 86_400);
    Validity { not_before: day(from), not_after: day(to) }
}

#[test]
fn a_chain_that_does_not_hold_is_refused_for_its_own_reason() {
    let (authority, signer) = (Authority::new(), SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(6)));
    let good = Request {
        subject: subject("leaf"),
        public_key: signer.public_key(),
        validity: days(-1, 1),
        role: Role::Leaf,
        uris: &["https://id.example"],
        dns_names: &[],
        extended_key_usages: &[],
    };
    let leaf = authority.certify(&good);
    assert_eq!(authority.refused(std::slice::from_ref(&leaf)), None);
    let itself = Issuer { certificate: None, signer: &signer };
    let self_signed = issue(&good, itself, &authority.random).expect("a certificate");
    let server_only = authority.certify(&Request { extended_key_usages: &["1.3.6.1.5.5.7.3.1"], ..good });
    let expired = authority.certify(&Request { validity: days(-9, -1), ..good });
    let not_after = NOW.plus_seconds(-86_400);
    let an_authority = authority.certify(&Request { role: Role::Authority(None), ..good });
    let rows = [
        ("JH-08", vec![self_signed], ChainError::SelfSigned),
        ("JH-08, X-06", vec![server_only], ChainError::ExtendedKeyUsage),
        ("JH-08, X-06", vec![expired], ChainError::Expired { position: 0, not_after }),
        ("JH-08", vec![leaf.clone(); 1000], ChainError::TooLong { certificates: 1000 }),
        ("X-06", vec![leaf.clone(), authority.root.clone()], ChainError::AnchorIncluded { position: 1 }),
        ("X-06", vec![leaf.clone(), leaf.clone()], ChainError::NotAnAuthority { position: 1 }),
        ("X-06", vec![an_authority], ChainError::LeafIsAuthority),
        ("X-06", vec![], ChainError::Empty),
    ];
    for (line, chain, error) in rows {
        assert_eq!(authority.refused(&chain), Some(error), "{line}");
    }
    // The header itself: a chain of a thousand, base64url, no array.
    let refused = |x5c: Value| assert_eq!(with(json!({ "x5c": x5c })), Err(JwsError::HeaderNotAccepted("x5c")), "JH-08, X-06");
    refused(x5c_header(&vec![leaf.clone(); X5C_CERTIFICATES + 1]));
    refused(x5c_header(&vec![leaf.clone(); 100]));
    refused(json!([]));
    refused(json!("text"));
    refused(json!([base64url::encode([0xfb, 0xff, 0xfe, 0xff])]));
    refused(json!([7]));
    assert!(with(json!({ "x5c": x5c_header(&[leaf]) })).is_ok());
}

#[test]
fn no_line_is_forgotten() {
    crate::assert_complete("JH-", 14);
}

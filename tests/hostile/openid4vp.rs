//! Presentations, message by message: what a wallet can send that is no answer to what was asked (NT-VP), and what nobody
//! gets us to send (NT-VP-09).

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use yufu::{
    base::{
        base64url,
        limits::{JSON_DEPTH, JWE_HEADER_BYTES, PRESENTATIONS, STATE_BYTES, VP_TOKEN_BYTES, WALLET_NONCE_BYTES},
        random::SeededRandom,
    },
    crypto::{
        Algorithm, SoftwareKey,
        jwe::{DecryptionKey, Encryption, EncryptionKey, JweError, decrypt, encrypt},
        jws,
    },
    format::{
        dcql::Query,
        openid::{
            form::{self, FormError},
            presentation::{
                FetchForm, FetchFormError, HashAlgorithm, PostedResponse, ResponseError, TransactionData, VpToken, VpTokenError,
            },
        },
    },
};

/// The lines that are tested here; NT-VP-08 in `src/verification/request_object/tests.rs` and NT-VP-09 in
/// `src/format/openid/presentation/tests.rs`, beside what they hold.
pub const TESTED: &[&str] = &["NT-VP-03", "NT-VP-06", "NT-VP-08", "NT-VP-09", "NT-VP-12", "NT-VP-16"];

const MOST_BYTES: usize = 1 << 16;

/// An entry of `transaction_data`, and its hash.
const TEXT: &str = concat!(
    "eyJjcmVkZW50aWFsX2lkcyI6WyJyZXNpZGVudC1pZCJdLCJvcmRlciI6IjUyLTAwMDEiLCJ0cmFuc2FjdGlvbl9kYXRhX2hh",
    "c2hlc19hbGciOlsic2hhLTI1NiJdLCJ0eXBlIjoidXJuOnl1ZnU6ZnJlaWdodC1vcmRlciJ9",
);
const HASH: &str = "BEmAOPC6TxE94k9QKQpFR2R_u8kwoF4tunVMMDiYdh8";

fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

/// A key, and a response that was encrypted to it.
struct Encrypted {
    key: DecryptionKey,
    text: String,
}

impl Encrypted {
    fn new() -> Self {
        let key = DecryptionKey::generate(&SeededRandom::new(1));
        let recipient = EncryptionKey::from_jwk(&key.public_jwk("ours")).expect("a good key");
        let text = encrypt(b"{}", &recipient, Encryption::A256Gcm, &SeededRandom::new(2)).expect("it encrypts");
        Self { key, text }
    }

    fn read(&self, text: &str) -> Result<Vec<u8>, JweError> {
        decrypt(text, &self.key, "ours", MOST_BYTES).map(|read| read.plaintext.expose().clone())
    }

    fn parts(&self) -> [String; 5] {
        let parts: Vec<String> = self.text.split('.').map(str::to_owned).collect();
        parts.try_into().expect("five parts")
    }

    /// The response with another header, which its tag does not know.
    fn with_header(&self, change: impl FnOnce(&mut Map<String, Value>)) -> String {
        let [header, rest @ ..] = self.parts();
        let header = base64url::decode(header).expect("base64url");
        let mut header = object(serde_json::from_slice(&header).expect("JSON"));
        change(&mut header);
        format!("{}.{}", base64url::encode(Value::Object(header).to_string()), rest.join("."))
    }

    fn with(&self, member: &str, value: Value) -> String {
        self.with_header(|header| drop(header.insert(member.to_owned(), value)))
    }

    fn without(&self, member: &str) -> String {
        self.with_header(|header| drop(header.remove(member)))
    }
}

#[test]
fn the_header_of_an_encrypted_response_says_what_was_agreed() {
    // NT-VP-06
    let ours = Encrypted::new();
    assert_eq!(ours.read(&ours.text), Ok(b"{}".to_vec()));
    for alg in ["RSA-OAEP", "RSA-OAEP-256", "dir", "ECDH-ES+A128KW", "A128KW", "PBES2-HS256+A128KW", "none", "ecdh-es", ""] {
        assert_eq!(ours.read(&ours.with("alg", alg.into())), Err(JweError::AlgorithmNotAllowed), "{alg}");
    }
    for enc in ["A192GCM", "A128CBC-HS256", "A256CBC-HS512", "a256gcm", ""] {
        assert_eq!(ours.read(&ours.with("enc", enc.into())), Err(JweError::AlgorithmNotAllowed), "{enc}");
    }
    for member in ["alg", "enc"] {
        assert_eq!(ours.read(&ours.without(member)), Err(JweError::AlgorithmNotAllowed), "{member}");
        assert_eq!(ours.read(&ours.with(member, 7.into())), Err(JweError::AlgorithmNotAllowed), "{member}");
    }
    for kid in [json!("theirs"), json!("ours "), json!(""), json!(7), Value::Null] {
        assert_eq!(ours.read(&ours.with("kid", kid.clone())), Err(JweError::OtherKey), "{kid}");
    }
    assert_eq!(ours.read(&ours.without("kid")), Err(JweError::OtherKey));
    let refused = ["crit", "zip", "p2c", "p2s", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "b64", "iv"];
    for member in refused {
        for value in [json!(["exp"]), json!("DEF"), json!(2_147_483_648u32), json!({})] {
            assert_eq!(ours.read(&ours.with(member, value)), Err(JweError::HeaderNotAccepted(member)), "{member}");
        }
    }
    assert_eq!(ours.read(&ours.with("new", 1.into())), Err(JweError::HeaderNotAccepted("of an unknown name")));
    for (member, value) in [("typ", json!(1)), ("cty", json!([])), ("apu", json!(1)), ("apv", json!("a=")), ("apu", json!("~"))]
    {
        assert_eq!(ours.read(&ours.with(member, value)), Err(JweError::HeaderNotAccepted(member)), "{member}");
    }
}

#[test]
fn only_the_key_of_this_request_decrypts() {
    // NT-VP-06
    let ours = Encrypted::new();
    let other = Encrypted { key: DecryptionKey::generate(&SeededRandom::new(3)), text: ours.text.clone() };
    assert_eq!(other.read(&other.text), Err(JweError::NotDecrypted));
    // Everything that the tag covers, bit by bit: the ciphertext, the initialisation vector, the tag and the header.
    for part in 2..5 {
        let bytes = base64url::decode(&ours.parts()[part]).expect("base64url");
        for bit in 0..bytes.len() * 8 {
            let (mut parts, mut changed) = (ours.parts(), bytes.clone());
            changed[bit / 8] ^= 1 << (bit % 8);
            parts[part] = base64url::encode(changed);
            assert_eq!(ours.read(&parts.join(".")), Err(JweError::NotDecrypted), "part {part} bit {bit}");
        }
    }
    for (member, value) in [("typ", json!("JWT")), ("cty", json!("json")), ("apu", json!("QQ")), ("enc", json!("A128GCM"))] {
        assert_eq!(ours.read(&ours.with(member, value)), Err(JweError::NotDecrypted), "{member}");
    }
}

#[test]
fn the_ephemeral_key_is_a_point_of_the_curve() {
    // NT-VP-06
    let ours = Encrypted::new();
    let good = ours.key.public_jwk("x");
    let (x, y) = (good["x"].clone(), good["y"].clone());
    let zero = json!(base64url::encode([0; 32]));
    // Another point of the curve is another key; off the curve, and the point at infinity, are the same to a stranger.
    for (x, y) in [(&x, &y), (&y, &x), (&x, &zero), (&zero, &y), (&zero, &zero)] {
        let epk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
        assert_eq!(ours.read(&ours.with("epk", epk)), Err(JweError::NotDecrypted));
    }
    let short = json!(base64url::encode([1; 31]));
    let long = json!(base64url::encode([1; 33]));
    for epk in [
        json!({"kty": "EC", "crv": "P-384", "x": x, "y": y}),
        json!({"kty": "OKP", "crv": "X25519", "x": x}),
        json!({"kty": "EC", "crv": "P-256", "x": x}),
        json!({"kty": "EC", "crv": "P-256", "x": short, "y": y}),
        json!({"kty": "EC", "crv": "P-256", "x": x, "y": long}),
        json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "d": x}),
        json!([]),
        json!("P-256"),
    ] {
        assert_eq!(ours.read(&ours.with("epk", epk.clone())), Err(JweError::HeaderNotAccepted("epk")), "{epk}");
    }
    assert_eq!(ours.read(&ours.without("epk")), Err(JweError::HeaderNotAccepted("epk")));
}

#[test]
fn a_compact_jwe_has_five_parts_of_their_sizes() {
    // NT-VP-06
    let ours = Encrypted::new();
    let with = |part: usize, text: String| {
        let mut parts = ours.parts();
        parts[part] = text;
        ours.read(&parts.join("."))
    };
    assert_eq!(with(1, "AA".to_owned()), Err(JweError::Malformed));
    for (part, lengths) in [(2, [0, 11, 13, 16]), (4, [0, 12, 15, 17])] {
        for length in lengths {
            assert_eq!(with(part, base64url::encode(vec![0; length])), Err(JweError::Malformed), "part {part} of {length}");
        }
    }
    for part in 2..5 {
        for end in ["=", " ", "\n", "*"] {
            assert_eq!(with(part, format!("{}{end}", ours.parts()[part])), Err(JweError::Malformed), "part {part}");
        }
    }
    for header in ["", "e30=", "W10", "e2EiOjF9", "eyJhbGciOiJFQ0RILUVTIiwiYWxnIjoiRUNESC1FUyJ9"] {
        assert_eq!(with(0, header.to_owned()), Err(JweError::Malformed), "{header}");
    }
    let [header, key, iv, ciphertext, tag] = ours.parts();
    for text in [
        String::new(),
        "....".to_owned(),
        format!("{header}.{key}.{iv}.{ciphertext}"),
        format!("{header}.{key}.{iv}.{ciphertext}.{tag}."),
        format!("{header}.{key}.{iv}.{ciphertext}.{tag}.{tag}"),
    ] {
        assert_eq!(ours.read(&text), Err(JweError::Malformed), "{text}");
    }
    // A JWS, of three parts or made to look like five.
    let signer = SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(4));
    let signed = jws::sign(object(json!({"typ": "JWT"})), &object(json!({"vp_token": {}})), &signer).expect("it is signed");
    assert_eq!(ours.read(&signed), Err(JweError::Malformed));
    let [_, rest @ ..] = ours.parts();
    let header = signed.split('.').next().expect("a header");
    assert_eq!(ours.read(&format!("{header}.{}", rest.join("."))), Err(JweError::AlgorithmNotAllowed));
    // Sizes are looked at before anything else.
    assert_eq!(ours.read(&"a".repeat(MOST_BYTES + 1)), Err(JweError::TooLong));
    assert_eq!(with(0, "a".repeat(JWE_HEADER_BYTES + 1)), Err(JweError::TooLong));
}

#[test]
fn an_encrypted_response_says_nothing_in_the_clear_beside() {
    // NT-VP-06; that a response in the clear is refused where encryption was asked for is for the service to see.
    let read = |body: &str| PostedResponse::read(body.as_bytes());
    assert_eq!(read("response=a.b"), Ok(PostedResponse::Encrypted("a.b".to_owned())));
    for body in ["response=a&vp_token=%7B%7D", "response=a&error=access_denied", "vp_token=%7B%7D&error=access_denied"] {
        assert_eq!(read(body), Err(ResponseError::Ambiguous), "{body}");
    }
    assert_eq!(read("response=a&response=b"), Err(ResponseError::Form(FormError::Doubled)));
    // A response inside a response.
    for plain in [r#"{"response":"a.b.c.d.e"}"#, "{}", r#"{"state":"s"}"#] {
        assert_eq!(PostedResponse::from_decrypted(plain.as_bytes()), Err(ResponseError::Member("vp_token")), "{plain}");
    }
    assert!(matches!(PostedResponse::from_decrypted(b"[]"), Err(ResponseError::Json("response", _))));
    assert!(matches!(PostedResponse::from_decrypted(br#"{"state":"a","state":"b"}"#), Err(ResponseError::Json("response", _))));
    for plain in [r#"{"vp_token":{},"state":7}"#, r#"{"vp_token":{},"state":null}"#] {
        assert_eq!(PostedResponse::from_decrypted(plain.as_bytes()), Err(ResponseError::Member("state")), "{plain}");
    }
}

fn query() -> Query {
    let card = |id: &str, multiple: bool| json!({"id": id, "format": "dc+sd-jwt", "multiple": multiple, "meta": {"vct_values": ["https://id.example/type"]}});
    Query::read(&json!({"credentials": [card("one", false), card("many", true)]})).expect("a good query")
}

#[test]
fn a_vp_token_is_an_object_of_arrays_for_what_was_asked() {
    // NT-VP-03
    use VpTokenError as E;
    let query = query();
    let read = |value: Value| VpToken::read(&value, &query);
    let good = read(json!({"many": ["b", "c"], "one": ["a"]})).expect("a good one");
    assert_eq!(good.iter().collect::<Vec<_>>(), [("many", "b"), ("many", "c"), ("one", "a")]);
    assert_eq!((good.of("one"), good.of("none")), (["a".to_owned()].as_slice(), [].as_slice()));
    assert!(read(json!({"one": ["a"]})).is_ok());

    let (one, many) = (|| "one".to_owned(), || "many".to_owned());
    for (value, error) in [
        // The shapes of older drafts, and of other members.
        (json!("eyJhb...~"), E::NotAnObject),
        (json!(["eyJhb...~"]), E::NotAnObject),
        (json!(null), E::NotAnObject),
        (json!({}), E::NotAnObject),
        (json!({"one": "a"}), E::NotAnArray(one())),
        (json!({"one": {"0": "a"}}), E::NotAnArray(one())),
        (json!({"one": null}), E::NotAnArray(one())),
        (json!({"one": []}), E::NotAnArray(one())),
        // What was not asked.
        (json!({"one": ["a"], "two": ["b"]}), E::NotAskedFor),
        (json!({"One": ["a"]}), E::NotAskedFor),
        (json!({"": ["a"]}), E::NotAskedFor),
        // More than one.
        (json!({"one": ["a", "b"]}), E::NotMultiple(one())),
        (json!({"one": ["a", "a"]}), E::NotMultiple(one())),
        // No text.
        (json!({"one": [{"a": 1}]}), E::NotText(one())),
        (json!({"one": [["a"]]}), E::NotText(one())),
        (json!({"one": [null]}), E::NotText(one())),
        (json!({"one": [""]}), E::NotText(one())),
        (json!({"many": ["a", 1]}), E::NotText(many())),
    ] {
        assert_eq!(read(value.clone()), Err(error), "{value}");
    }
}

#[test]
fn a_vp_token_is_bounded() {
    // NT-VP-16
    let query = query();
    let many = |count: usize| json!({"many": vec!["a"; count]});
    assert!(VpToken::read(&many(PRESENTATIONS), &query).is_ok());
    assert_eq!(VpToken::read(&many(PRESENTATIONS + 1), &query), Err(VpTokenError::TooMuch));
    let long = |bytes: usize| json!({"one": ["a"], "many": ["b".repeat(bytes - 1)]});
    assert!(VpToken::read(&long(VP_TOKEN_BYTES), &query).is_ok());
    assert_eq!(VpToken::read(&long(VP_TOKEN_BYTES + 1), &query), Err(VpTokenError::TooMuch));

    let read = |vp_token: &str| PostedResponse::read(format!("vp_token={}", form::encode(vp_token)).as_bytes());
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(&nested(JSON_DEPTH)).is_ok());
    for depth in [JSON_DEPTH + 1, VP_TOKEN_BYTES / 2] {
        assert!(matches!(read(&nested(depth)), Err(ResponseError::Json("vp_token", _))), "{depth}");
        let inside = format!(r#"{{"vp_token":{}}}"#, nested(depth.min(VP_TOKEN_BYTES / 2 - 10)));
        assert!(
            matches!(PostedResponse::from_decrypted(inside.as_bytes()), Err(ResponseError::Json("response", _))),
            "{depth}"
        );
    }
    let huge = format!(r#"{{"one":["{}"]}}"#, "a".repeat(VP_TOKEN_BYTES));
    assert_eq!(read(&huge), Err(ResponseError::Member("vp_token")));
    let inside = format!(r#"{{"vp_token":{huge}}}"#);
    assert_eq!(PostedResponse::from_decrypted(inside.as_bytes()), Err(ResponseError::Member("vp_token")));
    for vp_token in ["", "{", "{}{}", r#"{"one":["a"],"one":["b"]}"#] {
        assert!(read(vp_token).is_err(), "{vp_token}");
    }
    let state = |bytes: usize| PostedResponse::read(format!("response=a&state={}", "s".repeat(bytes)).as_bytes());
    assert!(state(STATE_BYTES).is_ok());
    assert_eq!(state(STATE_BYTES + 1), Err(ResponseError::Member("state")));
}

#[test]
fn a_fetch_carries_a_short_nonce_or_none() {
    let read = |body: &str| FetchForm::read(body.as_bytes());
    assert_eq!(read(""), Ok(FetchForm::default()));
    let whole = FetchForm { wallet_nonce: Some("n+1".to_owned()), wallet_metadata: Some("{\"a\":1}".to_owned()) };
    assert_eq!(read("wallet_nonce=n%2B1&wallet_metadata=%7B%22a%22%3A1%7D&other=1"), Ok(whole));
    let long = |bytes: usize| read(&format!("wallet_nonce={}", "n".repeat(bytes)));
    assert!(long(WALLET_NONCE_BYTES).is_ok());
    assert_eq!(long(WALLET_NONCE_BYTES + 1), Err(FetchFormError::WalletNonce));
    for nonce in ["%00", "%0A", "%E9%B1%BC"] {
        assert_eq!(read(&format!("wallet_nonce={nonce}")), Err(FetchFormError::WalletNonce), "{nonce}");
    }
    assert_eq!(read("wallet_nonce=a&wallet_nonce=b"), Err(FetchFormError::Form(FormError::Doubled)));
    assert_eq!(read("wallet_nonce=%zz"), Err(FetchFormError::Form(FormError::Malformed)));
}

#[test]
fn a_transaction_is_hashed_as_it_was_sent() {
    // NT-VP-12: over the text in base64url, not over what it decodes to. The hash by another implementation:
    // Python's base64.urlsafe_b64encode(hashlib.sha256(text).digest()).
    let entry = TransactionData {
        transaction_type: "urn:yufu:freight-order".to_owned(),
        credential_ids: vec!["resident-id".to_owned()],
        details: object(json!({"order": "52-0001"})),
    };
    let text = entry.encode();
    assert_eq!(text, TEXT);
    let decoded = base64url::decode(&text).expect("base64url");
    let members = json!({
        "type": "urn:yufu:freight-order", "credential_ids": ["resident-id"], "transaction_data_hashes_alg": ["sha-256"],
        "order": "52-0001",
    });
    assert_eq!(serde_json::from_slice::<Value>(&decoded).expect("JSON"), members);
    assert_eq!(TransactionData::hash(&text, HashAlgorithm::Sha256), HASH);
    assert_ne!(TransactionData::hash(std::str::from_utf8(&decoded).expect("a text"), HashAlgorithm::Sha256), HASH);
    // What the type defines cannot speak for what the standard defines.
    let details = object(json!({"type": "other", "credential_ids": [], "transaction_data_hashes_alg": ["sha-1"]}));
    let forged = TransactionData { details, ..entry };
    let members: Value = serde_json::from_slice(&base64url::decode(forged.encode()).expect("base64url")).expect("JSON");
    assert_eq!(members["type"], "urn:yufu:freight-order");
    assert_eq!(
        (&members["credential_ids"], &members["transaction_data_hashes_alg"]),
        (&json!(["resident-id"]), &json!(["sha-256"]))
    );
}

proptest! {
    /// Whatever comes, an answer is read or refused, and a refused one was never an accepted one in other letters.
    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,300}", bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let ours = Encrypted::new();
        prop_assert!(ours.read(&text).is_err());
        prop_assert!(PostedResponse::from_decrypted(&bytes).is_err());
        let _ = PostedResponse::read(&bytes);
        let _ = FetchForm::read(&bytes);
    }

    #[test]
    fn no_changed_byte_of_a_jwe_is_overlooked(at in any::<prop::sample::Index>(), byte in 0x20..0x7fu8) {
        let ours = Encrypted::new();
        let mut text = ours.text.clone().into_bytes();
        let at = at.index(text.len());
        prop_assume!(text[at] != byte);
        text[at] = byte;
        prop_assert!(ours.read(std::str::from_utf8(&text).expect("ASCII")).is_err());
    }

    #[test]
    fn what_a_vp_token_holds_is_what_was_sent(answers in proptest::collection::vec("[ -~]{1,40}", 1..=PRESENTATIONS)) {
        let token = VpToken::read(&json!({"many": answers}), &query()).expect("a good one");
        prop_assert_eq!(token.of("many"), answers.as_slice());
    }
}

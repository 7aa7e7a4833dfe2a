//! Status lists and the claims that point into them: lines NT-TSL of the checklist, SL of the attacks.

use std::io::Write;

use flate2::{Compression, write::DeflateEncoder, write::GzEncoder, write::ZlibEncoder};
use serde_json::{Map, Value, json};
use yufu::{
    base::{base64url, json::JsonError, random::SeededRandom, time::Timestamp},
    crypto::{
        Algorithm, Signer, SoftwareKey,
        jws::{self, JwsError},
    },
    format::status::{
        Bits, Expectation, InflateError, ReferenceError, StatusList, StatusListError, StatusReference, StatusValue, Unverified,
    },
};

pub const TESTED: &[&str] = &[
    "NT-TSL-01",
    "NT-TSL-02",
    "NT-TSL-03",
    "NT-TSL-04",
    "NT-TSL-05",
    "NT-TSL-06",
    "NT-TSL-07",
    "NT-TSL-09",
    "NT-TSL-10",
    "NT-TSL-11",
    "NT-TSL-14",
    "NT-TSL-15",
    "SL-01",
    "SL-02",
    "SL-03",
    "SL-04",
    "SL-05",
    "SL-06",
    "SL-07",
    "SL-08",
    "SL-09",
    "SL-10",
    "SL-11",
    "SL-14",
];

const URI: &str = "https://id.example/status-lists/1";
const NOW: i64 = 1_795_500_000;
const YEAR: i64 = 365 * 86_400;

fn key(seed: u64) -> SoftwareKey {
    SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(seed))
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("bytes in memory compress")
}

/// The claims of a good token with some replaced; `null` takes one out.
fn claims(changes: Value) -> Map<String, Value> {
    let lst = base64url::encode(zlib(&[0; 64]));
    let good = json!({
        "sub": URI, "iat": NOW - 100, "exp": NOW + 1000, "ttl": 300, "status_list": {"bits": 2, "lst": lst},
    });
    let (Value::Object(mut claims), Value::Object(changes)) = (good, changes) else { panic!("objects") };
    for (name, value) in changes {
        match value {
            Value::Null => claims.remove(&name),
            value => claims.insert(name, value),
        };
    }
    claims
}

fn header(typ: Value) -> Map<String, Value> {
    Map::from_iter([("typ".to_owned(), typ)])
}

fn sign(claims: &Map<String, Value>) -> String {
    jws::sign(header("statuslist+jwt".into()), claims, &key(1)).expect("a software key signs")
}

fn with(changes: Value) -> String {
    sign(&claims(changes))
}

fn with_list(list: Value) -> String {
    with(json!({"status_list": list}))
}

fn with_compressed(bytes: impl AsRef<[u8]>) -> String {
    with_list(json!({"bits": 2, "lst": base64url::encode(bytes)}))
}

/// A token of three given parts, signed by the right key whatever its header says.
fn raw(header: &str, payload: &str) -> String {
    let input = format!("{}.{}", base64url::encode(header), base64url::encode(payload));
    let signature = key(1).sign(input.as_bytes()).expect("a software key signs");
    format!("{input}.{}", base64url::encode(signature))
}

fn bomb() -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..256 {
        encoder.write_all(&zeros).expect("bytes in memory compress");
    }
    encoder.finish().expect("bytes in memory compress")
}

fn verify(token: &str, newest_seen: Option<i64>) -> Result<StatusList, StatusListError> {
    let expected = Expectation { uri: URI, at: Timestamp::from_unix(NOW), newest_seen: newest_seen.map(Timestamp::from_unix) };
    Unverified::parse(token)?.verify(key(1).public_key(), &expected).map(|verified| verified.list)
}

/// Rows about who signed what for which list and when.
fn token_rows() -> Vec<(&'static str, String, StatusListError)> {
    use StatusListError as E;
    let good = with(json!({}));
    let tail = |token: &str, from: usize| token.split('.').nth(from).unwrap_or_default().to_owned();
    let flipped = {
        let mut list = base64url::decode(tail(&good, 1)).expect("base64url");
        let at = list.windows(7).position(|part| part == b"\"lst\":\"").expect("the list") + 12;
        list[at] ^= 1;
        format!("{}.{}.{}", tail(&good, 0), base64url::encode(list), tail(&good, 2))
    };
    let stranger = jws::sign(header("statuslist+jwt".into()), &claims(json!({})), &key(2)).expect("a software key signs");
    let payload = serde_json::to_string(&claims(json!({}))).expect("JSON");
    let doubled = payload.replacen('{', r#"{"sub":"https://evil.example/1","#, 1);
    vec![
        ("NT-TSL-01", with(json!({"sub": format!("{URI}/")})), E::OtherSubject),
        ("NT-TSL-01", with(json!({"sub": format!("{URI}?x=1")})), E::OtherSubject),
        ("NT-TSL-01", with(json!({"sub": URI.to_uppercase()})), E::OtherSubject),
        ("NT-TSL-01", with(json!({"sub": null})), E::Claim("sub")),
        ("NT-TSL-01", with(json!({"sub": [URI]})), E::Claim("sub")),
        ("SL-03", with(json!({"sub": "https://id.example/status-lists/2"})), E::OtherSubject),
        ("SL-03", raw(r#"{"alg":"ES256","typ":"statuslist+jwt"}"#, &doubled), E::Jws(JwsError::Payload(twice(&doubled)))),
        ("NT-TSL-02", jws::sign(header("JWT".into()), &claims(json!({})), &key(1)).expect("signs"), wrong_type()),
        ("NT-TSL-02", jws::sign(Map::new(), &claims(json!({})), &key(1)).expect("signs"), wrong_type()),
        ("NT-TSL-02", jws::sign(header("StatusList+JWT".into()), &claims(json!({})), &key(1)).expect("signs"), wrong_type()),
        ("NT-TSL-02", jws::sign(header(json!(1)), &claims(json!({})), &key(1)).expect("signs"), wrong_type()),
        ("NT-TSL-03", with(json!({"exp": NOW - 3600})), E::Expired),
        ("NT-TSL-03", with(json!({"exp": "never"})), E::Claim("exp")),
        ("NT-TSL-03", with(json!({"iat": NOW + 3600})), E::IssuedInFuture),
        ("NT-TSL-03", with(json!({"iat": null})), E::Claim("iat")),
        ("NT-TSL-03", with(json!({"iat": NOW.to_string()})), E::Claim("iat")),
        ("NT-TSL-03", with(json!({"ttl": 1_i64 << 53})), E::TimeToLive),
        ("NT-TSL-03", with(json!({"ttl": "300"})), E::TimeToLive),
        ("SL-04", with(json!({"exp": NOW - 61})), E::Expired),
        ("SL-06", with(json!({"iat": NOW + 61})), E::IssuedInFuture),
        ("SL-07", with(json!({"ttl": 0})), E::TimeToLive),
        ("SL-07", with(json!({"ttl": -1})), E::TimeToLive),
        ("SL-07", with(json!({"ttl": 0.5})), E::TimeToLive),
        ("SL-07", with(json!({"ttl": 10 * YEAR})), E::TimeToLive),
        ("NT-TSL-09", stranger.clone(), E::Jws(JwsError::BadSignature)),
        ("NT-TSL-09", format!("{}.{}.", base64url::encode(r#"{"alg":"none","typ":"statuslist+jwt"}"#), tail(&good, 1)), alg()),
        ("NT-TSL-09", raw(r#"{"alg":"HS256","typ":"statuslist+jwt"}"#, &payload), alg()),
        ("NT-TSL-09", raw(r#"{"alg":"EdDSA","typ":"statuslist+jwt"}"#, &payload), alg()),
        ("SL-01", flipped, E::Jws(JwsError::BadSignature)),
        ("SL-02", stranger, E::Jws(JwsError::BadSignature)),
        ("SL-02", raw(r#"{"alg":"ES256","typ":"statuslist+jwt","jku":"https://evil.example"}"#, &payload), refused("jku")),
        ("SL-02", raw(r#"{"alg":"ES256","typ":"statuslist+jwt","crit":["x"],"x":1}"#, &payload), refused("crit")),
    ]
}

fn wrong_type() -> StatusListError {
    StatusListError::Jws(JwsError::WrongType)
}

fn alg() -> StatusListError {
    StatusListError::Jws(JwsError::AlgorithmNotAllowed)
}

fn refused(member: &'static str) -> StatusListError {
    StatusListError::Jws(JwsError::HeaderNotAccepted(member))
}

/// The error of the JSON reader for a text with a key twice; the text of it is the reader's own.
fn twice(text: &str) -> JsonError {
    let error = yufu::base::json::parse(text.as_bytes()).expect_err("a key stands twice");
    assert!(error.to_string().contains("twice"), "{error}");
    error
}

/// Rows about the list inside a token that is good otherwise.
fn list_rows() -> Vec<(&'static str, String, StatusListError)> {
    use {InflateError as I, StatusListError as E};
    let list = [0x55; 64];
    let compressed = zlib(&list);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    let gzip = gzip.write_all(&list).and_then(|()| gzip.finish()).expect("bytes in memory compress");
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    let deflate = deflate.write_all(&list).and_then(|()| deflate.finish()).expect("bytes in memory compress");
    let mut bad_checksum = compressed.clone();
    *bad_checksum.last_mut().expect("a checksum") ^= 1;
    let mut bad_block = compressed.clone();
    bad_block[2] = 0x07; // a final block of type 3, which does not exist
    let width = |bits: Value| with_list(json!({"bits": bits, "lst": base64url::encode(&compressed)}));
    let text = |lst: Value| with_list(json!({"bits": 2, "lst": lst}));
    let padded = format!("{}==", base64url::encode(&compressed[..compressed.len() - compressed.len() % 3 + 1 - 3]));
    vec![
        ("NT-TSL-05", width(json!(3)), E::Width),
        ("NT-TSL-05", width(json!(0)), E::Width),
        ("NT-TSL-05", width(json!("1")), E::Width),
        ("NT-TSL-05", width(Value::Null), E::Width),
        ("SL-09", width(json!(16)), E::Width),
        ("SL-09", width(json!(2.5)), E::Width),
        ("SL-09", width(json!(-2)), E::Width),
        ("NT-TSL-06", with_compressed(deflate), E::Inflate(I::NotZlib)),
        ("NT-TSL-06", with_compressed(&gzip), E::Inflate(I::NotZlib)),
        ("NT-TSL-06", with_compressed(&compressed[..compressed.len() / 2]), E::Inflate(I::Truncated)),
        ("NT-TSL-06", with_compressed([&compressed[..], &[0]].concat()), E::Inflate(I::TrailingBytes)),
        ("NT-TSL-06", with_compressed(bomb()), E::Inflate(I::TooLarge)),
        ("NT-TSL-06", with_compressed(zlib(&vec![0; (1 << 20) + 1])), E::Inflate(I::TooLarge)),
        ("NT-TSL-07", text(padded.into()), E::Encoding),
        ("NT-TSL-07", text(format!("{} ", base64url::encode(&compressed)).into()), E::Encoding),
        ("NT-TSL-07", text("eNrt+w==".into()), E::Encoding),
        ("NT-TSL-07", text("A".repeat(1_572_868).into()), E::Encoding),
        ("NT-TSL-07", text(Value::Null), E::Claim("lst")),
        ("NT-TSL-07", text(json!(["a"])), E::Claim("lst")),
        ("NT-TSL-07", with(json!({"status_list": null})), E::Claim("status_list")),
        ("NT-TSL-07", with(json!({"status_list": "eNo"})), E::Claim("status_list")),
        ("SL-10", with_compressed(bomb()), E::Inflate(I::TooLarge)),
        ("SL-11", with_compressed(&compressed[..compressed.len() - 1]), E::Inflate(I::Truncated)),
        ("SL-11", with_compressed(&compressed[..1]), E::Inflate(I::NotZlib)),
        ("SL-11", with_compressed([]), E::Inflate(I::NotZlib)),
        ("SL-11", with_compressed(bad_checksum), E::Inflate(I::Damaged)),
        ("SL-11", with_compressed(bad_block), E::Inflate(I::Damaged)),
        ("SL-11", with_compressed(gzip), E::Inflate(I::NotZlib)),
        ("SL-11", with_compressed([&compressed[..], &compressed].concat()), E::Inflate(I::TrailingBytes)),
    ]
}

#[test]
fn every_bad_token_is_refused_for_its_own_reason() {
    assert_eq!(verify(&with(json!({})), None).map(|list| list.entries()), Ok(256), "the token the rows are made from");
    for (at, (line, token, error)) in token_rows().into_iter().chain(list_rows()).enumerate() {
        assert!(TESTED.contains(&line), "{line}");
        assert_eq!(verify(&token, None), Err(error), "{line}, row {at}");
    }
}

#[test]
fn an_older_list_is_not_taken_back() {
    // NT-TSL-15, SL-05: not expired, well signed, but older than what was seen.
    let token = with(json!({}));
    assert_eq!(verify(&token, Some(NOW - 99)), Err(StatusListError::RolledBack));
    assert_eq!(verify(&token, Some(NOW - 100)).map(|list| list.bits()), Ok(Bits::Two));
}

#[test]
fn an_index_that_is_none_is_refused_and_one_beyond_the_list_has_no_value() {
    let read = |idx: Value| {
        let claims = json!({"status": {"status_list": {"idx": idx, "uri": URI}}});
        StatusReference::read(claims.as_object().expect("an object"))
    };
    // NT-TSL-04, SL-08
    for idx in [json!(-1), json!(1.5), json!(1.0), json!("1"), json!(1e300), json!([0]), Value::Null] {
        assert_eq!(read(idx.clone()), Err(ReferenceError::Index), "{idx}");
    }
    let list = StatusList::all_valid(Bits::Two, 1 << 20);
    for idx in [1_u64 << 20, 1 << 31, 1 << 53, u64::MAX] {
        let reference = read(json!(idx)).expect("a whole number").expect("a reference");
        assert_eq!(list.value(reference.index), None, "{idx}");
    }
}

#[test]
fn a_status_that_names_no_list_is_not_taken_for_none() {
    let read = |status: Value| StatusReference::read(json!({"status": status}).as_object().expect("an object"));
    // NT-TSL-14
    assert_eq!(read(json!({"foo": {"idx": 0}})), Err(ReferenceError::UnknownMechanism));
    assert_eq!(read(json!({})), Err(ReferenceError::UnknownMechanism));
    assert_eq!(read(json!("valid")), Err(ReferenceError::NotAnObject));
    assert_eq!(read(Value::Null), Err(ReferenceError::NotAnObject));
    assert_eq!(read(json!({"status_list": [0, URI]})), Err(ReferenceError::NotAnObject));
    assert_eq!(read(json!({"status_list": {"idx": 0}})), Err(ReferenceError::Uri));
    assert_eq!(read(json!({"status_list": {"idx": 0, "uri": 7}})), Err(ReferenceError::Uri));
}

#[test]
fn values_and_bits_are_read_as_the_standard_orders_them() {
    // NT-TSL-10, SL-14: only three values say something to a stranger.
    let values = [0x00, 0x01, 0x02, 0x03, 0x0b, 0x0c].map(StatusValue::from_entry);
    let (own, reserved) = (StatusValue::ApplicationSpecific, StatusValue::Reserved);
    let named = [StatusValue::Valid, StatusValue::Invalid, StatusValue::Suspended, own(3), reserved(0x0b), own(0x0c)];
    assert_eq!(values, named);
    // NT-TSL-11: a reader that starts from the most significant bit would find 1 at index 2.
    let list = StatusList::from_packed(Bits::One, vec![0xb9, 0xa3]);
    assert_eq!((list.value(2), list.value(5)), (Some(0), Some(1)));
}

#[test]
fn every_line_of_this_area_is_tested_or_waits() {
    crate::assert_complete("NT-TSL-", 15);
    crate::assert_complete("SL-", 17);
}

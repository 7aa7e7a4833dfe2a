//! The signed list: a JWT of type `statuslist+jwt` (section 5.1).

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::{
    base::{
        base64url,
        limits::{
            CLOCK_SKEW_SECONDS, STATUS_LIST_COMPRESSED_BYTES, STATUS_LIST_INFLATED_BYTES, STATUS_LIST_TOKEN_BYTES,
            STATUS_LIST_TTL_SECONDS,
        },
        time::Timestamp,
    },
    crypto::{
        PublicKey, SignError, Signer,
        jws::{self, Header, JwsError},
    },
    format::status::{Bits, CompressError, InflateError, StatusList, compress, inflate},
};

/// The `typ` of a status list token.
pub const TYPE: &str = "statuslist+jwt";

/// Why a status list token says nothing of any status. The order is that of section 8.3.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StatusListError {
    /// The JWS itself.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// A claim that is missing or of the wrong type; it is named.
    #[error("claim {0} missing or of the wrong type")]
    Claim(&'static str),
    /// The list of another URI than the credential names.
    #[error("the list of another URI")]
    OtherSubject,
    /// `iat` lies ahead by more than clocks differ.
    #[error("issued in the future")]
    IssuedInFuture,
    /// `iat` lies before that of a list already seen: an old list is played back.
    #[error("older than a list already seen")]
    RolledBack,
    /// `exp` has passed.
    #[error("expired")]
    Expired,
    /// `ttl` is not a positive number of seconds, or longer than [`STATUS_LIST_TTL_SECONDS`].
    #[error("time to live out of range")]
    TimeToLive,
    /// `bits` is not 1, 2, 4 or 8.
    #[error("entries of a width that is not allowed")]
    Width,
    /// `lst` is not base64url in its one spelling, or longer than [`STATUS_LIST_COMPRESSED_BYTES`].
    #[error("the list is not base64url of allowed length")]
    Encoding,
    /// `lst` does not inflate.
    #[error("compressed list: {0}")]
    Inflate(#[from] InflateError),
}

/// What a status list token states.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StatusListClaims {
    /// The URI of the list, equal to `status.status_list.uri` of the credentials in it.
    pub sub: String,
    /// When it was signed.
    pub iat: Timestamp,
    /// From when on it must not be relied on.
    pub exp: Option<Timestamp>,
    /// After how many seconds a fresh one should be fetched.
    pub ttl: Option<u32>,
    /// How wide an entry is.
    pub bits: Bits,
    /// The compressed list in base64url.
    pub lst: String,
    /// Where all lists of the issuer are named (section 9).
    pub aggregation_uri: Option<String>,
}

impl StatusListClaims {
    /// Compresses `packed` entries of 2^n bits for `lst`.
    pub fn encode(packed: &[u8]) -> Result<String, CompressError> {
        compress(packed).map(base64url::encode)
    }

    /// The list itself, inflated to at most [`STATUS_LIST_INFLATED_BYTES`].
    pub fn list(&self) -> Result<StatusList, StatusListError> {
        if self.lst.len() > STATUS_LIST_COMPRESSED_BYTES {
            return Err(StatusListError::Encoding);
        }
        let compressed = base64url::decode(&self.lst).map_err(|_| StatusListError::Encoding)?;
        Ok(StatusList::from_packed(self.bits, inflate(&compressed, STATUS_LIST_INFLATED_BYTES)?))
    }

    fn to_claims(&self) -> Map<String, Value> {
        let mut list = Map::from_iter([
            ("bits".to_owned(), self.bits.number().into()),
            ("lst".to_owned(), Value::from(self.lst.as_str())),
        ]);
        if let Some(uri) = &self.aggregation_uri {
            list.insert("aggregation_uri".to_owned(), Value::from(uri.as_str()));
        }
        let mut claims = Map::from_iter([
            ("sub".to_owned(), Value::from(self.sub.as_str())),
            ("iat".to_owned(), self.iat.unix().into()),
            ("status_list".to_owned(), list.into()),
        ]);
        claims.extend(self.exp.map(|exp| ("exp".to_owned(), exp.unix().into())));
        claims.extend(self.ttl.map(|ttl| ("ttl".to_owned(), ttl.into())));
        claims
    }

    fn read(mut claims: Map<String, Value>) -> Result<Self, StatusListError> {
        let Some(Value::String(sub)) = claims.remove("sub") else { return Err(StatusListError::Claim("sub")) };
        let iat = claims.get("iat").and_then(seconds).ok_or(StatusListError::Claim("iat"))?;
        let exp = match claims.get("exp") {
            None => None,
            Some(exp) => Some(seconds(exp).ok_or(StatusListError::Claim("exp"))?),
        };
        let ttl = match claims.get("ttl") {
            None => None,
            Some(ttl) => {
                let ttl = seconds(ttl).ok_or(StatusListError::TimeToLive)?;
                let allowed = (1..=STATUS_LIST_TTL_SECONDS).contains(&ttl);
                Some(u32::try_from(ttl).ok().filter(|_| allowed).ok_or(StatusListError::TimeToLive)?)
            }
        };
        let Some(Value::Object(mut list)) = claims.remove("status_list") else {
            return Err(StatusListError::Claim("status_list"));
        };
        let bits = list.get("bits").and_then(Value::as_u64).and_then(Bits::from_number).ok_or(StatusListError::Width)?;
        let Some(Value::String(lst)) = list.remove("lst") else { return Err(StatusListError::Claim("lst")) };
        let aggregation_uri = match list.remove("aggregation_uri") {
            None => None,
            Some(Value::String(uri)) => Some(uri),
            Some(_) => return Err(StatusListError::Claim("aggregation_uri")),
        };
        let (iat, exp) = (Timestamp::from_unix(iat), exp.map(Timestamp::from_unix));
        Ok(Self { sub, iat, exp, ttl, bits, lst, aggregation_uri })
    }
}

/// A number of seconds; a fraction (RFC 7519 section 2 allows it) is cut off.
fn seconds(value: &Value) -> Option<i64> {
    const EXACT: f64 = (1_u64 << 53) as f64;
    value.as_i64().or_else(|| value.as_f64().filter(|number| number.abs() < EXACT).map(|number| number.floor() as i64))
}

/// Signs a list with the certificates of the signer, leaf first and without the root; without certificates the header
/// names the key by `kid`.
pub fn sign(claims: &StatusListClaims, x5c: &[Vec<u8>], signer: &dyn Signer) -> Result<String, SignError> {
    let mut header = Map::from_iter([("typ".to_owned(), TYPE.into())]);
    if !x5c.is_empty() {
        header.insert("x5c".to_owned(), json!(x5c.iter().map(|der| STANDARD.encode(der)).collect::<Vec<_>>()));
    }
    jws::sign(header, &claims.to_claims(), signer)
}

/// What the verifier knows beforehand, all of it required.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Expectation<'a> {
    /// The URI in the credential.
    pub uri: &'a str,
    /// The time.
    pub at: Timestamp,
    /// The `iat` of the newest list of this URI seen so far; none when none was.
    pub newest_seen: Option<Timestamp>,
}

/// A token whose signature nobody has checked.
#[derive(Clone, Debug)]
pub struct Unverified<'a>(jws::Unverified<'a>);

/// A token that was checked against its key and what was expected of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verified {
    /// What it states.
    pub claims: StatusListClaims,
    /// The list.
    pub list: StatusList,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart.
    pub fn parse(text: &'a str) -> Result<Self, StatusListError> {
        Ok(Self(jws::Unverified::parse_within(text, &[TYPE], STATUS_LIST_TOKEN_BYTES)?))
    }

    /// The header: where the key is to be found, which nothing vouches for yet.
    pub fn header(&self) -> &Header {
        self.0.header()
    }

    /// Checks the signature with `key`, which the caller trusts for this list, then every rule of section 8.3 up to the
    /// list itself. Nothing is inflated before all else holds.
    pub fn verify(self, key: &PublicKey, expected: &Expectation) -> Result<Verified, StatusListError> {
        let claims = StatusListClaims::read(self.0.verify(key)?.claims)?;
        if claims.sub != expected.uri {
            return Err(StatusListError::OtherSubject);
        }
        if claims.iat.seconds_since(expected.at) > CLOCK_SKEW_SECONDS {
            return Err(StatusListError::IssuedInFuture);
        }
        if expected.newest_seen.is_some_and(|newest| claims.iat < newest) {
            return Err(StatusListError::RolledBack);
        }
        if claims.exp.is_some_and(|exp| expected.at.seconds_since(exp) >= CLOCK_SKEW_SECONDS) {
            return Err(StatusListError::Expired);
        }
        let list = claims.list()?;
        Ok(Verified { claims, list })
    }

    /// Checks the signature only: what a list said when it was signed, whenever that was. For who kept it as a proof; which
    /// list it is and how old, the claims say.
    pub fn verify_kept(self, key: &PublicKey) -> Result<Verified, StatusListError> {
        let claims = StatusListClaims::read(self.0.verify(key)?.claims)?;
        let list = claims.list()?;
        Ok(Verified { claims, list })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::random::SeededRandom,
        crypto::{Algorithm, SoftwareKey},
    };

    const URI: &str = "https://id.example/status-lists/1";

    fn claims() -> StatusListClaims {
        let mut list = StatusList::all_valid(Bits::Two, 1 << 20);
        list.set(7, 2).expect("an entry");
        StatusListClaims {
            sub: URI.to_owned(),
            iat: Timestamp::from_unix(1_795_500_000),
            exp: Some(Timestamp::from_unix(1_795_586_400)),
            ttl: Some(300),
            bits: Bits::Two,
            lst: StatusListClaims::encode(list.packed()).expect("bytes in memory compress"),
            aggregation_uri: Some("https://id.example/status-lists".to_owned()),
        }
    }

    #[test]
    fn what_is_signed_is_read_back() {
        for algorithm in Algorithm::ALL {
            let key = SoftwareKey::generate(algorithm, &SeededRandom::new(3));
            let token = sign(&claims(), &[vec![1, 2, 3]], &key).expect("a software key signs");
            let unverified = Unverified::parse(&token).expect("a JWS");
            assert_eq!(unverified.header().x5c, Some(vec![vec![1, 2, 3]]));
            assert_eq!(unverified.header().kid, None);
            let expected = Expectation { uri: URI, at: claims().iat, newest_seen: Some(claims().iat) };
            let verified = unverified.verify(key.public_key(), &expected).expect("a good token");
            assert_eq!(verified.claims, claims());
            assert_eq!(
                (verified.list.value(6), verified.list.value(7), verified.list.value(1 << 20)),
                (Some(0), Some(2), None)
            );
        }
    }

    #[test]
    fn times_are_held_to_the_second() {
        let key = SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(3));
        let token = sign(&claims(), &[], &key).expect("a software key signs");
        let at = |at: i64, newest_seen: Option<i64>| {
            let newest_seen = newest_seen.map(Timestamp::from_unix);
            let expected = Expectation { uri: URI, at: Timestamp::from_unix(at), newest_seen };
            Unverified::parse(&token).and_then(|token| token.verify(key.public_key(), &expected)).err()
        };
        let (iat, exp) = (1_795_500_000, 1_795_586_400);
        assert_eq!(at(iat - CLOCK_SKEW_SECONDS, None), None);
        assert_eq!(at(iat - CLOCK_SKEW_SECONDS - 1, None), Some(StatusListError::IssuedInFuture));
        assert_eq!(at(exp + CLOCK_SKEW_SECONDS - 1, None), None);
        assert_eq!(at(exp + CLOCK_SKEW_SECONDS, None), Some(StatusListError::Expired));
        assert_eq!(at(iat, Some(iat + 1)), Some(StatusListError::RolledBack));
    }

    #[test]
    fn optional_claims_may_be_absent() {
        let key = SoftwareKey::generate(Algorithm::Ed25519, &SeededRandom::new(3));
        let bare = StatusListClaims { exp: None, ttl: None, aggregation_uri: None, ..claims() };
        let token = sign(&bare, &[], &key).expect("a software key signs");
        let expected = Expectation { uri: URI, at: claims().iat, newest_seen: None };
        let verified = Unverified::parse(&token).and_then(|token| token.verify(key.public_key(), &expected));
        assert_eq!(verified.map(|verified| verified.claims), Ok(bare));
    }

    #[test]
    fn fractions_of_a_second_are_cut_off() {
        for (number, read) in [(json!(5), Some(5)), (json!(5.9), Some(5)), (json!(-0.5), Some(-1)), (json!(1e300), None)] {
            assert_eq!(seconds(&number), read, "{number}");
        }
        assert_eq!((seconds(&json!("5")), seconds(&json!(u64::MAX))), (None, None));
    }
}

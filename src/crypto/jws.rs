//! Compact JWS (RFC 7515) for everything a stranger signs.
//!
//! A text is taken apart first ([`Unverified::parse`]), its signature checked against one given key next
//! ([`Unverified::verify`]); only then does it give its payload as [`Verified`]. The header's `alg` chooses nothing: it
//! has to name the key's own algorithm. `crit` is always refused, and so is every header that would lead elsewhere
//! (`jku`, `x5u`, `b64`, `zip`, `enc`); `jwk`, `x5c` and `kid` are read, and used only where a profile says so.

use serde_json::{Map, Value};

use crate::{
    base::{
        base64url,
        json::{self, JsonError},
        limits::{CERTIFICATE_BYTES, JWS_BYTES, X5C_CERTIFICATES},
    },
    crypto::{
        Algorithm, PublicKey, SignError, Signer,
        public_key::{self, BadSignature, Claimed},
    },
};

/// Why a JWS is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JwsError {
    /// Longer than its bound, for most tokens [`JWS_BYTES`].
    #[error("longer than allowed")]
    TooLong,
    /// Not three parts of base64url, or header not a JSON object.
    #[error("not a compact JWS")]
    Malformed,
    /// `alg` is missing, not text, unknown, or not the key's.
    #[error("algorithm not allowed")]
    AlgorithmNotAllowed,
    /// `typ` is not the one expected here (RFC 8725 section 3.11).
    #[error("wrong type of token")]
    WrongType,
    /// A header member that is refused, or of the wrong form; the member is named.
    #[error("header member {0} not accepted")]
    HeaderNotAccepted(&'static str),
    /// The payload is not an acceptable JSON object.
    #[error("payload: {0}")]
    Payload(#[from] JsonError),
    /// The signature does not verify.
    #[error("the signature does not verify")]
    BadSignature,
}

/// The protected header, as far as it is used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Header {
    /// The algorithm it claims.
    pub algorithm: Algorithm,
    /// The key's identifier, at most 1,024 bytes of printable ASCII.
    pub kid: Option<String>,
    /// A public key, as JSON (RFC 7515 section 4.1.3).
    pub jwk: Option<Map<String, Value>>,
    /// Certificates as DER, leaf first (RFC 7515 section 4.1.6); never empty.
    pub x5c: Option<Vec<Vec<u8>>>,
    /// Every member as it stood, for profiles with members of their own.
    pub members: Map<String, Value>,
}

/// A JWS whose signature nobody has checked.
#[derive(Clone, Debug)]
pub struct Unverified<'a> {
    header: Header,
    signing_input: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

/// A JWS whose signature was checked with a key the caller named.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verified {
    /// The protected header.
    pub header: Header,
    /// The payload, a JSON object without doubled keys.
    pub claims: Map<String, Value>,
}

/// Header members that would lead to another place, another meaning or another decoder.
const REFUSED: [&str; 9] = ["crit", "b64", "jku", "x5u", "zip", "enc", "epk", "p2c", "p2s"];

impl<'a> Unverified<'a> {
    /// Takes a compact JWS of at most [`JWS_BYTES`] apart; `typ` has to be exactly one of `types`.
    pub fn parse(text: &'a str, types: &[&str]) -> Result<Self, JwsError> {
        Self::parse_within(text, types, JWS_BYTES)
    }

    /// As [`parse`](Self::parse), for tokens that carry more than claims and so have a bound of their own.
    pub fn parse_within(text: &'a str, types: &[&str], most_bytes: usize) -> Result<Self, JwsError> {
        if text.len() > most_bytes {
            return Err(JwsError::TooLong);
        }
        let (signing_input, signature) = text.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::Malformed)?;
        if payload.contains('.') || header.is_empty() || payload.is_empty() {
            return Err(JwsError::Malformed);
        }
        let header = base64url::decode(header).map_err(|_| JwsError::Malformed)?;
        let header = Header::read(json::parse_object(&header).map_err(|_| JwsError::Malformed)?, types)?;
        let signature = base64url::decode(signature).map_err(|_| JwsError::Malformed)?;
        Ok(Self { header, signing_input, payload, signature })
    }

    /// The header, which nothing vouches for yet: good for finding the key, and for nothing else.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The payload before its signature was checked: good for finding the key by issuer, and for nothing else.
    pub fn dangerous_unverified_claims(&self) -> Result<Map<String, Value>, JwsError> {
        let bytes = base64url::decode(self.payload).map_err(|_| JwsError::Malformed)?;
        Ok(json::parse_object(&bytes)?)
    }

    /// Checks the signature with `key`, whose algorithm the header has to name.
    pub fn verify(self, key: &PublicKey) -> Result<Verified, JwsError> {
        if self.header.algorithm != key.algorithm() {
            return Err(JwsError::AlgorithmNotAllowed);
        }
        let held = key.verify(self.signing_input.as_bytes(), &self.signature);
        self.settled(key, held)
    }

    /// Checks the signatures of several, each with its key: the same answers as [`verify`](Self::verify) gives, in their
    /// order, and cheaper under keys that are [`prepared`](PublicKey::prepared).
    pub fn verify_all(all: Vec<(Self, &PublicKey)>) -> Vec<Result<Verified, JwsError>> {
        let claimed: Vec<_> = all
            .iter()
            .map(|(jws, key)| Claimed { key, message: jws.signing_input.as_bytes(), signature: &jws.signature })
            .collect();
        let held = public_key::verify_all(&claimed);
        all.into_iter().zip(held).map(|((jws, key), held)| jws.settled(key, held)).collect()
    }

    /// What the outcome of the check comes to. That the header names the key's algorithm is asked first.
    fn settled(self, key: &PublicKey, held: Result<(), BadSignature>) -> Result<Verified, JwsError> {
        if self.header.algorithm != key.algorithm() {
            return Err(JwsError::AlgorithmNotAllowed);
        }
        held.map_err(|_| JwsError::BadSignature)?;
        let claims = self.dangerous_unverified_claims()?;
        Ok(Verified { header: self.header, claims })
    }
}

impl Header {
    fn read(members: Map<String, Value>, types: &[&str]) -> Result<Self, JwsError> {
        let algorithm = members.get("alg").and_then(Value::as_str).and_then(Algorithm::from_jose_name);
        let algorithm = algorithm.ok_or(JwsError::AlgorithmNotAllowed)?;
        if let Some(refused) = REFUSED.into_iter().find(|member| members.contains_key(*member)) {
            return Err(JwsError::HeaderNotAccepted(refused));
        }
        if !members.get("typ").and_then(Value::as_str).is_some_and(|typ| types.contains(&typ)) {
            return Err(JwsError::WrongType);
        }
        let kid = match members.get("kid") {
            None => None,
            Some(Value::String(kid)) if kid.len() <= 1024 && kid.bytes().all(|b| (0x20..0x7f).contains(&b)) => {
                Some(kid.clone())
            }
            Some(_) => return Err(JwsError::HeaderNotAccepted("kid")),
        };
        let jwk = match members.get("jwk") {
            None => None,
            Some(Value::Object(jwk)) => Some(jwk.clone()),
            Some(_) => return Err(JwsError::HeaderNotAccepted("jwk")),
        };
        let x5c = members.get("x5c").map(read_x5c).transpose()?;
        Ok(Self { algorithm, kid, jwk, x5c, members })
    }
}

/// `x5c`: a non-empty array of standard, padded base64 (RFC 7515 section 4.1.6), not base64url.
fn read_x5c(value: &Value) -> Result<Vec<Vec<u8>>, JwsError> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let refused = || JwsError::HeaderNotAccepted("x5c");
    let texts = value.as_array().ok_or_else(refused)?;
    if texts.is_empty() || texts.len() > X5C_CERTIFICATES {
        return Err(refused());
    }
    let decode = |text: &Value| -> Result<Vec<u8>, JwsError> {
        let text = text.as_str().filter(|text| text.len() <= CERTIFICATE_BYTES * 3 / 2).ok_or_else(refused)?;
        STANDARD.decode(text).map_err(|_| refused())
    };
    texts.iter().map(decode).collect()
}

/// Signs `claims` under `header`; `alg` is added from the signer, and `kid` too unless `header` names the key already, by
/// `x5c` or `jwk`.
pub fn sign(mut header: Map<String, Value>, claims: &Map<String, Value>, signer: &dyn Signer) -> Result<String, SignError> {
    header.insert("alg".to_owned(), signer.algorithm().jose_name().into());
    if !header.contains_key("x5c") && !header.contains_key("jwk") {
        header.insert("kid".to_owned(), signer.key_id().into());
    }
    // Unwrap safety: maps of JSON values always serialise.
    let encode = |map: &Map<String, Value>| base64url::encode(serde_json::to_vec(map).unwrap_or_default());
    let mut text = format!("{}.{}", encode(&header), encode(claims));
    let signature = signer.sign(text.as_bytes())?;
    text.push('.');
    text.push_str(&base64url::encode(signature));
    Ok(text)
}

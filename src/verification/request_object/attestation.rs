//! What an authority wrote about this verifier (OpenID4VP 1.0 section 12).
//!
//! Its signature is for wallets to check, who know the authority; what is checked here is what would make them refuse.

use serde_json::{Map, Value};

use crate::{
    base::{base64url, json, limits::JWS_BYTES, time::Timestamp},
    crypto::PublicKey,
};

const TYPE: &str = "verifier-attestation+jwt";

/// Why an attestation is of no use.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AttestationError {
    /// There is none.
    #[error("there is none: put it into verifier-attestation.jwt in the folder of keys")]
    Missing,
    /// Not a compact JWS of the type `verifier-attestation+jwt`.
    #[error("not a compact JWS of the type verifier-attestation+jwt")]
    Malformed,
    /// A claim that is missing or of the wrong form; named.
    #[error("claim {0} is missing or not of its form")]
    Claim(&'static str),
    /// `cnf` names another key: it was written about somebody else, or about a key that was replaced.
    #[error("it is about another key than request.key.pem")]
    OtherKey,
    /// Past its time.
    #[error("it expired at {0}")]
    Expired(Timestamp),
    /// It names the addresses that may be answered at, and those of this service have a part that is new each time.
    #[error("it names redirect_uris, and the address for the response is another for each request")]
    RedirectUris,
}

pub(super) struct VerifierAttestation {
    pub(super) text: String,
    pub(super) subject: String,
    pub(super) expires_at: Timestamp,
}

impl VerifierAttestation {
    /// Reads the file's content; `key` is the one that signs requests.
    pub(super) fn read(text: Option<&str>, key: &PublicKey, now: Timestamp) -> Result<Self, AttestationError> {
        let text = text.map(str::trim_ascii).filter(|text| !text.is_empty()).ok_or(AttestationError::Missing)?;
        let claims = claims(text)?;
        let subject = claims.get("sub").and_then(Value::as_str).filter(|sub| !sub.is_empty());
        let subject = subject.ok_or(AttestationError::Claim("sub"))?.to_owned();
        if claims.get("iss").and_then(Value::as_str).is_none() {
            return Err(AttestationError::Claim("iss"));
        }
        let expires_at = claims.get("exp").and_then(Value::as_i64).ok_or(AttestationError::Claim("exp"))?;
        let expires_at = Timestamp::from_unix(expires_at);
        if now > expires_at {
            return Err(AttestationError::Expired(expires_at));
        }
        let jwk = claims.get("cnf").and_then(|cnf| cnf.get("jwk")).and_then(Value::as_object);
        let jwk = jwk.and_then(|jwk| PublicKey::from_jwk(jwk).ok()).ok_or(AttestationError::Claim("cnf"))?;
        if &jwk != key {
            return Err(AttestationError::OtherKey);
        }
        if claims.contains_key("redirect_uris") {
            return Err(AttestationError::RedirectUris);
        }
        Ok(Self { text: text.to_owned(), subject, expires_at })
    }
}

/// The claims of a JWS by an authority that need not sign with an algorithm spoken here.
fn claims(text: &str) -> Result<Map<String, Value>, AttestationError> {
    let malformed = || AttestationError::Malformed;
    let parts: Vec<&str> = text.split('.').take(4).collect();
    let [header, claims, signature] = parts.as_slice() else { return Err(malformed()) };
    if text.len() > JWS_BYTES || signature.is_empty() {
        return Err(malformed());
    }
    let object = |part: &str| -> Option<Map<String, Value>> { json::parse_object(&base64url::decode(part).ok()?).ok() };
    let header = object(header).ok_or_else(malformed)?;
    if header.get("typ").is_none_or(|typ| typ != TYPE) {
        return Err(malformed());
    }
    object(claims).ok_or_else(malformed)
}

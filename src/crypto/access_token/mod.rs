//! Access tokens (RFC 9068): JWTs that this service signs and itself reads back.
//!
//! `jsonwebtoken` writes and reads them, through a provider that signs and verifies by this crate's own keys; none of its
//! built-in backends is compiled in. It is asked for nothing but form and signature: what its validation leaves open
//! (THREATS F8: `typ`, `crit`, claims that are missing or of another type, the machine's clock) is checked here.

mod provider;

use std::sync::Arc;

use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use serde::{Deserialize, Serialize};

use crate::{
    base::{
        limits::{ACCESS_TOKEN_BYTES, CLOCK_SKEW_SECONDS},
        time::Timestamp,
    },
    crypto::{
        Algorithm, PublicKey, SignError, Signer,
        jws::{JwsError, Unverified},
    },
};

use provider::library_algorithm;

/// `typ` of an access token (RFC 9068 section 2.1).
const TYPE: &str = "at+jwt";
/// The only header members an access token of ours has.
const MEMBERS: [&str; 3] = ["alg", "kid", "typ"];

/// What an access token says.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// The authorisation server that issued it.
    pub iss: String,
    /// The credential issuer that accepts it.
    pub aud: String,
    /// What it was issued for: the id of the grant.
    pub sub: String,
    /// The client, when it named itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The token's own id.
    pub jti: String,
    /// When it was issued.
    pub iat: Timestamp,
    /// When it ends; at that second it is no longer accepted.
    pub exp: Timestamp,
    /// The key it is bound to (RFC 9449 section 6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// Which refreshing of the grant it belongs to.
    #[serde(default)]
    pub generation: u32,
    /// The credential configurations it is good for; written as one text, separated by spaces (RFC 6749 section 3.3).
    #[serde(rename = "scope", with = "scope")]
    pub configurations: Vec<String>,
}

/// The key that an access token is bound to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The SHA-256 thumbprint of the DPoP key (RFC 7638), base64url.
    pub jkt: String,
}

/// What an access token has to say here and now. A token issued by a clock that is [`CLOCK_SKEW_SECONDS`] fast is
/// accepted; its end has no such allowance.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'a> {
    /// The only accepted `iss`.
    pub issuer: &'a str,
    /// The only accepted `aud`.
    pub audience: &'a str,
    /// The time.
    pub now: Timestamp,
}

/// Why an access token is not accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AccessTokenError {
    /// Longer than any token made here.
    #[error("longer than any access token")]
    TooLong,
    /// Not a JWS of type `at+jwt`, or its header is not accepted.
    #[error(transparent)]
    Form(#[from] JwsError),
    /// A header member that no token of ours has.
    #[error("an unexpected header member")]
    UnexpectedHeader,
    /// Its signature is not by our key.
    #[error("the signature does not verify")]
    BadSignature,
    /// A claim is missing, of another type, unknown, or stands twice.
    #[error("claims missing or malformed")]
    Claims,
    /// Issued by another.
    #[error("issued by another")]
    WrongIssuer,
    /// Issued for another.
    #[error("issued for another")]
    WrongAudience,
    /// No longer valid.
    #[error("expired at {0}")]
    Expired(Timestamp),
    /// Issued in the future, or ending before it begins.
    #[error("issued in the future, at {0}")]
    NotYetIssued(Timestamp),
}

/// Signs an access token.
pub fn sign(claims: &Claims, signer: &Arc<dyn Signer>) -> Result<String, SignError> {
    if !provider::installed() {
        return Err(SignError::Failed);
    }
    let mut header = Header::new(library_algorithm(signer.algorithm()));
    header.typ = Some(TYPE.to_owned());
    header.kid = Some(signer.key_id().to_owned());
    // The library wants key bytes; it gets the identifier, for the key itself may not leave its hardware.
    let handle = match signer.algorithm() {
        Algorithm::Ed25519 => EncodingKey::from_ed_der(signer.key_id().as_bytes()),
        Algorithm::Es256 => EncodingKey::from_ec_der(signer.key_id().as_bytes()),
    };
    let _in_use = provider::InUse::set(signer);
    jsonwebtoken::encode(&header, claims, &handle).map_err(|_| provider::failure())
}

/// Reads an access token, checks its signature with `key`, and every claim.
pub fn verify(text: &str, key: &PublicKey, expected: &Expectation<'_>) -> Result<Claims, AccessTokenError> {
    if text.len() > ACCESS_TOKEN_BYTES {
        return Err(AccessTokenError::TooLong);
    }
    let unverified = Unverified::parse(text, &[TYPE])?;
    let header = unverified.header();
    if header.algorithm != key.algorithm() {
        return Err(JwsError::AlgorithmNotAllowed.into());
    }
    if header.members.keys().any(|member| !MEMBERS.contains(&member.as_str())) {
        return Err(AccessTokenError::UnexpectedHeader);
    }
    let claims = read(text, key)?;
    check(&claims, expected)?;
    Ok(claims)
}

fn check(claims: &Claims, expected: &Expectation<'_>) -> Result<(), AccessTokenError> {
    if claims.iss != expected.issuer {
        return Err(AccessTokenError::WrongIssuer);
    }
    if claims.aud != expected.audience {
        return Err(AccessTokenError::WrongAudience);
    }
    if expected.now >= claims.exp {
        return Err(AccessTokenError::Expired(claims.exp));
    }
    if claims.iat > expected.now.plus_seconds(CLOCK_SKEW_SECONDS) || claims.iat >= claims.exp {
        return Err(AccessTokenError::NotYetIssued(claims.iat));
    }
    Ok(())
}

fn read(text: &str, key: &PublicKey) -> Result<Claims, AccessTokenError> {
    if !provider::installed() {
        return Err(AccessTokenError::BadSignature);
    }
    let decoding_key = match key.algorithm() {
        Algorithm::Ed25519 => DecodingKey::from_ed_der(key.as_bytes()),
        Algorithm::Es256 => DecodingKey::from_ec_der(key.as_bytes()),
    };
    let mut validation = Validation::new(library_algorithm(key.algorithm()));
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    let decoded = jsonwebtoken::decode(text, &decoding_key, &validation);
    decoded.map(|token| token.claims).map_err(|error| match error.kind() {
        ErrorKind::Json(_) | ErrorKind::Utf8(_) | ErrorKind::Base64(_) => AccessTokenError::Claims,
        _ => AccessTokenError::BadSignature,
    })
}

mod scope {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(scopes: &[String], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&scopes.join(" "))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let scopes: Vec<_> = text.split(' ').map(str::to_owned).collect();
        if scopes.iter().any(String::is_empty) { Err(D::Error::custom("an empty scope")) } else { Ok(scopes) }
    }
}

#[cfg(test)]
mod tests;

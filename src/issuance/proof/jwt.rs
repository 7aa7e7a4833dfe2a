//! Proofs signed by a holder key (OpenID4VCI 1.0 appendix F.1).

use serde_json::{Map, Value};

use super::{ProofError, key_attestation::KeyAttestation, nonce_of, time_of};
use crate::{
    base::{
        limits::{CLOCK_SKEW_SECONDS, PROOF_AGE_SECONDS},
        time::Timestamp,
    },
    crypto::{
        PublicKey,
        jws::{Header, Unverified},
    },
};

/// `typ` of a proof.
const TYPE: &str = "openid4vci-proof+jwt";

/// A proof whose form and signature are good.
#[derive(Clone, Debug)]
pub(super) struct JwtProof {
    /// The holder key.
    pub(super) key: PublicKey,
    /// Its nonce.
    pub(super) nonce: String,
    /// Whether an attestation stands in its header.
    pub(super) is_attested: bool,
    claims: Map<String, Value>,
}

impl JwtProof {
    /// Takes a proof apart and checks its signature with the key it names. The attestation in its header is `attestation`,
    /// which the caller took out of the same text.
    pub(super) fn read(text: &str, attestation: Option<&KeyAttestation<'_>>) -> Result<Self, ProofError> {
        let unverified = Unverified::parse(text, &[TYPE])?;
        let key = holder_key(unverified.header(), attestation)?;
        let claims = unverified.verify(&key)?.claims;
        let nonce = nonce_of(&claims)?.ok_or(ProofError::NonceMissing)?;
        Ok(Self { key, nonce, is_attested: attestation.is_some(), claims })
    }

    /// The attestation that stands in the header of a proof, still as text.
    pub(super) fn attestation_of(text: &str) -> Result<Option<String>, ProofError> {
        match Unverified::parse(text, &[TYPE])?.header().members.get("key_attestation") {
            None => Ok(None),
            Some(Value::String(attestation)) => Ok(Some(attestation.clone())),
            Some(_) => Err(ProofError::AttestationNotText),
        }
    }

    /// Checks audience, issuer and times.
    pub(super) fn check(&self, issuer: &str, client_id: Option<&str>, now: Timestamp) -> Result<(), ProofError> {
        let claims = &self.claims;
        if claims.get("aud").and_then(Value::as_str) != Some(issuer) {
            return Err(ProofError::Audience);
        }
        match (claims.get("iss"), client_id) {
            (None, _) => {}
            (Some(Value::String(iss)), Some(client)) if iss == client => {}
            _ => return Err(ProofError::Issuer),
        }
        let issued_at = time_of(claims, "iat")?.ok_or(ProofError::NotATime("iat"))?;
        let age = now.seconds_since(issued_at);
        if !(-CLOCK_SKEW_SECONDS..=PROOF_AGE_SECONDS + CLOCK_SKEW_SECONDS).contains(&age) {
            return Err(ProofError::Time("iat"));
        }
        if time_of(claims, "exp")?.is_some_and(|end| now.seconds_since(end) >= CLOCK_SKEW_SECONDS) {
            return Err(ProofError::Time("exp"));
        }
        if time_of(claims, "nbf")?.is_some_and(|start| start.seconds_since(now) > CLOCK_SKEW_SECONDS) {
            return Err(ProofError::Time("nbf"));
        }
        Ok(())
    }
}

/// The key that a proof names: given by `jwk`, or by `kid` among those that its attestation attests.
fn holder_key(header: &Header, attestation: Option<&KeyAttestation<'_>>) -> Result<PublicKey, ProofError> {
    let named = ["jwk", "kid", "x5c"].into_iter().filter(|member| header.members.contains_key(*member));
    if named.count() != 1 {
        return Err(ProofError::KeyNotNamedOnce);
    }
    match (&header.jwk, &header.kid, attestation) {
        (Some(jwk), ..) => Ok(PublicKey::from_jwk(jwk)?),
        (None, Some(kid), Some(attestation)) => attestation.key_called(kid).cloned().ok_or(ProofError::NotAttested),
        _ => Err(ProofError::KeyNotGiven),
    }
}

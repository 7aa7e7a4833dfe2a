//! Proof that a wallet holds a key (OpenID4VCI 1.0 appendix F.1).
//!
//! In two steps: `Proof::read` checks what never changes, form and signature; `Proof::check` checks what depends on
//! time and grant. A repeated request needs only the first.

use serde_json::Value;

use crate::{
    base::{
        limits::{CLOCK_SKEW_SECONDS, NONCE_BYTES, PROOF_AGE_SECONDS},
        time::Timestamp,
    },
    crypto::{
        KeyError, PublicKey,
        jws::{JwsError, Unverified, Verified},
    },
    format::sdjwt::numeric_date,
};

/// `typ` of a proof.
const TYPE: &str = "openid4vci-proof+jwt";

/// Why a proof is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProofError {
    /// Its form, header or signature.
    #[error("proof: {0}")]
    Jws(#[from] JwsError),
    /// Not exactly one of `jwk`, `kid` and `x5c`.
    #[error("exactly one of jwk, kid and x5c is needed")]
    KeyNotNamedOnce,
    /// The key is named by `kid` or `x5c`; metadata say that only `jwk` is taken.
    #[error("the key has to be given as jwk")]
    KeyNotGiven,
    /// The key itself.
    #[error("holder key: {0}")]
    Key(#[from] KeyError),
    /// `aud` is not this issuer, as one text.
    #[error("aud is not the credential issuer")]
    Audience,
    /// `iss` stands in a proof of an anonymous wallet, or is not the client.
    #[error("iss is not the client of the access token")]
    Issuer,
    /// A time is missing or not a number.
    #[error("{0} is not a time")]
    NotATime(&'static str),
    /// `iat` is too long ago or in the future, or the proof is not valid now by its own `exp` or `nbf`.
    #[error("{0} does not fit the time now")]
    Time(&'static str),
    /// No nonce, or none that could be ours.
    #[error("nonce is missing")]
    NonceMissing,
    /// The nonce is not ours, past its time or used.
    #[error("the nonce is not good, or not any more")]
    NonceNotGood,
    /// Two proofs with one key: each copy has a key of its own.
    #[error("two proofs with one key")]
    KeyTwice,
}

impl ProofError {
    /// The code (OpenID4VCI 1.0 section 8.3.1.2): `invalid_nonce` tells a wallet to fetch a fresh one.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NonceNotGood => "invalid_nonce",
            _ => "invalid_proof",
        }
    }
}

/// A proof whose form and signature are good.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    /// The holder key.
    pub key: PublicKey,
    /// Its nonce.
    pub nonce: String,
    verified: Verified,
}

impl Proof {
    /// Takes a proof apart and checks its signature with the key it carries.
    pub(super) fn read(text: &str) -> Result<Self, ProofError> {
        let unverified = Unverified::parse(text, &[TYPE])?;
        let header = unverified.header();
        let named = ["jwk", "kid", "x5c"].into_iter().filter(|member| header.members.contains_key(*member));
        if named.count() != 1 {
            return Err(ProofError::KeyNotNamedOnce);
        }
        let key = PublicKey::from_jwk(header.jwk.as_ref().ok_or(ProofError::KeyNotGiven)?)?;
        let verified = unverified.verify(&key)?;
        let nonce = match verified.claims.get("nonce") {
            Some(Value::String(nonce)) if nonce.len() <= NONCE_BYTES => nonce.clone(),
            Some(Value::String(_)) => return Err(ProofError::NonceNotGood),
            _ => return Err(ProofError::NonceMissing),
        };
        Ok(Self { key, nonce, verified })
    }

    /// Checks audience, issuer and times. The nonce is the caller's to check.
    pub(super) fn check(&self, issuer: &str, client_id: Option<&str>, now: Timestamp) -> Result<(), ProofError> {
        let claims = &self.verified.claims;
        if claims.get("aud").and_then(Value::as_str) != Some(issuer) {
            return Err(ProofError::Audience);
        }
        match (claims.get("iss"), client_id) {
            (None, _) => {}
            (Some(Value::String(iss)), Some(client)) if iss == client => {}
            _ => return Err(ProofError::Issuer),
        }
        let time = |claim: &'static str| match claims.get(claim) {
            None => Ok(None),
            Some(value) => numeric_date(value).map(Some).ok_or(ProofError::NotATime(claim)),
        };
        let issued_at = time("iat")?.ok_or(ProofError::NotATime("iat"))?;
        let age = now.seconds_since(issued_at);
        if !(-CLOCK_SKEW_SECONDS..=PROOF_AGE_SECONDS + CLOCK_SKEW_SECONDS).contains(&age) {
            return Err(ProofError::Time("iat"));
        }
        if time("exp")?.is_some_and(|end| now.seconds_since(end) >= CLOCK_SKEW_SECONDS) {
            return Err(ProofError::Time("exp"));
        }
        if time("nbf")?.is_some_and(|start| start.seconds_since(now) > CLOCK_SKEW_SECONDS) {
            return Err(ProofError::Time("nbf"));
        }
        Ok(())
    }
}

/// Reads the proofs of one request; no key may stand twice.
pub(super) fn read_all(texts: &[String]) -> Result<Vec<Proof>, ProofError> {
    let proofs: Vec<_> = texts.iter().map(|text| Proof::read(text)).collect::<Result<_, _>>()?;
    for (at, proof) in proofs.iter().enumerate() {
        if proofs.iter().take(at).any(|earlier| earlier.key == proof.key) {
            return Err(ProofError::KeyTwice);
        }
    }
    Ok(proofs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://credential-issuer.example.com";
    const ISSUED_AT: Timestamp = Timestamp::from_unix(1_701_960_444);

    /// The example of OpenID4VCI 1.0 appendix F.1, from the folder of vectors.
    fn published() -> Option<String> {
        let folder =
            std::env::var("YUFU_VECTORS").unwrap_or_else(|_| format!("{}/../shared/vectors", env!("CARGO_MANIFEST_DIR")));
        let text = std::fs::read_to_string(format!("{folder}/oid4vci/proof_jwt_appendix_F1.jwt"));
        if text.is_err() {
            println!("vectors absent: {folder}/oid4vci");
        }
        text.ok()
    }

    #[test]
    fn the_published_proof_is_read_and_good_for_its_issuer_and_time_alone() {
        let Some(text) = published() else { return };
        let proof = Proof::read(text.trim()).expect("form and signature are good");
        assert_eq!((proof.nonce.as_str(), proof.key.algorithm().jose_name()), ("LarRGSbmUPYtRYO6BQ4yn8", "ES256"));
        let last = ISSUED_AT.plus_seconds(PROOF_AGE_SECONDS + CLOCK_SKEW_SECONDS);
        let first = ISSUED_AT.plus_seconds(-CLOCK_SKEW_SECONDS);
        for (issuer, client, now, outcome) in [
            (ISSUER, None, ISSUED_AT, Ok(())),
            (ISSUER, Some("wallet"), last, Ok(())),
            (ISSUER, None, first, Ok(())),
            (ISSUER, None, last.plus_seconds(1), Err(ProofError::Time("iat"))),
            (ISSUER, None, first.plus_seconds(-1), Err(ProofError::Time("iat"))),
            ("https://credential-issuer.example.com/", None, ISSUED_AT, Err(ProofError::Audience)),
        ] {
            assert_eq!(proof.check(issuer, client, now), outcome, "{issuer} {now}");
        }
    }

    #[test]
    fn one_key_makes_one_copy() {
        let Some(text) = published() else { return };
        let twice = [text.trim().to_owned(), text.trim().to_owned()];
        assert_eq!(read_all(&twice).err(), Some(ProofError::KeyTwice));
        assert_eq!(read_all(&twice[..1]).map(|proofs| proofs.len()).ok(), Some(1));
    }
}

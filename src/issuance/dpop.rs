//! Proof that the sender of a request holds a key (RFC 9449), so that a token that was stolen is of no use.
//!
//! A nonce of ours is always asked for: a proof that somebody had made in advance, with a phone in hand for a moment, is
//! none. Each proof is taken once, by the commit that answers the request.

use crate::{
    base::{
        base64url,
        limits::{CLOCK_SKEW_SECONDS, SENDER_PROOF_AGE_SECONDS, SENDER_PROOF_MEMORY_SECONDS},
        time::Timestamp,
    },
    crypto::{keyed_hash, sha256},
    format::openid::dpop::{DpopFormError, DpopProof, names_endpoint},
    issuance::{Ground, caller::Shown, freshness::Server},
    model::record::OneTimeKey,
};

/// Why a DPoP proof is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DpopError {
    /// There is none, and one is needed.
    #[error("a DPoP proof is needed")]
    Missing,
    /// More than one header.
    #[error("more than one DPoP header")]
    Several,
    /// Its form or signature.
    #[error("DPoP proof: {0}")]
    Form(#[from] DpopFormError),
    /// `htm` is another method.
    #[error("htm is not the method of this request")]
    Method,
    /// `htu` is another address.
    #[error("htu is not the address of this request")]
    Target,
    /// `iat` is too long ago or in the future.
    #[error("iat does not fit the time now")]
    Time,
    /// `ath` is missing or of another access token.
    #[error("ath is not the hash of the access token")]
    TokenHash,
    /// The token is bound to another key.
    #[error("the access token is bound to another key")]
    OtherKey,
    /// No nonce, or none that is good now. Here is one.
    #[error("a nonce of this server is needed in the DPoP proof")]
    Nonce(String),
    /// The proof was shown before.
    #[error("the DPoP proof was used before")]
    Replayed,
}

impl DpopError {
    /// The code (RFC 9449 sections 5, 7.1, 8 and 9).
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Nonce(_) => "use_dpop_nonce",
            Self::OtherKey => "invalid_token",
            _ => "invalid_dpop_proof",
        }
    }
}

/// A key whose holder sent a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ProvenKey {
    /// Its thumbprint (RFC 7638).
    pub thumbprint: [u8; 32],
    /// Under which the use of the proof is recorded.
    pub once: OneTimeKey,
    /// From when on that may be forgotten.
    pub forgotten_at: Timestamp,
}

impl ProvenKey {
    /// The thumbprint as tokens and parameters write it.
    pub(super) fn jkt(&self) -> String {
        base64url::encode(self.thumbprint)
    }
}

impl Ground {
    /// The key that a request to this half of the service proves by its DPoP header; none when there is no such header.
    /// Beside an access token the proof has to be made for it.
    pub(super) fn dpop(&self, shown: &Shown, server: Server, token: Option<&str>) -> Result<Option<ProvenKey>, DpopError> {
        let text = match shown.dpop.as_slice() {
            [] => return Ok(None),
            [one] => one,
            _ => return Err(DpopError::Several),
        };
        let proof = DpopProof::read(text)?;
        if proof.htm != shown.method {
            return Err(DpopError::Method);
        }
        if !names_endpoint(&proof.htu, &format!("{}{}", self.public_url, shown.path)) {
            return Err(DpopError::Target);
        }
        if token.is_some_and(|token| proof.ath.as_deref() != Some(&base64url::encode(sha256(token)))) {
            return Err(DpopError::TokenHash);
        }
        if !is_recent(proof.iat, self.clock.now()) {
            return Err(DpopError::Time);
        }
        if !proof.nonce.as_deref().is_some_and(|nonce| self.is_fresh(server, nonce)) {
            return Err(DpopError::Nonce(self.freshness(server)));
        }
        Ok(Some(self.proven(&proof, shown.path)))
    }

    fn proven(&self, proof: &DpopProof, path: &str) -> ProvenKey {
        let thumbprint = proof.key.thumbprint();
        // Of the key too: nobody uses up an identifier for another. Both parts before it have one length.
        let what = [&thumbprint[..], &sha256(path), proof.jti.as_bytes()].concat();
        let once = keyed_hash(self.keyring.code_key(), "used DPoP proof", &what);
        ProvenKey { thumbprint, once, forgotten_at: proof.iat.plus_seconds(SENDER_PROOF_MEMORY_SECONDS) }
    }
}

/// Whether something made for one request at this time can be shown now.
pub(super) fn is_recent(made_at: Timestamp, now: Timestamp) -> bool {
    (-CLOCK_SKEW_SECONDS..=SENDER_PROOF_AGE_SECONDS + CLOCK_SKEW_SECONDS).contains(&now.seconds_since(made_at))
}

//! Which wallet sends a request, as its maker's attester vouches (draft-ietf-oauth-attestation-based-client-auth, HAIP 1.0
//! section 4.4.1).
//!
//! An attestation is beside a proof of its own (`attest_jwt_client_auth`), or the DPoP proof of the request is that proof,
//! by the same key (`attest_jwt_client_auth_dpop`).

use crate::{
    base::{
        limits::{CLOCK_SKEW_SECONDS, SENDER_PROOF_MEMORY_SECONDS},
        time::Timestamp,
    },
    crypto::{
        keyed_hash,
        x509::{ChainError, Leaf, verify_chain},
    },
    format::openid::client_attestation::{
        ClientAttestation, ClientAttestationFormError, ClientAttestationPop, UnverifiedAttestation,
    },
    issuance::{
        Ground,
        attestation_status::NamedStatus,
        caller::Shown,
        dpop::{ProvenKey, is_recent},
        freshness::Server,
    },
    model::record::OneTimeKey,
};

/// Why a wallet attestation is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AttestationError {
    /// There is none, and one is needed.
    #[error("a wallet attestation is needed")]
    Missing,
    /// More than one header of a kind.
    #[error("more than one wallet attestation, or more than one proof of it")]
    Several,
    /// A proof without an attestation, or an attestation without a proof.
    #[error("a wallet attestation and the proof of its key belong together")]
    NotBoth,
    /// Its form or signature.
    #[error("wallet attestation: {0}")]
    Form(ClientAttestationFormError),
    /// Who vouches for it.
    #[error("wallet attestation: {0}")]
    Attester(#[from] ChainError),
    /// It is past its time, or not good yet.
    #[error("the wallet attestation is not good at this time; a fresh one is needed")]
    Time,
    /// Its attester revoked it.
    #[error("the wallet attestation was revoked")]
    Revoked,
    /// It says where it would be revoked, and that cannot be read now.
    #[error("the status of the wallet attestation cannot be told")]
    StatusUnknown,
    /// The form or the request names another client.
    #[error("client_id is not the client of the wallet attestation")]
    OtherClient,
    /// The form or signature of its proof.
    #[error("proof of the wallet attestation: {0}")]
    Proof(ClientAttestationFormError),
    /// `aud` is not this authorisation server.
    #[error("aud is not the authorization server")]
    Audience,
    /// `iss` of the proof is another client.
    #[error("iss of the proof is not the client of the wallet attestation")]
    Issuer,
    /// The proof was made too long ago, or in the future.
    #[error("the proof of the wallet attestation does not fit the time now")]
    ProofTime,
    /// The DPoP proof that stands for it is by another key.
    #[error("the DPoP proof is not by the key of the wallet attestation")]
    OtherKey,
    /// The challenge is not ours, or too old. Here is one.
    #[error("a challenge of this server is needed in the proof of the wallet attestation")]
    Challenge(String),
    /// The proof was shown before.
    #[error("the proof of the wallet attestation was used before")]
    Replayed,
}

impl AttestationError {
    /// The code (section 7.4 of -10; RFC 6749 section 5.2).
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "invalid_client",
            Self::Time => "use_fresh_attestation",
            Self::Challenge(_) => "use_attestation_challenge",
            _ => "invalid_client_attestation",
        }
    }
}

/// A wallet that proved what it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct AttestedWallet {
    /// What its attester says.
    pub attestation: ClientAttestation,
    /// Under which the use of its proof is recorded, and from when on that may be forgotten; none in the combined mode.
    pub once: Option<(OneTimeKey, Timestamp)>,
}

impl Ground {
    /// The wallet that a request shows an attestation of; none when it shows none. `dpop` is what its DPoP header proves.
    pub(super) fn attested(&self, shown: &Shown, dpop: Option<&ProvenKey>) -> Result<Option<AttestedWallet>, AttestationError> {
        let (text, proof) = match (shown.attestation.as_slice(), shown.attestation_pop.as_slice()) {
            ([], []) => return Ok(None),
            ([text], []) => (text, None),
            ([text], [proof]) => (text, Some(proof)),
            ([], [_]) => return Err(AttestationError::NotBoth),
            _ => return Err(AttestationError::Several),
        };
        let attestation = self.attestation(text)?;
        let once = match (proof, dpop) {
            (Some(proof), _) => Some(self.check_proof(proof, &attestation)?),
            (None, None) => return Err(AttestationError::NotBoth),
            (None, Some(proven)) if proven.thumbprint != attestation.key.thumbprint() => {
                return Err(AttestationError::OtherKey);
            }
            (None, Some(_)) => None,
        };
        Ok(Some(AttestedWallet { attestation, once }))
    }

    fn attestation(&self, text: &str) -> Result<ClientAttestation, AttestationError> {
        let now = self.clock.now();
        let unverified = UnverifiedAttestation::parse(text).map_err(AttestationError::Form)?;
        let attester = verify_chain(unverified.x5c(), self.keyring.wallet_attesters(), now)?;
        let attestation = unverified.verify(&attester.public_key).map_err(AttestationError::Form)?;
        let begins = [attestation.iat, attestation.nbf].into_iter().flatten().max();
        let begun = begins.is_none_or(|begin| begin.seconds_since(now) <= CLOCK_SKEW_SECONDS);
        if !begun || now.seconds_since(attestation.exp) >= CLOCK_SKEW_SECONDS {
            return Err(AttestationError::Time);
        }
        self.check_status(&attestation, &attester)?;
        Ok(attestation)
    }

    /// Passes when the attestation names no status, or one that is valid. One that cannot be told is not taken for valid: a
    /// wallet comes again, a stolen phone with a card that was fetched stays.
    fn check_status(&self, attestation: &ClientAttestation, attester: &Leaf) -> Result<(), AttestationError> {
        let Some(reference) = attestation.status.clone() else { return Ok(()) };
        // The certificates say who it is; among several addresses of theirs, and where they have none, the attestation does.
        let named = attestation.iss.as_ref().filter(|iss| attester.uris.is_empty() || attester.uris.contains(iss));
        let keeper = named.or(attester.uris.first()).ok_or(AttestationError::StatusUnknown)?.clone();
        let authority = attester.authority.ok_or(AttestationError::StatusUnknown)?;
        match self.attestation_statuses.is_valid(&NamedStatus { reference, attester: keeper, authority }) {
            Some(true) => Ok(()),
            Some(false) => Err(AttestationError::Revoked),
            None => Err(AttestationError::StatusUnknown),
        }
    }

    fn check_proof(&self, text: &str, attestation: &ClientAttestation) -> Result<(OneTimeKey, Timestamp), AttestationError> {
        let proof = ClientAttestationPop::read(text, &attestation.key).map_err(AttestationError::Proof)?;
        if proof.aud != *self.public_url {
            return Err(AttestationError::Audience);
        }
        if proof.iss.as_ref().is_some_and(|iss| *iss != attestation.client_id) {
            return Err(AttestationError::Issuer);
        }
        let now = self.clock.now();
        let ended = proof.exp.is_some_and(|end| now.seconds_since(end) >= CLOCK_SKEW_SECONDS);
        let begun = proof.nbf.is_none_or(|begin| begin.seconds_since(now) <= CLOCK_SKEW_SECONDS);
        if ended || !begun || !is_recent(proof.iat, now) {
            return Err(AttestationError::ProofTime);
        }
        if proof.challenge.as_deref().is_some_and(|challenge| !self.is_fresh(Server::Authorization, challenge)) {
            return Err(AttestationError::Challenge(self.freshness(Server::Authorization)));
        }
        let what = [&attestation.key.thumbprint()[..], proof.jti.as_bytes()].concat();
        let once = keyed_hash(self.keyring.code_key(), "used proof of a wallet attestation", &what);
        Ok((once, proof.iat.plus_seconds(SENDER_PROOF_MEMORY_SECONDS)))
    }
}

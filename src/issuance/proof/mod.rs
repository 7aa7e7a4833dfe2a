//! Proof that a wallet holds keys (OpenID4VCI 1.0 appendix F), and what kind of keys they are (appendix D).
//!
//! In two steps: `Proved::read` checks what never changes, form and signatures of the holder keys; `Proved::check` checks
//! what depends on time, grant and trust. A repeated request needs only the first: its text was checked when it came first.

mod jwt;
mod key_attestation;

use serde_json::{Map, Value};

use crate::{
    base::{
        limits::{BATCH_SIZE, NONCE_BYTES},
        time::Timestamp,
    },
    crypto::{KeyError, PublicKey, jws::JwsError},
    format::{openid::credential::Proofs, sdjwt::numeric_date},
    issuance::{Ground, nonce::FreshNonce},
    model::credential_type::{CredentialType, KeyAttestationRule},
};
use jwt::JwtProof;
use key_attestation::KeyAttestation;
pub use key_attestation::KeyAttestationError;

/// Why a proof is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProofError {
    /// Its form, header or signature.
    #[error("proof: {0}")]
    Jws(#[from] JwsError),
    /// Not exactly one of `jwk`, `kid` and `x5c`.
    #[error("exactly one of jwk, kid and x5c is needed")]
    KeyNotNamedOnce,
    /// The key is named by `x5c`, or by `kid` without an attestation that has it.
    #[error("the key has to be given as jwk, or by kid among the keys of key_attestation")]
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
    /// More keys than `batch_size`.
    #[error("more keys than batch_size")]
    TooManyKeys,
    /// `key_attestation` is not text.
    #[error("key_attestation has to be a JWT")]
    AttestationNotText,
    /// Keys of this type have to be attested.
    #[error("a key attestation is needed")]
    AttestationMissing,
    /// The key of a proof is not among those that its attestation attests.
    #[error("the key is not among attested_keys")]
    NotAttested,
    /// A key attestation.
    #[error("key attestation: {0}")]
    Attestation(#[from] KeyAttestationError),
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

/// The proofs of one request, whose forms are good and whose holder keys signed what they had to.
#[derive(Clone, Debug)]
pub(super) struct Proved<'a> {
    keys: Vec<PublicKey>,
    jwts: Vec<JwtProof>,
    /// Those in the headers of proofs, or the one of proof type `attestation`.
    attestations: Vec<KeyAttestation<'a>>,
}

/// The attestations in the headers of proofs, each text once: the proofs of a batch mostly share one.
#[derive(Clone, Debug, Default)]
pub(super) struct Attestations {
    texts: Vec<String>,
    /// For each proof, which text it has.
    by_proof: Vec<Option<usize>>,
}

impl Attestations {
    /// Takes them out of the headers.
    pub(super) fn of(proofs: &Proofs) -> Result<Self, ProofError> {
        let mut all = Self::default();
        let Proofs::Jwt(proofs) = proofs else { return Ok(all) };
        for proof in proofs {
            let place = JwtProof::attestation_of(proof)?.map(|text| {
                all.texts.iter().position(|known| *known == text).unwrap_or_else(|| {
                    all.texts.push(text);
                    all.texts.len() - 1
                })
            });
            all.by_proof.push(place);
        }
        Ok(all)
    }
}

impl<'a> Proved<'a> {
    /// Reads the proofs of one request; no key may stand twice.
    pub(super) fn read(proofs: &'a Proofs, attestations: &'a Attestations) -> Result<Self, ProofError> {
        match proofs {
            Proofs::Jwt(texts) => Self::read_jwts(texts, attestations),
            Proofs::Attestation(text) => {
                let alone = KeyAttestation::read(text)?;
                alone.nonce.as_ref().ok_or(ProofError::NonceMissing)?;
                Ok(Self { keys: alone.keys.clone(), jwts: Vec::new(), attestations: vec![alone] })
            }
        }
    }

    fn read_jwts(texts: &[String], attestations: &'a Attestations) -> Result<Self, ProofError> {
        let read: Vec<KeyAttestation<'a>> =
            attestations.texts.iter().map(|text| KeyAttestation::read(text)).collect::<Result<_, _>>()?;
        let mut jwts: Vec<JwtProof> = Vec::with_capacity(texts.len());
        for (text, place) in texts.iter().zip(&attestations.by_proof) {
            let attestation = place.and_then(|place| read.get(place));
            let proof = JwtProof::read(text, attestation)?;
            if jwts.iter().any(|earlier| earlier.key == proof.key) {
                return Err(ProofError::KeyTwice);
            }
            if attestation.is_some_and(|attestation| !attestation.keys.contains(&proof.key)) {
                return Err(ProofError::NotAttested);
            }
            jwts.push(proof);
        }
        let keys = all_keys(&jwts, &read);
        if keys.len() > BATCH_SIZE { Err(ProofError::TooManyKeys) } else { Ok(Self { keys, jwts, attestations: read }) }
    }

    /// The holder keys, one a copy. Every attested key gets one (appendix F.1).
    pub(super) fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// Checks everything that [`read`](Self::read) left open. Gives the nonces, each once: a batch may share one.
    pub(super) fn check(
        &self,
        ground: &Ground,
        credential_type: &CredentialType,
        client_id: Option<&str>,
    ) -> Result<Vec<FreshNonce>, ProofError> {
        let now = ground.clock.now();
        // What is not asked for is looked at all the same when it is shown, but for the levels, which nobody announced.
        let none = KeyAttestationRule::default();
        let rule = ground.key_attestation_rule(credential_type);
        for proof in &self.jwts {
            proof.check(&ground.public_url, client_id, now)?;
            if rule.is_some() && !proof.is_attested {
                return Err(ProofError::AttestationMissing);
            }
        }
        for attestation in &self.attestations {
            let beside_a_proof = !self.jwts.is_empty();
            attestation.check(ground, rule.unwrap_or(&none), beside_a_proof)?;
        }
        let of_proofs = self.jwts.iter().map(|proof| &proof.nonce);
        let of_attestations = self.attestations.iter().filter_map(|attestation| attestation.nonce.as_ref());
        let fresh = |nonce: &String| ground.fresh_nonce(nonce).ok_or(ProofError::NonceNotGood);
        let mut nonces: Vec<FreshNonce> = of_proofs.chain(of_attestations).map(fresh).collect::<Result<_, _>>()?;
        nonces.sort_unstable();
        nonces.dedup();
        Ok(nonces)
    }
}

impl Ground {
    /// What the keys of a type have to be attested to be; none when they need no attestation.
    pub(super) fn key_attestation_rule<'a>(&self, credential_type: &'a CredentialType) -> Option<&'a KeyAttestationRule> {
        self.profile.is_haip().then_some(&credential_type.issuing.key_attestation)
    }
}

/// Every key, once. One proof stands for all keys of its attestation, in their order there; several come in their own order,
/// and before keys that none of them signed with.
fn all_keys(jwts: &[JwtProof], attestations: &[KeyAttestation<'_>]) -> Vec<PublicKey> {
    let attested = attestations.iter().flat_map(|attestation| &attestation.keys);
    let own_order = jwts.len() > 1 || attestations.is_empty();
    let signed = jwts.iter().map(|proof| &proof.key).filter(|_| own_order);
    let mut keys: Vec<PublicKey> = Vec::new();
    for key in signed.chain(attested) {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    keys
}

/// `nonce`, if there is one.
fn nonce_of(claims: &Map<String, Value>) -> Result<Option<String>, ProofError> {
    match claims.get("nonce") {
        None => Ok(None),
        Some(Value::String(nonce)) if nonce.len() <= NONCE_BYTES => Ok(Some(nonce.clone())),
        Some(Value::String(_)) => Err(ProofError::NonceNotGood),
        Some(_) => Err(ProofError::NonceMissing),
    }
}

fn time_of(claims: &Map<String, Value>, claim: &'static str) -> Result<Option<Timestamp>, ProofError> {
    match claims.get(claim) {
        None => Ok(None),
        Some(value) => numeric_date(value).map(Some).ok_or(ProofError::NotATime(claim)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::{CLOCK_SKEW_SECONDS, PROOF_AGE_SECONDS};

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
        let proof = JwtProof::read(text.trim(), None).expect("form and signature are good");
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
        let read = |texts: &[&str]| {
            let proofs = Proofs::Jwt(texts.iter().map(|text| text.trim().to_owned()).collect());
            Proved::read(&proofs, &Attestations::of(&proofs)?).map(|proved| proved.keys().len())
        };
        assert_eq!((read(&[&text, &text]), read(&[&text])), (Err(ProofError::KeyTwice), Ok(1)));
    }
}

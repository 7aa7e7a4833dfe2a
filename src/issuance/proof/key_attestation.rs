//! What the maker of a wallet vouches for about its keys (OpenID4VCI 1.0 appendix D.1).

use serde_json::{Map, Value};

use super::{ProofError, nonce_of, time_of};
use crate::{
    base::{
        limits::{BATCH_SIZE, CLOCK_SKEW_SECONDS},
        time::Timestamp,
    },
    crypto::{
        KeyError, PublicKey,
        jws::{JwsError, Unverified},
        x509::{Anchor, ChainError, verify_chain},
    },
    model::credential_type::KeyAttestationRule,
};

/// `typ` of a key attestation.
const TYPE: &str = "key-attestation+jwt";

/// Why a key attestation is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyAttestationError {
    /// Its form, header or signature.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// Nobody vouches for it: there is no `x5c` (HAIP 1.0 section 4.5.1).
    #[error("x5c is missing")]
    NoChain,
    /// Who signed it is not trusted to attest keys.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// `attested_keys` is not a list of one to [`BATCH_SIZE`] keys.
    #[error("attested_keys is not a list of one key to as many as batch_size")]
    Keys,
    /// One of the keys.
    #[error("an attested key: {0}")]
    Key(#[from] KeyError),
    /// A key stands twice.
    #[error("an attested key stands twice")]
    KeyTwice,
    /// A time that is needed is missing.
    #[error("{0} is missing")]
    TimeMissing(&'static str),
    /// It is not valid now.
    #[error("{0} does not fit the time now")]
    Time(&'static str),
    /// It lacks the level that the credential type asks for.
    #[error("{0} is not at a level that is accepted")]
    Level(&'static str),
}

/// A key attestation whose form is good; who signed it is not checked yet.
#[derive(Clone, Debug)]
pub(super) struct KeyAttestation<'a> {
    /// Its keys, at least one, no two the same.
    pub(super) keys: Vec<PublicKey>,
    /// Its nonce, if it has one.
    pub(super) nonce: Option<String>,
    kids: Vec<Option<String>>,
    unverified: Unverified<'a>,
}

impl<'a> KeyAttestation<'a> {
    /// Takes an attestation apart.
    pub(super) fn read(text: &'a str) -> Result<Self, ProofError> {
        let unverified = Unverified::parse(text, &[TYPE]).map_err(KeyAttestationError::from)?;
        let claims = unverified.dangerous_unverified_claims().map_err(KeyAttestationError::from)?;
        let (keys, kids) = attested_keys(&claims)?;
        Ok(Self { keys, nonce: nonce_of(&claims)?, kids, unverified })
    }

    /// The key that a proof calls `kid`: the one that has it as `kid`, else the one at this place of the list.
    pub(super) fn key_called(&self, kid: &str) -> Option<&PublicKey> {
        let named = self.kids.iter().position(|own| own.as_deref() == Some(kid));
        self.keys.get(named.or_else(|| kid.parse().ok())?)
    }

    /// Checks who signed it, its times, and the levels that `rule` asks for. Beside a proof it has to say when it ends
    /// (appendix F.1): nothing else bounds its use there.
    pub(super) fn check(
        &self,
        attesters: &[Anchor],
        rule: &KeyAttestationRule,
        beside_a_proof: bool,
        now: Timestamp,
    ) -> Result<(), ProofError> {
        use KeyAttestationError as E;
        let chain = self.unverified.header().x5c.as_ref().ok_or(E::NoChain)?;
        let leaf = verify_chain(chain, attesters, now).map_err(E::from)?;
        let claims = self.unverified.clone().verify(&leaf.public_key).map_err(E::from)?.claims;
        let issued_at = time_of(&claims, "iat")?.ok_or(E::TimeMissing("iat"))?;
        if issued_at.seconds_since(now) > CLOCK_SKEW_SECONDS {
            return Err(E::Time("iat").into());
        }
        match time_of(&claims, "exp")? {
            None if beside_a_proof => return Err(E::TimeMissing("exp").into()),
            Some(end) if now.seconds_since(end) >= CLOCK_SKEW_SECONDS => return Err(E::Time("exp").into()),
            _ => {}
        }
        if time_of(&claims, "nbf")?.is_some_and(|start| start.seconds_since(now) > CLOCK_SKEW_SECONDS) {
            return Err(E::Time("nbf").into());
        }
        for (claim, accepted) in [("key_storage", &rule.key_storage), ("user_authentication", &rule.user_authentication)] {
            if !accepted.is_empty() && !has_one_of(claims.get(claim), accepted) {
                return Err(E::Level(claim).into());
            }
        }
        Ok(())
    }
}

fn attested_keys(claims: &Map<String, Value>) -> Result<(Vec<PublicKey>, Vec<Option<String>>), KeyAttestationError> {
    let list = claims.get("attested_keys").and_then(Value::as_array).ok_or(KeyAttestationError::Keys)?;
    if list.is_empty() || list.len() > BATCH_SIZE {
        return Err(KeyAttestationError::Keys);
    }
    let (mut keys, mut kids) = (Vec::with_capacity(list.len()), Vec::with_capacity(list.len()));
    for value in list {
        let jwk = value.as_object().ok_or(KeyAttestationError::Keys)?;
        let key = PublicKey::from_jwk(jwk)?;
        if keys.contains(&key) {
            return Err(KeyAttestationError::KeyTwice);
        }
        keys.push(key);
        kids.push(jwk.get("kid").and_then(Value::as_str).map(str::to_owned));
    }
    Ok((keys, kids))
}

fn has_one_of(value: Option<&Value>, accepted: &[String]) -> bool {
    let levels = value.and_then(Value::as_array);
    levels.is_some_and(|levels| levels.iter().filter_map(Value::as_str).any(|level| accepted.iter().any(|one| one == level)))
}

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
        x509::{ChainError, Leaf, verify_chain},
    },
    format::status::{ReferenceError, StatusReference},
    issuance::{Ground, attestation_status::NamedStatus},
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
    /// `status` refers to no status list.
    #[error(transparent)]
    Status(#[from] ReferenceError),
    /// Its attester revoked it.
    #[error("it was revoked")]
    Revoked,
    /// It says where it would be revoked, and that cannot be read now.
    #[error("its status cannot be told")]
    StatusUnknown,
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

    /// Checks who signed it, its times, its status, and the levels that `rule` asks for. Beside a proof it has to say when it
    /// ends (appendix F.1): nothing else bounds its use there.
    pub(super) fn check(&self, ground: &Ground, rule: &KeyAttestationRule, beside_a_proof: bool) -> Result<(), ProofError> {
        use KeyAttestationError as E;
        let now = ground.clock.now();
        let chain = self.unverified.header().x5c.as_ref().ok_or(E::NoChain)?;
        let leaf = verify_chain(chain, ground.keyring.key_attesters(), now).map_err(E::from)?;
        let claims = self.unverified.clone().verify(&leaf.public_key).map_err(E::from)?.claims;
        check_times(&claims, beside_a_proof, now)?;
        for (claim, accepted) in [("key_storage", &rule.key_storage), ("user_authentication", &rule.user_authentication)] {
            if !accepted.is_empty() && !has_one_of(claims.get(claim), accepted) {
                return Err(E::Level(claim).into());
            }
        }
        Ok(check_status(ground, &claims, &leaf)?)
    }
}

fn check_times(claims: &Map<String, Value>, beside_a_proof: bool, now: Timestamp) -> Result<(), ProofError> {
    use KeyAttestationError as E;
    let issued_at = time_of(claims, "iat")?.ok_or(E::TimeMissing("iat"))?;
    if issued_at.seconds_since(now) > CLOCK_SKEW_SECONDS {
        return Err(E::Time("iat").into());
    }
    match time_of(claims, "exp")? {
        None if beside_a_proof => return Err(E::TimeMissing("exp").into()),
        Some(end) if now.seconds_since(end) >= CLOCK_SKEW_SECONDS => return Err(E::Time("exp").into()),
        _ => {}
    }
    match time_of(claims, "nbf")? {
        Some(start) if start.seconds_since(now) > CLOCK_SKEW_SECONDS => Err(E::Time("nbf").into()),
        _ => Ok(()),
    }
}

/// Passes when the attestation names no status, or one that is valid. One that cannot be told is not taken for valid.
fn check_status(ground: &Ground, claims: &Map<String, Value>, attester: &Leaf) -> Result<(), KeyAttestationError> {
    use KeyAttestationError as E;
    let Some(reference) = StatusReference::read(claims)? else { return Ok(()) };
    // The certificates say who it is; among several addresses of theirs, and where they have none, the attestation does.
    let iss = claims.get("iss").and_then(Value::as_str).map(str::to_owned);
    let named = iss.filter(|iss| attester.uris.is_empty() || attester.uris.contains(iss));
    let keeper = named.or(attester.uris.first().cloned()).ok_or(E::StatusUnknown)?;
    let authority = attester.authority.ok_or(E::StatusUnknown)?;
    match ground.attestation_statuses.is_valid(&NamedStatus { reference, attester: keeper, authority }) {
        Some(true) => Ok(()),
        Some(false) => Err(E::Revoked),
        None => Err(E::StatusUnknown),
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

//! The holder's proof: a JWT over the hash of the presentation, signed with the key the credential names (RFC 9901
//! sections 4.3 and 7.3).

use serde_json::{Map, Value};

use crate::{
    base::{
        base64url,
        limits::{CLOCK_SKEW_SECONDS, KEY_BINDING_AGE_SECONDS, NONCE_BYTES},
        time::Timestamp,
    },
    crypto::{
        KeyError, PublicKey,
        jws::{self, JwsError},
        sha256,
    },
    format::sdjwt::registered::numeric_date,
};

/// `typ` of a key binding JWT (RFC 9901 section 4.3).
pub const KEY_BINDING_TYPE: &str = "kb+jwt";

/// Why a presentation does not show that its holder made it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyBindingError {
    /// There is no key binding JWT.
    #[error("no key binding")]
    Missing,
    /// The credential names no key (`cnf.jwk`), so nobody can be shown to hold it.
    #[error("the credential is bound to no key")]
    NoHolderKey,
    /// The credential's `cnf.jwk` is not a key that is accepted.
    #[error("the credential's holder key: {0}")]
    HolderKey(#[from] KeyError),
    /// The JWT is malformed, of another type or algorithm, or signed by another key than the credential's.
    #[error("key binding JWT: {0}")]
    Jwt(#[from] JwsError),
    /// The header brings a key (`jwk`) that is not the credential's.
    #[error("the key in the key binding header is not the credential's")]
    OtherKey,
    /// A claim is missing or of the wrong type: `iat` a number, `aud` one string, `nonce` and `sd_hash` strings.
    #[error("key binding claim {0} is missing or of the wrong form")]
    Claim(&'static str),
    /// Made for another verifier.
    #[error("made for another audience")]
    WrongAudience,
    /// Made for another request.
    #[error("made for another request")]
    WrongNonce,
    /// Made for another credential, or disclosures were added, removed or reordered after signing.
    #[error("made for another presentation")]
    WrongHash,
    /// Made more than the allowed age before now.
    #[error("made {age_seconds} seconds ago")]
    TooOld {
        /// Seconds since `iat`.
        age_seconds: i64,
    },
    /// Made, or valid only from, later than now and the allowed skew.
    #[error("made {ahead_seconds} seconds in the future")]
    InFuture {
        /// Seconds until `iat` or `nbf`.
        ahead_seconds: i64,
    },
    /// Its own `exp` has passed.
    #[error("expired {late_seconds} seconds ago")]
    Expired {
        /// Seconds since `exp`.
        late_seconds: i64,
    },
}

/// What the verifier asked for.
#[derive(Clone, Copy, Debug)]
pub struct KeyBindingExpectation<'a> {
    /// The nonce it gave out; `None` accepts any, for readers that cannot give one (the caller then keeps replays out
    /// by other means).
    pub nonce: Option<&'a str>,
    /// Its own identifier, compared exactly.
    pub audience: &'a str,
    /// The oldest proof that is good enough, in seconds; never more than [`KEY_BINDING_AGE_SECONDS`].
    pub max_age_seconds: i64,
    /// The time of the check.
    pub now: Timestamp,
}

/// A key binding that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyBinding {
    /// The holder's key: the credential's `cnf.jwk`.
    pub holder: PublicKey,
    /// When the presentation was made, by the holder's clock.
    pub issued_at: Timestamp,
    /// Every claim, for profiles that put more in (`transaction_data_hashes`).
    pub claims: Map<String, Value>,
}

/// `sd_hash`: over everything through the last tilde, as received (RFC 9901 section 4.3.1).
pub(super) fn hash(bound: &str) -> String {
    base64url::encode(sha256(bound))
}

/// Checks `proof` over the presentation text `bound` of a credential with these processed `claims`.
pub(super) fn verify(
    proof: &str,
    bound: &str,
    credential: &Map<String, Value>,
    expected: &KeyBindingExpectation<'_>,
) -> Result<KeyBinding, KeyBindingError> {
    let proof = jws::Unverified::parse(proof, &[KEY_BINDING_TYPE])?;
    // `cnf` cannot come from a disclosure: processing refuses that.
    let jwk = credential.get("cnf").and_then(|cnf| cnf.get("jwk")).ok_or(KeyBindingError::NoHolderKey)?;
    let holder = PublicKey::from_jwk(jwk.as_object().ok_or(KeyError::Malformed)?)?;
    if let Some(jwk) = &proof.header().jwk
        && PublicKey::from_jwk(jwk).as_ref() != Ok(&holder)
    {
        return Err(KeyBindingError::OtherKey);
    }
    let claims = proof.verify(&holder)?.claims;
    let text = |name: &'static str| claims.get(name).and_then(Value::as_str).ok_or(KeyBindingError::Claim(name));
    if text("aud")? != expected.audience {
        return Err(KeyBindingError::WrongAudience);
    }
    let nonce = text("nonce")?;
    if nonce.is_empty() || nonce.len() > NONCE_BYTES {
        return Err(KeyBindingError::Claim("nonce"));
    }
    if expected.nonce.is_some_and(|expected| nonce != expected) {
        return Err(KeyBindingError::WrongNonce);
    }
    if text("sd_hash")? != hash(bound) {
        return Err(KeyBindingError::WrongHash);
    }
    let issued_at = check_times(&claims, expected)?;
    Ok(KeyBinding { holder, issued_at, claims })
}

/// `iat` is required; `nbf` and `exp` are held when they are there (RFC 7519 section 4.1).
fn check_times(claims: &Map<String, Value>, expected: &KeyBindingExpectation<'_>) -> Result<Timestamp, KeyBindingError> {
    let now = expected.now;
    let time = |name: &'static str| match claims.get(name) {
        None => Ok(None),
        Some(value) => numeric_date(value).map(Some).ok_or(KeyBindingError::Claim(name)),
    };
    let issued_at = time("iat")?.ok_or(KeyBindingError::Claim("iat"))?;
    let age_seconds = now.seconds_since(issued_at);
    if age_seconds > expected.max_age_seconds.min(KEY_BINDING_AGE_SECONDS) {
        return Err(KeyBindingError::TooOld { age_seconds });
    }
    for begin in [Some(issued_at), time("nbf")?].into_iter().flatten() {
        let ahead_seconds = begin.seconds_since(now);
        if ahead_seconds > CLOCK_SKEW_SECONDS {
            return Err(KeyBindingError::InFuture { ahead_seconds });
        }
    }
    if let Some(end) = time("exp")? {
        let late_seconds = now.seconds_since(end);
        if late_seconds >= CLOCK_SKEW_SECONDS {
            return Err(KeyBindingError::Expired { late_seconds });
        }
    }
    Ok(issued_at)
}

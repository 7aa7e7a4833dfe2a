//! What an ID token has to be before a claim of it counts (OpenID Connect Core 1.0 section 3.1.3.7), and userinfo
//! (section 5.3).

use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError, Nonce, SignatureVerificationError, SubjectIdentifier,
    UserInfoClaims, UserInfoError,
    core::{CoreGenderClaim, CoreJwsSigningAlgorithm as Algorithm},
};
use serde_json::{Map, Value};

use super::{
    LoginError,
    provider::{IdToken, Others, Provider, Through},
};
use crate::{
    base::{limits::CLOCK_SKEW_SECONDS, secret::Secret, time::Timestamp},
    outbound::FetchError,
};

/// Signatures by public keys only: with a shared secret whoever holds ours could write tokens, and `none` is no signature.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
];

/// Oldest ID token, in seconds: it was made for this login, a moment ago.
const AGE_SECONDS: i64 = 300;

const UNKNOWN_KEY: LoginError = LoginError::Token("no key of the login service made its signature");

/// Whether a provider that changed its keys would look like this.
pub(super) fn may_be_a_new_key(error: &LoginError) -> bool {
    *error == UNKNOWN_KEY
}

/// The claims of an ID token that is good at this time, for this client and this login.
pub(super) fn check(
    provider: &Provider,
    id_token: &IdToken,
    access_token: &AccessToken,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<Map<String, Value>, LoginError> {
    // The crate asks for a date of a crate of its own; its default lies before every `exp`, so that the check below by our
    // clock is the one that counts.
    let verifier = provider.client.id_token_verifier().set_allowed_algs(ALGORITHMS).set_time_fn(Default::default);
    let claims = id_token.claims(&verifier, nonce).map_err(|error| why(&error))?;
    let (issued, expires) = (claims.issue_time().timestamp(), claims.expiration().timestamp());
    if now.unix().saturating_sub(expires) >= CLOCK_SKEW_SECONDS {
        return Err(LoginError::Token("it is past its time"));
    }
    let age = now.unix().saturating_sub(issued);
    if !(-CLOCK_SKEW_SECONDS..=AGE_SECONDS).contains(&age) {
        return Err(LoginError::Token("it was not made just now"));
    }
    if let Some(expected) = claims.access_token_hash() {
        let (Ok(algorithm), Ok(key)) = (id_token.signing_alg(), id_token.signing_key(&verifier)) else {
            return Err(UNKNOWN_KEY);
        };
        if AccessTokenHash::from_token(access_token, algorithm, key).ok().as_ref() != Some(expected) {
            return Err(LoginError::Token("the access token is not the one it was made with"));
        }
    }
    if claims.authorized_party().is_some_and(|party| **party != provider.client_id) {
        return Err(LoginError::Token("it was made for another client"));
    }
    members(claims)
}

/// What userinfo says of the subject of these claims; none when the provider has no such endpoint.
pub(super) fn user_info(
    provider: &Provider,
    through: &Through<'_>,
    access_token: &AccessToken,
    claims: &Map<String, Value>,
) -> Result<Option<Map<String, Value>>, LoginError> {
    let subject = claims.get("sub").and_then(Value::as_str).map(|subject| SubjectIdentifier::new(subject.to_owned()));
    let Ok(request) = provider.client.user_info(access_token.clone(), subject) else { return Ok(None) };
    let answer: Result<UserInfoClaims<Others, CoreGenderClaim>, UserInfoError<FetchError>> = request.request(through);
    let info = answer.map_err(|error| match error {
        UserInfoError::ClaimsVerification(_) => LoginError::Token("userinfo speaks of somebody else"),
        _ => LoginError::Unusable("its userinfo endpoint does not answer as it should"),
    })?;
    members(&info).map(Some)
}

/// A claim that is a text and not empty.
pub(super) fn text(claims: &Map<String, Value>, name: &str) -> Option<Secret<String>> {
    let text = claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())?;
    Some(Secret::new(text.to_owned()))
}

/// Claims by name, whichever of them the crate knows.
fn members(claims: &impl serde::Serialize) -> Result<Map<String, Value>, LoginError> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(LoginError::Token("its claims cannot be read")),
    }
}

fn why(error: &ClaimsVerificationError) -> LoginError {
    use SignatureVerificationError as S;
    match error {
        ClaimsVerificationError::SignatureVerification(S::NoMatchingKey | S::CryptoError(_) | S::AmbiguousKeyId(_)) => {
            UNKNOWN_KEY
        }
        ClaimsVerificationError::SignatureVerification(_) => LoginError::Token("its signature is not of an allowed kind"),
        ClaimsVerificationError::InvalidAudience(_) => LoginError::Token("it was made for another client"),
        ClaimsVerificationError::InvalidIssuer(_) => LoginError::Token("it is another issuer's"),
        ClaimsVerificationError::InvalidNonce(_) => LoginError::Token("it was made for another login"),
        _ => LoginError::Token("its form is not expected"),
    }
}

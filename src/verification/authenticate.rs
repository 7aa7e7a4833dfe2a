//! Whose a presentation is: its form, the chain of its issuer, the issuer's signature, and what was disclosed under it.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{checks::Checks, trust::Trust};
use crate::{
    base::time::Timestamp,
    crypto::{
        jws::{self, JwsError},
        x509::{ChainError, Leaf},
    },
    format::sdjwt::{ClaimFormError, SdJwtError, Unverified, Verified},
    model::{reason::ReasonCode, statement::CheckName},
};

/// A presentation of good form with the key that its issuer's signature has to hold under.
pub(super) struct Opened<'a> {
    pub(super) unverified: Unverified<'a>,
    pub(super) leaf: Arc<Leaf>,
}

impl<'a> Opened<'a> {
    /// Takes the text apart and verifies the chain; or the failed check.
    pub(super) fn read(text: &'a str, trust: &Trust, at: Timestamp, checks: &mut Checks) -> Option<Self> {
        let unverified = match Unverified::parse(text) {
            Ok(unverified) => unverified,
            Err(error) => {
                checks.fail_with(CheckName::Format, format_reason(&error), error);
                return None;
            }
        };
        checks.pass(CheckName::Format);
        let leaf = check_chain(unverified.header(), trust, at, checks)?;
        Some(Self { unverified, leaf })
    }
}

/// From the outcome of the signature check to claims that the named issuer signed; or the failed check.
pub(super) fn authenticated<'a>(
    verified: Result<Verified<'a>, SdJwtError>,
    leaf: &Leaf,
    trust: &Trust,
    checks: &mut Checks,
) -> Option<(Verified<'a>, String)> {
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => {
            refuse_content(error, checks);
            return None;
        }
    };
    checks.pass(CheckName::IssuerSignature);
    checks.pass(CheckName::Disclosures);
    let issuer = check_issuer(verified.claims(), leaf, trust, checks)?;
    Some((verified, issuer))
}

fn format_reason(error: &SdJwtError) -> ReasonCode {
    match error {
        SdJwtError::TooLong | SdJwtError::TooManyDisclosures | SdJwtError::Issuer(JwsError::TooLong) => {
            ReasonCode::PresentationTooLarge
        }
        SdJwtError::Issuer(JwsError::WrongType) => ReasonCode::TokenTypeWrong,
        SdJwtError::Issuer(JwsError::AlgorithmNotAllowed) => ReasonCode::AlgorithmNotAllowed,
        SdJwtError::Issuer(JwsError::HeaderNotAccepted(_)) => ReasonCode::HeaderNotAccepted,
        _ => ReasonCode::PresentationMalformed,
    }
}

/// The chain in the header leads to an anchor. A bare key in the header (`jwk`, `kid`) vouches for nothing.
fn check_chain(header: &jws::Header, trust: &Trust, at: Timestamp, checks: &mut Checks) -> Option<Arc<Leaf>> {
    let name = CheckName::IssuerTrusted;
    let Some(x5c) = &header.x5c else {
        checks.fail_with(name, ReasonCode::IssuerNotTrusted, "the header has no certificate chain");
        return None;
    };
    match trust.verify_chain(x5c, at) {
        Ok(leaf) => Some(leaf),
        Err(error) => {
            let reason = match error {
                ChainError::Expired { .. } | ChainError::NotYetValid { .. } => ReasonCode::IssuerCertificateExpired,
                _ => ReasonCode::IssuerNotTrusted,
            };
            checks.fail_with(name, reason, error);
            None
        }
    }
}

/// Sorts out what the format layer refused: the signature, what was disclosed, or a claim of the wrong form.
fn refuse_content(error: SdJwtError, checks: &mut Checks) {
    checks.pass(CheckName::IssuerTrusted);
    match error {
        SdJwtError::Issuer(JwsError::AlgorithmNotAllowed) => {
            checks.fail_with(CheckName::IssuerSignature, ReasonCode::AlgorithmNotAllowed, error);
        }
        SdJwtError::Issuer(JwsError::BadSignature) => {
            checks.fail(CheckName::IssuerSignature, ReasonCode::IssuerSignatureInvalid);
        }
        // Signed, but not a payload that can be read in one way only.
        SdJwtError::Issuer(_) => checks.fail_with(CheckName::Format, ReasonCode::PresentationMalformed, error),
        SdJwtError::Claim(ClaimFormError::Missing(claim) | ClaimFormError::Malformed(claim)) => {
            checks.pass(CheckName::IssuerSignature);
            checks.pass(CheckName::Disclosures);
            let name = match claim {
                "iss" => CheckName::IssuerTrusted,
                "iat" | "nbf" | "exp" => CheckName::ValidityPeriod,
                "cnf" => CheckName::HolderBinding,
                "status" => CheckName::StatusKnown,
                _ => CheckName::Type,
            };
            checks.fail_with(name, ReasonCode::ClaimInvalid, error);
        }
        _ => {
            checks.pass(CheckName::IssuerSignature);
            checks.fail_with(CheckName::Disclosures, ReasonCode::DisclosureInvalid, error);
        }
    }
}

/// The issuer named in the credential is one its certificate names; a credential that names none has the certificate's
/// first (SD-JWT VC section 2.2.2.3).
fn check_issuer(claims: &Map<String, Value>, leaf: &Leaf, trust: &Trust, checks: &mut Checks) -> Option<String> {
    let name = CheckName::IssuerTrusted;
    let issuer = match claims.get("iss").and_then(Value::as_str) {
        Some(issuer) if leaf.uris.iter().any(|uri| uri == issuer) => issuer.to_owned(),
        Some(_) => {
            checks.fail(name, ReasonCode::IssuerMismatch);
            return None;
        }
        None => match leaf.uris.first() {
            Some(uri) => uri.clone(),
            None => {
                checks.fail_with(name, ReasonCode::IssuerNotTrusted, "neither credential nor certificate names the issuer");
                return None;
            }
        },
    };
    if !trust.allows(&issuer, leaf.authority) {
        checks.fail_with(name, ReasonCode::IssuerNotTrusted, "the issuer is not on the list");
        return None;
    }
    checks.pass(name);
    Some(issuer)
}

//! Why a request for a credential is not answered with one.

use crate::{
    format::openid::credential::CredentialRequestError,
    issuance::{Fault, grant::AccessError, proof::ProofError},
    model::credential_type::Ineligible,
};

/// Why there is no credential.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CredentialError {
    /// The access token: 401 (RFC 6750 section 3.1).
    #[error(transparent)]
    Access(AccessError),
    /// The form of the request.
    #[error(transparent)]
    Request(#[from] CredentialRequestError),
    /// There is no such configuration.
    #[error("the credential configuration is not known")]
    UnknownConfiguration,
    /// The token response gave no such identifier.
    #[error("the credential identifier is not known")]
    UnknownIdentifier,
    /// The token response gave identifiers, so they have to be used (section 8.2).
    #[error("the credential has to be asked for by credential_identifier")]
    IdentifierNeeded,
    /// A proof.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The request is understood and will not be granted.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why a request that is understood is not granted. A wallet is told no more than that.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Denial {
    /// The configuration is not part of the offer.
    #[error("this credential was not offered")]
    NotOffered,
    /// The card was fetched already, by another request than this.
    #[error("this credential was fetched already")]
    AlreadyFetched,
    /// The card was revoked since.
    #[error("this credential was revoked")]
    Revoked,
    /// The person is not eligible any more, or is gone.
    #[error("the holder is not eligible for this credential")]
    NotEligible(Option<Ineligible>),
}

impl From<AccessError> for CredentialError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Fault(fault) => Self::Fault(fault),
            refused => Self::Access(refused),
        }
    }
}

impl CredentialError {
    /// The code (OpenID4VCI 1.0 section 8.3.1.2; RFC 6750 section 3.1); none when the fault is ours.
    pub const fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::Access(error) => return error.code(),
            Self::Request(error) => error.code(),
            Self::UnknownConfiguration => "unknown_credential_configuration",
            Self::UnknownIdentifier => "unknown_credential_identifier",
            Self::IdentifierNeeded => "invalid_credential_request",
            Self::Proof(error) => error.code(),
            Self::Denied(_) => "credential_request_denied",
            Self::Fault(_) => return None,
        })
    }
}

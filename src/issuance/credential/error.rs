//! Why a request for a credential is not answered with one.

use crate::{
    format::openid::credential::CredentialRequestError,
    issuance::{Fault, grant::AccessError, proof::ProofError},
    model::{
        card::{MOST_LIVE_COPIES, Reason},
        credential_type::Ineligible,
        person::PersonState,
    },
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
    /// An encrypted answer to a request that was not encrypted: another key could have been put in on the way (section 8.2).
    #[error("an encrypted response needs an encrypted request")]
    RequestNotEncrypted,
    /// The request does not decrypt.
    #[error("the request does not decrypt with the key of the metadata, or is too large")]
    NotDecrypted,
    /// This service takes and gives nothing in the clear.
    #[error("request and response have to be encrypted")]
    EncryptionNeeded,
    /// There is no such configuration.
    #[error("the credential configuration is not known")]
    UnknownConfiguration,
    /// The token response gave no such identifier.
    #[error("the credential identifier is not known")]
    UnknownIdentifier,
    /// The token response gave identifiers, so they have to be used (section 8.2).
    #[error("the credential has to be asked for by credential_identifier")]
    IdentifierNeeded,
    /// No such transaction, one of another wallet, or one that is over (section 9.3).
    #[error("the transaction is not known, or not any more")]
    UnknownTransaction,
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

/// Why a request that is understood is not granted. It is said to the wallet, which says it to its holder: precise, and
/// nothing that the holder may not know.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Denial {
    /// The configuration is not part of the offer.
    #[error("this credential was not offered")]
    NotOffered,
    /// The card was fetched already, by another request than this.
    #[error("this credential was fetched already")]
    AlreadyFetched,
    /// The card was revoked since the holder agreed.
    #[error("the card was revoked{}; sign in again to get a new one", reason(.0))]
    Revoked(Option<Reason>),
    /// The card is suspended.
    #[error("the card is suspended, and is renewed once it is reinstated")]
    Suspended,
    /// The holder's card was withheld, and nobody has offered another one since.
    #[error("the card is withheld by the authority; a new one is given at its counter only")]
    Withheld,
    /// Too many copies are not past their time.
    #[error("the card has {MOST_LIVE_COPIES} copies that are still valid; use them, or wait until some are past their time")]
    TooManyCopies,
    /// Another request than this waits for an officer's word.
    #[error("this credential was asked for already and waits for approval")]
    AlreadyAwaited,
    /// An officer said no.
    #[error("this credential was not approved")]
    NotApproved,
    /// The person is not eligible any more, or is gone.
    #[error("{}", ineligible(.0.as_ref()))]
    NotEligible(Option<Ineligible>),
}

fn reason(reason: &Option<Reason>) -> String {
    reason.map_or_else(String::new, |reason| format!(" ({})", reason.name()))
}

fn ineligible(why: Option<&Ineligible>) -> String {
    match why {
        None => "the holder is not registered any more".to_owned(),
        Some(Ineligible::PersonNotActive(PersonState::Deceased)) => "the holder is registered as deceased".to_owned(),
        Some(Ineligible::PersonNotActive(_)) => "the holder is registered as having moved away".to_owned(),
        Some(Ineligible::NoQualification) => "the holder has no qualification for this credential".to_owned(),
        Some(Ineligible::QualificationNotValid { valid_from, valid_until }) => {
            format!("the holder's qualification for this credential is valid from {valid_from} to {valid_until} only")
        }
        Some(Ineligible::ClaimMissing(claim)) => format!("the register lacks {claim} of the holder"),
    }
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
    /// The code (OpenID4VCI 1.0 sections 8.3.1.2 and 9.3; RFC 6750 section 3.1); none when the fault is ours.
    pub const fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::Access(error) => return error.code(),
            Self::Request(error) => error.code(),
            Self::RequestNotEncrypted | Self::NotDecrypted | Self::EncryptionNeeded => "invalid_encryption_parameters",
            Self::UnknownConfiguration => "unknown_credential_configuration",
            Self::UnknownIdentifier => "unknown_credential_identifier",
            Self::IdentifierNeeded => "invalid_credential_request",
            Self::UnknownTransaction => "invalid_transaction_id",
            Self::Proof(error) => error.code(),
            Self::Denied(_) => "credential_request_denied",
            Self::Fault(_) => return None,
        })
    }
}

//! Errors around cards that wait for an officer, as problems, and of what wallets say became of cards, as errors of the
//! protocol.

use crate::{
    http::{
        oauth_error::OAuthError,
        problem::{Kind, Problem},
    },
    issuance::{approval::ApprovalError, notification::NotificationError},
};

impl From<ApprovalError> for Problem {
    fn from(error: ApprovalError) -> Self {
        match error {
            ApprovalError::NotAllowed(error) => error.into(),
            ApprovalError::NotFound => Kind::NotFound.into(),
            ApprovalError::Decided => Kind::DecidedAlready.into(),
            ApprovalError::Fault(fault) => fault.into(),
        }
    }
}

impl From<NotificationError> for OAuthError {
    fn from(error: NotificationError) -> Self {
        match (error.code(), error) {
            (_, NotificationError::Access(error)) => error.into(),
            (Some(code), error) => Self::bad_request(code, &error.to_string()),
            (None, NotificationError::Fault(fault)) => Problem::from(fault).into(),
            (None, _) => Problem::new(Kind::Internal).into(),
        }
    }
}

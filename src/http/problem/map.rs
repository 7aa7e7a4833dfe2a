//! The one map from the errors of every layer to problems. No wildcards: a new error has to be given its place.

use crate::{
    crypto::SignError,
    http::problem::{Kind, Problem},
    model::party::NotAllowed,
    store::{CommitError, ReadError},
};

impl From<NotAllowed> for Problem {
    fn from(NotAllowed: NotAllowed) -> Self {
        Kind::Forbidden.into()
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Guarded => Kind::Guarded,
            ReadError::Damaged(_) => Kind::Internal,
            ReadError::Unavailable => Kind::StoreUnavailable,
        }
        .into()
    }
}

impl From<CommitError> for Problem {
    /// Services tell what a failed guard means; one that gets here raced with another change.
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::GuardFailed(_) => Kind::ChangedMeanwhile,
            CommitError::Unavailable => Kind::StoreUnavailable,
            CommitError::OutcomeUnknown => Kind::OutcomeUnknown,
            CommitError::ReadOnly => Kind::ReadOnly,
        }
        .into()
    }
}

impl From<SignError> for Problem {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Unavailable => Kind::SignerUnavailable,
            SignError::Failed => Kind::Internal,
        }
        .into()
    }
}

//! What a checkpoint makes of what is known of a status.

pub use crate::model::use_case::WhenTooOld;
use crate::{base::limits::STATUS_AGE_SECONDS, model::use_case::UseCase};

/// The policy of one decision.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Policy {
    /// The oldest good status that is good enough, in seconds. Bad news does not grow stale: a card that was revoked or
    /// suspended when last heard of is refused at any age.
    pub max_status_age_seconds: i64,
    /// What follows when it is older.
    pub when_too_old: WhenTooOld,
    /// Whether a credential that names no status is refused. Our own always name one, so for them it is refused anyway.
    pub requires_status: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { max_status_age_seconds: STATUS_AGE_SECONDS, when_too_old: WhenTooOld::Undetermined, requires_status: false }
    }
}

impl From<&UseCase> for Policy {
    fn from(case: &UseCase) -> Self {
        Self {
            max_status_age_seconds: case.status.max_age_seconds,
            when_too_old: case.status.when_too_old,
            requires_status: case.status.required,
        }
    }
}

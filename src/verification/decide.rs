//! The second step: what is known of the status, under the checkpoint's policy, makes the statement.

use super::{
    checks::Checks,
    examine::{Examined, StatusClaim},
    lookup::{Finding, StatusAnswer},
    policy::{Policy, WhenTooOld},
};
use crate::{
    base::{limits::CLOCK_SKEW_SECONDS, time::Timestamp},
    model::{
        reason::ReasonCode,
        statement::{CheckName, CredentialPart, Presented, Statement, StatusPart, StatusSource, StatusValue},
    },
};

/// Decides. `statuses` are the answers for what [`Examined::wanted_status`] named; a missing answer is "not known", which
/// never lets pass. What was refused already stays refused, whatever its status.
pub fn decide(examined: Examined, statuses: &[StatusAnswer], policy: &Policy, at: Timestamp) -> Statement {
    let (checks, credential, status) = settle(examined, statuses, policy, at);
    let reason = checks.reason().unwrap_or(ReasonCode::Accepted);
    Statement::of_one(reason, Presented { query_id: None, credential, status, checks: checks.into_list() }, at)
}

/// Weighs the status of one credential; its checks are complete but for those that concern several.
pub(super) fn settle(
    examined: Examined,
    statuses: &[StatusAnswer],
    policy: &Policy,
    at: Timestamp,
) -> (Checks, Option<CredentialPart>, StatusPart) {
    let refused = examined.refused().is_some();
    let Examined { mut checks, credential, status, is_own, .. } = examined;
    let mut part = StatusPart::UNKNOWN;
    if !refused {
        match status {
            StatusClaim::None if is_own || policy.requires_status => {
                checks.fail(CheckName::StatusKnown, ReasonCode::StatusMissing);
            }
            StatusClaim::None => {}
            StatusClaim::NotUnderstood(error) => {
                checks.fail_with(CheckName::StatusKnown, ReasonCode::StatusNotUnderstood, error);
            }
            StatusClaim::Named(reference) => {
                let answer = statuses.iter().find(|answer| answer.reference == reference);
                part = weigh(answer.map(|answer| &answer.finding), policy, at, &mut checks);
            }
        }
    }
    (checks, credential, part)
}

fn weigh(finding: Option<&Finding>, policy: &Policy, at: Timestamp, checks: &mut Checks) -> StatusPart {
    let name = CheckName::StatusKnown;
    match finding {
        None => {
            checks.fail_with(name, ReasonCode::StatusUnavailable, "no status list at hand");
            StatusPart::UNKNOWN
        }
        Some(Finding::Unavailable(why)) => {
            checks.fail_with(name, ReasonCode::StatusUnavailable, why);
            StatusPart::UNKNOWN
        }
        Some(Finding::IndexOutOfRange) => {
            checks.fail_with(name, ReasonCode::StatusNotUnderstood, "the index lies beyond the end of the list");
            StatusPart::UNKNOWN
        }
        Some(Finding::Known { known_since, .. }) if at.plus_seconds(CLOCK_SKEW_SECONDS) < *known_since => {
            checks.fail_with(name, ReasonCode::StatusUnavailable, "the status is dated in the future");
            StatusPart::UNKNOWN
        }
        Some(Finding::Known { value, known_since, source, issued_by_us }) => {
            let part = describe(*value, *known_since, *source, at);
            check_age(&part, policy, checks);
            check_value(*value, checks);
            match issued_by_us {
                Some(true) => checks.pass(CheckName::IssuedByUs),
                Some(false) => checks.fail(CheckName::IssuedByUs, ReasonCode::NotIssuedByUs),
                None => {}
            }
            part
        }
    }
}

fn describe(value: u8, known_since: Timestamp, source: StatusSource, at: Timestamp) -> StatusPart {
    let value = match value {
        0 => StatusValue::Valid,
        1 => StatusValue::Invalid,
        2 => StatusValue::Suspended,
        _ => StatusValue::Unknown,
    };
    let age_seconds = Some(at.seconds_since(known_since).max(0));
    StatusPart { value, known_since: Some(known_since), age_seconds, source: Some(source) }
}

/// Only good news grows too old to act on.
fn check_age(part: &StatusPart, policy: &Policy, checks: &mut Checks) {
    let too_old = part.age_seconds.is_some_and(|age| age > policy.max_status_age_seconds);
    if part.value == StatusValue::Valid && too_old {
        let reason = match policy.when_too_old {
            WhenTooOld::Undetermined => ReasonCode::StatusTooOld,
            WhenTooOld::Refused => ReasonCode::StatusTooOldRefused,
        };
        checks.fail(CheckName::StatusKnown, reason);
        checks.note(CheckName::StatusKnown, "max_age_seconds", policy.max_status_age_seconds);
    } else {
        checks.pass(CheckName::StatusKnown);
    }
}

/// Values of the registry (draft-ietf-oauth-status-list section 7.1); one that is not understood is refused.
fn check_value(value: u8, checks: &mut Checks) {
    match value {
        0 => checks.pass(CheckName::Status),
        1 => checks.fail(CheckName::Status, ReasonCode::CredentialRevoked),
        2 => checks.fail(CheckName::Status, ReasonCode::CredentialSuspended),
        _ => {
            checks.fail(CheckName::Status, ReasonCode::StatusNotUnderstood);
            checks.note(CheckName::Status, "value", value);
        }
    }
}

//! What several credentials, a second person and a boarding pass make of one statement: table by table, without a signature.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::{
    format::status::StatusReference,
    model::statement::{BoardingMatch, CheckResult, StatusSource},
    verification::{Finding, examine::StatusClaim},
};

const AT: Timestamp = Timestamp::from_unix(1_795_500_000);
/// Of 鱼小符, CZ 3456 from KWE to PEK on day 328 of the year, seat 12A.
const PASS: &str = "M1YU/XIAOFU           EABC123 KWEPEKCZ 3456 328Y012A0025 100";

/// A credential that answers a query, with this value in its list and these claims; further checks by `change`.
fn part(id: &str, status: u8, claims: Value, change: impl FnOnce(&mut Checks)) -> Part {
    let reference = StatusReference { index: 7, uri: format!("https://id.example/status-lists/{id}") };
    let credential = CredentialPart {
        format: "dc+sd-jwt".to_owned(),
        credential_type: format!("urn:example:{id}"),
        issuer: "https://id.example".to_owned(),
        valid_from: None,
        valid_until: None,
        claims: claims.as_object().expect("an object").clone(),
    };
    let mut checks = Checks::new();
    checks.pass(CheckName::IssuerSignature);
    change(&mut checks);
    let examined = Examined {
        checks,
        credential: Some(credential),
        status: StatusClaim::Named(reference.clone()),
        is_own: false,
        vouching: None,
        confirmed: BTreeSet::new(),
    };
    let finding = Finding::Known { value: status, known_since: AT, source: StatusSource::List, issued_by_us: None };
    Part { query_id: Some(id.to_owned()), examined, status: Some(StatusAnswer { reference, finding }) }
}

fn good(id: &str) -> Part {
    part(id, 0, json!({"id_number": "1"}), |_| {})
}

/// A card whose status nobody could tell.
fn doubtful(id: &str) -> Part {
    Part { status: None, ..good(id) }
}

fn revoked(id: &str) -> Part {
    part(id, 1, json!({"id_number": "1"}), |_| {})
}

fn forged(id: &str) -> Part {
    let mut part = good(id);
    part.examined.credential = None;
    part.examined.checks.fail(CheckName::IssuerSignature, ReasonCode::IssuerSignatureInvalid);
    part
}

fn fault(check: CheckName, reason: ReasonCode) -> Fault {
    Fault { check, reason, error: "why".to_owned() }
}

/// Decision, reason, and the type of the credential that decided.
fn said(statement: &Statement) -> (Decision, ReasonCode, Option<&str>) {
    let decider = statement.credential.as_ref().map(|credential| credential.credential_type.as_str());
    (statement.decision, statement.reason, decider)
}

#[test]
fn the_first_refused_decides_else_the_first_that_could_not_be_told_else_the_first() {
    let (a, b) = (Some("urn:example:a"), Some("urn:example:b"));
    let rows = [
        (vec![good("a"), good("b")], Decision::Accepted, ReasonCode::Accepted, a),
        (vec![good("a"), doubtful("b")], Decision::Undetermined, ReasonCode::StatusUnavailable, b),
        (vec![doubtful("a"), good("b")], Decision::Undetermined, ReasonCode::StatusUnavailable, a),
        (vec![doubtful("a"), revoked("b")], Decision::Refused, ReasonCode::CredentialRevoked, b),
        (vec![revoked("a"), doubtful("b")], Decision::Refused, ReasonCode::CredentialRevoked, a),
        (vec![doubtful("a"), doubtful("b")], Decision::Undetermined, ReasonCode::StatusUnavailable, a),
        (vec![good("a"), forged("b"), revoked("c")], Decision::Refused, ReasonCode::IssuerSignatureInvalid, None),
    ];
    for (at, (parts, decision, reason, decider)) in rows.into_iter().enumerate() {
        let count = parts.len();
        let statement = compose(parts, None, &Rules::default(), AT);
        assert_eq!(said(&statement), (decision, reason, decider), "row {at}");
        let ids: Vec<_> = statement.credentials.iter().map(|one| one.query_id.as_deref()).collect();
        assert_eq!(ids, [Some("a"), Some("b"), Some("c")][..count], "row {at}: every one is listed, in order");
        assert!(statement.credentials.iter().all(|one| one.checks.len() == CheckName::ALL.len()), "row {at}");
        let failed = statement.failed_check().is_some();
        assert_eq!(failed, decision != Decision::Accepted, "row {at}: the checks are those of the decider");
    }
}

#[test]
fn what_is_wrong_with_the_whole_stands_with_the_first_and_leaves_no_doubt_in_front() {
    let unanswered = || Some(fault(CheckName::Query, ReasonCode::QueryNotAnswered));
    let statement = compose(vec![good("a")], unanswered(), &Rules::default(), AT);
    assert_eq!(said(&statement), (Decision::Refused, ReasonCode::QueryNotAnswered, Some("urn:example:a")));
    let statement = compose(vec![good("a"), doubtful("b")], unanswered(), &Rules::default(), AT);
    assert_eq!((statement.decision, statement.reason), (Decision::Refused, ReasonCode::QueryNotAnswered));
    // A doubt of the whole does not hide that a card is revoked.
    let doubt = Some(fault(CheckName::Nonce, ReasonCode::ShownWithoutRequest));
    let statement = compose(vec![revoked("a")], doubt, &Rules::default(), AT);
    assert_eq!(statement.reason, ReasonCode::CredentialRevoked);
}

#[test]
fn without_a_presentation_there_is_no_credential_and_one_failed_check() {
    let statement = nothing_presented(fault(CheckName::Query, ReasonCode::DeclinedByHolder), AT);
    assert_eq!(said(&statement), (Decision::Refused, ReasonCode::DeclinedByHolder, None));
    assert_eq!((statement.credentials.len(), statement.status), (0, StatusPart::UNKNOWN));
    let failed: Vec<_> = statement.checks.iter().filter(|check| check.result != CheckResult::NotChecked).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!((failed[0].name, &failed[0].detail["error"]), (CheckName::Query, &json!("why")));
    assert_eq!(statement.checks.len(), CheckName::ALL.len());
}

#[test]
fn cards_of_two_people_are_refused_and_a_card_that_was_not_verified_says_nothing() {
    let rule = SamePersonRule { credentials: vec!["a".to_owned(), "b".to_owned()], by: SamePersonBy::IdNumber };
    let rules = Rules { same_person: Some(&rule), ..Rules::default() };
    let of = |id: &str, number: &str| part(id, 0, json!({"id_number": number}), |_| {});
    let rows = [
        (vec![of("a", "1"), of("b", "1")], ReasonCode::Accepted, [CheckResult::Passed; 2]),
        (vec![of("a", "1"), of("b", "2")], ReasonCode::NotSamePerson, [CheckResult::Failed; 2]),
        (vec![of("a", "1"), part("b", 0, json!({}), |_| {})], ReasonCode::SamePersonUnknown, [CheckResult::Failed; 2]),
        // Refused for what it is, whoever it belongs to.
        (vec![of("a", "1"), revoked("b")], ReasonCode::CredentialRevoked, [CheckResult::Passed; 2]),
        (vec![of("a", "1"), forged("b")], ReasonCode::IssuerSignatureInvalid, [CheckResult::Failed, CheckResult::NotChecked]),
        // Not named by the rule.
        (vec![of("a", "1"), of("b", "1"), of("c", "2")], ReasonCode::Accepted, [CheckResult::Passed; 2]),
    ];
    for (at, (parts, reason, results)) in rows.into_iter().enumerate() {
        let statement = compose(parts, None, &rules, AT);
        assert_eq!(statement.reason, reason, "row {at}");
        let result =
            |one: &Presented| one.checks.iter().find(|check| check.name == CheckName::SamePerson).map(|check| check.result);
        let seen: Vec<_> = statement.credentials.iter().filter_map(result).collect();
        assert_eq!(seen[..2], results, "row {at}");
        assert!(seen[2..].iter().all(|result| *result == CheckResult::NotChecked), "row {at}");
    }
}

#[test]
fn a_boarding_pass_is_matched_with_who_shows_a_name() {
    let pass = BoardingPass::parse(PASS).expect("a boarding pass");
    let rules = Rules { requires_boarding_pass: true, boarding_pass: Some(&pass), ..Rules::default() };
    let named = |id: &str, family: &str| {
        let claims = json!({"latin_family_name": family, "latin_given_name": "Xiaofu"});
        part(id, 0, claims, |_| {})
    };
    let statement = compose(vec![good("a"), named("b", "Yu")], None, &rules, AT);
    assert_eq!(said(&statement), (Decision::Accepted, ReasonCode::Accepted, Some("urn:example:a")));
    let boarding = statement.boarding.expect("it was compared");
    assert_eq!((boarding.result, boarding.flight.as_str(), boarding.matches), (BoardingMatch::Match, "CZ3456", true));
    let result = |statement: &Statement, at: usize| {
        let checks = &statement.credentials[at].checks;
        checks.iter().find(|check| check.name == CheckName::BoardingPass).map(|check| check.result)
    };
    let statement = compose(vec![good("a"), named("b", "Li")], None, &rules, AT);
    assert_eq!(said(&statement), (Decision::Refused, ReasonCode::BoardingPassMismatch, Some("urn:example:b")));
    assert_eq!((result(&statement, 0), result(&statement, 1)), (Some(CheckResult::NotChecked), Some(CheckResult::Failed)));
    // A revoked card is told of first, and the pass all the same.
    let revoked = part("a", 1, json!({"latin_family_name": "Li", "latin_given_name": "Xiaofu"}), |_| {});
    let statement = compose(vec![revoked], None, &rules, AT);
    assert_eq!(statement.reason, ReasonCode::CredentialRevoked);
    assert_eq!(statement.boarding.map(|boarding| boarding.matches), Some(false));
}

#[test]
fn nobody_is_accepted_beside_a_pass_that_was_compared_with_nothing() {
    let pass = BoardingPass::parse(PASS).expect("a boarding pass");
    let rules = Rules { boarding_pass: Some(&pass), ..Rules::default() };
    let empty = || part("a", 0, json!({}), |_| {});
    let statement = compose(vec![empty()], None, &rules, AT);
    assert_eq!((statement.reason, statement.failed_check()), (ReasonCode::ClaimsMissing, Some(CheckName::BoardingPass)));
    assert_eq!(statement.boarding, None);
    // Only something that is no name: a person has to look.
    let statement = compose(vec![good("a")], None, &rules, AT);
    assert_eq!(
        (statement.reason, statement.failed_check()),
        (ReasonCode::BoardingPassPartialMatch, Some(CheckName::BoardingPass))
    );
    // Who is refused anyway is not told of the pass too.
    let statement = compose(vec![forged("a")], None, &rules, AT);
    assert_eq!(statement.result(CheckName::BoardingPass), CheckResult::NotChecked);
    // Required and never scanned.
    let rules = Rules { requires_boarding_pass: true, ..Rules::default() };
    let statement = compose(vec![good("a")], None, &rules, AT);
    assert_eq!((statement.decision, statement.reason), (Decision::Refused, ReasonCode::BoardingPassUnreadable));
}

#[test]
fn a_doubt_before_the_status_does_not_spare_the_status() {
    let doubt = |checks: &mut Checks| checks.fail(CheckName::Nonce, ReasonCode::ShownWithoutRequest);
    let statement = compose(vec![part("a", 0, json!({}), doubt)], None, &Rules::default(), AT);
    assert_eq!((statement.decision, statement.reason), (Decision::Undetermined, ReasonCode::ShownWithoutRequest));
    assert_eq!(statement.result(CheckName::Status), CheckResult::Passed);
    let statement = compose(vec![part("a", 2, json!({}), doubt)], None, &Rules::default(), AT);
    assert_eq!((statement.decision, statement.reason), (Decision::Refused, ReasonCode::CredentialSuspended));
}

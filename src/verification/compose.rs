//! One statement out of several credentials, a boarding pass and the rules of a use case. Pure.
//!
//! Each credential is decided for itself; then what concerns them together: whether they are one person's, and whether the
//! boarding pass is that person's. Who decides is the first credential that is refused, else the first that could not be
//! told, else the first: a doubt about one never hides that another is refused.

use super::{
    boarding::{self, ExpectedFlight},
    checks::Checks,
    decide::settle,
    examine::Examined,
    lookup::StatusAnswer,
    policy::Policy,
    same_person,
};
use crate::{
    base::time::Timestamp,
    format::boarding_pass::BoardingPass,
    model::{
        reason::{Decision, ReasonCode},
        statement::{BoardingPart, CheckName, CredentialPart, Presented, Statement, StatusPart},
        use_case::{BoardingPassRule, SamePersonBy, SamePersonRule, UseCase},
    },
};

/// One credential that was presented.
#[derive(Clone, Debug)]
pub struct Part {
    /// The credential query that it answers.
    pub query_id: Option<String>,
    /// What was made of it.
    pub examined: Examined,
    /// The answer for the status it names, when it was looked up.
    pub status: Option<StatusAnswer>,
}

/// What credentials are decided by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules<'a> {
    /// What has to be known of a status.
    pub policy: Policy,
    /// Which credentials have to be one person's.
    pub same_person: Option<&'a SamePersonRule>,
    /// Whether there has to be a boarding pass.
    pub requires_boarding_pass: bool,
    /// The boarding pass that was scanned.
    pub boarding_pass: Option<&'a BoardingPass>,
    /// The flight that is boarded here.
    pub expected_flight: Option<&'a ExpectedFlight>,
}

impl<'a> Rules<'a> {
    /// The rules of a use case; the default ones without.
    pub fn of(
        case: Option<&'a UseCase>,
        boarding_pass: Option<&'a BoardingPass>,
        expected_flight: Option<&'a ExpectedFlight>,
    ) -> Self {
        let rule = case.map_or(BoardingPassRule::Optional, |case| case.boarding_pass);
        Self {
            policy: case.map(Policy::from).unwrap_or_default(),
            same_person: case.and_then(|case| case.same_person.as_ref()),
            requires_boarding_pass: rule == BoardingPassRule::Required,
            boarding_pass: boarding_pass.filter(|_| rule != BoardingPassRule::None),
            expected_flight,
        }
    }
}

/// What is wrong with an answer as a whole, besides its credentials.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The check that it fails.
    pub check: CheckName,
    /// Why.
    pub reason: ReasonCode,
    /// What exactly: nothing personal.
    pub error: String,
}

struct Decided {
    query_id: Option<String>,
    checks: Checks,
    credential: Option<CredentialPart>,
    status: StatusPart,
}

/// The statement about what was presented. A `fault` of the whole stands with the first credential, or alone where there is
/// none.
pub fn compose(parts: Vec<Part>, fault: Option<Fault>, rules: &Rules<'_>, at: Timestamp) -> Statement {
    let decide = |Part { query_id, examined, status }| {
        let (checks, credential, status) = settle(examined, status.as_slice(), &rules.policy, at);
        Decided { query_id, checks, credential, status }
    };
    let mut all: Vec<_> = parts.into_iter().map(decide).collect();
    if all.is_empty() {
        all.push(Decided { query_id: None, checks: Checks::new(), credential: None, status: StatusPart::UNKNOWN });
    }
    if let (Some(Fault { check, reason, error }), Some(first)) = (fault, all.first_mut()) {
        first.checks.fail_with(check, reason, error);
    }
    check_same_person(&mut all, rules.same_person);
    let boarding = check_boarding(&mut all, rules, at);
    let reasons: Vec<_> = all.iter().map(|one| one.checks.reason().unwrap_or(ReasonCode::Accepted)).collect();
    let first = |decision| reasons.iter().position(|reason| reason.decision() == decision);
    let deciding = first(Decision::Refused).or_else(|| first(Decision::Undetermined)).unwrap_or(0);
    let reason = reasons.get(deciding).copied().unwrap_or(ReasonCode::QueryNotAnswered);
    // Without a credential there is nothing to list: the checks say why.
    let nothing = all.iter().all(|one| one.credential.is_none() && one.query_id.is_none());
    let mut presented: Vec<_> = all.into_iter().map(Decided::into_presented).collect();
    let decider = presented.get(deciding).cloned().unwrap_or_else(|| nobody(Checks::new()));
    if nothing {
        presented.clear();
    }
    Statement { boarding, ..Statement::of_several(reason, decider, presented, at) }
}

/// The statement when nothing was presented that could be examined: the holder declined, or the answer cannot be read.
pub fn nothing_presented(fault: Fault, at: Timestamp) -> Statement {
    compose(Vec::new(), Some(fault), &Rules::default(), at)
}

impl Decided {
    fn into_presented(self) -> Presented {
        let checks = self.checks.into_list();
        Presented { query_id: self.query_id, credential: self.credential, status: self.status, checks }
    }
}

fn nobody(checks: Checks) -> Presented {
    Presented { query_id: None, credential: None, status: StatusPart::UNKNOWN, checks: checks.into_list() }
}

/// Compares the credentials that the rule names; what could not be verified says nothing.
fn check_same_person(all: &mut [Decided], rule: Option<&SamePersonRule>) {
    let Some(rule) = rule else { return };
    let name = CheckName::SamePerson;
    let shown = all.iter().filter_map(|one| Some((one.query_id.as_deref()?, &one.credential.as_ref()?.claims)));
    let reason = same_person::compare_all(rule, shown).reason();
    let is_named = |one: &&mut Decided| one.query_id.as_ref().is_some_and(|id| rule.credentials.contains(id));
    for one in all.iter_mut().filter(|one| one.credential.is_some()).filter(is_named) {
        match reason {
            None => one.checks.pass(name),
            Some(reason) => one.checks.fail(name, reason),
        }
        let by = match rule.by {
            SamePersonBy::IdNumber => "id_number",
            SamePersonBy::NameAndBirthDate => "name_and_birth_date",
        };
        one.checks.note(name, "by", by);
    }
}

/// Fails a check that could not be made; what is refused already leaves it unmade.
fn fail_unless_refused(all: &mut [Decided], name: CheckName, reason: ReasonCode, error: &str) {
    let is_refused = |one: &Decided| one.checks.reason().is_some_and(|reason| reason.decision() == Decision::Refused);
    if !all.iter().any(is_refused)
        && let Some(first) = all.first_mut()
    {
        first.checks.fail_with(name, reason, error);
    }
}

/// Matches the boarding pass with the first credential that shows a name, else with the first that shows anything.
fn check_boarding(all: &mut [Decided], rules: &Rules<'_>, at: Timestamp) -> Option<BoardingPart> {
    let name = CheckName::BoardingPass;
    let Some(pass) = rules.boarding_pass else {
        if let Some(first) = all.first_mut().filter(|_| rules.requires_boarding_pass) {
            first.checks.fail_with(name, ReasonCode::BoardingPassUnreadable, "no boarding pass was scanned");
        }
        return None;
    };
    let shows = |one: &Decided, names: &[&str]| {
        let claims = one.credential.as_ref().map(|credential| &credential.claims);
        claims.is_some_and(|claims| names.iter().any(|name| claims.contains_key(*name)))
    };
    let anything = |one: &Decided| one.credential.as_ref().is_some_and(|credential| !credential.claims.is_empty());
    let named = all.iter().position(|one| shows(one, &["latin_family_name", "family_name", "name"]));
    let found = named.or_else(|| all.iter().position(anything)).and_then(|at| all.get_mut(at));
    let Some(one) = found else {
        fail_unless_refused(all, name, ReasonCode::ClaimsMissing, "nothing was shown to compare the pass with");
        return None;
    };
    let claims = &one.credential.as_ref()?.claims;
    let (part, reason) = boarding::compare(pass, claims, rules.expected_flight, at);
    match reason {
        None => one.checks.pass(name),
        Some(reason) => one.checks.fail(name, reason),
    }
    one.checks.note(name, "reasons", part.reasons.clone());
    Some(part)
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;

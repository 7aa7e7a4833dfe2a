//! The list of checks while it is being made.

use std::fmt;

use serde_json::{Map, Value};

use crate::model::{
    reason::{Decision, ReasonCode},
    statement::{Check, CheckName, CheckResult},
};

/// Every check in the fixed order; the first that refuses gives the reason, whatever the order they were made in.
#[derive(Clone, Debug)]
pub(super) struct Checks {
    checks: Vec<Check>,
    reasons: Vec<Option<ReasonCode>>,
}

impl Checks {
    /// Nothing is checked yet.
    pub(super) fn new() -> Self {
        let unchecked = |name| Check { name, result: CheckResult::NotChecked, detail: Map::new() };
        Self { checks: CheckName::ALL.map(unchecked).to_vec(), reasons: vec![None; CheckName::ALL.len()] }
    }

    pub(super) fn pass(&mut self, name: CheckName) {
        self.set(name, CheckResult::Passed, None);
    }

    pub(super) fn fail(&mut self, name: CheckName, reason: ReasonCode) {
        self.set(name, CheckResult::Failed, Some(reason));
    }

    /// Fails, and says what exactly was wrong.
    pub(super) fn fail_with(&mut self, name: CheckName, reason: ReasonCode, error: impl fmt::Display) {
        self.fail(name, reason);
        self.note(name, "error", error.to_string());
    }

    /// Adds a fact to a check.
    pub(super) fn note(&mut self, name: CheckName, fact: &str, value: impl Into<Value>) {
        if let Some(check) = self.checks.iter_mut().find(|check| check.name == name) {
            check.detail.insert(fact.to_owned(), value.into());
        }
    }

    pub(super) fn failed(&self, name: CheckName) -> bool {
        self.checks.iter().any(|check| check.name == name && check.result == CheckResult::Failed)
    }

    /// The reason of the first check that refuses, else of the first that could not be told: who may let pass in a case
    /// of doubt must not be shown a doubt where there is a refusal.
    pub(super) fn reason(&self) -> Option<ReasonCode> {
        let mut failed = self.reasons.iter().copied().flatten();
        let first = failed.next()?;
        match first.decision() {
            Decision::Refused => Some(first),
            _ => failed.find(|reason| reason.decision() == Decision::Refused).or(Some(first)),
        }
    }

    pub(super) fn into_list(self) -> Vec<Check> {
        self.checks
    }

    fn set(&mut self, name: CheckName, result: CheckResult, reason: Option<ReasonCode>) {
        for (check, why) in self.checks.iter_mut().zip(&mut self.reasons).filter(|(check, _)| check.name == name) {
            check.result = result;
            *why = reason;
        }
    }
}

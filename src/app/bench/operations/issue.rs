//! Cards into wallets.

use crate::app::{
    bench::{
        BenchError,
        deployment::{Deployment, fetch_card},
        open_loop::Hand,
        operations::{Work, ended_by},
        tally::Ended,
    },
    demo::{Stage, wallet::Issuer},
};

/// Most people that cards are issued to in turn. A person may ask for two cards a second by default (`--limit-person`), so
/// so many take more than any service of one machine issues.
const PEOPLE: usize = 1_000;

/// Cards into wallets.
pub struct Issue<'d> {
    deployment: &'d Deployment,
    people: Vec<String>,
    issuer: Issuer,
}

impl<'d> Issue<'d> {
    /// Registers people for so many cards.
    pub fn prepare(deployment: &'d Deployment, operations: usize) -> Result<Self, BenchError> {
        let people = deployment.people(operations.clamp(1, PEOPLE))?;
        let issuer = deployment.issuer(&people)?;
        Ok(Self { deployment, people, issuer })
    }
}

impl Work for Issue<'_> {
    fn hand(&self) -> Box<dyn Hand + '_> {
        Box::new(Wallet { stage: self.deployment.stage(), people: &self.people, issuer: &self.issuer })
    }
}

struct Wallet<'w> {
    stage: Stage,
    people: &'w [String],
    issuer: &'w Issuer,
}

impl Hand for Wallet<'_> {
    fn act(&mut self, number: usize) -> (&'static str, Ended) {
        let Some(person) = self.people.get(number % self.people.len().max(1)) else {
            return ("issue", Ended::Failed("nobody to issue a card to".to_owned()));
        };
        let ended = match fetch_card(&self.stage, self.issuer, person) {
            Ok(_) => Ended::Good,
            Err(error) => ended_by(&error),
        };
        ("issue", ended)
    }
}

//! Cards revoked for good: only such as were made for it.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{
    app::{
        bench::{
            BenchError,
            deployment::Deployment,
            open_loop::Hand,
            operations::{Work, contains, ended},
            tally::Ended,
        },
        demo::Stage,
    },
    outbound::Request,
};

/// Most cards that are issued through the interfaces only to be revoked: some minutes of work.
const MOST_ISSUED: usize = 50_000;

/// People that they are issued to in turn; see the limit in `issue`.
const PEOPLE: usize = 500;

/// Cards revoked for good.
pub struct Revoke<'d> {
    deployment: &'d Deployment,
    cards: Vec<String>,
    /// The next one that nobody has revoked.
    next: AtomicUsize,
}

impl<'d> Revoke<'d> {
    /// Takes cards that were put into the store for it, or issues as many as will be revoked.
    pub fn prepare(deployment: &'d Deployment, operations: usize) -> Result<Self, BenchError> {
        let mut cards: Vec<String> = deployment.cards().iter().map(ToString::to_string).collect();
        if cards.len() < operations {
            let needed = operations - cards.len();
            if needed > MOST_ISSUED {
                return Err(BenchError::TooManyCards { needed, most: MOST_ISSUED });
            }
            let people = deployment.people(needed.min(PEOPLE))?;
            deployment.fetch_cards(&people, needed)?;
            for person in &people {
                cards.extend(deployment.cards_of(person)?);
            }
        }
        Ok(Self { deployment, cards, next: AtomicUsize::new(0) })
    }
}

impl Work for Revoke<'_> {
    fn hand(&self) -> Box<dyn Hand + '_> {
        Box::new(Office { stage: self.deployment.stage(), work: self })
    }
}

struct Office<'w> {
    stage: Stage,
    work: &'w Revoke<'w>,
}

impl Hand for Office<'_> {
    fn act(&mut self, _number: usize) -> (&'static str, Ended) {
        let Some(card) = self.work.cards.get(self.work.next.fetch_add(1, Ordering::Relaxed)) else {
            return ("revoke", Ended::Failed("no card left".to_owned()));
        };
        let url = format!("{}/admin/api/v1/credentials/{card}/revoke", self.stage.url);
        let request = Request::post(url, "application/json", r#"{"reason":"lost"}"#).bearer(&self.stage.administrator);
        let revoked = |body: &[u8]| contains(body, b"\"state\":\"revoked\"");
        ("revoke", ended(self.stage.fetch.send(request), 200, revoked))
    }
}

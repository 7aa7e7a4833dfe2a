//! Status lists, fetched whole.

use std::{thread, time::Duration};

use serde_json::Value;

use crate::{
    app::{
        bench::{
            BenchError,
            deployment::Deployment,
            open_loop::Hand,
            operations::{Work, ended},
            tally::Ended,
        },
        demo::{DemoError, Stage},
    },
    outbound::Request,
};

/// How often, and with which pauses, it is looked whether the first list is there: for five seconds.
const TRIES: usize = 50;
const BETWEEN: Duration = Duration::from_millis(100);

/// Status lists, fetched whole.
pub struct Status<'d> {
    deployment: &'d Deployment,
    /// Their addresses at the service itself, whatever its public URL.
    lists: Vec<String>,
}

impl<'d> Status<'d> {
    /// Finds the lists; issues a card when there is none yet.
    pub fn prepare(deployment: &'d Deployment) -> Result<Self, BenchError> {
        let mut lists = lists(deployment)?;
        if lists.is_empty() {
            let people = deployment.people(1)?;
            deployment.fetch_cards(&people, 1)?;
        }
        // What was just issued or filled in opened a list, which is signed within a second.
        for _ in 0..TRIES {
            if !lists.is_empty() {
                break;
            }
            thread::sleep(BETWEEN);
            lists = self::lists(deployment)?;
        }
        let none = || DemoError::Unexpected { step: "status", expected: "a list".to_owned(), got: "none".to_owned() };
        lists.first().ok_or_else(none)?;
        Ok(Self { deployment, lists })
    }
}

fn lists(deployment: &Deployment) -> Result<Vec<String>, DemoError> {
    let stage = deployment.stage();
    let all = stage.json("status", Request::get(format!("{}/status-lists", stage.url)), 200)?;
    let uris = all.get("status_lists").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let path = |uri: &str| uri.rsplit_once('/').map(|(_, id)| format!("{}/status-lists/{id}", stage.url));
    Ok(uris.filter_map(path).collect())
}

impl Work for Status<'_> {
    fn hand(&self) -> Box<dyn Hand + '_> {
        Box::new(Verifier { stage: self.deployment.stage(), lists: &self.lists })
    }
}

struct Verifier<'w> {
    stage: Stage,
    lists: &'w [String],
}

impl Hand for Verifier<'_> {
    fn act(&mut self, number: usize) -> (&'static str, Ended) {
        let Some(list) = self.lists.get(number % self.lists.len().max(1)) else {
            return ("status", Ended::Failed("no list".to_owned()));
        };
        // A token has three parts; whether it is signed well is for the tests.
        let token = |body: &[u8]| body.iter().filter(|byte| **byte == b'.').count() == 2;
        ("status", ended(self.stage.fetch.send(Request::get(list.as_str())), 200, token))
    }
}

//! Presentations at a checkpoint.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use crate::{
    app::{
        bench::{
            BenchError,
            deployment::Deployment,
            open_loop::Hand,
            operations::{Work, contains, ended},
            tally::Ended,
        },
        demo::{DemoError, Stage, wallet::HeldCard},
    },
    base::base64url,
    outbound::Request,
};

/// Cards that are shown in turn: issuer signatures, keys and status indices differ from call to call.
const CARDS: usize = 16;

/// The claims that are shown, ten disclosures with those inside the address.
const SHOWN: [&str; 7] =
    ["name", "family_name", "given_name", "latin_family_name", "latin_given_name", "birth_date", "address"];

/// The audience of the presentations.
const GATE: &str = "https://gate-1.bench.example";

/// A proof of the holder's key is good for five minutes; presentations are made anew long before.
const MADE_ANEW_AFTER: Duration = Duration::from_secs(60);

/// Presentations at a checkpoint.
pub struct Verify<'d> {
    deployment: &'d Deployment,
    cards: Arc<Vec<HeldCard>>,
    checkpoint: String,
}

impl<'d> Verify<'d> {
    /// Registers people, issues their cards and enrols the checkpoint.
    pub fn prepare(deployment: &'d Deployment) -> Result<Self, BenchError> {
        let people = deployment.people(CARDS)?;
        let cards = Arc::new(deployment.fetch_cards(&people, CARDS)?);
        Ok(Self { deployment, cards, checkpoint: deployment.checkpoint()? })
    }
}

impl Work for Verify<'_> {
    fn hand(&self) -> Box<dyn Hand + '_> {
        let mut hand = Gate { stage: self.deployment.stage(), cards: &self.cards, token: &self.checkpoint, ready: Vec::new() };
        // One that cannot be made now cannot be made later either, where it is counted.
        hand.ready = self.cards.iter().map(|card| hand.show(card).ok()).collect();
        Box::new(hand)
    }
}

/// A presentation as it is sent, and when it was made.
struct Shown {
    request: Request,
    made: Duration,
}

struct Gate<'w> {
    stage: Stage,
    cards: &'w [HeldCard],
    token: &'w str,
    ready: Vec<Option<Shown>>,
}

impl Gate<'_> {
    fn show(&self, card: &HeldCard) -> Result<Shown, DemoError> {
        let nonce = base64url::encode(self.stage.random.array::<16>());
        let presentation = card.show(&self.stage, &SHOWN, &nonce, GATE)?;
        let body = json!({"presentation": presentation, "nonce": nonce, "audience": GATE}).to_string();
        let url = format!("{}/checkpoint/api/v1/verifications", self.stage.url);
        let request = Request::post(url, "application/json", body).bearer(self.token);
        Ok(Shown { request, made: self.stage.clock.monotonic() })
    }
}

impl Hand for Gate<'_> {
    fn act(&mut self, number: usize) -> (&'static str, Ended) {
        let place = number % self.cards.len().max(1);
        let now = self.stage.clock.monotonic();
        let ready = self.ready.get(place).and_then(Option::as_ref);
        let fresh = ready.filter(|shown| now.saturating_sub(shown.made) < MADE_ANEW_AFTER);
        let request = match fresh {
            Some(shown) => shown.request.clone(),
            None => match self.cards.get(place).map(|card| self.show(card)) {
                Some(Ok(shown)) => {
                    let request = shown.request.clone();
                    self.ready.resize_with(self.cards.len(), || None);
                    if let Some(ready) = self.ready.get_mut(place) {
                        *ready = Some(shown);
                    }
                    request
                }
                _ => return ("verify", Ended::Failed("the wallet broke off".to_owned())),
            },
        };
        let accepted = |body: &[u8]| contains(body, b"\"decision\":\"accepted\"");
        ("verify", ended(self.stage.fetch.send(request), 200, accepted))
    }
}

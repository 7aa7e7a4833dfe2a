//! The service that is measured, and what a measurement needs of it: people, cards, a checkpoint, all by the interfaces
//! that offices, wallets and gates use.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    app::{
        bench::BenchError,
        demo::{
            DemoError, Stage,
            api::text_of,
            person,
            wallet::{self, HeldCard, Issuer},
        },
    },
    base::{clock::Clock, random::Random},
    model::ids::CardId,
    outbound::{Destination, KeptClient},
};

/// Longest wait for a part of an answer: longer than any answer of a service that works.
const WITHIN: Duration = Duration::from_secs(20);

/// Connections by which people are registered and cards fetched before the measurement.
const PREPARING: usize = 8;

/// Tries to find a made-up ID number that nobody has yet.
const TRIES: usize = 8;

/// Where the service is and what is known of it.
pub struct Side {
    /// Its address, without a trailing slash.
    pub url: String,
    /// Whether it was started for this measurement alone.
    pub own: bool,
    /// The secret of an administrator's token.
    pub administrator: String,
    /// Roots to believe beside those of the web (DER).
    pub roots: Vec<Vec<u8>>,
    /// Cards that were put into its store for this measurement and may be revoked.
    pub cards: Vec<CardId>,
}

/// A service that is measured.
pub struct Deployment {
    side: Side,
    destination: Destination,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Deployment {
    /// The service at this address.
    pub fn new(side: Side, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Self, BenchError> {
        let destination = Destination::new(&side.url, &side.roots, WITHIN)?;
        Ok(Self { side, destination, clock, random })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.side.url
    }

    /// Whether it was started for this measurement alone.
    pub const fn is_own(&self) -> bool {
        self.side.own
    }

    /// Cards that were put into its store beforehand.
    pub fn cards(&self) -> &[CardId] {
        &self.side.cards
    }

    /// A client with a connection of its own, open already.
    pub fn stage(&self) -> Stage {
        let client = KeptClient::new(self.destination.clone());
        client.connect();
        Stage {
            url: self.side.url.clone(),
            administrator: self.side.administrator.clone(),
            fetch: Arc::new(client),
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
        }
    }

    /// A new checkpoint's token.
    pub fn checkpoint(&self) -> Result<String, DemoError> {
        let order = json!({"name": "压测检查点 bench", "role": "checkpoint"});
        let answer = self.stage().admin_post("enrol", "/tokens", &order, 201)?;
        Ok(text_of("enrol", &answer, "/token")?.to_owned())
    }

    /// So many new people.
    pub fn people(&self, count: usize) -> Result<Vec<String>, DemoError> {
        self.many(count, register)
    }

    /// Cards of these people, one each in turn, in wallets of their own.
    pub fn fetch_cards(&self, people: &[String], count: usize) -> Result<Vec<HeldCard>, DemoError> {
        let issuer = self.issuer(people)?;
        let next = AtomicUsize::new(0);
        self.many(count, |stage| {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let nobody = || DemoError::Wallet("nobody to issue a card to".to_owned());
            fetch_card(stage, &issuer, people.get(number % people.len().max(1)).ok_or_else(nobody)?)
        })
    }

    /// Where its wallets go, read as a wallet reads it from an offer.
    pub fn issuer(&self, people: &[String]) -> Result<Issuer, DemoError> {
        let stage = self.stage();
        let offer = offer(&stage, people.first().map(String::as_str).unwrap_or_default())?;
        Issuer::discover(&stage, text_of("offer", &offer, "/credential_offer/credential_issuer")?)
    }

    /// The identifiers of the good cards of one person.
    pub fn cards_of(&self, person: &str) -> Result<Vec<String>, DemoError> {
        let stage = self.stage();
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = stage.admin_get("find", &format!("/credentials?person_id={person}&state=active{cursor}"))?;
            let cards = page.get("credentials").and_then(Value::as_array).into_iter().flatten();
            ids.extend(cards.filter_map(|card| Some(card.get("id")?.as_str()?.to_owned())));
            match page.get("next").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(ids),
            }
        }
    }

    /// Does the same `count` times over a few connections.
    fn many<T: Send>(&self, count: usize, act: impl Fn(&Stage) -> Result<T, DemoError> + Sync) -> Result<Vec<T>, DemoError> {
        let (left, act) = (AtomicUsize::new(count), &act);
        let left = &left;
        let take = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).ok();
        thread::scope(|scope| {
            let threads: Vec<_> = (0..PREPARING.min(count))
                .map(|_| {
                    scope.spawn(move || {
                        let stage = self.stage();
                        std::iter::from_fn(|| take().map(|_| act(&stage))).collect::<Result<Vec<T>, _>>()
                    })
                })
                .collect();
            let mut all = Vec::with_capacity(count);
            for thread in threads {
                let broke_off = |_| DemoError::Wallet("a thread broke off".to_owned());
                all.extend(thread.join().map_err(broke_off)??);
            }
            Ok(all)
        })
    }
}

fn register(stage: &Stage) -> Result<String, DemoError> {
    let this_year = stage.clock.now().date().map_or(2026, |date| date.year());
    let mut tries = 0;
    loop {
        let person = person::made_up(stage.random.as_ref(), this_year);
        match stage.admin_post("register", "/people", &person, 201) {
            // Somebody made up before has the number.
            Err(DemoError::Unexpected { got, .. }) if got.starts_with("status 409") && tries < TRIES => tries += 1,
            answer => return Ok(text_of("register", &answer?, "/person_id")?.to_owned()),
        }
    }
}

fn offer(stage: &Stage, person: &str) -> Result<Value, DemoError> {
    stage.admin_post("offer", "/offers", &json!({"person_id": person, "credential_types": ["resident-id"]}), 201)
}

/// Offers a card to a person and takes it: four calls, one of an office and three of a wallet.
pub fn fetch_card(stage: &Stage, issuer: &Issuer, person: &str) -> Result<HeldCard, DemoError> {
    let made = offer(stage, person)?;
    let nothing = || DemoError::Unexpected { step: "offer", expected: "an offer".to_owned(), got: String::new() };
    wallet::fetch_from(stage, issuer, made.get("credential_offer").ok_or_else(nothing)?, None)
}

//! `yufu bench --fill`: many cards of people who do not exist, for measuring how the service grows.
//!
//! The cards are issued by the store's own commits, so that indices, events, salts, records and lists are what they would
//! be. Only the credentials themselves are never made: holder keys are random thumbprints, and nobody has the cards. The
//! identifiers of one commit lie near each other, at a random place, so that a database of any size takes them without
//! reading itself through for every card.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    app::demo::person,
    base::{
        base64url,
        clock::Clock,
        random::{Random, SeededRandom},
        time::Timestamp,
    },
    crypto::Sealer,
    issuance::{Fault, seal_person},
    model::{
        card::{Card, Circumstance, IssueOrder, Reason},
        event::{EventDraft, What},
        ids::{CardId, PersonId},
        party::Actor,
        person::{Person, civil_date},
        record::{Commit, Guard, Key, Query, Record, Write},
    },
    store::{CommitError, ReadError, Store},
};

/// The setting of the store that says how much of it was filled. A store that holds people and has none is not touched.
pub const MARK: &str = "samples";

/// Cards in one commit: large enough that what each commit costs does not count, small enough for one frame of the log.
const CARDS_A_COMMIT: u32 = 1000;

/// Cards of one sample person. Nobody has so many; people are sealed and indexed, which is not what is measured.
const CARDS_A_PERSON: u32 = CARDS_A_COMMIT;

/// Commits under way at once: one is made while the next is put together.
const AT_ONCE: usize = 3;

/// How long a card is good: that of the shipped types, 30 days.
const VALID_SECONDS: i64 = 30 * 24 * 3600;

/// What is filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct FillPlan {
    /// How many cards.
    pub cards: u64,
    /// The name of their type.
    pub credential_type: String,
    /// The share of them that is revoked, from 0 to 1; which ones is drawn.
    pub revoked: f64,
}

/// What was filled in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filled {
    /// Good cards of this filling, for measurements that revoke them; as many as were asked to be remembered.
    pub good: Vec<CardId>,
    /// How many were made.
    pub cards: u64,
    /// How many of them were revoked.
    pub revoked: u64,
    /// How long it took.
    pub took: Duration,
}

/// Why nothing, or not all, was filled in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FillError {
    /// There are people or cards that were not filled in.
    #[error(
        "the store holds people or cards that are no samples: only an empty store is filled\n\
         存储中已有非合成数据：只能填充空的存储"
    )]
    NotOurs,
    /// More people than samples can be told apart.
    #[error("there are only {} sample people", person::SAMPLES)]
    NoMorePeople,
    /// The store did not read.
    #[error("store: {0}")]
    Read(#[from] ReadError),
    /// The store did not commit.
    #[error("store: {0}")]
    Commit(#[from] CommitError),
    /// A person could not be made.
    #[error("a sample person: {0}")]
    Person(#[from] Fault),
    /// A thread broke off.
    #[error("a thread broke off")]
    BrokeOff,
}

/// Fills a store.
pub struct Fill<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// Seals the sample people.
    pub sealer: &'a Sealer,
    /// The time of the events.
    pub clock: &'a dyn Clock,
    /// Identifiers, and which cards are revoked.
    pub random: &'a dyn Random,
}

impl Fill<'_> {
    /// Makes the cards. At most `remember` of the good ones are named in the answer; progress is told by their number.
    pub fn run(&self, plan: &FillPlan, remember: usize, told: &(dyn Fn(u64) + Sync)) -> Result<Filled, FillError> {
        let begun = self.clock.monotonic();
        let people = self.mark(plan)?;
        let (left, people) = (AtomicU64::new(plan.cards), AtomicU32::new(people));
        let (left, people) = (&left, &people);
        let parts = thread::scope(|scope| {
            let threads: Vec<_> = (0..AT_ONCE)
                .map(|number| scope.spawn(move || self.part(plan, left, people, remember.div_ceil(AT_ONCE), number == 0, told)))
                .collect();
            threads.into_iter().map(|thread| thread.join().map_err(|_| FillError::BrokeOff)?).collect::<Result<Vec<_>, _>>()
        })?;
        let mut all = Filled::default();
        for part in parts {
            all.cards += part.cards;
            all.revoked += part.revoked;
            all.good.extend(part.good);
        }
        all.took = self.clock.monotonic().saturating_sub(begun);
        Ok(all)
    }

    /// Marks the store as filled with samples, before the first one is there; the number of the first person that is new.
    fn mark(&self, plan: &FillPlan) -> Result<u32, FillError> {
        let key = Key::Setting(MARK.to_owned());
        let found = self.store.get(&key)?;
        let before = match &found {
            Some(found) => match &found.value {
                Record::Setting { value, .. } => serde_json::from_str::<Value>(value).unwrap_or_default(),
                _ => return Err(FillError::NotOurs),
            },
            None if self.holds_anything()? => return Err(FillError::NotOurs),
            None => json!({}),
        };
        let number = |name: &str| before.get(name).and_then(Value::as_u64).unwrap_or_default();
        let (cards, people) = (number("cards") + plan.cards, number("people"));
        let first = u32::try_from(people).map_err(|_| FillError::NoMorePeople)?;
        let after = people + plan.cards.div_ceil(u64::from(CARDS_A_PERSON)) + AT_ONCE as u64;
        if after > u64::from(person::SAMPLES) {
            return Err(FillError::NoMorePeople);
        }
        let value = json!({"cards": cards, "people": after}).to_string();
        let guard = found.map_or(Guard::Absent(key.clone()), |found| Guard::Version(key, found.version));
        let setting = Record::Setting { name: MARK.to_owned(), value };
        self.store.commit(Commit { guards: vec![guard], writes: vec![Write::Put(setting)], ..Commit::default() })?;
        Ok(first)
    }

    fn holds_anything(&self) -> Result<bool, FillError> {
        let cards = Query::Cards { person: None, state: None, credential_type: None };
        Ok(!self.store.find(&Query::People(Vec::new()), None, 1)?.records.is_empty()
            || !self.store.find(&cards, None, 1)?.records.is_empty())
    }

    /// One thread's part of the cards.
    fn part(
        &self,
        plan: &FillPlan,
        left: &AtomicU64,
        people: &AtomicU32,
        remember: usize,
        tells: bool,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<Filled, FillError> {
        // Of what is drawn here nothing is a secret, so it need not come from the system, which would take longer.
        let seed = u64::from_be_bytes(self.random.array());
        let random: &dyn Random = &SeededRandom::new(seed);
        let mut filled = Filled::default();
        let mut revoked: Vec<Card> = Vec::new();
        loop {
            let take = |left: u64| left.checked_sub(left.min(u64::from(CARDS_A_COMMIT)));
            let before = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).unwrap_or_default();
            let count = before.min(u64::from(CARDS_A_COMMIT));
            if count == 0 && revoked.is_empty() {
                return Ok(filled);
            }
            let now = self.clock.now();
            let mut commit = Commit::default();
            for card in revoked.drain(..) {
                filled.revoked += u64::from(revoke(&card, now, &mut commit));
            }
            if count > 0 {
                let person = self.person(people.fetch_add(1, Ordering::Relaxed), now, random, &mut commit)?;
                let near = random.array();
                commit.issue.extend((0..count).map(|_| order(plan, person, near_id(near, random), now, random)));
            }
            for card in self.store.commit(commit)?.issued {
                filled.cards += 1;
                if drawn(random) < plan.revoked {
                    revoked.push(card);
                } else if filled.good.len() < remember {
                    filled.good.push(card.id);
                }
            }
            if tells {
                told(plan.cards - left.load(Ordering::Relaxed));
            }
        }
    }

    fn person(&self, number: u32, now: Timestamp, random: &dyn Random, commit: &mut Commit) -> Result<PersonId, FillError> {
        let today = civil_date(now).ok_or(Fault::Clock)?;
        let fields = person::sample(number, today.year());
        let read = fields.as_object().map(|fields| Person::read(fields, today));
        let Some(Ok(sample)) = read else { return Err(Fault::Record("a sample person").into()) };
        let id = PersonId::random(random);
        // Sealing takes a nonce, and that one is no place to save: it comes from the system.
        commit.writes.push(Write::Put(Record::Person(seal_person(self.sealer, id, &sample, self.random)?)));
        commit.events.push(EventDraft { at: now, actor: Actor::Service, what: What::PersonRegistered });
        Ok(id)
    }
}

/// An identifier like any other (a random UUID), but for the beginning, which those of one commit share.
fn near_id(beginning: [u8; 5], random: &dyn Random) -> CardId {
    let mut bytes = *CardId::random(random).as_bytes();
    bytes[..5].copy_from_slice(&beginning);
    CardId::from_bytes(bytes)
}

fn order(plan: &FillPlan, person: PersonId, id: CardId, now: Timestamp, random: &dyn Random) -> IssueOrder {
    IssueOrder {
        id,
        renews: false,
        person,
        credential_type: plan.credential_type.clone(),
        offer: None,
        instance: None,
        grant: None,
        holder_keys: vec![base64url::encode(random.array::<32>())],
        valid_from: now,
        valid_until: now.plus_seconds(VALID_SECONDS),
        at: now,
        by: Actor::Service,
    }
}

/// Adds the revocation of a card that this filling made; whether it could be revoked.
fn revoke(card: &Card, now: Timestamp, commit: &mut Commit) -> bool {
    let why = Circumstance { at: now, reason: Reason::Other, sealed_note: None, by: Actor::Service };
    let Ok((revoked, what)) = card.revoke(why) else { return false };
    commit.guards.push(Guard::Version(Key::Card(card.id), 1));
    commit.writes.push(Write::Put(Record::Card(revoked)));
    commit.events.push(EventDraft { at: now, actor: Actor::Service, what });
    true
}

/// A number from 0 to below 1.
fn drawn(random: &dyn Random) -> f64 {
    f64::from(u32::from_be_bytes(random.array())) / (f64::from(u32::MAX) + 1.0)
}

//! A data folder with a store in it, and the commits the tests make.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;
use yufu::{
    base::{
        base64url,
        clock::ManualClock,
        random::SeededRandom,
        secret::SecretKey,
        time::{Date, Timestamp},
    },
    crypto::{Algorithm, SoftwareKey, sha256},
    format::merkle::{Frontier, leaf_hash},
    model::{
        card::{Card, Circumstance, IssueOrder, Reason, State, StatusRef},
        checkpoint::CheckpointAccount,
        event::{EventDraft, LoggedEvent, What},
        ids::{CardId, EvidenceId, OfferId, PersonId, TokenId},
        party::{Actor, Role},
        record::{Commit, Evidence, Guard, Key, LeadsTo, OneTime, Record, SealedPerson, Token, Versioned, Write},
    },
    store::{
        Store,
        faults::Faults,
        sled::{OpenError, Options, RepairError, RepairReport, SledStore, repair},
    },
};

pub const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);
pub const TYPE: &str = "resident-id";

/// A data folder that lives as long as the test.
pub struct Folder {
    dir: TempDir,
    clock: ManualClock,
    random: SeededRandom,
}

impl Folder {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder is made");
        Self { dir, clock: ManualClock::at(NOW), random: SeededRandom::new(7) }
    }

    /// The folder of another node, which draws other random bytes.
    pub fn with_seed(seed: u64) -> Self {
        Self { random: SeededRandom::new(seed), ..Self::new() }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn open(&self) -> SledStore {
        self.try_open(|_| {}).expect("the store opens")
    }

    pub fn open_with(&self, faults: Arc<dyn Faults>) -> SledStore {
        self.try_open(|options| options.faults = faults).expect("the store opens")
    }

    /// The store in a database.
    #[cfg(feature = "postgres")]
    pub fn open_in(&self, database: &str) -> yufu::store::postgres::PostgresStore {
        self.try_open_in(database, |_| {}).expect("the store opens")
    }

    #[cfg(feature = "postgres")]
    pub fn try_open_in(
        &self,
        database: &str,
        change: impl FnOnce(&mut yufu::store::postgres::Options<'_>),
    ) -> Result<yufu::store::postgres::PostgresStore, yufu::store::postgres::OpenError> {
        use yufu::store::postgres;
        let path = self.path();
        let Options { data, index_key, log_signer, clock, random, .. } = options(&path, &self.clock, &self.random);
        let database = database.parse().expect("an address");
        let mut options = postgres::Options::new(data, database, index_key, log_signer, clock, random);
        change(&mut options);
        postgres::PostgresStore::open(options)
    }

    pub fn try_open(&self, change: impl FnOnce(&mut Options<'_>)) -> Result<SledStore, OpenError> {
        let path = self.path();
        let mut options = options(&path, &self.clock, &self.random);
        change(&mut options);
        SledStore::open(options)
    }

    pub fn repair(&self) -> Result<RepairReport, RepairError> {
        repair(&options(&self.path(), &self.clock, &self.random))
    }

    pub fn repair_with(&self, faults: Arc<dyn Faults>) -> Result<RepairReport, RepairError> {
        let path = self.path();
        let mut options = options(&path, &self.clock, &self.random);
        options.faults = faults;
        repair(&options)
    }
}

pub fn options<'a>(path: &'a Path, clock: &ManualClock, random: &SeededRandom) -> Options<'a> {
    let signer = SoftwareKey::from_secret(Algorithm::Ed25519, SecretKey::new([9; 32])).expect("it is a key");
    let index_key = SecretKey::new([8; 32]);
    Options::new(path, index_key, Arc::new(signer), Arc::new(clock.clone()), Arc::new(random.clone()))
}

/// An identifier that follows from a name.
pub fn bytes(name: &str) -> [u8; 16] {
    sha256(name)[..16].try_into().expect("sixteen bytes")
}

pub fn person_id(name: &str) -> PersonId {
    PersonId::from_bytes(bytes(name))
}

pub fn card_id(name: &str) -> CardId {
    CardId::from_bytes(bytes(name))
}

pub fn token_id(name: &str) -> TokenId {
    TokenId::from_bytes(bytes(name))
}

pub fn person(name: &str, indexes: &[&str]) -> Record {
    let blind_indexes: BTreeSet<_> = indexes.iter().map(|index| bytes(index)).collect();
    Record::Person(SealedPerson { id: person_id(name), sealed: base64url::encode(name), blind_indexes })
}

pub fn one_time(name: &str, expires_at: Timestamp) -> Record {
    Record::OneTime(OneTime { key: sha256(name), leads_to: LeadsTo::Used, expires_at })
}

pub fn evidence_id(name: &str) -> EvidenceId {
    EvidenceId::from_bytes(bytes(name))
}

pub fn keep_evidence(name: &str, until: Date) -> Commit {
    let (id, use_case) = (evidence_id(name), "hotel-check-in".to_owned());
    let what = What::EvidenceKept { evidence: id, use_case: use_case.clone(), until };
    let sealed = base64url::encode(name);
    let record = Evidence { id, checkpoint: token_id("gate"), use_case, kept_at: NOW, until, sealed };
    Commit { events: vec![event(what)], ..put(Record::Evidence(record)) }
}

pub fn destroy_evidence(name: &str) -> Commit {
    let what = What::EvidenceDestroyed { evidence: evidence_id(name), use_case: "hotel-check-in".to_owned() };
    let writes = vec![Write::Remove(Key::Evidence(evidence_id(name)))];
    Commit { writes, events: vec![event(what)], ..Commit::default() }
}

pub fn setting(name: &str, value: &str) -> Record {
    Record::Setting { name: name.to_owned(), value: value.to_owned() }
}

pub fn setting_key(name: &str) -> Key {
    Key::Setting(name.to_owned())
}

pub fn event(what: What) -> EventDraft {
    EventDraft { at: NOW, actor: Actor::Service, what }
}

pub fn put(record: Record) -> Commit {
    Commit { writes: vec![Write::Put(record)], ..Commit::default() }
}

pub fn register(name: &str, indexes: &[&str]) -> Commit {
    Commit {
        guards: indexes.iter().map(|index| Guard::NoPersonWith(bytes(index))).collect(),
        events: vec![event(What::PersonRegistered)],
        ..put(person(name, indexes))
    }
}

pub fn order(name: &str, credential_type: &str, copies: usize) -> IssueOrder {
    IssueOrder {
        renews: false,
        id: card_id(name),
        person: person_id("somebody"),
        credential_type: credential_type.to_owned(),
        offer: Some(OfferId::from_bytes(bytes(name))),
        instance: None,
        grant: None,
        holder_keys: (0..copies).map(|copy| format!("{name}-{copy}")).collect(),
        valid_from: NOW,
        valid_until: NOW.plus_seconds(86_400),
        at: NOW,
        by: Actor::Wallet,
    }
}

pub fn issue(name: &str, copies: usize) -> Commit {
    Commit { issue: vec![order(name, TYPE, copies)], ..Commit::default() }
}

/// A further batch of a card, made an hour later for each batch before it, and as long good.
pub fn renew(card: &Versioned<Card>, name: &str, copies: usize) -> Commit {
    let later = |time: Timestamp| time.plus_seconds(3_600 * (1 + card.value.renewals.len() as i64));
    let plain = order(&format!("{name}-renewed-{}", card.value.renewals.len()), TYPE, copies);
    let (at, valid_from, valid_until) = (later(plain.at), later(plain.valid_from), later(plain.valid_until));
    let order = IssueOrder { id: card.value.id, renews: true, at, valid_from, valid_until, ..plain };
    Commit { guards: vec![Guard::Version(Key::Card(card.value.id), card.version)], issue: vec![order], ..Commit::default() }
}

pub fn why(reason: Reason) -> Circumstance {
    Circumstance { at: NOW, reason, sealed_note: None, by: Actor::Operator { token: token_id("operator") } }
}

/// The commit that moves a card, guarded by its version.
pub fn transition(card: &Versioned<Card>, to: State, until: Option<Timestamp>) -> Commit {
    let (changed, what) = match to {
        State::Suspended => card.value.suspend(until, why(Reason::Lost)),
        State::Active => card.value.reinstate(why(Reason::Found)),
        State::Revoked => card.value.revoke(why(Reason::Stolen)),
    }
    .expect("the transition is allowed");
    Commit {
        guards: vec![Guard::Version(Key::Card(changed.id), card.version)],
        events: vec![EventDraft { at: NOW, actor: why(Reason::Lost).by, what }],
        ..put(Record::Card(changed))
    }
}

pub fn card(store: &dyn Store, name: &str) -> Versioned<Card> {
    match store.get(&Key::Card(card_id(name))).expect("it is read") {
        Some(Versioned { version, value: Record::Card(value) }) => Versioned { version, value },
        other => panic!("no card {name}: {other:?}"),
    }
}

/// Moves a card that the store knows.
pub fn move_card(store: &dyn Store, name: &str, to: State) {
    store.commit(transition(&card(store, name), to, None)).expect("it is moved");
}

pub fn token_hash(name: &str) -> [u8; 32] {
    sha256(format!("secret of {name}"))
}

/// What the tokens of tests are limited to. The store does not ask whose roles have a limit.
pub fn account() -> CheckpointAccount {
    CheckpointAccount { use_cases: Some(vec!["boarding".to_owned()]), ..CheckpointAccount::default() }
}

pub fn make_token(name: &str) -> Commit {
    let token = Token {
        id: token_id(name),
        name: name.to_owned(),
        role: Role::Revoker,
        created_at: NOW,
        switched_off_at: None,
        account: account(),
    };
    let hash = base64url::encode(token_hash(name));
    let what = What::TokenCreated { token: token.id, role: token.role, hash, account: token.account.clone() };
    Commit { events: vec![event(what)], ..put(Record::Token(token)) }
}

pub fn switch_off(name: &str) -> Commit {
    let token = Token {
        id: token_id(name),
        name: name.to_owned(),
        role: Role::Revoker,
        created_at: NOW,
        switched_off_at: Some(NOW),
        account: account(),
    };
    Commit { events: vec![event(What::TokenSwitchedOff { token: token.id })], ..put(Record::Token(token)) }
}

/// The list values of a card's copies.
pub fn values(store: &dyn Store, card: &Card) -> Vec<u8> {
    card.copies.iter().map(|copy| store.board().entry(copy.status).map_or(9, |entry| entry.value)).collect()
}

/// All events from the first on.
pub fn all_events(store: &dyn Store) -> Vec<LoggedEvent> {
    store.events(1, usize::MAX).expect("the events are read")
}

/// Numbers without gaps, and a head that is the tree over exactly these events.
pub fn log_is_whole(store: &dyn Store) {
    let events = all_events(store);
    assert!(events.iter().zip(1..).all(|(logged, number)| logged.event.number == number), "a gap");
    let tree: Frontier = events.iter().map(|logged| leaf_hash(&logged.commitment())).collect();
    assert_eq!((store.head().size, store.head().root), (tree.size(), tree.root()));
    assert_eq!(store.watch().last(), tree.size());
    assert_eq!(store.health().events, tree.size());
    let salts: BTreeSet<_> = events.iter().map(|logged| logged.salt).collect();
    assert_eq!(salts.len(), events.len(), "a salt twice");
}

/// Over the whole log; gives all cards with their state by the log, void ones as none.
pub fn no_index_twice(store: &dyn Store) -> BTreeMap<CardId, Option<State>> {
    let (mut given, mut cards, mut renewed) = (BTreeSet::<StatusRef>::new(), BTreeMap::new(), BTreeSet::new());
    for logged in all_events(store) {
        match logged.event.what {
            What::Issued { card, copies, .. } => {
                copies.into_iter().for_each(|at| assert!(given.insert(at), "{at:?} was given twice"));
                assert_eq!(cards.insert(card, Some(State::Active)), None);
            }
            What::Renewed { copies, .. } => {
                copies.into_iter().for_each(|at| assert!(given.insert(at), "{at:?} was given twice"));
                renewed.insert(logged.event.number);
            }
            What::StateChanged { card, to, .. } => {
                cards.insert(card, Some(to));
            }
            What::IssueVoided { event, card, copies } => {
                copies.iter().for_each(|at| assert_eq!(store.board().entry(*at).map(|entry| entry.value), Some(1)));
                if !renewed.contains(&event) {
                    cards.insert(card, None);
                }
            }
            _ => {}
        }
    }
    cards
}

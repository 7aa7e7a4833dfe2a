use std::{
    io::Read,
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
};

use super::*;
use crate::{
    base::{clock::ManualClock, random::SeededRandom},
    crypto::{Algorithm, PublicKey, SoftwareKey},
    format::status::{Expectation, StatusList, StatusValue, Unverified},
    model::{
        card::{Reason, State, StatusRef},
        event::{Event, LoggedEvent, What},
        ids::{CardId, StoreId},
        party::Actor,
        record::{Commit, Key, Query, Record, Versioned},
    },
    store::{
        CommitError, Health, Mode, Page, ReadError, Receipt, TreeHead,
        roster::Roster,
        together::{Together, fake},
        watch::Watch,
    },
};

pub(super) const URL: &str = "https://id.example";
pub(super) const START: Timestamp = Timestamp::from_unix(1_795_500_000);
const CARD: CardId = CardId::from_bytes([7; 16]);

/// A signer that counts, tells of each signature, and fails for lists it is told to.
pub(super) struct CountingSigner {
    key: SoftwareKey,
    pub(super) signed: AtomicU32,
    told: Option<mpsc::Sender<u32>>,
    failing: Mutex<bool>,
}

impl CountingSigner {
    pub(super) fn new(told: Option<mpsc::Sender<u32>>) -> Arc<Self> {
        let key = SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(1));
        Arc::new(Self { key, signed: AtomicU32::new(0), told, failing: Mutex::new(false) })
    }

    fn fail(&self, failing: bool) {
        *self.failing.lock().expect("not poisoned") = failing;
    }
}

impl Signer for CountingSigner {
    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn key_id(&self) -> &str {
        self.key.key_id()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        if *self.failing.lock().expect("not poisoned") {
            return Err(SignError::Unavailable);
        }
        let signed = self.signed.fetch_add(1, Ordering::SeqCst) + 1;
        self.told.iter().for_each(|told| told.send(signed).expect("heard"));
        self.key.sign(message)
    }
}

/// A board with its log of numbered events, as a store would keep them.
#[derive(Default)]
pub(super) struct Fake {
    pub(super) board: StatusBoard,
    pub(super) roster: Roster,
    pub(super) watch: Watch,
    pub(super) node: Option<fake::Node>,
    pub(super) lag: Duration,
}

impl Fake {
    pub(super) fn apply(&self, what: What) {
        self.put_on_board(what);
        self.watch.announce(self.watch.last() + 1);
    }

    pub(super) fn put_on_board(&self, what: What) {
        self.board.apply(&Event { number: self.watch.last() + 1, at: START, actor: Actor::Service, what });
    }

    pub(super) fn open(&self, list: u32) {
        self.apply(What::ListOpened { list: ListId(list), credential_type: "resident-id".to_owned() });
    }

    pub(super) fn set(&self, copies: &[(u32, u32)], to: State) {
        self.apply(changed(copies, to));
    }
}

fn refs(copies: &[(u32, u32)]) -> Vec<StatusRef> {
    copies.iter().map(|(list, index)| StatusRef { list: ListId(*list), index: *index }).collect()
}

pub(super) fn changed(copies: &[(u32, u32)], to: State) -> What {
    What::StateChanged { card: CARD, copies: refs(copies), from: State::Active, to, until: None, reason: Reason::Lost }
}

impl Store for Fake {
    fn commit(&self, _: Commit) -> Result<Receipt, CommitError> {
        Err(CommitError::ReadOnly)
    }

    fn get(&self, _: &Key) -> Result<Option<Versioned<Record>>, ReadError> {
        Err(ReadError::Guarded)
    }

    fn find(&self, _: &Query, _: Option<&[u8]>, _: usize) -> Result<Page, ReadError> {
        Err(ReadError::Guarded)
    }

    fn events(&self, _: u64, _: usize) -> Result<Vec<LoggedEvent>, ReadError> {
        Err(ReadError::Guarded)
    }

    fn head(&self) -> TreeHead {
        TreeHead { size: 0, root: [0; 32] }
    }

    fn board(&self) -> &StatusBoard {
        &self.board
    }

    fn roster(&self) -> &Roster {
        &self.roster
    }

    fn watch(&self) -> &Watch {
        &self.watch
    }

    fn health(&self) -> Health {
        Health {
            mode: Mode::Normal,
            store: Some(StoreId::from_bytes([1; 16])),
            checked_events: 0,
            events: 0,
            lag: Duration::ZERO,
            cautions: Vec::new(),
        }
    }

    fn lag(&self) -> Duration {
        self.lag
    }

    fn together(&self) -> Option<&dyn Together> {
        self.node.as_ref().map(|node| node as &dyn Together)
    }
}

pub(super) fn publisher(signer: &Arc<CountingSigner>) -> Publisher {
    Publisher::new(Arc::clone(signer) as Arc<dyn Signer>, &[vec![0x30, 0]], URL)
}

fn due(publisher: &Publisher, store: &Fake, after: i64) -> Result<usize, PublishError> {
    publisher.publish_due(&store.board, store.watch.last(), START.plus_seconds(after))
}

/// The list as a verifier reads it.
pub(super) fn read(publisher: &Publisher, signer: &CountingSigner, list: u32) -> (Arc<Published>, StatusList) {
    let published = publisher.current(ListId(list)).expect("the list was published");
    let uri = format!("{URL}/status-lists/{list}");
    let expected = Expectation { uri: &uri, at: published.signed_at, newest_seen: None };
    let verified = Unverified::parse(&published.jwt).and_then(|token| token.verify(signer.public_key(), &expected));
    let verified = verified.expect("a good token");
    assert_eq!(verified.claims.iat, published.signed_at);
    assert_eq!(verified.claims.exp, Some(published.expires_at));
    (published, verified.list)
}

#[test]
fn a_list_is_published_once_it_is_opened_and_says_what_it_should() {
    let (signer, store) = (CountingSigner::new(None), Fake::default());
    let publisher = publisher(&signer);
    assert_eq!((due(&publisher, &store, 0), publisher.current(ListId(1))), (Ok(0), None));
    store.open(1);
    assert_eq!(due(&publisher, &store, 0), Ok(1));
    assert_eq!(publisher.current(ListId(2)), None);
    assert_eq!(publisher.uris(), ["https://id.example/status-lists/1"]);

    let (published, list) = read(&publisher, &signer, 1);
    assert_eq!((list.entries(), list.bits()), (1 << 20, Bits::Two));
    assert!(list.packed().iter().all(|byte| *byte == 0));
    assert_eq!((published.signed_at, published.expires_at), (START, START.plus_seconds(86_400)));
    let token = Unverified::parse(&published.jwt).expect("a token");
    assert_eq!(token.header().x5c, Some(vec![vec![0x30, 0]]));

    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&published.gzip[..]).read_to_string(&mut unpacked).expect("a gzip body");
    assert_eq!(unpacked, published.jwt);
    assert!(published.etag.starts_with('"') && published.etag.ends_with('"') && published.etag != published.gzip_etag);
}

#[test]
fn only_what_changed_is_signed_and_all_changes_at_once() {
    let (signer, store) = (CountingSigner::new(None), Fake::default());
    let publisher = publisher(&signer);
    store.open(1);
    store.open(2);
    assert_eq!(due(&publisher, &store, 0), Ok(2));
    let before = publisher.current(ListId(1));
    store.set(&[(2, 5), (2, 1_048_575)], State::Suspended);
    store.set(&[(2, 6)], State::Revoked);
    assert_eq!(due(&publisher, &store, 1), Ok(1));
    assert_eq!(publisher.current(ListId(1)), before);
    let (_, list) = read(&publisher, &signer, 2);
    let values = [4, 5, 6, 1_048_575].map(|index| list.value(index).map(StatusValue::from_entry));
    let (valid, suspended) = (Some(StatusValue::Valid), Some(StatusValue::Suspended));
    assert_eq!(values, [valid, suspended, Some(StatusValue::Invalid), suspended]);

    store.set(&[(2, 5), (2, 1_048_575)], State::Active);
    assert_eq!((due(&publisher, &store, 2), due(&publisher, &store, 2)), (Ok(1), Ok(0)));
    assert_eq!(read(&publisher, &signer, 2).1.value(5), Some(0));
    assert_eq!(signer.signed.load(Ordering::SeqCst), 4);
}

#[test]
fn issuing_a_card_changes_no_list() {
    let (signer, store) = (CountingSigner::new(None), Fake::default());
    let publisher = publisher(&signer);
    store.open(1);
    assert_eq!(due(&publisher, &store, 0), Ok(1));
    store.apply(What::Issued {
        card: CARD,
        credential_type: "resident-id".to_owned(),
        copies: refs(&[(1, 9)]),
        valid_from: START,
        valid_until: START.plus_seconds(86_400),
    });
    assert_eq!(due(&publisher, &store, 10), Ok(0));
}

#[test]
fn an_unchanged_list_is_renewed_within_its_time_to_live() {
    let (signer, store) = (CountingSigner::new(None), Fake::default());
    let publisher = publisher(&signer);
    store.open(1);
    store.set(&[(1, 3)], State::Revoked);
    assert_eq!((due(&publisher, &store, 0), due(&publisher, &store, 74)), (Ok(1), Ok(0)));
    let first = publisher.current(ListId(1)).expect("published");
    assert_eq!(due(&publisher, &store, 75), Ok(1));
    let (renewed, list) = read(&publisher, &signer, 1);
    assert_eq!((renewed.signed_at, list.value(3)), (START.plus_seconds(75), Some(1)));
    assert!(renewed.etag != first.etag && renewed.expires_at > first.expires_at);
}

#[test]
fn a_clock_set_back_takes_no_list_back() {
    let (signer, store) = (CountingSigner::new(None), Fake::default());
    let publisher = publisher(&signer);
    store.open(1);
    assert_eq!(due(&publisher, &store, 0), Ok(1));
    assert_eq!(due(&publisher, &store, -86_400), Ok(0));
    store.set(&[(1, 3)], State::Revoked);
    assert_eq!(due(&publisher, &store, -86_400), Ok(1));
    let (published, list) = read(&publisher, &signer, 1);
    assert_eq!((published.signed_at, list.value(3)), (START, Some(1)));
    assert_eq!(due(&publisher, &store, 75), Ok(1));
    assert_eq!(read(&publisher, &signer, 1).0.signed_at, START.plus_seconds(75));
}

#[test]
fn an_event_that_was_half_on_the_board_is_published_whole() {
    let (signer, store) = (CountingSigner::new(None), Fake::default());
    let publisher = publisher(&signer);
    store.open(1);
    // The store is between the first copy of a card and the second: the event is not announced yet.
    store.put_on_board(changed(&[(1, 3)], State::Revoked));
    assert_eq!((due(&publisher, &store, 0), due(&publisher, &store, 0)), (Ok(1), Ok(0)));
    store.set(&[(1, 3), (1, 4)], State::Revoked);
    assert_eq!((due(&publisher, &store, 1), due(&publisher, &store, 1)), (Ok(1), Ok(0)));
    let (_, list) = read(&publisher, &signer, 1);
    assert_eq!((list.value(3), list.value(4)), (Some(1), Some(1)));
}

#[test]
fn a_signer_out_of_reach_leaves_the_last_list_in_place() {
    let (signer, store) = (CountingSigner::new(None), Fake::default());
    let publisher = publisher(&signer);
    store.open(1);
    assert_eq!(due(&publisher, &store, 0), Ok(1));
    let last = publisher.current(ListId(1));
    store.set(&[(1, 3)], State::Revoked);
    store.open(2);
    signer.fail(true);
    let error = PublishError { list: ListId(1), cause: PublishCause::Sign(SignError::Unavailable) };
    assert_eq!(due(&publisher, &store, 1), Err(error));
    assert_eq!((publisher.current(ListId(1)), publisher.current(ListId(2))), (last, None));
    signer.fail(false);
    assert_eq!(due(&publisher, &store, 2), Ok(2));
    assert_eq!(read(&publisher, &signer, 1).1.value(3), Some(1));
}

#[test]
fn the_loop_publishes_a_change_without_being_asked() {
    let (told, signatures) = mpsc::channel();
    let (signer, store, stop) = (CountingSigner::new(Some(told)), Fake::default(), AtomicBool::new(false));
    let (publisher, clock) = (publisher(&signer), ManualClock::at(START));
    store.open(1);
    let next = || signatures.recv_timeout(Duration::from_secs(30));
    std::thread::scope(|scope| {
        scope.spawn(|| publisher.run(&store, &clock, &stop));
        assert_eq!(next(), Ok(1));
        store.set(&[(1, 3)], State::Revoked);
        assert_eq!(next(), Ok(2));
        stop.store(true, Ordering::Release);
    });
    assert_eq!(read(&publisher, &signer, 1).1.value(3), Some(1));
}

#[test]
fn a_board_that_has_lost_events_is_not_signed() {
    let (fake, publisher) = (Fake::default(), Publisher::new(CountingSigner::new(None), &[], URL));
    fake.open(1);
    fake.board.mark_incomplete();
    assert_eq!(publisher.publish_due(&fake.board, fake.watch.last(), START), Ok(0));
    assert_eq!(publisher.current(ListId(1)), None);
}

#[test]
fn after_a_restart_with_an_earlier_clock_no_list_is_older_than_before() {
    let (data, fake, signer) = (tempfile::tempdir().expect("a folder"), Fake::default(), CountingSigner::new(None));
    fake.open(1);
    for (clock, iat) in [(0, 0), (100, 100), (-3600, 100), (101, 101)] {
        let publisher = publisher(&signer).lasting(data.path(), START.plus_seconds(clock));
        assert_eq!(due(&publisher, &fake, clock), Ok(1));
        assert_eq!(publisher.current(ListId(1)).map(|list| list.signed_at), Some(START.plus_seconds(iat)), "{clock}");
    }
}

use std::{collections::BTreeSet, sync::Arc, thread};

use super::*;
use crate::{
    base::{clock::ManualClock, random::SeededRandom},
    crypto::Algorithm,
    keyring::Purpose,
    model::{
        card::{IssueOrder, StatusRef},
        ids::{OfferId, PersonId, TokenId},
        party::{Actor, Operator, Role},
    },
    revocation::schedule::{Run, run_due},
    store::sled::{Options, SledStore},
};

pub(super) const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);
const DAY: u64 = 24 * 3600;

pub(super) struct Office {
    pub(super) lifecycle: Lifecycle,
    pub(super) clock: ManualClock,
    pub(super) card: Card,
    _data: tempfile::TempDir,
}

/// An office with one card of two copies.
pub(super) fn office() -> Office {
    let data = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::at(NOW);
    let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1));
    let keyring = Keyring::in_memory("https://id.example", Algorithm::Es256, &clock, &*random).expect("keys");
    let options = Options::new(
        data.path(),
        keyring.index_key().clone(),
        keyring.signer(Purpose::Log),
        Arc::new(clock.clone()),
        Arc::clone(&random),
    );
    let store: Arc<dyn Store> = Arc::new(SledStore::open(options).expect("a store"));
    let order = IssueOrder {
        renews: false,
        id: CardId::from_bytes([1; 16]),
        person: PersonId::from_bytes([2; 16]),
        credential_type: "resident-id".to_owned(),
        offer: Some(OfferId::from_bytes([3; 16])),
        instance: None,
        grant: None,
        holder_keys: vec!["key-1".to_owned(), "key-2".to_owned()],
        valid_from: NOW,
        valid_until: NOW.plus_seconds(30 * DAY as i64),
        at: NOW,
        by: Actor::Wallet,
    };
    let receipt = store.commit(Commit { issue: vec![order], ..Commit::default() }).expect("issued");
    let card = receipt.issued.first().expect("one card").clone();
    let lifecycle = Lifecycle { store, clock: Arc::new(clock.clone()), random, keyring: Arc::new(keyring) };
    Office { lifecycle, clock, card, _data: data }
}

pub(super) fn operator(role: Role) -> Authority {
    Authority::Operator(Operator::authenticated(TokenId::from_bytes([9; 16]), role))
}

pub(super) fn order(reason: Reason) -> Order {
    Order { reason, note: None, until: None }
}

impl Office {
    pub(super) fn values(&self) -> BTreeSet<u8> {
        let value = |at: &StatusRef| self.lifecycle.store.board().entry(*at).expect("an entry").value;
        self.card.copies.iter().map(|copy| value(&copy.status)).collect()
    }

    pub(super) fn stored(&self) -> Card {
        self.lifecycle.card(self.card.id).expect("the card").value
    }

    pub(super) fn events(&self) -> u64 {
        self.lifecycle.store.head().size
    }
}

#[test]
fn a_card_is_suspended_reinstated_and_revoked_with_all_its_copies() {
    let office = office();
    let (lifecycle, revoker) = (&office.lifecycle, operator(Role::Revoker));
    assert_eq!(office.values(), [0].into());
    let card = lifecycle.suspend(&revoker, office.card.id, order(Reason::Lost)).expect("suspended");
    assert_eq!((card.state, office.values()), (State::Suspended, [2].into()));
    let card = lifecycle.reinstate(&revoker, office.card.id, order(Reason::Found)).expect("reinstated");
    assert_eq!((card.state, card.due_for_renewal, office.values()), (State::Active, true, [0].into()));
    let card = lifecycle.revoke(&revoker, office.card.id, order(Reason::Stolen)).expect("revoked");
    assert_eq!((card.state, office.values()), (State::Revoked, [1].into()));
    assert_eq!(office.stored(), card);
    let said: Vec<_> = card.history.iter().map(|change| (change.state, change.reason)).collect();
    assert_eq!(
        said,
        [
            (State::Active, None),
            (State::Suspended, Some(Reason::Lost)),
            (State::Active, Some(Reason::Found)),
            (State::Revoked, Some(Reason::Stolen)),
        ]
    );
}

#[test]
fn revoked_is_final_and_revoking_twice_is_once() {
    let office = office();
    let (lifecycle, by, id) = (&office.lifecycle, operator(Role::Administrator), office.card.id);
    let first = lifecycle.revoke(&by, id, order(Reason::Deceased)).expect("revoked");
    let events = office.events();
    assert_eq!(lifecycle.revoke(&by, id, order(Reason::Other)), Ok(first));
    let refused = Err(LifecycleError::Transition(TransitionError::Revoked));
    assert_eq!(lifecycle.suspend(&by, id, order(Reason::Lost)), refused);
    assert_eq!(lifecycle.reinstate(&by, id, order(Reason::Found)), refused);
    assert_eq!((office.events(), office.values()), (events, [1].into()));
}

#[test]
fn nobody_reaches_further_than_their_authority() {
    let office = office();
    let (lifecycle, id) = (&office.lifecycle, office.card.id);
    let lost = || order(Reason::Lost);
    let before = (office.events(), office.stored());
    for role in [Role::Registrar, Role::Auditor, Role::Checkpoint] {
        let by = operator(role);
        for answer in
            [lifecycle.suspend(&by, id, lost()), lifecycle.reinstate(&by, id, lost()), lifecycle.revoke(&by, id, lost())]
        {
            assert_eq!(answer, Err(LifecycleError::NotAllowed), "{role}");
        }
    }
    let stranger = Authority::Holder(PersonId::from_bytes([7; 16]));
    assert_eq!(lifecycle.suspend(&stranger, id, lost()), Err(LifecycleError::NotFound));
    let holder = Authority::Holder(PersonId::from_bytes([2; 16]));
    assert_eq!(lifecycle.reinstate(&holder, id, lost()), Err(LifecycleError::NotAllowed));
    assert_eq!(lifecycle.revoke(&holder, id, lost()), Err(LifecycleError::NotAllowed));
    let standing = Authority::Standing(1);
    assert_eq!(lifecycle.suspend(&standing, id, lost()), Err(LifecycleError::NotAllowed));
    assert_eq!(lifecycle.reinstate(&standing, id, lost()), Err(LifecycleError::NotAllowed));
    assert_eq!(lifecycle.revoke(&standing, id, lost()), Err(LifecycleError::NotAllowed));
    let unknown = CardId::from_bytes([8; 16]);
    assert_eq!(lifecycle.revoke(&operator(Role::Revoker), unknown, lost()), Err(LifecycleError::NotFound));
    assert_eq!((office.events(), office.stored()), before);
    let card = lifecycle.suspend(&holder, id, lost()).expect("a holder may suspend");
    assert_eq!((card.state, card.history.last().map(|change| change.by)), (State::Suspended, Some(Actor::Holder)));
}

#[test]
fn what_cannot_be_is_refused_before_anything_changes() {
    let office = office();
    let (lifecycle, by, id) = (&office.lifecycle, operator(Role::Revoker), office.card.id);
    let until = |seconds| Order { until: Some(NOW.plus_seconds(seconds)), ..order(Reason::Lost) };
    let before = office.events();
    assert_eq!(lifecycle.suspend(&by, id, until(0)), Err(LifecycleError::Transition(TransitionError::EndNotInFuture)));
    assert_eq!(lifecycle.revoke(&by, id, until(60)), Err(LifecycleError::EndWithoutSuspension));
    assert_eq!(
        lifecycle.reinstate(&by, id, order(Reason::Found)),
        Err(LifecycleError::Transition(TransitionError::NotSuspended))
    );
    let long = Order { note: Some("x".repeat(NOTE_BYTES + 1)), ..order(Reason::Other) };
    assert_eq!(lifecycle.revoke(&by, id, long), Err(LifecycleError::NoteTooLong));
    assert_eq!(office.events(), before);
}

#[test]
fn a_note_is_sealed_and_opens_for_its_own_card_only() {
    let office = office();
    let note = "王女士来电：手机丢了";
    let noted = Order { note: Some(note.to_owned()), ..order(Reason::Lost) };
    let card = office.lifecycle.suspend(&operator(Role::Revoker), office.card.id, noted).expect("suspended");
    let sealed = card.history.last().and_then(|change| change.sealed_note.clone()).expect("a note");
    assert!(!format!("{card:?}").contains("王女士"));
    assert_eq!(office.lifecycle.note(&card, &sealed).as_deref(), Some(note));
    let other = Card { id: CardId::from_bytes([5; 16]), ..card };
    assert_eq!(office.lifecycle.note(&other, &sealed), None);
}

#[test]
fn of_many_who_change_a_card_at_once_none_is_lost() {
    let office = office();
    let (id, by) = (office.card.id, operator(Role::Revoker));
    let before = office.events();
    let outcomes: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| office.lifecycle.revoke(&by, id, order(Reason::Stolen)))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(outcomes.iter().all(|outcome| outcome.as_ref().is_ok_and(|card| card.state == State::Revoked)), "{outcomes:?}");
    assert_eq!(office.events(), before + 1, "one revocation, one event");
    assert_eq!(office.stored().history.len(), 2);
}

#[test]
fn a_suspension_ends_at_its_date_by_the_order_that_gave_it() {
    let office = office();
    let lifecycle = &office.lifecycle;
    let until = Order { until: Some(NOW.plus_seconds(DAY as i64)), ..order(Reason::Lost) };
    let card = lifecycle.suspend(&operator(Role::Revoker), office.card.id, until).expect("suspended");
    let ordered = card.suspension_event.expect("the event is known");
    assert_eq!((ordered, office.stored()), (office.events(), card));
    office.clock.advance(DAY - 1);
    assert_eq!(run_due(lifecycle, lifecycle.clock.now()), Ok(Run::default()));
    assert_eq!(office.values(), [2].into());
    office.clock.advance(1);
    let run = run_due(lifecycle, lifecycle.clock.now());
    assert_eq!(run, Ok(Run { reinstated: 1, ..Run::default() }));
    assert_eq!((office.stored().state, office.values()), (State::Active, [0].into()));
    let event = lifecycle.store.events(office.events(), 1).expect("the last event").pop().expect("it is there").event;
    assert_eq!(event.actor, Actor::Standing { event: ordered });
    assert_eq!(run_due(lifecycle, lifecycle.clock.now()), Ok(Run::default()), "once");
}

#[test]
fn an_order_that_the_card_does_not_name_is_found_in_the_log() {
    let office = office();
    let lifecycle = &office.lifecycle;
    let until = Order { until: Some(NOW.plus_seconds(60)), ..order(Reason::Lost) };
    let card = lifecycle.suspend(&operator(Role::Revoker), office.card.id, until).expect("suspended");
    let ordered = office.events();
    // As after a crash between the two writes, or a rebuild from the log.
    let forgotten = Card { suspension_event: None, ..card };
    let write = Write::Put(Record::Card(forgotten));
    lifecycle.store.commit(Commit { writes: vec![write], ..Commit::default() }).expect("written");
    office.clock.advance(60);
    assert_eq!(run_due(lifecycle, lifecycle.clock.now()), Ok(Run { reinstated: 1, ..Run::default() }));
    assert_eq!(office.stored().history.last().map(|change| change.by), Some(Actor::Standing { event: ordered }));
}

#[test]
fn a_card_revoked_while_suspended_stays_revoked_at_the_end_date() {
    let office = office();
    let (lifecycle, by) = (&office.lifecycle, operator(Role::Revoker));
    let until = Order { until: Some(NOW.plus_seconds(60)), ..order(Reason::Lost) };
    lifecycle.suspend(&by, office.card.id, until).expect("suspended");
    lifecycle.revoke(&by, office.card.id, order(Reason::Stolen)).expect("revoked");
    office.clock.advance(3600);
    assert_eq!(run_due(lifecycle, lifecycle.clock.now()), Ok(Run::default()));
    assert_eq!(office.values(), [1].into());
    assert_eq!(
        lifecycle.reinstate(&Authority::Standing(3), office.card.id, order(Reason::Lost)),
        Err(LifecycleError::NotAllowed)
    );
}

#[test]
fn a_card_is_not_called_revoked_before_the_board_shows_it() {
    let office = office();
    // The record alone, as a reader can meet it while the commit of another is being synced.
    let record = Card { state: State::Revoked, ..office.card.clone() };
    let writes = vec![Write::Put(Record::Card(record))];
    office.lifecycle.store.commit(Commit { writes, ..Commit::default() }).expect("committed");
    let again = office.lifecycle.revoke(&operator(Role::Revoker), office.card.id, order(Reason::Lost));
    assert_eq!(again, Err(LifecycleError::Contended));
    assert_eq!(office.values(), [0].into());
}

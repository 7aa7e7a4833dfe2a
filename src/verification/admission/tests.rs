//! A real store, and a clock that is moved.

use super::*;
use crate::{
    base::{
        clock::ManualClock,
        random::{Random, SeededRandom},
    },
    crypto::Algorithm,
    keyring::{Keyring, Purpose},
    model::{
        event::LoggedEvent,
        party::{Actor, Operator, Role},
        reason::ReasonCode as R,
        statement::{Presented, StatusPart},
    },
    store::sled::{Options, SledStore},
};

const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);
const GATE: TokenId = TokenId::from_bytes([1; 16]);
const OTHER: TokenId = TokenId::from_bytes([2; 16]);

struct World {
    admissions: Admissions,
    store: Arc<dyn Store>,
    clock: ManualClock,
    _data: tempfile::TempDir,
}

fn world() -> World {
    let data = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::at(NOW);
    let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1));
    let keyring = Keyring::in_memory("https://id.example", Algorithm::Es256, &clock, &*random).expect("keys");
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let log = keyring.signer(Purpose::Log);
    let options = Options::new(data.path(), keyring.index_key().clone(), log, Arc::clone(&shared), random);
    let store: Arc<dyn Store> = Arc::new(SledStore::open(options).expect("a store"));
    World { admissions: Admissions::new(Arc::clone(&store), shared), store, clock, _data: data }
}

fn gate(token: TokenId) -> Authority {
    Authority::Operator(Operator::authenticated(token, Role::Checkpoint))
}

fn statement(reason: ReasonCode) -> Statement {
    let presented = Presented { query_id: None, credential: None, status: StatusPart::UNKNOWN, checks: Vec::new() };
    Statement::of_one(reason, presented, NOW)
}

fn admitted(store: &dyn Store) -> Vec<LoggedEvent> {
    let mut events = store.events(1, usize::MAX).expect("the events are read");
    events.retain(|logged| matches!(logged.event.what, What::AdmittedByHand { .. }));
    events
}

#[test]
fn who_could_not_be_told_is_admitted_once_and_the_log_names_the_checkpoint_and_nobody_else() {
    let world = world();
    let World { admissions, store, .. } = &world;
    admissions.note(GATE, "a", Some("boarding"), &statement(R::StatusTooOld));
    // Seen again by another look; the order in which they come makes no difference.
    admissions.note(GATE, "a", Some("boarding"), &statement(R::StatusTooOld));
    let done = admissions.admit(&gate(GATE), "a", AdmissionReason::DocumentChecked);
    let expected = Admitted { at: NOW, use_case: Some("boarding".to_owned()), because: R::StatusTooOld };
    assert_eq!(done, Ok(expected));
    for reason in [AdmissionReason::DocumentChecked, AdmissionReason::Other] {
        assert_eq!(admissions.admit(&gate(GATE), "a", reason), Err(AdmitError::Already));
    }
    let events = admitted(&**store);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].event.actor, Actor::Operator { token: GATE });
    let what = serde_json::to_value(&events[0].event.what).expect("JSON");
    let expected = serde_json::json!({
        "type": "admitted_by_hand", "use_case": "boarding", "reason": "document_checked", "because": "status_too_old",
    });
    assert_eq!(what, expected);
}

#[test]
fn a_refusal_and_an_acceptance_are_not_for_a_person_to_change() {
    let world = world();
    let World { admissions, store, .. } = &world;
    for (id, reason) in [("refused", R::CredentialRevoked), ("accepted", R::Accepted)] {
        admissions.note(GATE, id, None, &statement(reason));
        let done = admissions.admit(&gate(GATE), id, AdmissionReason::SupervisorConfirmed);
        assert_eq!(done, Err(AdmitError::NotUndetermined));
    }
    assert_eq!(admitted(&**store), []);
}

#[test]
fn a_decision_is_admitted_by_the_checkpoint_that_was_shown_it_and_by_no_one_else() {
    let world = world();
    let World { admissions, store, .. } = &world;
    admissions.note(GATE, "a", None, &statement(R::ShownWithoutRequest));
    let admit = |who: &Authority, id| admissions.admit(who, id, AdmissionReason::Other).map(|done| done.because);
    assert_eq!(admit(&gate(OTHER), "a"), Err(AdmitError::NotFound));
    assert_eq!(admit(&gate(GATE), "b"), Err(AdmitError::NotFound));
    let administrator = Authority::Operator(Operator::authenticated(GATE, Role::Administrator));
    assert_eq!(admit(&administrator, "a"), Err(AdmitError::NotAllowed(NotAllowed)));
    assert_eq!(admit(&Authority::Standing(1), "a"), Err(AdmitError::NotAllowed(NotAllowed)));
    assert_eq!(admitted(&**store), []);
    assert_eq!(admit(&gate(GATE), "a"), Ok(R::ShownWithoutRequest));
}

#[test]
fn what_was_shown_is_forgotten_after_its_time_and_beyond_a_number() {
    let world = world();
    let World { admissions, clock, .. } = &world;
    let admit = |id: &str| admissions.admit(&gate(GATE), id, AdmissionReason::Other).map(|done| done.because);
    let shown = statement(R::StatusUnavailable);
    admissions.note(GATE, "old", None, &shown);
    clock.advance(ADMISSION_SECONDS - 1);
    assert_eq!(admit("old"), Ok(R::StatusUnavailable));
    clock.advance(1);
    assert_eq!(admit("old"), Err(AdmitError::NotFound));
    for n in 0..=ADMISSIONS_OF_CHECKPOINT {
        admissions.note(GATE, &n.to_string(), None, &shown);
    }
    admissions.note(OTHER, "0", None, &shown);
    assert_eq!(admit("0"), Err(AdmitError::NotFound), "the newest are kept");
    assert_eq!(admit("1"), Ok(R::StatusUnavailable));
    clock.advance(ADMISSION_SECONDS);
    admissions.note(OTHER, "x", None, &shown);
    assert_eq!(admissions.shown().keys().collect::<Vec<_>>(), [&OTHER], "nothing is left of who shows nothing more");
}

#[test]
fn of_many_who_admit_at_once_one_does() {
    let world = world();
    let World { admissions, store, .. } = &world;
    admissions.note(GATE, "a", None, &statement(R::StatusUnavailable));
    let done: Vec<_> = std::thread::scope(|scope| {
        let officers: Vec<_> =
            (0..8).map(|_| scope.spawn(|| admissions.admit(&gate(GATE), "a", AdmissionReason::Other).is_ok())).collect();
        officers.into_iter().map(|officer| officer.join().expect("it ends")).collect()
    });
    assert_eq!(done.iter().filter(|done| **done).count(), 1);
    assert_eq!(admitted(&**store).len(), 1);
}

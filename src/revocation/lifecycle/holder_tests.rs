//! What holders do with their own cards.

use super::{
    tests::{NOW, Office, office, operator, order},
    *,
};
use crate::model::{
    own_suspension::{UNDO_SECONDS, UndoError},
    party::{Actor, Role},
};

const SOMEBODY_ELSE: PersonId = PersonId::from_bytes([4; 16]);

fn holder(office: &Office) -> PersonId {
    office.card.person.expect("whose it is")
}

fn suspend(office: &Office) -> Card {
    let authority = Authority::Holder(holder(office));
    office.lifecycle.suspend(&authority, office.card.id, order(Reason::Lost)).expect("suspended")
}

fn undo(office: &Office, signed_in_at: Timestamp) -> Result<Card, LifecycleError> {
    office.lifecycle.undo(holder(office), signed_in_at, office.card.id)
}

#[test]
fn a_holder_suspends_an_own_card_and_has_it_back_after_signing_in_anew() {
    let office = office();
    let suspended = suspend(&office);
    assert_eq!((suspended.state, office.values()), (State::Suspended, [2].into()));
    office.clock.advance(60);
    for before in [NOW, NOW.plus_seconds(-1)] {
        assert_eq!(undo(&office, before), Err(LifecycleError::Undo(UndoError::SignInAnew)));
    }
    assert_eq!(office.values(), [2].into());
    let back = undo(&office, NOW.plus_seconds(30)).expect("it is back");
    assert_eq!((back.state, office.values()), (State::Active, [0].into()));
    let last = back.history.last().expect("a change");
    assert_eq!((last.reason, last.by), (Some(Reason::Found), Actor::Holder));
    assert_eq!(undo(&office, NOW.plus_seconds(31)), Err(LifecycleError::Undo(UndoError::NotOwn)), "it is suspended no more");
}

#[test]
fn after_a_day_it_takes_an_operator() {
    let office = office();
    suspend(&office);
    office.clock.advance(UNDO_SECONDS as u64 - 1);
    let signed_in = NOW.plus_seconds(UNDO_SECONDS - 2);
    assert_eq!(office.stored().can_be_undone(signed_in, office.clock.now()), Ok(()));
    office.clock.advance(1);
    assert_eq!(undo(&office, signed_in), Err(LifecycleError::Undo(UndoError::TooLate)));
    office.lifecycle.reinstate(&operator(Role::Revoker), office.card.id, order(Reason::Found)).expect("an operator can");
    assert_eq!(office.values(), [0].into());
}

#[test]
fn what_an_operator_suspended_is_not_the_holders_to_undo() {
    let (office, later) = (office(), NOW.plus_seconds(5));
    let refused = Err(LifecycleError::Undo(UndoError::NotOwn));
    let by = operator(Role::Revoker);
    office.lifecycle.suspend(&by, office.card.id, order(Reason::Fraud)).expect("suspended");
    let events = office.events();
    let same = suspend(&office);
    assert_eq!((same.history.len(), office.events()), (2, events), "the holder's word changes nothing of it");
    assert_eq!(undo(&office, later), refused);

    let with_end = Order { until: Some(NOW.plus_seconds(3600)), ..order(Reason::CourtOrder) };
    office.lifecycle.suspend(&by, office.card.id, with_end).expect("it ends by itself");
    assert_eq!(suspend(&office).suspended_until, None, "a lost phone outlasts the end that was ordered");
    assert_eq!(undo(&office, later), refused, "what is left when the holder takes it back is not for the holder to say");
}

#[test]
fn an_operators_word_after_the_holders_stands() {
    let (office, later) = (office(), NOW.plus_seconds(5));
    suspend(&office);
    office.lifecycle.suspend(&operator(Role::Revoker), office.card.id, order(Reason::Stolen)).expect("an operator too");
    assert_eq!(undo(&office, later), Err(LifecycleError::Undo(UndoError::NotOwn)));
}

#[test]
fn suspending_twice_is_once_and_a_revoked_card_stays_revoked() {
    let office = office();
    let first = suspend(&office);
    let events = office.events();
    assert_eq!((suspend(&office), office.events()), (first, events));
    office.lifecycle.revoke(&operator(Role::Revoker), office.card.id, order(Reason::Lost)).expect("revoked");
    let again = office.lifecycle.suspend(&Authority::Holder(holder(&office)), office.card.id, order(Reason::Lost));
    assert_eq!(again, Err(LifecycleError::Transition(TransitionError::Revoked)));
    assert_eq!(undo(&office, NOW.plus_seconds(5)), Err(LifecycleError::Undo(UndoError::NotOwn)));
    assert_eq!(office.values(), [1].into());
}

#[test]
fn a_card_of_somebody_else_is_like_one_that_does_not_exist() {
    let office = office();
    let stranger = Authority::Holder(SOMEBODY_ELSE);
    let lifecycle = &office.lifecycle;
    assert_eq!(lifecycle.suspend(&stranger, office.card.id, order(Reason::Lost)), Err(LifecycleError::NotFound));
    suspend(&office);
    let undone = lifecycle.undo(SOMEBODY_ELSE, NOW.plus_seconds(5), office.card.id);
    assert_eq!(undone, Err(LifecycleError::NotFound));
    let own = Authority::Holder(holder(&office));
    assert_eq!(lifecycle.reinstate(&own, office.card.id, order(Reason::Found)), Err(LifecycleError::NotAllowed));
    assert_eq!(lifecycle.revoke(&own, office.card.id, order(Reason::Lost)), Err(LifecycleError::NotAllowed));
    assert_eq!(office.values(), [2].into());
}

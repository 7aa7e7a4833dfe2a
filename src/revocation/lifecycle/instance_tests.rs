//! Everything of one installation of a wallet, stopped and started again.

use super::{
    tests::{NOW, Office, office, operator, order},
    *,
};
use crate::model::{
    card::IssueOrder,
    client::WalletInstance,
    grant::Grant,
    ids::GrantId,
    own_suspension::{UNDO_SECONDS, UndoError},
    party::{Actor, Role},
};

const HOLDER: PersonId = PersonId::from_bytes([2; 16]);

fn phone(byte: u8) -> WalletInstance {
    WalletInstance::of_hash([byte; 32])
}

impl Office {
    /// A card and the grant it was fetched with, on an installation.
    fn give(&self, seed: u8, person: PersonId, instance: u8) -> CardId {
        let id = CardId::from_bytes([seed; 16]);
        let issue = IssueOrder {
            renews: false,
            id,
            person,
            credential_type: format!("type-{seed}"),
            offer: None,
            instance: Some(phone(instance)),
            grant: Some(GrantId::from_bytes([seed; 16])),
            holder_keys: vec!["a".to_owned(), "b".to_owned()],
            valid_from: NOW,
            valid_until: NOW.plus_seconds(1_000_000),
            at: NOW,
            by: Actor::Wallet,
        };
        let grant = Grant {
            id: GrantId::from_bytes([seed; 16]),
            person,
            offer: None,
            client_id: None,
            instance: Some(phone(instance)),
            attested: true,
            dpop_jkt: None,
            configurations: Vec::new(),
            by_identifier: false,
            generation: 0,
            fetched: Vec::new(),
            awaited: Vec::new(),
            refresh: None,
            given_at: NOW,
            ended_at: None,
            stopped_at: None,
            expires_at: NOW.plus_seconds(1_000_000),
        };
        let writes = vec![Write::Put(Record::Grant(grant))];
        self.lifecycle.store.commit(Commit { writes, issue: vec![issue], ..Commit::default() }).expect("given");
        id
    }

    /// State of a card, what the lists say of its copies, and whether its grant is good.
    fn stands(&self, card: CardId) -> (State, Vec<u8>, bool) {
        let stored = self.lifecycle.card(card).expect("the card").value;
        let board = self.lifecycle.store.board();
        let values = stored.copies.iter().filter_map(|copy| board.entry(copy.status)).map(|entry| entry.value).collect();
        let key = Key::Grant(GrantId::from_bytes(*card.as_bytes()));
        let Ok(Some(Versioned { value: Record::Grant(grant), .. })) = self.lifecycle.store.get(&key) else {
            panic!("no grant")
        };
        (stored.state, values, grant.is_live(self.clock.now()))
    }

    fn lose(&self, instance: u8) -> Result<Vec<CardId>, LifecycleError> {
        let suspended = self.lifecycle.suspend_instance(&Authority::Holder(HOLDER), &phone(instance), &order(Reason::Lost));
        suspended.map(|cards| cards.iter().map(|card| card.id).collect())
    }

    fn find(&self, instance: u8, signed_in_at: Timestamp) -> Result<Vec<CardId>, LifecycleError> {
        let back = self.lifecycle.undo_instance(HOLDER, signed_in_at, &phone(instance));
        back.map(|cards| cards.iter().map(|card| card.id).collect())
    }
}

fn good() -> (State, Vec<u8>, bool) {
    (State::Active, vec![0, 0], true)
}

fn stopped() -> (State, Vec<u8>, bool) {
    (State::Suspended, vec![2, 2], false)
}

#[test]
fn a_lost_phone_takes_its_cards_and_its_agreements_and_nothing_else() {
    let office = office();
    let (one, two) = (office.give(10, HOLDER, 1), office.give(11, HOLDER, 1));
    let (elsewhere, strangers) = (office.give(12, HOLDER, 2), office.give(13, PersonId::from_bytes([7; 16]), 1));
    let revoked = office.give(14, HOLDER, 1);
    office.lifecycle.revoke(&operator(Role::Revoker), revoked, order(Reason::Damaged)).expect("revoked");
    let events = office.events();
    assert_eq!(office.lose(1), Ok(vec![one, two]));
    assert_eq!(office.events(), events + 2, "one event a card");
    for card in [one, two] {
        assert_eq!(office.stands(card), stopped());
    }
    for card in [elsewhere, strangers] {
        assert_eq!(office.stands(card), good());
    }
    assert_eq!(office.stands(revoked), (State::Revoked, vec![1, 1], false));
    // Said twice is done once.
    assert_eq!((office.lose(1), office.events()), (Ok(vec![one, two]), events + 2));
    assert_eq!(office.lose(9), Err(LifecycleError::NotFound));
    for other in [operator(Role::Administrator), Authority::Standing(1)] {
        let refused = office.lifecycle.suspend_instance(&other, &phone(1), &order(Reason::Lost));
        assert_eq!(refused, Err(LifecycleError::NotAllowed));
    }
}

#[test]
fn within_a_day_it_is_all_had_back_by_signing_in_anew() {
    let office = office();
    let (one, two) = (office.give(10, HOLDER, 1), office.give(11, HOLDER, 1));
    assert_eq!(office.find(1, NOW.plus_seconds(1)), Err(UndoError::NotOwn.into()), "nothing is stopped");
    office.lose(1).expect("stopped");
    office.clock.advance(60);
    assert_eq!(office.find(1, NOW), Err(UndoError::SignInAnew.into()), "a session of before, on the phone perhaps");
    assert_eq!(office.find(2, NOW.plus_seconds(30)), Err(LifecycleError::NotFound));
    assert_eq!(office.find(1, NOW.plus_seconds(30)), Ok(vec![one, two]));
    for card in [one, two] {
        assert_eq!(office.stands(card), good());
    }

    office.lose(1).expect("stopped");
    office.clock.advance(UNDO_SECONDS as u64);
    let now = office.clock.now();
    assert_eq!(office.find(1, now), Err(UndoError::TooLate.into()));
    assert_eq!(office.stands(one), stopped());
}

#[test]
fn what_an_operator_did_to_one_of_the_cards_stays() {
    let office = office();
    let (one, two, three) = (office.give(10, HOLDER, 1), office.give(11, HOLDER, 1), office.give(12, HOLDER, 1));
    let by = operator(Role::Revoker);
    office.lifecycle.suspend(&by, one, order(Reason::Fraud)).expect("suspended");
    office.lose(1).expect("stopped");
    office.lifecycle.revoke(&by, two, order(Reason::Stolen)).expect("revoked");
    assert_eq!(office.find(1, NOW.plus_seconds(1)), Ok(vec![three]));
    assert_eq!(office.stands(one).0, State::Suspended);
    assert_eq!(office.stands(two).0, State::Revoked);
    assert_eq!(office.stands(three), good());
}

/// Sixteen at one time, with a renewal of tokens in between: all stop in the end.
#[test]
fn nothing_slips_through_while_it_is_stopped() {
    let office = office();
    let card = office.give(10, HOLDER, 1);
    let start = std::sync::Barrier::new(16);
    std::thread::scope(|scope| {
        for n in 0..16 {
            let (office, start) = (&office, &start);
            scope.spawn(move || {
                start.wait();
                let key = Key::Grant(GrantId::from_bytes([10; 16]));
                match office.lifecycle.store.get(&key).expect("read") {
                    // Half of them use the grant as a wallet does.
                    Some(Versioned { version, value: Record::Grant(grant) }) if n % 2 == 0 && grant.stopped_at.is_none() => {
                        let moved = Grant { generation: grant.generation + 1, ..grant };
                        let (guards, writes) = (vec![Guard::Version(key, version)], vec![Write::Put(Record::Grant(moved))]);
                        let _ = office.lifecycle.store.commit(Commit { guards, writes, ..Commit::default() });
                    }
                    _ => assert_eq!(office.lose(1), Ok(vec![card])),
                }
            });
        }
    });
    assert_eq!(office.stands(card), stopped());
}

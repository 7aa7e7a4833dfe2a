//! Several nodes at one table: who signs, who takes up, and what keeps lists from going back.

use std::{sync::atomic::Ordering, time::Duration};

use super::{
    tests::{CountingSigner, Fake, START, URL, changed, publisher, read},
    *,
};
use crate::{
    base::clock::ManualClock,
    model::{
        card::State,
        event::{Event, What},
        party::Actor,
    },
    store::together::{Shelved, Together, fake::Table},
};

/// A node: its own board and publisher at a common table.
struct Place {
    fake: Fake,
    signer: Arc<CountingSigner>,
    publisher: Publisher,
}

impl Place {
    fn at(table: &Arc<Table>, name: u8) -> Self {
        let fake = Fake { node: Some(table.node(name)), ..Fake::default() };
        let signer = CountingSigner::new(None);
        Self { fake, publisher: publisher(&signer), signer }
    }

    fn round(&self, clock: &ManualClock) -> Round {
        let among = AmongNodes {
            store: &self.fake,
            together: self.fake.together().expect("it stands at a table"),
            shown: self.fake.watch.last(),
            now: clock.now(),
        };
        self.publisher.publish_among_nodes(&among, false).expect("the signer signs")
    }

    fn current(&self) -> Arc<Published> {
        self.publisher.current(ListId(1)).expect("the list is published")
    }

    fn value(&self, index: u64) -> Option<u8> {
        read(&self.publisher, &self.signer, 1).1.value(index)
    }
}

const NOTHING: Round = Round { signed: 0, waits: false };
const WAITS: Round = Round { signed: 0, waits: true };
const SIGNED: Round = Round { signed: 1, waits: false };

fn two() -> (ManualClock, Arc<Table>, Place, Place) {
    let clock = ManualClock::at(START);
    let table = Table::new(&clock);
    let (one, other) = (Place::at(&table, 1), Place::at(&table, 2));
    one.fake.open(1);
    other.fake.open(1);
    (clock, table, one, other)
}

#[test]
fn one_node_signs_and_the_others_serve_its_very_bytes() {
    let (clock, _table, one, other) = two();
    assert_eq!((one.round(&clock), other.round(&clock)), (SIGNED, NOTHING));
    assert_eq!(one.current(), other.current());
    clock.advance(1);
    one.fake.set(&[(1, 3)], State::Revoked);
    other.fake.set(&[(1, 3)], State::Revoked);
    // The lease is held, so the other node waits for the list of the one.
    assert_eq!((other.round(&clock), one.round(&clock), other.round(&clock)), (WAITS, SIGNED, NOTHING));
    assert_eq!((one.current(), other.value(3)), (other.current(), Some(1)));
    assert_eq!(other.signer.signed.load(Ordering::SeqCst), 0);
}

#[test]
fn when_the_one_that_signs_is_gone_another_takes_over_after_the_lease() {
    let (clock, _table, one, other) = two();
    assert_eq!((one.round(&clock), other.round(&clock)), (SIGNED, NOTHING));
    other.fake.set(&[(1, 3)], State::Revoked);
    clock.advance(2);
    assert_eq!(other.round(&clock), WAITS);
    clock.advance(1);
    assert_eq!((other.round(&clock), other.value(3)), (SIGNED, Some(1)));
}

#[test]
fn a_node_that_has_not_heard_of_a_revocation_cannot_take_it_back() {
    let (clock, table, one, other) = two();
    assert_eq!((one.round(&clock), other.round(&clock)), (SIGNED, NOTHING));
    one.fake.set(&[(1, 3)], State::Revoked);
    clock.advance(1);
    assert_eq!(one.round(&clock), SIGNED);
    // The other one is behind when the list has to be renewed and the lease is free.
    clock.advance(80);
    assert_eq!((other.round(&clock), other.value(3)), (WAITS, Some(1)));
    // And had it signed before it looked at the shelf, its list would not be taken.
    let stale = Shelved {
        list: ListId(1),
        token: "of no matter".into(),
        signed_at: START.plus_seconds(1000),
        expires_at: START.plus_seconds(2000),
        last_change: 0,
        shown: 1,
    };
    assert_eq!(table.node(3).shelve(&stale), Ok(false));
}

#[test]
fn a_node_that_is_cut_off_serves_what_it_has_and_dates_nothing_anew() {
    let (clock, table, one, other) = two();
    assert_eq!((one.round(&clock), other.round(&clock)), (SIGNED, NOTHING));
    let before = other.current();
    table.set_away(true);
    other.fake.set(&[(1, 3)], State::Revoked);
    for _ in 0..3 {
        clock.advance(3600);
        assert_eq!((other.round(&clock), other.current()), (NOTHING, Arc::clone(&before)));
    }
    table.set_away(false);
    assert_eq!((other.round(&clock), other.value(3)), (SIGNED, Some(1)));
}

#[test]
fn a_node_whose_word_from_the_others_is_old_signs_nothing() {
    let (clock, _table, mut one, _) = two();
    one.fake.lag = Duration::from_millis(1001);
    assert_eq!(one.round(&clock), NOTHING);
    assert_eq!(one.publisher.current(ListId(1)), None);
    one.fake.lag = Duration::from_secs(1);
    assert_eq!(one.round(&clock), SIGNED);
}

#[test]
fn no_list_is_dated_before_one_of_a_node_whose_clock_is_ahead() {
    let (clock, table, one, other) = two();
    let (data, ahead) = (tempfile::tempdir().expect("a folder"), ManualClock::at(START.plus_seconds(3600)));
    assert_eq!(one.round(&ahead), SIGNED);
    let other = Place { publisher: other.publisher.lasting(data.path(), START), ..other };
    assert_eq!(other.round(&clock), NOTHING);
    other.fake.set(&[(1, 3)], State::Revoked);
    clock.advance(5);
    assert_eq!((other.round(&clock), other.current().signed_at), (SIGNED, START.plus_seconds(3600)));
    // Nor by the next process in that folder, whatever became of the table.
    let again = Place::at(&Table::new(&clock), 2);
    again.fake.open(1);
    let again = Place { publisher: again.publisher.lasting(data.path(), START), ..again };
    assert_eq!((again.round(&clock), again.current().signed_at), (SIGNED, START.plus_seconds(3600)));
    drop(table);
}

#[test]
fn half_an_event_goes_out_to_nobody() {
    let (clock, _table, one, other) = two();
    assert_eq!((one.round(&clock), other.round(&clock)), (SIGNED, NOTHING));
    clock.advance(1);
    // Between the first copy of a card and the second: the event is not announced yet.
    one.fake.put_on_board(changed(&[(1, 3)], State::Revoked));
    assert_eq!(one.round(&clock), WAITS);
    one.fake.set(&[(1, 3), (1, 4)], State::Revoked);
    assert_eq!((one.round(&clock), other.round(&clock)), (SIGNED, NOTHING));
    assert_eq!((other.value(3), other.value(4)), (Some(1), Some(1)));
}

#[test]
fn what_lies_on_the_shelf_and_was_not_signed_by_us_is_not_served() {
    let (clock, table, one, other) = two();
    assert_eq!(one.round(&clock), SIGNED);
    let token = one.current().jwt.clone();
    let good = Shelved {
        list: ListId(1),
        token: token.as_str().into(),
        signed_at: START,
        expires_at: START.plus_seconds(LIFETIME_SECONDS),
        last_change: 0,
        shown: 1,
    };
    let (head, signature) = token.rsplit_once('.').expect("a JWS");
    let flipped = signature.strip_prefix('A').map_or_else(|| format!("A{signature}"), |rest| format!("B{rest}"));
    let forged = [
        Shelved { token: format!("{head}.{flipped}").into(), ..good.clone() },
        Shelved { signed_at: START.plus_seconds(1), ..good.clone() },
        Shelved { expires_at: START.plus_seconds(1), ..good.clone() },
        Shelved { list: ListId(2), ..good.clone() },
        Shelved { token: "not a token".into(), ..good.clone() },
    ];
    for shelved in &forged {
        assert!(other.publisher.version_of(shelved).is_none(), "{shelved:?}");
    }
    assert!(other.publisher.version_of(&good).is_some_and(|version| *version.published == *one.current()));
    drop(table);
}

#[test]
fn a_list_that_somebody_waits_for_is_signed_without_the_lease_and_only_once() {
    let (clock, table, one, other) = two();
    assert_eq!(table.node(9).lease("publication", Duration::from_secs(3)), Ok(true));
    assert_eq!((one.round(&clock), one.publisher.current(ListId(1))), (WAITS, None));
    assert_eq!(one.publisher.publish(&one.fake, &clock), Ok(1));
    assert_eq!(other.publisher.publish(&other.fake, &clock), Ok(0));
    assert_eq!(one.current(), other.current());
    // One that has a version is left to who holds the lease.
    one.fake.set(&[(1, 3)], State::Revoked);
    assert_eq!(one.publisher.publish(&one.fake, &clock), Ok(0));
}

#[test]
fn a_single_node_publishes_as_before() {
    let (clock, signer, fake) = (ManualClock::at(START), CountingSigner::new(None), Fake::default());
    let publisher = publisher(&signer);
    fake.board.apply(&Event {
        number: 1,
        at: START,
        actor: Actor::Service,
        what: What::ListOpened { list: ListId(1), credential_type: "resident-id".to_owned() },
    });
    assert_eq!(publisher.publish(&fake, &clock), Ok(1));
    assert_eq!(publisher.uris(), [format!("{URL}/status-lists/1")]);
}

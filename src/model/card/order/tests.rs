use super::*;
use crate::model::{
    card::{Circumstance, Reason},
    ids::ListId,
};

const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);
const DAY: i64 = 86_400;

fn order(keys: &[&str], days: i64) -> IssueOrder {
    IssueOrder {
        id: CardId::from_bytes([1; 16]),
        renews: days > 0,
        person: PersonId::from_bytes([2; 16]),
        credential_type: "resident-id".to_owned(),
        offer: None,
        instance: Some(WalletInstance::of_hash([3; 32])),
        grant: Some(GrantId::from_bytes([days as u8; 16])),
        holder_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        valid_from: NOW.plus_seconds(days * DAY),
        valid_until: NOW.plus_seconds((days + 14) * DAY),
        at: NOW.plus_seconds(days * DAY),
        by: Actor::Wallet,
    }
}

fn indices(from: u32, count: usize) -> Vec<StatusRef> {
    (from..).take(count).map(|index| StatusRef { list: ListId(1), index }).collect()
}

fn standing(card: &Card) -> Vec<(u32, &str)> {
    card.copies.iter().map(|copy| (copy.status.index, copy.holder_key.as_str())).collect()
}

#[test]
fn a_renewal_adds_a_batch_and_drops_what_is_past_its_time() {
    let (card, _) = order(&["a", "b"], 0).complete(&indices(0, 2));
    let due = Card { due_for_renewal: true, ..card };
    let (once, what) = order(&["c"], 10).renew(&due, &indices(7, 1)).expect("it is renewed");
    assert_eq!(standing(&once), [(0, "a"), (1, "b"), (7, "c")]);
    let ends: Vec<_> = once.copies.iter().map(|copy| once.end_of(copy)).collect();
    assert_eq!(ends, [14, 14, 24].map(|days| NOW.plus_seconds(days * DAY)), "each copy ends when it was said to");
    assert_eq!((once.id, once.due_for_renewal, once.history.len()), (due.id, false, 1));
    assert_eq!(once.grant, Some(GrantId::from_bytes([10; 16])));
    let (at, valid_until) = (NOW.plus_seconds(10 * DAY), NOW.plus_seconds(24 * DAY));
    assert_eq!((once.valid_from, once.valid_until), (at, valid_until));
    assert_eq!(once.renewals, [Renewal { at, copies: 1, valid_from: at, valid_until }]);
    assert_eq!(what, What::Renewed { card: due.id, copies: indices(7, 1), valid_from: at, valid_until });

    // On their last day the first two are gone, to the second.
    let (twice, _) = order(&["d"], 14).renew(&once, &indices(9, 1)).expect("it is renewed");
    assert_eq!(standing(&twice), [(7, "c"), (9, "d")]);
    assert_eq!((twice.live_copies(NOW.plus_seconds(24 * DAY - 1)), twice.live_copies(NOW.plus_seconds(24 * DAY))), (2, 1));
}

#[test]
fn whatever_happens_to_a_renewed_card_happens_to_all_its_copies() {
    let (card, _) = order(&["a", "b"], 0).complete(&indices(0, 2));
    let (card, _) = order(&["c"], 10).renew(&card, &indices(7, 1)).expect("it is renewed");
    let why = Circumstance { at: NOW, reason: Reason::Lost, sealed_note: None, by: Actor::Holder };
    let (_, what) = card.revoke(why).expect("it is revoked");
    let What::StateChanged { copies, .. } = what else { panic!("{what:?}") };
    assert_eq!(copies, [indices(0, 2), indices(7, 1)].concat());
}

#[test]
fn only_a_good_card_of_the_same_person_and_type_is_renewed() {
    let (card, _) = order(&["a"], 0).complete(&indices(0, 1));
    let refused = |card: &Card| order(&["b"], 1).renew(card, &indices(1, 1)).map(|_| ());
    assert_eq!(refused(&card), Ok(()));
    for state in [State::Suspended, State::Revoked] {
        assert_eq!(refused(&Card { state, ..card.clone() }), Err(NotRenewable::Card));
    }
    let other = Card { person: Some(PersonId::from_bytes([9; 16])), ..card.clone() };
    let rebuilt = Card { person: None, ..card.clone() };
    let of_type = Card { credential_type: "transport-qualification".to_owned(), ..card.clone() };
    for card in [other, rebuilt, of_type] {
        assert_eq!(refused(&card), Err(NotRenewable::Card));
    }
}

#[test]
fn a_card_has_at_most_a_hundred_copies_that_are_not_past_their_time() {
    let keys: Vec<String> = (0..MOST_LIVE_COPIES - 1).map(|key| key.to_string()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let (card, _) = order(&keys, 0).complete(&indices(0, keys.len()));
    let (full, _) = order(&["last"], 1).renew(&card, &indices(200, 1)).expect("the hundredth");
    assert_eq!(full.live_copies(NOW.plus_seconds(DAY)), MOST_LIVE_COPIES);
    assert_eq!(order(&["more"], 13).renew(&full, &indices(201, 1)), Err(NotRenewable::TooManyCopies));
    assert!(order(&["more"], 14).renew(&full, &indices(201, 1)).is_ok(), "the first batch is past its time");
}

use super::*;
use crate::{
    issuance::{
        grant::Terms,
        tests::{Floor, NOW, caller},
    },
    model::{
        card::Copy,
        client::WalletInstance,
        credential_type::Ineligible,
        event::What,
        ids::{OfferId, PersonId},
        person::{PersonState, civil_date},
        record::Commit,
    },
    store::{CommitError, Receipt},
};

const TYPE: &str = "resident-id";
const DAY: i64 = 86_400;

struct Issuer {
    floor: Floor,
    person: PersonId,
}

impl Issuer {
    fn new() -> Self {
        let floor = Floor::new();
        let person = floor.register("520102199003070014");
        Self { floor, person }
    }

    /// What is agreed to by somebody with this installation.
    fn grant(&self, installation: u8) -> Grant {
        let (configurations, caller) = (vec![TYPE.to_owned()], caller(installation));
        let terms = Terms { person: self.person, offer: None, configurations, by_identifier: false, caller: &caller };
        self.floor.ground.begin_grant(terms).grant
    }

    fn order(&self, grant: &Grant, copies: usize) -> Result<Ordered, CredentialError> {
        let mut of_type = (**self.floor.ground.types.get(TYPE).expect("a type")).clone();
        of_type.several_wallets = grant.by_identifier;
        let person = self.floor.ground.person(self.person).expect("read").expect("registered");
        let at = self.floor.ground.clock.now();
        let set = of_type.claim_set(&person.person, at, civil_date(at).expect("a day")).expect("eligible");
        let holder_keys = (0..copies).map(|key| format!("{}-{key}", at.unix())).collect();
        let order = Order { grant, person: &person, credential_type: &of_type, set: &set, holder_keys, at };
        self.floor.ground.order_copies(order)
    }

    fn make(&self, ordered: Ordered) -> Result<Receipt, CommitError> {
        let Ordered { issue, guards, writes, events, .. } = ordered;
        self.floor.ground.store.commit(Commit { guards, writes, events, issue: vec![issue] })
    }

    fn fetch(&self, grant: &Grant, copies: usize) -> Card {
        let receipt = self.make(self.order(grant, copies).expect("it is ordered")).expect("it is made");
        receipt.issued.into_iter().next().expect("a card")
    }

    fn refusal(&self, grant: &Grant) -> CredentialError {
        self.order(grant, 1).map(|ordered| ordered.card).expect_err("it is refused")
    }

    fn cards(&self) -> Vec<Card> {
        self.floor.ground.cards_of(self.person).expect("read").into_iter().map(|card| card.value).collect()
    }

    fn card(&self, id: CardId) -> Card {
        self.cards().into_iter().find(|card| card.id == id).expect("it is there")
    }

    fn values(&self, card: &Card) -> Vec<u8> {
        let value = |copy: &Copy| self.floor.ground.store.board().entry(copy.status).map(|entry| entry.value);
        card.copies.iter().filter_map(value).collect()
    }

    fn change(&self, id: CardId, to: State, reason: Reason, by: Actor) {
        let at = self.floor.ground.clock.now();
        let why = Circumstance { at, reason, sealed_note: None, by };
        let card = self.card(id);
        let changed = match to {
            State::Suspended => card.suspend(None, why),
            State::Revoked => card.revoke(why),
            State::Active => card.reinstate(why),
        };
        let (changed, what) = changed.expect("it is changed");
        let events = vec![EventDraft { at, actor: by, what }];
        let writes = vec![Write::Put(Record::Card(changed))];
        self.floor.ground.store.commit(Commit { writes, events, ..Commit::default() }).expect("written");
    }

    fn after(&self, seconds: i64) {
        self.floor.clock.set_wall(NOW.plus_seconds(seconds));
    }
}

const OFFICER: Actor = Actor::Operator { token: crate::model::ids::TokenId::from_bytes([9; 16]) };

#[test]
fn a_wallet_that_has_the_card_gets_another_batch_of_it() {
    let issuer = Issuer::new();
    let grant = issuer.grant(1);
    let first = issuer.fetch(&grant, 10);
    issuer.after(10 * DAY);
    let due = Card { due_for_renewal: true, ..issuer.card(first.id) };
    let commit = Commit { writes: vec![Write::Put(Record::Card(due))], ..Commit::default() };
    issuer.floor.ground.store.commit(commit).expect("written");
    let second = issuer.fetch(&grant, 10);
    assert_eq!((second.id, second.copies.len(), second.due_for_renewal), (first.id, 20, false));
    // Whether with the same agreement or a new one: it is the card of this installation.
    let later = issuer.grant(1);
    let third = issuer.fetch(&later, 1);
    assert_eq!((third.id, third.copies.len(), third.grant), (first.id, 21, Some(later.id)));
    assert_eq!(issuer.cards().len(), 1);
    issuer.change(first.id, State::Revoked, Reason::Lost, OFFICER);
    assert_eq!(issuer.values(&third), [1; 21], "old copies and new ones");
}

#[test]
fn a_new_installation_takes_the_place_of_the_old_one() {
    let issuer = Issuer::new();
    let old = issuer.fetch(&issuer.grant(1), 2);
    issuer.after(60);
    let new = issuer.fetch(&issuer.grant(2), 2);
    let superseded = issuer.card(old.id);
    let last = superseded.history.last().expect("a change");
    assert_eq!((last.state, last.reason, last.by), (State::Revoked, Some(Reason::Superseded), Actor::Wallet));
    assert_eq!((issuer.values(&old), issuer.values(&new)), (vec![1, 1], vec![0, 0]));
    // One commit: issuing and superseding follow each other in the log.
    let head = issuer.floor.ground.store.head().size;
    let events = issuer.floor.ground.store.events(head - 1, 2).expect("read");
    assert!(matches!(events[0].event.what, What::Issued { card, .. } if card == new.id));
    assert!(matches!(events[1].event.what, What::StateChanged { card, to: State::Revoked, .. } if card == old.id));
}

#[test]
fn a_type_that_allows_several_wallets_is_had_in_several() {
    let issuer = Issuer::new();
    // In these tests a type allows it when the grant is by identifier.
    let several = |installation| Grant { by_identifier: true, ..issuer.grant(installation) };
    let cards = [1, 2, 3].map(|installation| issuer.fetch(&several(installation), 1));
    assert!(cards.iter().all(|card| issuer.card(card.id).state == State::Active));
    assert_eq!(issuer.fetch(&several(2), 1).id, cards[1].id);
}

#[test]
fn who_proved_no_key_has_cards_that_stand_by_themselves() {
    let issuer = Issuer::new();
    let nobodys = || Grant { instance: None, ..issuer.grant(0) };
    let cards = [issuer.fetch(&nobodys(), 1), issuer.fetch(&nobodys(), 1)];
    issuer.fetch(&issuer.grant(1), 1);
    assert!(cards.iter().all(|card| issuer.card(card.id).state == State::Active));
    assert_eq!(issuer.cards().len(), 3);
}

#[test]
fn what_was_agreed_to_before_a_card_was_revoked_gives_no_other_one() {
    let issuer = Issuer::new();
    let (grant, unused) = (issuer.grant(1), issuer.grant(1));
    let card = issuer.fetch(&grant, 1);
    issuer.after(60);
    issuer.change(card.id, State::Revoked, Reason::Lost, OFFICER);
    for grant in [&grant, &unused] {
        assert_eq!(issuer.refusal(grant), Denial::Revoked(Some(Reason::Lost)).into());
    }
    let text = "the card was revoked (lost); sign in again to get a new one";
    assert_eq!(issuer.refusal(&grant).to_string(), text);
    issuer.after(120);
    assert_ne!(issuer.fetch(&issuer.grant(1), 1).id, card.id, "signed in again, a new card");
    assert_eq!(issuer.cards().len(), 2);
}

#[test]
fn an_installation_that_was_superseded_does_not_take_its_place_back_by_itself() {
    let issuer = Issuer::new();
    let old = issuer.grant(1);
    issuer.fetch(&old, 1);
    issuer.after(60);
    let new = issuer.fetch(&issuer.grant(2), 1);
    assert_eq!(issuer.refusal(&old), Denial::Revoked(Some(Reason::Superseded)).into());
    issuer.after(120);
    issuer.fetch(&issuer.grant(1), 1);
    assert_eq!(issuer.card(new.id).state, State::Revoked, "its holder signed in there again");
}

#[test]
fn a_suspended_card_is_not_renewed_and_is_had_anew_elsewhere_unless_it_is_withheld() {
    let issuer = Issuer::new();
    let grant = issuer.grant(1);
    let card = issuer.fetch(&grant, 1);
    issuer.after(60);
    issuer.change(card.id, State::Suspended, Reason::Lost, Actor::Holder);
    assert_eq!(issuer.refusal(&grant), Denial::Suspended.into());
    issuer.change(card.id, State::Active, Reason::Found, OFFICER);
    assert_eq!(issuer.fetch(&grant, 1).id, card.id);

    // Withheld, by whatever is said on top of it: only an officer's offer gives another one.
    issuer.after(120);
    issuer.change(card.id, State::Suspended, Reason::CourtOrder, OFFICER);
    issuer.change(card.id, State::Suspended, Reason::Lost, Actor::Holder);
    let elsewhere = issuer.grant(2);
    assert_eq!(issuer.refusal(&elsewhere), Denial::Withheld.into());
    issuer.change(card.id, State::Revoked, Reason::Fraud, OFFICER);
    assert_eq!(issuer.refusal(&elsewhere), Denial::Withheld.into());
    issuer.after(180);
    let offered = issuer.fetch(&Grant { offer: Some(OfferId::from_bytes([5; 16])), ..issuer.grant(2) }, 1);
    // And from then on things take their course.
    issuer.after(240);
    issuer.fetch(&issuer.grant(3), 1);
    assert_eq!(issuer.card(offered.id).state, State::Revoked);
}

#[test]
fn another_phone_is_no_way_around_a_suspension() {
    let rows = [
        (Reason::Lost, Actor::Holder, true),
        (Reason::Other, Actor::Holder, true),
        (Reason::Lost, OFFICER, true),
        (Reason::Stolen, OFFICER, true),
        (Reason::Error, OFFICER, false),
        (Reason::Other, OFFICER, false),
    ];
    for (reason, by, is_had) in rows {
        let issuer = Issuer::new();
        let card = issuer.fetch(&issuer.grant(1), 1);
        issuer.after(60);
        issuer.change(card.id, State::Suspended, reason, by);
        let elsewhere = issuer.order(&issuer.grant(2), 1).map(|ordered| ordered.card != card.id);
        assert_eq!(elsewhere, if is_had { Ok(true) } else { Err(Denial::Withheld.into()) }, "{reason:?} by {by:?}");
    }
}

#[test]
fn a_card_whose_copies_are_not_used_up_gets_no_more_of_them() {
    let issuer = Issuer::new();
    let grant = issuer.grant(1);
    let first = issuer.fetch(&grant, MOST_LIVE_COPIES);
    assert_eq!(issuer.refusal(&grant), Denial::TooManyCopies.into());
    issuer.floor.clock.set_wall(first.valid_until);
    let renewed = issuer.fetch(&grant, 1);
    assert_eq!((renewed.id, renewed.copies.len()), (first.id, 1), "those past their time are dropped");
}

/// Two new installations at one time: both saw the same cards, and one has to look again.
#[test]
fn of_16_new_installations_at_one_time_one_has_the_card_in_the_end() {
    let issuer = Issuer::new();
    issuer.fetch(&issuer.grant(0), 1);
    let orders: Vec<_> = (1..=16).map(|n| issuer.order(&issuer.grant(n), 1).expect("it is ordered")).collect();
    let start = std::sync::Barrier::new(16);
    let made = std::thread::scope(|scope| {
        let racers: Vec<_> = orders
            .into_iter()
            .map(|order| {
                scope.spawn(|| {
                    start.wait();
                    issuer.make(order).is_ok()
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().expect("it ends")).filter(|made| *made).count()
    });
    assert_eq!(made, 1);
    let good: Vec<_> = issuer.cards().into_iter().filter(|card| card.state == State::Active).collect();
    let instances: Vec<_> = good.iter().map(|card| card.instance.clone()).collect();
    assert_eq!(instances.len(), 1, "{instances:?}");
    assert_ne!(instances[0], Some(WalletInstance::of_hash([0; 32])));
}

#[test]
fn a_renewal_is_refused_for_precisely_the_reason_there_is() {
    use crate::base::time::Date;
    let date = |text| Date::parse(text).expect("a date");
    let (valid_from, valid_until) = (date("2020-01-01"), date("2026-11-23"));
    let rows = [
        (Denial::NotEligible(None), "the holder is not registered any more"),
        (Denial::NotEligible(Some(Ineligible::PersonNotActive(PersonState::Deceased))), "the holder is registered as deceased"),
        (
            Denial::NotEligible(Some(Ineligible::PersonNotActive(PersonState::MovedAway))),
            "the holder is registered as having moved away",
        ),
        (Denial::NotEligible(Some(Ineligible::NoQualification)), "the holder has no qualification for this credential"),
        (
            Denial::NotEligible(Some(Ineligible::QualificationNotValid { valid_from, valid_until })),
            "the holder's qualification for this credential is valid from 2020-01-01 to 2026-11-23 only",
        ),
        (Denial::Revoked(None), "the card was revoked; sign in again to get a new one"),
        (Denial::Suspended, "the card is suspended, and is renewed once it is reinstated"),
    ];
    for (denial, text) in rows {
        assert_eq!(denial.to_string(), text);
        assert!(text.is_ascii());
    }
}

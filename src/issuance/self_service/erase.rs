//! The end of what is kept about a person, at that person's word.
//!
//! What goes: the person's record and what it is found by, what wallets were allowed, what the person signs in with, and
//! in the records of cards whose they were, in which wallet they lay and what was noted of them. Every card is revoked
//! first. What stays names nobody: that a card of this number existed and is revoked, which status lists and log need so
//! that no index is ever given twice. Offers, sessions and codes under way lead nowhere and die within their days.
//!
//! What is kept by law stays: nothing is erased while a card stands suspended or revoked for fraud or by order of a court
//! (Personal Information Protection Law, article 47).

use crate::{
    issuance::{
        Fault,
        self_service::{ATTEMPTS, SelfService, SelfServiceError},
    },
    model::{
        card::{Card, Circumstance, Reason},
        event::{EventDraft, What},
        ids::PersonId,
        party::{Actor, Authority},
        record::{Commit, Guard, Key, Record, Versioned, Write},
        sign_in::CitizenSession,
    },
    store::CommitError,
};

/// What was erased.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Erased {
    /// How many cards were good or suspended until then.
    pub revoked: usize,
}

impl SelfService {
    /// Whether the law keeps what is kept.
    pub fn is_under_investigation(&self, session: &CitizenSession) -> Result<bool, SelfServiceError> {
        Ok(self.cards(session)?.iter().any(Card::is_withheld))
    }

    /// Erases what is kept about the person, who signed in just now. When this returns it is done, on disk, and every
    /// verification sees the cards revoked.
    pub fn erase(&self, session: &CitizenSession) -> Result<Erased, SelfServiceError> {
        self.has_to_be_fresh(session)?;
        let person = session.person;
        for _ in 0..ATTEMPTS {
            let registered = self.person(session)?;
            let cards = self.ground.cards_of(person)?;
            if cards.iter().any(|card| card.value.is_withheld()) {
                return Err(SelfServiceError::UnderInvestigation);
            }
            let mut commit = self.forget_cards(person, cards);
            let revoked = commit.events.len();
            commit.guards.push(Guard::Version(Key::Person(person), registered.version));
            let keys = self.belongings(person)?.into_iter().chain([Key::Person(person), Key::SignInCodes(person)]);
            commit.writes.extend(keys.map(Write::Remove));
            commit.events.push(self.event(person, What::PersonErased));
            match self.ground.store.commit(commit) {
                Ok(_) => return Ok(Erased { revoked: revoked + self.sweep(person)? }),
                Err(CommitError::GuardFailed(_)) => {}
                Err(error) => return Err(Fault::from(error).into()),
            }
        }
        Err(Fault::Busy.into())
    }

    /// A card that was issued between the look for cards and the commit is not in it. None can come after: issuing is
    /// guarded by the person's version. So what is left is revoked now.
    fn sweep(&self, person: PersonId) -> Result<usize, SelfServiceError> {
        let mut revoked = 0;
        for _ in 0..ATTEMPTS {
            let mut commit = self.forget_cards(person, self.ground.cards_of(person)?);
            commit.writes.extend(self.belongings(person)?.into_iter().map(Write::Remove));
            if commit.writes.is_empty() {
                return Ok(revoked);
            }
            let events = commit.events.len();
            match self.ground.store.commit(commit) {
                Ok(_) => revoked += events,
                Err(CommitError::GuardFailed(_)) => {}
                Err(error) => return Err(Fault::from(error).into()),
            }
        }
        Err(Fault::Busy.into())
    }

    /// Revokes the cards that are not revoked yet, and takes the person out of all.
    fn forget_cards(&self, person: PersonId, cards: Vec<Versioned<Card>>) -> Commit {
        let (mut commit, at) = (Commit::default(), self.ground.clock.now());
        for Versioned { version, mut value } in cards {
            let why = Circumstance { at, reason: Reason::Other, sealed_note: None, by: Actor::Holder };
            if let Ok((revoked, what)) = value.revoke(why) {
                commit.events.push(self.event(person, what));
                value = revoked;
            }
            commit.guards.push(Guard::Version(Key::Card(value.id), version));
            commit.writes.push(Write::Put(Record::Card(nobodys(value))));
        }
        commit
    }

    /// What was allowed to wallets, and what waits for an officer.
    fn belongings(&self, person: PersonId) -> Result<Vec<Key>, Fault> {
        let mut keys = Vec::new();
        for Versioned { value: grant, .. } in self.ground.grants_of(person)? {
            let refresh = grant.refresh.iter().flat_map(|refresh| {
                [Some(refresh.current), refresh.previous.as_ref().map(|(key, _)| *key)].into_iter().flatten()
            });
            keys.extend(refresh.map(Key::OneTime));
            // Decided or not: a grant names what it waits for until that is delivered.
            for awaited in &grant.awaited {
                let deferred = self.ground.deferred(awaited.deferred)?.map(|found| Key::OneTime(found.value.transaction));
                keys.extend(deferred.into_iter().chain([Key::Deferred(awaited.deferred)]));
            }
            keys.push(Key::Grant(grant.id));
        }
        Ok(keys)
    }

    fn event(&self, person: PersonId, what: What) -> EventDraft {
        EventDraft { at: self.ground.clock.now(), actor: Authority::Holder(person).actor(), what }
    }
}

/// The card as nobody's: what is left of it after a rebuild from the log, and that it was revoked.
fn nobodys(mut card: Card) -> Card {
    (card.person, card.offer, card.instance, card.grant) = (None, None, None, None);
    card.notices.clear();
    card.due_for_renewal = false;
    for copy in &mut card.copies {
        copy.holder_key.clear();
    }
    for change in &mut card.history {
        change.sealed_note = None;
    }
    card
}

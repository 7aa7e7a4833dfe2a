//! A lost phone: everything that one installation of a wallet has and may fetch stops in one commit, and starts again in
//! one when the phone turns up.

use super::{Lifecycle, LifecycleError, Order, ROUNDS, Transition, is_done};
use crate::{
    base::{limits::NOTE_BYTES, time::Timestamp},
    model::{
        card::{Card, Reason, State},
        client::WalletInstance,
        event::EventDraft,
        grant::Grant,
        ids::PersonId,
        own_suspension::{UNDO_SECONDS, UndoError},
        party::Authority,
        record::{Commit, Guard, Key, Query, Record, Versioned, Write},
    },
    store::{CommitError, ReadError},
};

/// Records read at a time.
const PAGE: usize = 100;

/// What a person has on one installation.
struct Belongings {
    cards: Vec<Versioned<Card>>,
    grants: Vec<Versioned<Grant>>,
}

/// What becomes of it.
#[derive(Default)]
struct Change {
    commit: Commit,
    cards: Vec<Card>,
}

impl Lifecycle {
    /// Suspends every card that a holder has on an installation of a wallet and stops every agreement with it: no token
    /// of it is good until then. When this returns it is on disk, and shown by the status board. Gives the cards that are
    /// suspended; revoked ones stay what they are.
    pub fn suspend_instance(
        &self,
        authority: &Authority,
        instance: &WalletInstance,
        order: &Order,
    ) -> Result<Vec<Card>, LifecycleError> {
        let Authority::Holder(holder) = authority else { return Err(LifecycleError::NotAllowed) };
        if order.note.as_ref().is_some_and(|note| note.len() > NOTE_BYTES) {
            return Err(LifecycleError::NoteTooLong);
        }
        self.in_rounds(*holder, instance, |belongings| {
            let (mut change, now) = (Change::default(), self.clock.now());
            for card in belongings.cards.iter().filter(|card| card.value.state != State::Revoked) {
                // What it is already is held for the commit, and not said again.
                match is_done(authority, &card.value, order, Transition::Suspend) {
                    true => change.keep(card),
                    false => {
                        change.card(card, self.transition(authority, &card.value, order, Transition::Suspend)?, authority, now)
                    }
                }
            }
            for grant in belongings.grants.iter().filter(|grant| grant.value.is_live(now)) {
                change.grant(grant, Some(now));
            }
            Ok(change)
        })
    }

    /// Gives a holder back what [`suspend_instance`](Self::suspend_instance) took within the last day, once the holder has
    /// signed in anew. What somebody else had a part in stays as it is.
    pub fn undo_instance(
        &self,
        holder: PersonId,
        signed_in_at: Timestamp,
        instance: &WalletInstance,
    ) -> Result<Vec<Card>, LifecycleError> {
        let authority = Authority::Holder(holder);
        let order = Order { reason: Reason::Found, note: None, until: None };
        self.in_rounds(holder, instance, |belongings| {
            let (mut change, now, mut refused) = (Change::default(), self.clock.now(), UndoError::NotOwn);
            for card in &belongings.cards {
                match card.value.can_be_undone(signed_in_at, now) {
                    Ok(()) => {
                        let changed = self.transition(&authority, &card.value, &order, Transition::Undo(signed_in_at))?;
                        change.card(card, changed, &authority, now);
                    }
                    Err(UndoError::NotOwn) => {}
                    Err(error) => refused = error,
                }
            }
            for grant in &belongings.grants {
                let stopped_at = grant.value.stopped_at;
                if stopped_at.is_some_and(|at| at < signed_in_at && now < at.plus_seconds(UNDO_SECONDS)) {
                    change.grant(grant, None);
                }
            }
            if change.commit.writes.is_empty() { Err(refused.into()) } else { Ok(change) }
        })
    }

    /// Works out a change of what there is, and makes it unless something of it was changed meanwhile.
    fn in_rounds(
        &self,
        person: PersonId,
        instance: &WalletInstance,
        change: impl Fn(&Belongings) -> Result<Change, LifecycleError>,
    ) -> Result<Vec<Card>, LifecycleError> {
        for _ in 0..ROUNDS {
            let belongings = self.belongings(person, instance)?;
            if belongings.cards.is_empty() && belongings.grants.is_empty() {
                return Err(LifecycleError::NotFound);
            }
            let Change { commit, cards } = change(&belongings)?;
            // Also when nothing is left to do: whoever did it may still be on the way to the disk, and is before this.
            match self.store.commit(commit) {
                Ok(_) => return Ok(cards),
                Err(CommitError::GuardFailed(_)) => {}
                Err(error) => return Err(LifecycleError::Store(error)),
            }
        }
        Err(LifecycleError::Contended)
    }

    fn belongings(&self, person: PersonId, instance: &WalletInstance) -> Result<Belongings, ReadError> {
        let cards = Query::Cards { person: Some(person), state: None, credential_type: None };
        let cards = self.each(&cards, |record| match record {
            Record::Card(card) if card.instance.as_ref() == Some(instance) => Some(card),
            _ => None,
        })?;
        let grants = self.each(&Query::Grants(person), |record| match record {
            Record::Grant(grant) if grant.instance.as_ref() == Some(instance) => Some(grant),
            _ => None,
        })?;
        Ok(Belongings { cards, grants })
    }

    fn each<T>(&self, query: &Query, read: impl Fn(Record) -> Option<T>) -> Result<Vec<Versioned<T>>, ReadError> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.find(query, after.as_deref(), PAGE)?;
            for Versioned { version, value } in page.records {
                found.extend(read(value).map(|value| Versioned { version, value }));
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(found),
            }
        }
    }
}

impl Change {
    fn keep(&mut self, card: &Versioned<Card>) {
        self.commit.guards.push(Guard::Version(Key::Card(card.value.id), card.version));
        self.cards.push(card.value.clone());
    }

    fn card(
        &mut self,
        before: &Versioned<Card>,
        (card, what): (Card, crate::model::event::What),
        by: &Authority,
        at: Timestamp,
    ) {
        self.commit.guards.push(Guard::Version(Key::Card(card.id), before.version));
        self.commit.writes.push(Write::Put(Record::Card(card.clone())));
        self.commit.events.push(EventDraft { at, actor: by.actor(), what });
        self.cards.push(card);
    }

    fn grant(&mut self, before: &Versioned<Grant>, stopped_at: Option<Timestamp>) {
        self.commit.guards.push(Guard::Version(Key::Grant(before.value.id), before.version));
        self.commit.writes.push(Write::Put(Record::Grant(Grant { stopped_at, ..before.value.clone() })));
    }
}

//! Suspend, reinstate, revoke: the transitions of a card, each one commit with its event.
//!
//! The rules of the transitions stand in `model::card`; here stands who may ask for them, and that a change made by
//! somebody else in between is seen and not written over.

mod instance;

use std::sync::Arc;

use crate::{
    base::{base64url, clock::Clock, limits::NOTE_BYTES, random::Random, time::Timestamp},
    keyring::Keyring,
    model::{
        card::{Card, Change, Circumstance, Reason, State, TransitionError},
        event::{EventDraft, What},
        ids::{CardId, PersonId},
        own_suspension::UndoError,
        party::{Authority, Capability},
        record::{Commit, Guard, Key, Record, Versioned, Write},
    },
    store::{CommitError, ReadError, Receipt, Store},
};

/// How often a change is tried anew when somebody else changed the card in between. Each round somebody's change went
/// through, so it takes as many operators as rounds, all at one card within milliseconds, to get here.
const ROUNDS: usize = 16;

/// What is asked for, besides the card.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Order {
    /// Why.
    pub reason: Reason,
    /// A note for colleagues, at most [`NOTE_BYTES`] long; sealed before it is stored, and never in an event.
    pub note: Option<String>,
    /// When a suspension ends by itself. Only a suspension has one.
    pub until: Option<Timestamp>,
}

/// Why a card was not changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LifecycleError {
    /// There is no such card, or none that this holder may know of.
    #[error("no such card")]
    NotFound,
    /// The authority does not reach as far.
    #[error("not allowed")]
    NotAllowed,
    /// The note is longer than [`NOTE_BYTES`].
    #[error("the note is too long")]
    NoteTooLong,
    /// An end date was given for something that has none.
    #[error("only a suspension has an end")]
    EndWithoutSuspension,
    /// The card's state does not allow it.
    #[error(transparent)]
    Transition(#[from] TransitionError),
    /// The holder does not get the card back.
    #[error(transparent)]
    Undo(#[from] UndoError),
    /// Others kept changing the card.
    #[error("the card is being changed by others, try again")]
    Contended,
    /// The card could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store did not commit, or cannot say whether it did.
    #[error(transparent)]
    Store(CommitError),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Transition {
    Suspend,
    Reinstate,
    /// By the holder, who signed in then.
    Undo(Timestamp),
    Revoke,
}

/// Changes the state of cards.
#[derive(Clone)]
pub struct Lifecycle {
    /// Where cards are kept.
    pub store: Arc<dyn Store>,
    /// Dates the changes.
    pub clock: Arc<dyn Clock>,
    /// Nonces of sealed notes.
    pub random: Arc<dyn Random>,
    /// Seals the notes.
    pub keyring: Arc<Keyring>,
}

impl Lifecycle {
    /// Suspends a card, or changes the end of its suspension. Operators with [`Capability::ChangeCards`]; the holder,
    /// for own cards, where a card that is suspended without an end stays as it is. When this returns, the change is on
    /// disk and shown by the status board.
    pub fn suspend(&self, authority: &Authority, card: CardId, order: Order) -> Result<Card, LifecycleError> {
        match authority {
            Authority::Holder(_) => {}
            _ => authority.require(Capability::ChangeCards).map_err(|_| LifecycleError::NotAllowed)?,
        }
        self.change(authority, card, &order, Transition::Suspend)
    }

    /// Ends a suspension. Operators with [`Capability::ChangeCards`]; a standing order once the suspension's own end
    /// has come.
    pub fn reinstate(&self, authority: &Authority, card: CardId, order: Order) -> Result<Card, LifecycleError> {
        match authority {
            Authority::Standing(_) => {}
            _ => authority.require(Capability::ChangeCards).map_err(|_| LifecycleError::NotAllowed)?,
        }
        self.change(authority, card, &order, Transition::Reinstate)
    }

    /// Gives a holder back what the holder suspended within the last day and nobody else did, once the holder has signed in
    /// anew (see [`Card::can_be_undone`]).
    pub fn undo(&self, holder: PersonId, signed_in_at: Timestamp, card: CardId) -> Result<Card, LifecycleError> {
        let order = Order { reason: Reason::Found, note: None, until: None };
        self.change(&Authority::Holder(holder), card, &order, Transition::Undo(signed_in_at))
    }

    /// Revokes a card for good. Operators with [`Capability::ChangeCards`]. Revoking a revoked card changes nothing,
    /// makes no second event and is no error.
    pub fn revoke(&self, authority: &Authority, card: CardId, order: Order) -> Result<Card, LifecycleError> {
        authority.require(Capability::ChangeCards).map_err(|_| LifecycleError::NotAllowed)?;
        self.change(authority, card, &order, Transition::Revoke)
    }

    /// The note of a change, as it was given; none when its key is gone or it was altered.
    pub fn note(&self, card: &Card, sealed: &str) -> Option<String> {
        let sealed = base64url::decode(sealed).ok()?;
        let plain = self.keyring.sealer().open(shard(card), &note_context(card.id), &sealed).ok()?;
        String::from_utf8(plain.expose().clone()).ok()
    }

    fn change(&self, by: &Authority, id: CardId, order: &Order, to: Transition) -> Result<Card, LifecycleError> {
        if order.note.as_ref().is_some_and(|note| note.len() > NOTE_BYTES) {
            return Err(LifecycleError::NoteTooLong);
        }
        if order.until.is_some() && to != Transition::Suspend {
            return Err(LifecycleError::EndWithoutSuspension);
        }
        for _ in 0..ROUNDS {
            let Versioned { version, value: card } = self.card(id)?;
            may_touch(by, &card, self.clock.now())?;
            if is_done(by, &card, order, to) {
                if self.is_shown(&card) {
                    return Ok(card);
                }
                // Somebody else's commit is on its way to the disk and the board: an empty one is answered after it.
                self.store.commit(Commit::default()).map_err(LifecycleError::Store)?;
                continue;
            }
            if let Transition::Undo(signed_in_at) = to {
                card.can_be_undone(signed_in_at, self.clock.now())?;
            }
            let (changed, what) = self.transition(by, &card, order, to)?;
            match self.commit(by, version, &changed, Some(what)) {
                Ok(receipt) => return Ok(self.remember_order(by, version, changed, &receipt)),
                Err(CommitError::GuardFailed(_)) => {}
                Err(error) => return Err(LifecycleError::Store(error)),
            }
        }
        Err(LifecycleError::Contended)
    }

    /// Whether the board shows every copy in the state of the card.
    fn is_shown(&self, card: &Card) -> bool {
        let value = card.state.list_value();
        card.copies.iter().all(|copy| self.store.board().entry(copy.status).is_some_and(|entry| entry.value == value))
    }

    fn card(&self, id: CardId) -> Result<Versioned<Card>, LifecycleError> {
        match self.store.get(&Key::Card(id))? {
            Some(Versioned { version, value: Record::Card(value) }) => Ok(Versioned { version, value }),
            _ => Err(LifecycleError::NotFound),
        }
    }

    fn transition(&self, by: &Authority, card: &Card, order: &Order, to: Transition) -> Result<(Card, What), TransitionError> {
        let seal = |note: &String| {
            let sealer = self.keyring.sealer();
            base64url::encode(sealer.seal(shard(card), &note_context(card.id), note.as_bytes(), &*self.random))
        };
        let why = Circumstance {
            at: self.clock.now(),
            reason: order.reason,
            sealed_note: order.note.as_ref().map(seal),
            by: by.actor(),
        };
        match to {
            Transition::Suspend => card.suspend(order.until, why),
            Transition::Reinstate | Transition::Undo(_) => card.reinstate(why),
            Transition::Revoke => card.revoke(why),
        }
    }

    fn commit(&self, by: &Authority, version: u64, card: &Card, what: Option<What>) -> Result<Receipt, CommitError> {
        self.store.commit(Commit {
            guards: vec![Guard::Version(Key::Card(card.id), version)],
            writes: vec![Write::Put(Record::Card(card.clone()))],
            issue: Vec::new(),
            events: what.map(|what| EventDraft { at: self.clock.now(), actor: by.actor(), what }).into_iter().collect(),
        })
    }

    /// Notes the number of the event that ordered a suspension's end, for the event that will end it. The number is
    /// known only after the commit; should this second write not happen, the end is found in the log instead.
    fn remember_order(&self, by: &Authority, version: u64, mut card: Card, receipt: &Receipt) -> Card {
        if card.suspended_until.is_some() && receipt.events.last().is_some() {
            card.suspension_event = receipt.events.last().copied();
            if self.commit(by, version.saturating_add(1), &card, None).is_err() {
                card.suspension_event = None;
            }
        }
        card
    }
}

/// Whether there is nothing left to do. A holder's word does not take an operator's place in a card's history; an operator
/// who orders the same suspension once more has not seen the answer to the first.
fn is_done(by: &Authority, card: &Card, order: &Order, to: Transition) -> bool {
    match to {
        Transition::Revoke => card.state == State::Revoked,
        Transition::Suspend if card.state != State::Suspended => false,
        Transition::Suspend if matches!(by, Authority::Holder(_)) => card.suspended_until.is_none(),
        Transition::Suspend => {
            let is_last = |last: &Change| {
                let same = last.by == by.actor() && last.reason == Some(order.reason);
                same && last.state == State::Suspended && last.sealed_note.is_none() && order.note.is_none()
            };
            card.suspended_until == order.until && card.history.last().is_some_and(is_last)
        }
        Transition::Reinstate | Transition::Undo(_) => false,
    }
}

/// Whether this card is one that the authority reaches.
fn may_touch(by: &Authority, card: &Card, now: Timestamp) -> Result<(), LifecycleError> {
    match by {
        Authority::Operator(_) => Ok(()),
        // A card of somebody else is answered like one that does not exist.
        Authority::Holder(person) if card.person == Some(*person) => Ok(()),
        Authority::Holder(_) => Err(LifecycleError::NotFound),
        Authority::Standing(_) if card.suspended_until.is_some_and(|until| until <= now) => Ok(()),
        Authority::Standing(_) => Err(LifecycleError::NotAllowed),
    }
}

/// A note is forgotten together with its person, so it is sealed under the person's shard.
fn shard(card: &Card) -> u8 {
    card.person.map_or(card.id.as_bytes()[0], |person| person.as_bytes()[0])
}

fn note_context(card: CardId) -> Vec<u8> {
    [b"card-note".as_slice(), card.as_bytes()].concat()
}

#[cfg(test)]
mod holder_tests;
#[cfg(test)]
mod instance_tests;
#[cfg(test)]
mod tests;

//! What citizens see and do of their own: cards, a copy of everything that is kept, and an end to it.
//!
//! Who asks was shown by a session ([`CitizenSession`]); every call here is about that person and nobody else. A card of
//! somebody else is answered like one that does not exist.

mod erase;
mod export;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::{
    base::time::Timestamp,
    issuance::{Fault, Ground, Registered},
    model::{
        card::{Card, State},
        client::WalletInstance,
        grant::Grant,
        ids::{CardId, PersonId},
        record::{Key, Query, Record, Versioned},
        sign_in::CitizenSession,
    },
};

pub use erase::Erased;
pub use export::Export;

/// For so long after signing in a person can take everything along or have it erased. A session that was left open on
/// somebody's table is good for less.
pub const FRESH_SECONDS: i64 = 10 * 60;

/// How often a change is tried again when others change the same records at that moment.
const ATTEMPTS: usize = 8;
/// Records read at once.
const PAGE: usize = 100;

/// Why nothing was done.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SelfServiceError {
    /// There is no such person any more, or no such card of this person.
    #[error("there is nothing of that name")]
    NotFound,
    /// The sign-in is older than [`FRESH_SECONDS`].
    #[error("the person has to sign in anew")]
    SignInAnew,
    /// A card was suspended or revoked for fraud or by order of a court: what is kept is kept by law.
    #[error("an investigation keeps the records")]
    UnderInvestigation,
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What citizens do for themselves.
#[derive(Clone)]
pub struct SelfService {
    ground: Ground,
}

impl SelfService {
    /// On this ground.
    pub fn new(ground: Ground) -> Self {
        Self { ground }
    }

    /// What is registered of the person.
    pub fn person(&self, session: &CitizenSession) -> Result<Registered, SelfServiceError> {
        self.ground.person(session.person)?.ok_or(SelfServiceError::NotFound)
    }

    /// The person's cards, the newest first.
    pub fn cards(&self, session: &CitizenSession) -> Result<Vec<Card>, SelfServiceError> {
        let mut cards: Vec<Card> = self.ground.cards_of(session.person)?.into_iter().map(|card| card.value).collect();
        cards.sort_by_key(|card| (std::cmp::Reverse(issued_at(card)), card.id));
        Ok(cards)
    }

    /// One card of the person's.
    pub fn card(&self, session: &CitizenSession, id: CardId) -> Result<Card, SelfServiceError> {
        match self.ground.store.get(&Key::Card(id)).map_err(Fault::from)?.map(|record| record.value) {
            Some(Record::Card(card)) if card.person == Some(session.person) => Ok(card),
            _ => Err(SelfServiceError::NotFound),
        }
    }

    /// The installations of wallets that have a card of the person's, or may fetch one.
    pub fn instances(&self, session: &CitizenSession) -> Result<BTreeSet<WalletInstance>, SelfServiceError> {
        let now = self.ground.clock.now();
        let cards = self.ground.cards_of(session.person)?.into_iter().map(|card| card.value);
        let of_cards = cards.filter(|card| card.state != State::Revoked).filter_map(|card| card.instance);
        let grants = self.ground.grants_of(session.person)?.into_iter().map(|grant| grant.value);
        let of_grants = grants.filter(|grant| now < grant.expires_at).filter_map(|grant| grant.instance);
        Ok(of_cards.chain(of_grants).collect())
    }

    /// Whether the person signed in just now.
    pub fn is_fresh(&self, session: &CitizenSession) -> bool {
        self.ground.clock.now() < session.signed_in_at.plus_seconds(FRESH_SECONDS)
    }

    fn has_to_be_fresh(&self, session: &CitizenSession) -> Result<(), SelfServiceError> {
        if self.is_fresh(session) { Ok(()) } else { Err(SelfServiceError::SignInAnew) }
    }
}

/// When a card was issued.
fn issued_at(card: &Card) -> Timestamp {
    card.history.first().map_or(card.valid_from, |first| first.at)
}

impl Ground {
    /// Every card of a person.
    pub(super) fn cards_of(&self, person: PersonId) -> Result<Vec<Versioned<Card>>, Fault> {
        let query = Query::Cards { person: Some(person), state: None, credential_type: None };
        self.all(&query, |record| match record {
            Record::Card(card) => Ok(card),
            _ => Err(Fault::Record("a card")),
        })
    }

    /// Every grant of a person.
    pub(super) fn grants_of(&self, person: PersonId) -> Result<Vec<Versioned<Grant>>, Fault> {
        self.all(&Query::Grants(person), |record| match record {
            Record::Grant(grant) => Ok(grant),
            _ => Err(Fault::Record("a grant")),
        })
    }

    /// Everything that answers a query.
    fn all<T>(&self, query: &Query, read: impl Fn(Record) -> Result<T, Fault>) -> Result<Vec<Versioned<T>>, Fault> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.find(query, after.as_deref(), PAGE)?;
            for Versioned { version, value } in page.records {
                found.push(Versioned { version, value: read(value)? });
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(found),
            }
        }
    }
}

//! What the commit that answers a request does to cards: which card gets the copies, and which others it touches.

use super::{CredentialError, Denial};
use crate::{
    base::time::Timestamp,
    issuance::{Ground, Registered},
    model::{
        card::{Card, Circumstance, IssueOrder, MOST_LIVE_COPIES, Reason, State},
        credential_type::{ClaimSet, CredentialType},
        event::EventDraft,
        grant::Grant,
        ids::CardId,
        party::Actor,
        record::{Guard, Key, Record, Versioned, Write},
    },
};

/// For whom copies are ordered, and of what.
pub(in crate::issuance) struct Order<'a> {
    /// The grant they are fetched with, as it stands now.
    pub grant: &'a Grant,
    /// Whose they are; the commit holds that the record is still this.
    pub person: &'a Registered,
    /// Their type.
    pub credential_type: &'a CredentialType,
    /// What they hold.
    pub set: &'a ClaimSet,
    /// The thumbprints of their holder keys.
    pub holder_keys: Vec<String>,
    /// Now.
    pub at: Timestamp,
}

/// The part of the commit that concerns cards. A guard of it that fails makes the request begin anew.
pub(in crate::issuance) struct Ordered {
    /// The card that gets the copies.
    pub card: CardId,
    /// The order.
    pub issue: IssueOrder,
    /// What has to hold.
    pub guards: Vec<Guard>,
    /// What is written.
    pub writes: Vec<Write>,
    /// What the log says beside the issuing.
    pub events: Vec<EventDraft>,
}

impl Ground {
    /// Orders the copies: of a new card, or of the one that the installation of the wallet has already. A card in another
    /// installation gives way to a new one, in the same commit, unless the type is had in several wallets.
    pub(in crate::issuance) fn order_copies(&self, order: Order<'_>) -> Result<Ordered, CredentialError> {
        let Order { grant, person, credential_type, set, holder_keys, at } = order;
        let issue = IssueOrder {
            renews: false,
            id: CardId::random(&*self.random),
            person: person.id,
            credential_type: credential_type.name.clone(),
            offer: grant.offer,
            instance: grant.instance.clone(),
            grant: Some(grant.id),
            holder_keys,
            valid_from: set.valid_from,
            valid_until: set.valid_until,
            at,
            by: Actor::Wallet,
        };
        let mut ordered = Ordered { card: issue.id, issue, guards: Vec::new(), writes: Vec::new(), events: Vec::new() };
        // Who proved no key cannot be told from anybody else: each of their cards stands by itself.
        let Some(instance) = &grant.instance else { return Ok(ordered) };
        let mut cards = self.cards_of(person.id)?;
        cards.retain(|card| card.value.credential_type == credential_type.name);
        let is_here = |card: &&Versioned<Card>| card.value.instance.as_ref() == Some(instance);
        if let Some(own) = cards.iter().filter(is_here).find(|card| card.value.state != State::Revoked) {
            ordered.renew(own)?;
            return Ok(ordered);
        }
        may_be_new(grant, cards.iter().filter(is_here), &cards)?;
        cards.retain(|card| card.value.state != State::Revoked && card.value.instance.is_some());
        let known = cards.iter().map(|card| card.value.id).collect();
        ordered.guards.push(Guard::NoOtherCard { person: person.id, credential_type: credential_type.name.clone(), known });
        if !credential_type.several_wallets {
            cards.iter().for_each(|card| ordered.supersede(card));
        }
        Ok(ordered)
    }
}

impl Ordered {
    /// Another batch of copies of this card.
    fn renew(&mut self, own: &Versioned<Card>) -> Result<(), Denial> {
        let Versioned { version, value: card } = own;
        if card.state == State::Suspended {
            return Err(Denial::Suspended);
        }
        if card.live_copies(self.issue.at).saturating_add(self.issue.holder_keys.len()) > MOST_LIVE_COPIES {
            return Err(Denial::TooManyCopies);
        }
        (self.card, self.issue.id, self.issue.renews) = (card.id, card.id, true);
        self.guards.push(Guard::Version(Key::Card(card.id), *version));
        Ok(())
    }

    /// This card gives way to the new one.
    fn supersede(&mut self, old: &Versioned<Card>) {
        let (at, by) = (self.issue.at, self.issue.by);
        let why = Circumstance { at, reason: Reason::Superseded, sealed_note: None, by };
        // It is not revoked, so it can be.
        let Ok((revoked, what)) = old.value.revoke(why) else { return };
        self.guards.push(Guard::Version(Key::Card(old.value.id), old.version));
        self.writes.push(Write::Put(Record::Card(revoked)));
        self.events.push(EventDraft { at, actor: by, what });
    }
}

/// Whether a wallet without a card of the type gets a new one. What was agreed to before a card was taken away is not
/// agreed to any more; and who has a card withheld gets no other one without an officer's offer.
fn may_be_new<'a>(
    grant: &Grant,
    here: impl Iterator<Item = &'a Versioned<Card>>,
    all: &[Versioned<Card>],
) -> Result<(), Denial> {
    for card in here {
        let last = card.value.history.last();
        if card.value.grant == Some(grant.id) || last.is_some_and(|last| last.at > grant.given_at) {
            return Err(Denial::Revoked(last.and_then(|last| last.reason)));
        }
    }
    if grant.offer.is_some() {
        return Ok(());
    }
    let cards = || all.iter().map(|card| &card.value);
    let newest = cards().max_by_key(|card| card.history.first().map(|issued| issued.at));
    match newest.is_some_and(Card::is_withheld) || cards().any(is_held_back) {
        true => Err(Denial::Withheld),
        false => Ok(()),
    }
}

/// Whether a card is suspended by somebody else than its holder, and not because the phone is gone: another phone would
/// only be a way around it.
fn is_held_back(card: &Card) -> bool {
    let mut since = card.history.iter().rev().take_while(|change| change.state == State::Suspended);
    let of_the_phone = |reason| matches!(reason, Some(Reason::Lost | Reason::Stolen | Reason::Damaged));
    card.state == State::Suspended && since.any(|change| change.by != Actor::Holder && !of_the_phone(change.reason))
}

#[cfg(test)]
mod tests;

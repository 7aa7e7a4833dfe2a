//! Orders: a new card, and another batch of copies of one that is there.

use crate::{
    base::time::Timestamp,
    model::{
        card::{Card, Change, Copy, Renewal, State, StatusRef},
        client::WalletInstance,
        event::What,
        ids::{CardId, GrantId, OfferId, PersonId},
        party::Actor,
    },
};

/// Most copies of one card that are not past their time: what happens to the card happens to all of them in one commit.
pub const MOST_LIVE_COPIES: usize = 100;

/// Why a card gets no further batch.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotRenewable {
    /// It is not good now, or another one.
    #[error("the card is not good, or another person's or of another type")]
    Card,
    /// Too many of its copies are not past their time.
    #[error("the card has as many copies as it may")]
    TooManyCopies,
}

/// An order to issue a card, or another batch of copies of one. The store draws the indices inside its commit and
/// completes card and event with them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IssueOrder {
    /// The card to be, or the one that is renewed.
    pub id: CardId,
    /// Whether the card is there already and gets another batch of copies.
    pub renews: bool,
    /// Whose.
    pub person: PersonId,
    /// The name of its credential type; each type has lists of its own.
    pub credential_type: String,
    /// The offer it comes from, if it comes from one.
    pub offer: Option<OfferId>,
    /// The installation of the wallet, when it proved a key.
    pub instance: Option<WalletInstance>,
    /// The grant it is fetched with.
    pub grant: Option<GrantId>,
    /// The thumbprints of the holder keys, one a copy; not empty.
    pub holder_keys: Vec<String>,
    /// First second of validity.
    pub valid_from: Timestamp,
    /// First second after validity.
    pub valid_until: Timestamp,
    /// When and by whom.
    pub at: Timestamp,
    /// Who redeemed the offer.
    pub by: Actor,
}

impl IssueOrder {
    /// Completes the order with one status reference a holder key, in order.
    pub fn complete(self, drawn: &[StatusRef]) -> (Card, What) {
        let copies = copies(drawn, self.holder_keys);
        let card = Card {
            id: self.id,
            person: Some(self.person),
            credential_type: self.credential_type.clone(),
            offer: self.offer,
            instance: self.instance,
            grant: self.grant,
            notices: Vec::new(),
            copies,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            renewals: Vec::new(),
            state: State::Active,
            suspended_until: None,
            suspension_event: None,
            due_for_renewal: false,
            history: vec![Change { at: self.at, state: State::Active, reason: None, sealed_note: None, by: self.by }],
        };
        let what = What::Issued {
            card: self.id,
            credential_type: self.credential_type,
            copies: drawn.to_vec(),
            valid_from: self.valid_from,
            valid_until: self.valid_until,
        };
        (card, what)
    }
    /// Completes an order that renews `card`. Only a good card of the same person and type is renewed: one batch more is
    /// one card still.
    pub fn renew(self, card: &Card, drawn: &[StatusRef]) -> Result<(Card, What), NotRenewable> {
        let same = card.person == Some(self.person) && card.credential_type == self.credential_type;
        if !same || card.state != State::Active {
            return Err(NotRenewable::Card);
        }
        if card.live_copies(self.at).saturating_add(self.holder_keys.len()) > MOST_LIVE_COPIES {
            return Err(NotRenewable::TooManyCopies);
        }
        let (at, valid_from, valid_until) = (self.at, self.valid_from, self.valid_until);
        let count = u32::try_from(drawn.len()).unwrap_or(u32::MAX);
        let mut renewed = card.clone();
        renewed.add_batch(Renewal { at, copies: count, valid_from, valid_until }, copies(drawn, self.holder_keys));
        (renewed.instance, renewed.grant) = (self.instance.or(renewed.instance), self.grant.or(renewed.grant));
        let what = What::Renewed { card: card.id, copies: drawn.to_vec(), valid_from, valid_until };
        Ok((renewed, what))
    }
}

fn copies(drawn: &[StatusRef], holder_keys: Vec<String>) -> Vec<Copy> {
    let each = drawn.iter().zip(holder_keys);
    each.map(|(status, holder_key)| Copy { status: *status, holder_key, valid_until: None }).collect()
}

#[cfg(test)]
mod tests;

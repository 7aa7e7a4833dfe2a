//! What the commit that answers a request does to cards: which card gets the copies, and which others it touches.

use super::CredentialError;
use crate::{
    base::time::Timestamp,
    issuance::{Ground, Registered},
    model::{
        card::IssueOrder,
        credential_type::{ClaimSet, CredentialType},
        event::EventDraft,
        grant::Grant,
        ids::CardId,
        party::Actor,
        record::{Guard, Write},
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
    /// Orders the copies.
    pub(in crate::issuance) fn order_copies(&self, order: Order<'_>) -> Result<Ordered, CredentialError> {
        let Order { grant, person, credential_type, set, holder_keys, at } = order;
        let card = CardId::random(&*self.random);
        let issue = IssueOrder {
            renews: false,
            id: card,
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
        Ok(Ordered { card, issue, guards: Vec::new(), writes: Vec::new(), events: Vec::new() })
    }
}

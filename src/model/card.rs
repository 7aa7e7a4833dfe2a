//! A card, its copies and its transitions.
//!
//! A card is what a person has: one type, one wallet. Its copies are the credentials of one batch, each with its own
//! key, salts and status index. A transition acts on all copies at once and gives the changed card together with what
//! the log has to say of it, so that neither can be stored without the other.

use serde::{Deserialize, Serialize};

use crate::{
    base::time::Timestamp,
    model::{
        client::WalletInstance,
        event::What,
        ids::{CardId, GrantId, ListId, OfferId, PersonId},
        party::Actor,
    },
};

/// The state of a card.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Good.
    Active,
    /// Not good for now; can be reinstated.
    Suspended,
    /// Never good again.
    Revoked,
}

impl State {
    /// The value in a status list (draft-ietf-oauth-status-list section 7.1): VALID, SUSPENDED, INVALID.
    pub const fn list_value(self) -> u8 {
        match self {
            Self::Active => 0,
            Self::Suspended => 2,
            Self::Revoked => 1,
        }
    }
}

/// Why a state was changed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the documentation: the fixed list of the API")]
pub enum Reason {
    Lost,
    Stolen,
    Damaged,
    Superseded,
    Deceased,
    Moved,
    EntitlementLost,
    Fraud,
    CourtOrder,
    Error,
    Found,
    Other,
}

/// Where a copy's status stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct StatusRef {
    /// The list.
    pub list: ListId,
    /// The index in it.
    pub index: u32,
}

/// One credential of a card's batch.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Copy {
    /// Where its status stands.
    pub status: StatusRef,
    /// The thumbprint of its holder key (RFC 7638, base64url). Lets a repeated request be answered alike.
    pub holder_key: String,
    /// The first second at which it is not valid any more, where that is not the card's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

/// What a wallet said became of a batch (OpenID4VCI 1.0 section 11.1).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Notice {
    /// When it said so.
    pub at: Timestamp,
    /// What.
    pub event: NoticeEvent,
}

/// What can become of a batch in a wallet.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of OpenID4VCI 1.0 section 11.1")]
pub enum NoticeEvent {
    CredentialAccepted,
    CredentialFailure,
    CredentialDeleted,
}

/// One change of state, as the card remembers it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// The state since then.
    pub state: State,
    /// Why; none for the issuing itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The operator's note, sealed (it may name people).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_note: Option<String>,
    /// Who.
    pub by: Actor,
}

/// A card as the store keeps it. No claims.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Card {
    /// Its identifier.
    pub id: CardId,
    /// Whose it is; none when the record was rebuilt from the log, which names no person.
    pub person: Option<PersonId>,
    /// The name of its credential type.
    pub credential_type: String,
    /// The offer it came from; none after a rebuild.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferId>,
    /// The installation of the wallet that has it, when that proved a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<WalletInstance>,
    /// The grant it was fetched with last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantId>,
    /// What the wallet said became of it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// Its copies, at least one.
    pub copies: Vec<Copy>,
    /// The first second at which its copies are valid.
    pub valid_from: Timestamp,
    /// The first second at which they are not valid any more.
    pub valid_until: Timestamp,
    /// Its state now.
    pub state: State,
    /// When a suspension ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_until: Option<Timestamp>,
    /// The number of the event that ordered the end of the suspension, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspension_event: Option<u64>,
    /// Whether the wallet should fetch it anew: name or number changed, or reinstated with several copies.
    #[serde(default)]
    pub due_for_renewal: bool,
    /// Every change of state, oldest first.
    pub history: Vec<Change>,
}

/// Why a transition is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TransitionError {
    /// Revoked is final.
    #[error("the card is revoked, which is final")]
    Revoked,
    /// Only a suspended card can be reinstated.
    #[error("the card is not suspended")]
    NotSuspended,
    /// A suspension cannot end before it begins.
    #[error("the end of the suspension is not in the future")]
    EndNotInFuture,
}

/// What is known of a transition besides the card: when, why, by whom, with which note.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Circumstance {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Reason,
    /// The sealed note.
    pub sealed_note: Option<String>,
    /// Who.
    pub by: Actor,
}

impl Card {
    /// Suspends, or changes the end of a suspension.
    pub fn suspend(&self, until: Option<Timestamp>, why: Circumstance) -> Result<(Self, What), TransitionError> {
        match self.state {
            State::Revoked => Err(TransitionError::Revoked),
            _ if until.is_some_and(|until| until <= why.at) => Err(TransitionError::EndNotInFuture),
            _ => Ok(self.moved_to(State::Suspended, until, why)),
        }
    }

    /// Ends a suspension. A card of several copies is marked for renewal: its copies were seen to change together.
    pub fn reinstate(&self, why: Circumstance) -> Result<(Self, What), TransitionError> {
        match self.state {
            State::Revoked => Err(TransitionError::Revoked),
            State::Active => Err(TransitionError::NotSuspended),
            State::Suspended => {
                let (mut card, what) = self.moved_to(State::Active, None, why);
                card.due_for_renewal |= card.copies.len() > 1;
                Ok((card, what))
            }
        }
    }

    /// Revokes for good. Revoking a revoked card is refused here; whether that is an error is the caller's to say.
    pub fn revoke(&self, why: Circumstance) -> Result<(Self, What), TransitionError> {
        match self.state {
            State::Revoked => Err(TransitionError::Revoked),
            _ => Ok(self.moved_to(State::Revoked, None, why)),
        }
    }

    /// Repeats a change that event number `event` of the log tells of and the record lost.
    pub fn redo(&mut self, change: Change, until: Option<Timestamp>, event: u64) {
        self.state = change.state;
        self.suspended_until = until;
        self.suspension_event = until.map(|_| event);
        self.due_for_renewal |= change.state == State::Active && self.copies.len() > 1;
        self.history.push(change);
    }

    fn moved_to(&self, state: State, until: Option<Timestamp>, why: Circumstance) -> (Self, What) {
        let what = What::StateChanged {
            card: self.id,
            copies: self.copies.iter().map(|copy| copy.status).collect(),
            from: self.state,
            to: state,
            until,
            reason: why.reason,
        };
        let mut card = self.clone();
        card.state = state;
        card.suspended_until = until;
        card.suspension_event = None;
        card.history.push(Change { at: why.at, state, reason: Some(why.reason), sealed_note: why.sealed_note, by: why.by });
        (card, what)
    }
}

/// An order to issue a card. The store draws the indices inside its commit and completes card and event with them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IssueOrder {
    /// The card to be.
    pub id: CardId,
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
        let copies = drawn
            .iter()
            .zip(self.holder_keys)
            .map(|(status, holder_key)| Copy { status: *status, holder_key, valid_until: None })
            .collect();
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
}

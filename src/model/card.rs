//! A card, its copies and its transitions.
//!
//! A card is what a person has: one type, one wallet. Its copies are the credentials of its batches, each with its own
//! key, salts and status index; a renewal adds a batch, and copies past their time are dropped then. A transition acts on
//! all copies at once and gives the changed card together with what the log has to say of it, so that neither can be
//! stored without the other.

mod order;

use serde::{Deserialize, Serialize};

pub use order::{IssueOrder, MOST_LIVE_COPIES, NotRenewable};

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

impl Reason {
    /// The code in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Stolen => "stolen",
            Self::Damaged => "damaged",
            Self::Superseded => "superseded",
            Self::Deceased => "deceased",
            Self::Moved => "moved",
            Self::EntitlementLost => "entitlement_lost",
            Self::Fraud => "fraud",
            Self::CourtOrder => "court_order",
            Self::Error => "error",
            Self::Found => "found",
            Self::Other => "other",
        }
    }
}

/// Where a copy's status stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct StatusRef {
    /// The list.
    pub list: ListId,
    /// The index in it.
    pub index: u32,
}

/// One credential of a card.
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

/// A batch that was added to a card.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Renewal {
    /// When.
    pub at: Timestamp,
    /// How many copies it has.
    pub copies: u32,
    /// First second of their validity.
    pub valid_from: Timestamp,
    /// First second after it.
    pub valid_until: Timestamp,
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

/// Renewals that a card remembers.
const MOST_RENEWALS: usize = 100;

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
    /// Its copies, at least one: the newest batch, and those before it that were not past their time when it was made.
    pub copies: Vec<Copy>,
    /// The first second at which the copies of the newest batch are valid.
    pub valid_from: Timestamp,
    /// The first second at which they are not valid any more.
    pub valid_until: Timestamp,
    /// The newest renewals, oldest first; the log has all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renewals: Vec<Renewal>,
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

    /// Whether it was taken away from its holder for what the holder is held to have done, or by order of a court.
    pub fn is_withheld(&self) -> bool {
        // All that was said since it was good: another reason on top, such as the holder's, takes nothing of it away.
        let since = self.history.iter().rev().take_while(|change| change.state != State::Active);
        since.into_iter().any(|change| matches!(change.reason, Some(Reason::Fraud | Reason::CourtOrder)))
    }

    /// The first second at which a copy of this card is not valid any more.
    pub fn end_of(&self, copy: &Copy) -> Timestamp {
        copy.valid_until.unwrap_or(self.valid_until)
    }

    /// How many copies are not past their time.
    pub fn live_copies(&self, now: Timestamp) -> usize {
        self.copies.iter().filter(|copy| now < self.end_of(copy)).count()
    }

    /// Adds a batch, which takes the place of those before it. Copies that are not past their time stay, so that whatever
    /// happens to the card happens to them.
    pub fn add_batch(&mut self, batch: Renewal, copies: impl IntoIterator<Item = Copy>) {
        let end = self.valid_until;
        self.copies.iter_mut().for_each(|copy| copy.valid_until = copy.valid_until.or(Some(end)));
        self.copies.retain(|copy| copy.valid_until.is_some_and(|end| batch.at < end));
        self.copies.extend(copies);
        (self.valid_from, self.valid_until) = (batch.valid_from, batch.valid_until);
        self.due_for_renewal = false;
        self.renewals.push(batch);
        let over = self.renewals.len().saturating_sub(MOST_RENEWALS);
        self.renewals.drain(..over);
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

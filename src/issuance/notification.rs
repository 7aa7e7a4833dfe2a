//! What wallets say became of a card (OpenID4VCI 1.0 section 11): it goes into the card's record.

use subtle::ConstantTimeEq;

use crate::{
    base::{base64url, limits::CARD_NOTICES, secret::Secret},
    crypto::keyed_hash,
    format::openid::credential::{CredentialRequestError, NotificationRequest},
    issuance::{
        Fault, Ground,
        caller::{Shown, Spending},
        grant::{Access, AccessError},
    },
    model::{
        card::{Card, Notice, NoticeEvent},
        ids::CardId,
        record::{Commit, Guard, Key, Record, Versioned, Write},
    },
    store::CommitError,
};

const ID_BYTES: usize = 16;
const HASH_BYTES: usize = 16;

/// A card is changed a few times by those who have it: a loop longer than that is not ours to wait for.
const ATTEMPTS: usize = 16;

/// Why a notification is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotificationError {
    /// The access token: 401 (RFC 6750 section 3.1).
    #[error(transparent)]
    Access(AccessError),
    /// The form of the request.
    #[error(transparent)]
    Request(#[from] CredentialRequestError),
    /// `event` is none of the three.
    #[error("event is not one of credential_accepted, credential_failure and credential_deleted")]
    UnknownEvent,
    /// No such identifier, or one of another wallet's card.
    #[error("the notification_id is not known")]
    UnknownId,
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<AccessError> for NotificationError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Fault(fault) => Self::Fault(fault),
            refused => Self::Access(refused),
        }
    }
}

impl NotificationError {
    /// The code (section 11.3; RFC 6750 section 3.1); none when the fault is ours.
    pub const fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::Access(error) => return error.code(),
            Self::Request(_) | Self::UnknownEvent => "invalid_notification_request",
            Self::UnknownId => "invalid_notification_id",
            Self::Fault(_) => return None,
        })
    }
}

/// The notification endpoint.
#[derive(Clone)]
pub struct Notifications {
    ground: Ground,
}

impl Notifications {
    /// On this ground.
    pub fn new(ground: Ground) -> Self {
        Self { ground }
    }

    /// Passes when the access token that is shown is good now.
    pub fn accepts(&self, shown: &Shown) -> Result<(), NotificationError> {
        self.ground.access(shown)?;
        Ok(())
    }

    /// Takes what a wallet says of a card that it fetched. The same said again changes nothing.
    pub fn take(&self, shown: &Shown, body: &[u8]) -> Result<(), NotificationError> {
        let access = self.ground.access(shown)?;
        let request = NotificationRequest::parse(body)?;
        let event = event(&request.event).ok_or(NotificationError::UnknownEvent)?;
        let id = self.ground.notified(&request.notification_id).ok_or(NotificationError::UnknownId)?;
        for _ in 0..ATTEMPTS {
            let Versioned { version, value: card } = self.card(id, &access)?.ok_or(NotificationError::UnknownId)?;
            let mut guards = vec![Guard::Version(Key::Card(id), version)];
            let writes = Vec::from_iter(self.noticed(card, event).map(|card| Write::Put(Record::Card(card))));
            if writes.is_empty() {
                guards.clear();
            }
            match self.commit(guards, writes, &access.spending) {
                Err(Fault::Busy) => {}
                Err(fault) => return Err(fault.into()),
                Ok(None) => return Ok(()),
                Ok(Some(replayed)) => return Err(replayed.into()),
            }
        }
        Err(Fault::Busy.into())
    }

    /// Commits, unless what was shown with the access token was used before. Busy when the card changed.
    fn commit(
        &self,
        mut guards: Vec<Guard>,
        mut writes: Vec<Write>,
        spending: &Spending,
    ) -> Result<Option<AccessError>, Fault> {
        let settled = guards.len();
        guards.extend(spending.guards());
        writes.extend(spending.writes());
        if writes.is_empty() {
            return Ok(None);
        }
        match self.ground.store.commit(Commit { guards, writes, ..Commit::default() }) {
            Ok(_) => Ok(None),
            Err(CommitError::GuardFailed(guard)) if guard >= settled => Ok(Some(spending.replayed(guard - settled).into())),
            Err(CommitError::GuardFailed(_)) => Err(Fault::Busy),
            Err(error) => Err(error.into()),
        }
    }

    /// The card, when it is this wallet's: fetched with this grant, or by the same installation.
    fn card(&self, id: CardId, access: &Access) -> Result<Option<Versioned<Card>>, Fault> {
        let Some(Versioned { version, value: Record::Card(card) }) = self.ground.store.get(&Key::Card(id))? else {
            return Ok(None);
        };
        let grant = &access.grant.value;
        let same_instance = grant.instance.is_some() && card.instance == grant.instance;
        let is_own = card.grant == Some(grant.id) || (same_instance && card.person == Some(grant.person));
        Ok(is_own.then_some(Versioned { version, value: card }))
    }

    /// The card with what was said; none when it was said last already. The oldest are dropped beyond some.
    fn noticed(&self, mut card: Card, event: NoticeEvent) -> Option<Card> {
        if card.notices.last().is_some_and(|last| last.event == event) {
            return None;
        }
        let surplus = (card.notices.len() + 1).saturating_sub(CARD_NOTICES);
        card.notices.drain(..surplus);
        card.notices.push(Notice { at: self.ground.clock.now(), event });
        Some(card)
    }
}

impl Ground {
    /// The identifier by which a wallet speaks of a card: the card's own, with a keyed hash that only this service can make.
    pub(super) fn notification_id(&self, card: CardId) -> String {
        let hash = self.notification_hash(card);
        base64url::encode([card.as_bytes().as_slice(), hash.expose()].concat())
    }

    fn notification_hash(&self, card: CardId) -> Secret<[u8; HASH_BYTES]> {
        let hash = keyed_hash(self.keyring.code_key(), "notification id", card.as_bytes());
        Secret::new(std::array::from_fn(|at| hash[at]))
    }

    fn notified(&self, text: &str) -> Option<CardId> {
        let bytes: [u8; ID_BYTES + HASH_BYTES] = base64url::decode_array(text).ok()?;
        let (id, hash) = bytes.split_at_checked(ID_BYTES)?;
        let card = CardId::from_bytes(id.try_into().ok()?);
        bool::from(self.notification_hash(card).expose().ct_eq(hash)).then_some(card)
    }
}

fn event(name: &str) -> Option<NoticeEvent> {
    Some(match name {
        "credential_accepted" => NoticeEvent::CredentialAccepted,
        "credential_failure" => NoticeEvent::CredentialFailure,
        "credential_deleted" => NoticeEvent::CredentialDeleted,
        _ => return None,
    })
}

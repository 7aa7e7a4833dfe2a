//! Events: what the log says happened. Nothing personal, and enough to redo what an event sets or takes away.

use serde::{Deserialize, Serialize};

use crate::{
    base::time::{Date, Timestamp},
    model::{
        admission::AdmissionReason,
        card::{Reason, State, StatusRef},
        checkpoint::CheckpointAccount,
        ids::{CardId, EvidenceId, ListId, StoreId, TokenId, WalletId},
        party::{Actor, Role},
        reason::ReasonCode,
    },
};

/// What happened.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum What {
    /// Event 1 of every log: whose log it is.
    StoreCreated {
        /// The store.
        store: StoreId,
    },
    /// A status list was opened for cards of one type.
    ListOpened {
        /// The list.
        list: ListId,
        /// The type.
        credential_type: String,
    },
    /// A card was issued.
    Issued {
        /// The card.
        card: CardId,
        /// Its type.
        credential_type: String,
        /// Where the status of each copy stands.
        copies: Vec<StatusRef>,
        /// First second of validity.
        valid_from: Timestamp,
        /// First second after validity.
        valid_until: Timestamp,
    },
    /// A card got another batch of copies.
    Renewed {
        /// The card.
        card: CardId,
        /// Where the status of each new copy stands.
        copies: Vec<StatusRef>,
        /// First second of validity of the new copies.
        valid_from: Timestamp,
        /// First second after validity of the new copies.
        valid_until: Timestamp,
    },
    /// A card changed its state.
    StateChanged {
        /// The card.
        card: CardId,
        /// Every index of the card.
        copies: Vec<StatusRef>,
        /// The state before.
        from: State,
        /// The state after.
        to: State,
        /// When a suspension ends by itself.
        until: Option<Timestamp>,
        /// Why.
        reason: Reason,
    },
    /// A card or batch that was issued and whose record never reached the store (a crash in between): its indices are
    /// invalid. The batches of the card before it are as they were.
    IssueVoided {
        /// The number of the `issued` or `renewed` event.
        event: u64,
        /// The card.
        card: CardId,
        /// Every index of that event.
        copies: Vec<StatusRef>,
    },
    /// Another event that never reached the store and sets nothing that must be redone.
    NotApplied {
        /// Its number.
        event: u64,
    },
    /// A token was made.
    TokenCreated {
        /// The token.
        token: TokenId,
        /// Its role.
        role: Role,
        /// SHA-256 of its secret of 256 random bits, base64url: lets the log alone say which tokens are good.
        hash: String,
        /// What it may ask for, when it is a checkpoint's: a limit has to outlive the records too.
        #[serde(default, skip_serializing_if = "CheckpointAccount::is_plain")]
        account: CheckpointAccount,
    },
    /// A token was switched off.
    TokenSwitchedOff {
        /// The token.
        token: TokenId,
    },
    /// A wallet was registered as a client.
    WalletRegistered {
        /// The wallet.
        wallet: WalletId,
    },
    /// The name or the addresses of a registered wallet were changed.
    WalletChanged {
        /// The wallet.
        wallet: WalletId,
    },
    /// A wallet was switched off: it gets no more tokens.
    WalletSwitchedOff {
        /// The wallet.
        wallet: WalletId,
    },
    /// Codes were made with which people sign in; for whom stands only in the store.
    SignInCodesMade {
        /// How many.
        count: u32,
    },
    /// An officer decided on an issuance that waited.
    IssuanceDecided {
        /// The type of the card.
        credential_type: String,
        /// Yes or no.
        approved: bool,
    },
    /// A person took a copy of everything that is kept about them.
    PersonExported,
    /// A person's data were erased.
    PersonErased,
    /// A person was registered; which one stands only in the store.
    PersonRegistered,
    /// A person's data were corrected.
    PersonChanged,
    /// Events were read by an auditor.
    EventsRead {
        /// The first number read.
        from: u64,
        /// How many.
        count: u64,
    },
    /// Evidence of a decision was kept; who kept it is the actor. Whom it is about stands nowhere outside it.
    EvidenceKept {
        /// The evidence.
        evidence: EvidenceId,
        /// The use case that says so.
        use_case: String,
        /// The last day on which it can be opened.
        until: Date,
    },
    /// Evidence was opened; by whom is the actor.
    EvidenceOpened {
        /// The evidence.
        evidence: EvidenceId,
        /// The use case it was kept for.
        use_case: String,
    },
    /// The time of evidence was over: its key and its record are destroyed.
    EvidenceDestroyed {
        /// The evidence.
        evidence: EvidenceId,
        /// The use case it was kept for.
        use_case: String,
    },
    /// A checkpoint let somebody pass of whom the service could not tell; which one is the actor. Whom stands nowhere.
    AdmittedByHand {
        /// The use case, if one was named.
        use_case: Option<String>,
        /// Why the officer did.
        reason: AdmissionReason,
        /// Why the service could not tell.
        because: ReasonCode,
    },
    /// The store was rebuilt from the log.
    StoreRepaired {
        /// The store that was made for it.
        store: StoreId,
        /// How many cards lack their person, to be had only from a backup.
        cards_without_person: u64,
    },
    /// The store was restored from a backup.
    StoreRestored {
        /// The store that was made for it.
        store: StoreId,
        /// The last event of the backup; those between it and the restoring are as the log had them, or lost.
        backup: u64,
        /// How many indices were found invalid or suspended elsewhere than in the backup and the log.
        found: u64,
        /// How many cards lack their person.
        cards_without_person: u64,
    },
    /// While the store was restored, indices were found invalid or suspended in lists that were signed before, and no card
    /// is known any more that has them.
    StatusFound {
        /// The indices.
        copies: Vec<StatusRef>,
        /// What they are.
        to: State,
    },
}

/// An event before the store has numbered it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EventDraft {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub what: What,
}

/// An event with its number. The first is 1, and there are no gaps: event n is leaf n - 1 of the tree.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Event {
    /// Its number.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub what: What,
}

/// An event together with the salt that hides it in its commitment.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LoggedEvent {
    /// The event.
    pub event: Event,
    /// The salt, base64url in JSON.
    #[serde(with = "salt_text")]
    pub salt: [u8; 16],
}

impl LoggedEvent {
    /// The entry of the public log: SHA-256("yufu-event-v1" || salt || event as canonical JSON).
    pub fn commitment(&self) -> [u8; 32] {
        use sha2::{Digest, Sha256};
        // Unwrap safety: an event holds text, whole numbers and lists, which always serialise.
        let text = crate::base::json::canonical(&self.event).unwrap_or_default();
        Sha256::new().chain_update(b"yufu-event-v1").chain_update(self.salt).chain_update(text).finalize().into()
    }
}

impl What {
    /// The indices whose list value this event sets, with that value.
    pub fn status_changes(&self) -> Option<(&[StatusRef], u8)> {
        match self {
            Self::StateChanged { copies, to, .. } | Self::StatusFound { copies, to } => Some((copies, to.list_value())),
            Self::IssueVoided { copies, .. } => Some((copies, State::Revoked.list_value())),
            _ => None,
        }
    }

    /// The card that this event is about, when it is about one.
    pub fn card(&self) -> Option<CardId> {
        match self {
            Self::Issued { card, .. }
            | Self::Renewed { card, .. }
            | Self::StateChanged { card, .. }
            | Self::IssueVoided { card, .. } => Some(*card),
            _ => None,
        }
    }
}

mod salt_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::base::base64url;

    pub fn serialize<S: Serializer>(salt: &[u8; 16], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64url::encode(salt))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 16], D::Error> {
        base64url::decode_array(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

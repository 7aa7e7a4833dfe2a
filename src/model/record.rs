//! Records: what the store keeps under a key, and transactions over them as data.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    base::time::{Date, Timestamp},
    model::{
        authorization::Authorization,
        card::{Card, IssueOrder, State},
        checkpoint::CheckpointAccount,
        client::WalletClient,
        deferred::DeferredIssuance,
        event::EventDraft,
        grant::Grant,
        ids::{AuthorizationId, CardId, DeferredId, EvidenceId, GrantId, OfferId, PersonId, TokenId, WalletId},
        party::Role,
        sign_in::{CitizenSession, SignInCodes, SignInTries},
    },
};

/// A blind index: a keyed hash of one normalised token (an ID number, a name, a prefix), cut to 16 bytes.
pub type BlindIndex = [u8; 16];

/// The key of a one-time thing: SHA-256 over its kind and its secret, so that the store never holds a live secret.
pub type OneTimeKey = [u8; 32];

/// The name of one record.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Key {
    /// A person.
    Person(PersonId),
    /// A card.
    Card(CardId),
    /// An offer.
    Offer(OfferId),
    /// A one-time thing.
    OneTime(OneTimeKey),
    /// A token.
    Token(TokenId),
    /// Evidence.
    Evidence(EvidenceId),
    /// An authorisation.
    Authorization(AuthorizationId),
    /// A grant.
    Grant(GrantId),
    /// An issuance that waits.
    Deferred(DeferredId),
    /// A registered wallet.
    Wallet(WalletId),
    /// What a person can sign in with.
    SignInCodes(PersonId),
    /// A setting of the store itself, such as the pinned public URL.
    Setting(String),
}

/// A person, sealed. The store cannot read it; it finds it by its blind indexes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SealedPerson {
    /// The person.
    pub id: PersonId,
    /// The sealed JSON of the person, base64url.
    pub sealed: String,
    /// What it is found by.
    pub blind_indexes: BTreeSet<BlindIndex>,
}

/// What is offered, to whom, and what became of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Offer {
    /// Its identifier.
    pub id: OfferId,
    /// To whom.
    pub person: PersonId,
    /// The names of the credential types.
    pub credential_types: Vec<String>,
    /// Keyed hash of the pre-authorised code; the code itself is not kept.
    pub code_hash: OneTimeKey,
    /// Keyed hash of the transaction code, when one is asked for.
    pub tx_code_hash: Option<OneTimeKey>,
    /// How many characters the transaction code has.
    pub tx_code_length: Option<u8>,
    /// Wrong transaction codes so far; the offer dies at the limit.
    pub wrong_tries: u8,
    /// Whether the code was redeemed for an access token.
    pub redeemed: bool,
    /// Keyed hash of `issuer_state`, when it is offered by the authorisation code flow too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_state_hash: Option<OneTimeKey>,
    /// When it dies.
    pub expires_at: Timestamp,
    /// The sealed offer object (it holds the code) for `GET /offers/{id}`, base64url.
    pub sealed_offer: String,
}

/// A one-time thing that was used up or waits to be used.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OneTime {
    /// Its key.
    pub key: OneTimeKey,
    /// What it leads to.
    pub leads_to: LeadsTo,
    /// When it may be forgotten.
    pub expires_at: Timestamp,
}

/// What a one-time thing leads to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadsTo {
    /// A pre-authorised code leads to its offer.
    Offer(OfferId),
    /// A nonce that was used.
    Used,
    /// A pairing code leads to the token of a checkpoint.
    Pairing(Pairing),
    /// A request URI or an authorisation code leads to its authorisation.
    Authorization(AuthorizationId),
    /// A refresh token, good or replaced, leads to its grant.
    Grant(GrantId),
    /// A transaction id leads to the issuance that waits.
    Deferred(DeferredId),
    /// The secret of a citizen's browser leads to its session.
    Session(CitizenSession),
    /// An ID number that somebody tried to sign in with leads to how often.
    SignInTries(SignInTries),
}

/// The token that a pairing code makes when a device redeems it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Pairing {
    /// The identifier that the token will have.
    pub token: TokenId,
    /// What it will be called.
    pub name: String,
    /// Its account.
    #[serde(default, skip_serializing_if = "CheckpointAccount::is_plain")]
    pub account: CheckpointAccount,
    /// The administrator's token on whose word it is made; when that one is off, so is the code.
    pub by: TokenId,
}

/// A token of an operator or checkpoint. Whether it is good is said by the log (the roster), not by this record.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Token {
    /// Its identifier.
    pub id: TokenId,
    /// What it is called, to be recognised.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was switched off.
    pub switched_off_at: Option<Timestamp>,
    /// What it may ask for, when it is a checkpoint's.
    #[serde(default, skip_serializing_if = "CheckpointAccount::is_plain")]
    pub account: CheckpointAccount,
}

/// Evidence of one decision, sealed under a key of its last day that lies outside the store. Whom it is about cannot be
/// told from here: it is found by its identifier only.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Evidence {
    /// Its identifier.
    pub id: EvidenceId,
    /// The checkpoint that made the decision.
    pub checkpoint: TokenId,
    /// The use case that says so.
    pub use_case: String,
    /// When it was kept.
    pub kept_at: Timestamp,
    /// The last day on which it can be opened, in UTC.
    pub until: Date,
    /// The sealed statement and presentation, base64url.
    pub sealed: String,
}

impl Evidence {
    /// The first second at which it cannot be opened any more.
    pub fn ends_at(&self) -> Timestamp {
        self.until.start().plus_seconds(24 * 3600)
    }
}

/// A record of the store.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is described at its type")]
pub enum Record {
    Person(SealedPerson),
    Card(Card),
    Offer(Offer),
    OneTime(OneTime),
    Token(Token),
    Evidence(Evidence),
    Authorization(Authorization),
    Grant(Grant),
    Deferred(DeferredIssuance),
    Wallet(WalletClient),
    SignInCodes(SignInCodes),
    Setting { name: String, value: String },
}

impl Record {
    /// The key it stands under.
    pub fn key(&self) -> Key {
        match self {
            Self::Person(person) => Key::Person(person.id),
            Self::Card(card) => Key::Card(card.id),
            Self::Offer(offer) => Key::Offer(offer.id),
            Self::OneTime(one_time) => Key::OneTime(one_time.key),
            Self::Token(token) => Key::Token(token.id),
            Self::Evidence(evidence) => Key::Evidence(evidence.id),
            Self::Authorization(authorization) => Key::Authorization(authorization.id),
            Self::Grant(grant) => Key::Grant(grant.id),
            Self::Deferred(deferred) => Key::Deferred(deferred.id),
            Self::Wallet(wallet) => Key::Wallet(wallet.id),
            Self::SignInCodes(codes) => Key::SignInCodes(codes.person),
            Self::Setting { name, .. } => Key::Setting(name.clone()),
        }
    }
}

/// A record with its version: 1 when first written, one more at each write.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Versioned<T> {
    /// Counts writes.
    pub version: u64,
    /// The record.
    pub value: T,
}

/// A condition that has to hold at the moment of the commit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Guard {
    /// Nothing stands under the key.
    Absent(Key),
    /// What stands under the key has this version.
    Version(Key, u64),
    /// No person has this blind index.
    NoPersonWith(BlindIndex),
    /// The person has no card of the type that is not revoked and is tied to an installation of a wallet, but those known.
    NoOtherCard {
        /// Whose.
        person: PersonId,
        /// The name of the type.
        credential_type: String,
        /// The cards that are known.
        known: Vec<CardId>,
    },
}

/// One change of records.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a commit has a handful of writes, nearly all of them of the large kind")]
pub enum Write {
    /// Writes a record, over an earlier one if there is one.
    Put(Record),
    /// Removes a record; nothing happens when there is none.
    Remove(Key),
}

/// A transaction: all of it or nothing. A retry repeats the value.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Commit {
    /// What has to hold.
    pub guards: Vec<Guard>,
    /// What is written.
    pub writes: Vec<Write>,
    /// Cards to issue or to renew: indices are drawn inside the commit, card and event completed and written with it.
    /// A renewal of a card that is not there or not to be renewed fails like a guard behind the last one.
    pub issue: Vec<IssueOrder>,
    /// What the log says of it.
    pub events: Vec<EventDraft>,
}

/// What a search over records asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Query {
    /// People that have every one of the blind indexes; all people when there is none.
    People(Vec<BlindIndex>),
    /// Cards, narrowed by what is given.
    Cards {
        /// Of this person.
        person: Option<PersonId>,
        /// In this state.
        state: Option<State>,
        /// Of this type.
        credential_type: Option<String>,
    },
    /// Tokens.
    Tokens,
    /// Registered wallets.
    Wallets,
    /// The grants of a person.
    Grants(PersonId),
    /// Issuances that an officer has to decide on.
    Deferred,
    /// Offers, authorisations, grants, waiting issuances and one-time things that were past their time at this time.
    Expired(Timestamp),
    /// Suspended cards whose suspension ended at or before this time.
    SuspensionsEnded(Timestamp),
    /// Evidence whose last day was over at this time.
    EvidenceEnded(Timestamp),
}

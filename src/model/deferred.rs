//! Issuances that wait for an officer's word (OpenID4VCI 1.0 section 9).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    base::time::Timestamp,
    model::{
        ids::{CardId, DeferredId, GrantId, PersonId, TokenId},
        record::OneTimeKey,
    },
};

/// An issuance that waits.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DeferredIssuance {
    /// Its identifier, for officers.
    pub id: DeferredId,
    /// Keyed hash of the transaction id, for the wallet.
    pub transaction: OneTimeKey,
    /// The grant it was asked for with: no other may fetch it.
    pub grant: GrantId,
    /// Whose card it will be.
    pub person: PersonId,
    /// The credential configuration.
    pub configuration: String,
    /// The holder keys whose proofs were good, as public JWKs, one a copy.
    pub holder_keys: Vec<Value>,
    /// The hash of the request, as in [`crate::model::grant::Fetched`].
    pub request: OneTimeKey,
    /// How far it is.
    pub word: Word,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When it dies.
    pub expires_at: Timestamp,
}

/// What an officer said.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Nothing yet.
    Waiting,
    /// Yes.
    Approved {
        /// By the bearer of this token.
        by: TokenId,
    },
    /// No.
    Denied {
        /// By the bearer of this token.
        by: TokenId,
    },
    /// Yes, and the wallet has it.
    Delivered {
        /// The card.
        card: CardId,
    },
}

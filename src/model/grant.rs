//! What a person granted to a wallet. Access tokens and refresh tokens stand for a grant; the credential endpoint looks at
//! the grant and at nothing else, whichever way it was given.

use serde::{Deserialize, Serialize};

use crate::{
    base::time::Timestamp,
    model::{
        client::WalletInstance,
        ids::{CardId, DeferredId, GrantId, OfferId, PersonId},
        record::OneTimeKey,
    },
};

/// A grant.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Grant {
    /// Its identifier: `sub` of the access tokens.
    pub id: GrantId,
    /// Whose cards may be fetched.
    pub person: PersonId,
    /// The offer it came from, when it came from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferId>,
    /// The client, when it named itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The installation of the wallet, when it proved a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<WalletInstance>,
    /// Whether the wallet showed an attestation.
    #[serde(default)]
    pub attested: bool,
    /// The thumbprint of the DPoP key that every token of the grant is bound to (RFC 9449 section 6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<String>,
    /// The credential configurations granted.
    pub configurations: Vec<String>,
    /// Whether the token response gave credential identifiers, which then have to be used (OpenID4VCI 1.0 section 8.2).
    #[serde(default)]
    pub by_identifier: bool,
    /// How often it was refreshed: each time every configuration may be fetched once more.
    #[serde(default)]
    pub generation: u32,
    /// What was fetched in this generation.
    #[serde(default)]
    pub fetched: Vec<Fetched>,
    /// What an officer has still to say a word on, or said no to. Refreshing leaves it as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub awaited: Vec<Awaited>,
    /// The refresh token, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Refresh>,
    /// When it was given.
    pub given_at: Timestamp,
    /// When it was ended before its time; no token of it is good any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When its person stopped it together with every card of the wallet, which can be undone for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Timestamp>,
    /// When it ends by itself, and its record may be forgotten.
    pub expires_at: Timestamp,
}

impl Grant {
    /// Whether its tokens are good at this time.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && self.stopped_at.is_none() && now < self.expires_at
    }
}

/// A card that was fetched with a grant.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Fetched {
    /// The configuration.
    pub configuration: String,
    /// The card.
    pub card: CardId,
    /// The hash of the request: the same request is answered alike, for a wallet that lost the answer.
    pub request: OneTimeKey,
    /// When.
    pub at: Timestamp,
}

/// A card that was asked for and is not issued yet.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Awaited {
    /// The configuration.
    pub configuration: String,
    /// The issuance that waits.
    pub deferred: DeferredId,
    /// The hash of the request, as in [`Fetched`].
    pub request: OneTimeKey,
}

/// The refresh token of a grant. Each use replaces it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Refresh {
    /// Keyed hash of the token that is good now.
    pub current: OneTimeKey,
    /// The one before, and until when a wallet that lost the answer may show it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<(OneTimeKey, Timestamp)>,
}

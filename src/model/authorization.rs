//! An authorisation by the code flow: what a wallet pushed, who agreed to it in which browser, and the code that came of it.

use serde::{Deserialize, Serialize};

use crate::{
    base::time::Timestamp,
    model::{
        client::WalletInstance,
        ids::{AuthorizationId, GrantId, OfferId, PersonId},
        record::OneTimeKey,
    },
};

/// An authorisation. Each step is made once, by a guard on the record's version.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Authorization {
    /// Its identifier.
    pub id: AuthorizationId,
    /// Who asks.
    pub client_id: String,
    /// Where the answer goes; checked against the client's own before it was kept.
    pub redirect_uri: String,
    /// `state`, given back as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// `code_challenge` by S256 (RFC 7636 section 4.2).
    pub code_challenge: String,
    /// The credential configurations asked for.
    pub configurations: Vec<String>,
    /// Those of them that were asked for by `authorization_details`, and so are fetched by identifier.
    #[serde(default)]
    pub by_identifier: bool,
    /// The offer that `issuer_state` leads to: only its person may agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferId>,
    /// The person of that offer, who may agree after the offer itself is past its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_to: Option<PersonId>,
    /// The installation of the wallet that pushed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<WalletInstance>,
    /// Whether it showed an attestation.
    #[serde(default)]
    pub attested: bool,
    /// The DPoP key that the code is bound to (RFC 9449 section 10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<String>,
    /// How far it is.
    pub step: Step,
    /// When it dies: moved on with each step.
    pub expires_at: Timestamp,
}

/// How far an authorisation is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Its request URI waits to be opened.
    Pushed,
    /// It was opened in the browser that holds the secret of this keyed hash.
    Opened {
        /// The keyed hash.
        browser: OneTimeKey,
    },
    /// The person agreed; the code of this keyed hash waits to be redeemed.
    Agreed {
        /// Who.
        person: PersonId,
        /// The keyed hash of the code.
        code: OneTimeKey,
    },
    /// The code was redeemed for this grant, which ends when the code is shown again (RFC 6749 section 4.1.2).
    Redeemed {
        /// The grant.
        grant: GrantId,
        /// The keyed hash of the code.
        code: OneTimeKey,
    },
    /// The person refused.
    Refused,
}

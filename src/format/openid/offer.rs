//! The credential offer (OpenID4VCI 1.0 section 4.1).

use serde::{Deserialize, Serialize};

use crate::format::openid::form;

/// The grant of a pre-authorised code, as every grant is named by a URN or a word.
pub const PRE_AUTHORIZED_CODE: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";

/// The grant of an authorisation code.
pub const AUTHORIZATION_CODE: &str = "authorization_code";

/// The scheme that wallets answer to (section 4.1.1).
const SCHEME: &str = "openid-credential-offer://";

/// What a wallet is offered.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CredentialOffer {
    /// The issuer's identifier.
    pub credential_issuer: String,
    /// The configurations offered; not empty, each once.
    pub credential_configuration_ids: Vec<String>,
    /// How to get an access token.
    pub grants: Grants,
}

/// How to get an access token.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Grants {
    /// By a pre-authorised code.
    #[serde(default, rename = "urn:ietf:params:oauth:grant-type:pre-authorized_code", skip_serializing_if = "Option::is_none")]
    pub pre_authorized_code: Option<PreAuthorizedCode>,
    /// By the authorisation code flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_code: Option<AuthorizationCode>,
}

/// The authorisation code flow, for whom the offer was made.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct AuthorizationCode {
    /// What the wallet gives back in its authorisation request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_state: Option<String>,
}

/// A pre-authorised code, short-lived and for one use.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PreAuthorizedCode {
    /// The code.
    #[serde(rename = "pre-authorized_code")]
    pub code: String,
    /// Present when a transaction code is asked for, even when empty (section 4.1.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_code: Option<TxCode>,
}

/// What a wallet should know to ask its user for the transaction code.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct TxCode {
    /// `numeric` or `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_mode: Option<String>,
    /// How many characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u8>,
    /// Words for the user, at most 300 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl CredentialOffer {
    /// The link that carries the whole offer.
    pub fn link_by_value(&self) -> String {
        // Unwrap safety: text and lists of text always serialise.
        let offer = serde_json::to_string(self).unwrap_or_default();
        format!("{SCHEME}?credential_offer={}", form::encode(&offer))
    }
}

/// The link that says where the offer is to be had; short enough for a QR code.
pub fn link_by_reference(offer_uri: &str) -> String {
    format!("{SCHEME}?credential_offer_uri={}", form::encode(offer_uri))
}

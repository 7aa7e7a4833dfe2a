//! The token endpoint (OpenID4VCI 1.0 section 6).

use serde::{Deserialize, Serialize};

use crate::{
    base::json,
    format::openid::form::{self, FormError, Parameters},
};

/// The grant type of a refresh token (RFC 6749 section 6).
pub const REFRESH_TOKEN: &str = "refresh_token";

/// A token request, as far as it is understood.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TokenRequest {
    /// The grant type; required.
    pub grant_type: Option<String>,
    /// The pre-authorised code.
    pub pre_authorized_code: Option<String>,
    /// The transaction code.
    pub tx_code: Option<String>,
    /// The client's identifier.
    pub client_id: Option<String>,
    /// What is asked for in particular (RFC 9396), still as JSON.
    pub authorization_details: Option<String>,
    /// The authorisation code (RFC 6749 section 4.1.3).
    pub code: Option<String>,
    /// What the code's challenge was made from (RFC 7636 section 4.5).
    pub code_verifier: Option<String>,
    /// Where the code was sent.
    pub redirect_uri: Option<String>,
    /// The refresh token (RFC 6749 section 6).
    pub refresh_token: Option<String>,
    /// The scope asked for; with a refresh token no wider than what was granted.
    pub scope: Option<String>,
    /// Whom the access token is for (RFC 8707 section 2).
    pub resource: Vec<String>,
}

impl TokenRequest {
    /// Reads the form.
    pub fn parse(body: &[u8]) -> Result<Self, FormError> {
        let mut form: Parameters = form::parse(body)?;
        let resource = form.remove(form::RESOURCE).unwrap_or_default();
        Ok(Self {
            grant_type: form.remove("grant_type"),
            pre_authorized_code: form.remove("pre-authorized_code"),
            tx_code: form.remove("tx_code"),
            client_id: form.remove("client_id"),
            authorization_details: form.remove("authorization_details"),
            code: form.remove("code"),
            code_verifier: form.remove("code_verifier"),
            redirect_uri: form.remove("redirect_uri"),
            refresh_token: form.remove("refresh_token"),
            scope: form.remove("scope"),
            resource: resource.split(' ').filter(|one| !one.is_empty()).map(str::to_owned).collect(),
        })
    }
}

/// One entry of `authorization_details` of the type `openid_credential` (section 5.1.1).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AuthorizationDetail {
    /// `openid_credential`.
    #[serde(rename = "type")]
    pub detail_type: String,
    /// The configuration.
    pub credential_configuration_id: String,
    /// In the response: what to ask for at the credential endpoint (section 6.2).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credential_identifiers: Vec<String>,
}

/// `authorization_details` is not a non-empty list of entries of the type `openid_credential`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("authorization_details not understood")]
pub struct BadAuthorizationDetails;

impl AuthorizationDetail {
    /// The only type understood here.
    pub const TYPE: &'static str = "openid_credential";

    /// Reads the list. Unknown members are ignored, another type is not (RFC 9396 section 5).
    pub fn parse_list(text: &str) -> Result<Vec<Self>, BadAuthorizationDetails> {
        let value = json::parse(text.as_bytes()).map_err(|_| BadAuthorizationDetails)?;
        let list: Vec<Self> = serde_json::from_value(value).map_err(|_| BadAuthorizationDetails)?;
        let good = !list.is_empty() && list.iter().all(|detail| detail.detail_type == Self::TYPE);
        if good { Ok(list) } else { Err(BadAuthorizationDetails) }
    }
}

/// A token response (section 6.2). Goes out with `Cache-Control: no-store`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: String,
    /// `Bearer`, or `DPoP` when it is bound to a key (RFC 9449 section 5).
    pub token_type: String,
    /// Seconds for which it is good.
    pub expires_in: i64,
    /// What was granted, when it was not asked for in particular (RFC 6749 section 5.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// What a new access token is had for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// What was granted, when it was asked for in this form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<AuthorizationDetail>,
}

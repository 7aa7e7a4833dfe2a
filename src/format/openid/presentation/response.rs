//! The authorization response: a form posted to `response_uri`, the content of its JWE, or what the Digital Credentials
//! API hands over (section 8, appendix A.4).

use serde_json::{Map, Value};

use crate::{
    base::{
        json::{self, JsonError},
        limits::{STATE_BYTES, VP_TOKEN_BYTES},
    },
    format::openid::form::{self, FormError},
};

/// Why a response is not read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ResponseError {
    /// Not a form.
    #[error(transparent)]
    Form(#[from] FormError),
    /// JSON that is not acceptable; the member is named.
    #[error("{0}: {1}")]
    Json(&'static str, JsonError),
    /// A member that is missing, or of the wrong type or size; named.
    #[error("{0} is missing, too long or of the wrong type")]
    Member(&'static str),
    /// An encrypted response that also says something in the clear, or a response together with an error.
    #[error("more than one answer in a response")]
    Ambiguous,
}

/// An error that a wallet answers with (section 8.5).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WalletError {
    /// `access_denied`: the holder declined, or has nothing that answers.
    AccessDenied,
    /// `invalid_request`.
    InvalidRequest,
    /// `invalid_client`.
    InvalidClient,
    /// `invalid_scope`.
    InvalidScope,
    /// `invalid_request_uri_method`.
    InvalidRequestUriMethod,
    /// `invalid_transaction_data`.
    InvalidTransactionData,
    /// `vp_formats_not_supported`.
    VpFormatsNotSupported,
    /// `wallet_unavailable`.
    WalletUnavailable,
    /// A code that the standard does not define. The wallet's own words are not kept.
    Other,
}

/// What a wallet answered, nothing checked but its form.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PostedResponse {
    /// A compact JWE (section 8.3.1): to be decrypted, and its content read by [`PostedResponse::from_decrypted`].
    Encrypted(String),
    /// A response in the clear.
    Plain {
        /// Nothing of it is checked: `VpToken::read` does.
        vp_token: Value,
        /// As the wallet sent it back.
        state: Option<String>,
    },
    /// The wallet answers with an error, which may come in the clear always (section 8.3.1).
    Error {
        /// Which one.
        error: WalletError,
        /// As the wallet sent it back.
        state: Option<String>,
    },
}

impl PostedResponse {
    /// Reads the form that is posted to `response_uri` (section 8.2).
    pub fn read(body: &[u8]) -> Result<Self, ResponseError> {
        let mut form = form::parse(body)?;
        let state = bounded_state(form.remove("state"))?;
        let (response, vp_token, error) = (form.remove("response"), form.remove("vp_token"), form.remove("error"));
        match (response, vp_token, error) {
            (Some(jwe), None, None) => Ok(Self::Encrypted(jwe)),
            (None, Some(text), None) => {
                if text.len() > VP_TOKEN_BYTES {
                    return Err(ResponseError::Member("vp_token"));
                }
                let vp_token = json::parse(text.as_bytes()).map_err(|error| ResponseError::Json("vp_token", error))?;
                Ok(Self::Plain { vp_token, state })
            }
            (None, None, Some(error)) => Ok(Self::Error { error: WalletError::read(&error), state }),
            (None, None, None) => Err(ResponseError::Member("response")),
            _ => Err(ResponseError::Ambiguous),
        }
    }

    /// Reads what a JWE held: the members of the response at the top level (section 8.3). Never gives
    /// [`PostedResponse::Encrypted`].
    pub fn from_decrypted(plaintext: &[u8]) -> Result<Self, ResponseError> {
        if plaintext.len() > VP_TOKEN_BYTES {
            return Err(ResponseError::Member("vp_token"));
        }
        let members = json::parse_object(plaintext).map_err(|error| ResponseError::Json("response", error))?;
        match Self::from_members(members)? {
            Self::Encrypted(_) => Err(ResponseError::Member("vp_token")),
            read => Ok(read),
        }
    }

    /// Reads `data` of a `DigitalCredential` (appendix A.4).
    pub fn from_digital_credential(data: &Map<String, Value>) -> Result<Self, ResponseError> {
        Self::from_members(data.clone())
    }

    fn from_members(mut members: Map<String, Value>) -> Result<Self, ResponseError> {
        let state = bounded_state(text(members.remove("state"), "state")?)?;
        let response = text(members.remove("response"), "response")?;
        let error = text(members.remove("error"), "error")?;
        match (response, members.remove("vp_token"), error) {
            (Some(jwe), None, None) => Ok(Self::Encrypted(jwe)),
            (None, Some(vp_token), None) => Ok(Self::Plain { vp_token, state }),
            (None, None, Some(error)) => Ok(Self::Error { error: WalletError::read(&error), state }),
            (None, None, None) => Err(ResponseError::Member("vp_token")),
            _ => Err(ResponseError::Ambiguous),
        }
    }
}

impl WalletError {
    fn read(code: &str) -> Self {
        match code {
            "access_denied" => Self::AccessDenied,
            "invalid_request" => Self::InvalidRequest,
            "invalid_client" => Self::InvalidClient,
            "invalid_scope" => Self::InvalidScope,
            "invalid_request_uri_method" => Self::InvalidRequestUriMethod,
            "invalid_transaction_data" => Self::InvalidTransactionData,
            "vp_formats_not_supported" => Self::VpFormatsNotSupported,
            "wallet_unavailable" => Self::WalletUnavailable,
            _ => Self::Other,
        }
    }
}

fn text(value: Option<Value>, member: &'static str) -> Result<Option<String>, ResponseError> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ResponseError::Member(member)),
    }
}

fn bounded_state(state: Option<String>) -> Result<Option<String>, ResponseError> {
    match state {
        Some(state) if state.len() > STATE_BYTES => Err(ResponseError::Member("state")),
        state => Ok(state),
    }
}

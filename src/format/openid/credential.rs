//! The credential endpoint (OpenID4VCI 1.0 section 8).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::{json, limits::BATCH_SIZE};

/// What is asked for: by the configuration's name, or by an identifier the token response gave (section 8.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// `credential_configuration_id`.
    Configuration(String),
    /// `credential_identifier`.
    Identifier(String),
}

/// A credential request whose form is good; its proofs are texts nobody has checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CredentialRequest {
    /// What is asked for.
    pub wanted: Wanted,
    /// `proofs.jwt`: from one to [`BATCH_SIZE`].
    pub proofs: Vec<String>,
}

/// Why a credential request is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CredentialRequestError {
    /// Not a JSON object with every key once.
    #[error("not a JSON object with every key once")]
    NotJson,
    /// A member of another JSON type than the standard says; it is named.
    #[error("{0} has the wrong type")]
    WrongType(&'static str),
    /// Neither `credential_identifier` nor `credential_configuration_id`, or both.
    #[error("exactly one of credential_identifier and credential_configuration_id is needed")]
    NotOneTarget,
    /// An encrypted answer to a request that was not encrypted could be turned to another's key (section 8.2).
    #[error("encrypted responses are not supported")]
    EncryptionNotSupported,
    /// No `proofs`.
    #[error("proofs are needed")]
    ProofsMissing,
    /// `proofs` is not an object with exactly one proof type, or that is not `jwt`.
    #[error("proofs must hold exactly one proof type, jwt")]
    ProofType,
    /// The list of proofs is not one of texts, or empty.
    #[error("proofs.jwt must be a list of at least one text")]
    ProofList,
    /// More proofs than `batch_size`.
    #[error("more proofs than batch_size")]
    TooManyProofs,
}

impl CredentialRequestError {
    /// The code (section 8.3.1.2): everything about `proofs` is `invalid_proof`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotJson | Self::WrongType(_) | Self::NotOneTarget => "invalid_credential_request",
            Self::EncryptionNotSupported => "invalid_encryption_parameters",
            Self::ProofsMissing | Self::ProofType | Self::ProofList | Self::TooManyProofs => "invalid_proof",
        }
    }
}

impl CredentialRequest {
    /// Reads the body. Unknown members are ignored, the `proof` of older drafts among them.
    pub fn parse(body: &[u8]) -> Result<Self, CredentialRequestError> {
        let object = json::parse_object(body).map_err(|_| CredentialRequestError::NotJson)?;
        let configuration = text(&object, "credential_configuration_id")?;
        let identifier = text(&object, "credential_identifier")?;
        let wanted = match (configuration, identifier) {
            (Some(configuration), None) => Wanted::Configuration(configuration),
            (None, Some(identifier)) => Wanted::Identifier(identifier),
            _ => return Err(CredentialRequestError::NotOneTarget),
        };
        if object.contains_key("credential_response_encryption") {
            return Err(CredentialRequestError::EncryptionNotSupported);
        }
        Ok(Self { wanted, proofs: proofs(object.get("proofs"))? })
    }
}

fn text(object: &Map<String, Value>, member: &'static str) -> Result<Option<String>, CredentialRequestError> {
    match object.get(member) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(CredentialRequestError::WrongType(member)),
    }
}

fn proofs(value: Option<&Value>) -> Result<Vec<String>, CredentialRequestError> {
    let by_type = match value {
        None => return Err(CredentialRequestError::ProofsMissing),
        Some(Value::Object(by_type)) if by_type.len() == 1 => by_type,
        Some(_) => return Err(CredentialRequestError::ProofType),
    };
    let list = by_type.get("jwt").ok_or(CredentialRequestError::ProofType)?;
    let list = list.as_array().filter(|list| !list.is_empty()).ok_or(CredentialRequestError::ProofList)?;
    if list.len() > BATCH_SIZE {
        return Err(CredentialRequestError::TooManyProofs);
    }
    let text = |proof: &Value| proof.as_str().map(str::to_owned).ok_or(CredentialRequestError::ProofList);
    list.iter().map(text).collect()
}

/// A credential response (section 8.3). Goes out with `Cache-Control: no-store`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CredentialResponse {
    /// One credential a proof, in the order of the proofs.
    pub credentials: Vec<IssuedCredential>,
}

/// One credential.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct IssuedCredential {
    /// `dc+sd-jwt`: the compact text as it is (appendix A.3.4).
    pub credential: String,
}

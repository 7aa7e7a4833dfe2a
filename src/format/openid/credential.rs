//! The credential endpoint and those beside it (OpenID4VCI 1.0 sections 8 to 11).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    base::{json, limits::BATCH_SIZE},
    crypto::jwe::{DEFLATE, ECDH_ES, Encryption, EncryptionKey},
};

/// What is asked for: by the configuration's name, or by an identifier the token response gave (section 8.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// `credential_configuration_id`.
    Configuration(String),
    /// `credential_identifier`.
    Identifier(String),
}

/// What holder keys are proved with (section 8.2): texts nobody has checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Proofs {
    /// `proofs.jwt`: from one to [`BATCH_SIZE`], each signed by a holder key (appendix F.1).
    Jwt(Vec<String>),
    /// `proofs.attestation`: one key attestation, whose keys are the holder's (appendix F.3).
    Attestation(String),
}

/// A credential request whose form is good.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CredentialRequest {
    /// What is asked for.
    pub wanted: Wanted,
    /// The proofs.
    pub proofs: Proofs,
    /// How the answer is to be encrypted.
    pub encryption: Option<ResponseEncryption>,
}

/// A request at the deferred credential endpoint (section 9.1) whose form is good.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeferredRequest {
    /// What the credential endpoint gave.
    pub transaction_id: String,
    /// How the answer is to be encrypted; what the first request said of it does not count.
    pub encryption: Option<ResponseEncryption>,
}

/// A request at the notification endpoint (section 11.1) whose form is good.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotificationRequest {
    /// What the credential endpoint gave.
    pub notification_id: String,
    /// What happened.
    pub event: String,
}

/// `credential_response_encryption` (section 8.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResponseEncryption {
    /// The wallet's key.
    pub key: EncryptionKey,
    /// The cipher.
    pub encryption: Encryption,
    /// Whether the answer is compressed first.
    pub deflate: bool,
}

/// Why a request is refused for its form.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CredentialRequestError {
    /// Not a JSON object with every key once.
    #[error("not a JSON object with every key once")]
    NotJson,
    /// A member of another JSON type than the standard says; it is named.
    #[error("{0} has the wrong type")]
    WrongType(&'static str),
    /// A member that is needed is missing; it is named.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Neither `credential_identifier` nor `credential_configuration_id`, or both.
    #[error("exactly one of credential_identifier and credential_configuration_id is needed")]
    NotOneTarget,
    /// What `credential_response_encryption` asks for cannot be done.
    #[error("credential_response_encryption: {0}")]
    Encryption(&'static str),
    /// No `proofs`.
    #[error("proofs are needed")]
    ProofsMissing,
    /// `proofs` is not an object with exactly one proof type, or that is neither `jwt` nor `attestation`.
    #[error("proofs must hold exactly one proof type, jwt or attestation")]
    ProofType,
    /// The list of proofs is not one of texts, or empty.
    #[error("the proof type must hold a list of at least one text")]
    ProofList,
    /// More proofs than `batch_size`, or more than one attestation.
    #[error("more proofs than allowed")]
    TooManyProofs,
}

impl CredentialRequestError {
    /// The code (section 8.3.1.2): everything about `proofs` is `invalid_proof`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotJson | Self::WrongType(_) | Self::Missing(_) | Self::NotOneTarget => "invalid_credential_request",
            Self::Encryption(_) => "invalid_encryption_parameters",
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
        let encryption = ResponseEncryption::of(&object)?;
        Ok(Self { wanted, proofs: proofs(object.get("proofs"))?, encryption })
    }
}

impl DeferredRequest {
    /// Reads the body. Unknown members are ignored.
    pub fn parse(body: &[u8]) -> Result<Self, CredentialRequestError> {
        let object = json::parse_object(body).map_err(|_| CredentialRequestError::NotJson)?;
        let transaction_id = needed(&object, "transaction_id")?;
        Ok(Self { transaction_id, encryption: ResponseEncryption::of(&object)? })
    }
}

impl NotificationRequest {
    /// Reads the body. `event_description` is for developers and may hold anything: it is not looked at.
    pub fn parse(body: &[u8]) -> Result<Self, CredentialRequestError> {
        let object = json::parse_object(body).map_err(|_| CredentialRequestError::NotJson)?;
        text(&object, "event_description")?;
        Ok(Self { notification_id: needed(&object, "notification_id")?, event: needed(&object, "event")? })
    }
}

impl ResponseEncryption {
    fn of(object: &Map<String, Value>) -> Result<Option<Self>, CredentialRequestError> {
        use CredentialRequestError::Encryption as Not;
        let Some(value) = object.get("credential_response_encryption") else { return Ok(None) };
        let wanted = value.as_object().ok_or(Not("an object is expected"))?;
        let jwk = wanted.get("jwk").and_then(Value::as_object).ok_or(Not("jwk is missing"))?;
        if jwk.get("alg").and_then(Value::as_str) != Some(ECDH_ES) {
            return Err(Not("alg of jwk has to be ECDH-ES"));
        }
        let key = EncryptionKey::from_unnamed_jwk(jwk).map_err(|_| Not("jwk has to be a public key of P-256"))?;
        let encryption = wanted.get("enc").and_then(Value::as_str).and_then(Encryption::from_jose_name);
        let deflate = match wanted.get("zip") {
            None => false,
            Some(zip) if zip == DEFLATE => true,
            Some(_) => return Err(Not("zip has to be DEF")),
        };
        Ok(Some(Self { key, encryption: encryption.ok_or(Not("enc has to be A128GCM or A256GCM"))?, deflate }))
    }
}

fn text(object: &Map<String, Value>, member: &'static str) -> Result<Option<String>, CredentialRequestError> {
    match object.get(member) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(CredentialRequestError::WrongType(member)),
    }
}

fn needed(object: &Map<String, Value>, member: &'static str) -> Result<String, CredentialRequestError> {
    text(object, member)?.ok_or(CredentialRequestError::Missing(member))
}

fn proofs(value: Option<&Value>) -> Result<Proofs, CredentialRequestError> {
    let by_type = match value {
        None => return Err(CredentialRequestError::ProofsMissing),
        Some(Value::Object(by_type)) if by_type.len() == 1 => by_type,
        Some(_) => return Err(CredentialRequestError::ProofType),
    };
    if let Some(list) = by_type.get("jwt") {
        return Ok(Proofs::Jwt(texts(list, BATCH_SIZE)?));
    }
    let list = by_type.get("attestation").ok_or(CredentialRequestError::ProofType)?;
    let one = texts(list, 1)?.pop().ok_or(CredentialRequestError::ProofList)?;
    Ok(Proofs::Attestation(one))
}

fn texts(list: &Value, most: usize) -> Result<Vec<String>, CredentialRequestError> {
    let list = list.as_array().filter(|list| !list.is_empty()).ok_or(CredentialRequestError::ProofList)?;
    if list.len() > most {
        return Err(CredentialRequestError::TooManyProofs);
    }
    let text = |proof: &Value| proof.as_str().map(str::to_owned).ok_or(CredentialRequestError::ProofList);
    list.iter().map(text).collect()
}

/// A credential response (sections 8.3 and 9.2). Goes out with `Cache-Control: no-store`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum CredentialResponse {
    /// The credentials, with status 200.
    Issued(Issued),
    /// Not yet, with status 202.
    Deferred(Deferred),
}

/// Credentials that were issued.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Issued {
    /// One credential a holder key.
    pub credentials: Vec<IssuedCredential>,
    /// What the wallet tells the notification endpoint of them by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_id: Option<String>,
}

/// Credentials that are still to come.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Deferred {
    /// What they are fetched by at the deferred credential endpoint.
    pub transaction_id: String,
    /// Seconds to wait before asking there.
    pub interval: u32,
}

/// One credential.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct IssuedCredential {
    /// `dc+sd-jwt`: the compact text as it is (appendix A.3.4).
    pub credential: String,
}

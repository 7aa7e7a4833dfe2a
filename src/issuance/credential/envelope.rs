//! Requests and answers that are encrypted end to end (OpenID4VCI 1.0 section 10).

use super::CredentialError;
use crate::{
    base::{
        base64url,
        limits::{ENCRYPTED_REQUEST_BYTES, JSON_BODY_BYTES},
        secret::Secret,
    },
    crypto::jwe,
    format::openid::credential::{CredentialResponse, ResponseEncryption},
    issuance::{Fault, Ground},
};

/// A request as it came.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// `application/json`.
    Json(&'a [u8]),
    /// `application/jwt`: a compact JWE of the JSON.
    Jwt(&'a [u8]),
}

/// An answer as it goes out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    /// Whether the credentials are still to come: status 202.
    pub deferred: bool,
    /// What goes out.
    pub content: Content,
}

/// The content of an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Content {
    /// `application/json`.
    Json(CredentialResponse),
    /// `application/jwt`: a compact JWE of the JSON.
    Jwt(String),
}

impl Ground {
    /// The JSON of a request.
    pub(in crate::issuance) fn open_request(&self, body: Body<'_>) -> Result<Secret<Vec<u8>>, CredentialError> {
        let text = match body {
            Body::Json(_) if self.encryption_required => return Err(CredentialError::EncryptionNeeded),
            Body::Json(json) => return Ok(Secret::new(json.to_vec())),
            Body::Jwt(text) => std::str::from_utf8(text).map_err(|_| CredentialError::NotDecrypted)?,
        };
        let key = self.keyring.decryption();
        let bounds = (ENCRYPTED_REQUEST_BYTES, JSON_BODY_BYTES);
        let opened = jwe::decrypt_inflating(text, key, &self.decryption_kid(), bounds);
        opened.map(|opened| opened.plaintext).map_err(|_| CredentialError::NotDecrypted)
    }

    /// Passes when the answer may go out as the request asks for it.
    pub(in crate::issuance) fn may_answer(
        &self,
        body: Body<'_>,
        encryption: Option<&ResponseEncryption>,
    ) -> Result<(), CredentialError> {
        match (body, encryption) {
            (Body::Json(_), Some(_)) => Err(CredentialError::RequestNotEncrypted),
            (_, None) if self.encryption_required => Err(CredentialError::EncryptionNeeded),
            _ => Ok(()),
        }
    }

    /// The answer, encrypted when the request asked for that.
    pub(in crate::issuance) fn reply(
        &self,
        response: CredentialResponse,
        encryption: Option<&ResponseEncryption>,
    ) -> Result<Reply, Fault> {
        let deferred = matches!(response, CredentialResponse::Deferred(_));
        let Some(ResponseEncryption { key, encryption, deflate }) = encryption else {
            return Ok(Reply { deferred, content: Content::Json(response) });
        };
        let made = |error: &dyn std::fmt::Display| Fault::Make(error.to_string());
        let text = Secret::new(serde_json::to_vec(&response).map_err(|error| made(&error))?);
        let encrypt = if *deflate { jwe::encrypt_deflated } else { jwe::encrypt };
        let sealed = encrypt(text.expose(), key, *encryption, &*self.random).map_err(|error| made(&error))?;
        Ok(Reply { deferred, content: Content::Jwt(sealed) })
    }

    /// What the metadata call the key that requests are encrypted to.
    pub(in crate::issuance) fn decryption_kid(&self) -> String {
        base64url::encode(self.keyring.decryption().thumbprint())
    }
}

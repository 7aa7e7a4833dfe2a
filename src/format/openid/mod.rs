//! The messages of OpenID for Verifiable Credential Issuance 1.0, OpenID for Verifiable Presentations 1.0 and of OAuth
//! around them: text to types and back.
//!
//! Members the standards do not know are ignored, as they ask; a JSON key or form parameter that stands twice is refused
//! (RFC 6749 section 3.2), and a parameter without a value counts as left out (section 3.1).

pub mod authorization;
pub mod client_attestation;
pub mod credential;
pub mod dpop;
pub mod form;
pub mod languages;
pub mod metadata;
pub mod offer;
pub mod presentation;
pub mod token;

use serde::{Deserialize, Serialize};

/// The answer of the nonce endpoint (OpenID4VCI 1.0 section 7.2). Goes out with `Cache-Control: no-store`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NonceResponse {
    /// The nonce.
    pub c_nonce: String,
}

/// The error document of token and credential endpoint (RFC 6749 section 5.2, OpenID4VCI 1.0 section 8.3.1.2).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ErrorResponse {
    /// The code.
    pub error: String,
    /// What is wrong, for developers; never a name, number or secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
}

impl ErrorResponse {
    /// An error with a description, whose characters are cut to those the standard allows: %x20-21, %x23-5B, %x5D-7E.
    pub fn new(error: &str, description: &str) -> Self {
        let allowed = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
        Self { error: error.to_owned(), error_description: Some(description.chars().filter(allowed).collect()) }
    }
}

#[cfg(test)]
mod tests;

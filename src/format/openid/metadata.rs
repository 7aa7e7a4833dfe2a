//! Metadata of the issuer and of its authorisation server.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Format identifier of SD-JWT VC (OpenID4VCI 1.0 appendix A.3).
pub const SD_JWT_VC: &str = "dc+sd-jwt";

/// Type of signed metadata (OpenID4VCI 1.0 section 12.2.3).
pub const SIGNED_METADATA_TYPE: &str = "openidvci-issuer-metadata+jwt";

/// Media type of signed metadata.
pub const SIGNED_METADATA_MEDIA_TYPE: &str = "application/jwt";

/// Metadata of the credential issuer (OpenID4VCI 1.0 section 12.2.4).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct IssuerMetadata {
    /// The issuer's identifier: the URL this stands under, without the well-known part.
    pub credential_issuer: String,
    /// Where cards are fetched.
    pub credential_endpoint: String,
    /// Where nonces are fetched.
    pub nonce_endpoint: String,
    /// Where cards are fetched that were not there at once.
    pub deferred_credential_endpoint: String,
    /// Where wallets tell what became of cards.
    pub notification_endpoint: String,
    /// How requests are encrypted.
    pub credential_request_encryption: RequestEncryption,
    /// How answers are encrypted.
    pub credential_response_encryption: AnswerEncryption,
    /// How many copies one request may fetch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_credential_issuance: Option<BatchIssuance>,
    /// The issuer's name, by language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub display: Vec<Display>,
    /// What it issues.
    pub credential_configurations_supported: BTreeMap<String, CredentialConfiguration>,
}

/// Encryption of requests.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RequestEncryption {
    /// The keys to encrypt to, each with `kid` and `alg`.
    pub jwks: KeySet,
    /// The ciphers, the one to prefer first.
    pub enc_values_supported: Vec<String>,
    /// The compressions.
    pub zip_values_supported: Vec<String>,
    /// Whether a request in the clear is refused.
    pub encryption_required: bool,
}

/// Encryption of answers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AnswerEncryption {
    /// The key agreements.
    pub alg_values_supported: Vec<String>,
    /// The ciphers, the one to prefer first.
    pub enc_values_supported: Vec<String>,
    /// The compressions.
    pub zip_values_supported: Vec<String>,
    /// Whether a request that asks for an answer in the clear is refused.
    pub encryption_required: bool,
}

/// Batch issuance.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct BatchIssuance {
    /// Most proofs in one request, at least 2.
    pub batch_size: usize,
}

/// A name in one language.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Display {
    /// The name.
    pub name: String,
    /// The language (BCP 47).
    pub locale: String,
    /// The picture beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<Logo>,
}

/// A picture by its address, and in words.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Logo {
    /// Where it is.
    pub uri: String,
    /// What it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt_text: Option<String>,
}

/// One configuration of a credential.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct CredentialConfiguration {
    /// The format.
    pub format: String,
    /// The scope that asks for it.
    pub scope: String,
    /// The type (SD-JWT VC).
    pub vct: String,
    /// How the credential is signed.
    pub credential_signing_alg_values_supported: Vec<String>,
    /// How a holder key is named.
    pub cryptographic_binding_methods_supported: Vec<String>,
    /// Which proofs of possession are taken.
    pub proof_types_supported: BTreeMap<String, ProofType>,
    /// Looks and claims.
    pub credential_metadata: Value,
}

/// A proof type.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProofType {
    /// The algorithms a proof may be signed with.
    pub proof_signing_alg_values_supported: Vec<String>,
    /// What the keys have to be attested to be; without it they need no attestation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_attestations_required: Option<KeyAttestationsRequired>,
}

/// What a key attestation has to say: one of the levels of each list. Without lists it is needed, and says what it likes.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct KeyAttestationsRequired {
    /// Against whom the store of the keys holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_storage: Vec<String>,
    /// Against whom the unlocking of the keys holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_authentication: Vec<String>,
}

/// Metadata of the authorisation server (RFC 8414 section 2).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AuthorizationServerMetadata {
    /// Its identifier.
    pub issuer: String,
    /// Where a browser opens a pushed request.
    pub authorization_endpoint: String,
    /// Where a request is pushed (RFC 9126 section 5).
    pub pushed_authorization_request_endpoint: String,
    /// Whether there is no other way to ask.
    pub require_pushed_authorization_requests: bool,
    /// Whether the answer names who gave it (RFC 9207 section 3).
    pub authorization_response_iss_parameter_supported: bool,
    /// How a challenge may be made (RFC 7636).
    pub code_challenge_methods_supported: Vec<String>,
    /// What can be asked for by scope.
    pub scopes_supported: Vec<String>,
    /// Where tokens are fetched.
    pub token_endpoint: String,
    /// How clients show who they are there.
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// The algorithms of DPoP proofs (RFC 9449 section 5.1).
    pub dpop_signing_alg_values_supported: Vec<String>,
    /// What wallet attestations are made with, where any is believed.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub client_attestation: Option<ClientAttestationSupport>,
    /// What an answer may hold.
    pub response_types_supported: Vec<String>,
    /// How an answer comes back.
    pub response_modes_supported: Vec<String>,
    /// The grants.
    pub grant_types_supported: Vec<String>,
    /// The types of `authorization_details` (RFC 9396 section 10).
    pub authorization_details_types_supported: Vec<String>,
    /// Whether a pre-authorised code is taken from a wallet that does not name itself (OpenID4VCI 1.0 section 12.3).
    #[serde(rename = "pre-authorized_grant_anonymous_access_supported")]
    pub anonymous_access_supported: bool,
}

/// How wallet attestations are taken (draft-ietf-oauth-attestation-based-client-auth section 8).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ClientAttestationSupport {
    /// The algorithms of attestations.
    pub client_attestation_signing_alg_values_supported: Vec<String>,
    /// The algorithms of the proofs beside them.
    pub client_attestation_pop_signing_alg_values_supported: Vec<String>,
    /// Which proofs are taken; `none` among them where an attestation may be left out.
    pub client_attestation_pop_methods_supported: Vec<String>,
    /// Where challenges are fetched.
    pub challenge_endpoint: String,
}

/// Metadata of the issuer of SD-JWT VCs (draft-ietf-oauth-sd-jwt-vc section 4). The keys stand in it, so that no other
/// key of the service is taken for one that signs credentials.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct JwtVcIssuerMetadata {
    /// Equal to `iss` of the credentials.
    pub issuer: String,
    /// The keys that sign credentials.
    pub jwks: KeySet,
}

/// A set of public keys (RFC 7517 section 5).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct KeySet {
    /// The keys.
    pub keys: Vec<Value>,
}

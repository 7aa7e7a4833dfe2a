//! X.509 certificates (RFC 5280): chains that strangers send in `x5c`, and the certificates this service makes.
//!
//! A chain is verified in one pure step from bytes, trust anchors and a time ([`verify_chain`]). The rules are those of
//! RFC 5280 section 6.1, narrowed by HAIP 1.0: the anchor is never part of the chain, and the leaf is not self-signed.
//! Whatever constrains a certificate and is not understood here refuses it.

mod build;
mod certificate;
mod chain;
mod known;
mod spki;

pub use build::{AlternativeName, BuildError, Issuer, Request, Role, Subject, Validity, issue, leaf, root};
pub use certificate::{CertificateError, CertificateFacts};
pub use chain::{Anchor, AuthorityId, ChainError, Leaf, MAX_INTERMEDIATES, check_own_chain, verify_chain, verify_chain_for};
pub use known::KnownChains;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

/// The `x5c` header of a chain of DER certificates, leaf first: standard base64 with padding (RFC 7515 section 4.1.6).
pub fn x5c_header(chain: &[Vec<u8>]) -> Value {
    chain.iter().map(|certificate| Value::String(STANDARD.encode(certificate))).collect()
}

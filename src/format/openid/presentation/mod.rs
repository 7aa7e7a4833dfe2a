//! The messages of OpenID for Verifiable Presentations 1.0 (sections 5 and 8, appendix A), from the side of a verifier.
//!
//! What is sent is written from types that cannot say what the standard forbids: `response_uri` and `redirect_uri` never
//! stand in one request, because only the first can be written. What is received is read within bounds.

mod dc_api;
mod metadata;
mod request;
mod response;
mod transaction_data;
mod vp_token;

pub use dc_api::{Protocol, digital_credential_request};
pub use metadata::ClientMetadata;
pub use request::{AUDIENCE, Destination, FetchForm, FetchFormError, RequestClaims, VerifierInfo};
pub use response::{PostedResponse, ResponseError, WalletError};
pub use transaction_data::{HashAlgorithm, TransactionData};
pub use vp_token::{VpToken, VpTokenError};

/// The media type of a request object, and what its `typ` is without `application/` (section 5.10).
pub const REQUEST_OBJECT_TYPE: &str = "oauth-authz-req+jwt";

#[cfg(test)]
mod tests;

//! What a verifier expects of a presentation, settled before it looks at one (RFC 9901 section 9.5).

use std::collections::BTreeSet;

use crate::{base::limits::KEY_BINDING_AGE_SECONDS, format::dcql::CredentialQuery};

/// Whether the presenter has to prove possession of the credential's key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HolderBinding {
    /// Yes, for this verifier.
    Required {
        /// The nonce that was given out; `None` only where policy allows presentations made without one, and then a
        /// replay within [`KEY_BINDING_AGE_SECONDS`] is not noticed here.
        nonce: Option<String>,
        /// The verifier's identifier.
        audience: String,
    },
    /// No: anybody may show it, and one that carries a proof nobody asked for is refused (RFC 9901 section 4).
    NotRequired,
}

/// Which types of credential are accepted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum AcceptedTypes {
    /// All types of all issuers that are believed.
    #[default]
    All,
    /// These values of `vct`, compared exactly.
    Only(BTreeSet<String>),
}

/// What is expected. Holder binding has no default: whoever verifies says whether it is needed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Expectations {
    /// Whether the presenter proves to be the holder.
    pub holder_binding: HolderBinding,
    /// The oldest proof of the holder that is good enough, in seconds; never more than [`KEY_BINDING_AGE_SECONDS`].
    pub max_proof_age_seconds: i64,
    /// Which types are accepted.
    pub types: AcceptedTypes,
    /// Whether a credential without an end of validity is refused. Its issuer may have hidden the end (RFC 9901
    /// section 9.7), so presence is checked, not assumed.
    pub requires_expiry: bool,
    /// The credential query that it answers, every part of which is checked again: a wallet may have matched it wrongly, or
    /// not at all (OpenID4VP 1.0 section 6.4.1).
    pub query: Option<CredentialQuery>,
    /// The entries of `transaction_data` that this credential may confirm, as they stood in the request.
    pub transaction_data: Vec<String>,
}

impl Expectations {
    /// Every type, with an end of validity.
    pub fn new(holder_binding: HolderBinding) -> Self {
        Self {
            holder_binding,
            max_proof_age_seconds: KEY_BINDING_AGE_SECONDS,
            types: AcceptedTypes::All,
            requires_expiry: true,
            query: None,
            transaction_data: Vec::new(),
        }
    }
}

//! DCQL, the query language of OpenID4VP 1.0 (sections 6 and 7): what a verifier asks for, and whether what came answers it.
//!
//! A wallet is never believed to have applied a query (section 14.11): [`CredentialQuery::check`] holds each credential
//! to it again, [`Query::check_answered`] the whole response.

mod check;
mod excess;
mod path;
mod read;
mod write;

pub use check::{Candidate, Mismatch, Unanswered};
pub use excess::{Exceeding, Excess};
pub use path::{Element, Path, PathError};
pub use read::QueryError;

use serde_json::Value;

/// A query (section 6). Only a well-formed one is ever made by [`Query::read`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Query {
    /// The credentials that are asked for; never empty, each `id` once.
    pub credentials: Vec<CredentialQuery>,
    /// Which of them together answer the query; all of them when there is no set (section 6.4.2).
    pub credential_sets: Vec<CredentialSet>,
}

/// One credential that is asked for (section 6.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CredentialQuery {
    /// Its name in the query and in the response: letters, digits, `_` and `-`.
    pub id: String,
    /// Format and type.
    pub meta: Meta,
    /// Whether more than one credential may be returned for it.
    pub multiple: bool,
    /// One of them has to stand behind the issuer; anybody may when there is none.
    pub trusted_authorities: Vec<TrustedAuthority>,
    /// Whether the holder has to prove possession of the credential's key.
    pub require_cryptographic_holder_binding: bool,
    /// The claims; none: nothing that can be disclosed selectively.
    pub claims: Vec<ClaimQuery>,
    /// Which claims together are enough, in the verifier's order of preference; all of them when there is no set.
    pub claim_sets: Vec<Vec<String>>,
}

/// Format and type of a credential (sections 6.1, B.2.3 and B.3.5).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Meta {
    /// `dc+sd-jwt` with one of these values of `vct`.
    SdJwtVc(Vec<String>),
    /// `mso_mdoc` with this document type.
    Mdoc(String),
}

impl Meta {
    /// The identifier of the format.
    pub const fn format(&self) -> &'static str {
        match self {
            Self::SdJwtVc(_) => "dc+sd-jwt",
            Self::Mdoc(_) => "mso_mdoc",
        }
    }

    /// Whether a credential of this type is one of those asked for.
    pub fn has_type(&self, credential_type: &str) -> bool {
        match self {
            Self::SdJwtVc(types) => types.iter().any(|one| one == credential_type),
            Self::Mdoc(document_type) => document_type == credential_type,
        }
    }
}

/// Who may stand behind an issuer (section 6.1.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TrustedAuthority {
    /// `aki`: one of these key identifiers, as bytes, stands in a certificate of the chain.
    KeyIdentifier(Vec<Vec<u8>>),
    /// `etsi_tl`: the anchor stands in the trust list of one of these addresses.
    TrustList(Vec<String>),
    /// A kind that is not known here, which nothing matches.
    Unknown {
        /// Its `type`.
        kind: String,
        /// Its values.
        values: Vec<String>,
    },
}

/// One claim that is asked for (section 6.3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClaimQuery {
    /// Its name within `claim_sets`.
    pub id: Option<String>,
    /// Where it stands.
    pub path: Path,
    /// Texts, whole numbers or booleans, one of which it has to be; anything when there is none.
    pub values: Vec<Value>,
    /// For mdoc: whether the verifier means to keep it.
    pub intent_to_retain: Option<bool>,
}

/// Credentials of which one option is enough (section 6.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CredentialSet {
    /// Each option is a list of names of credentials.
    pub options: Vec<Vec<String>>,
    /// Whether it has to be answered.
    pub required: bool,
}

impl Query {
    /// The credential query of this name.
    pub fn credential(&self, id: &str) -> Option<&CredentialQuery> {
        self.credentials.iter().find(|credential| credential.id == id)
    }
}

#[cfg(test)]
mod tests;

//! Whether what came answers a query (OpenID4VP 1.0 sections 6.4 and 8.6).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{ClaimQuery, CredentialQuery, Query, TrustedAuthority, path};

/// A credential that was verified, as a query looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Its format.
    pub format: &'a str,
    /// Its `vct` or document type.
    pub credential_type: &'a str,
    /// What was disclosed; for mdoc an object of namespaces.
    pub claims: &'a Map<String, Value>,
    /// The authority key identifiers of the certificates of its chain.
    pub authority_key_ids: &'a [Vec<u8>],
    /// The addresses of the trust lists that its anchor stands in.
    pub trusted_lists: &'a [String],
    /// Whether the holder proved possession of its key.
    pub holder_bound: bool,
}

/// Why a credential does not answer a credential query. Names claims, and never their values.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Mismatch {
    /// Another format.
    #[error("another format was asked for")]
    Format,
    /// Another type.
    #[error("another type was asked for")]
    Type,
    /// The holder did not prove possession of its key.
    #[error("holder binding was asked for")]
    HolderBinding,
    /// None of the authorities that were asked for stands behind it.
    #[error("none of the authorities that were asked for stands behind it")]
    Authority,
    /// A claim is missing, or what stands in its place is no object or array where one is due.
    #[error("{0} is missing")]
    ClaimMissing(String),
    /// A claim has none of the values that were asked for.
    #[error("{0} has none of the values asked for")]
    ClaimValue(String),
}

/// Why a response does not answer the query.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unanswered {
    /// This credential was asked for.
    #[error("{0} was asked for")]
    Credential(String),
    /// None of the options of this set, counted from 0, is there whole.
    #[error("none of the options of credential set {0} is there")]
    Set(usize),
}

impl CredentialQuery {
    /// Holds a credential to the query.
    pub fn check(&self, candidate: &Candidate<'_>) -> Result<(), Mismatch> {
        if candidate.format != self.meta.format() {
            return Err(Mismatch::Format);
        }
        if !self.meta.has_type(candidate.credential_type) {
            return Err(Mismatch::Type);
        }
        if self.require_cryptographic_holder_binding && !candidate.holder_bound {
            return Err(Mismatch::HolderBinding);
        }
        let stands_behind = |authority: &TrustedAuthority| match authority {
            TrustedAuthority::KeyIdentifier(ids) => ids.iter().any(|id| candidate.authority_key_ids.contains(id)),
            TrustedAuthority::TrustList(lists) => lists.iter().any(|list| candidate.trusted_lists.contains(list)),
            TrustedAuthority::Unknown { .. } => false,
        };
        if !self.trusted_authorities.is_empty() && !self.trusted_authorities.iter().any(stands_behind) {
            return Err(Mismatch::Authority);
        }
        self.check_claims(candidate.claims)
    }

    /// All claims, or those of one set; what the most preferred set lacks is what is said.
    fn check_claims(&self, claims: &Map<String, Value>) -> Result<(), Mismatch> {
        if self.claim_sets.is_empty() {
            return self.claims.iter().try_for_each(|claim| check_claim(claim, claims));
        }
        let mut first = None;
        for set in &self.claim_sets {
            match self.of_set(set).into_iter().try_for_each(|claim| check_claim(claim, claims)) {
                Ok(()) => return Ok(()),
                Err(mismatch) => first = first.or(Some(mismatch)),
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// The claims that a set names.
    pub(super) fn of_set(&self, set: &[String]) -> Vec<&ClaimQuery> {
        self.claims.iter().filter(|claim| claim.id.as_ref().is_some_and(|id| set.contains(id))).collect()
    }

    /// What of `claims` was asked for: a wallet that shows more than that is not read further.
    pub fn asked_for(&self, claims: &Map<String, Value>) -> Map<String, Value> {
        let paths: Vec<_> = self.claims.iter().map(|claim| claim.path.elements()).collect();
        path::project(claims, &paths)
    }
}

fn check_claim(query: &ClaimQuery, claims: &Map<String, Value>) -> Result<(), Mismatch> {
    let selected = query.path.select(claims).map_err(|_| Mismatch::ClaimMissing(query.path.to_string()))?;
    // Type and value are the same, exactly (section 6.3); of several selected claims one is enough.
    let fits = query.values.is_empty() || selected.iter().any(|value| query.values.contains(value));
    if fits { Ok(()) } else { Err(Mismatch::ClaimValue(query.path.to_string())) }
}

impl Query {
    /// Whether the credentials named here, each of which answers its own query, together answer this one (section
    /// 6.4.2).
    pub fn check_answered(&self, answered: &BTreeSet<&str>) -> Result<(), Unanswered> {
        let has = |id: &str| answered.contains(id);
        if self.credential_sets.is_empty() {
            let missing = self.credentials.iter().find(|credential| !has(&credential.id));
            return missing.map_or(Ok(()), |credential| Err(Unanswered::Credential(credential.id.clone())));
        }
        let met = |options: &[Vec<String>]| options.iter().any(|option| option.iter().all(|id| has(id)));
        let unmet = self.credential_sets.iter().position(|set| set.required && !met(&set.options));
        unmet.map_or(Ok(()), |place| Err(Unanswered::Set(place)))
    }
}

//! Whether a query asks for more than another one.

use super::{ClaimQuery, CredentialQuery, Meta, Query};

/// In what a query asks for more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Excess {
    /// The credential query.
    pub credential: String,
    /// What of it.
    pub what: Exceeding,
}

/// What is asked for beyond what is registered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Exceeding {
    /// A credential, or another format or type of it.
    Credential,
    /// Several of it.
    Multiple,
    /// To do without holder binding.
    WithoutHolderBinding,
    /// Of anybody, where authorities are registered, or of others.
    Authority,
    /// This claim.
    Claim(String),
    /// Any value of this claim, where it is registered to be one of a few.
    Value(String),
}

impl std::fmt::Display for Excess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = &self.credential;
        match &self.what {
            Exceeding::Credential => write!(f, "{id}: not this credential"),
            Exceeding::Multiple => write!(f, "{id}: not several of it"),
            Exceeding::WithoutHolderBinding => write!(f, "{id}: not without holder binding"),
            Exceeding::Authority => write!(f, "{id}: not of these authorities"),
            Exceeding::Claim(path) => write!(f, "{id}: not the claim {path}"),
            Exceeding::Value(path) => write!(f, "{id}: the claim {path} only as one of its registered values"),
        }
    }
}

impl Query {
    /// In what this query asks for more than `registered`; `None` when in nothing. A credential query is held against the
    /// registered one of the same name.
    pub fn exceeds(&self, registered: &Self) -> Option<Excess> {
        self.credentials.iter().find_map(|asked| {
            let what = match registered.credential(&asked.id) {
                None => Some(Exceeding::Credential),
                Some(registered) => exceeding(asked, registered),
            };
            what.map(|what| Excess { credential: asked.id.clone(), what })
        })
    }
}

fn exceeding(asked: &CredentialQuery, registered: &CredentialQuery) -> Option<Exceeding> {
    let types_within = match (&asked.meta, &registered.meta) {
        (Meta::SdJwtVc(asked), Meta::SdJwtVc(registered)) => asked.iter().all(|one| registered.contains(one)),
        (Meta::Mdoc(asked), Meta::Mdoc(registered)) => asked == registered,
        _ => false,
    };
    let authorities_within = registered.trusted_authorities.is_empty()
        || (!asked.trusted_authorities.is_empty()
            && asked.trusted_authorities.iter().all(|one| registered.trusted_authorities.contains(one)));
    if !types_within {
        Some(Exceeding::Credential)
    } else if asked.multiple && !registered.multiple {
        Some(Exceeding::Multiple)
    } else if registered.require_cryptographic_holder_binding && !asked.require_cryptographic_holder_binding {
        Some(Exceeding::WithoutHolderBinding)
    } else if !authorities_within {
        Some(Exceeding::Authority)
    } else {
        asked.claims.iter().find_map(|claim| exceeding_claim(claim, &registered.claims))
    }
}

fn exceeding_claim(asked: &ClaimQuery, registered: &[ClaimQuery]) -> Option<Exceeding> {
    let covering: Vec<_> = registered.iter().filter(|one| one.path.covers(&asked.path)).collect();
    if covering.is_empty() {
        return Some(Exceeding::Claim(asked.path.to_string()));
    }
    let values_within = covering.iter().any(|one| {
        one.values.is_empty() || (!asked.values.is_empty() && asked.values.iter().all(|value| one.values.contains(value)))
    });
    (!values_within).then(|| Exceeding::Value(asked.path.to_string()))
}

//! Whether a query asks for more than another one.

use std::collections::BTreeSet;

use super::{ClaimQuery, CredentialQuery, CredentialSet, Meta, Query};

/// Most combinations of options that are compared. A registered query has a handful; one that has more is not held to be
/// within anything.
const COMBINATIONS: usize = 256;

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
    /// Claims together that are registered as alternatives.
    ClaimsTogether,
    /// This credential together with others that are registered as alternatives.
    Together,
    /// To do without a credential that the registered query needs.
    Without(String),
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
            Exceeding::ClaimsTogether => write!(f, "{id}: not these claims together"),
            Exceeding::Together => write!(f, "{id}: not together with the others"),
            Exceeding::Without(what) => write!(f, "{id}: not alone: {what}"),
        }
    }
}

impl Query {
    /// In what this query asks for more than `registered`; `None` when in nothing. A credential query is held against the
    /// registered one of the same name.
    pub fn exceeds(&self, registered: &Self) -> Option<Excess> {
        let alone = self.credentials.iter().find_map(|asked| {
            let what = match registered.credential(&asked.id) {
                None => Some(Exceeding::Credential),
                Some(registered) => exceeding(asked, registered),
            };
            what.map(|what| Excess { credential: asked.id.clone(), what })
        });
        alone.or_else(|| self.exceeds_together(registered))
    }

    /// Which condition of `registered` this query leaves out: a credential that it needs, or a claim that has to have one of
    /// a few values there and is not asked for here. Who asks for less is told less, but is not told "accepted" for less.
    pub fn drops_condition(&self, registered: &Self) -> Option<Excess> {
        let first = self.credentials.first().map(|credential| credential.id.clone()).unwrap_or_default();
        let without = |what: String| Excess { credential: first.clone(), what: Exceeding::Without(what) };
        let Some(ways) = self.combinations(|set| set.required) else {
            return Some(without("too many ways to answer".to_owned()));
        };
        if let Some(unanswered) = ways.iter().find_map(|way| registered.check_answered(way).err()) {
            return Some(without(unanswered.to_string()));
        }
        self.credentials.iter().find_map(|asked| {
            let path = dropped_condition(asked, registered.credential(&asked.id)?)?;
            Some(Excess { credential: asked.id.clone(), what: Exceeding::Value(path) })
        })
    }

    /// Who registered one card or another does not get both.
    fn exceeds_together(&self, registered: &Self) -> Option<Excess> {
        let excess = |id: Option<&str>| {
            let credential = id.unwrap_or_default().to_owned();
            Excess { credential, what: Exceeding::Together }
        };
        let first = self.credentials.first().map(|credential| credential.id.as_str());
        let (Some(asked), Some(most)) = (self.combinations(|_| true), registered.combinations(|_| true)) else {
            return Some(excess(first));
        };
        let beyond = asked.iter().find(|together| !most.iter().any(|most| together.is_subset(most)))?;
        Some(excess(beyond.first().copied()))
    }

    /// The credentials of each choice of one option of every set that counts; `None` when there are more than
    /// [`COMBINATIONS`] choices. With every set it is the most that can be shown, with the required ones the least.
    fn combinations(&self, counts: fn(&CredentialSet) -> bool) -> Option<Vec<BTreeSet<&str>>> {
        if self.credential_sets.is_empty() {
            return Some(vec![self.credentials.iter().map(|credential| credential.id.as_str()).collect()]);
        }
        let mut all = vec![BTreeSet::new()];
        for set in self.credential_sets.iter().filter(|set| counts(set)) {
            if all.len() * set.options.len() > COMBINATIONS {
                return None;
            }
            let mut longer = Vec::new();
            for option in &set.options {
                for chosen in &all {
                    let mut chosen: BTreeSet<&str> = chosen.clone();
                    chosen.extend(option.iter().map(String::as_str));
                    longer.push(chosen);
                }
            }
            all = longer;
        }
        Some(all)
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
        let alone = asked.claims.iter().find_map(|claim| exceeding_claim(claim, &registered.claims));
        alone.or_else(|| exceeding_sets(asked, registered))
    }
}

/// A condition counts when every way to answer the registered query meets it, and is kept when every way to answer the
/// other one does.
fn dropped_condition(asked: &CredentialQuery, registered: &CredentialQuery) -> Option<String> {
    let ways = |query: &CredentialQuery, path: &super::Path| -> bool {
        let in_set = |set: &Vec<String>| query.of_set(set).iter().any(|claim| claim.path == *path);
        match query.claim_sets.as_slice() {
            [] => query.claims.iter().any(|claim| claim.path == *path),
            sets => sets.iter().all(in_set),
        }
    };
    let conditions = registered.claims.iter().filter(|claim| !claim.values.is_empty());
    let mut binding = conditions.map(|claim| &claim.path).filter(|path| ways(registered, path));
    binding.find(|path| !ways(asked, path)).map(ToString::to_string)
}

/// Who registered one claim or another does not get both: the claims of each set that is asked for stand in one of the
/// registered sets.
fn exceeding_sets(asked: &CredentialQuery, registered: &CredentialQuery) -> Option<Exceeding> {
    if registered.claim_sets.is_empty() {
        return None;
    }
    let within = |claims: &[&ClaimQuery]| {
        registered.claim_sets.iter().any(|set| {
            let registered = registered.of_set(set);
            claims.iter().all(|claim| registered.iter().any(|one| one.path.covers(&claim.path)))
        })
    };
    let good = match asked.claim_sets.as_slice() {
        [] => within(&asked.claims.iter().collect::<Vec<_>>()),
        sets => sets.iter().all(|set| within(&asked.of_set(set))),
    };
    (!good).then_some(Exceeding::ClaimsTogether)
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

#[cfg(test)]
#[path = "excess_tests.rs"]
mod tests;

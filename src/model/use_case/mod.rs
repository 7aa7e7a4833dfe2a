//! Use cases: what a kind of checkpoint asks a citizen for and why, and the rules by which it decides.
//!
//! A use case is a TOML file and nothing else (`docs/USE-CASES.md`). Five are built in; a folder may hold more, and may
//! replace these.

mod asked;
mod file;
mod query;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

pub use file::{Cause, UseCaseFileError};
pub use query::PICTURES;
use serde_json::Value;

use crate::{
    format::dcql::{Excess, Query},
    model::credential_type::{Bilingual, CredentialTypes},
};

/// The use cases that ship.
const BUILT_IN: [(&str, &str); 5] = [
    ("age-over-18.toml", include_str!("../../../use-cases/age-over-18.toml")),
    ("boarding.toml", include_str!("../../../use-cases/boarding.toml")),
    ("freight-driver.toml", include_str!("../../../use-cases/freight-driver.toml")),
    ("hotel-check-in.toml", include_str!("../../../use-cases/hotel-check-in.toml")),
    ("security-check.toml", include_str!("../../../use-cases/security-check.toml")),
];

/// What the service itself asks of citizens who sign in with a card.
const SIGN_IN: (&str, &str) = ("sign-in.toml", include_str!("../../../use-cases/service/sign-in.toml"));

/// One step of a claims path (OpenID4VP 1.0 section 7).
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum AskedStep {
    /// A member of an object.
    Name(String),
    /// An element of an array, counted from 0.
    Index(u32),
    /// Every element of an array; `null` in a query, `*` in a file.
    Every,
}

/// A claim that is asked for, in words and as a path.
#[derive(Clone, Debug, PartialEq)]
pub struct AskedClaim {
    /// Its name inside the credential query; the claim sets are made of these.
    pub id: Option<String>,
    /// Where it stands; not empty.
    pub path: Vec<AskedStep>,
    /// The values that are good enough; empty when every value is.
    pub values: Vec<Value>,
    /// What it is called.
    pub label: Bilingual,
}

/// A credential that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct AskedCredential {
    /// Its name in the query and in the answer.
    pub id: String,
    /// What people call it.
    pub title: Bilingual,
    /// The types that answer, each a full `vct`; not empty.
    pub vct_values: Vec<String>,
    /// Whether several may be shown.
    pub multiple: bool,
    /// Whether the presenter has to prove to be the holder.
    pub holder_binding: bool,
    /// The claims, in the order in which they are shown.
    pub claims: Vec<AskedClaim>,
    /// Which claims together are good enough, the best first; empty when all are needed.
    pub claim_sets: Vec<Vec<String>>,
    /// Authorities whose credentials are wanted: kind (`aki`, `etsi_tl`) and values; empty when any trusted one will do.
    pub authorities: Vec<(String, Vec<String>)>,
}

impl AskedCredential {
    /// Whether an answer without this claim is never good enough.
    pub fn needs(&self, claim: &AskedClaim) -> bool {
        self.claim_sets.iter().all(|set| claim.id.as_ref().is_some_and(|id| set.contains(id)))
    }
}

/// Credentials that are wanted together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AskedSet {
    /// Each option is good enough by itself; the best first.
    pub options: Vec<Vec<String>>,
    /// Whether one of them has to be answered.
    pub required: bool,
}

/// Whose credentials are believed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum TrustedIssuers {
    /// Every issuer whose certificates lead to a trust anchor.
    #[default]
    Anchored,
    /// This service's own.
    Own,
    /// These, by their identifiers; their certificates have to lead to an anchor all the same.
    Only(BTreeSet<String>),
}

/// What is decided when a good status is too old.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WhenTooOld {
    /// Undetermined: a person decides.
    #[default]
    Undetermined,
    /// Refused.
    Refused,
}

/// What has to be known of a card's status.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StatusRule {
    /// The oldest good status that is good enough, in seconds.
    pub max_age_seconds: i64,
    /// What follows when it is older.
    pub when_too_old: WhenTooOld,
    /// Whether a credential that names no status is refused.
    pub required: bool,
}

/// Whether a boarding pass is matched with the person.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum BoardingPassRule {
    /// The use case knows no boarding passes.
    #[default]
    None,
    /// When one was given.
    Optional,
    /// Nothing is accepted without one.
    Required,
}

/// By what two credentials are told to be one person's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SamePersonBy {
    /// Equal `id_number`.
    IdNumber,
    /// Equal `name` and `birth_date`.
    NameAndBirthDate,
}

/// Which credentials have to be one person's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SamePersonRule {
    /// Their ids in the query; two or more.
    pub credentials: Vec<String>,
    /// By what it is told.
    pub by: SamePersonBy,
}

/// What is kept of a decision; without a rule nothing is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EvidenceRule {
    /// For how many days; after them it cannot be opened by anybody.
    pub days: u16,
}

/// What is decided on a presentation shown as a QR that was made without the gate's code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WithoutCode {
    /// Undetermined: the officer decides.
    Amber,
    /// Refused.
    Refused,
}

/// A use case: its words, what it asks for, and its rules.
#[derive(Clone, Debug, PartialEq)]
pub struct UseCase {
    /// Its name in the API and the name of its file.
    pub name: String,
    /// What people call it.
    pub title: Bilingual,
    /// Why the citizen is asked; shown to the citizen.
    pub purpose: Bilingual,
    /// What is asked for.
    pub credentials: Vec<AskedCredential>,
    /// Which of them together are good enough; empty when all are needed.
    pub credential_sets: Vec<AskedSet>,
    /// Whose credentials are believed.
    pub issuers: TrustedIssuers,
    /// What has to be known of a card's status.
    pub status: StatusRule,
    /// The oldest holder's proof, in seconds.
    pub max_proof_age_seconds: i64,
    /// Whether a boarding pass is matched.
    pub boarding_pass: BoardingPassRule,
    /// Which credentials have to be one person's.
    pub same_person: Option<SamePersonRule>,
    /// What is kept.
    pub evidence: Option<EvidenceRule>,
    /// Whether a presentation may be shown as a QR by the wallet, and what follows when it was made without the gate's
    /// code; none when it may not.
    pub shown_qr: Option<WithoutCode>,
    /// How long a result stays in memory, in seconds.
    pub results_seconds: i64,
    /// The types of transaction data that a request may carry (OpenID4VP 1.0 section 8.4).
    pub transaction_data_types: BTreeSet<String>,
    query: Query,
    query_shown: Query,
}

impl UseCase {
    /// The query that a wallet gets.
    pub const fn query(&self) -> &Query {
        &self.query
    }

    /// The query of a presentation that the wallet shows as a QR: without pictures.
    pub const fn query_shown(&self) -> &Query {
        &self.query_shown
    }

    /// Passes when `asked` asks for no more than the use case registers (THREATS, rogue checkpoint), and leaves out none of
    /// its conditions. Every rule of the use case holds for it all the same.
    pub fn narrow(&self, asked: &Query) -> Result<(), Excess> {
        let excess = asked.exceeds(&self.query).or_else(|| asked.drops_condition(&self.query));
        excess.map_or(Ok(()), Err)
    }
}

/// Every use case of the service.
#[derive(Clone, Debug, Default)]
pub struct UseCases {
    by_name: BTreeMap<String, Arc<UseCase>>,
    sign_in: Option<Arc<UseCase>>,
    left_out: Vec<UseCaseFileError>,
}

impl UseCases {
    /// The built-in use cases, and over them every `*.toml` of `folder`. Names of `types` stand for the types of this
    /// service at `public_url`.
    ///
    /// A file of the folder that is no use case stops the start, with the reason. A built-in one that does not fit the
    /// credential types in force, because an operator replaced one of them, is left out.
    pub fn load(folder: Option<&Path>, types: &CredentialTypes, public_url: &str) -> Result<Self, UseCaseFileError> {
        let own = file::Surroundings { types, public_url };
        let mut cases = Self::default();
        for (file, text) in BUILT_IN {
            match file::read(file, text, own) {
                Ok(case) => cases.add(case),
                Err(error) => cases.left_out.push(error),
            }
        }
        match file::read(SIGN_IN.0, SIGN_IN.1, own) {
            Ok(case) => cases.sign_in = Some(Arc::new(case)),
            Err(error) => cases.left_out.push(error),
        }
        let Some(folder) = folder else { return Ok(cases) };
        let unreadable = |error: std::io::Error| UseCaseFileError {
            file: folder.display().to_string(),
            cause: Cause::Unreadable(error.kind().to_string()),
        };
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let text = std::fs::read_to_string(&path).map_err(unreadable)?;
                let case = file::read(&path.file_name().unwrap_or_default().to_string_lossy(), &text, own)?;
                cases.left_out.retain(|error| error.file != format!("{}.toml", case.name));
                cases.add(case);
            }
        }
        Ok(cases)
    }

    fn add(&mut self, case: UseCase) {
        self.by_name.insert(case.name.clone(), Arc::new(case));
    }

    /// The use case of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<UseCase>> {
        self.by_name.get(name)
    }

    /// What the service itself asks of citizens who sign in with a card; none when the types in force have no such card.
    /// It stands beside the others: no checkpoint is told of it, and none can ask for it.
    pub const fn sign_in(&self) -> Option<&Arc<UseCase>> {
        self.sign_in.as_ref()
    }

    /// Every use case, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<UseCase>> {
        self.by_name.values()
    }

    /// The built-in use cases that do not fit the credential types in force, and why.
    pub fn left_out(&self) -> &[UseCaseFileError] {
        &self.left_out
    }
}

#[cfg(test)]
mod mistakes_tests;
#[cfg(test)]
mod tests;

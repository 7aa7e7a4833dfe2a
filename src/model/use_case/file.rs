//! Reading a use case's TOML file. Every mistake is told with the file, its place and its cure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{
    AskedSet, BoardingPassRule, EvidenceRule, SamePersonBy, SamePersonRule, StatusRule, TrustedIssuers, UseCase, WhenTooOld,
    WithoutCode, asked, query,
};
use crate::{
    base::limits::{
        EVIDENCE_DAYS, KEY_BINDING_AGE_SECONDS, RESULT_SECONDS, RESULT_SECONDS_DEFAULT, STATUS_AGE_SECONDS,
        STATUS_LIST_TTL_SECONDS,
    },
    format::dcql::QueryError,
    model::credential_type::{Bilingual, CredentialTypes},
};

/// Why a file is no use case.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{file}: {cause}")]
pub struct UseCaseFileError {
    /// The file or folder.
    pub file: String,
    /// What is wrong.
    pub cause: Cause,
}

/// What is wrong with a file.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Cause {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// Not TOML, a key missing, of the wrong type or unknown; the message names line and key, and what is expected.
    #[error("{0}")]
    Malformed(String),
    /// A value that makes no sense.
    #[error("{key}: {problem}; {cure}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong.
        problem: String,
        /// What to write instead.
        cure: String,
    },
}

/// A value that makes no sense: key, problem, cure.
pub(super) fn bad(key: impl Into<String>, problem: impl Into<String>, cure: impl Into<String>) -> Cause {
    Cause::Value { key: key.into(), problem: problem.into(), cure: cure.into() }
}

/// What the names in a file refer to.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// The types that are issued here.
    pub types: &'a CredentialTypes,
    /// The public URL.
    pub public_url: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    name: String,
    title: BilingualText,
    purpose: BilingualText,
    #[serde(default)]
    issuers: IssuersText,
    #[serde(default)]
    status: StatusText,
    #[serde(default = "oldest_proof")]
    max_proof_age_seconds: i64,
    boarding_pass: Option<BoardingPassText>,
    same_person: Option<SamePersonText>,
    keep: Option<KeepText>,
    shown_qr: Option<ShownQrText>,
    #[serde(default = "usual_result")]
    results_seconds: i64,
    #[serde(default)]
    transaction_data_types: BTreeSet<String>,
    credentials: Vec<asked::CredentialText>,
    #[serde(default)]
    credential_sets: Vec<SetText>,
}

/// A text in both languages.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BilingualText {
    #[serde(rename = "zh-CN")]
    pub zh_cn: String,
    pub en: String,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "\"anchored\", \"own\" or a list of issuers was expected")]
enum IssuersText {
    Word(IssuersWord),
    Only(BTreeSet<String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum IssuersWord {
    Anchored,
    Own,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StatusText {
    max_age_seconds: i64,
    when_too_old: WhenTooOldText,
    required: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WhenTooOldText {
    Undetermined,
    Refused,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum BoardingPassText {
    Required,
    Optional,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SamePersonText {
    credentials: Vec<String>,
    by: SamePersonByText,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SamePersonByText {
    IdNumber,
    NameAndBirthDate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeepText {
    days: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShownQrText {
    allowed: bool,
    #[serde(default)]
    without_code: WithoutCodeText,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WithoutCodeText {
    Amber,
    #[default]
    Refused,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetText {
    options: Vec<Vec<String>>,
    #[serde(default = "yes")]
    required: bool,
}

impl Default for IssuersText {
    fn default() -> Self {
        Self::Word(IssuersWord::Anchored)
    }
}

impl Default for StatusText {
    /// What is not known is not accepted, unless the file says so.
    fn default() -> Self {
        Self { max_age_seconds: STATUS_AGE_SECONDS, when_too_old: WhenTooOldText::Undetermined, required: true }
    }
}

impl From<BilingualText> for Bilingual {
    fn from(text: BilingualText) -> Self {
        Self { zh_cn: text.zh_cn, en: text.en }
    }
}

pub(super) const fn yes() -> bool {
    true
}

const fn oldest_proof() -> i64 {
    KEY_BINDING_AGE_SECONDS
}

const fn usual_result() -> i64 {
    RESULT_SECONDS_DEFAULT
}

/// Reads the file called `file`, whose name has to be that of the use case.
pub(super) fn read(file: &str, text: &str, own: Surroundings<'_>) -> Result<UseCase, UseCaseFileError> {
    let told = |cause| UseCaseFileError { file: file.to_owned(), cause };
    let read: FileText = toml::from_str(text).map_err(|error| told(Cause::Malformed(error.to_string())))?;
    case(file, read, own).map_err(told)
}

fn case(file: &str, read: FileText, own: Surroundings<'_>) -> Result<UseCase, Cause> {
    check_name(file, &read.name)?;
    let title = words("title", read.title)?;
    let purpose = words("purpose", read.purpose)?;
    let credentials = asked::credentials(read.credentials, own)?;
    let ids: BTreeSet<_> = credentials.iter().map(|credential| credential.id.clone()).collect();
    let sets = sets(read.credential_sets, &ids)?;
    let not_a_query = |error: QueryError| bad("credentials", error.to_string(), "see OpenID4VP 1.0 section 6");
    let case = UseCase {
        query: query::whole(&credentials, &sets).map_err(not_a_query)?,
        query_shown: query::shown(&credentials, &sets).map_err(not_a_query)?,
        credential_sets: sets,
        issuers: issuers(read.issuers)?,
        status: StatusRule {
            max_age_seconds: within("status.max_age_seconds", read.status.max_age_seconds, 0, STATUS_LIST_TTL_SECONDS)?,
            when_too_old: match read.status.when_too_old {
                WhenTooOldText::Undetermined => WhenTooOld::Undetermined,
                WhenTooOldText::Refused => WhenTooOld::Refused,
            },
            required: read.status.required,
        },
        max_proof_age_seconds: within("max_proof_age_seconds", read.max_proof_age_seconds, 1, KEY_BINDING_AGE_SECONDS)?,
        boarding_pass: match read.boarding_pass {
            None => BoardingPassRule::None,
            Some(BoardingPassText::Optional) => BoardingPassRule::Optional,
            Some(BoardingPassText::Required) => BoardingPassRule::Required,
        },
        same_person: read.same_person.map(same_person),
        evidence: match read.keep {
            None => None,
            Some(KeepText { days }) => {
                within("keep.days", days.into(), 1, EVIDENCE_DAYS.into())?;
                Some(EvidenceRule { days })
            }
        },
        shown_qr: read.shown_qr.filter(|shown| shown.allowed).map(|shown| match shown.without_code {
            WithoutCodeText::Amber => WithoutCode::Amber,
            WithoutCodeText::Refused => WithoutCode::Refused,
        }),
        results_seconds: within("results_seconds", read.results_seconds, 1, RESULT_SECONDS)?,
        transaction_data_types: read.transaction_data_types,
        name: read.name,
        title,
        purpose,
        credentials,
    };
    asked::check_rules(&case)?;
    Ok(case)
}

fn check_name(file: &str, name: &str) -> Result<(), Cause> {
    let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(fits) {
        return Err(bad("name", "is no name", "write lower-case letters, digits and hyphens, at most 64"));
    }
    if file != format!("{name}.toml") {
        return Err(bad("name", "is not the name of the file", format!("call the file {name}.toml, or change the name")));
    }
    Ok(())
}

/// Words for people: both languages, neither of them empty.
pub(super) fn words(key: &str, text: BilingualText) -> Result<Bilingual, Cause> {
    for (language, words) in [("zh-CN", &text.zh_cn), ("en", &text.en)] {
        if words.trim().is_empty() {
            return Err(bad(format!("{key}.{language}"), "is empty", "say it in this language too"));
        }
    }
    Ok(text.into())
}

fn within(key: &str, value: i64, least: i64, most: i64) -> Result<i64, Cause> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(bad(key, format!("{value} is out of bounds"), format!("write a number from {least} to {most}")))
}

fn issuers(text: IssuersText) -> Result<TrustedIssuers, Cause> {
    match text {
        IssuersText::Word(IssuersWord::Anchored) => Ok(TrustedIssuers::Anchored),
        IssuersText::Word(IssuersWord::Own) => Ok(TrustedIssuers::Own),
        IssuersText::Only(list) if list.is_empty() => {
            Err(bad("issuers", "the list is empty, so nothing could be accepted", "name an issuer, or leave the key out"))
        }
        IssuersText::Only(list) => Ok(TrustedIssuers::Only(list)),
    }
}

fn same_person(text: SamePersonText) -> SamePersonRule {
    let by = match text.by {
        SamePersonByText::IdNumber => SamePersonBy::IdNumber,
        SamePersonByText::NameAndBirthDate => SamePersonBy::NameAndBirthDate,
    };
    SamePersonRule { credentials: text.credentials, by }
}

fn sets(texts: Vec<SetText>, ids: &BTreeSet<String>) -> Result<Vec<AskedSet>, Cause> {
    let mut reached = BTreeMap::new();
    for (at, set) in texts.iter().enumerate() {
        let key = format!("credential_sets[{at}].options");
        if set.options.is_empty() || set.options.iter().any(Vec::is_empty) {
            return Err(bad(key, "is empty", "name at least one credential in every option"));
        }
        for id in set.options.iter().flatten() {
            if !ids.contains(id) {
                return Err(bad(key, format!("there is no credential `{id}`"), "name ids of [[credentials]]"));
            }
            reached.insert(id.clone(), ());
        }
    }
    if let (false, Some(id)) = (texts.is_empty(), ids.iter().find(|id| !reached.contains_key(*id))) {
        let problem = format!("credential `{id}` stands in no set, so nobody would be asked for it");
        return Err(bad("credential_sets", problem, "put it into a set, or take it out of [[credentials]]"));
    }
    Ok(texts.into_iter().map(|set| AskedSet { options: set.options, required: set.required }).collect())
}

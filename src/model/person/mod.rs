//! A person of the population register.
//!
//! A person comes in as JSON from an administrator and is read field by field ([`Person::read`]), so that everything
//! wrong is told at once, each with its field. What the register keeps is the checked value.

mod read;
mod search;
#[cfg(test)]
pub(crate) mod tests_support;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    base::time::{Date, Timestamp},
    model::id_number::{IdNumber, IdNumberError, Sex},
};

pub use search::{Token, search_tokens};

/// Seconds by which the civil day in China (UTC+8, no summer time) is ahead of UTC.
const CHINA_STANDARD_TIME_SECONDS: i64 = 8 * 3600;

/// Deepest nesting of a qualification's data: claims of a credential stay shallow.
const DATA_DEPTH: usize = 4;

/// The date in China at `at`: birthdays, ages and qualifications turn with it. None outside the years 0 to 9999.
pub fn civil_date(at: Timestamp) -> Option<Date> {
    at.plus_seconds(CHINA_STANDARD_TIME_SECONDS).date()
}

/// Whether a person is to be issued anything.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonState {
    /// Lives here.
    #[default]
    Active,
    /// Died; all cards are revoked.
    Deceased,
    /// Lives elsewhere; gets no new cards.
    MovedAway,
}

impl PersonState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Active, Self::Deceased, Self::MovedAway];

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deceased => "deceased",
            Self::MovedAway => "moved_away",
        }
    }
}

/// Where a person is registered.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct Address {
    pub region: String,
    pub locality: String,
    pub street_address: String,
}

/// A right or office a person was granted, from which a credential type can be issued.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Qualification {
    /// The name of the credential type it entitles to.
    #[serde(rename = "type")]
    pub credential_type: String,
    /// The number of the paper certificate.
    pub number: String,
    /// First day of validity.
    pub valid_from: Date,
    /// Last day of validity.
    pub valid_until: Date,
    /// What else the type's file asks for.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub data: Map<String, Value>,
}

impl Qualification {
    /// Whether it holds on the day.
    pub fn is_valid_on(&self, day: Date) -> bool {
        self.valid_from <= day && day <= self.valid_until
    }
}

/// A person whose every field was checked. `Debug` shows nothing of it.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Person {
    /// The identity number; no two people share one.
    pub id_number: IdNumber,
    /// The whole name as written on the paper card.
    pub name: String,
    /// Family name.
    pub family_name: String,
    /// Given name.
    pub given_name: String,
    /// Family name in Latin letters (pinyin or as in the passport).
    pub latin_family_name: String,
    /// Given name in Latin letters.
    pub latin_given_name: String,
    /// Sex.
    pub sex: Sex,
    /// Ethnic group (民族).
    pub ethnicity: String,
    /// Birth date.
    pub birth_date: Date,
    /// Address.
    pub address: Address,
    /// Portrait as a data URI of a JPEG or PNG image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portrait: Option<String>,
    /// State.
    #[serde(default)]
    pub state: PersonState,
    /// Qualifications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub qualifications: Vec<Qualification>,
    /// Whether an officer looks at each request for a new card of this person before it is issued.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cards_need_approval: bool,
}

impl Person {
    /// The qualification for a credential type that holds on the day; of several the one that holds longest.
    pub fn qualification(&self, credential_type: &str, day: Date) -> Option<&Qualification> {
        let fitting = self.qualifications.iter().filter(|q| q.credential_type == credential_type && q.is_valid_on(day));
        fitting.max_by_key(|q| q.valid_until)
    }

    /// Whether a wallet should fetch cards anew after a change from `before`: the name or the number became another.
    pub fn differs_in_name_or_number(&self, before: &Self) -> bool {
        let identity = |p: &Self| {
            [&p.name, &p.family_name, &p.given_name, &p.latin_family_name, &p.latin_given_name].map(|text| text.clone())
        };
        self.id_number != before.id_number || identity(self) != identity(before)
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(..)")
    }
}

/// What is wrong with one field. Holds no content of the field, so that it can be shown and logged.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct FieldError {
    /// The field as a path, for example `qualifications[0].valid_until`.
    pub field: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Problem {
    /// A required field is not there.
    #[error("is required")]
    Missing,
    /// There is no such field.
    #[error("is not a known field")]
    Unknown,
    /// Of another JSON type than the one named.
    #[error("must be {0}")]
    WrongType(&'static str),
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// Longer than so many characters, or for lists so many entries.
    #[error("must not be longer than {0}")]
    TooLong(usize),
    /// Control or invisible characters, or white space at an end.
    #[error("must not hold control characters or white space at its ends")]
    BadCharacters,
    /// A Latin name with other characters than letters, spaces, hyphens and apostrophes.
    #[error("must be Latin letters A to Z, spaces, hyphens and apostrophes")]
    NotLatin,
    /// None of the words allowed here.
    #[error("must be one of: {0}")]
    NotOneOf(&'static str),
    /// No day of the calendar in the form `YYYY-MM-DD`.
    #[error("must be a date in the form YYYY-MM-DD")]
    NotADate,
    /// After today.
    #[error("must not lie in the future")]
    InFuture,
    /// Before any living person's birth.
    #[error("must not lie before 1850")]
    TooLongAgo,
    /// Ends before it begins.
    #[error("must not lie before valid_from")]
    EndsBeforeItBegins,
    /// The identity number itself is bad.
    #[error("{0}")]
    IdNumber(#[from] IdNumberError),
    /// Another than the identity number says.
    #[error("does not agree with id_number")]
    DisagreesWithIdNumber,
    /// No data URI of a JPEG or PNG image.
    #[error("must be a data URI of a JPEG or PNG image in base64")]
    NotAnImage,
    /// Nested deeper than claims may be, or with a name that SD-JWT keeps for itself.
    #[error("must be nested at most {} deep and hold none of the names _sd, _sd_alg and ...", DATA_DEPTH)]
    NotClaims,
    /// There is no credential type of this name that is issued for a qualification.
    #[error("is not a credential type that is issued for a qualification")]
    UnknownCredentialType,
}

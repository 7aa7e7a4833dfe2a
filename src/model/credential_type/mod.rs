//! Credential types: what is in a credential, what of it is disclosed selectively, how long it lives, how it looks.
//!
//! A type is a TOML file and nothing else. Two are built in; a folder may hold more, and may replace these.

mod claims;
mod file;
mod issuing;
mod metadata;

use std::{collections::BTreeMap, path::Path, sync::Arc};

pub use claims::{ClaimSet, Ineligible};
pub use file::TypeFileError;
pub use issuing::{Issuing, KeyAttestationRule};

/// The types that ship.
const BUILT_IN: [(&str, &str); 2] = [
    ("resident-id.toml", include_str!("../../../credential-types/resident-id.toml")),
    ("transport-qualification.toml", include_str!("../../../credential-types/transport-qualification.toml")),
];

/// One step of a claim's path (draft-ietf-oauth-sd-jwt-vc section 5.6.1).
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum PathStep {
    /// A member of an object.
    Name(String),
    /// Every element of an array; `null` in JSON, `*` in a type's file.
    Every,
}

/// Whether a claim is disclosed selectively (draft-ietf-oauth-sd-jwt-vc section 5.6.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Disclosure {
    /// Issued as a disclosure; a credential that shows it openly is not of this type.
    Always,
    /// Issued as a disclosure here; others may show it openly.
    Allowed,
    /// Shown openly.
    Never,
}

/// Where the value of a claim comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Source {
    /// The claim only groups others.
    Group,
    /// A field of the person; dots lead into it.
    Person(PersonField),
    /// Whether the person is at least so many years old on the day of issue.
    AgeOver(u8),
    /// A field of the qualification that entitles to this type.
    Qualification(QualificationField),
    /// A text that is the same for everyone.
    Text(String),
    /// The day of issue.
    IssuedOn,
    /// The last day on which the copies are valid.
    ValidUntil,
}

/// A field of a person.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names are those of `model::person::Person`")]
pub enum PersonField {
    IdNumber,
    Name,
    FamilyName,
    GivenName,
    LatinFamilyName,
    LatinGivenName,
    Sex,
    Ethnicity,
    BirthDate,
    Region,
    Locality,
    StreetAddress,
    Portrait,
}

/// A field of a qualification.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum QualificationField {
    /// The number of the paper certificate.
    Number,
    /// First day of validity.
    ValidFrom,
    /// Last day of validity.
    ValidUntil,
    /// A member of `data`.
    Data(String),
}

/// What a person needs to be issued a type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Requirement {
    /// To live here.
    ActivePerson,
    /// To live here and have a qualification of the type's name that is valid on the day.
    Qualification,
}

/// A text in the two languages of the service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bilingual {
    /// Chinese as written in the mainland.
    pub zh_cn: String,
    /// English.
    pub en: String,
}

impl Bilingual {
    /// Both, each with its language tag, Chinese first.
    pub fn by_locale(&self) -> [(&'static str, &str); 2] {
        [("zh-CN", &self.zh_cn), ("en", &self.en)]
    }
}

/// A claim of a type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claim {
    /// Where it stands; not empty.
    pub path: Vec<PathStep>,
    /// What it is called.
    pub label: Bilingual,
    /// Where its value comes from.
    pub source: Source,
    /// Whether it is disclosed selectively.
    pub disclosure: Disclosure,
    /// Whether every credential of the type has it.
    pub mandatory: bool,
}

/// How a wallet shows the type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Looks {
    /// `#rrggbb`.
    pub background_color: String,
    /// `#rrggbb`.
    pub text_color: String,
    /// The logo as a data URI.
    pub logo: String,
    /// The logo in words.
    pub logo_alt_text: Bilingual,
}

/// A credential type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CredentialType {
    /// Its name: the configuration id, the scope, and the end of its `vct`.
    pub name: String,
    /// What people call it.
    pub title: Bilingual,
    /// What it is for.
    pub description: Bilingual,
    /// How it looks.
    pub looks: Looks,
    /// How many days a copy lives, the day of issue included.
    pub validity_days: u16,
    /// What a person needs to be issued it.
    pub requires: Requirement,
    /// Whether a person may have it in several wallets; otherwise a card in a new wallet takes the place of the old one.
    pub several_wallets: bool,
    /// How it is issued.
    pub issuing: Issuing,
    /// Its claims, in the order of display.
    pub claims: Vec<Claim>,
}

impl CredentialType {
    /// The type identifier in credentials (`vct`), which is also the address of its metadata.
    pub fn vct(&self, public_url: &str) -> String {
        format!("{public_url}/credential-types/{}", self.name)
    }
}

/// Every type the service issues.
#[derive(Clone, Debug, Default)]
pub struct CredentialTypes {
    by_name: BTreeMap<String, Arc<CredentialType>>,
}

impl CredentialTypes {
    /// The built-in types.
    pub fn built_in() -> Result<Self, TypeFileError> {
        let mut types = Self::default();
        for (file, text) in BUILT_IN {
            types.add(file, text)?;
        }
        Ok(types)
    }

    /// The built-in types, and over them every `*.toml` of `folder`. A folder that is not there adds nothing; a file
    /// that is not a type stops the start, with the reason.
    pub fn load(folder: &Path) -> Result<Self, TypeFileError> {
        let mut types = Self::built_in()?;
        let unreadable = |error: std::io::Error| TypeFileError::Unreadable {
            file: folder.display().to_string(),
            reason: error.kind().to_string(),
        };
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(types),
            Err(error) => return Err(unreadable(error)),
        };
        for entry in entries {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let text = std::fs::read_to_string(&path).map_err(unreadable)?;
                types.add(&path.file_name().unwrap_or_default().to_string_lossy(), &text)?;
            }
        }
        Ok(types)
    }

    fn add(&mut self, file: &str, text: &str) -> Result<(), TypeFileError> {
        let read = file::read(file, text)?;
        self.by_name.insert(read.name.clone(), Arc::new(read));
        Ok(())
    }

    /// The type of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<CredentialType>> {
        self.by_name.get(name)
    }

    /// The type with this `vct`.
    pub fn by_vct(&self, public_url: &str, vct: &str) -> Option<&Arc<CredentialType>> {
        self.get(vct.strip_prefix(public_url)?.strip_prefix("/credential-types/")?)
    }

    /// Every type, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<CredentialType>> {
        self.by_name.values()
    }
}

#[cfg(test)]
mod tests;

//! Reading a credential type's TOML file.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::model::credential_type::{
    Bilingual, Claim, CredentialType, Disclosure, Looks, PathStep, PersonField, QualificationField, Requirement, Source,
    issuing::{IssuingText, issuing},
};

/// Why a file is no credential type. The file is named, and what in it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TypeFileError {
    /// The file or folder cannot be read.
    #[error("{file} cannot be read: {reason}")]
    Unreadable {
        /// The file or folder.
        file: String,
        /// Why.
        reason: String,
    },
    /// Not TOML, a key missing, of the wrong type or unknown; the message names key and line.
    #[error("{file}: {message}")]
    Malformed {
        /// The file.
        file: String,
        /// The message of the TOML reader.
        message: String,
    },
    /// A value that makes no sense.
    #[error("{file}: {key}: {problem}")]
    Value {
        /// The file.
        file: String,
        /// The key.
        key: String,
        /// What is wrong.
        problem: &'static str,
    },
}

/// Claims that the issuing itself writes, and names the format keeps for itself (checklist SVC-03, SDJ).
const RESERVED: [&str; 17] = [
    "iss",
    "sub",
    "aud",
    "iat",
    "nbf",
    "exp",
    "jti",
    "cnf",
    "vct",
    "vct#integrity",
    "vctm",
    "aka_vcts",
    "status",
    "_sd",
    "_sd_alg",
    "...",
    "",
];

/// Longest life of a copy, in days.
const LONGEST_VALIDITY_DAYS: u16 = 366;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    name: String,
    validity_days: u16,
    requires: RequirementText,
    #[serde(default)]
    several_wallets: bool,
    #[serde(default)]
    issuing: IssuingText,
    title: BilingualText,
    description: BilingualText,
    looks: LooksText,
    claims: Vec<ClaimText>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RequirementText {
    ActivePerson,
    Qualification,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BilingualText {
    #[serde(rename = "zh-CN")]
    zh_cn: String,
    en: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LooksText {
    background_color: String,
    text_color: String,
    logo_svg: String,
    logo_alt_text: BilingualText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimText {
    path: Vec<String>,
    label: BilingualText,
    from: Option<String>,
    sd: DisclosureText,
    #[serde(default)]
    mandatory: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DisclosureText {
    Always,
    Allowed,
    Never,
}

impl From<BilingualText> for Bilingual {
    fn from(text: BilingualText) -> Self {
        Self { zh_cn: text.zh_cn, en: text.en }
    }
}

/// Reads the file called `file`, whose name has to be that of the type.
pub(super) fn read(file: &str, text: &str) -> Result<CredentialType, TypeFileError> {
    let malformed = |error: toml::de::Error| TypeFileError::Malformed { file: file.to_owned(), message: error.to_string() };
    let read: FileText = toml::from_str(text).map_err(malformed)?;
    let bad = |key: &str, problem| TypeFileError::Value { file: file.to_owned(), key: key.to_owned(), problem };
    let name_characters = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    if read.name.is_empty() || read.name.len() > 64 || !read.name.bytes().all(name_characters) {
        return Err(bad("name", "must be lower-case letters, digits and hyphens"));
    }
    if file != format!("{}.toml", read.name) {
        return Err(bad("name", "must be the name of the file without .toml"));
    }
    if !(1..=LONGEST_VALIDITY_DAYS).contains(&read.validity_days) {
        return Err(bad("validity_days", "must be from 1 to 366"));
    }
    let requires = match read.requires {
        RequirementText::ActivePerson => Requirement::ActivePerson,
        RequirementText::Qualification => Requirement::Qualification,
    };
    let issuing = issuing(read.issuing).map_err(|(key, problem)| bad(key, problem))?;
    let looks = looks(read.looks).map_err(|(key, problem)| bad(key, problem))?;
    let mut claims = Vec::with_capacity(read.claims.len());
    for text in read.claims {
        let key = format!("claims {:?}", text.path);
        claims.push(claim(text, requires).map_err(|problem| bad(&key, problem))?);
    }
    tree(&claims).map_err(|(claim, problem)| bad(&format!("claims {:?}", claim.path), problem))?;
    Ok(CredentialType {
        name: read.name,
        title: read.title.into(),
        description: read.description.into(),
        looks,
        validity_days: read.validity_days,
        requires,
        several_wallets: read.several_wallets,
        issuing,
        claims,
    })
}

fn looks(text: LooksText) -> Result<Looks, (&'static str, &'static str)> {
    let is_color = |c: &str| c.len() == 7 && c.starts_with('#') && c.bytes().skip(1).all(|b| b.is_ascii_hexdigit());
    for (key, color) in [("background_color", &text.background_color), ("text_color", &text.text_color)] {
        if !is_color(color) {
            return Err((key, "must be #rrggbb"));
        }
    }
    let svg = text.logo_svg.trim();
    // Wallets show this image: it must draw, not run or load.
    let active = ["<script", "javascript:", "<foreignobject", "href", " on"];
    if !svg.starts_with("<svg") || active.iter().any(|word| svg.to_ascii_lowercase().contains(word)) {
        return Err(("logo_svg", "must be an SVG picture without scripts and links"));
    }
    Ok(Looks {
        background_color: text.background_color,
        text_color: text.text_color,
        logo: format!("data:image/svg+xml;base64,{}", standard_base64(svg)),
        logo_alt_text: text.logo_alt_text.into(),
    })
}

fn standard_base64(text: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(text)
}

fn claim(text: ClaimText, requires: Requirement) -> Result<Claim, &'static str> {
    let path: Vec<_> = text.path.into_iter().map(|s| if s == "*" { PathStep::Every } else { PathStep::Name(s) }).collect();
    match path.first() {
        None => return Err("the path is empty"),
        Some(PathStep::Every) => return Err("the path must begin with a name"),
        Some(PathStep::Name(_)) => {}
    }
    if path.iter().rev().skip(1).any(|step| *step == PathStep::Every) {
        return Err("`*` must be the last step");
    }
    let reserved = |step: &PathStep| matches!(step, PathStep::Name(name) if RESERVED.contains(&name.as_str()));
    if path.iter().any(reserved) {
        return Err("the path holds a name that the format keeps for itself");
    }
    let source = match text.from {
        None => Source::Group,
        Some(from) => source(&from).ok_or("`from` names no known source")?,
    };
    if matches!(source, Source::Qualification(_)) && requires != Requirement::Qualification {
        return Err("`from` asks for a qualification, but the type does not require one");
    }
    let disclosure = match text.sd {
        DisclosureText::Always => Disclosure::Always,
        DisclosureText::Allowed => Disclosure::Allowed,
        DisclosureText::Never => Disclosure::Never,
    };
    Ok(Claim { path, label: text.label.into(), source, disclosure, mandatory: text.mandatory })
}

/// The mapping language: a person's field, or `age_over:N`, `qualification:F`, `text:T`, `issue:day`, `issue:last_day`.
fn source(text: &str) -> Option<Source> {
    use PersonField as P;
    Some(match text.split_once(':') {
        Some(("age_over", years)) => Source::AgeOver(years.parse().ok().filter(|years| (1..=120).contains(years))?),
        Some(("text", constant)) if !constant.is_empty() => Source::Text(constant.to_owned()),
        Some(("issue", "day")) => Source::IssuedOn,
        Some(("issue", "last_day")) => Source::ValidUntil,
        Some(("qualification", field)) => Source::Qualification(match field {
            "number" => QualificationField::Number,
            "valid_from" => QualificationField::ValidFrom,
            "valid_until" => QualificationField::ValidUntil,
            _ => QualificationField::Data(field.strip_prefix("data.").filter(|name| !name.is_empty())?.to_owned()),
        }),
        Some(_) => return None,
        None => Source::Person(match text {
            "id_number" => P::IdNumber,
            "name" => P::Name,
            "family_name" => P::FamilyName,
            "given_name" => P::GivenName,
            "latin_family_name" => P::LatinFamilyName,
            "latin_given_name" => P::LatinGivenName,
            "sex" => P::Sex,
            "ethnicity" => P::Ethnicity,
            "birth_date" => P::BirthDate,
            "address.region" => P::Region,
            "address.locality" => P::Locality,
            "address.street_address" => P::StreetAddress,
            "portrait" => P::Portrait,
            _ => return None,
        }),
    })
}

/// Every path once, and deeper claims only inside groups or, by `*`, inside the value of their parent.
fn tree(claims: &[Claim]) -> Result<(), (&Claim, &'static str)> {
    let mut paths = BTreeSet::new();
    for claim in claims {
        if !paths.insert(&claim.path) {
            return Err((claim, "the path stands twice"));
        }
    }
    for claim in claims {
        let Some((last, parent)) = claim.path.split_last() else { continue };
        if parent.is_empty() {
            continue;
        }
        let parent = claims.iter().find(|other| other.path == parent).ok_or((claim, "the claim around it is not declared"))?;
        match (last, parent.source == Source::Group, claim.source == Source::Group) {
            (PathStep::Name(_), false, _) => return Err((claim, "the claim around it has a source of its own")),
            (PathStep::Every, true, _) => return Err((claim, "the claim around it is no list")),
            (PathStep::Every, false, false) => return Err((claim, "elements come from the list: leave out `from`")),
            _ => {}
        }
    }
    Ok(())
}

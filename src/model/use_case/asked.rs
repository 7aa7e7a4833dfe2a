//! Reading what a use case asks for, and whether its rules can be held with that.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::{
    AskedClaim, AskedCredential, AskedStep, BoardingPassRule, SamePersonBy, UseCase,
    file::{BilingualText, Cause, Surroundings, bad, words, yes},
    query,
};
use crate::model::credential_type::{Bilingual, CredentialType, PathStep};

/// A credential as a file names it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialText {
    id: String,
    /// The name of a type of this service.
    r#type: Option<String>,
    /// Types of others, each with its full `vct`.
    vct: Option<Vec<String>>,
    /// What others' types are called.
    title: Option<BilingualText>,
    #[serde(default)]
    multiple: bool,
    #[serde(default = "yes")]
    holder_binding: bool,
    #[serde(default)]
    trusted_authorities: Vec<AuthorityText>,
    #[serde(default)]
    claims: Vec<ClaimText>,
    #[serde(default)]
    claim_sets: Vec<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthorityText {
    r#type: AuthorityKind,
    values: Vec<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AuthorityKind {
    Aki,
    EtsiTl,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimText {
    id: Option<String>,
    path: Vec<StepText>,
    #[serde(default)]
    values: Vec<ValueText>,
    label: Option<BilingualText>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a name, a number from 0 on, or \"*\" was expected")]
enum StepText {
    Index(u32),
    Name(String),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text, a whole number, true or false was expected")]
enum ValueText {
    Bool(bool),
    Integer(i64),
    Text(String),
}

/// The credentials of a file, each checked; names of types become their `vct`.
pub(super) fn credentials(texts: Vec<CredentialText>, own: Surroundings<'_>) -> Result<Vec<AskedCredential>, Cause> {
    if texts.is_empty() {
        return Err(bad("credentials", "nothing is asked for", "add a [[credentials]] with `id`, `type` and claims"));
    }
    let mut read: Vec<AskedCredential> = Vec::with_capacity(texts.len());
    for (at, text) in texts.into_iter().enumerate() {
        let key = format!("credentials[{at}]");
        if !is_id(&text.id) {
            return Err(bad(format!("{key}.id"), "is no id", "write letters, digits, `_` and `-`"));
        }
        if read.iter().any(|other| other.id == text.id) {
            return Err(bad(format!("{key}.id"), format!("`{}` stands twice", text.id), "give each credential its own id"));
        }
        read.push(credential(&key, text, own)?);
    }
    Ok(read)
}

/// Ids of OpenID4VP 1.0 section 6.1.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-')
}

fn credential(key: &str, text: CredentialText, own: Surroundings<'_>) -> Result<AskedCredential, Cause> {
    let (known, title, vct_values) = kind(key, text.r#type, text.vct, text.title, own)?;
    let mut claims: Vec<AskedClaim> = Vec::with_capacity(text.claims.len());
    for (at, asked) in text.claims.into_iter().enumerate() {
        let key = format!("{key}.claims[{at}]");
        let asked = claim(&key, asked, known)?;
        if claims.iter().any(|other| other.path == asked.path) {
            return Err(bad(format!("{key}.path"), "the claim stands twice", "name it once, with all its values"));
        }
        if asked.id.is_some() && claims.iter().any(|other| other.id == asked.id) {
            return Err(bad(format!("{key}.id"), "the id stands twice", "give each claim its own id"));
        }
        claims.push(asked);
    }
    check_claim_sets(key, &claims, &text.claim_sets)?;
    if text.trusted_authorities.iter().any(|authority| authority.values.is_empty()) {
        return Err(bad(format!("{key}.trusted_authorities"), "has no values", "name an authority, or leave it out"));
    }
    let authority = |text: AuthorityText| {
        let kind = match text.r#type {
            AuthorityKind::Aki => "aki",
            AuthorityKind::EtsiTl => "etsi_tl",
        };
        (kind.to_owned(), text.values)
    };
    Ok(AskedCredential {
        id: text.id,
        title,
        vct_values,
        multiple: text.multiple,
        holder_binding: text.holder_binding,
        claims,
        claim_sets: text.claim_sets,
        authorities: text.trusted_authorities.into_iter().map(authority).collect(),
    })
}

/// Of which type: one of ours, with its title, or others' types, with the title that the file gives.
fn kind<'a>(
    key: &str,
    name: Option<String>,
    vct: Option<Vec<String>>,
    title: Option<BilingualText>,
    own: Surroundings<'a>,
) -> Result<(Option<&'a CredentialType>, Bilingual, Vec<String>), Cause> {
    let title = title.map(|title| words(&format!("{key}.title"), title)).transpose()?;
    match (name, vct) {
        (Some(name), None) => {
            let Some(known) = own.types.get(&name) else {
                let names: Vec<_> = own.types.iter().map(|of| of.name.as_str()).collect();
                let cure = format!("the types are {}; give another issuer's type as `vct`", names.join(", "));
                return Err(bad(format!("{key}.type"), format!("there is no credential type `{name}`"), cure));
            };
            Ok((Some(known), title.unwrap_or_else(|| known.title.clone()), vec![known.vct(own.public_url)]))
        }
        (None, Some(vct)) if vct.is_empty() || vct.iter().any(String::is_empty) => {
            Err(bad(format!("{key}.vct"), "is empty", "name the full `vct` of each type that is good enough"))
        }
        (None, Some(vct)) => match title {
            Some(title) => Ok((None, title, vct)),
            None => {
                Err(bad(format!("{key}.title"), "is missing", "say in both languages what this credential of others is called"))
            }
        },
        (Some(_), Some(_)) => {
            Err(bad(key, "`type` and `vct` both stand", "keep `type` for a type of this service, or `vct` for others'"))
        }
        (None, None) => Err(bad(key, "says no type", "add `type`, a type of this service, or `vct`, a list of others'")),
    }
}

fn claim(key: &str, text: ClaimText, known: Option<&CredentialType>) -> Result<AskedClaim, Cause> {
    let step = |step| match step {
        StepText::Index(index) => AskedStep::Index(index),
        StepText::Name(name) if name == "*" => AskedStep::Every,
        StepText::Name(name) => AskedStep::Name(name),
    };
    let path: Vec<_> = text.path.into_iter().map(step).collect();
    if !matches!(path.first(), Some(AskedStep::Name(_))) {
        return Err(bad(format!("{key}.path"), "does not begin with a name", "write the claim's name first"));
    }
    if text.id.as_ref().is_some_and(|id| !is_id(id)) {
        return Err(bad(format!("{key}.id"), "is no id", "write letters, digits, `_` and `-`"));
    }
    let given = text.label.map(|label| words(&format!("{key}.label"), label)).transpose()?;
    let label = match (known, given) {
        (Some(known), given) => {
            let label = label_in(known, &path).ok_or_else(|| no_such_claim(key, known))?;
            given.unwrap_or_else(|| label.clone())
        }
        (None, Some(label)) => label,
        (None, None) => {
            return Err(bad(format!("{key}.label"), "is missing", "say in both languages what this claim of others is called"));
        }
    };
    let value = |value| match value {
        ValueText::Bool(value) => Value::from(value),
        ValueText::Integer(value) => Value::from(value),
        ValueText::Text(value) => Value::from(value),
    };
    Ok(AskedClaim { id: text.id, path, values: text.values.into_iter().map(value).collect(), label })
}

fn no_such_claim(key: &str, known: &CredentialType) -> Cause {
    let cure = format!("look up the claims in credential-types/{}.toml", known.name);
    bad(format!("{key}.path"), format!("the type `{}` has no such claim", known.name), cure)
}

/// What the type calls the claim; an element of a list is called as the file of the type calls every element.
fn label_in<'a>(known: &'a CredentialType, path: &[AskedStep]) -> Option<&'a Bilingual> {
    let same = |(asked, has): (&AskedStep, &PathStep)| match (asked, has) {
        (AskedStep::Name(asked), PathStep::Name(has)) => asked == has,
        (AskedStep::Every | AskedStep::Index(_), PathStep::Every) => true,
        _ => false,
    };
    let mut claims = known.claims.iter();
    let found = claims.find(|claim| claim.path.len() == path.len() && path.iter().zip(&claim.path).all(same))?;
    Some(&found.label)
}

fn check_claim_sets(key: &str, claims: &[AskedClaim], sets: &[Vec<String>]) -> Result<(), Cause> {
    if sets.is_empty() {
        return Ok(());
    }
    if let Some(at) = claims.iter().position(|claim| claim.id.is_none()) {
        return Err(bad(format!("{key}.claims[{at}].id"), "is missing", "with claim_sets every claim needs an id"));
    }
    let key = format!("{key}.claim_sets");
    if sets.iter().any(Vec::is_empty) {
        return Err(bad(key, "has an empty set", "name at least one claim in every set"));
    }
    let ids: BTreeSet<_> = claims.iter().filter_map(|claim| claim.id.as_deref()).collect();
    match sets.iter().flatten().find(|id| !ids.contains(id.as_str())) {
        Some(id) => Err(bad(key, format!("there is no claim `{id}`"), "name ids of the claims of this credential")),
        None => Ok(()),
    }
}

/// Rules that what is asked for can never satisfy are mistakes.
pub(super) fn check_rules(case: &UseCase) -> Result<(), Cause> {
    if case.boarding_pass != BoardingPassRule::None && !case.credentials.iter().any(shows_a_name) {
        let cure = "ask for `latin_family_name` and `latin_given_name`, or for `name`";
        return Err(bad("boarding_pass", "there is no name to match it with", cure));
    }
    if !case.transaction_data_types.is_empty() && !case.credentials.iter().any(|asked| asked.holder_binding) {
        let cure = "ask for a credential with holder_binding";
        return Err(bad("transaction_data_types", "no holder's proof could carry the data", cure));
    }
    check_shown_qr(case)?;
    let Some(rule) = &case.same_person else { return Ok(()) };
    let key = "same_person.credentials";
    let ids: BTreeSet<_> = rule.credentials.iter().collect();
    if ids.len() < 2 || ids.len() < rule.credentials.len() {
        return Err(bad(key, "does not name two different credentials", "name two or more ids of [[credentials]]"));
    }
    let needed: &[&str] = match rule.by {
        SamePersonBy::IdNumber => &["id_number"],
        SamePersonBy::NameAndBirthDate => &["name", "birth_date"],
    };
    for id in ids {
        let Some(asked) = case.credentials.iter().find(|asked| asked.id == *id) else {
            return Err(bad(key, format!("there is no credential `{id}`"), "name ids of [[credentials]]"));
        };
        if let Some(claim) = needed.iter().find(|claim| !always_asks(asked, claim)) {
            let cure = format!("ask for `{claim}` in `{id}`, in every claim set");
            return Err(bad("same_person.by", format!("`{id}` is not always asked for `{claim}`"), cure));
        }
    }
    Ok(())
}

/// Nobody is told to show a code that no gate would take.
fn check_shown_qr(case: &UseCase) -> Result<(), Cause> {
    if case.shown_qr.is_none() {
        return Ok(());
    }
    let [asked] = case.credentials.as_slice() else {
        let problem = "several credentials are asked for, and a QR has room for one";
        return Err(bad("shown_qr", problem, "leave it out, or ask for one credential"));
    };
    if asked.claims.iter().all(query::is_picture) {
        let problem = "without pictures nothing is left to show";
        return Err(bad("shown_qr", problem, "leave it out, or ask for a claim that is no picture"));
    }
    Ok(())
}

fn shows_a_name(asked: &AskedCredential) -> bool {
    let asks = |name: &str| always_asks(asked, name);
    asks("name") || (asks("latin_family_name") && asks("latin_given_name")) || (asks("family_name") && asks("given_name"))
}

/// Whether a claim of this name is in every answer.
fn always_asks(asked: &AskedCredential, name: &str) -> bool {
    let is_it = |claim: &&AskedClaim| matches!(claim.path.as_slice(), [AskedStep::Name(first)] if first == name);
    asked.claims.iter().find(is_it).is_some_and(|claim| asked.needs(claim))
}

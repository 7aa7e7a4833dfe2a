//! Reads a query. Unknown members are ignored (OpenID4VP 1.0 section 6); everything else is as the standard says or
//! refused.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{ClaimQuery, CredentialQuery, CredentialSet, Element, Meta, Path, Query, TrustedAuthority};
use crate::base::{
    base64url,
    limits::{DCQL_CLAIMS, DCQL_CREDENTIALS, DCQL_PATH_ELEMENTS, DCQL_SETS, DCQL_TEXT_BYTES, DCQL_VALUES},
};

/// Why a query is refused; the member is named as a JSON pointer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum QueryError {
    /// The member is missing.
    #[error("{0} is missing")]
    Missing(String),
    /// The member has another form than the standard gives it.
    #[error("{0} is not of the form that OpenID4VP 1.0 section 6 gives it")]
    Malformed(String),
    /// The member is an empty list.
    #[error("{0} is empty")]
    Empty(String),
    /// The member has more elements, or is longer, than is read.
    #[error("{0} is larger than allowed")]
    TooLarge(String),
    /// A name, or a claim, stands twice.
    #[error("{0} stands twice")]
    Twice(String),
    /// A set names what the query does not have.
    #[error("{0} names nothing of the query")]
    Unresolved(String),
    /// A format that is not read here.
    #[error("{0}: only dc+sd-jwt and mso_mdoc are known")]
    Format(String),
}

type Read<T> = Result<T, QueryError>;

impl Query {
    /// Reads a query.
    pub fn read(value: &Value) -> Read<Self> {
        let members = object(value, "")?;
        let credentials = list(members, "", "credentials", DCQL_CREDENTIALS)?.ok_or_else(|| missing("/credentials"))?;
        let credentials: Vec<_> = numbered("/credentials", credentials, credential)?;
        let mut ids = BTreeSet::new();
        for (place, query) in credentials.iter().enumerate() {
            if !ids.insert(query.id.as_str()) {
                return Err(QueryError::Twice(format!("/credentials/{place}/id")));
            }
        }
        let sets = list(members, "", "credential_sets", DCQL_SETS)?.unwrap_or_default();
        let credential_sets = numbered("/credential_sets", sets, |at, value| set(at, value, &ids))?;
        Ok(Self { credential_sets, credentials })
    }
}

fn credential(at: &str, value: &Value) -> Read<CredentialQuery> {
    let members = object(value, at)?;
    let claims = list(members, at, "claims", DCQL_CLAIMS)?;
    let has_claims = claims.is_some();
    let claims = numbered(&format!("{at}/claims"), claims.unwrap_or_default(), |at, value| claim(at, value, members))?;
    for (place, one) in claims.iter().enumerate() {
        let earlier = claims.iter().take(place);
        if earlier.clone().any(|other| other.path == one.path) {
            return Err(QueryError::Twice(format!("{at}/claims/{place}/path")));
        }
        if one.id.is_some() && earlier.clone().any(|other| other.id == one.id) {
            return Err(QueryError::Twice(format!("{at}/claims/{place}/id")));
        }
    }
    let sets = list(members, at, "claim_sets", DCQL_SETS)?;
    if sets.is_some() && !has_claims {
        return Err(missing(&format!("{at}/claims")));
    }
    let names: BTreeSet<_> = claims.iter().filter_map(|one| one.id.as_deref()).collect();
    let claim_sets =
        numbered(&format!("{at}/claim_sets"), sets.unwrap_or_default(), |at, value| names_of(at, value, &names, DCQL_CLAIMS))?;
    let authorities = list(members, at, "trusted_authorities", DCQL_VALUES)?.unwrap_or_default();
    Ok(CredentialQuery {
        id: identifier(members, at)?.ok_or_else(|| missing(&format!("{at}/id")))?,
        meta: meta(members, at)?,
        multiple: flag(members, at, "multiple")?.unwrap_or(false),
        trusted_authorities: numbered(&format!("{at}/trusted_authorities"), authorities, authority)?,
        require_cryptographic_holder_binding: flag(members, at, "require_cryptographic_holder_binding")?.unwrap_or(true),
        claims,
        claim_sets,
    })
}

fn meta(members: &Map<String, Value>, at: &str) -> Read<Meta> {
    let format = text(members.get("format").ok_or_else(|| missing(&format!("{at}/format")))?, &format!("{at}/format"))?;
    let meta_at = format!("{at}/meta");
    let meta = object(members.get("meta").ok_or_else(|| missing(&meta_at))?, &meta_at)?;
    match format.as_str() {
        "dc+sd-jwt" => {
            let types =
                list(meta, &meta_at, "vct_values", DCQL_VALUES)?.ok_or_else(|| missing(&format!("{meta_at}/vct_values")))?;
            Ok(Meta::SdJwtVc(numbered(&format!("{meta_at}/vct_values"), types, |at, value| text(value, at))?))
        }
        "mso_mdoc" => {
            let at = format!("{meta_at}/doctype_value");
            Ok(Meta::Mdoc(text(meta.get("doctype_value").ok_or_else(|| missing(&at))?, &at)?))
        }
        _ => Err(QueryError::Format(format!("{at}/format"))),
    }
}

fn authority(at: &str, value: &Value) -> Read<TrustedAuthority> {
    let members = object(value, at)?;
    let kind_at = format!("{at}/type");
    let kind = text(members.get("type").ok_or_else(|| missing(&kind_at))?, &kind_at)?;
    let values_at = format!("{at}/values");
    let values = list(members, at, "values", DCQL_VALUES)?.ok_or_else(|| missing(&values_at))?;
    let values = numbered(&values_at, values, |at, value| text(value, at))?;
    match kind.as_str() {
        "aki" => {
            let decode = |text: &String| base64url::decode(text).map_err(|_| QueryError::Malformed(values_at.clone()));
            Ok(TrustedAuthority::KeyIdentifier(values.iter().map(decode).collect::<Read<_>>()?))
        }
        "etsi_tl" => Ok(TrustedAuthority::TrustList(values)),
        _ => Ok(TrustedAuthority::Unknown { kind, values }),
    }
}

fn claim(at: &str, value: &Value, credential: &Map<String, Value>) -> Read<ClaimQuery> {
    let members = object(value, at)?;
    let id = identifier(members, at)?;
    if id.is_none() && credential.contains_key("claim_sets") {
        return Err(missing(&format!("{at}/id")));
    }
    let path_at = format!("{at}/path");
    let path = list(members, at, "path", DCQL_PATH_ELEMENTS)?.ok_or_else(|| missing(&path_at))?;
    let path = Path(numbered(&path_at, path, element)?);
    let is_mdoc = credential.get("format").is_some_and(|format| format == "mso_mdoc");
    let fits = match path.elements() {
        // A namespace and an element (section 7.2).
        [Element::Key(_), Element::Key(_)] => true,
        [Element::Key(_), ..] => !is_mdoc,
        _ => false,
    };
    if !fits {
        return Err(QueryError::Malformed(path_at));
    }
    let values = list(members, at, "values", DCQL_VALUES)?.unwrap_or_default();
    let values = numbered(&format!("{at}/values"), values, |at, value| match value {
        Value::String(_) => text(value, at).map(Value::String),
        Value::Bool(_) => Ok(value.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(value.clone()),
        _ => Err(QueryError::Malformed(at.to_owned())),
    })?;
    Ok(ClaimQuery { id, path, values, intent_to_retain: flag(members, at, "intent_to_retain")? })
}

fn element(at: &str, value: &Value) -> Read<Element> {
    match value {
        Value::Null => Ok(Element::All),
        Value::String(_) => text(value, at).map(Element::Key),
        Value::Number(number) => {
            let index = number.as_u64().and_then(|index| usize::try_from(index).ok());
            index.map(Element::Index).ok_or_else(|| QueryError::Malformed(at.to_owned()))
        }
        _ => Err(QueryError::Malformed(at.to_owned())),
    }
}

fn set(at: &str, value: &Value, ids: &BTreeSet<&str>) -> Read<CredentialSet> {
    let members = object(value, at)?;
    let options_at = format!("{at}/options");
    let options = list(members, at, "options", DCQL_SETS)?.ok_or_else(|| missing(&options_at))?;
    let options = numbered(&options_at, options, |at, value| names_of(at, value, ids, DCQL_CREDENTIALS))?;
    Ok(CredentialSet { options, required: flag(members, at, "required")?.unwrap_or(true) })
}

/// A list of names, each of which the query has.
fn names_of(at: &str, value: &Value, known: &BTreeSet<&str>, most: usize) -> Read<Vec<String>> {
    let names = elements(value, at, most)?;
    numbered(at, names, |at, value| {
        let name = text(value, at)?;
        if known.contains(name.as_str()) { Ok(name) } else { Err(QueryError::Unresolved(at.to_owned())) }
    })
}

/// `id`: letters, digits, `_` and `-` (sections 6.1 and 6.3).
fn identifier(members: &Map<String, Value>, at: &str) -> Read<Option<String>> {
    let Some(value) = members.get("id") else { return Ok(None) };
    let at = format!("{at}/id");
    let id = text(value, &at)?;
    let good = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if good { Ok(Some(id)) } else { Err(QueryError::Malformed(at)) }
}

fn numbered<T>(at: &str, values: &[Value], read: impl Fn(&str, &Value) -> Read<T>) -> Read<Vec<T>> {
    values.iter().enumerate().map(|(place, value)| read(&format!("{at}/{place}"), value)).collect()
}

/// A list that has elements, when the member is there.
fn list<'a>(members: &'a Map<String, Value>, at: &str, name: &str, most: usize) -> Read<Option<&'a [Value]>> {
    members.get(name).map(|value| elements(value, &format!("{at}/{name}"), most)).transpose()
}

fn elements<'a>(value: &'a Value, at: &str, most: usize) -> Read<&'a [Value]> {
    match value.as_array().map(Vec::as_slice) {
        None => Err(QueryError::Malformed(at.to_owned())),
        Some([]) => Err(QueryError::Empty(at.to_owned())),
        Some(elements) if elements.len() > most => Err(QueryError::TooLarge(at.to_owned())),
        Some(elements) => Ok(elements),
    }
}

fn object<'a>(value: &'a Value, at: &str) -> Read<&'a Map<String, Value>> {
    value.as_object().ok_or_else(|| QueryError::Malformed(at.to_owned()))
}

fn text(value: &Value, at: &str) -> Read<String> {
    match value.as_str() {
        None => Err(QueryError::Malformed(at.to_owned())),
        Some(text) if text.len() > DCQL_TEXT_BYTES => Err(QueryError::TooLarge(at.to_owned())),
        Some(text) => Ok(text.to_owned()),
    }
}

fn flag(members: &Map<String, Value>, at: &str, name: &str) -> Read<Option<bool>> {
    let read = |value: &Value| value.as_bool().ok_or_else(|| QueryError::Malformed(format!("{at}/{name}")));
    members.get(name).map(read).transpose()
}

fn missing(at: &str) -> QueryError {
    QueryError::Missing(at.to_owned())
}

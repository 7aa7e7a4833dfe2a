//! From a use case to the query that a wallet gets (OpenID4VP 1.0 section 6).

use serde_json::{Map, Value, json};

use super::{AskedClaim, AskedCredential, AskedSet, AskedStep};
use crate::format::dcql::{Query, QueryError};

/// Claims that hold a picture: too long for a QR, and the officer looks at the person instead.
pub const PICTURES: [&str; 1] = ["portrait"];

/// The query for everything that is asked for.
pub(super) fn whole(credentials: &[AskedCredential], sets: &[AskedSet]) -> Result<Query, QueryError> {
    Query::read(&dcql(credentials, sets, |_| true))
}

/// The query of a presentation that the wallet shows as a QR: without pictures.
pub(super) fn shown(credentials: &[AskedCredential], sets: &[AskedSet]) -> Result<Query, QueryError> {
    Query::read(&dcql(credentials, sets, |claim| !is_picture(claim)))
}

/// Whether a claim holds a picture.
pub(super) fn is_picture(claim: &AskedClaim) -> bool {
    matches!(claim.path.first(), Some(AskedStep::Name(name)) if PICTURES.contains(&name.as_str()))
}

fn dcql(credentials: &[AskedCredential], sets: &[AskedSet], wanted: impl Fn(&AskedClaim) -> bool) -> Value {
    let mut query = Map::new();
    query.insert("credentials".to_owned(), credentials.iter().map(|asked| credential(asked, &wanted)).collect());
    if !sets.is_empty() {
        let set = |set: &AskedSet| json!({"options": set.options, "required": set.required});
        query.insert("credential_sets".to_owned(), sets.iter().map(set).collect());
    }
    Value::Object(query)
}

/// One credential query. Members that say what holds anyway are left out.
fn credential(asked: &AskedCredential, wanted: &impl Fn(&AskedClaim) -> bool) -> Value {
    let mut query = Map::new();
    query.insert("id".to_owned(), asked.id.as_str().into());
    query.insert("format".to_owned(), "dc+sd-jwt".into());
    query.insert("meta".to_owned(), json!({"vct_values": asked.vct_values}));
    if asked.multiple {
        query.insert("multiple".to_owned(), true.into());
    }
    if !asked.holder_binding {
        query.insert("require_cryptographic_holder_binding".to_owned(), false.into());
    }
    if !asked.authorities.is_empty() {
        let authority = |(kind, values): &(String, Vec<String>)| json!({"type": kind, "values": values});
        query.insert("trusted_authorities".to_owned(), asked.authorities.iter().map(authority).collect());
    }
    let claims: Vec<_> = asked.claims.iter().filter(|claim| wanted(claim)).collect();
    if !claims.is_empty() {
        query.insert("claims".to_owned(), claims.iter().map(|claim| claim_query(claim)).collect());
        let stays = |id: &&String| claims.iter().any(|claim| claim.id.as_ref() == Some(*id));
        let sets = asked.claim_sets.iter().map(|set| set.iter().filter(stays).cloned().collect::<Vec<_>>());
        let sets: Vec<_> = sets.filter(|set| !set.is_empty()).collect();
        if !sets.is_empty() {
            query.insert("claim_sets".to_owned(), json!(sets));
        }
    }
    Value::Object(query)
}

fn claim_query(claim: &AskedClaim) -> Value {
    let mut query = Map::new();
    if let Some(id) = &claim.id {
        query.insert("id".to_owned(), id.as_str().into());
    }
    let step = |step: &AskedStep| match step {
        AskedStep::Name(name) => Value::from(name.as_str()),
        AskedStep::Index(index) => Value::from(*index),
        AskedStep::Every => Value::Null,
    };
    query.insert("path".to_owned(), claim.path.iter().map(step).collect());
    if !claim.values.is_empty() {
        query.insert("values".to_owned(), claim.values.clone().into());
    }
    Value::Object(query)
}

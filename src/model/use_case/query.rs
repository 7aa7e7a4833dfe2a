//! From a use case to the query that a wallet gets (OpenID4VP 1.0 section 6).

use serde_json::{Map, Value, json};

use super::{AskedClaim, AskedCredential, AskedStep, UseCase};

/// Claims that hold a picture: too long for a QR, and the officer looks at the person instead.
const PICTURES: [&str; 1] = ["portrait"];

impl UseCase {
    /// The query as JSON.
    pub fn to_dcql(&self) -> Value {
        self.dcql(|_| true)
    }

    /// The query as JSON for a presentation that the wallet shows as a QR: without pictures.
    pub fn to_dcql_shown(&self) -> Value {
        self.dcql(|claim| !matches!(claim.path.first(), Some(AskedStep::Name(name)) if PICTURES.contains(&name.as_str())))
    }

    fn dcql(&self, wanted: fn(&AskedClaim) -> bool) -> Value {
        let mut query = Map::new();
        query.insert("credentials".to_owned(), self.credentials.iter().map(|asked| credential(asked, wanted)).collect());
        if !self.credential_sets.is_empty() {
            let set = |set: &super::AskedSet| json!({"options": set.options, "required": set.required});
            query.insert("credential_sets".to_owned(), self.credential_sets.iter().map(set).collect());
        }
        Value::Object(query)
    }
}

/// One credential query. Members that say what holds anyway are left out.
fn credential(asked: &AskedCredential, wanted: fn(&AskedClaim) -> bool) -> Value {
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
        if !asked.claim_sets.is_empty() {
            let stays = |id: &&String| claims.iter().any(|claim| claim.id.as_ref() == Some(*id));
            let sets = asked.claim_sets.iter().map(|set| set.iter().filter(stays).cloned().collect::<Vec<_>>());
            query.insert("claim_sets".to_owned(), sets.filter(|set| !set.is_empty()).map(Value::from).collect());
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

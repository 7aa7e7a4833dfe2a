//! Writes a query as JSON, without members that say what holds anyway.

use serde_json::{Map, Value, json};

use super::{ClaimQuery, CredentialQuery, CredentialSet, Element, Meta, Path, Query, TrustedAuthority};
use crate::base::base64url;

impl Query {
    /// The query as JSON, as a request carries it. [`Query::read`] gives the same query back.
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        members.insert("credentials".to_owned(), self.credentials.iter().map(credential).collect());
        if !self.credential_sets.is_empty() {
            members.insert("credential_sets".to_owned(), self.credential_sets.iter().map(set).collect());
        }
        Value::Object(members)
    }
}

fn credential(query: &CredentialQuery) -> Value {
    let meta = match &query.meta {
        Meta::SdJwtVc(types) => json!({"vct_values": types}),
        Meta::Mdoc(document_type) => json!({"doctype_value": document_type}),
    };
    let mut written = json!({"id": query.id, "format": query.meta.format(), "meta": meta});
    if query.multiple {
        written["multiple"] = true.into();
    }
    if !query.trusted_authorities.is_empty() {
        written["trusted_authorities"] = query.trusted_authorities.iter().map(authority).collect();
    }
    if !query.require_cryptographic_holder_binding {
        written["require_cryptographic_holder_binding"] = false.into();
    }
    if !query.claims.is_empty() {
        written["claims"] = query.claims.iter().map(claim).collect();
    }
    if !query.claim_sets.is_empty() {
        written["claim_sets"] = json!(query.claim_sets);
    }
    written
}

fn authority(authority: &TrustedAuthority) -> Value {
    match authority {
        TrustedAuthority::KeyIdentifier(values) => {
            json!({"type": "aki", "values": values.iter().map(base64url::encode).collect::<Vec<_>>()})
        }
        TrustedAuthority::TrustList(values) => json!({"type": "etsi_tl", "values": values}),
        TrustedAuthority::Unknown { kind, values } => json!({"type": kind, "values": values}),
    }
}

fn claim(claim: &ClaimQuery) -> Value {
    let mut written = json!({"path": path(&claim.path)});
    if let Some(id) = &claim.id {
        written["id"] = id.as_str().into();
    }
    if !claim.values.is_empty() {
        written["values"] = claim.values.clone().into();
    }
    if let Some(retain) = claim.intent_to_retain {
        written["intent_to_retain"] = retain.into();
    }
    written
}

fn path(path: &Path) -> Value {
    let step = |element: &Element| match element {
        Element::Key(key) => Value::from(key.as_str()),
        Element::Index(index) => Value::from(*index),
        Element::All => Value::Null,
    };
    path.elements().iter().map(step).collect()
}

fn set(set: &CredentialSet) -> Value {
    let mut written = json!({"options": set.options});
    if !set.required {
        written["required"] = false.into();
    }
    written
}

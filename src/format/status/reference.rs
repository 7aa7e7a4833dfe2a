//! The claim by which a credential points into a list (section 6.2).

use serde_json::{Map, Value, json};

use crate::base::limits::STATUS_LIST_URI_BYTES;

/// Why a credential's `status` claim cannot be followed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReferenceError {
    /// `status` is not an object, or `status_list` in it is not.
    #[error("the status claim is not an object")]
    NotAnObject,
    /// `status` names no status list but something unknown here; whether the credential is good cannot be told.
    #[error("unknown status mechanism")]
    UnknownMechanism,
    /// `idx` is missing or not a whole number from 0 on.
    #[error("the status index is not a whole number from 0 on")]
    Index,
    /// `uri` is missing, or not an absolute `https` or `http` URI.
    #[error("the status list's URI is not one")]
    Uri,
}

/// Where the status of a credential stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StatusReference {
    /// The list, by the URI that its token names as `sub`.
    pub uri: String,
    /// The index in it, not yet checked against the list's length.
    pub index: u64,
}

impl StatusReference {
    /// Reads the `status` claim of verified claims; none when there is no such claim. Whether the type of credential
    /// demands one is not asked here, nor whether the address may be fetched.
    pub fn read(claims: &Map<String, Value>) -> Result<Option<Self>, ReferenceError> {
        let Some(status) = claims.get("status") else { return Ok(None) };
        let mechanisms = status.as_object().ok_or(ReferenceError::NotAnObject)?;
        let list = mechanisms.get("status_list").ok_or(ReferenceError::UnknownMechanism)?;
        let list = list.as_object().ok_or(ReferenceError::NotAnObject)?;
        let index = list.get("idx").and_then(Value::as_u64).ok_or(ReferenceError::Index)?;
        let uri = list.get("uri").and_then(Value::as_str).filter(|uri| is_web_uri(uri)).ok_or(ReferenceError::Uri)?;
        Ok(Some(Self { uri: uri.to_owned(), index }))
    }

    /// The value of the `status` claim.
    pub fn to_claim(&self) -> Value {
        json!({"status_list": {"idx": self.index, "uri": self.uri}})
    }
}

/// Only the form: the characters of RFC 3986, a web scheme, something after it, and no fragment.
fn is_web_uri(uri: &str) -> bool {
    let rest = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://"));
    uri.len() <= STATUS_LIST_URI_BYTES
        && rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?']))
        && uri.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(claims: Value) -> Result<Option<StatusReference>, ReferenceError> {
        StatusReference::read(claims.as_object().expect("an object"))
    }

    #[test]
    fn a_reference_is_read_as_it_is_written() {
        let reference = StatusReference { uri: "https://id.example/status-lists/3".to_owned(), index: 1_048_575 };
        assert_eq!(read(json!({"status": reference.to_claim()})), Ok(Some(reference)));
        assert_eq!(read(json!({"iss": "x"})), Ok(None));
        let also_other = json!({"status": {"other": 1, "status_list": {"idx": 0, "uri": "http://127.0.0.1:8080/l", "x": 1}}});
        assert_eq!(read(also_other), Ok(Some(StatusReference { uri: "http://127.0.0.1:8080/l".to_owned(), index: 0 })));
    }

    #[test]
    fn a_uri_that_is_none_is_refused() {
        let long = format!("https://id.example/{}", "x".repeat(STATUS_LIST_URI_BYTES));
        for uri in ["", "lists/1", "//id.example/1", "file:///etc/passwd", "HTTPS://id.example/1", "https://", "https:///1"]
            .into_iter()
            .chain([
                "https://id.example/1#a",
                "https://id.example/ 1",
                "https://id.example/\n",
                "https://身份.example/1",
                &long,
            ])
        {
            let claims = json!({"status": {"status_list": {"idx": 0, "uri": uri}}});
            assert_eq!(read(claims), Err(ReferenceError::Uri), "{uri:?}");
        }
    }
}

//! The JSON serialisations of an SD-JWT (RFC 9901 section 8), turned into the compact one, which alone is verified here.

use serde_json::{Map, Value};

use crate::base::{json::parse_object, limits::SD_JWT_BYTES};

/// Why a text is not a JSON-serialised SD-JWT.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JsonFormError {
    /// Longer than [`SD_JWT_BYTES`].
    #[error("longer than allowed")]
    TooLong,
    /// Not acceptable JSON, or not an object.
    #[error("not an acceptable JSON object")]
    NotAnObject,
    /// A member is missing, of the wrong type, or holds characters that are not its own; the member is named.
    #[error("member {0} is missing or of the wrong form")]
    Member(&'static str),
    /// Both `signature` and `signatures`.
    #[error("neither the flattened nor the general form")]
    MixedForms,
    /// `disclosures` or `kb_jwt` beside another signature than the first.
    #[error("disclosures or key binding beside a further signature")]
    Misplaced,
}

/// The compact form of a flattened or general JSON serialisation; of several signatures the first is taken. What `sd_hash`
/// covers is this text through its last tilde (RFC 9901 section 8.1).
pub fn to_compact(text: &[u8]) -> Result<String, JsonFormError> {
    if text.len() > SD_JWT_BYTES {
        return Err(JsonFormError::TooLong);
    }
    let whole = parse_object(text).map_err(|_| JsonFormError::NotAnObject)?;
    let signed = match (whole.get("signatures"), whole.contains_key("signature")) {
        (None, _) => &whole,
        (Some(_), true) => return Err(JsonFormError::MixedForms),
        (Some(signatures), false) => first_signature(signatures)?,
    };
    let empty = Map::new();
    let header = match signed.get("header") {
        None => &empty,
        Some(header) => header.as_object().ok_or(JsonFormError::Member("header"))?,
    };
    let part = |map, name| base64url_text(map, name, "");
    let mut compact = format!("{}.{}.{}~", part(signed, "protected")?, part(&whole, "payload")?, part(signed, "signature")?);
    if let Some(disclosures) = header.get("disclosures") {
        for disclosure in disclosures.as_array().ok_or(JsonFormError::Member("disclosures"))? {
            let disclosure = disclosure.as_str().filter(|text| is_base64url(text, ""));
            compact.push_str(disclosure.ok_or(JsonFormError::Member("disclosures"))?);
            compact.push('~');
        }
    }
    if header.contains_key("kb_jwt") {
        compact.push_str(base64url_text(header, "kb_jwt", ".")?);
    }
    Ok(compact)
}

/// The first signature of the general form; the further ones carry neither disclosures nor key binding (section 8.3).
fn first_signature(signatures: &Value) -> Result<&Map<String, Value>, JsonFormError> {
    let signatures = signatures.as_array().map(Vec::as_slice);
    let Some([first, further @ ..]) = signatures else {
        return Err(JsonFormError::Member("signatures"));
    };
    let carries = |signature: &Value, member| signature.get("header").is_some_and(|header| header.get(member).is_some());
    if further.iter().any(|signature| carries(signature, "disclosures") || carries(signature, "kb_jwt")) {
        return Err(JsonFormError::Misplaced);
    }
    first.as_object().ok_or(JsonFormError::Member("signatures"))
}

/// A non-empty text of the base64url alphabet and `also`, so that nothing in it can pass for a separator.
fn base64url_text<'a>(map: &'a Map<String, Value>, name: &'static str, also: &'static str) -> Result<&'a str, JsonFormError> {
    map.get(name).and_then(Value::as_str).filter(|text| is_base64url(text, also)).ok_or(JsonFormError::Member(name))
}

fn is_base64url(text: &str, also: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_' || also.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_become_compact() {
        let flattened =
            r#"{"protected":"a","payload":"b","signature":"c","header":{"disclosures":["d","e"],"kb_jwt":"x.y.z"}}"#;
        assert_eq!(to_compact(flattened.as_bytes()).as_deref(), Ok("a.b.c~d~e~x.y.z"));
        let general = r#"{"payload":"b","signatures":[{"protected":"a","signature":"c","header":{"kid":"1","disclosures":["d"]}},
            {"protected":"f","signature":"g","header":{"kid":"2"}}]}"#;
        assert_eq!(to_compact(general.as_bytes()).as_deref(), Ok("a.b.c~d~"));
        assert_eq!(to_compact(br#"{"protected":"a","payload":"b","signature":"c"}"#).as_deref(), Ok("a.b.c~"));
    }

    #[test]
    fn malformed_forms_have_their_reasons() {
        let cases = [
            (r#"[]"#, JsonFormError::NotAnObject),
            (r#"{"payload":"b","payload":"b"}"#, JsonFormError::NotAnObject),
            (r#"{"payload":"b","signature":"c"}"#, JsonFormError::Member("protected")),
            (r#"{"protected":"a.b","payload":"b","signature":"c"}"#, JsonFormError::Member("protected")),
            (r#"{"protected":"a","payload":7,"signature":"c"}"#, JsonFormError::Member("payload")),
            (r#"{"protected":"a","payload":"b","signature":""}"#, JsonFormError::Member("signature")),
            (r#"{"protected":"a","payload":"b","signature":"c","header":[]}"#, JsonFormError::Member("header")),
            (
                r#"{"protected":"a","payload":"b","signature":"c","header":{"disclosures":["d~e"]}}"#,
                JsonFormError::Member("disclosures"),
            ),
            (
                r#"{"protected":"a","payload":"b","signature":"c","header":{"disclosures":"d"}}"#,
                JsonFormError::Member("disclosures"),
            ),
            (
                r#"{"protected":"a","payload":"b","signature":"c","header":{"kb_jwt":"x.y.z~"}}"#,
                JsonFormError::Member("kb_jwt"),
            ),
            (r#"{"payload":"b","signatures":[]}"#, JsonFormError::Member("signatures")),
            (r#"{"payload":"b","signature":"c","signatures":[{}]}"#, JsonFormError::MixedForms),
            (r#"{"payload":"b","signatures":[{},{"header":{"kb_jwt":"x.y.z"}}]}"#, JsonFormError::Misplaced),
            (r#"{"payload":"b","signatures":[{},{"header":{"disclosures":[]}}]}"#, JsonFormError::Misplaced),
        ];
        for (text, error) in cases {
            assert_eq!(to_compact(text.as_bytes()), Err(error), "{text}");
        }
        assert_eq!(to_compact(&vec![b' '; SD_JWT_BYTES + 1]), Err(JsonFormError::TooLong));
    }
}

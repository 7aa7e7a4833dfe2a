//! One disclosure: its text as received, the digest of that text, and what it says.

use serde_json::Value;

use crate::{
    base::{base64url, json},
    crypto::sha256,
};

/// Why a disclosure cannot be read (RFC 9901 sections 4.2.1 and 4.2.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DisclosureError {
    /// Padding, another alphabet, or non-zero trailing bits.
    #[error("not base64url without padding")]
    NotBase64Url,
    /// Not UTF-8 JSON, a key twice, or nested too deeply.
    #[error("not acceptable JSON")]
    NotJson,
    /// JSON, but not an array of two or three elements.
    #[error("not an array of two or three elements")]
    NotADisclosure,
    /// The salt is not a non-empty string.
    #[error("the salt is not text")]
    SaltNotText,
    /// The claim name is not a string.
    #[error("the claim name is not text")]
    NameNotText,
    /// Two elements where the digest stands in `_sd`.
    #[error("an array element where a claim is due")]
    ClaimDue,
    /// Three elements where the digest stands in an array.
    #[error("a claim where an array element is due")]
    ElementDue,
}

/// What a disclosure says, its salt left out: of any length on input, for the issuer answers for it.
#[derive(Debug)]
pub(super) enum Content {
    /// A claim of an object: name and value.
    Claim(String, Value),
    /// An element of an array.
    Element(Value),
}

/// The digest as it stands in the payload: base64url of SHA-256, always 43 characters. Compared as text, so that one
/// digest has one spelling and nothing has to be decoded.
pub(super) type DigestText = [u8; 43];

/// The digest of a disclosure: over the ASCII bytes of the text exactly as received (RFC 9901 section 4.2.3).
pub(super) fn digest(text: &str) -> DigestText {
    base64url::encode_32(&sha256(text))
}

/// Reads what a disclosure says.
pub(super) fn read(text: &str) -> Result<Content, DisclosureError> {
    let bytes = base64url::decode(text).map_err(|_| DisclosureError::NotBase64Url)?;
    let Value::Array(items) = json::parse(&bytes).map_err(|_| DisclosureError::NotJson)? else {
        return Err(DisclosureError::NotADisclosure);
    };
    let length = items.len();
    let mut items = items.into_iter();
    let (Some(salt), Some(second), third) = (items.next(), items.next(), items.next()) else {
        return Err(DisclosureError::NotADisclosure);
    };
    if length > 3 {
        return Err(DisclosureError::NotADisclosure);
    }
    if salt.as_str().is_none_or(str::is_empty) {
        return Err(DisclosureError::SaltNotText);
    }
    match (second, third) {
        (value, None) => Ok(Content::Element(value)),
        (Value::String(name), Some(value)) => Ok(Content::Claim(name, value)),
        _ => Err(DisclosureError::NameNotText),
    }
}

/// Writes the disclosure of a claim (`name` given) or of an array element.
pub(super) fn write(salt: &[u8; 16], name: Option<&str>, value: &Value) -> Result<String, serde_json::Error> {
    let salt = base64url::encode(salt);
    let json = match name {
        Some(name) => serde_json::to_vec(&(salt, name, value))?,
        None => serde_json::to_vec(&(salt, value))?,
    };
    Ok(base64url::encode(json))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error(json: &str) -> DisclosureError {
        read(&base64url::encode(json)).expect_err("it is malformed")
    }

    #[test]
    fn what_is_written_is_read() {
        let value = json!({"国": ["中", 1, null]});
        let claim = write(&[7; 16], Some("name"), &value).expect("it can be written");
        assert!(matches!(read(&claim), Ok(Content::Claim(name, read)) if name == "name" && read == value));
        let element = write(&[7; 16], None, &value).expect("it can be written");
        assert!(matches!(read(&element), Ok(Content::Element(read)) if read == value));
    }

    #[test]
    fn malformed_disclosures_have_their_reasons() {
        assert_eq!(read("WyJhIiwxXQ=").expect_err("padding"), DisclosureError::NotBase64Url);
        assert_eq!(read("WyJhI iwxXQ").expect_err("white space"), DisclosureError::NotBase64Url);
        assert_eq!(read(&base64url::encode([0x5b, 0x22, 0xff, 0x22, 0x5d])).expect_err("UTF-8"), DisclosureError::NotJson);
        for json in ["{\"a\":1,\"a\":2}", "[\"s\",{\"a\":1,\"a\":2}]", "[\"s\",1", "[\"s\",1] x", ""] {
            assert_eq!(error(json), DisclosureError::NotJson, "{json}");
        }
        for json in ["{}", "\"s\"", "[]", "[\"s\"]", "[\"s\",\"n\",1,2]"] {
            assert_eq!(error(json), DisclosureError::NotADisclosure, "{json}");
        }
        for json in ["[1,\"n\",2]", "[\"\",\"n\",2]", "[null,2]"] {
            assert_eq!(error(json), DisclosureError::SaltNotText, "{json}");
        }
        assert_eq!(error("[\"s\",1,2]"), DisclosureError::NameNotText);
    }

    #[test]
    fn a_salt_of_one_character_is_read() {
        assert!(matches!(read(&base64url::encode("[\"s\",\"n\",1]")), Ok(Content::Claim(..))));
    }
}

//! `application/x-www-form-urlencoded`, strictly: every parameter once, every escape whole.

use std::collections::BTreeMap;

/// Why a form is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FormError {
    /// An escape that is cut off or no hexadecimal, or text that is not UTF-8.
    #[error("not a form")]
    Malformed,
    /// A parameter that stands twice (RFC 6749 section 3.2).
    #[error("a parameter stands twice")]
    Doubled,
}

/// The parameters of a form. Those without a value count as left out (RFC 6749 section 3.1).
pub type Parameters = BTreeMap<String, String>;

/// `resource` may be given several times (RFC 8707 section 2), and is the only one. Its values, which are addresses, are
/// kept with spaces between them.
pub const RESOURCE: &str = "resource";

/// Reads a whole form.
pub fn parse(body: &[u8]) -> Result<Parameters, FormError> {
    let mut parameters = Parameters::new();
    let mut seen = std::collections::BTreeSet::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decode(halves.next().unwrap_or_default())?;
        let value = decode(halves.next().unwrap_or_default())?;
        if !seen.insert(name.clone()) && name != RESOURCE {
            return Err(FormError::Doubled);
        }
        if value.is_empty() {
            continue;
        }
        match parameters.get_mut(&name) {
            None => drop(parameters.insert(name, value)),
            Some(earlier) => earlier.extend([" ", value.as_str()]),
        }
    }
    Ok(parameters)
}

fn decode(text: &[u8]) -> Result<String, FormError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|c| char::from(*c).to_digit(16));
                let (high, low) = (digit().ok_or(FormError::Malformed)?, digit().ok_or(FormError::Malformed)?);
                u8::try_from(high * 16 + low).map_err(|_| FormError::Malformed)?
            }
            other => *other,
        });
    }
    String::from_utf8(bytes).map_err(|_| FormError::Malformed)
}

/// Escapes everything but the unreserved characters of RFC 3986, so that the result stands in a form or a query alike.
pub fn encode(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

//! PEM, the textual encoding of keys and certificates (RFC 7468).
//!
//! Text before, between and after blocks is ignored, as section 2 says: `openssl x509 -text` writes some.

use base64::{Engine, engine::general_purpose::STANDARD};

/// Label of a certificate (RFC 7468 section 5).
pub const CERTIFICATE: &str = "CERTIFICATE";
/// Label of a PKCS#8 private key (RFC 7468 section 10).
pub const PRIVATE_KEY: &str = "PRIVATE KEY";

/// Characters of base64 in a line (RFC 7468 section 2).
const LINE: usize = 64;

/// The text holds a block that has no end, or whose content is not base64.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not PEM: a block without an end, or not base64")]
pub struct NotPem;

/// Writes one block, with a line feed at its end.
pub fn encode(label: &str, der: &[u8]) -> String {
    let body = zeroize::Zeroizing::new(STANDARD.encode(der));
    let mut text = String::with_capacity(body.len() + body.len() / LINE + 2 * label.len() + 40);
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(LINE));
        text.push_str(line);
        text.push('\n');
        rest = tail;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

/// The content of every block of `label`, in order; none when the text has no such block.
pub fn decode(label: &str, text: &str) -> Result<Vec<Vec<u8>>, NotPem> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, tail)) = rest.split_once(&begin) {
        let (body, tail) = tail.split_once(&end).ok_or(NotPem)?;
        let body = zeroize::Zeroizing::new(body.split_ascii_whitespace().collect::<String>());
        found.push(STANDARD.decode(body.as_str()).map_err(|_| NotPem)?);
        rest = tail;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_between_other_text() {
        let (one, two) = (vec![7; 100], vec![8; 48]);
        let text = format!("subject=x\n{}\r\n{}# end", encode(CERTIFICATE, &one), encode(CERTIFICATE, &two));
        assert_eq!(decode(CERTIFICATE, &text), Ok(vec![one, two]));
        assert_eq!(decode(PRIVATE_KEY, &text), Ok(vec![]));
        assert!(text.lines().all(|line| line.len() <= LINE));
    }

    #[test]
    fn a_torn_block_is_an_error_and_not_less_blocks() {
        let text = encode(CERTIFICATE, &[7; 100]);
        assert_eq!(decode(CERTIFICATE, &text[..text.len() - 9]), Err(NotPem));
        assert_eq!(decode(CERTIFICATE, &text.replacen("Bw", "B!", 1)), Err(NotPem));
    }
}

//! base64url without padding (RFC 4648 section 5), strict on the way in.
//!
//! One value has one spelling: padding, white space, the characters of the other alphabet and non-zero trailing bits
//! are refused (checklist X-04), so a signature or a digest cannot be written in two ways.

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

const STRICT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(false),
);

/// The text is not base64url in its one allowed spelling.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not base64url without padding")]
pub struct NotBase64Url;

/// Encodes `bytes` without padding.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    STRICT.encode(bytes)
}

/// Encodes 32 bytes, a digest or a key, to their 43 characters without allocating.
pub fn encode_32(bytes: &[u8; 32]) -> [u8; 43] {
    let mut text = [0; 43];
    // 32 bytes are 43 characters, so the buffer is neither too short nor left with a rest.
    let _ = STRICT.encode_slice(bytes, &mut text);
    text
}

/// Decodes `text`; the empty text is the empty byte string.
pub fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, NotBase64Url> {
    STRICT.decode(text).map_err(|_| NotBase64Url)
}

/// Decodes `text` to exactly `N` bytes.
pub fn decode_array<const N: usize>(text: impl AsRef<[u8]>) -> Result<[u8; N], NotBase64Url> {
    decode(text)?.try_into().map_err(|_| NotBase64Url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_spelling() {
        assert_eq!(encode([0xfb, 0xff]), "-_8");
        assert_eq!(decode("-_8"), Ok(vec![0xfb, 0xff]));
        for other in ["-_8=", "+/8", "-_9", "-_8\n", " -_8", "-", "-_8A="] {
            assert_eq!(decode(other), Err(NotBase64Url), "{other:?}");
        }
    }

    #[test]
    fn a_digest_is_written_as_any_other_bytes() {
        for byte in [0, 7, 0xff] {
            assert_eq!(encode_32(&[byte; 32]).as_slice(), encode([byte; 32]).as_bytes());
        }
    }

    #[test]
    fn a_fixed_length_is_held() {
        assert_eq!(decode_array::<2>("-_8"), Ok([0xfb, 0xff]));
        assert_eq!(decode_array::<3>("-_8"), Err(NotBase64Url));
    }
}

//! Base45 (RFC 9285): two bytes as three of the 45 characters that a QR code packs into 5.5 bits each.

/// The characters by their value (section 4.2).
const LETTERS: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/// Whether a byte is one of the characters.
#[cfg(test)]
pub(super) fn is_letter(byte: u8) -> bool {
    LETTERS.contains(&byte)
}

/// Bytes as text (section 4): two bytes as three characters, a last single one as two.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(2) * 3);
    for pair in bytes.chunks(2) {
        let (mut value, characters) = match *pair {
            [high, low] => (usize::from(high) * 256 + usize::from(low), 3),
            [only] => (usize::from(only), 2),
            _ => break,
        };
        for _ in 0..characters {
            // Always there: the remainder is less than 45.
            text.extend(LETTERS.get(value % 45).map(|letter| char::from(*letter)));
            value /= 45;
        }
    }
    text
}

/// Text as bytes; none when a character is another, a value too large, or one character is left over (section 6).
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 3 * 2 + 1);
    for group in text.as_bytes().chunks(3) {
        let mut value = 0;
        for letter in group.iter().rev() {
            value = value * 45 + LETTERS.iter().position(|known| known == letter)?;
        }
        match group.len() {
            3 => bytes.extend(u16::try_from(value).ok()?.to_be_bytes()),
            2 => bytes.push(u8::try_from(value).ok()?),
            _ => return None,
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_9285() {
        for (bytes, text) in [("AB", "BB8"), ("Hello!!", "%69 VD92EX0"), ("base-45", "UJCLQE7W581"), ("ietf!", "QED8WEX0")] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text), Some(bytes.as_bytes().to_vec()));
        }
        assert_eq!(encode(b""), "");
    }

    #[test]
    fn what_no_bytes_encode_to_is_refused() {
        // FFFF is FGW, the largest group of three; GGW is beyond it (section 6). :: as a last pair is 2024.
        assert_eq!(decode("FGW"), Some(vec![0xff, 0xff]));
        for bad in ["GGW", ":::", "::", "A", "BB8A", "bb8", "BB_", "é8"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}

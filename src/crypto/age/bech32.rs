//! Bech32 (BIP 173) as the age format writes its keys: a prefix, `1`, five bits a character, six characters of checksum.

const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const CHECKSUM: usize = 6;

/// Writes `data` behind the prefix, in small letters.
pub(super) fn encode(prefix: &str, data: &[u8]) -> String {
    let values = regroup(data, 8, 5, true).unwrap_or_default();
    let sum = polymod(expand(prefix).chain(values.iter().copied()).chain([0; CHECKSUM])) ^ 1;
    let sum = (0..CHECKSUM).map(|at| (sum >> (5 * (CHECKSUM - 1 - at)) & 31) as u8);
    let text = values.iter().copied().chain(sum).filter_map(|value| ALPHABET.get(usize::from(value)));
    format!("{prefix}1{}", text.map(|byte| char::from(*byte)).collect::<String>())
}

/// Reads what stands behind the prefix; none when prefix, spelling or checksum is another. Small letters only.
pub(super) fn decode(prefix: &str, text: &str) -> Option<Vec<u8>> {
    let rest = text.strip_prefix(prefix)?.strip_prefix('1')?;
    let place = |byte: u8| ALPHABET.iter().position(|known| *known == byte).and_then(|at| u8::try_from(at).ok());
    let values: Vec<u8> = rest.bytes().map(place).collect::<Option<_>>()?;
    let data = values.get(..values.len().checked_sub(CHECKSUM)?)?;
    (polymod(expand(prefix).chain(values.iter().copied())) == 1).then(|| regroup(data, 5, 8, false))?
}

fn expand(prefix: &str) -> impl Iterator<Item = u8> {
    prefix.bytes().map(|byte| byte >> 5).chain([0]).chain(prefix.bytes().map(|byte| byte & 31))
}

fn polymod(values: impl Iterator<Item = u8>) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    values.fold(1, |sum: u32, value| {
        let shifted = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
        GENERATOR.iter().enumerate().filter(|(at, _)| sum >> 25 >> at & 1 == 1).fold(shifted, |sum, (_, term)| sum ^ term)
    })
}

/// Groups of `from` bits as groups of `to`. What is left over at the end is filled up with zeros when writing, and has to
/// be such zeros, fewer than one group, when reading.
fn regroup(data: &[u8], from: u32, to: u32, filled: bool) -> Option<Vec<u8>> {
    let (mut held, mut bits, mut groups) = (0_u32, 0, Vec::with_capacity(data.len() * 2));
    for value in data {
        held = held << from | u32::from(*value);
        bits += from;
        while bits >= to {
            bits -= to;
            groups.push((held >> bits & ((1 << to) - 1)) as u8);
            held &= (1 << bits) - 1;
        }
    }
    match filled {
        true if bits > 0 => groups.push((held << (to - bits) & ((1 << to) - 1)) as u8),
        false if bits >= from || held != 0 => return None,
        _ => {}
    }
    Some(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let data: [u8; 32] = std::array::from_fn(|at| (at * 7) as u8);
        let text = encode("age", &data);
        assert_eq!(decode("age", &text).as_deref(), Some(&data[..]));
        assert_eq!(decode("ag", &text), None);
        assert_eq!(decode("age", &text.to_uppercase()), None);
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'q' { b'p' } else { b'q' };
            assert_eq!(decode("age", &String::from_utf8(changed).expect("text")), None, "{at}");
        }
    }

    #[test]
    fn the_valid_strings_of_bip_173_have_a_good_checksum() {
        // Those of its list whose data part is whole bytes are read; one whose checksum is another is not.
        assert_eq!(decode("a", "a12uel5l").as_deref(), Some(&[][..]));
        assert_eq!(decode("a", "a12uel5m"), None);
        let split = "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w";
        assert_eq!(decode("split", split).map(|data| encode("split", &data)).as_deref(), Some(split));
    }
}

//! Signatures and keys bent until something gives: other encodings of the same, points of small order, numbers out of range.

use serde_json::{Value, json};
use yufu::{
    base::base64url,
    crypto::{Algorithm, KeyError, PublicKey, Signer, SoftwareKey, jws::JwsError, sha256},
};

use super::jose::{key, read, signed};

pub const TESTED: &[&str] =
    &["SG-01", "SG-02", "SG-03", "SG-04", "SG-05", "SG-06", "SG-07", "SG-08", "SG-09", "SG-10", "SG-11", "X-01", "X-04"];

// SG-11, all invalid rows of Wycheproof, runs with the vectors; this line fails to compile when it goes away.
const _: &str = include_str!("../vectors/wycheproof.rs");

const ES256: &str = r#"{"alg":"ES256","typ":"kb+jwt"}"#;
const EDDSA: &str = r#"{"alg":"EdDSA","typ":"kb+jwt"}"#;

/// The order of the base point of Ed25519, little end first (RFC 8032 section 5.1).
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0x10,
];
/// The order of P-256, big end first (SEC 2 section 2.4.2).
const N: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
    0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn hex<const BYTES: usize>(text: &str) -> [u8; BYTES] {
    std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hexadecimal"))
}

fn honest(algorithm: Algorithm) -> (SoftwareKey, String, [u8; 64]) {
    let key = key(algorithm);
    let text = signed(if algorithm == Algorithm::Es256 { ES256 } else { EDDSA }, "{}", &key);
    let (input, signature) = text.rsplit_once('.').expect("three parts");
    let signature = base64url::decode_array(signature).expect("64 bytes");
    (key, input.to_owned(), signature)
}

/// What a reader says to the honest token with another signature.
fn with_signature(algorithm: Algorithm, change: impl Fn(&[u8; 64]) -> Vec<u8>) -> Result<(), JwsError> {
    let (key, input, signature) = honest(algorithm);
    read(&format!("{input}.{}", base64url::encode(change(&signature))), &key).map(|_| ())
}

fn halves(first: [u8; 32], second: [u8; 32]) -> Vec<u8> {
    [first, second].concat()
}

fn half(signature: &[u8; 64], which: usize) -> [u8; 32] {
    std::array::from_fn(|at| signature[32 * which + at])
}

#[test]
fn ed25519_has_one_signature_for_a_message_and_not_a_family() {
    let plus_l = |signature: &[u8; 64]| {
        let (mut sum, mut carry) = ([0; 32], 0);
        for at in 0..32 {
            let digit = u16::from(signature[32 + at]) + u16::from(L[at]) + carry;
            (sum[at], carry) = (digit as u8, digit >> 8);
        }
        halves(half(signature, 0), sum)
    };
    assert_eq!(with_signature(Algorithm::Ed25519, |signature| signature.to_vec()), Ok(()));
    assert_eq!(with_signature(Algorithm::Ed25519, plus_l), Err(JwsError::BadSignature), "SG-01: S + L");
    let high_bit = |signature: &[u8; 64]| {
        let mut other = signature.to_vec();
        other[63] |= 0x80;
        other
    };
    assert_eq!(with_signature(Algorithm::Ed25519, high_bit), Err(JwsError::BadSignature), "SG-01: high bit of S");
}

#[test]
fn points_of_small_order_sign_nothing_and_are_no_keys() {
    // The eight points of the torsion subgroup, in their canonical encodings.
    let small = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    ];
    for point in small {
        assert_eq!(PublicKey::ed25519(&hex::<32>(point)), Err(KeyError::Weak), "SG-02, SG-03: {point}");
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": base64url::encode(hex::<32>(point))});
        assert_eq!(from_jwk(&jwk), Err(KeyError::Weak), "SG-03: {point}");
        // As R of a signature by an honest key, with S of nothing.
        let forged = |_: &[u8; 64]| halves(hex(point), [0; 32]);
        assert_eq!(with_signature(Algorithm::Ed25519, forged), Err(JwsError::BadSignature), "SG-02: R = {point}");
    }
    // Case 2 of ed25519-speccheck: R of small order, and the equation holds.
    let key = hex::<32>("f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43");
    let message = hex::<32>("aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab");
    let signature = hex::<64>(concat!(
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
    ));
    let key = PublicKey::ed25519(&key).expect("a key of large order");
    assert!(key.verify(&message, &signature).is_err(), "SG-02");
}

#[test]
fn a_point_has_one_encoding() {
    let number = |low: u8, top: u8| {
        let mut bytes = [0xff; 32];
        (bytes[0], bytes[31]) = (low, top);
        bytes
    };
    // y from p to 2^255 - 1 stands for y - p, with either sign. Some are of large order, so no test of weakness finds them.
    for low in 0xed..=0xff {
        for top in [0x7f, 0xff] {
            let encoded = number(low, top);
            assert_eq!(PublicKey::ed25519(&encoded), Err(KeyError::Malformed), "SG-04: A = {low:02x}..{top:02x}");
            let forged = |signature: &[u8; 64]| halves(encoded, half(signature, 1));
            assert_eq!(with_signature(Algorithm::Ed25519, forged), Err(JwsError::BadSignature), "SG-04: R");
        }
    }
    // x = 0 with the sign of a negative number.
    let minus_zero = hex::<32>("0100000000000000000000000000000000000000000000000000000000000080");
    assert_eq!(PublicKey::ed25519(&minus_zero), Err(KeyError::Malformed), "SG-04: -0");
}

#[test]
fn a_signature_is_64_bytes() {
    for algorithm in Algorithm::ALL {
        for length in [0, 1, 32, 63] {
            let cut = |signature: &[u8; 64]| signature[..length].to_vec();
            assert_eq!(with_signature(algorithm, cut), Err(JwsError::BadSignature), "SG-05: {length} bytes");
        }
        for tail in [vec![0], vec![7; 64]] {
            let longer = |signature: &[u8; 64]| [signature.as_slice(), &tail].concat();
            assert_eq!(with_signature(algorithm, longer), Err(JwsError::BadSignature), "SG-05: {} more", tail.len());
        }
    }
}

fn from_jwk(jwk: &Value) -> Result<PublicKey, KeyError> {
    PublicKey::from_jwk(jwk.as_object().expect("an object"))
}

#[test]
fn keys_of_the_wrong_length_are_refused_without_a_panic() {
    for length in [0, 1, 3, 31, 33, 64] {
        let x = base64url::encode(vec![7; length]);
        let okp = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
        assert_eq!(from_jwk(&okp), Err(KeyError::Malformed), "SG-06: {length} bytes");
        let y = base64url::encode([7; 32]);
        for (x, y) in [(&x, &y), (&y, &x)] {
            let ec = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
            assert_eq!(from_jwk(&ec), Err(KeyError::Malformed), "SG-06: {length} bytes");
        }
    }
    let padded = json!({"kty": "OKP", "crv": "Ed25519", "x": base64url::encode([9; 32]) + "="});
    assert_eq!(from_jwk(&padded), Err(KeyError::Malformed), "SG-06, SG-10");
}

#[test]
fn p256_points_and_numbers_have_to_be_in_their_range() {
    let (key, ..) = honest(Algorithm::Es256);
    let good = key.public_key().as_bytes();
    let changed = |at: usize, to: u8| {
        let mut point = good.to_vec();
        point[at] = to;
        point
    };
    // Off the curve, the origin, infinity, compressed, hybrid, and a coordinate that is the field's prime.
    let prime = hex::<32>("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    let mut origin = vec![0; 65];
    origin[0] = 4;
    let compressed = [&[2], &good[1..33]].concat();
    let beyond = [&[4], prime.as_slice(), &good[33..]].concat();
    let points = [changed(64, good[64] ^ 1), origin, vec![0], vec![0; 65], compressed, changed(0, 6), beyond, vec![]];
    for point in points {
        assert_eq!(PublicKey::p256(&point), Err(KeyError::Malformed), "SG-07: {point:02x?}");
    }
    let one: [u8; 32] = std::array::from_fn(|at| u8::from(at == 31));
    for number in [[0; 32], N, [0xff; 32]] {
        let bad = |r: Option<[u8; 32]>, s: Option<[u8; 32]>| {
            with_signature(Algorithm::Es256, |signature| {
                halves(r.unwrap_or(half(signature, 0)), s.unwrap_or(half(signature, 1)))
            })
        };
        for (r, s) in [(Some(number), None), (None, Some(number)), (Some(number), Some(number)), (Some(one), Some(number))] {
            assert_eq!(bad(r, s), Err(JwsError::BadSignature), "SG-07: {number:02x?}");
        }
    }
}

#[test]
fn der_in_place_of_the_raw_numbers_is_refused() {
    let der = |signature: &[u8; 64]| {
        let integer = |number: [u8; 32]| {
            let sign = if number[0] >= 0x80 { vec![0] } else { vec![] };
            [vec![2, 32 + sign.len() as u8], sign, number.to_vec()].concat()
        };
        let body = [integer(half(signature, 0)), integer(half(signature, 1))].concat();
        [vec![0x30, body.len() as u8], body].concat()
    };
    assert_eq!(with_signature(Algorithm::Es256, der), Err(JwsError::BadSignature), "SG-08, X-01");
}

#[test]
fn both_values_of_s_are_accepted_for_p256() {
    // n - s: policy, for other wallets make it; so no signature may serve as an identifier.
    let other = |signature: &[u8; 64]| {
        let (mut difference, mut borrow) = ([0; 32], 0);
        for at in (0..32).rev() {
            let digit = i16::from(N[at]) - i16::from(signature[32 + at]) - borrow;
            difference[at] = digit.rem_euclid(256) as u8;
            borrow = i16::from(digit < 0);
        }
        assert_ne!(difference, half(signature, 1));
        halves(half(signature, 0), difference)
    };
    assert_eq!(with_signature(Algorithm::Es256, other), Ok(()), "SG-09");
    assert_eq!(with_signature(Algorithm::Es256, |signature| signature.to_vec()), Ok(()), "SG-09");
}

/// Other spellings of one base64url text, each of which a lenient decoder reads as the same bytes.
fn spellings(text: &str) -> Vec<String> {
    let mut all = vec![format!("{text}="), format!("{text}\n"), format!(" {text}"), format!("{text}=="), format!("{text}%3D")];
    all.push(format!("{}\r\n{}", &text[..2], &text[2..]));
    let standard = text.replace('-', "+").replace('_', "/");
    if standard != text {
        all.push(standard);
    }
    // The bits of the last character that stand for no byte.
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if !text.len().is_multiple_of(4) {
        let last = text.bytes().last().expect("not empty");
        let at = ALPHABET.iter().position(|one| *one == last).expect("of the alphabet");
        all.push(format!("{}{}", &text[..text.len() - 1], char::from(ALPHABET[at | 1])));
    }
    all
}

#[test]
fn every_part_has_one_spelling() {
    for algorithm in Algorithm::ALL {
        let (key, input, signature) = honest(algorithm);
        let (header, payload) = input.split_once('.').expect("two parts");
        let signature = base64url::encode(signature);
        for other in spellings(&signature) {
            assert_eq!(read(&format!("{input}.{other}"), &key), Err(JwsError::Malformed), "SG-10, X-04: {other:?}");
        }
        for other in spellings(header) {
            let read = read(&format!("{other}.{payload}.{signature}"), &key);
            assert_eq!(read, Err(JwsError::Malformed), "SG-10, X-04: {other:?}");
        }
        // A payload in another spelling breaks the signature; signed as it stands, it is still refused.
        for other in spellings(payload) {
            let moved = read(&format!("{header}.{other}.{signature}"), &key);
            assert_eq!(moved, Err(JwsError::BadSignature), "SG-10, X-04: {other:?}");
            let input = format!("{header}.{other}");
            let signature = key.sign(input.as_bytes()).expect("a software key signs");
            let resigned = read(&format!("{input}.{}", base64url::encode(signature)), &key);
            assert_eq!(resigned, Err(JwsError::Malformed), "SG-10, X-04: {other:?}");
        }
    }
}

#[test]
fn no_single_bit_of_a_token_can_be_changed() {
    for algorithm in Algorithm::ALL {
        let (key, input, signature) = honest(algorithm);
        for bit in 0..512 {
            let mut changed = signature;
            changed[bit / 8] ^= 1 << (bit % 8);
            let read = read(&format!("{input}.{}", base64url::encode(changed)), &key);
            assert_eq!(read, Err(JwsError::BadSignature), "SG-05: bit {bit}");
        }
        assert!(key.public_key().verify(&sha256(&input), &signature).is_err());
    }
}

#[test]
fn no_line_is_forgotten() {
    crate::assert_complete("SG-", 11);
}

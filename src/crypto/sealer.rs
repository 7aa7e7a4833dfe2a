//! Seals records at rest: AES-256-GCM (NIST SP 800-38D): people under one of sixteen shard keys, evidence under the
//! key of its day.
//!
//! A sealed value is `version (1 byte) || nonce (12 bytes) || ciphertext || tag (16 bytes)`. Its context (kind of record
//! and id) is authenticated with it, so that a sealed record cannot be moved to the place of another. Nonces are random:
//! a shard key may seal 2^32 values (SP 800-38D section 8.3), sixteen of them a register of billions of changes.

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};

use crate::{
    base::{
        random::Random,
        secret::{Secret, SecretKey},
    },
    crypto::keyed_hash,
};

/// Shard keys, and so shards, of a sealed register. Destroying one key is how the people of its shard are forgotten.
pub const SHARDS: usize = 16;

/// The layout of a sealed value. Another cipher or layout takes the next number.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// Why a sealed value does not open.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SealError {
    /// Too short to be a sealed value.
    #[error("a sealed value is truncated")]
    Truncated,
    /// Sealed by a layout that this version does not know.
    #[error("sealed in layout {0}, which this version does not know")]
    UnknownVersion(u8),
    /// Sealed under another key or for another context, or altered.
    #[error("a sealed value was altered, moved, or sealed under another key")]
    NotAuthentic,
}

/// Seals, opens, and makes the blind indexes by which sealed records are found.
pub struct Sealer {
    shards: [SecretKey; SHARDS],
    blind_index: SecretKey,
}

impl Sealer {
    /// A sealer over the keys of its shards and a key of its own for blind indexes.
    pub fn new(shards: [SecretKey; SHARDS], blind_index: SecretKey) -> Self {
        Self { shards, blind_index }
    }

    /// Seals `plain` under the key of `shard` (its low four bits count) for `context`, under a nonce from `random`.
    pub fn seal(&self, shard: u8, context: &[u8], plain: &[u8], random: &dyn Random) -> Vec<u8> {
        seal(self.key(shard), context, plain, random)
    }

    /// Opens what [`seal`](Self::seal) made for the same shard and context.
    pub fn open(&self, shard: u8, context: &[u8], sealed: &[u8]) -> Result<Secret<Vec<u8>>, SealError> {
        open(self.key(shard), context, sealed)
    }

    /// The blind index of a normalised token (an ID number, a name, a prefix of one) of `field`: the first 16 bytes of
    /// its keyed hash. Equal tokens of different fields have nothing in common to one without the key.
    pub fn blind_index(&self, field: &str, token: &str) -> [u8; 16] {
        let hash = keyed_hash(&self.blind_index, &format!("yufu-blind-index-v1/{field}"), token.as_bytes());
        let mut index = [0; 16];
        index.copy_from_slice(&hash[..16]);
        index
    }

    fn key(&self, shard: u8) -> &SecretKey {
        &self.shards[usize::from(shard) % SHARDS]
    }
}

/// Seals `plain` under `key` for `context`, under a nonce from `random`.
#[expect(clippy::expect_used, reason = "AES-GCM refuses nothing but plaintexts over 64 GiB, which no record reaches")]
pub fn seal(key: &SecretKey, context: &[u8], plain: &[u8], random: &dyn Random) -> Vec<u8> {
    let nonce: [u8; NONCE_BYTES] = random.array();
    let payload = Payload { msg: plain, aad: context };
    let sealed = cipher(key).encrypt(&Nonce::from(nonce), payload).expect("a record is shorter than 64 GiB");
    [[VERSION].as_slice(), &nonce, &sealed].concat()
}

/// Opens what [`seal`] made under the same key and context.
pub fn open(key: &SecretKey, context: &[u8], sealed: &[u8]) -> Result<Secret<Vec<u8>>, SealError> {
    let (version, rest) = sealed.split_first().ok_or(SealError::Truncated)?;
    if *version != VERSION {
        return Err(SealError::UnknownVersion(*version));
    }
    let (nonce, rest) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Truncated)?;
    if rest.len() < TAG_BYTES {
        return Err(SealError::Truncated);
    }
    let payload = Payload { msg: rest, aad: context };
    let plain = cipher(key).decrypt(&Nonce::from(*nonce), payload).map_err(|_| SealError::NotAuthentic)?;
    Ok(Secret::new(plain))
}

fn cipher(key: &SecretKey) -> Aes256Gcm {
    Aes256Gcm::new(key.expose().into())
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;

    fn sealer(seed: u64) -> Sealer {
        let random: &dyn Random = &SeededRandom::new(seed);
        Sealer::new(std::array::from_fn(|_| SecretKey::new(random.array())), SecretKey::new(random.array()))
    }

    #[test]
    fn what_is_sealed_opens_for_its_own_shard_and_context_only() {
        let (sealer, random) = (sealer(1), SeededRandom::new(2));
        let sealed = sealer.seal(3, b"people/1", b"a person", &random);
        assert_eq!(sealer.open(3, b"people/1", &sealed).map(|s| s.expose().clone()), Ok(b"a person".to_vec()));
        let refused = |shard, context: &[u8]| sealer.open(shard, context, &sealed).err();
        assert_eq!(refused(4, b"people/1"), Some(SealError::NotAuthentic));
        assert_eq!(refused(3, b"people/2"), Some(SealError::NotAuthentic));
        let other = self::sealer(9);
        assert_eq!(other.open(3, b"people/1", &sealed).err(), Some(SealError::NotAuthentic));
    }

    #[test]
    fn every_changed_byte_and_every_lost_byte_is_noticed() {
        let (sealer, random) = (sealer(1), SeededRandom::new(2));
        let sealed = sealer.seal(0, b"c", b"plain", &random);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            let error = if at == 0 { SealError::UnknownVersion(0) } else { SealError::NotAuthentic };
            assert_eq!(sealer.open(0, b"c", &changed).err(), Some(error), "byte {at}");
            let error = if at < 1 + NONCE_BYTES + TAG_BYTES { SealError::Truncated } else { SealError::NotAuthentic };
            assert_eq!(sealer.open(0, b"c", &sealed[..at]).err(), Some(error), "length {at}");
        }
    }

    #[test]
    fn the_same_plaintext_is_sealed_differently_each_time_and_may_be_empty() {
        let (sealer, random) = (sealer(1), SeededRandom::new(2));
        let (one, two) = (sealer.seal(0, b"", b"", &random), sealer.seal(0, b"", b"", &random));
        assert_ne!(one, two);
        assert_eq!(one.len(), 1 + NONCE_BYTES + TAG_BYTES);
        assert_eq!(sealer.open(0, b"", &one).map(|s| s.expose().clone()), Ok(Vec::new()));
    }

    #[test]
    fn blind_indexes_depend_on_key_field_and_token() {
        let (one, two) = (sealer(1), sealer(2));
        assert_eq!(one.blind_index("name", "li"), one.blind_index("name", "li"));
        let other = [
            one.blind_index("name", "wu"),
            one.blind_index("pinyin", "li"),
            two.blind_index("name", "li"),
            one.blind_index("nam", "eli"),
        ];
        assert!(!other.contains(&one.blind_index("name", "li")));
    }

    #[test]
    fn the_cipher_is_the_standards() {
        // Test case 15 of the GCM specification (McGrew and Viega), AES-256 without associated data.
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
        };
        let key: [u8; 32] =
            hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308").try_into().expect("32 bytes");
        let sealer = Sealer::new(std::array::from_fn(|_| SecretKey::new(key)), SecretKey::new(key));
        let sealed = hex(concat!(
            "01cafebabefacedbaddecaf888",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa",
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
            "b094dac5d93471bdec1a502270e3cc6c",
        ));
        let plain = hex(concat!(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72",
            "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
        ));
        assert_eq!(sealer.open(0, b"", &sealed).map(|s| s.expose().clone()), Ok(plain));
    }
}

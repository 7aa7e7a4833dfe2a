//! Signatures, keys and certificates: pure functions of bytes, keys and time.
//!
//! The algorithm always comes from the key, never from a header. `ed25519-dalek`, `curve25519-dalek`, `aws-lc-rs` and
//! `jsonwebtoken` are named in this folder only.

pub mod access_token;
pub mod age;
pub mod algorithm;
mod ed25519;
pub mod jwe;
pub mod jws;
pub mod password;
pub mod pem;
pub mod pkcs8;
pub mod public_key;
pub mod sealer;
pub mod signer;
pub mod tls;
pub mod x509;

pub use algorithm::Algorithm;
pub use ed25519::Ed25519Key;
pub use public_key::{KeyError, PublicKey};
pub use sealer::{SealError, Sealer};
pub use signer::{SignError, Signer, SoftwareKey};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::base::secret::SecretKey;

/// SHA-256 (FIPS 180-4).
pub fn sha256(bytes: impl AsRef<[u8]>) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// HMAC-SHA-256 (RFC 2104) of `data` for one use, named by `domain`: keys may be shared between uses, answers are not.
/// The domain is prefixed with its length, so no pair of domain and data reads as another.
pub fn keyed_hash(key: &SecretKey, domain: &str, data: &[u8]) -> [u8; 32] {
    // A key shorter than the block is filled up with zeros (RFC 2104 section 2); done here, no length can be wrong.
    let mut block = zeroize::Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(key.expose());
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    mac.update(&(domain.len() as u64).to_be_bytes());
    mac.update(domain.as_bytes());
    mac.update(data);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyed_hash_is_hmac_over_length_domain_and_data() {
        // By another implementation: Python's hmac.new(bytes(range(32)), (4).to_bytes(8) + b"code" + b"x", "sha256").
        let key = SecretKey::new(std::array::from_fn(|at| at as u8));
        assert_eq!(
            crate::base::base64url::encode(keyed_hash(&key, "code", b"x")),
            "jedU7_c92D91G5kZp-wrU9g89IN4iDseWTgKg4Obn9k"
        );
    }

    #[test]
    fn a_keyed_hash_depends_on_key_domain_and_data() {
        let (one, two) = (SecretKey::new([1; 32]), SecretKey::new([2; 32]));
        let all = [
            keyed_hash(&one, "ab", b"c"),
            keyed_hash(&one, "a", b"bc"),
            keyed_hash(&one, "ab", b"d"),
            keyed_hash(&two, "ab", b"c"),
        ];
        let different: std::collections::BTreeSet<_> = all.into_iter().collect();
        assert_eq!(different.len(), all.len());
        assert_eq!(keyed_hash(&one, "ab", b"c"), all[0]);
    }
}

//! Signatures, keys and certificates: pure functions of bytes, keys and time.
//!
//! The algorithm always comes from the key, never from a header. `ed25519-dalek`, `aws-lc-rs` and `jsonwebtoken` are
//! named in this folder only.

pub mod algorithm;
pub mod jws;
pub mod public_key;
pub mod signer;

pub use algorithm::Algorithm;
pub use public_key::{KeyError, PublicKey};
pub use signer::{SignError, Signer, SoftwareKey};

use sha2::{Digest, Sha256};

/// SHA-256 (FIPS 180-4).
pub fn sha256(bytes: impl AsRef<[u8]>) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

//! Nonces that need no store until they are used: 16 random bytes and their end, under a keyed hash.

use subtle::ConstantTimeEq;

use crate::{
    base::{base64url, time::Timestamp},
    crypto::keyed_hash,
    format::openid::NonceResponse,
    issuance::Ground,
    model::record::OneTimeKey,
};

/// Life of a nonce, in seconds: the user unlocks a key for each copy within it.
pub const NONCE_SECONDS: i64 = 300;

const RANDOM_BYTES: usize = 16;
const TIME_BYTES: usize = 8;
const HASH_BYTES: usize = 16;
const BYTES: usize = RANDOM_BYTES + TIME_BYTES + HASH_BYTES;

/// A nonce that is ours and fresh, though perhaps used.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct FreshNonce {
    /// The key under which its use is recorded.
    pub key: OneTimeKey,
    /// From when on the record may be forgotten.
    pub expires_at: Timestamp,
}

/// The nonce endpoint.
#[derive(Clone)]
pub struct Nonces {
    ground: Ground,
}

impl Nonces {
    /// On this ground.
    pub fn new(ground: Ground) -> Self {
        Self { ground }
    }

    /// A nonce for one credential request (OpenID4VCI 1.0 section 7). Writes nothing.
    pub fn issue(&self) -> NonceResponse {
        let expires_at = self.ground.clock.now().plus_seconds(NONCE_SECONDS);
        let random: [u8; RANDOM_BYTES] = self.ground.random.array();
        let mut bytes = [random.as_slice(), &expires_at.unix().to_be_bytes()].concat();
        let hash = self.ground.nonce_hash(&bytes);
        bytes.extend_from_slice(&hash);
        NonceResponse { c_nonce: base64url::encode(bytes) }
    }
}

impl Ground {
    fn nonce_hash(&self, body: &[u8]) -> [u8; HASH_BYTES] {
        let hash = keyed_hash(self.keyring.code_key(), "c_nonce", body);
        std::array::from_fn(|at| hash[at])
    }

    /// Whether a text is a nonce of ours that is fresh now; none for any other.
    pub(super) fn fresh_nonce(&self, text: &str) -> Option<FreshNonce> {
        let bytes: [u8; BYTES] = base64url::decode_array(text).ok()?;
        let (body, hash) = bytes.split_at_checked(RANDOM_BYTES + TIME_BYTES)?;
        if !bool::from(self.nonce_hash(body).ct_eq(hash)) {
            return None;
        }
        let time: [u8; TIME_BYTES] = body.get(RANDOM_BYTES..)?.try_into().ok()?;
        let expires_at = Timestamp::from_unix(i64::from_be_bytes(time));
        let now = self.clock.now();
        // A clock that was set back must not lengthen the life of a nonce.
        let is_fresh = now < expires_at && expires_at <= now.plus_seconds(NONCE_SECONDS);
        is_fresh.then(|| FreshNonce { key: keyed_hash(self.keyring.code_key(), "used c_nonce", body), expires_at })
    }
}

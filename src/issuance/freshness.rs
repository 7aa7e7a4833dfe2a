//! Values that show that something was signed just now: nonces of DPoP (RFC 9449 sections 8 and 9) and challenges of wallet
//! attestations. They need no store: the time, under a keyed hash. What is used once is the identifier of the proof around
//! them.

use subtle::ConstantTimeEq;

use crate::{
    base::{base64url, limits::CLOCK_SKEW_SECONDS, time::Timestamp},
    crypto::keyed_hash,
    format::openid::client_attestation::ChallengeResponse,
    issuance::Ground,
};

/// Life of a value, in seconds.
pub const FRESHNESS_SECONDS: i64 = 300;

const TIME_BYTES: usize = 8;
const HASH_BYTES: usize = 16;

/// Which half of the service gives a value and takes it: they do not take each other's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Server {
    /// The authorisation server: pushed requests and tokens.
    Authorization,
    /// The resource server: cards.
    Resource,
}

impl Server {
    const fn domain(self) -> &'static str {
        match self {
            Self::Authorization => "freshness for the authorization server",
            Self::Resource => "freshness for the resource server",
        }
    }
}

/// Gives fresh values.
#[derive(Clone)]
pub struct Freshness {
    ground: Ground,
}

impl Freshness {
    /// On this ground.
    pub fn new(ground: Ground) -> Self {
        Self { ground }
    }

    /// A nonce for the next DPoP proof to this half of the service.
    pub fn nonce(&self, server: Server) -> String {
        self.ground.freshness(server)
    }

    /// A challenge for the proof beside a wallet attestation. In the combined mode, where a DPoP proof is that proof, it is
    /// its nonce: so the two are of one kind.
    pub fn challenge(&self) -> ChallengeResponse {
        ChallengeResponse { attestation_challenge: self.ground.freshness(Server::Authorization) }
    }
}

impl Ground {
    /// A value for this half of the service that is fresh for [`FRESHNESS_SECONDS`].
    pub(super) fn freshness(&self, server: Server) -> String {
        let time = self.clock.now().unix().to_be_bytes();
        base64url::encode([&time[..], &self.freshness_hash(server, &time)].concat())
    }

    /// Whether this half of the service gave a value, and lately. A clock that was set back a little takes none away.
    pub(super) fn is_fresh(&self, server: Server, text: &str) -> bool {
        let Ok(bytes) = base64url::decode_array::<{ TIME_BYTES + HASH_BYTES }>(text) else { return false };
        let Some((time, hash)) = bytes.split_first_chunk::<TIME_BYTES>() else { return false };
        let age = self.clock.now().seconds_since(Timestamp::from_unix(i64::from_be_bytes(*time)));
        bool::from(self.freshness_hash(server, time).ct_eq(hash)) && (-CLOCK_SKEW_SECONDS..FRESHNESS_SECONDS).contains(&age)
    }

    fn freshness_hash(&self, server: Server, time: &[u8]) -> [u8; HASH_BYTES] {
        let hash = keyed_hash(self.keyring.code_key(), server.domain(), time);
        std::array::from_fn(|at| hash[at])
    }
}

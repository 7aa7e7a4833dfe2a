//! Randomness as a value that is passed in.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sha2::{Digest, Sha256};

/// Fills buffers with bytes nobody can guess. The only source of randomness in the crate (`clippy.toml`); the one
/// exception is the nonce inside an ECDSA signature, which the signing library draws itself.
pub trait Random: Send + Sync {
    /// Fills the whole buffer.
    fn fill(&self, buffer: &mut [u8]);
}

impl dyn Random + '_ {
    /// An array of `N` random bytes.
    pub fn array<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A random (version 4) UUID.
    pub fn uuid(&self) -> uuid::Uuid {
        uuid::Builder::from_random_bytes(self.array()).into_uuid()
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    /// Panics when the operating system refuses: without randomness no key, salt or code may be made, and Linux refuses
    /// only before its pool is seeded at boot.
    #[expect(clippy::disallowed_methods, clippy::expect_used, reason = "the one door to the system's generator")]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system gives random bytes");
    }
}

/// Bytes that follow from a seed, for tests that replay; SHA-256 over seed and block number. Clones share one stream.
#[derive(Clone, Debug)]
pub struct SeededRandom {
    seed: u64,
    next_block: Arc<AtomicU64>,
}

impl SeededRandom {
    /// A stream that depends on nothing but `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, next_block: Arc::new(AtomicU64::new(0)) }
    }
}

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let block = self.next_block.fetch_add(1, Ordering::SeqCst);
            let digest = Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(block.to_be_bytes()).finalize();
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
    }
}

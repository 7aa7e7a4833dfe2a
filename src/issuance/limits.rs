//! How often one client, one wallet, one person and one code may come. It is asked here, once who comes is proved; who counts
//! stands above.

use crate::model::{client::WalletInstance, ids::PersonId};

/// What is counted, one by one.
#[derive(Clone, Copy, Debug)]
pub enum Counted<'a> {
    /// A client that proved who it is: a wallet product, for all of its installations together.
    Client(&'a str),
    /// An installation of a wallet that proved its key.
    Wallet(&'a WalletInstance),
    /// A person, for what is issued to them.
    Person(PersonId),
    /// A code, by its keyed hash: who does not know it cannot use up what it may.
    Code(&'a [u8; 32]),
}

/// It came too often; after so many seconds it may come again.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("too often; again after {seconds} s")]
pub struct TooOften {
    /// How long to wait.
    pub seconds: u32,
}

/// Counts who comes.
pub trait Limits: Send + Sync {
    /// Counts one more, or says that it is one too many.
    fn count(&self, what: Counted<'_>) -> Result<(), TooOften>;
}

/// Counts nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlimited;

impl Limits for Unlimited {
    fn count(&self, _what: Counted<'_>) -> Result<(), TooOften> {
        Ok(())
    }
}

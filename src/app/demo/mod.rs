//! `yufu demo`: the life of a card, played against a real server by a real client.
//!
//! Nothing here reaches into the service: a person is registered, a card offered, fetched, shown, suspended,
//! reinstated and revoked through the same HTTP interfaces that an office, a wallet and a gate use.

pub(in crate::app) mod api;
mod life;
pub(in crate::app) mod person;
mod table;
pub(in crate::app) mod wallet;

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::{
    base::{clock::Clock, random::Random},
    outbound::{Fetch, FetchError},
};

pub use life::play;

/// What the demo needs.
#[derive(Clone)]
pub struct Stage {
    /// The service's public address, without a trailing slash.
    pub url: String,
    /// The secret of an administrator's token.
    pub administrator: String,
    /// The client.
    pub fetch: Arc<dyn Fetch>,
    /// The time, for the wallet's proofs and for measuring.
    pub clock: Arc<dyn Clock>,
    /// Keys and made-up people.
    pub random: Arc<dyn Random>,
}

/// Why the demo stopped.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No service answered.
    #[error("{0}")]
    NoService(#[from] FetchError),
    /// The service answered, but not what the step needs.
    #[error("{step}: expected {expected}, got {got}")]
    Unexpected {
        /// What was being done.
        step: &'static str,
        /// What should have come.
        expected: String,
        /// What came.
        got: String,
    },
    /// The administrator's token of a running service cannot be read.
    #[error("cannot read {path}: {error}; name the file that holds an administrator's token with --token-file")]
    NoToken {
        /// Where it was looked for.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The wallet could not make its proof or presentation.
    #[error("the wallet: {0}")]
    Wallet(String),
}

/// One line of the closing table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// What was done, in Chinese and English.
    pub title: (&'static str, &'static str),
    /// What came of it.
    pub outcome: String,
    /// How long it took.
    pub took: Duration,
}

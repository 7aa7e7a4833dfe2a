//! What handlers work with: the services, put together by `app`.

use std::sync::Arc;

use crate::{
    base::{clock::Clock, random::Random},
    http::{call::Door, metrics::Metrics},
    model::credential_type::CredentialTypes,
    store::{Mode, Store},
};

/// Everything handlers work with.
pub struct State {
    /// The public URL of the service, without a slash at the end.
    pub public_url: String,
    /// The credential types that are issued.
    pub types: Arc<CredentialTypes>,
    /// Records, log, board and roster.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The way into the blocking pool.
    pub door: Door,
    /// Counters.
    pub metrics: Metrics,
}

impl State {
    /// Whether the store lost data and only what the log proves is served.
    pub fn is_guarded(&self) -> bool {
        matches!(self.store.health().mode, Mode::Guarded(_))
    }
}

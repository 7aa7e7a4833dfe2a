//! What a start does with records: at once when they are open, otherwise as soon as they are.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    app::{
        config::Config,
        wire::{StartError, first_start},
    },
    http::{State, auth::tokens::OperatorTokens, server::Stopper},
    store::{Mode, Store},
};

/// How long a start waits for the records; then it serves what the log tells, and goes on waiting behind it.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// How often it looks whether they are open.
const LOOK: Duration = Duration::from_millis(20);

/// What is held against the records, and written to them, once they are open.
pub(super) struct Duties {
    config: Config,
    data: PathBuf,
    public_url: String,
}

impl Duties {
    pub(super) fn new(config: &Config, public_url: &str) -> Self {
        Self { config: config.clone(), data: config.storage.data.clone(), public_url: public_url.to_owned() }
    }

    /// Holds the public URL to the one that is remembered, and makes the first administrator's token.
    pub(super) fn fulfil(&self, store: &dyn Store, tokens: &OperatorTokens) -> Result<(), StartError> {
        first_start::pin_public_url(&self.config, store, &self.public_url)?;
        first_start::keep_first_token(&self.data, tokens)
    }

    /// The same as soon as the records are open. A service that should not have started is ended, and `failed` says why.
    pub(super) fn fulfil_later(&self, state: &State, stop: &AtomicBool, stopper: &Stopper, failed: &Failed) {
        while state.store.health().mode == Mode::Opening {
            if stop.load(Ordering::Acquire) {
                return;
            }
            thread::sleep(LOOK);
        }
        match state.store.health().mode {
            Mode::Guarded(damage) => tracing::error!(%damage, "guarded; stop the service and run `yufu repair`"),
            _ => match self.fulfil(&*state.store, &state.operator_tokens) {
                Ok(()) => tracing::info!("the records are open"),
                Err(error) => {
                    tracing::error!(%error, "the service ends");
                    failed.note(error);
                    stopper.stop();
                }
            },
        }
    }
}

/// Why a service that was started was ended by itself.
#[derive(Clone, Default)]
pub(super) struct Failed(Arc<Mutex<Option<StartError>>>);

impl Failed {
    fn note(&self, error: StartError) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    pub(super) fn take(&self) -> Option<StartError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

//! Filling a store with samples needs the keys and the store, and no service; or a service that runs in this process.

use std::sync::Arc;

use crate::{
    app::{
        bench::{Fill, FillError, FillPlan, Filled},
        config::Config,
        wire::{Service, StartError},
    },
    audit::seal,
    base::{clock::Clock, random::Random},
    keyring::{Keyring, Purpose},
    store::{
        Mode, Store,
        sled::{Options, SledStore},
    },
};

/// Why a store was not filled.
#[derive(Debug, thiserror::Error)]
pub enum FillFailure {
    /// Keys or store do not open.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store opens, but not for all that a filling needs.
    #[error("the store cannot be written: {0:?}")]
    NotNormal(Mode),
    /// The filling itself.
    #[error(transparent)]
    Fill(#[from] FillError),
}

/// Fills the store of these settings, which no service may have open; makes keys and store when they are missing, as a first
/// start would.
pub fn fill(
    config: &Config,
    plan: &FillPlan,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    told: &(dyn Fn(u64) + Sync),
) -> Result<Filled, FillFailure> {
    let public_url = config.identity.public_url.as_ref().map_or_else(
        || crate::app::config::PublicUrl::of_listener(config.listen.listen).to_string(),
        |url| url.as_str().to_owned(),
    );
    let (keys, data) = (&config.storage.keys, &config.storage.data);
    let keyring = Keyring::open_or_create(keys, &public_url, config.identity.signing, &*clock, &*random);
    let keyring = keyring.map_err(StartError::from)?;
    let log_signer = keyring.signer(Purpose::Log);
    let attested = seal::attested(&*log_signer, &public_url, data).map_err(StartError::from)?;
    let options = Options::new(data, keyring.index_key().clone(), log_signer, Arc::clone(&clock), Arc::clone(&random));
    let store = SledStore::open(Options { attested, ..options }).map_err(StartError::from)?;
    match store.health().mode {
        Mode::Normal => {}
        mode => return Err(FillFailure::NotNormal(mode)),
    }
    let fill = Fill { store: &store, sealer: keyring.sealer(), clock: &*clock, random: &*random };
    Ok(fill.run(plan, 0, told)?)
}

impl Service {
    /// Fills the store of this service, which nobody else has used yet. At most `remember` of the good cards are named.
    pub fn fill(&self, plan: &FillPlan, remember: usize) -> Result<Filled, FillError> {
        let (state, keyring) = (&self.state, &self.state.lifecycle.keyring);
        let (clock, random) = (&*state.clock, &*state.random);
        Fill { store: &*state.store, sealer: keyring.sealer(), clock, random }.run(plan, remember, &|_| {})
    }
}

//! The keys of a start: those in their folder, or new ones where nothing was made yet.

use std::path::Path;

use crate::{
    app::{config::Config, wire::StartError},
    base::{clock::Clock, random::Random},
    keyring::Keyring,
    store,
};

/// Opens the folder of keys or makes it. New keys are never made beside data: they would open nothing that is stored.
pub(super) fn open(config: &Config, public_url: &str, clock: &dyn Clock, random: &dyn Random) -> Result<Keyring, StartError> {
    let folder = &config.storage.keys;
    if Keyring::log_of(folder)?.is_none() {
        if has_data(&config.storage.data) {
            return Err(StartError::KeysMissing { data: config.storage.data.clone(), keys: folder.clone() });
        }
        // What would be made now are development keys: a start that may not use them leaves none behind.
        config.check_keys(true)?;
    }
    let keyring = Keyring::open_or_create(folder, public_url, config.identity.signing, clock, random)?;
    config.check_keys(keyring.is_development())?;
    config.check_test_issuer(keyring.is_development())?;
    Ok(keyring)
}

/// Whether a service has kept anything in the data folder.
fn has_data(data: &Path) -> bool {
    #[cfg(feature = "postgres")]
    if store::postgres::folder(data).exists() {
        return true;
    }
    store::log::folder(data).exists()
}

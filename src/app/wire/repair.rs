//! Repairing needs the keys and the store's options, and no service.

use std::{path::Path, sync::Arc};

use crate::{
    app::wire::service_keys::{ServiceKeys, ServiceKeysError},
    audit::seal::{self, HeadsError},
    base::{clock::SystemClock, random::SystemRandom},
    keyring::Purpose,
    store::sled::{self, Options, RepairError},
};

pub use crate::store::sled::RepairReport;

/// Why nothing was repaired.
#[derive(Debug, thiserror::Error)]
pub enum RepairFailure {
    /// The keys.
    #[error(transparent)]
    Keys(#[from] ServiceKeysError),
    /// The store opens as it is.
    #[error("there is nothing to repair")]
    NotNeeded,
    /// The signed heads beside the log cannot be read, so nobody knows whether the log is whole.
    #[error("signed heads of the log: {0}")]
    Heads(#[from] HeadsError),
    /// The store cannot be repaired.
    #[error(transparent)]
    Store(RepairError),
}

/// Makes new records in the data folder `data` of the service whose keys are in `keys`.
pub fn repair(data: &Path, keys: &Path) -> Result<RepairReport, RepairFailure> {
    let (clock, random) = (Arc::new(SystemClock::new()), Arc::new(SystemRandom));
    let ServiceKeys { public_url, keyring } = ServiceKeys::open(keys, &*clock, &*random)?;
    let (index_key, log_signer) = (keyring.index_key().clone(), keyring.signer(Purpose::Log));
    let attested = seal::attested(&*log_signer, &public_url, data)?;
    sled::repair(&Options { attested, ..Options::new(data, index_key, log_signer, clock, random) }).map_err(|error| match error
    {
        RepairError::NotNeeded => RepairFailure::NotNeeded,
        error => RepairFailure::Store(error),
    })
}

//! Repairing needs the keys and the store's options, and no service.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    audit::seal::{self, HeadsError},
    base::{clock::SystemClock, random::SystemRandom},
    crypto::Algorithm,
    keyring::{Keyring, KeyringError, Purpose},
    store::sled::{self, Options, RepairError},
};

pub use crate::store::sled::RepairReport;

/// Why nothing was repaired.
#[derive(Debug, thiserror::Error)]
pub enum RepairFailure {
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyringError),
    /// There are no keys.
    #[error("{} holds no keys; repairing needs those of the service", .0.display())]
    NoKeys(PathBuf),
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
    let Some((public_url, _)) = Keyring::log_of(keys)? else {
        return Err(RepairFailure::NoKeys(keys.to_owned()));
    };
    let open = |signing| Keyring::open_or_create(keys, &public_url, signing, &*clock, &*random);
    // Which of the two the cards are signed with makes no difference to the records.
    let keyring = match open(Algorithm::Es256) {
        Err(KeyringError::WrongType { .. }) => open(Algorithm::Ed25519)?,
        opened => opened?,
    };
    let (index_key, log_signer) = (keyring.index_key().clone(), keyring.signer(Purpose::Log));
    let attested = seal::attested(&*log_signer, &public_url, data)?;
    sled::repair(&Options { attested, ..Options::new(data, index_key, log_signer, clock, random) }).map_err(|error| match error
    {
        RepairError::NotNeeded => RepairFailure::NotNeeded,
        error => RepairFailure::Store(error),
    })
}

//! The keys of a service for a command that works beside it or without it.

use std::path::{Path, PathBuf};

use crate::{
    base::{clock::Clock, random::Random},
    crypto::Algorithm,
    keyring::{Keyring, KeyringError},
};

/// The keys of a service, and whose they are.
pub(super) struct ServiceKeys {
    pub(super) public_url: String,
    pub(super) keyring: Keyring,
}

/// Why there are none.
#[derive(Debug, thiserror::Error)]
pub enum ServiceKeysError {
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyringError),
    /// There are no keys.
    #[error("{} holds no keys; those of the service are needed\n该目录没有密钥，需要服务原有的密钥", .0.display())]
    NoKeys(PathBuf),
}

impl ServiceKeys {
    /// Opens the keys in `folder`; makes none.
    pub(super) fn open(folder: &Path, clock: &dyn Clock, random: &dyn Random) -> Result<Self, ServiceKeysError> {
        let Some((public_url, _)) = Keyring::log_of(folder)? else {
            return Err(ServiceKeysError::NoKeys(folder.to_owned()));
        };
        let open = |signing| Keyring::open_or_create(folder, &public_url, signing, clock, random);
        // Which of the two the cards are signed with makes no difference to a store.
        let keyring = match open(Algorithm::Es256) {
            Err(KeyringError::WrongType { .. }) => open(Algorithm::Ed25519)?,
            opened => opened?,
        };
        Ok(Self { public_url, keyring })
    }
}

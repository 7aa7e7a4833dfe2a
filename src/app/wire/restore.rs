//! Restoring needs the keys, the store's options, and lists that were kept elsewhere.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    app::wire::service_keys::{ServiceKeys, ServiceKeysError},
    audit::seal::{self, HeadsError},
    base::{clock::SystemClock, random::SystemRandom, time::Timestamp},
    crypto::PublicKey,
    format::status::{StatusListError, Unverified},
    keyring::Purpose,
    model::ids::ListId,
    revocation::publication::keep_newest,
    store::sled::{self, ListFound, Options, RestoreError, RestoreOrder},
};

pub use crate::store::sled::{NotInLog, RestoreReport};

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreFailure {
    /// The keys.
    #[error(transparent)]
    Keys(#[from] ServiceKeysError),
    /// A list that was kept elsewhere cannot be read.
    #[error("--since {}: {error}", file.display())]
    Unreadable {
        /// Its file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A list that was kept elsewhere is none of this service.
    #[error("--since {}: {error}", file.display())]
    NotAList {
        /// Its file.
        file: PathBuf,
        /// What is wrong.
        error: StatusListError,
    },
    /// The signed heads beside the log.
    #[error("signed heads of the log: {0}")]
    Heads(#[from] HeadsError),
    /// The restore.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The store is restored, but the date of the newest list could not be kept.
    #[error("the store is restored, but the date of the newest list could not be kept: {0}")]
    NotKept(io::Error),
}

/// Restores the store in `data` of the service whose keys are in `keys`.
pub fn restore(
    data: &Path,
    keys: &Path,
    backup: &mut dyn Read,
    since: &[PathBuf],
    accept_loss_since: Option<Timestamp>,
) -> Result<RestoreReport, RestoreFailure> {
    let (clock, random) = (Arc::new(SystemClock::new()), Arc::new(SystemRandom));
    let ServiceKeys { public_url, keyring } = ServiceKeys::open(keys, &*clock, &*random)?;
    let lists = keyring.signer(Purpose::StatusList);
    let since = since.iter().map(|file| list(file, lists.public_key())).collect::<Result<Vec<_>, _>>()?;
    let newest = since.iter().map(|found| found.signed_at).max();
    let (index_key, log_signer) = (keyring.index_key().clone(), keyring.signer(Purpose::Log));
    let attested = seal::attested(&*log_signer, &public_url, data)?;
    let options = Options { attested, ..Options::new(data, index_key, log_signer, clock, random) };
    let report = sled::restore(&options, RestoreOrder { backup, since, accept_loss_since })?;
    // No list may be dated before one that verifiers have seen.
    newest.map_or(Ok(()), |newest| keep_newest(data, newest)).map_err(RestoreFailure::NotKept)?;
    Ok(report)
}

/// A list token in a file, checked: its signature is that of our lists. It may have expired long ago, and it may name the
/// service by an earlier address.
fn list(file: &Path, key: &PublicKey) -> Result<ListFound, RestoreFailure> {
    let unreadable = |error| RestoreFailure::Unreadable { file: file.to_owned(), error };
    let text = fs::read_to_string(file).map_err(unreadable)?;
    let not_a_list = |error| RestoreFailure::NotAList { file: file.to_owned(), error };
    let verified = Unverified::parse(text.trim()).and_then(|token| token.verify_kept(key)).map_err(not_a_list)?;
    let number = verified.claims.sub.rsplit_once("/status-lists/").and_then(|(_, number)| number.parse().ok());
    let list = ListId(number.ok_or(StatusListError::OtherSubject).map_err(not_a_list)?);
    Ok(ListFound { list, signed_at: verified.claims.iat, values: verified.list })
}

//! Moves a store from one kind to another, and holds the two against each other before the old one is marked.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use crate::{
    app::wire::service_keys::{ServiceKeys, ServiceKeysError},
    audit::seal::{self, HeadsError},
    base::{clock::SystemClock, random::SystemRandom},
    keyring::Purpose,
    store::{
        Store,
        sled::{self, OpenError, Options, SledStore, SledTarget},
        transfer::{Extent, RowsDigest, Source, Target, TransferError},
    },
};

#[cfg(feature = "postgres")]
use crate::store::postgres::{Address, AddressError, PostgresCopy};

/// Where a store is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// In a data folder.
    Sled(PathBuf),
    /// In a database.
    #[cfg(feature = "postgres")]
    Postgres(Box<Address>),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(folder) = text.strip_prefix("sled:").filter(|folder| !folder.is_empty()) {
            return Ok(Self::Sled(folder.into()));
        }
        #[cfg(feature = "postgres")]
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return text
                .parse()
                .map(|address| Self::Postgres(Box::new(address)))
                .map_err(|error: AddressError| error.to_string());
        }
        Err("sled:DIR or postgres://... is expected".to_owned())
    }
}

impl fmt::Display for Place {
    /// Without a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sled(folder) => write!(f, "sled:{}", folder.display()),
            #[cfg(feature = "postgres")]
            Self::Postgres(address) => address.fmt(f),
        }
    }
}

/// What was moved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Moved {
    /// The store and the tree over its events.
    pub extent: Extent,
    /// Its rows.
    pub rows: RowsDigest,
}

/// Why a store was not moved.
#[derive(Debug, thiserror::Error)]
pub enum MigrateFailure {
    /// The keys.
    #[error(transparent)]
    Keys(#[from] ServiceKeysError),
    /// The signed heads beside the log.
    #[error("signed heads of the log: {0}")]
    Heads(#[from] HeadsError),
    /// A store in a data folder does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The copy.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The copy is not what was copied.
    #[error(
        "the copy differs from what was copied: was it written to meanwhile? Stop every node, empty the target, begin again\n\
         副本与原库不一致：请停止所有节点、清空目标后重试"
    )]
    Differs,
    /// The copy is right, but the old store could not be marked.
    #[error("the copy is right, but the old store could not be marked as moved: {0}")]
    NotMarked(io::Error),
}

/// Copies the store at `from` to `to`, where there must be none, checks that the two are the same, and marks the old one.
pub fn migrate(from: &Place, to: &Place, keys: &Path) -> Result<Moved, MigrateFailure> {
    let keys = ServiceKeys::open(keys, &SystemClock::new(), &SystemRandom)?;
    let source = keys.source(from)?;
    let extent = {
        let mut target = target(to)?;
        let extent = source.copy(&mut *target)?;
        target.finish(&extent)?;
        extent
    };
    let (before, after) = (source.digest()?, keys.source(to)?.digest()?);
    if before != after {
        return Err(MigrateFailure::Differs);
    }
    drop(source);
    match from {
        Place::Sled(data) => sled::mark_moved(data, &to.to_string()).map_err(MigrateFailure::NotMarked)?,
        #[cfg(feature = "postgres")]
        Place::Postgres(address) => PostgresCopy::of(address)?.mark_moved(&to.to_string())?,
    }
    Ok(Moved { extent, rows: before })
}

fn target(place: &Place) -> Result<Box<dyn Target>, MigrateFailure> {
    Ok(match place {
        Place::Sled(data) => Box::new(SledTarget::begin(data)?),
        #[cfg(feature = "postgres")]
        Place::Postgres(address) => Box::new(PostgresCopy::of(address)?.fill()?),
    })
}

impl ServiceKeys {
    /// The store at a place. One in a data folder is opened as a start would, so log and records agree.
    fn source(&self, place: &Place) -> Result<Box<dyn Source>, MigrateFailure> {
        Ok(match place {
            Place::Sled(data) => Box::new(self.sled(data)?),
            #[cfg(feature = "postgres")]
            Place::Postgres(address) => Box::new(PostgresCopy::of(address)?),
        })
    }

    fn sled(&self, data: &Path) -> Result<SledStore, MigrateFailure> {
        let (clock, random) = (Arc::new(SystemClock::new()), Arc::new(SystemRandom));
        let log_signer = self.keyring.signer(Purpose::Log);
        let attested = seal::attested(&*log_signer, &self.public_url, data)?;
        if !crate::store::log::folder(data).exists() {
            return Err(TransferError::Database(format!("{} holds no store", data.display())).into());
        }
        let options = Options::new(data, self.keyring.index_key().clone(), log_signer, clock, random);
        let store = SledStore::open(Options { attested, ..options })?;
        tracing::debug!(events = store.head().size, "a store is open to be copied");
        Ok(store)
    }
}

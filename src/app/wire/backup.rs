//! A copy of a service's store: from the service when it runs, from its data folder when it does not.

use std::{
    io::{self, Read, Write},
    path::Path,
    sync::Arc,
};

use crate::{
    app::{
        control,
        wire::service_keys::{ServiceKeys, ServiceKeysError},
    },
    audit::seal::{self, HeadsError},
    base::{
        clock::{Clock, SystemClock},
        random::SystemRandom,
    },
    keyring::Purpose,
    store::{
        Store,
        sled::{OpenError, Options, SledStore},
        transfer::{
            file::{self, WriteError},
            file_reader::{self, Nowhere, SignedBy, StreamError},
        },
    },
};

pub use crate::store::transfer::file::Trailer;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupFailure {
    /// The keys.
    #[error(transparent)]
    Keys(#[from] ServiceKeysError),
    /// The service holds the data folder, but its socket does not answer.
    #[error(
        "a service uses {}, but its control socket does not answer; is it another user's?\n\
         服务正在使用该数据目录，但其控制套接字无应答", .0.display()
    )]
    NoAnswer(std::path::PathBuf),
    /// There is no store.
    #[error("{} holds no store\n该数据目录没有数据", .0.display())]
    NoStore(std::path::PathBuf),
    /// The signed heads beside the log.
    #[error("signed heads of the log: {0}")]
    Heads(#[from] HeadsError),
    /// The store does not open.
    #[error(transparent)]
    Open(OpenError),
    /// The copy.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// What the service sent.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The socket.
    #[error("the control socket: {0}")]
    Io(#[from] io::Error),
}

/// Writes a copy of the store of the service whose data and keys these are.
pub fn backup(data: &Path, keys: &Path, to: &mut dyn Write) -> Result<Trailer, BackupFailure> {
    let (clock, random) = (Arc::new(SystemClock::new()), Arc::new(SystemRandom));
    let ServiceKeys { public_url, keyring } = ServiceKeys::open(keys, &*clock, &*random)?;
    let signer = keyring.signer(Purpose::Log);
    if let Some(stream) = control::ask_for_backup(data)? {
        let mut through = Through { from: stream, to };
        let (_, trailer) = file_reader::read(&mut through, SignedBy::Key(signer.public_key()), &mut Nowhere)?;
        return Ok(trailer);
    }
    if !crate::store::log::folder(data).exists() {
        return Err(BackupFailure::NoStore(data.to_owned()));
    }
    let attested = seal::attested(&*signer, &public_url, data)?;
    let (index_key, log_signer) = (keyring.index_key().clone(), Arc::clone(&signer));
    let options = Options { attested, ..Options::new(data, index_key, log_signer, clock.clone(), random) };
    let store = SledStore::open(options).map_err(|error| match error {
        OpenError::InUse => BackupFailure::NoAnswer(data.to_owned()),
        error => BackupFailure::Open(error),
    })?;
    let header = control::header(&public_url, &store, &*clock);
    let source = store.source().ok_or_else(|| BackupFailure::NoStore(data.to_owned()))?;
    Ok(file::write(source, &header, &|| clock.now(), &*signer, to)?)
}

/// Passes on whatever is read through it.
struct Through<'a, R> {
    from: R,
    to: &'a mut dyn Write,
}

impl<R: Read> Read for Through<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(bytes)?;
        self.to.write_all(bytes.get(..read).unwrap_or_default())?;
        Ok(read)
    }
}

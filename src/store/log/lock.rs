//! One process writes a data folder.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Held as long as a process writes the log; freed by the operating system when it dies.
#[derive(Debug)]
pub struct LogLock {
    _file: File,
}

/// Why the log is not ours to write.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("another yufu process uses the data folder (lock file {})", .0.display())]
    InUse(PathBuf),
    /// The lock file cannot be made.
    #[error("the lock file {} cannot be opened: {kind}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why.
        kind: io::ErrorKind,
    },
}

impl LogLock {
    /// Takes the lock of the log in `folder`, which has to exist. Does not wait.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join("lock");
        let io = |error: io::Error| LockError::Io { path: path.clone(), kind: error.kind() };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::InUse(path)),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }
}

//! The records' database: opened without trust, read, written in batches, and synced in a way that holds on Linux.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs::{self, File},
    io,
    iter::Peekable,
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError, RwLock},
};

use crate::{
    model::record::{Key, Record, Versioned},
    store::{
        ReadError,
        log::sync_folder,
        rows::{
            Change, Row, Rows,
            encoding::{self, Identity, NoIdentity},
        },
        sled::tap::Tap,
    },
};

/// Memory that sled may use for pages. Nothing hot reads records, so its own default of 1 GB is not needed.
const CACHE_BYTES: u64 = 256 * 1024 * 1024;

/// Why the records did not open.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum NotOpened {
    /// Another process has them open.
    InUse,
    /// Anything else: damage, no space, no rights. sled's own words.
    Unreadable(String),
}

/// The records.
pub(super) struct Records {
    db: ::sled::Db,
    /// Changes that are read like the others and that sled does not have yet: it takes a batch with two writes and two
    /// syncs of its own kind, however small the batch is.
    deferred: RwLock<BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
    /// `flush` of sled 0.34 hands its bytes to the kernel and no further (THREATS F1); the sync is ours to make, on a
    /// handle of our own.
    file: File,
    /// Values of more than 128 KiB lie in files of their own, which sled does not sync either.
    blobs: PathBuf,
    synced_blobs: Mutex<BTreeSet<OsString>>,
    tap: Tap,
}

/// sled can panic on damaged files (THREATS F4), at opening and later. A panic is an error like another one.
fn without_panic<T>(what: impl FnOnce() -> Result<T, ::sled::Error>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(what)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("sled met something it did not expect".to_owned()),
    }
}

impl Records {
    /// Opens the records in `folder`, making them when there are none.
    pub(super) fn open(folder: &Path) -> Result<Self, NotOpened> {
        // No flush in the background: what is on disk, and what a failed sync means, is decided in one place.
        drop_unfinished_snapshots(folder).map_err(|error| NotOpened::Unreadable(error.to_string()))?;
        let config = ::sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).flush_every_ms(None);
        let db = without_panic(|| config.open()).map_err(|text| {
            if text.contains("could not acquire lock") { NotOpened::InUse } else { NotOpened::Unreadable(text) }
        })?;
        let file = File::options().write(true).open(folder.join("db"));
        // What sled has just made has to last: its file of settings, which it never syncs and does not open without reading,
        // and the names of all.
        let settings = File::open(folder.join("conf")).and_then(|settings| settings.sync_all());
        let named = settings.and_then(|()| sync_folder(folder)).and_then(|()| folder.parent().map_or(Ok(()), sync_folder));
        let file = named.and(file).map_err(|error| NotOpened::Unreadable(error.to_string()))?;
        let (deferred, synced_blobs) = (RwLock::default(), Mutex::default());
        Ok(Self { db, deferred, file, blobs: folder.join("blobs"), synced_blobs, tap: Tap::default() })
    }

    /// Which store this is; none when nothing says so, as in a new one.
    pub(super) fn identity(&self) -> Result<Option<Identity>, NoIdentity> {
        let bytes = self.raw(encoding::IDENTITY).map_err(|_| NoIdentity::Malformed)?;
        bytes.map(|bytes| Identity::decode(&bytes)).transpose()
    }

    /// Whether there is no key at all.
    pub(super) fn is_empty(&self) -> bool {
        without_panic(|| Ok(self.db.is_empty())).unwrap_or(false)
    }

    /// The record under a key.
    pub(super) fn get(&self, key: &Key) -> Result<Option<Versioned<Record>>, ReadError> {
        let key = encoding::key_bytes(key);
        self.raw(&key)?.map(|value| encoding::decode(&key, &value)).transpose()
    }

    /// Shows changes that go to sled with the next ones that are applied. One writer calls this.
    pub(super) fn defer(&self, changes: Vec<Change>) {
        let mut writing = self.tap.writing();
        let kept = if writing.is_tapped() { changes.clone() } else { Vec::new() };
        self.deferred.write().unwrap_or_else(PoisonError::into_inner).extend(changes);
        writing.leave(kept);
    }

    /// Makes all changes and those that were deferred, or none. In memory: see [`sync`](Self::sync). One writer calls this.
    pub(super) fn apply(&self, changes: impl IntoIterator<Item = Change>) -> Result<(), String> {
        let changes: Vec<Change> = changes.into_iter().collect();
        let mut writing = self.tap.writing();
        // What was deferred has been left already.
        let kept = if writing.is_tapped() { changes.clone() } else { Vec::new() };
        let mut all = self.deferred.read().unwrap_or_else(PoisonError::into_inner).clone();
        all.extend(changes);
        let mut batch = ::sled::Batch::default();
        for (key, value) in all {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        without_panic(|| self.db.apply_batch(batch))?;
        // Whoever reads meanwhile finds the same in both places.
        self.deferred.write().unwrap_or_else(PoisonError::into_inner).clear();
        writing.leave(kept);
        Ok(())
    }

    /// For who copies the records while they change.
    pub(super) const fn tap(&self) -> &Tap {
        &self.tap
    }

    /// Brings everything applied so far to the disk. After an error it must not be called again.
    pub(super) fn sync(&self) -> Result<(), String> {
        without_panic(|| self.db.flush())?;
        self.sync_blobs().and_then(|()| self.file.sync_data()).map_err(|error| error.to_string())
    }

    fn sync_blobs(&self) -> io::Result<()> {
        let mut synced = self.synced_blobs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut present = BTreeSet::new();
        let mut news = false;
        for entry in fs::read_dir(&self.blobs)? {
            let entry = entry?;
            if !synced.contains(&entry.file_name()) {
                match File::open(entry.path()) {
                    Ok(file) => file.sync_all()?,
                    // sled removed it meanwhile: a newer value took its place.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                }
                news = true;
            }
            present.insert(entry.file_name());
        }
        if news {
            sync_folder(&self.blobs)?;
        }
        *synced = present;
        Ok(())
    }
}

/// Removes the snapshots of its own that sled did not come to finish. It writes one aside, syncs it, and only then gives it
/// its name and removes the one before, but takes what a crash left aside for the newest and does not open (THREATS F4).
fn drop_unfinished_snapshots(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

impl Rows for Records {
    fn raw(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        if let Some(value) = self.deferred.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return Ok(value.clone());
        }
        let value = without_panic(|| self.db.get(key)).map_err(|_| ReadError::Unavailable)?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan<'a>(&'a self, prefix: &[u8], after: Option<&[u8]>) -> Box<dyn Iterator<Item = Result<Row, ReadError>> + 'a> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after.to_vec()),
            _ => Bound::Included(prefix.to_vec()),
        };
        let range = (from, Bound::Unbounded);
        let deferred = self.deferred.read().unwrap_or_else(PoisonError::into_inner);
        let of_prefix = deferred.range::<Vec<u8>, _>(range.clone()).take_while(|(key, _)| key.starts_with(prefix));
        let deferred: Vec<Change> = of_prefix.map(|(key, value)| (key.clone(), value.clone())).collect();
        let mut rows = self.db.range::<Vec<u8>, _>(range);
        let prefix = prefix.to_vec();
        let stored = std::iter::from_fn(move || {
            let Ok(row) = without_panic(|| rows.next().transpose()) else { return Some(Err(ReadError::Unavailable)) };
            let (key, value) = row?;
            key.starts_with(&prefix).then(|| Ok((key.to_vec(), value.to_vec())))
        });
        Box::new(Merged { stored: stored.peekable(), deferred: deferred.into_iter().peekable() })
    }
}

/// Stored rows with the deferred changes in their places.
struct Merged<S: Iterator<Item = Result<Row, ReadError>>> {
    stored: Peekable<S>,
    deferred: Peekable<std::vec::IntoIter<Change>>,
}

impl<S: Iterator<Item = Result<Row, ReadError>>> Iterator for Merged<S> {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let order = match (self.stored.peek(), self.deferred.peek()) {
                (Some(Ok((stored, _))), Some((deferred, _))) => deferred.cmp(stored),
                (Some(_), _) => Ordering::Greater,
                (None, _) => Ordering::Less,
            };
            if order == Ordering::Greater {
                return self.stored.next();
            }
            if order == Ordering::Equal {
                self.stored.next();
            }
            let (key, value) = self.deferred.next()?;
            if let Some(value) = value {
                return Some(Ok((key, value)));
            }
        }
    }
}

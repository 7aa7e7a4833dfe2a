//! An embedded store in the making: what a copy is written into, aside, before it takes its place in a data folder.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    model::{
        event::{LoggedEvent, What},
        ids::TokenId,
    },
    store::{
        faults::NoFaults,
        log::{self, DEFAULT_SEGMENT_BYTES, Frame, LogLock, LogReader, LogWriter, create_folder, sync_folder},
        rows::encoding::{IDENTITY, Identity},
        sled::{
            folder,
            records::{NotOpened, Records},
        },
        told::Told,
        transfer::{Extent, Row, Sink, Target, TransferError},
    },
};

/// Rows written in one batch.
const BATCH: usize = 1_000;

/// Records and a log in a folder of their own.
pub(super) struct Making {
    /// `store/` and `log/` are in it.
    pub(super) folder: PathBuf,
    pub(super) records: Records,
    log: LogWriter,
    rows: Vec<Row>,
    /// Which rows are taken.
    keep: fn(&[u8]) -> bool,
    /// What the events told so far.
    pub(super) told: Told,
    /// Which event made a token.
    pub(super) tokens: BTreeMap<TokenId, u64>,
    /// A number of events, and the tree's root over as many once they have come.
    pub(super) mark: (u64, Option<[u8; 32]>),
}

impl Making {
    /// Begins anew in `folder`, whatever an earlier attempt has left there.
    pub(super) fn begin(folder: PathBuf, keep: fn(&[u8]) -> bool, mark: u64) -> Result<Self, TransferError> {
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => create_folder(&folder)?,
        }
        let log = log::folder(&folder);
        create_folder(&log)?;
        let records = Records::open(&self::folder(&folder)).map_err(not_opened)?;
        let log = LogWriter::open(&log, None, DEFAULT_SEGMENT_BYTES, Arc::new(NoFaults))?;
        let (told, tokens, rows) = (Told::default(), BTreeMap::new(), Vec::new());
        Ok(Self { folder, records, log, rows, keep, told, tokens, mark: (mark, None) })
    }

    /// Appends events that were told of already, or begin where the last ones ended.
    pub(super) fn append(&mut self, events: Vec<LoggedEvent>) -> Result<(), TransferError> {
        let frame = Frame { applied: self.told.last(), events };
        if frame.first() != self.told.last().saturating_add(1) {
            return Err(TransferError::LogNotWhole(self.told.last().saturating_add(1)));
        }
        for logged in &frame.events {
            self.told.take(logged);
            if let What::TokenCreated { token, .. } = logged.event.what {
                self.tokens.insert(token, logged.event.number);
            }
            if self.told.last() == self.mark.0 {
                self.mark.1 = Some(self.told.head().root);
            }
        }
        self.log.append(&frame).map(drop).map_err(|error| TransferError::Database(error.to_string()))
    }

    /// Brings everything to the disk under a name; the rows say from then on whose they are and how far they go.
    pub(super) fn seal(&mut self, identity: Identity) -> Result<(), TransferError> {
        self.flush()?;
        self.records.apply([(IDENTITY.to_vec(), Some(identity.encode()))]).map_err(TransferError::Database)?;
        self.records.sync().map_err(TransferError::Database)?;
        Ok(sync_folder(&self.folder)?)
    }

    pub(super) fn flush(&mut self) -> Result<(), TransferError> {
        let rows = std::mem::take(&mut self.rows);
        self.records.apply(rows).map_err(TransferError::Database)
    }

    /// Whether what was taken is what `extent` says.
    pub(super) fn check(&self, extent: &Extent) -> Result<(), TransferError> {
        if self.told.head() != extent.head {
            return Err(TransferError::Differs("the events"));
        }
        if self.told.store != Some(extent.store) {
            return Err(TransferError::Differs("the names of the stores"));
        }
        Ok(())
    }
}

impl Sink for Making {
    fn rows(&mut self, rows: Vec<Row>) -> Result<(), TransferError> {
        self.rows.extend(rows.into_iter().filter(|(key, _)| (self.keep)(key)));
        if self.rows.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    fn events(&mut self, events: Vec<LoggedEvent>) -> Result<(), TransferError> {
        if events.is_empty() { Ok(()) } else { self.append(events) }
    }
}

pub(super) fn not_opened(error: NotOpened) -> TransferError {
    match error {
        NotOpened::InUse => TransferError::Busy,
        NotOpened::Unreadable(why) => TransferError::Database(why),
    }
}

/// A copy into a data folder that holds no store.
pub struct SledTarget {
    data: PathBuf,
    making: Option<Making>,
    _lock: LogLock,
}

impl SledTarget {
    /// Begins a copy into `data`, which is made when it is missing. A folder with records or a log is refused.
    pub fn begin(data: &Path) -> Result<Self, TransferError> {
        let log_folder = log::folder(data);
        create_folder(data)?;
        create_folder(&log_folder)?;
        let lock = LogLock::take(&log_folder).map_err(|_| TransferError::Busy)?;
        let has_log = LogReader::open(&log_folder).ok().and_then(|reader| reader.position()).is_some();
        if has_log || folder(data).exists() {
            return Err(TransferError::NotEmpty);
        }
        let making = Making::begin(data.join("arriving"), |_| true, 0)?;
        Ok(Self { data: data.to_owned(), making: Some(making), _lock: lock })
    }
}

impl Sink for SledTarget {
    fn rows(&mut self, rows: Vec<Row>) -> Result<(), TransferError> {
        self.making.as_mut().map_or(Err(TransferError::NotEmpty), |making| making.rows(rows))
    }

    fn events(&mut self, events: Vec<LoggedEvent>) -> Result<(), TransferError> {
        self.making.as_mut().map_or(Err(TransferError::NotEmpty), |making| making.events(events))
    }
}

impl Target for SledTarget {
    fn finish(&mut self, extent: &Extent) -> Result<(), TransferError> {
        let mut making = self.making.take().ok_or(TransferError::NotEmpty)?;
        making.check(extent)?;
        making.seal(Identity { store: extent.store, sequence: extent.head.size })?;
        let from = making.folder.clone();
        // sled is closed before its folder moves.
        drop(making);
        // Records without a log are never served, so a crash in between is seen.
        fs::rename(folder(&from), folder(&self.data))?;
        put_log_in_place(&from, &self.data)?;
        Ok(fs::remove_dir_all(&from)?)
    }
}

/// Moves every file of the log in `from` into the log of `data`.
pub(super) fn put_log_in_place(from: &Path, data: &Path) -> io::Result<()> {
    for entry in fs::read_dir(log::folder(from))? {
        let entry = entry?;
        fs::rename(entry.path(), log::folder(data).join(entry.file_name()))?;
    }
    sync_folder(&log::folder(data))?;
    sync_folder(data)
}

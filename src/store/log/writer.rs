//! Appends to the log. What [`LogWriter::append`] has answered is on disk.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::store::{
    faults::{Faults, Step},
    log::{
        frame::Frame,
        segment::{self, Position},
    },
};

/// A segment that has reached this many bytes gets no more frames. Reading works segment by segment in memory.
pub const DEFAULT_SEGMENT_BYTES: u64 = 8 * 1024 * 1024;

/// Why a frame was not appended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AppendError {
    /// Nothing of it remains; the same may be tried again.
    #[error("the log cannot be written: {0}")]
    NotWritten(io::ErrorKind),
    /// It is not whole, but its remains could not be cut off: nothing may be appended behind them.
    #[error("a broken frame could not be cut off the log: {0}")]
    NotCut(io::ErrorKind),
    /// It may or may not reach the disk. A sync that failed must not be tried again: the kernel may have dropped the
    /// pages and would answer that all is well.
    #[error("the log could not be synced: {0}")]
    NotSynced(io::ErrorKind),
    /// An earlier error has closed the log.
    #[error("the log is closed until a restart")]
    Closed,
}

/// The end of the log.
pub struct LogWriter {
    folder: PathBuf,
    /// The last segment, once there is one.
    file: Option<File>,
    end: Position,
    segment_bytes: u64,
    faults: Arc<dyn Faults>,
    closed: bool,
}

impl LogWriter {
    /// Opens the log behind its last whole frame: `end` and `next` are what a reader said at the end of the log
    /// (none for an empty log). Whatever stands behind it, a torn frame, is cut off. The rest is synced as well: a process
    /// that was killed may have written it and not come to the sync, and records and answers are about to stand on it.
    pub fn open(folder: &Path, end: Option<Position>, segment_bytes: u64, faults: Arc<dyn Faults>) -> io::Result<Self> {
        let mut writer = Self {
            folder: folder.to_owned(),
            file: None,
            end: end.unwrap_or(Position { segment: 0, offset: 0 }),
            segment_bytes,
            faults,
            closed: false,
        };
        if let Some(end) = end {
            let mut file = OpenOptions::new().write(true).open(segment::path(folder, end.segment))?;
            if file.metadata()?.len() > end.offset {
                file.set_len(end.offset)?;
            }
            writer.faults.before(Step::StartSync)?;
            file.sync_all()?;
            sync_folder(folder)?;
            file.seek(SeekFrom::Start(end.offset))?;
            writer.file = Some(file);
        }
        Ok(writer)
    }

    /// Appends `frame` and syncs it. Gives its place.
    pub fn append(&mut self, frame: &Frame) -> Result<Position, AppendError> {
        if self.closed {
            return Err(AppendError::Closed);
        }
        let bytes = frame.encode().map_err(|_| AppendError::NotWritten(io::ErrorKind::FileTooLarge))?;
        let full = self.end.offset >= self.segment_bytes;
        let file = match self.file.take().filter(|_| !full) {
            Some(file) => file,
            None => {
                // On an error the next append comes here again: there is no file, and the end has not moved.
                let file = self.create(frame.first()).map_err(|error| AppendError::NotWritten(error.kind()))?;
                if let Err(error) = self.faults.before(Step::LogName).and_then(|()| sync_folder(&self.folder)) {
                    self.closed = true;
                    return Err(AppendError::NotSynced(error.kind()));
                }
                self.end = Position { segment: frame.first(), offset: 0 };
                file
            }
        };
        self.write(file, &bytes)
    }

    fn write(&mut self, mut file: File, bytes: &[u8]) -> Result<Position, AppendError> {
        let position = self.end;
        let written = match self.faults.before(Step::LogWrite) {
            Ok(()) => file.write_all(bytes),
            Err(fault) => file.write_all(bytes.get(..bytes.len() / 2).unwrap_or_default()).and(Err(fault)),
        };
        if let Err(error) = written {
            let cut = self.cut(&mut file);
            self.file = Some(file);
            return Err(match cut {
                Ok(()) => AppendError::NotWritten(error.kind()),
                Err(error) => {
                    self.closed = true;
                    AppendError::NotCut(error.kind())
                }
            });
        }
        if let Err(error) = self.faults.before(Step::LogSync).and_then(|()| file.sync_data()) {
            self.closed = true;
            return Err(AppendError::NotSynced(error.kind()));
        }
        self.end.offset += bytes.len() as u64;
        self.file = Some(file);
        Ok(position)
    }

    fn cut(&self, file: &mut File) -> io::Result<()> {
        self.faults.before(Step::LogCut)?;
        file.set_len(self.end.offset)?;
        file.seek(SeekFrom::Start(self.end.offset))?;
        file.sync_all()
    }

    /// A new segment; its name is to be synced before anything is written to it.
    fn create(&self, first: u64) -> io::Result<File> {
        let path = segment::path(&self.folder, first);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        if file.metadata()?.len() > 0 {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Ok(file)
    }
}

/// Makes names in a folder durable.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes a folder whose name is durable in its parent.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
        _ => Ok(()),
    }
}

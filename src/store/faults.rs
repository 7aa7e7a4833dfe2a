//! Places at which a test makes a write fail or the store stop, as a disk or a power cut would.

use std::io;

/// A step of a commit that can fail.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Step {
    /// Syncing, at the start, what an earlier process wrote: to the log, then to the records.
    StartSync,
    /// Making the name of a new segment durable.
    LogName,
    /// Writing the frame to the log; on a fault half of it is written.
    LogWrite,
    /// Cutting off a frame that was not written whole.
    LogCut,
    /// Syncing the log.
    LogSync,
    /// Applying the group to the records: before anything is written.
    RecordsApply,
    /// Syncing the records.
    RecordsSync,
    /// Everything is on disk, nobody was told.
    Answer,
}

/// Decides at which step something fails.
pub trait Faults: Send + Sync {
    /// Called before the step; an error makes it fail with that error.
    fn before(&self, step: Step) -> io::Result<()>;
}

/// Nothing fails but by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFaults;

impl Faults for NoFaults {
    fn before(&self, _: Step) -> io::Result<()> {
        Ok(())
    }
}

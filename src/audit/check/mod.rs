//! `yufu audit verify --data`: recomputes the whole log from its files and holds it against the signed heads beside it.
//!
//! Nothing else of the data folder is read, so the check works on a copy, on a damaged folder, and beside a running
//! service.

use std::{io, path::Path};

use crate::{
    audit::heads,
    format::{
        merkle::{self, Frontier, Hash},
        note::{Checkpoint, NoteError, NoteKey, Unverified},
    },
    model::event::What,
    store::log::{self, LogError, LogReader},
};

/// What a check found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// Events that were read, in order and without gaps, before the end or the fault.
    pub events: u64,
    /// The root over them.
    pub root: Hash,
    /// Events under the largest signed head that the log reproduces. A change of any of them would have shown; behind
    /// them there are only checksums.
    pub sealed: u64,
    /// Heads the log reproduces.
    pub heads: usize,
    /// Whether the signatures of the heads were checked, which needs the key of the log.
    pub signatures_checked: bool,
    /// The first fault; none when all is well.
    pub fault: Option<Fault>,
}

/// What is wrong with a log.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The files do not answer.
    #[error("the log cannot be read: {0}")]
    Unreadable(io::ErrorKind),
    /// From this event on the log cannot be read as it was written.
    #[error("the log is damaged at event {event}")]
    Damaged {
        /// The first event that cannot be trusted.
        event: u64,
    },
    /// The last frame is not whole and no signed head covers it: a crash while it was written, or a cut.
    #[error("the log is torn at its end, at event {event}; a restart of the service cuts off what a crash has left")]
    Torn {
        /// The event that would come next.
        event: u64,
    },
    /// Events that a signed head covers are not there.
    #[error("events from {event} on are missing: a head of {sealed} events was signed")]
    Missing {
        /// The first missing event.
        event: u64,
        /// Events under the signed head.
        sealed: u64,
    },
    /// A signed head has another root: an event was changed, and its checksum made anew.
    #[error("an event from {event} to {until} was changed after a head over it was signed")]
    Changed {
        /// The first event that no good head covers.
        event: u64,
        /// The last event under the head that is not reproduced.
        until: u64,
    },
    /// The first event does not say whose log it is.
    #[error("event 1 does not open a log")]
    NoBeginning,
    /// A head beside the log is not a checkpoint signed by the log's key.
    #[error("signed head {nth} beside the log: {why}")]
    BadHead {
        /// Its place in the file, counted from 1.
        nth: usize,
        /// What is wrong with it.
        why: NoteError,
    },
}

impl Fault {
    /// The first event that cannot be trusted; none when the fault is not one of an event.
    pub fn first_bad_event(&self) -> Option<u64> {
        match self {
            Self::Damaged { event } | Self::Torn { event } | Self::Missing { event, .. } | Self::Changed { event, .. } => {
                Some(*event)
            }
            Self::NoBeginning => Some(1),
            Self::Unreadable(_) | Self::BadHead { .. } => None,
        }
    }
}

/// Checks the log of a data folder: every frame's checksum, the numbering, every commitment and the root, and that every
/// signed head beside the log is reproduced. Without `key` the heads are held against the log, but not their signatures.
pub fn data_folder(data: &Path, key: Option<&NoteKey>) -> Report {
    let mut check = Check { tree: Frontier::new(), sealed: 0, reproduced: 0, heads: Vec::new() };
    let fault = match signed_heads(data, key) {
        Ok(heads) => {
            check.heads = heads;
            check.run(data).err()
        }
        Err(fault) => {
            // A bad head hides nothing of the log itself: an event that is named says more.
            let of_log = check.run(data).err();
            Some(of_log.filter(|of_log| of_log.first_bad_event().is_some()).unwrap_or(fault))
        }
    };
    Report {
        events: check.tree.size(),
        root: check.tree.root(),
        sealed: check.sealed,
        heads: check.reproduced,
        signatures_checked: key.is_some(),
        fault,
    }
}

/// The heads beside the log, the smallest first.
fn signed_heads(data: &Path, key: Option<&NoteKey>) -> Result<Vec<Checkpoint>, Fault> {
    let notes = heads::read(data).map_err(|error| Fault::Unreadable(error.kind()))?;
    let mut read = Vec::with_capacity(notes.len());
    for (nth, note) in (1..).zip(&notes) {
        let head = match key {
            Some(key) => Checkpoint::open(note, key),
            None => Unverified::parse(note).and_then(|note| Checkpoint::parse(note.dangerous_unverified_text())),
        };
        read.push(head.map_err(|why| Fault::BadHead { nth, why })?);
    }
    read.sort_by_key(|head| head.size);
    Ok(read)
}

struct Check {
    tree: Frontier,
    /// The largest head that was reproduced.
    sealed: u64,
    /// How many heads were.
    reproduced: usize,
    /// Heads, the smallest first.
    heads: Vec<Checkpoint>,
}

impl Check {
    fn run(&mut self, data: &Path) -> Result<(), Fault> {
        let mut reader = LogReader::open(&log::folder(data)).map_err(|error| self.stopped(error))?;
        loop {
            match reader.next_frame() {
                Ok(Some((_, frame))) => {
                    for logged in &frame.events {
                        if self.tree.size() == 0 && !matches!(logged.event.what, What::StoreCreated { .. }) {
                            return Err(Fault::NoBeginning);
                        }
                        self.tree.append(merkle::leaf_hash(&logged.commitment()));
                        self.compare()?;
                    }
                }
                Ok(None) => break,
                Err(error) => return Err(self.stopped(error)),
            }
        }
        self.missing().map_or(Ok(()), Err)
    }

    /// Holds the root against the heads of this size.
    fn compare(&mut self) -> Result<(), Fault> {
        while let Some(head) = self.heads.get(self.reproduced).filter(|head| head.size <= self.tree.size()) {
            if head.size != self.tree.size() || head.root != self.tree.root() {
                return Err(Fault::Changed { event: self.sealed + 1, until: head.size });
            }
            self.sealed = head.size;
            self.reproduced += 1;
        }
        Ok(())
    }

    fn stopped(&self, error: LogError) -> Fault {
        match error {
            LogError::Io(kind) => Fault::Unreadable(kind),
            LogError::Damaged { event } => Fault::Damaged { event },
            LogError::Torn { event } => self.missing().unwrap_or(Fault::Torn { event }),
        }
    }

    /// The log has ended: whether a head says that there was more.
    fn missing(&self) -> Option<Fault> {
        let head = self.heads.last().filter(|head| head.size > self.tree.size())?;
        Some(Fault::Missing { event: self.tree.size() + 1, sealed: head.size })
    }
}

#[cfg(test)]
mod tests;

//! What the log alone says: lists, tokens, the tree, and which store it belongs to.

use std::path::Path;

use crate::store::{
    log::{EventIndex, Frame, LogError, LogReader, Position},
    told::Told,
};

/// The state that follows from the frames of the log.
#[derive(Default)]
pub(super) struct Replay {
    pub(super) told: Told,
    pub(super) index: EventIndex,
    /// `applied` of the last frame.
    pub(super) applied: u64,
    /// Where the last frame stands, and its first event.
    pub(super) last_frame: Option<(Position, u64)>,
}

/// How the log ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// Behind a whole frame.
    Whole,
    /// With a frame that a crash may have cut short.
    Torn,
    /// At this event, the first that cannot be trusted.
    Damaged(u64),
}

impl Replay {
    /// The number of the last event.
    pub(super) fn last(&self) -> u64 {
        self.told.last()
    }

    /// Takes up a frame, which carries on where the last one ended.
    pub(super) fn take(&mut self, at: Position, frame: &Frame) {
        self.index.note(frame.first(), at);
        self.applied = frame.applied;
        self.last_frame = Some((at, frame.first()));
        frame.events.iter().for_each(|logged| self.told.take(logged));
    }

    /// Reads the log from where this state ends to its end. Gives how it ended and where the next frame would begin.
    /// Behind damage, frames that are whole by themselves still count for lists and tokens: what was revoked in them
    /// stays revoked.
    pub(super) fn read(&mut self, folder: &Path, from: Option<Position>) -> Result<(End, Option<Position>), LogError> {
        let mut reader = match from {
            Some(at) => LogReader::open_at(folder, self.last().saturating_add(1), at)?,
            None => LogReader::open(folder)?,
        };
        let end = loop {
            match reader.next_frame() {
                Ok(Some((at, frame))) => self.take(at, &frame),
                Ok(None) => break End::Whole,
                Err(LogError::Torn { .. }) => break End::Torn,
                Err(LogError::Damaged { event }) => break End::Damaged(event),
                Err(error @ LogError::Io(_)) => return Err(error),
            }
        };
        let position = reader.position();
        if let End::Damaged(_) = end {
            while let Some(frame) = reader.salvage()? {
                frame.events.iter().for_each(|logged| self.told.show(logged));
            }
        }
        Ok((end, position))
    }
}

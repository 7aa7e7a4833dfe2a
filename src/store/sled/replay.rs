//! What the log alone says: lists, tokens, the tree, and which store it belongs to.

use std::path::Path;

use crate::{
    format::merkle::{Frontier, leaf_hash},
    model::{
        event::{LoggedEvent, What},
        ids::StoreId,
    },
    store::{
        TreeHead,
        log::{EventIndex, Frame, LogError, LogReader, Position},
        roster::Roster,
        status_board::StatusBoard,
    },
};

/// The state that follows from the events.
#[derive(Default)]
pub(super) struct Replay {
    pub(super) board: StatusBoard,
    pub(super) roster: Roster,
    pub(super) frontier: Frontier,
    pub(super) index: EventIndex,
    /// `applied` of the last frame.
    pub(super) applied: u64,
    /// The records that belong to the log: those of the last creation or repair.
    pub(super) store: Option<StoreId>,
    /// The records the log began with; tells one log from another.
    pub(super) origin: Option<StoreId>,
    /// A head that was signed before, to be met on the way.
    pub(super) expected: Option<TreeHead>,
    /// Whether it was met with another root: the log was changed.
    pub(super) is_forked: bool,
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
        self.frontier.size()
    }

    /// Takes up a frame, which carries on where the last one ended.
    pub(super) fn take(&mut self, at: Position, frame: &Frame) {
        self.index.note(frame.first(), at);
        self.applied = frame.applied;
        self.last_frame = Some((at, frame.first()));
        for logged in &frame.events {
            self.frontier.append(leaf_hash(&logged.commitment()));
            self.show(logged);
            let met = self.expected.filter(|expected| expected.size == self.last());
            self.is_forked |= met.is_some_and(|expected| expected.root != self.frontier.root());
        }
    }

    /// Takes up what an event says of lists and tokens.
    fn show(&mut self, logged: &LoggedEvent) {
        self.board.apply(&logged.event);
        self.roster.apply(&logged.event);
        if let What::StoreCreated { store } | What::StoreRepaired { store, .. } = logged.event.what {
            self.store = Some(store);
            self.origin.get_or_insert(store);
        }
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
                frame.events.iter().for_each(|logged| self.show(logged));
            }
        }
        Ok((end, position))
    }
}

//! The thread that re-checks the log behind a snapshot and writes new snapshots. It reads the log's files alone, so it
//! holds up nobody and repeats nobody's mistake.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    time::Duration,
};

use crate::{
    crypto::Signer,
    store::{
        Damage,
        log::{self, LogError, LogReader, Position},
        sled::{replay::Replay, shared::Shared, snapshot::Skipped},
        snapshot,
    },
};

/// How often it looks whether a snapshot is due.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Keeper {
    pub(super) shared: Arc<Shared>,
    pub(super) data: PathBuf,
    pub(super) signer: Arc<dyn Signer>,
    /// Events between two snapshots.
    pub(super) every: u64,
    /// What the start took from a snapshot.
    pub(super) skipped: Option<Skipped>,
}

/// Why it has nothing more to do.
struct Ended;

impl Keeper {
    /// Works until the other end of `stop` is dropped, or damage is found.
    pub(super) fn run(self, stop: &Receiver<()>) {
        let (mut replay, mut at) = (Replay::default(), None);
        let mut written = self.skipped.map_or(0, |skipped| skipped.size);
        let mut unchecked = self.skipped.is_some();
        loop {
            let head = self.shared.head().size;
            let due = head.saturating_sub(written) >= self.every;
            if due || unchecked {
                match self.follow(&mut replay, at, head, stop) {
                    Ok(position) => at = position,
                    Err(Ended) => return,
                }
                unchecked = false;
            }
            if due {
                // A failure costs time at the next start, nothing else; the next one is tried when it is due.
                if let Err(error) = self.write(&replay) {
                    tracing::warn!(%error, "a snapshot of the status lists could not be written");
                }
                written = replay.last();
            }
            if stop.recv_timeout(LOOK) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    /// Takes up the log to event `head`, all of which is on disk. Gives where it goes on.
    fn follow(
        &self,
        replay: &mut Replay,
        at: Option<Position>,
        head: u64,
        stop: &Receiver<()>,
    ) -> Result<Option<Position>, Ended> {
        let folder = log::folder(&self.data);
        let reader = match at {
            Some(at) => LogReader::open_at(&folder, replay.last().saturating_add(1), at),
            None => LogReader::open(&folder),
        };
        let mut reader = reader.map_err(|_| Ended)?;
        while replay.last() < head {
            if stop.try_recv() == Err(TryRecvError::Disconnected) {
                return Err(Ended);
            }
            match reader.next_frame() {
                Ok(Some((at, frame))) => replay.take(at, &frame),
                Err(LogError::Io(_)) => return Err(Ended),
                // Everything up to `head` was on disk.
                Ok(None) | Err(LogError::Torn { .. } | LogError::Damaged { .. }) => {
                    return Err(self.damaged(replay.last().saturating_add(1)));
                }
            }
            if let Some(skipped) = self.skipped.filter(|skipped| skipped.size == replay.last())
                && skipped.root != replay.told.frontier.root()
            {
                // Which of the events was changed, nobody can say without another copy.
                return Err(self.damaged(1));
            }
            self.shared.checked(replay.last());
        }
        Ok(reader.position())
    }

    fn write(&self, replay: &Replay) -> io::Result<()> {
        let (at, first) = replay.last_frame.ok_or(io::ErrorKind::InvalidData)?;
        snapshot::write(&self.data, &replay.told, (at.segment, at.offset, first), self.signer.as_ref())
    }

    fn damaged(&self, event: u64) -> Ended {
        tracing::error!(event, "the log is damaged; the store is guarded until it is restored");
        self.shared.guard(Damage::LogDamaged(event));
        Ended
    }
}

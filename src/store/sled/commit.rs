//! The one thread that writes. It orders commits, and an answer leaves it only when the disk has what it says.
//!
//! Commits that wait at one time share the syncs, and a group whose changes follow from its events needs one sync only: that
//! of the log, from which a start would make the changes again. See docs/ARCHITECTURE.md, "One sync or two".

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender},
    },
    time::Duration,
};

use crate::{
    base::{clock::Clock, random::Random},
    format::merkle::{Frontier, leaf_hash},
    model::{
        event::{LoggedEvent, What},
        record::Commit,
    },
    store::{
        CommitError, Mode, Receipt,
        faults::{Faults, Step},
        log::{AppendError, Frame, LogWriter},
        rows::{
            Change,
            encoding::{IDENTITY, Identity},
            group::{Decided, Group},
            pools::Pools,
        },
        sled::{records::Records, shared::Shared},
    },
};

/// Bytes of records that may be held back. sled gets them in one batch and writes segments of 512 KiB, so that it never has
/// more under way than with one large group.
const MOST_OWED_BYTES: usize = 256 * 1024;

/// How long the records' sync may be owed.
const OWED_AT_MOST: Duration = Duration::from_secs(1);

pub(super) type Answer = Result<Receipt, CommitError>;

/// A commit and who waits for it.
pub(super) struct Job {
    pub(super) commit: Commit,
    pub(super) answer: SyncSender<Answer>,
}

/// The writer.
pub(super) struct Committer {
    pub(super) shared: Arc<Shared>,
    pub(super) records: Arc<Records>,
    pub(super) log: LogWriter,
    pub(super) frontier: Frontier,
    pub(super) pools: Pools,
    pub(super) identity: Identity,
    pub(super) owed: Owed,
    /// How many callers there were when the last group was answered.
    pub(super) expected: usize,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) faults: Arc<dyn Faults>,
    /// Most commits of one group.
    pub(super) group: usize,
    /// How long a group waits for those who are expected to join it.
    pub(super) gather: Duration,
}

/// What can be made again from the log, is held back from the records' database, and is read as if it were there.
pub(super) struct Owed {
    /// The last event whose changes are synced.
    synced: u64,
    bytes: usize,
    /// When the first of it was held back, by the monotonic clock; none when nothing is owed.
    since: Option<Duration>,
}

impl Owed {
    /// Nothing, at this event.
    pub(super) const fn nothing(synced: u64) -> Self {
        Self { synced, bytes: 0, since: None }
    }
}

impl Committer {
    /// Works until nobody can send any more.
    pub(super) fn run(mut self, queue: &Receiver<Job>) {
        // If the thread dies of a panic, nothing may look as if it could still be written.
        let _closing = Closing(Arc::clone(&self.shared));
        loop {
            let first = match self.owed.since {
                None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(since) => {
                    let left = since.saturating_add(OWED_AT_MOST).saturating_sub(self.clock.monotonic());
                    queue.recv_timeout(left)
                }
            };
            match first {
                Ok(first) => self.serve(first, queue),
                Err(RecvTimeoutError::Timeout) => self.settle(),
                Err(RecvTimeoutError::Disconnected) => return self.settle(),
            }
        }
    }

    /// Makes one group of what waits.
    fn serve(&mut self, first: Job, queue: &Receiver<Job>) {
        let mut jobs = vec![first];
        // Who was answered last time is on the way back, mostly: sharing one sync with them is quicker than another sync.
        let expected = self.expected.min(self.group);
        while jobs.len() < self.group {
            match queue.try_recv() {
                Ok(job) => jobs.push(job),
                Err(_) if jobs.len() >= expected => break,
                Err(_) => match queue.recv_timeout(self.gather) {
                    Ok(job) => jobs.push(job),
                    Err(_) => break,
                },
            }
        }
        let (commits, answers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.commit, job.answer)).unzip();
        let made = self.commit(commits);
        self.expected = self.shared.callers();
        for (answer, to) in made.into_iter().zip(answers) {
            // Who does not wait any more can ask the store.
            let _ = to.send(answer);
        }
    }

    /// Syncs what is owed.
    fn settle(&mut self) {
        if self.owed.since.is_none() || self.shared.mode() != Mode::Normal {
            // After a failed sync nothing is synced again; the log has all of it.
            self.owed.since = None;
            return;
        }
        match self.sync_records(Vec::new()) {
            Ok(()) => self.owed = Owed::nothing(self.identity.sequence),
            Err(error) => {
                tracing::error!(error, "the records could not be synced; nothing more is written until a restart");
                self.owed.since = None;
                self.shared.close();
            }
        }
    }

    /// Makes a group of commits; one answer each, in order.
    pub(super) fn commit(&mut self, commits: Vec<Commit>) -> Vec<Answer> {
        if self.shared.mode() != Mode::Normal {
            return commits.iter().map(|_| Err(CommitError::ReadOnly)).collect();
        }
        let next = self.frontier.size().saturating_add(1);
        let (records, random) = (Arc::clone(&self.records), Arc::clone(&self.random));
        let shared = Arc::clone(&self.shared);
        let mut group = Group::new(&*records, &shared.board, random.as_ref(), self.pools.clone(), next).proving();
        let answers: Vec<Answer> = commits.into_iter().map(|commit| group.admit(commit)).collect();
        if answers.iter().all(Result::is_err) {
            return answers;
        }
        let syncs = if group.follows_from_events() { Syncs::Log } else { Syncs::Both };
        match self.make(group.decide(), syncs) {
            Ok(()) => answers,
            // A guard may have failed because of a commit that was not made now: nobody's answer holds.
            Err(error) => answers.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    /// Log, records, board, in this order: the log on disk before the rest, and the records too before anybody is told,
    /// unless they can be made again from the log.
    pub(super) fn make(&mut self, decided: Decided, syncs: Syncs) -> Result<(), CommitError> {
        let Decided { mut changes, events, pools } = decided;
        if !events.is_empty() {
            self.append(&events)?;
        }
        let sequence = self.frontier.size().saturating_add(events.len() as u64);
        let identity = Identity { sequence, ..self.identity };
        if identity != self.identity {
            changes.push((IDENTITY.to_vec(), Some(identity.encode())));
        }
        let stored = if changes.is_empty() { Ok(()) } else { self.store(changes, sequence, syncs) };
        if stored.is_err() {
            self.shared.close();
        }
        self.show(&events, stored.is_ok());
        stored.map_err(|_| CommitError::OutcomeUnknown)?;
        self.identity = identity;
        self.pools = pools;
        self.faults.before(Step::Answer).map_err(|_| {
            self.shared.close();
            CommitError::OutcomeUnknown
        })
    }

    fn append(&mut self, events: &[LoggedEvent]) -> Result<(), CommitError> {
        let frame = Frame { applied: self.owed.synced, events: events.to_vec() };
        match self.log.append(&frame) {
            Ok(at) => {
                self.shared.note(frame.first(), at);
                Ok(())
            }
            Err(AppendError::NotWritten(_)) => Err(CommitError::Unavailable),
            // It is not whole, so the next start does not count it.
            Err(AppendError::NotCut(_)) => {
                self.shared.close();
                Err(CommitError::Unavailable)
            }
            Err(AppendError::NotSynced(_)) => {
                self.shared.close();
                Err(CommitError::OutcomeUnknown)
            }
            Err(AppendError::Closed) => Err(CommitError::ReadOnly),
        }
    }

    fn store(&mut self, changes: Vec<Change>, sequence: u64, syncs: Syncs) -> Result<(), String> {
        let size = |(key, value): &Change| key.len() + value.as_ref().map_or(0, Vec::len);
        let bytes = self.owed.bytes.saturating_add(changes.iter().map(size).sum());
        if syncs == Syncs::Log && bytes <= MOST_OWED_BYTES {
            self.records.defer(changes);
            let since = self.owed.since.unwrap_or_else(|| self.clock.monotonic());
            self.owed = Owed { bytes, since: Some(since), ..self.owed };
            return Ok(());
        }
        self.sync_records(changes)?;
        self.owed = Owed::nothing(sequence);
        Ok(())
    }

    /// Brings these changes and everything owed to the disk.
    fn sync_records(&self, changes: Vec<Change>) -> Result<(), String> {
        self.faults.before(Step::RecordsApply).map_err(|error| error.to_string())?;
        self.records.apply(changes)?;
        self.faults.before(Step::RecordsSync).map_err(|error| error.to_string())?;
        self.records.sync()
    }

    /// Shows events that are in the log. If the records did not follow, the next start redoes what sets a status or
    /// takes a token away and makes the rest void: shown is what will be.
    fn show(&mut self, events: &[LoggedEvent], stored: bool) {
        for logged in events {
            self.frontier.append(leaf_hash(&logged.commitment()));
            let redone =
                logged.event.what.status_changes().is_some() || matches!(logged.event.what, What::TokenSwitchedOff { .. });
            if stored || redone {
                self.shared.show(&logged.event);
            }
        }
        self.shared.advance(&self.frontier);
    }
}

/// What a group waits for before it is answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Syncs {
    /// The log, which is enough where it tells everything.
    Log,
    /// Log and records.
    Both,
}

struct Closing(Arc<Shared>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

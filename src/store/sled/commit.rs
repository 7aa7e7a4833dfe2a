//! The one thread that writes. It orders commits, and an answer leaves it only when the disk has what it says.

use std::sync::{
    Arc,
    mpsc::{Receiver, SyncSender},
};

use crate::{
    base::random::Random,
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
    pub(super) random: Arc<dyn Random>,
    pub(super) faults: Arc<dyn Faults>,
    /// Most commits of one group.
    pub(super) group: usize,
}

impl Committer {
    /// Works until nobody can send any more.
    pub(super) fn run(mut self, queue: &Receiver<Job>) {
        // If the thread dies of a panic, nothing may look as if it could still be written.
        let _closing = Closing(Arc::clone(&self.shared));
        while let Ok(first) = queue.recv() {
            let waiting = std::iter::once(first).chain(std::iter::from_fn(|| queue.try_recv().ok()));
            let (commits, answers): (Vec<_>, Vec<_>) = waiting.take(self.group).map(|job| (job.commit, job.answer)).unzip();
            for (answer, to) in self.commit(commits).into_iter().zip(answers) {
                // Who does not wait any more can ask the store.
                let _ = to.send(answer);
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
        let mut group = Group::new(&*records, &shared.board, random.as_ref(), self.pools.clone(), next);
        let answers: Vec<Answer> = commits.into_iter().map(|commit| group.admit(commit)).collect();
        if answers.iter().all(Result::is_err) {
            return answers;
        }
        match self.make(group.decide()) {
            Ok(()) => answers,
            // A guard may have failed because of a commit that was not made now: nobody's answer holds.
            Err(error) => answers.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    /// Log, records, board: in this order, each on disk before the next.
    pub(super) fn make(&mut self, decided: Decided) -> Result<(), CommitError> {
        let Decided { mut changes, events, pools } = decided;
        if !events.is_empty() {
            self.append(&events)?;
        }
        let sequence = self.frontier.size().saturating_add(events.len() as u64);
        let identity = Identity { sequence, ..self.identity };
        if identity != self.identity {
            changes.push((IDENTITY.to_vec(), Some(identity.encode())));
        }
        let stored = if changes.is_empty() { Ok(()) } else { self.store(changes) };
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
        let frame = Frame { applied: self.identity.sequence, events: events.to_vec() };
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

    fn store(&self, changes: Vec<Change>) -> Result<(), String> {
        let fault = |step| self.faults.before(step).map_err(|error| error.to_string());
        fault(Step::RecordsApply)?;
        self.records.apply(changes)?;
        fault(Step::RecordsSync)?;
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

struct Closing(Arc<Shared>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

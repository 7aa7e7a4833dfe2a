//! The one thread of a node that writes. It gathers the commits that wait, makes them in one transaction, and answers
//! when the database has.
//!
//! A transaction locks the one row of `head` first, so groups of all nodes follow one another: what a guard has read
//! cannot change before the commit, event numbers have no gaps, and no index is drawn twice, whatever the database's
//! isolation. Two round trips: one that opens, locks and reads, one that writes and commits.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender},
    },
    thread,
    time::Duration,
};

use tokio::time::Instant;
use tokio_postgres::Client;

use crate::{
    base::{random::Random, secret::SecretKey},
    format::merkle::leaf_hash,
    model::{event::LoggedEvent, record::Commit},
    store::{
        CommitError, Damage, Mode, Receipt, TreeHead,
        postgres::{
            connect::Link,
            failure::Failure,
            runtime::Runtime,
            settings::Patience,
            shared::{Shared, compare},
            sql,
            transaction::{self, InTransaction, Touched, Writing, Written},
        },
        rows::{
            group::{Decided, Group},
            pools::Pools,
        },
    },
};

pub(super) type Answer = Result<Receipt, CommitError>;

/// Pauses between attempts, the first and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// What a group gets at least, however long its oldest commit has waited behind others.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);
/// A node that is further behind catches up before it takes the lock, so as not to hold up the others.
const TAKEN_UP_UNDER_LOCK: u64 = 1_000;
/// Events of one read.
pub(super) const PAGE: usize = 1_000;

/// A commit and who waits for it.
pub(super) struct Job {
    pub(super) commit: Commit,
    pub(super) answer: SyncSender<Answer>,
    /// When it is too late to make it.
    pub(super) until: Instant,
}

/// The writer.
pub(super) struct Committer {
    pub(super) shared: Arc<Shared>,
    pub(super) runtime: Arc<Runtime>,
    pub(super) link: Link,
    pub(super) client: Option<Client>,
    /// The pools as they are after this many events.
    pub(super) pools: Option<(u64, Pools)>,
    pub(super) index_key: SecretKey,
    pub(super) list_capacity: u32,
    /// This process, by a number of its own.
    pub(super) node: [u8; 16],
    pub(super) random: Arc<dyn Random>,
    /// Most commits of one group.
    pub(super) group: usize,
    pub(super) patience: Patience,
}

/// Why an attempt made nothing, or may have.
enum Ended {
    /// Nothing was changed.
    NotMade(Failure),
    /// Nobody knows.
    Unknown,
    /// The store is not to be written any more.
    Closed,
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::NotMade(failure)
    }
}

impl Committer {
    /// Works until nobody can send any more.
    pub(super) fn run(mut self, queue: &Receiver<Job>) {
        // If the thread dies of a panic, nothing may look as if it could still be written.
        let _closing = Closing(Arc::clone(&self.shared));
        while let Ok(first) = queue.recv() {
            let until = first.until.max(Instant::now() + LEAST_PATIENCE);
            let waiting = std::iter::once(first).chain(std::iter::from_fn(|| queue.try_recv().ok()));
            let (commits, answers): (Vec<_>, Vec<_>) = waiting.take(self.group).map(|job| (job.commit, job.answer)).unzip();
            for (answer, to) in self.commit(&commits, until).into_iter().zip(answers) {
                // Who does not wait any more can ask the store.
                let _ = to.send(answer);
            }
        }
    }

    /// Makes a group of commits; one answer each, in order.
    fn commit(&mut self, commits: &[Commit], until: Instant) -> Vec<Answer> {
        let all = |error: CommitError| commits.iter().map(|_| Err(error.clone())).collect();
        let mut pause = FIRST_PAUSE;
        loop {
            if self.shared.mode() != Mode::Normal {
                return all(CommitError::ReadOnly);
            }
            let failure = match self.attempt(commits, until) {
                Ok(answers) => {
                    self.shared.reached(true);
                    return answers;
                }
                Err(Ended::Closed) => return all(CommitError::ReadOnly),
                Err(Ended::Unknown) => {
                    self.shared.reached(false);
                    return all(CommitError::OutcomeUnknown);
                }
                Err(Ended::NotMade(failure)) => failure,
            };
            // Whatever state the connection is in, the next attempt has one of its own.
            self.client = None;
            if !failure.may_pass() || Instant::now() + pause >= until {
                tracing::warn!(%failure, "commits could not be made");
                self.shared.reached(false);
                return all(CommitError::Unavailable);
            }
            tracing::debug!(%failure, "commits are tried again");
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn attempt(&mut self, commits: &[Commit], until: Instant) -> Result<Vec<Answer>, Ended> {
        let left = || until.saturating_duration_since(Instant::now());
        let runtime = Arc::clone(&self.runtime);
        let client = match self.client.take().filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => runtime.wait(left(), self.link.connect(self.patience.connect)).unwrap_or(Err(Failure::Silent))?,
        };
        let touched = Touched::by(commits);
        let begun = runtime.wait(left(), transaction::begin(&client, &touched, left()));
        let begun = begun.unwrap_or(Err(Failure::Silent))?;
        self.catch_up(&client, begun.head, left())?;

        let rows = transaction::rows(InTransaction::new(&runtime, &client, left()), touched, begun)?;
        let shared = Arc::clone(&self.shared);
        let (head, random) = (shared.head(), Arc::clone(&self.random));
        let pools = self.pools_at(head.size);
        let mut group = Group::new(&rows, &shared.board, random.as_ref(), pools, head.size.saturating_add(1));
        let answers: Vec<Answer> = commits.iter().map(|commit| group.admit(commit.clone())).collect();
        let Decided { changes, events, pools } = group.decide();
        if let Some(failure) = rows.fetch().failure() {
            return Err(failure.into());
        }
        if changes.is_empty() && events.is_empty() {
            let ended = runtime.wait(left(), client.batch_execute("ROLLBACK"));
            self.client = matches!(ended, Ok(Ok(()))).then_some(client);
            return Ok(answers);
        }
        let (edge, group) = (self.edge_after(&events), random.array());
        let writing = Writing { changes, events: &events, head: edge, node: self.node, group };
        match runtime.wait(left(), transaction::write(&client, writing)).unwrap_or(Written::Unknown) {
            Written::Made => self.client = Some(client),
            Written::Refused(failure) => return Err(failure.into()),
            Written::Unknown => {
                drop(client);
                self.settle(&group)?;
            }
        }
        // Others may have read them meanwhile, which does not matter.
        let shown = shared.take_up(&events).map_err(|_| Ended::Unknown)?;
        self.pools = (shown.size == edge.size).then_some((edge.size, pools));
        Ok(answers)
    }

    /// Takes up what other nodes committed before this transaction, and looks whether it is the history this node knows.
    fn catch_up(&mut self, client: &Client, database: sql::Head, patience: Duration) -> Result<(), Ended> {
        let behind = database.tree.size.saturating_sub(self.shared.head().size);
        if behind > TAKEN_UP_UNDER_LOCK {
            // The lock is given up; the next attempt finds most of it taken up.
            let _ = self.runtime.wait(patience, client.batch_execute("ROLLBACK"));
        }
        while self.shared.head().size < database.tree.size {
            let from = self.shared.head().size.saturating_add(1);
            let events = self.runtime.wait(patience, sql::events(client, from, database.tree.size, PAGE));
            let events = events.unwrap_or(Err(Failure::Silent))?;
            if events.is_empty() || self.shared.take_up(&events).is_err() {
                return Err(Failure::Damaged("the events").into());
            }
        }
        if behind > TAKEN_UP_UNDER_LOCK {
            return Err(Failure::Silent.into());
        }
        let ours = self.shared.store.is_some_and(|store| *store.as_bytes() == database.store);
        let compared = if ours { compare(self.shared.head(), database.tree) } else { Err(Damage::ForeignRecords) };
        compared.map_err(|damage| {
            self.shared.guard(damage);
            Ended::Closed
        })
    }

    /// What the tree will be with these events; nobody else adds any while the head is locked.
    fn edge_after(&self, events: &[LoggedEvent]) -> TreeHead {
        let mut frontier = self.shared.frontier();
        events.iter().for_each(|logged| frontier.append(leaf_hash(&logged.commitment())));
        TreeHead { size: frontier.size(), root: frontier.root() }
    }

    fn pools_at(&mut self, size: u64) -> Pools {
        match self.pools.take() {
            Some((at, pools)) if at == size => pools,
            _ => Pools::from_board(&self.shared.board, self.index_key.clone(), self.list_capacity),
        }
    }

    /// Finds out whether a group whose COMMIT had no answer was made. The database says so for certain, once the lock of
    /// the head is had: whoever held it has ended.
    fn settle(&mut self, group: &[u8; 16]) -> Result<(), Ended> {
        let until = Instant::now() + self.patience.settle;
        let mut pause = FIRST_PAUSE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let asked = async {
                let client = self.link.connect(self.patience.connect).await?;
                let made = transaction::was_made(&client, &self.node, group, left).await?;
                Ok::<_, Failure>((client, made))
            };
            match self.runtime.wait(left, asked).unwrap_or(Err(Failure::Silent)) {
                Ok((client, true)) => {
                    self.client = Some(client);
                    return Ok(());
                }
                Ok((_, false)) => return Err(Failure::Silent.into()),
                Err(failure) if Instant::now() + pause >= until => {
                    tracing::error!(%failure, "nobody knows whether the last commits were made until the database is back");
                    return Err(Ended::Unknown);
                }
                Err(_) => thread::sleep(pause),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

struct Closing(Arc<Shared>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

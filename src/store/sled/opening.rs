//! The thread that opens the records and applies the start rules. Meanwhile status lists, verification and the log are
//! served from the log alone: sled was measured to take up to 42 s for ten million records.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Sender, SyncSender, channel, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    base::{clock::Clock, random::Random, secret::SecretKey},
    crypto::Signer,
    format::merkle::Frontier,
    model::{
        event::{Event, LoggedEvent, What},
        ids::StoreId,
        party::Actor,
    },
    store::{
        Damage, Mode,
        faults::{Faults, Step},
        log::{self, Frame, LogLock, LogWriter, Position},
        rows::{
            encoding::{IDENTITY, Identity},
            group::Decided,
            pools::Pools,
        },
        sled::{
            commit::{Committer, Job, Owed, Syncs},
            findings::find_records,
            folder,
            guarded::{Shown, harden},
            keeper::Keeper,
            options::OpenError,
            records::{NotOpened, Records},
            redo::redo,
            replay::End as LogEnd,
            shared::Shared,
            snapshot::Skipped,
            start::{LogFound, Plan, RecordsFound, plan},
        },
    },
};

/// What the start has found out so far, and what it goes on with.
pub(super) struct Opening {
    pub(super) data: PathBuf,
    pub(super) index_key: SecretKey,
    pub(super) log_signer: Arc<dyn Signer>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) queue: usize,
    pub(super) group: usize,
    pub(super) gather: Duration,
    pub(super) segment_bytes: u64,
    pub(super) list_capacity: u32,
    pub(super) snapshot_every: u64,
    pub(super) faults: Arc<dyn Faults>,
    pub(super) shared: Arc<Shared>,
    pub(super) frontier: Frontier,
    pub(super) found: LogFound,
    /// The records the log began with.
    pub(super) origin: Option<StoreId>,
    /// The end of the log.
    pub(super) position: Option<Position>,
    pub(super) skipped: Option<Skipped>,
    /// Nobody else may open the folder while this runs, whatever became of the store that began it.
    pub(super) lock: Arc<LogLock>,
}

/// What a store has once its records are open.
pub(super) struct Opened {
    /// None in guarded mode: what they say is not believed.
    pub(super) records: Option<Arc<Records>>,
    pub(super) queue: Option<SyncSender<Job>>,
    writer: Option<JoinHandle<()>>,
    /// The keeper, and what it stops at when it is dropped.
    keeper: Option<(Sender<()>, JoinHandle<()>)>,
    _lock: Arc<LogLock>,
}

impl Drop for Opened {
    /// Waits for the commits that were taken.
    fn drop(&mut self) {
        self.queue = None;
        if let Some((stop, keeper)) = self.keeper.take() {
            drop(stop);
            let _ = keeper.join();
        }
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has turned the store read-only already.
            let _ = writer.join();
        }
    }
}

/// How the opening ends: what the store goes on with, and in which mode.
type End = Result<(Opened, Mode), OpenError>;

impl Opening {
    /// Opens the records, hands over, and says last in which mode the store is.
    pub(super) fn run(self, report: &SyncSender<Result<Opened, OpenError>>) {
        let shared = Arc::clone(&self.shared);
        let unexpected = "opening them ended unexpectedly".to_owned();
        // If the thread dies of a panic, the store does not open for ever.
        let _settling = Settling { shared: Arc::clone(&shared), mode: Mode::Guarded(Damage::RecordsUnreadable(unexpected)) };
        let (handed, mode) = match self.open() {
            Ok((opened, mode)) => (Ok(opened), mode),
            Err(error) => {
                let mode = Mode::Guarded(Damage::RecordsUnreadable(error.to_string()));
                tracing::error!(%error, "the records could not be opened");
                (Err(error), mode)
            }
        };
        if matches!(mode, Mode::Normal | Mode::ReadOnly) {
            shared.board.mark_complete();
        }
        // When nobody takes it any more it is closed again at once.
        let _ = report.send(handed);
        shared.settle(mode);
    }

    fn open(self) -> End {
        let (records_found, records) = find_records(&self.data)?;
        match plan(&records_found, &self.found) {
            Plan::Create => self.create(),
            Plan::FinishCreation => self.start(1, records),
            Plan::Normal => {
                let last = self.found.last;
                self.start(last, records)
            }
            Plan::Redo(from) => self.redo(from, records),
            Plan::Guarded(damage) => Ok(self.guarded(damage, &records_found, records)),
        }
    }

    fn create(mut self) -> End {
        let store = StoreId::random(self.random.as_ref());
        let event = Event { number: 1, at: self.clock.now(), actor: Actor::Service, what: What::StoreCreated { store } };
        let frame = Frame { applied: 0, events: vec![LoggedEvent { event, salt: self.random.array() }] };
        let mut log = self.log()?;
        let at = log.append(&frame).map_err(|error| OpenError::NotMade(error.to_string()))?;
        self.shared.created(store, at, &frame, &mut self.frontier);
        (self.found.store, self.origin) = (Some(store), Some(store));
        let (committer, rest) = self.committer(log, 1, None)?;
        Ok(rest.run(committer))
    }

    fn start(self, sequence: u64, records: Option<Records>) -> End {
        let log = self.log()?;
        let (committer, rest) = self.committer(log, sequence, records)?;
        Ok(rest.run(committer))
    }

    fn redo(self, from: u64, records: Option<Records>) -> End {
        let log = self.log()?;
        let tail = self.shared.events(from, usize::MAX);
        let plan = match (&records, tail) {
            (Some(records), Ok(tail)) => redo(records, &tail).ok(),
            _ => None,
        };
        // A record that the crash touched cannot be read: only a repair can tell what to do.
        let Some(plan) = plan else {
            let damage = Damage::RecordsUnreadable("a record that has to be changed".to_owned());
            return Ok(self.guarded(damage, &RecordsFound::Empty, records));
        };
        let (clock, random) = (Arc::clone(&self.clock), Arc::clone(&self.random));
        let (mut committer, mut rest) = self.committer(log, from - 1, records)?;
        let numbers = committer.frontier.size().saturating_add(1)..;
        let events: Vec<LoggedEvent> = numbers
            .zip(plan.compensations)
            .map(|(number, what)| Event { number, at: clock.now(), actor: Actor::Service, what })
            .map(|event| LoggedEvent { event, salt: random.array() })
            .collect();
        let pools = committer.pools.clone();
        let decided = Decided { changes: plan.changes.clone(), events: events.clone(), pools };
        if rest.mode != Mode::Normal || committer.make(decided, Syncs::Both).is_err() {
            // The disk is full, say: nothing is written until a restart, but what was answered is read, and what is void is
            // shown as void.
            rest.mode = Mode::ReadOnly;
            committer.records.defer(plan.changes);
            events.iter().for_each(|logged| committer.shared.show(&logged.event));
        }
        Ok(rest.run(committer))
    }

    fn guarded(self, damage: Damage, found: &RecordsFound, records: Option<Records>) -> (Opened, Mode) {
        let log_lost = matches!(damage, Damage::LogDamaged(_) | Damage::LogBehind { .. } | Damage::LogMissing);
        let shared = &self.shared;
        // Of a frame that is torn, only records that open can say that it was never answered.
        let torn = !matches!(self.found.end, LogEnd::Whole);
        if log_lost || torn {
            shared.board.mark_incomplete();
        } else {
            shared.board.mark_complete();
        }
        let ours = match found {
            RecordsFound::Found { store, .. } => self.found.store.is_none_or(|ours| ours == *store),
            _ => false,
        };
        if let Some(records) = records.filter(|_| log_lost && ours) {
            harden(Shown { board: &shared.board, roster: &shared.roster, last: self.found.last }, &records);
        }
        // Nothing goes on in the background, so what was read is all that is checked.
        shared.checked(self.found.last);
        let opened = Opened { records: None, queue: None, writer: None, keeper: None, _lock: self.lock };
        (opened, Mode::Guarded(damage))
    }

    /// Opens the log for writing, which cuts off a torn frame.
    fn log(&self) -> Result<LogWriter, OpenError> {
        let faults = Arc::clone(&self.faults);
        Ok(LogWriter::open(&log::folder(&self.data), self.position, self.segment_bytes, faults)?)
    }

    /// Makes the writer, and the records if there are none yet.
    fn committer(self, log: LogWriter, sequence: u64, records: Option<Records>) -> Result<(Committer, Rest), OpenError> {
        let store = self.found.store.ok_or_else(|| OpenError::NotMade("the log names no store".to_owned()))?;
        let identity = Identity { store, sequence };
        let records = match records {
            Some(records) => records,
            None => Records::open(&folder(&self.data)).map_err(|error| match error {
                NotOpened::InUse => OpenError::InUse,
                NotOpened::Unreadable(why) => OpenError::NotMade(why),
            })?,
        };
        if records.identity() == Ok(None) {
            records.apply([(IDENTITY.to_vec(), Some(identity.encode()))]).map_err(OpenError::NotMade)?;
        }
        // A process that was killed may not have come to the sync, and the next frame calls all of this synced.
        let synced = self.faults.before(Step::StartSync).map_err(|error| error.to_string()).and_then(|()| records.sync());
        // As after any failed sync: what is there is read, and nothing is written.
        let mode = if synced.is_ok() { Mode::Normal } else { Mode::ReadOnly };
        let committer = Committer {
            pools: Pools::from_board(&self.shared.board, self.index_key, self.list_capacity),
            shared: Arc::clone(&self.shared),
            records: Arc::new(records),
            log,
            frontier: self.frontier,
            identity,
            owed: Owed::nothing(sequence),
            expected: 1,
            clock: self.clock,
            random: self.random,
            faults: self.faults,
            group: self.group,
            gather: self.gather,
        };
        let keeper = Keeper {
            shared: self.shared,
            data: self.data,
            signer: self.log_signer,
            every: self.snapshot_every,
            skipped: self.skipped,
        };
        Ok((committer, Rest { lock: self.lock, queue: self.queue, keeper, mode }))
    }
}

/// What is left over for the store once the writer has its part.
struct Rest {
    lock: Arc<LogLock>,
    queue: usize,
    keeper: Keeper,
    mode: Mode,
}

impl Rest {
    fn run(self, committer: Committer) -> (Opened, Mode) {
        let records = Arc::clone(&committer.records);
        let (queue, jobs) = sync_channel(self.queue);
        let writer = thread::Builder::new().name("store-writer".to_owned()).spawn(move || committer.run(&jobs));
        let mode = if writer.is_ok() { self.mode } else { Mode::ReadOnly };
        let (stop, stopped) = channel();
        let keeper = self.keeper;
        let keeper = thread::Builder::new().name("store-keeper".to_owned()).spawn(move || keeper.run(&stopped));
        let opened = Opened {
            records: Some(records),
            queue: Some(queue),
            writer: writer.ok(),
            keeper: keeper.ok().map(|keeper| (stop, keeper)),
            _lock: self.lock,
        };
        (opened, mode)
    }
}

/// Leaves the opening behind, whatever happens.
struct Settling {
    shared: Arc<Shared>,
    mode: Mode,
}

impl Drop for Settling {
    fn drop(&mut self) {
        self.shared.settle(self.mode.clone());
    }
}

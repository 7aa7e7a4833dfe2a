//! Opens the store: reads the log, opens the records without trust, applies the start rules.

use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{channel, sync_channel},
    },
    thread,
};

use crate::{
    model::{
        event::{Event, LoggedEvent, What},
        ids::StoreId,
        party::Actor,
    },
    store::{
        Damage, Mode,
        faults::Step,
        log::{self, Frame, LogLock, LogWriter, Position, create_folder},
        rows::{
            encoding::{IDENTITY, Identity, NoIdentity},
            group::Decided,
            pools::Pools,
        },
        sled::{
            SledStore,
            commit::Committer,
            folder,
            guarded::harden,
            keeper::Keeper,
            options::{OpenError, Options},
            records::{NotOpened, Records},
            redo::{redo, tail},
            replay::{End, Replay},
            shared::Shared,
            snapshot::{FoundLog, Skipped, read_log},
            start::{LogFound, Plan, RecordsFound, plan},
        },
    },
};

/// See [`SledStore::open`].
pub(super) fn open(options: Options<'_>) -> Result<SledStore, OpenError> {
    let log_folder = log::folder(options.data);
    create_folder(options.data)?;
    create_folder(&log_folder)?;
    let lock = LogLock::take(&log_folder)?;

    let Findings { replay, position, records_found, records, plan, skipped } = find(&options, true)?;
    let last = replay.last();
    let opening = Opening { options, lock, replay, position, records, skipped };
    match plan {
        Plan::Create => opening.create(),
        Plan::FinishCreation => opening.finish_creation(),
        Plan::Normal => opening.normal(last),
        Plan::Redo(from) => opening.redo(from),
        Plan::Guarded(damage) => Ok(opening.guarded(damage, &records_found)),
    }
}

/// What a data folder holds, and what is to be done with it.
pub(super) struct Findings {
    pub(super) replay: Replay,
    /// The end of the log.
    pub(super) position: Option<Position>,
    pub(super) records_found: RecordsFound,
    pub(super) records: Option<Records>,
    pub(super) plan: Plan,
    pub(super) skipped: Option<Skipped>,
}

/// Looks at log and records; the whole log, unless it may be read `from_snapshot` on. The lock is held.
pub(super) fn find(options: &Options<'_>, from_snapshot: bool) -> Result<Findings, OpenError> {
    let log = read_log(options.data, options.log_signer.public_key(), options.attested, from_snapshot)?;
    let FoundLog { replay, end, position, attested, skipped } = log;
    let attested = attested.max(options.attested.map_or(0, |head| head.size));
    // Which of the events was changed, the head does not tell.
    let end = if replay.told.is_forked { End::Damaged(1) } else { end };
    let (records_found, records) = find_records(options.data)?;
    let found = LogFound { store: replay.told.store, last: replay.last(), applied: replay.applied, end, attested };
    let plan = plan(&records_found, &found);
    Ok(Findings { replay, position, records_found, records, plan, skipped })
}

/// Opens the records that are there, if any, and says what they say of themselves.
fn find_records(data: &Path) -> Result<(RecordsFound, Option<Records>), OpenError> {
    if !folder(data).exists() {
        return Ok((RecordsFound::Absent, None));
    }
    let records = match Records::open(&folder(data)) {
        Ok(records) => records,
        Err(NotOpened::InUse) => return Err(OpenError::InUse),
        Err(NotOpened::Unreadable(why)) => return Ok((RecordsFound::Unreadable(why), None)),
    };
    let found = match records.identity() {
        Ok(Some(Identity { store, sequence })) => RecordsFound::Found { store, sequence },
        Ok(None) if records.is_empty() => RecordsFound::Empty,
        Ok(None) | Err(NoIdentity::Malformed) => RecordsFound::Unreadable("they do not say whose they are".to_owned()),
        Err(NoIdentity::UnknownSchema(schema)) => return Err(OpenError::UnknownSchema(schema)),
    };
    Ok((found, Some(records)))
}

struct Opening<'a> {
    options: Options<'a>,
    lock: LogLock,
    replay: Replay,
    /// The end of the log.
    position: Option<Position>,
    records: Option<Records>,
    skipped: Option<Skipped>,
}

impl Opening<'_> {
    fn create(mut self) -> Result<SledStore, OpenError> {
        let store = StoreId::random(self.options.random.as_ref());
        let event =
            Event { number: 1, at: self.options.clock.now(), actor: Actor::Service, what: What::StoreCreated { store } };
        let frame = Frame { applied: 0, events: vec![LoggedEvent { event, salt: self.options.random.array() }] };
        let mut log = self.log()?;
        let at = log.append(&frame).map_err(|error| OpenError::NotMade(error.to_string()))?;
        self.replay.take(at, &frame);
        self.start(log, 1)
    }

    fn finish_creation(self) -> Result<SledStore, OpenError> {
        let log = self.log()?;
        self.start(log, 1)
    }

    fn normal(self, sequence: u64) -> Result<SledStore, OpenError> {
        let log = self.log()?;
        self.start(log, sequence)
    }

    fn redo(self, from: u64) -> Result<SledStore, OpenError> {
        let log = self.log()?;
        let tail = tail(&log::folder(self.options.data), &self.replay, from)?;
        let plan = match self.records.as_ref().map(|records| redo(records, &tail)) {
            Some(Ok(plan)) => plan,
            // A record that the crash touched cannot be read: only a repair can tell what to do.
            _ => {
                let damage = Damage::RecordsUnreadable("a record that has to be changed".to_owned());
                return Ok(self.guarded(damage, &RecordsFound::Empty));
            }
        };
        let (clock, random) = (Arc::clone(&self.options.clock), Arc::clone(&self.options.random));
        let (mut committer, rest) = self.committer(log, from - 1)?;
        let numbers = committer.frontier.size().saturating_add(1)..;
        let events: Vec<LoggedEvent> = numbers
            .zip(plan.compensations)
            .map(|(number, what)| Event { number, at: clock.now(), actor: Actor::Service, what })
            .map(|event| LoggedEvent { event, salt: random.array() })
            .collect();
        let pools = committer.pools.clone();
        let may_write = committer.shared.mode() == Mode::Normal;
        if !may_write || committer.make(Decided { changes: plan.changes, events: events.clone(), pools }).is_err() {
            // The disk is full, say: nothing is written until a restart, but what is void is shown as void.
            committer.shared.close();
            events.iter().for_each(|logged| {
                committer.shared.board.apply(&logged.event);
                committer.shared.roster.apply(&logged.event);
            });
        }
        Ok(rest.run(committer))
    }

    fn guarded(self, damage: Damage, found: &RecordsFound) -> SledStore {
        let log_lost = matches!(damage, Damage::LogDamaged(_) | Damage::LogBehind { .. } | Damage::LogMissing);
        if log_lost {
            self.replay.told.board.mark_incomplete();
        }
        let ours = match found {
            RecordsFound::Found { store, .. } => self.replay.told.store.is_none_or(|ours| ours == *store),
            _ => false,
        };
        if let Some(records) = self.records.filter(|_| log_lost && ours) {
            harden(&self.replay, &records);
        }
        let checked = self.replay.last();
        let (shared, _) = Shared::new(self.replay, log::folder(self.options.data), Mode::Guarded(damage), checked);
        SledStore { shared: Arc::new(shared), records: None, queue: None, writer: None, keeper: None, _lock: self.lock }
    }

    /// Opens the log for writing, which cuts off a torn frame.
    fn log(&self) -> Result<LogWriter, OpenError> {
        let options = &self.options;
        let faults = Arc::clone(&options.faults);
        Ok(LogWriter::open(&log::folder(options.data), self.position, options.segment_bytes, faults)?)
    }

    fn start(self, log: LogWriter, sequence: u64) -> Result<SledStore, OpenError> {
        let (committer, rest) = self.committer(log, sequence)?;
        Ok(rest.run(committer))
    }

    /// Makes the writer, and the records if there are none yet.
    fn committer(self, log: LogWriter, sequence: u64) -> Result<(Committer, Rest), OpenError> {
        let Self { options, lock, replay, records, skipped, .. } = self;
        let store = replay.told.store.ok_or_else(|| OpenError::NotMade("the log names no store".to_owned()))?;
        let identity = Identity { store, sequence };
        let records = match records {
            Some(records) => records,
            None => Records::open(&folder(options.data)).map_err(|error| match error {
                NotOpened::InUse => OpenError::InUse,
                NotOpened::Unreadable(why) => OpenError::NotMade(why),
            })?,
        };
        if records.identity() == Ok(None) {
            records.apply([(IDENTITY.to_vec(), Some(identity.encode()))]).map_err(OpenError::NotMade)?;
        }
        // A process that was killed may not have come to the sync, and the next frame calls all of this synced.
        let synced = options.faults.before(Step::StartSync).map_err(|error| error.to_string()).and_then(|()| records.sync());
        let pools = Pools::from_board(&replay.told.board, options.index_key, options.list_capacity);
        let checked = if skipped.is_some() { 0 } else { replay.last() };
        // As after any failed sync: what is there is read, and nothing is written.
        let mode = if synced.is_ok() { Mode::Normal } else { Mode::ReadOnly };
        let (shared, frontier) = Shared::new(replay, log::folder(options.data), mode, checked);
        let committer = Committer {
            shared: Arc::new(shared),
            records: Arc::new(records),
            log,
            frontier,
            pools,
            identity,
            random: options.random,
            faults: options.faults,
            group: options.group.max(1),
        };
        let keeper = Keeper {
            shared: Arc::clone(&committer.shared),
            data: options.data.to_owned(),
            signer: options.log_signer,
            every: options.snapshot_every.max(1),
            skipped,
        };
        Ok((committer, Rest { lock, queue: options.queue, keeper }))
    }
}

/// What is left over for the store once the writer has its part.
struct Rest {
    lock: LogLock,
    queue: usize,
    keeper: Keeper,
}

impl Rest {
    fn run(self, committer: Committer) -> SledStore {
        let (shared, records) = (Arc::clone(&committer.shared), Arc::clone(&committer.records));
        let (queue, jobs) = sync_channel(self.queue);
        let writer = thread::Builder::new().name("store-writer".to_owned()).spawn(move || committer.run(&jobs));
        if writer.is_err() {
            shared.close();
        }
        let (stop, stopped) = channel();
        let keeper = self.keeper;
        let keeper = thread::Builder::new().name("store-keeper".to_owned()).spawn(move || keeper.run(&stopped));
        SledStore {
            shared,
            records: Some(records),
            queue: Some(queue),
            writer: writer.ok(),
            keeper: keeper.ok().map(|keeper| (stop, keeper)),
            _lock: self.lock,
        }
    }
}

//! Restores a store from a backup: what `yufu restore` does.
//!
//! A backup is old by the time it is needed, and what was revoked since must stay revoked. So it is never just put in
//! place: whatever still knows of later events (the log in the data folder, its snapshots, damaged records, lists that were
//! signed later and kept elsewhere) is held against it and said again; and where nothing can vouch for the time since, the
//! operator has to say that the loss is accepted.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    base::time::Timestamp,
    format::{
        merkle::{Frontier, leaf_hash},
        status::StatusList,
    },
    model::{
        event::{Event, LoggedEvent, What},
        ids::{CardId, ListId, StoreId},
        party::Actor,
    },
    store::{
        Damage, ReadError,
        log::{self, Frame, LogLock, LogReader, LogWriter, Position, create_folder},
        rows::encoding::{self, Identity},
        sled::{
            exchange,
            findings::{Findings, find},
            guarded::{Shown, harden},
            options::{OpenError, Options},
            repair::successor,
            replay::Replay,
            restored::{Followed, NotInLog, Worse, follow, fresh_lists},
            start::{Plan, RecordsFound},
            target::Making,
        },
        told::Told,
        transfer::{
            TransferError,
            file::Trailer,
            file_reader::{SignedBy, StreamError, read},
        },
    },
};

/// Events appended in one frame.
const FRAME: usize = 1_000;

/// A signed list that was kept elsewhere, its signature checked.
pub struct ListFound {
    /// Which.
    pub list: ListId,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// What it says.
    pub values: StatusList,
}

/// What a store is restored from.
pub struct RestoreOrder<'a> {
    /// The backup, decrypted.
    pub backup: &'a mut dyn Read,
    /// Lists that were signed after it.
    pub since: Vec<ListFound>,
    /// Since when the loss of what nothing vouches for is accepted.
    pub accept_loss_since: Option<Timestamp>,
}

/// What a restore did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RestoreReport {
    /// The last event of the backup.
    pub backup: u64,
    /// When the backup ended.
    pub backup_at: Timestamp,
    /// Events behind the backup that the log in the data folder knew, and that were done again; none when that log could
    /// not vouch for the time since.
    pub redone: Option<u64>,
    /// The restored store.
    pub store: StoreId,
    /// Where the things that were there before are now.
    pub aside: Option<PathBuf>,
    /// Indices that were invalid or suspended elsewhere, and are so here again.
    pub found: u64,
    /// Tokens that were switched off because a damaged log knew that they are.
    pub tokens_switched_off: u64,
    /// Tokens of operators and checkpoints that are good now.
    pub good_tokens: u64,
    /// Cards whose person was registered after the backup.
    pub cards_without_person: Vec<CardId>,
    /// What the log tells of and cannot bring back.
    pub not_in_log: NotInLog,
}

/// Why nothing was restored. What lies in the data folder is as it was.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RestoreError {
    /// The backup.
    #[error(transparent)]
    Backup(#[from] StreamError),
    /// The store opens as it is and has everything that the backup has.
    #[error("the store in the data folder works and has all {events} events of the backup: there is nothing to restore")]
    NothingLost {
        /// Events of the backup.
        events: u64,
    },
    /// The log in the data folder is of another store.
    #[error("the backup is of another store than the log in the data folder")]
    OtherStore,
    /// The log in the data folder says otherwise about events that both have.
    #[error("the log in the data folder differs from the backup before event {0}: one of them was changed")]
    Forked(u64),
    /// Nothing vouches for the time since the backup, and nobody has accepted the loss.
    #[error(
        "the backup ends at {backup_at} with event {events}, and nothing here knows what was revoked, suspended or switched \
         off since: cards and tokens may be good again that are not"
    )]
    LossNotAccepted {
        /// When it ends.
        backup_at: Timestamp,
        /// Its last event.
        events: u64,
    },
    /// The loss was accepted from a time on that lies behind the end of the backup.
    #[error("the backup ends at {backup_at}, which is before the time since when the loss is accepted")]
    AcceptedTooLate {
        /// When it ends.
        backup_at: Timestamp,
    },
    /// The data folder cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The copy.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// A record of the backup cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl From<io::Error> for RestoreError {
    fn from(error: io::Error) -> Self {
        Self::Open(error.into())
    }
}

/// Restores the store of a data folder. See the module.
pub fn restore(options: &Options<'_>, order: RestoreOrder<'_>) -> Result<RestoreReport, RestoreError> {
    let log_folder = log::folder(options.data);
    create_folder(options.data)?;
    create_folder(&log_folder)?;
    let _lock = LogLock::take(&log_folder).map_err(OpenError::from)?;
    // What an interrupted restore had found to be right is put in place first; whether it was enough shows then.
    exchange::resume(options.data)?;
    let here = Here::look(options)?;
    let restored = here.restore(options, order);
    if restored.is_err() {
        // Of no use to anybody, and it holds people.
        let _ = fs::remove_dir_all(exchange::folder_of(options.data));
    }
    restored
}

/// What lies in the data folder.
struct Here {
    replay: Replay,
    /// The end of the log.
    position: Option<Position>,
    /// The log has lost nothing that it is known to have had.
    whole: bool,
    /// The store opens as it is.
    works: bool,
}

impl Here {
    fn look(options: &Options<'_>) -> Result<Self, RestoreError> {
        let Findings { replay, position, records_found, records, plan } = find(options)?;
        let works = matches!(plan, Plan::FinishCreation | Plan::Normal | Plan::Redo(_));
        let log_lost =
            |damage: &Damage| matches!(damage, Damage::LogDamaged(_) | Damage::LogBehind { .. } | Damage::LogMissing);
        let whole = works || matches!(&plan, Plan::Guarded(damage) if !log_lost(damage));
        let ours = match records_found {
            RecordsFound::Found { store, .. } => replay.told.store.is_none_or(|ours| ours == store),
            _ => false,
        };
        if let Some(records) = records.filter(|_| !whole && ours) {
            let told = &replay.told;
            harden(Shown { board: &told.board, roster: &told.roster, last: replay.last() }, &records);
        }
        Ok(Self { replay, position, whole, works })
    }

    fn restore(self, options: &Options<'_>, order: RestoreOrder<'_>) -> Result<RestoreReport, RestoreError> {
        let mut making = Making::begin(exchange::folder_of(options.data), is_kept, self.replay.last())?;
        let key = options.log_signer.public_key();
        let (_, trailer) = read(order.backup, SignedBy::Key(key), &mut making)?;
        making.check(&trailer.extent().ok_or(StreamError::Damaged)?)?;
        making.flush()?;
        if self.has_all_of(options, &making)? {
            self.onto_the_log(options, &order.since, making, &trailer)
        } else {
            vouched_for(&making.told, &order, &trailer)?;
            self.in_place_of_the_log(options, &order.since, making, &trailer)
        }
    }

    /// Whether the log in place has every event of the backup and vouches for the time since.
    fn has_all_of(&self, options: &Options<'_>, making: &Making) -> Result<bool, RestoreError> {
        let (last, backup) = (self.replay.last(), making.told.head());
        if self.replay.told.origin.is_some_and(|ours| making.told.origin != Some(ours)) {
            return Err(RestoreError::OtherStore);
        }
        if !self.whole || last == 0 {
            return Ok(false);
        }
        if last < backup.size {
            let forked = making.mark.1 != Some(self.replay.told.head().root);
            return if forked { Err(RestoreError::Forked(last)) } else { Ok(false) };
        }
        if root_of(&log::folder(options.data), backup.size) != Some(backup.root) {
            return Err(RestoreError::Forked(backup.size));
        }
        if self.works { Err(RestoreError::NothingLost { events: backup.size }) } else { Ok(true) }
    }

    /// The log stays, records come from the backup and learn what the log says behind it.
    fn onto_the_log(
        self,
        options: &Options<'_>,
        since: &[ListFound],
        mut making: Making,
        trailer: &Trailer,
    ) -> Result<RestoreReport, RestoreError> {
        let Self { replay, position, .. } = self;
        let log_folder = log::folder(options.data);
        let tail = events_behind(&log_folder, trailer.events, replay.last())?;
        let Followed { changes, cards_without_person, not_in_log } = follow(&making.records, &tail)?;
        making.records.apply(changes).map_err(TransferError::Database)?;
        let mut worse = Worse::default();
        compare_lists(&mut worse, &replay.told, since);
        let mut report = report(trailer, &replay.told, cards_without_person, not_in_log);
        report.redone = Some(tail.len() as u64);
        let events = learn(&making, worse, Vec::new(), &mut report, options)?;
        let last = replay.last().saturating_add(events.len() as u64);
        making.seal(Identity { store: report.store, sequence: last })?;
        // The log in place is the better one.
        fs::remove_dir_all(log::folder(&making.folder))?;
        drop(making);
        report.aside = exchange::exchange(options.data)?;
        append(options, position, replay.last(), events)?;
        report.good_tokens = replay.told.roster.entries().len() as u64;
        Ok(report)
    }

    /// The log comes from the backup as well. What the one in place still knows is said again.
    fn in_place_of_the_log(
        self,
        options: &Options<'_>,
        since: &[ListFound],
        mut making: Making,
        trailer: &Trailer,
    ) -> Result<RestoreReport, RestoreError> {
        let ours = &self.replay.told;
        let mut worse = Worse::default();
        compare_lists(&mut worse, &making.told, since);
        for (id, list) in ours.board.lists() {
            worse.compare(&making.told.board, id, |index| list.entry(index).map(|entry| entry.value));
        }
        // Of a token that was made before the log in place ends, that log knows whether it is good.
        let known = |token| making.tokens.get(&token).is_some_and(|event| *event <= ours.last());
        let good = making.told.roster.entries();
        let off = good.iter().map(|(_, token, _)| *token).filter(|token| known(*token) && !ours.roster.is_good(*token));
        let off: Vec<What> = off.map(|token| What::TokenSwitchedOff { token }).collect();
        let mut report = report(trailer, &making.told, Vec::new(), NotInLog::default());
        report.tokens_switched_off = off.len() as u64;
        let others = since.iter().map(|found| found.list).chain(ours.board.lists().into_iter().map(|(id, _)| id));
        let said = [off, fresh_lists(&making.told.board, others)].concat();
        let events = learn(&making, worse, said, &mut report, options)?;
        for frame in events.chunks(FRAME) {
            making.append(frame.to_vec())?;
        }
        making.seal(Identity { store: report.store, sequence: making.told.last() })?;
        report.good_tokens = making.told.roster.entries().len() as u64;
        let heads = log::folder(options.data).join("heads");
        if self.whole && heads.exists() {
            // They were signed over events that the backup has as well.
            fs::copy(heads, log::folder(&making.folder).join("heads"))?;
        }
        drop(making);
        report.aside = exchange::exchange(options.data)?;
        Ok(report)
    }
}

/// Rows that are believed after a restore. Offers, codes, nonces, sessions, grants and approvals may have been used up or
/// taken back since, so they are void.
fn is_kept(key: &[u8]) -> bool {
    let void = |key: &[u8]| key.first().is_some_and(|tag| encoding::VOID_AFTER_RESTORE.contains(tag));
    !void(key) && !encoding::indexed_key(key).is_some_and(|record| void(&record))
}

/// Whether something or somebody answers for the time since the backup.
fn vouched_for(told: &Told, order: &RestoreOrder<'_>, trailer: &Trailer) -> Result<(), RestoreError> {
    let backup_at = trailer.ended_at;
    match order.accept_loss_since {
        Some(since) if since <= backup_at => Ok(()),
        Some(_) => Err(RestoreError::AcceptedTooLate { backup_at }),
        None => {
            let (lists, newer) = (told.board.lists(), |found: &&ListFound| found.signed_at >= backup_at);
            let found = |id: ListId| order.since.iter().filter(newer).any(|found| found.list == id);
            let all = !lists.is_empty() && lists.iter().all(|(id, _)| found(*id));
            if all { Ok(()) } else { Err(RestoreError::LossNotAccepted { backup_at, events: trailer.events }) }
        }
    }
}

fn compare_lists(worse: &mut Worse, told: &Told, since: &[ListFound]) {
    for found in since {
        worse.compare(&told.board, found.list, |index| found.values.value(u64::from(index)));
    }
}

/// The root over the first `size` events of a log.
fn root_of(folder: &Path, size: u64) -> Option<[u8; 32]> {
    let (mut tree, mut reader) = (Frontier::new(), LogReader::open(folder).ok()?);
    while tree.size() < size {
        let (_, frame) = reader.next_frame().ok()??;
        let missing = usize::try_from(size - tree.size()).unwrap_or(usize::MAX);
        frame.events.iter().take(missing).for_each(|logged| tree.append(leaf_hash(&logged.commitment())));
    }
    Some(tree.root())
}

/// The events of a log behind number `from`, up to its last one.
fn events_behind(folder: &Path, from: u64, last: u64) -> Result<Vec<LoggedEvent>, RestoreError> {
    let mut reader = LogReader::open_near(folder, from.saturating_add(1)).map_err(OpenError::from)?;
    let mut events = Vec::new();
    while reader.next_event() <= last {
        let Some((_, frame)) = reader.next_frame().map_err(OpenError::from)? else { break };
        events.extend(frame.events.into_iter().filter(|logged| logged.event.number > from));
    }
    Ok(events)
}

fn report(trailer: &Trailer, told: &Told, cards_without_person: Vec<CardId>, not_in_log: NotInLog) -> RestoreReport {
    RestoreReport {
        backup: trailer.events,
        backup_at: trailer.ended_at,
        redone: None,
        store: successor(told),
        aside: None,
        found: 0,
        tokens_switched_off: 0,
        good_tokens: 0,
        cards_without_person,
        not_in_log,
    }
}

/// Brings what was found into the records; gives the events that say so, the last of which tells of the restore.
fn learn(
    making: &Making,
    worse: Worse,
    mut said: Vec<What>,
    report: &mut RestoreReport,
    options: &Options<'_>,
) -> Result<Vec<LoggedEvent>, RestoreError> {
    let now = options.clock.now();
    let reapplied = worse.reapply(&making.records, now)?;
    making.records.apply(reapplied.changes).map_err(TransferError::Database)?;
    report.found = reapplied.found;
    said.splice(0..0, reapplied.events);
    let (store, backup, found) = (report.store, report.backup, report.found);
    let cards_without_person = report.cards_without_person.len() as u64;
    said.push(What::StoreRestored { store, backup, found, cards_without_person });
    let last = report.backup.saturating_add(report.redone.unwrap_or_default());
    let numbered = (last.saturating_add(1)..).zip(said);
    let events = numbered.map(|(number, what)| Event { number, at: now, actor: Actor::Service, what });
    Ok(events.map(|event| LoggedEvent { event, salt: options.random.array() }).collect())
}

fn append(options: &Options<'_>, at: Option<Position>, last: u64, events: Vec<LoggedEvent>) -> Result<(), RestoreError> {
    let faults = Arc::clone(&options.faults);
    let mut log = LogWriter::open(&log::folder(options.data), at, options.segment_bytes, faults)?;
    for events in events.chunks(FRAME) {
        let applied = events.first().map_or(last, |logged| logged.event.number - 1);
        let frame = Frame { applied, events: events.to_vec() };
        log.append(&frame).map_err(|error| OpenError::NotMade(error.to_string()))?;
    }
    Ok(())
}

//! Makes new records from the log: what `yufu repair` does once a start was guarded.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    crypto::sha256,
    model::{
        event::{Event, LoggedEvent, What},
        ids::{CardId, StoreId},
        party::Actor,
        record::Record,
    },
    store::{
        Damage, ReadError,
        log::{self, Frame, LogLock, LogReader, LogWriter, Position, create_folder, sync_folder},
        rows::{
            Change,
            encoding::{self, IDENTITY, Identity},
        },
        sled::{
            findings::{Findings, find},
            folder,
            options::{OpenError, Options},
            rebuild::Rebuild,
            records::{NotOpened, Records},
            replay::Replay,
            start::{Plan, RecordsFound},
        },
        told::Told,
    },
};

/// Records written in one batch.
const BATCH: usize = 1_000;

/// What a repair did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RepairReport {
    /// What was wrong.
    pub damage: Damage,
    /// The new records' store.
    pub store: StoreId,
    /// Where the old records are now; none when there were none.
    pub quarantine: Option<PathBuf>,
    /// Cards in the new records.
    pub cards: u64,
    /// People in the new records: those that the old ones still gave.
    pub people: u64,
    /// Cards whose person only a backup can bring back.
    pub cards_without_person: Vec<CardId>,
}

/// Why nothing was repaired. Nothing was changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RepairError {
    /// The store opens as it is.
    #[error("there is nothing to repair")]
    NotNeeded,
    /// The log has lost events, so it cannot say what is revoked. The first one is named.
    #[error("the log has lost event {0} and perhaps later ones; only a backup of the log can bring them back")]
    LogLost(u64),
    /// The data folder cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl From<io::Error> for RepairError {
    fn from(error: io::Error) -> Self {
        Self::Open(error.into())
    }
}

/// Makes new records from the log and whatever the old ones still give, and puts the old ones aside. A crash on the
/// way leaves a store that opens guarded and can be repaired again.
pub fn repair(options: &Options<'_>) -> Result<RepairReport, RepairError> {
    let log_folder = log::folder(options.data);
    create_folder(&log_folder)?;
    let _lock = LogLock::take(&log_folder).map_err(OpenError::from)?;
    let Findings { replay, position, records_found, records, plan } = find(options)?;
    let damage = match plan {
        Plan::Guarded(Damage::LogDamaged(event)) => return Err(RepairError::LogLost(event)),
        Plan::Guarded(Damage::LogBehind { log, .. }) => return Err(RepairError::LogLost(log + 1)),
        Plan::Guarded(Damage::LogMissing) => return Err(RepairError::LogLost(1)),
        Plan::Guarded(damage) => damage,
        Plan::Create | Plan::FinishCreation | Plan::Normal | Plan::Redo(_) => return Err(RepairError::NotNeeded),
    };

    let mut rebuild = from_log(&log_folder)?;
    let successor = successor(&replay.told);
    let believed = [replay.told.store, Some(successor)];
    let ours = matches!(&records_found, RecordsFound::Found { store, .. } if believed.contains(&Some(*store)));
    if let Some(old) = records.filter(|_| ours) {
        rebuild.complete(&old);
    }
    let identity = Identity { store: successor, sequence: replay.last().saturating_add(1) };
    let cards_without_person = rebuild.without_person();
    let (cards, people) = rebuild.counts();
    let aside = options.data.join("store.new");
    write(&aside, rebuild, identity)?;
    let quarantine = exchange(options.data, &aside)?;
    let what = What::StoreRepaired { store: identity.store, cards_without_person: cards_without_person.len() as u64 };
    announce(options, &replay, position, what)?;
    Ok(RepairReport { damage, store: identity.store, quarantine, cards, people, cards_without_person })
}

/// Who the records are that a repair of this log makes. It follows from the log, so that a repair that was interrupted
/// before the log named its records knows them for its own, and takes over people and settings once more.
pub(super) fn successor(told: &Told) -> StoreId {
    let mut id = [0; 16];
    let of = told.store.map_or([0; 16], |store| *store.as_bytes());
    let hash = sha256([b"yufu-repair-v1".as_slice(), &of, &told.frontier.root()].concat());
    id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    StoreId::from_bytes(id)
}

fn from_log(folder: &Path) -> Result<Rebuild, RepairError> {
    let mut void = BTreeSet::new();
    each_event(folder, |event| {
        if let What::IssueVoided { event, .. } = event.what {
            void.insert(event);
        }
    })?;
    let mut rebuild = Rebuild::without(void);
    each_event(folder, |event| rebuild.take(event))?;
    Ok(rebuild)
}

fn each_event(folder: &Path, mut take: impl FnMut(&Event)) -> Result<(), RepairError> {
    let mut reader = LogReader::open(folder).map_err(OpenError::from)?;
    // A torn end was judged by the start rules already: it is no part of the log.
    while let Ok(Some((_, frame))) = reader.next_frame() {
        frame.events.iter().for_each(|logged| take(&logged.event));
    }
    Ok(())
}

fn write(aside: &Path, rebuild: Rebuild, identity: Identity) -> Result<(), RepairError> {
    if aside.exists() {
        // What an earlier repair left behind when it was interrupted.
        fs::remove_dir_all(aside)?;
    }
    let not_made = |why: String| RepairError::Open(OpenError::NotMade(why));
    let new = Records::open(aside).map_err(|error| match error {
        NotOpened::InUse => RepairError::Open(OpenError::InUse),
        NotOpened::Unreadable(why) => not_made(why),
    })?;
    let mut rows: Vec<Change> = vec![(IDENTITY.to_vec(), Some(identity.encode()))];
    let apply = |rows: &mut Vec<Change>, most: usize| match rows.len() > most {
        true => new.apply(rows.drain(..)),
        false => Ok(()),
    };
    for record in rebuild.into_records() {
        rows.extend(row(&record).map_err(|error| not_made(error.to_string()))?);
        apply(&mut rows, BATCH).map_err(not_made)?;
    }
    apply(&mut rows, 0).and_then(|()| new.sync()).map_err(not_made)
}

fn row(record: &Record) -> Result<impl Iterator<Item = Change> + use<>, ReadError> {
    let value = encoding::encode(1, record)?;
    let indexes = encoding::index_keys(record).into_iter().map(|index| (index, Some(Vec::new())));
    Ok([(encoding::key_bytes(&record.key()), Some(value))].into_iter().chain(indexes))
}

/// Puts the old records into quarantine and the new ones in their place.
fn exchange(data: &Path, new: &Path) -> io::Result<Option<PathBuf>> {
    let old = folder(data);
    let free = (1_u32..).map(|n| data.join(format!("store.damaged-{n}"))).find(|path| !path.exists());
    let quarantine = free.filter(|_| old.exists());
    if let Some(quarantine) = &quarantine {
        fs::rename(&old, quarantine)?;
    }
    fs::rename(new, &old)?;
    sync_folder(data)?;
    Ok(quarantine)
}

fn announce(options: &Options<'_>, replay: &Replay, position: Option<Position>, what: What) -> Result<(), RepairError> {
    let number = replay.last().saturating_add(1);
    let event = Event { number, at: options.clock.now(), actor: Actor::Service, what };
    let frame = Frame { applied: replay.last(), events: vec![LoggedEvent { event, salt: options.random.array() }] };
    let faults = Arc::clone(&options.faults);
    let mut log = LogWriter::open(&log::folder(options.data), position, options.segment_bytes, faults)?;
    log.append(&frame).map_err(|error| OpenError::NotMade(error.to_string()))?;
    Ok(())
}

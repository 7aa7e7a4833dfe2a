//! What a data folder holds, before anything is done with it.

use std::{path::Path, thread, time::Duration};

use crate::store::{
    log::Position,
    rows::encoding::{Identity, NoIdentity},
    sled::{
        folder,
        options::{OpenError, Options},
        records::{NotOpened, Records},
        replay::{End, Replay},
        snapshot::{FoundLog, Skipped, read_log},
        start::{LogFound, Plan, RecordsFound, plan},
    },
};

/// How often, and how long between, records that are in use are tried again: two seconds in all.
const LEFT_OVER_LOOKS: usize = 40;
const LEFT_OVER_LOOK: Duration = Duration::from_millis(50);

/// The log of a data folder.
pub(super) struct Log {
    pub(super) replay: Replay,
    /// What the start rules look at.
    pub(super) found: LogFound,
    /// Its end.
    pub(super) position: Option<Position>,
    pub(super) skipped: Option<Skipped>,
}

/// What a data folder holds, and what is to be done with it.
pub(super) struct Findings {
    pub(super) replay: Replay,
    /// The end of the log.
    pub(super) position: Option<Position>,
    pub(super) records_found: RecordsFound,
    pub(super) records: Option<Records>,
    pub(super) plan: Plan,
}

/// Looks at log and records, at all of either. The lock is held.
pub(super) fn find(options: &Options<'_>) -> Result<Findings, OpenError> {
    let Log { replay, found, position, .. } = find_log(options, false)?;
    let (records_found, records) = find_records(options.data)?;
    let plan = plan(&records_found, &found);
    Ok(Findings { replay, position, records_found, records, plan })
}

/// Reads the log: the whole of it, unless it may be read `from_snapshot` on. The lock is held.
pub(super) fn find_log(options: &Options<'_>, from_snapshot: bool) -> Result<Log, OpenError> {
    let log = read_log(options.data, options.log_signer.public_key(), options.attested, from_snapshot)?;
    let FoundLog { replay, end, position, attested, skipped } = log;
    let attested = attested.max(options.attested.map_or(0, |head| head.size));
    // Which of the events was changed, the head does not tell.
    let end = if replay.told.is_forked { End::Damaged(1) } else { end };
    let found = LogFound { store: replay.told.store, last: replay.last(), applied: replay.applied, end, attested };
    Ok(Log { replay, found, position, skipped })
}

/// Opens the records that are there, if any, and says what they say of themselves.
pub(super) fn find_records(data: &Path) -> Result<(RecordsFound, Option<Records>), OpenError> {
    if !folder(data).exists() {
        return Ok((RecordsFound::Absent, None));
    }
    // The lock of the log is ours, so only threads of sled in this process can still hold that of the records: those of an
    // opening that failed end a little later than it.
    let opened = (0..LEFT_OVER_LOOKS).find_map(|_| match Records::open(&folder(data)) {
        Err(NotOpened::InUse) => {
            thread::sleep(LEFT_OVER_LOOK);
            None
        }
        opened => Some(opened),
    });
    let records = match opened.unwrap_or(Err(NotOpened::InUse)) {
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

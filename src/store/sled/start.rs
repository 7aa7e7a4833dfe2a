//! The start rules: what is done with the records and the log that are found.

use crate::{
    model::ids::StoreId,
    store::{Damage, sled::replay::End},
};

/// The records as they were found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum RecordsFound {
    /// There is no folder.
    Absent,
    /// They open, but nothing says whose they are.
    Empty,
    /// They do not open, or say nothing that can be read.
    Unreadable(String),
    /// They open.
    Found {
        /// Whose they are.
        store: StoreId,
        /// Their last event.
        sequence: u64,
    },
}

/// The log as it was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct LogFound {
    /// Whose it is; none in an empty log.
    pub(super) store: Option<StoreId>,
    /// Its last event; 0 in an empty log.
    pub(super) last: u64,
    /// The last event it knows to be synced in the records.
    pub(super) applied: u64,
    /// How it ended.
    pub(super) end: End,
    /// The highest event that a signed snapshot or a signed head knows to have been in it.
    pub(super) attested: u64,
}

/// What is done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Plan {
    /// Nothing is there: a new log and new records are made.
    Create,
    /// The first start ended between log and records: the records are made.
    FinishCreation,
    /// Log and records agree.
    Normal,
    /// The log is ahead by commits nobody was told of: events from this one on are redone or made void.
    Redo(u64),
    /// Acknowledged data were lost.
    Guarded(Damage),
}

/// The start rules.
pub(super) fn plan(records: &RecordsFound, log: &LogFound) -> Plan {
    if let End::Damaged(event) = log.end {
        return Plan::Guarded(Damage::LogDamaged(event));
    }
    if log.last == 0 {
        return match records {
            RecordsFound::Absent if log.attested == 0 => Plan::Create,
            _ => Plan::Guarded(Damage::LogMissing),
        };
    }
    if log.attested > log.last {
        return Plan::Guarded(Damage::LogBehind { records: log.attested, log: log.last });
    }
    match records {
        // The first frame is the only one that knows of nothing in the records.
        RecordsFound::Absent | RecordsFound::Empty if log.applied == 0 => Plan::FinishCreation,
        RecordsFound::Absent | RecordsFound::Empty => Plan::Guarded(Damage::RecordsEmpty),
        RecordsFound::Unreadable(why) => Plan::Guarded(Damage::RecordsUnreadable(why.clone())),
        RecordsFound::Found { store, .. } if Some(*store) != log.store => Plan::Guarded(Damage::ForeignRecords),
        RecordsFound::Found { sequence, .. } if *sequence == log.last => Plan::Normal,
        RecordsFound::Found { sequence, .. } if *sequence > log.last => {
            Plan::Guarded(Damage::LogBehind { records: *sequence, log: log.last })
        }
        RecordsFound::Found { sequence, .. } if *sequence < log.applied => {
            Plan::Guarded(Damage::RecordsBehind { records: *sequence, applied: log.applied })
        }
        RecordsFound::Found { sequence, .. } => Plan::Redo(sequence + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: StoreId = StoreId::from_bytes([1; 16]);
    const OTHER: StoreId = StoreId::from_bytes([2; 16]);

    fn found(store: StoreId, sequence: u64) -> RecordsFound {
        RecordsFound::Found { store, sequence }
    }

    fn log(applied: u64, last: u64) -> LogFound {
        LogFound { store: (last > 0).then_some(OURS), last, applied, end: End::Whole, attested: 0 }
    }

    #[test]
    fn each_finding_has_its_plan() {
        use RecordsFound::{Absent, Empty, Unreadable};
        let unreadable = || Unreadable("why".to_owned());
        let guarded = Plan::Guarded;
        let rows = [
            (Absent, log(0, 0), Plan::Create),
            (Absent, LogFound { end: End::Torn, ..log(0, 0) }, Plan::Create),
            (Absent, LogFound { attested: 1, ..log(0, 0) }, guarded(Damage::LogMissing)),
            (Empty, log(0, 0), guarded(Damage::LogMissing)),
            (unreadable(), log(0, 0), guarded(Damage::LogMissing)),
            (found(OURS, 1), log(0, 0), guarded(Damage::LogMissing)),
            (Absent, log(0, 1), Plan::FinishCreation),
            (Empty, log(0, 1), Plan::FinishCreation),
            (Absent, log(1, 2), guarded(Damage::RecordsEmpty)),
            (Empty, log(1, 2), guarded(Damage::RecordsEmpty)),
            (unreadable(), log(4, 5), guarded(Damage::RecordsUnreadable("why".to_owned()))),
            (found(OURS, 5), log(4, 5), Plan::Normal),
            (found(OURS, 5), LogFound { end: End::Torn, ..log(4, 5) }, Plan::Normal),
            (found(OURS, 4), log(4, 7), Plan::Redo(5)),
            (found(OURS, 6), log(4, 7), Plan::Redo(7)),
            (found(OURS, 3), log(4, 7), guarded(Damage::RecordsBehind { records: 3, applied: 4 })),
            (found(OURS, 0), log(1, 2), guarded(Damage::RecordsBehind { records: 0, applied: 1 })),
            (found(OURS, 8), log(4, 7), guarded(Damage::LogBehind { records: 8, log: 7 })),
            // The last frame is torn, but the records hold its events: it was acknowledged, so it is not a crash.
            (found(OURS, 8), LogFound { end: End::Torn, ..log(4, 7) }, guarded(Damage::LogBehind { records: 8, log: 7 })),
            (found(OTHER, 7), log(4, 7), guarded(Damage::ForeignRecords)),
            (found(OTHER, 9), log(4, 7), guarded(Damage::ForeignRecords)),
            (found(OURS, 7), LogFound { end: End::Damaged(3), ..log(1, 2) }, guarded(Damage::LogDamaged(3))),
            (found(OURS, 7), LogFound { attested: 9, ..log(4, 7) }, guarded(Damage::LogBehind { records: 9, log: 7 })),
            (found(OURS, 7), LogFound { attested: 7, ..log(4, 7) }, Plan::Normal),
        ];
        for (records, log, expected) in rows {
            assert_eq!(plan(&records, &log), expected, "{records:?} beside {log:?}");
        }
    }
}

//! Opens the store: reads the log, which is quick, and has the records opened by a thread, which may not be.

use std::{
    sync::{
        Arc, Mutex, OnceLock,
        mpsc::{RecvTimeoutError, sync_channel},
    },
    thread,
    time::Duration,
};

use crate::store::{
    Mode,
    log::{self, LogLock, create_folder},
    sled::{
        SledStore,
        findings::{Log, find_log},
        moved,
        opening::Opening,
        options::{OpenError, Options},
        replay::End,
        shared::Shared,
    },
};

/// See [`SledStore::open`].
pub(super) fn open(options: Options<'_>) -> Result<SledStore, OpenError> {
    let log_folder = log::folder(options.data);
    create_folder(options.data)?;
    create_folder(&log_folder)?;
    let lock = Arc::new(LogLock::take(&log_folder)?);
    moved::check(options.data)?;
    let Log { replay, found, position, skipped } = find_log(&options, true)?;
    if found.end != End::Whole {
        // Perhaps the records know of what was cut off. Until they are asked, nothing that reads valid is.
        replay.told.board.mark_incomplete();
    }
    let checked = if skipped.is_some() { 0 } else { replay.last() };
    let origin = replay.told.origin;
    let (shared, frontier) = Shared::new(replay, log_folder, Mode::Opening, checked);
    let shared = Arc::new(shared);
    let patience = if found.last <= options.few { Duration::MAX } else { options.patience };
    let opening = Opening {
        data: options.data.to_owned(),
        index_key: options.index_key,
        log_signer: options.log_signer,
        clock: options.clock,
        random: options.random,
        queue: options.queue,
        group: options.group.max(1),
        gather: options.gather,
        segment_bytes: options.segment_bytes,
        list_capacity: options.list_capacity,
        snapshot_every: options.snapshot_every.max(1),
        faults: options.faults,
        shared: Arc::clone(&shared),
        frontier,
        found,
        origin,
        position,
        skipped,
        lock: Arc::clone(&lock),
    };
    let (report, opened) = sync_channel(1);
    let thread = thread::Builder::new().name("store-opening".to_owned()).spawn(move || opening.run(&report))?;
    match opened.recv_timeout(patience) {
        Ok(result) => {
            // It has only its last word left to say: in which mode the store is.
            let _ = thread.join();
            Ok(SledStore { shared, opened: OnceLock::from(result?), opening: Mutex::new(opened), _lock: lock })
        }
        Err(RecvTimeoutError::Timeout) => {
            Ok(SledStore { shared, opened: OnceLock::new(), opening: Mutex::new(opened), _lock: lock })
        }
        Err(RecvTimeoutError::Disconnected) => Err(OpenError::NotMade("opening them ended unexpectedly".to_owned())),
    }
}

//! The thread that re-checks the events behind a snapshot, writes new snapshots, and brings to the disk how far this
//! node has seen.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use crate::{
    crypto::Signer,
    format::merkle::{Frontier, leaf_hash},
    store::{
        Damage, Mode, TreeHead,
        postgres::{read::Reader, shared::Shared},
        snapshot,
    },
};

/// How often it looks whether something is due.
const LOOK: Duration = Duration::from_secs(1);
/// Events re-checked between two looks: a page takes some milliseconds of the database, so that the check of a long log
/// takes minutes and not all of the database.
const CHECKED_AT_ONCE: usize = 20_000;

pub(super) struct Keeper {
    pub(super) shared: Arc<Shared>,
    pub(super) reader: Arc<Reader>,
    pub(super) data: PathBuf,
    pub(super) signer: Arc<dyn Signer>,
    /// Events between two snapshots.
    pub(super) every: u64,
    /// What the start took from a snapshot.
    pub(super) skipped: Option<TreeHead>,
}

impl Keeper {
    /// Works until the other end of `stop` is dropped.
    pub(super) fn run(self, stop: &Receiver<()>) {
        let (mut checked, mut written) = (Frontier::new(), self.skipped.map_or(0, |skipped| skipped.size));
        loop {
            self.shared.sync_high_water();
            if self.shared.mode() == Mode::Normal {
                self.check(&mut checked, stop);
                written = self.snapshot(written);
            }
            if stop.recv_timeout(LOOK) != Err(RecvTimeoutError::Timeout) {
                self.shared.sync_high_water();
                return;
            }
        }
    }

    /// Writes a snapshot when one is due; gives the last event of the newest one.
    fn snapshot(&self, written: u64) -> u64 {
        if self.shared.head().size.saturating_sub(written) < self.every {
            return written;
        }
        let (told, place) = self.shared.copy();
        // A full disk must not stop the store; the next one is tried when it is due.
        if let Err(error) = snapshot::write(&self.data, &told, place, self.signer.as_ref()) {
            tracing::warn!(%error, "a snapshot of the status lists could not be written");
        }
        told.last()
    }

    /// Goes on with the check of what the start took from a snapshot.
    fn check(&self, checked: &mut Frontier, stop: &Receiver<()>) {
        let Some(skipped) = self.skipped.filter(|skipped| checked.size() < skipped.size) else { return };
        let enough = checked.size().saturating_add(CHECKED_AT_ONCE as u64).min(skipped.size);
        while checked.size() < enough && stop.try_recv().is_err_and(|error| error == std::sync::mpsc::TryRecvError::Empty) {
            let left = usize::try_from(enough - checked.size()).unwrap_or(CHECKED_AT_ONCE);
            match self.reader.events(checked.size().saturating_add(1), left.min(1_000)) {
                Ok(events) => events.iter().for_each(|logged| checked.append(leaf_hash(&logged.commitment()))),
                Err(crate::store::ReadError::Damaged(_)) => {
                    return self.shared.guard(Damage::LogDamaged(checked.size().saturating_add(1)));
                }
                Err(_) => return,
            }
            self.shared.checked(checked.size());
        }
        if checked.size() == skipped.size {
            if checked.root() != skipped.root {
                return self.shared.guard(Damage::DatabaseForked(skipped.size));
            }
            // From here on every event was read by this process.
            self.shared.checked(self.shared.head().size);
        }
    }
}

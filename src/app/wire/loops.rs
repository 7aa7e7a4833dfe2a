//! What runs behind the service: lists are published, suspensions end, what is past its time is removed.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    app::wire::{StartError, clock_watch},
    http::State,
    issuance::test_issuer::TestIssuer,
    model::record::{Commit, Guard, Query, Write},
    revocation::schedule as ends,
    store::{Mode, Store},
    verification::evidence::Destroyed,
};

/// How often the end of suspensions is looked for: a promise of a date, kept to the second or two.
const SCHEDULE: Duration = Duration::from_secs(1);

/// How many rounds of [`SCHEDULE`] pass between two clearings.
const CLEARING: u32 = 60;

/// The lease of the node that does what one has to do.
const LEASE: &str = "housekeeping";

/// Three rounds: a node that is gone is followed by another in seconds.
const LEASE_LASTS: Duration = Duration::from_secs(3);

/// Records removed in one commit.
const REMOVED_AT_ONCE: usize = 200;

/// The threads behind a service.
pub(super) struct Loops {
    stop: Arc<AtomicBool>,
    bell: Option<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Loops {
    /// Starts them.
    pub(super) fn start(state: &Arc<State>) -> Result<Self, StartError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (bell, rung) = mpsc::channel();
        let mut loops = Self { stop: Arc::clone(&stop), bell: Some(bell), threads: Vec::new() };
        let publishing = Arc::clone(state);
        loops.spawn("publication", move || publishing.publisher.run(&*publishing.store, &*publishing.clock, &stop))?;
        let (sealing, stop) = (Arc::clone(state), Arc::clone(&loops.stop));
        loops.spawn("seal", move || sealing.seal.run(&*sealing.store, &stop))?;
        let keeping = Arc::clone(state);
        loops.spawn("housekeeping", move || {
            let mut round = 0_u32;
            // The bell is never rung, only taken away.
            while rung.recv_timeout(SCHEDULE) == Err(RecvTimeoutError::Timeout) {
                clock_watch::look(&keeping);
                let leads = leads(&*keeping.store);
                if leads {
                    schedule(&keeping);
                    restore_test_codes(&keeping);
                }
                keeping.presentations.sweep();
                keeping.metrics.upkeep();
                keeping.limits.upkeep();
                if leads && round.is_multiple_of(CLEARING) {
                    prune(&keeping);
                    destroy_evidence(&keeping);
                }
                round = round.wrapping_add(1);
            }
        })?;
        Ok(loops)
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), StartError> {
        let thread: io::Result<_> = thread::Builder::new().name(name.to_owned()).spawn(run);
        self.threads.push(thread.map_err(StartError::Server)?);
        Ok(())
    }

    /// Starts another one, which ends when it is told to.
    pub(super) fn also(&mut self, name: &str, run: impl FnOnce(&AtomicBool) + Send + 'static) -> Result<(), StartError> {
        let stop = Arc::clone(&self.stop);
        self.spawn(name, move || run(&stop))
    }

    /// Ends them and waits for it.
    pub(super) fn stop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.bell = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a background loop had panicked");
            }
        }
    }
}

impl Drop for Loops {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether this node does what one of all nodes has to do. That it is one only saves work: what is done twice at once fails
/// on the guards of its commits.
fn leads(store: &dyn Store) -> bool {
    store.together().is_none_or(|together| together.lease(LEASE, LEASE_LASTS).unwrap_or(false))
}

/// Ends the suspensions whose end has come.
pub(super) fn schedule(state: &State) {
    if state.store.health().mode != Mode::Normal {
        return;
    }
    match ends::run_due(&state.lifecycle, state.clock.now()) {
        Ok(run) if run.reinstated == 0 && run.failed.is_empty() && run.without_order.is_empty() => {}
        Ok(run) => tracing::info!(
            reinstated = run.reinstated,
            failed = run.failed.len(),
            without_order = run.without_order.len(),
            "suspensions ended"
        ),
        Err(error) => tracing::error!(%error, "suspensions that are over could not be looked for"),
    }
}

/// Makes the codes of the test issuer's people good again.
pub(super) fn restore_test_codes(state: &State) {
    if state.store.health().mode != Mode::Normal {
        return;
    }
    if let Some(Err(error)) = state.test_issuer.as_ref().map(TestIssuer::restore) {
        tracing::error!(%error, "a code of the test issuer could not be made good again");
    }
}

/// Destroys the evidence whose time is over.
pub(super) fn destroy_evidence(state: &State) {
    if state.store.health().mode != Mode::Normal {
        return;
    }
    match state.evidence.destroy_due() {
        Ok(destroyed) if destroyed == Destroyed::default() => {}
        Ok(Destroyed { keys, records }) => tracing::info!(keys, records, "evidence destroyed"),
        Err(error) => tracing::error!(%error, "evidence whose time is over could not be destroyed"),
    }
}

/// Removes offers and one-time values that are past their time.
pub(super) fn prune(state: &State) {
    if state.store.health().mode != Mode::Normal {
        return;
    }
    let now = state.clock.now();
    loop {
        let page = match state.store.find(&Query::Expired(now), None, REMOVED_AT_ONCE) {
            Ok(page) => page,
            Err(error) => return tracing::error!(%error, "what is past its time could not be looked for"),
        };
        if page.records.is_empty() {
            return;
        }
        // What was written to meanwhile, such as an offer that was redeemed just in time, is left alone by its guard.
        let removed = page.records.iter().filter(|record| {
            let key = record.value.key();
            let guards = vec![Guard::Version(key.clone(), record.version)];
            state.store.commit(Commit { guards, writes: vec![Write::Remove(key)], ..Commit::default() }).is_ok()
        });
        if removed.count() == 0 {
            return;
        }
    }
}

//! The status lists of other issuers: fetched when a credential that passed names one, verified, kept for their time.
//!
//! What is asked of an issuer does not show who passes a gate: one request a list and time to live, whoever presents how
//! many of its credentials, for the whole list and with nothing of a credential in it.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{
    list_cache::{Key, ListCache, Now, Turn},
    lists::{find, read},
    lookup::{Finding, Wanted},
    trust::{Trust, host_of},
};
use crate::{
    base::{
        clock::{Clock, SystemClock},
        limits::{FOREIGN_FETCH_SECONDS, FOREIGN_WAITING, STATUS_LIST_TOKEN_BYTES},
        time::Timestamp,
    },
    format::status::Verified,
    outbound::{FetchForeign, ForeignRequest},
};

/// The media type of a status list token (draft-ietf-oauth-status-list section 8.1).
const MEDIA_TYPE: &str = "application/statuslist+jwt";

/// Said when the wait was too long, or too many wait already.
const STILL_FETCHED: &str = "the status list is still being fetched";

/// Others' lists.
pub struct ForeignLists {
    fetch: Arc<dyn FetchForeign>,
    clock: Arc<dyn Clock>,
    /// Whoever waits for a fetch waits in real time, also where a test sets the clock.
    elapsed: SystemClock,
    cache: Mutex<ListCache>,
    changed: Condvar,
    waiting: AtomicUsize,
}

impl ForeignLists {
    /// No lists yet.
    pub fn new(fetch: Arc<dyn FetchForeign>, clock: Arc<dyn Clock>) -> Self {
        let (cache, changed, waiting) = (Mutex::default(), Condvar::new(), AtomicUsize::new(0));
        Self { fetch, clock, elapsed: SystemClock::new(), cache, changed, waiting }
    }

    /// What the list that `wanted` names says. Waits at most [`FOREIGN_FETCH_SECONDS`]; of callers who want one list at
    /// once, one fetches it.
    pub fn look_up(&self, wanted: &Wanted, trust: &Trust) -> Finding {
        let host = host_of(&wanted.reference.uri).unwrap_or_default();
        if !trust.may_keep_lists_on(host, &wanted.issuer, wanted.authority) {
            return unavailable("the status list is on a host where the issuer may not keep lists");
        }
        let key = Key::of(wanted);
        match self.join(key) {
            Joined::Have(list) => find(&list, wanted.reference.index),
            Joined::GoWithout(why) => Finding::Unavailable(why),
            Joined::Fetching(flight) => match flight.fetch(wanted, trust) {
                Ok(list) => find(&list, wanted.reference.index),
                Err(why) => Finding::Unavailable(why),
            },
        }
    }

    /// Takes the list at hand, waits for the one who fetches it, or becomes that one.
    fn join(&self, key: Key) -> Joined<'_> {
        let end = self.elapsed.monotonic() + Duration::from_secs(FOREIGN_FETCH_SECONDS);
        let mut place = None;
        let mut cache = self.lock();
        loop {
            match cache.turn(key, self.now()) {
                Turn::Use(list) => return Joined::Have(list),
                Turn::GoWithout(why) => return Joined::GoWithout(why),
                Turn::Fetch { newest_seen } => return Joined::Fetching(Flight { lists: self, key, newest_seen, over: false }),
                Turn::Wait => {}
            }
            place = place.or_else(|| Place::take(&self.waiting));
            let left = end.saturating_sub(self.elapsed.monotonic());
            if place.is_none() || left.is_zero() {
                let at_hand = cache.at_hand(key, self.now());
                return at_hand.map_or_else(|| Joined::GoWithout(STILL_FETCHED.to_owned()), Joined::Have);
            }
            (cache, _) = self.changed.wait_timeout(cache, left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn now(&self) -> Now {
        Now { wall: self.clock.now(), monotonic: self.clock.monotonic() }
    }

    fn lock(&self) -> MutexGuard<'_, ListCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Joined<'a> {
    Have(Arc<Verified>),
    GoWithout(String),
    Fetching(Flight<'a>),
}

/// The one fetch of a list that is under way. Whatever becomes of it, those who wait are told.
struct Flight<'a> {
    lists: &'a ForeignLists,
    key: Key,
    newest_seen: Option<Timestamp>,
    over: bool,
}

impl Flight<'_> {
    fn fetch(mut self, wanted: &Wanted, trust: &Trust) -> Result<Arc<Verified>, String> {
        let outcome = self.get(wanted, trust);
        let now = self.lists.now();
        let mut cache = self.lists.lock();
        let list = match outcome {
            Ok(list) => Ok(cache.landed(self.key, list, now)),
            Err(why) => {
                // The host of a list says nothing of a person; once a pause, however many pass the gate.
                tracing::warn!(
                    host = host_of(&wanted.reference.uri),
                    why,
                    "the status list of another issuer is not to be had"
                );
                cache.failed(self.key, &why, now).ok_or(why)
            }
        };
        self.over = true;
        drop(cache);
        self.lists.changed.notify_all();
        list
    }

    fn get(&self, wanted: &Wanted, trust: &Trust) -> Result<Verified, String> {
        let request = ForeignRequest {
            url: &wanted.reference.uri,
            media_type: MEDIA_TYPE,
            most_bytes: STATUS_LIST_TOKEN_BYTES,
            within: Duration::from_secs(FOREIGN_FETCH_SECONDS),
        };
        let body = self.lists.fetch.fetch(&request).map_err(|error| error.to_string())?;
        let token = std::str::from_utf8(&body).map_err(|_| "the status list is not text".to_owned())?;
        read(token, wanted, trust, self.lists.clock.now(), self.newest_seen).map_err(|refused| refused.to_string())
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.lists.lock().failed(self.key, "the fetch broke off", self.lists.now());
            self.lists.changed.notify_all();
        }
    }
}

/// One of the callers that may wait at once; given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::AcqRel) < FOREIGN_WAITING).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn unavailable(why: &str) -> Finding {
    Finding::Unavailable(why.to_owned())
}

#[cfg(test)]
mod tests {
    use std::{panic, sync::mpsc, thread};

    use super::*;
    use crate::{
        base::{clock::ManualClock, random::SeededRandom},
        crypto::Algorithm,
        format::status::StatusReference,
        keyring::Keyring,
        outbound::ForeignError,
    };

    const ISSUER: &str = "https://id.example";

    struct Doing<F>(F);

    impl<F: Fn() -> Result<Vec<u8>, ForeignError> + Send + Sync> FetchForeign for Doing<F> {
        fn fetch(&self, _: &ForeignRequest<'_>) -> Result<Vec<u8>, ForeignError> {
            self.0()
        }
    }

    fn lists(doing: impl Fn() -> Result<Vec<u8>, ForeignError> + Send + Sync + 'static) -> (ForeignLists, Wanted, Trust) {
        let clock = ManualClock::at(Timestamp::from_unix(1_795_500_000));
        let keyring = Keyring::in_memory(ISSUER, Algorithm::Es256, &clock, &SeededRandom::new(1)).expect("keys");
        let wanted = Wanted {
            reference: StatusReference { uri: format!("{ISSUER}/lists/1"), index: 0 },
            issuer: ISSUER.to_owned(),
            credential_type: "urn:x".to_owned(),
            authority: keyring.anchors()[0].authority(),
        };
        let trust = Trust::new(keyring.anchors().to_vec());
        (ForeignLists::new(Arc::new(Doing(doing)), Arc::new(clock)), wanted, trust)
    }

    #[test]
    fn a_fetch_that_breaks_off_leaves_nobody_waiting() {
        let (lists, wanted, trust) = lists(|| panic!("a fault"));
        let broken = panic::catch_unwind(panic::AssertUnwindSafe(|| lists.look_up(&wanted, &trust)));
        assert!(broken.is_err());
        assert_eq!(lists.look_up(&wanted, &trust), unavailable("the fetch broke off"));
    }

    #[test]
    fn of_those_who_come_at_once_one_fetches_and_so_many_wait() {
        let ((begun, begins), (go, gate)) = (mpsc::channel(), mpsc::channel::<()>());
        let gate = Mutex::new(gate);
        let (lists, wanted, trust) = lists(move || {
            begun.send(()).expect("somebody looks");
            let _ = gate.lock().expect("one fetch").recv();
            Err(ForeignError::NoAnswer)
        });
        let look_up = || lists.look_up(&wanted, &trust);
        thread::scope(|scope| {
            let first = scope.spawn(look_up);
            begins.recv().expect("it fetches");
            let waiting: Vec<_> = (0..FOREIGN_WAITING).map(|_| scope.spawn(look_up)).collect();
            while lists.waiting.load(Ordering::Acquire) < FOREIGN_WAITING {
                thread::yield_now();
            }
            // One more is not kept waiting.
            assert_eq!(look_up(), unavailable(STILL_FETCHED));
            drop(go);
            for one in waiting.into_iter().chain([first]) {
                assert_eq!(one.join().expect("no panic"), unavailable("the host does not answer"));
            }
        });
        assert_eq!(begins.try_recv(), Err(mpsc::TryRecvError::Empty), "nobody else fetched");
        assert_eq!(lists.waiting.load(Ordering::Acquire), 0);
    }
}

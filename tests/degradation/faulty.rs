//! A store that is slow, fails, hangs, or loses its answers when it is told to; and a key that hangs.

use std::{
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use yufu::{
    app::wire::Between,
    crypto::{PublicKey, SignError, Signer},
    http::call::Patience,
    model::{
        event::LoggedEvent,
        record::{Commit, Key, Query, Record, Versioned},
    },
    store::{
        Caution, CommitError, Health, Mode, Page, ReadError, Receipt, Store, TreeHead, roster::Roster,
        status_board::StatusBoard, watch::Watch,
    },
};

/// What is wrong with the store or the key.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It does not answer, and says so.
    Unavailable,
    /// It does not answer until the fault is taken away.
    Hangs,
    /// It does what it is told, and its answer is lost.
    AnswerLost,
}

/// Says what is wrong, from outside.
#[derive(Clone, Default)]
pub struct Faults(Arc<(Mutex<Told>, Condvar)>);

#[derive(Default)]
struct Told {
    store: Fault,
    key: Fault,
    lag: Duration,
    opening: bool,
    cautions: Vec<Caution>,
}

impl Faults {
    /// Callers that lose patience soon.
    pub const PATIENCE: Patience = Patience { seat: Duration::from_millis(200), answer: Duration::from_millis(400) };

    /// Puts faults between a service and its store and key.
    pub fn between(&self) -> Between {
        let (store, key) = (self.clone(), self.clone());
        Between {
            store: Box::new(move |inner| Arc::new(Faulty { inner, faults: store })),
            list_signer: Box::new(move |inner| Arc::new(FaultyKey { inner, faults: key })),
            patience: Self::PATIENCE,
            ..Between::default()
        }
    }

    fn told<T>(&self, change: impl FnOnce(&mut Told) -> T) -> T {
        let changed = change(&mut self.0.0.lock().expect("not poisoned"));
        self.0.1.notify_all();
        changed
    }

    pub fn store(&self, fault: Fault) {
        self.told(|told| told.store = fault);
    }

    pub fn key(&self, fault: Fault) {
        self.told(|told| told.key = fault);
    }

    pub fn lag(&self, lag: Duration) {
        self.told(|told| told.lag = lag);
    }

    pub fn opening(&self, opening: bool) {
        self.told(|told| told.opening = opening);
    }

    pub fn cautions(&self, cautions: &[Caution]) {
        self.told(|told| told.cautions = cautions.to_vec());
    }

    /// What is wrong with it, once it does not hang any more.
    fn waited(&self, of: fn(&Told) -> Fault) -> Fault {
        let told = self.0.0.lock().expect("not poisoned");
        of(&self.0.1.wait_while(told, |told| of(told) == Fault::Hangs).expect("not poisoned"))
    }

    fn read(&self) -> Result<(), ReadError> {
        match self.waited(|told| told.store) {
            Fault::Unavailable => Err(ReadError::Unavailable),
            _ => Ok(()),
        }
    }
}

struct Faulty {
    inner: Arc<dyn Store>,
    faults: Faults,
}

impl Store for Faulty {
    fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        match self.faults.waited(|told| told.store) {
            Fault::Unavailable => Err(CommitError::Unavailable),
            Fault::AnswerLost => self.inner.commit(commit).and(Err(CommitError::OutcomeUnknown)),
            Fault::None | Fault::Hangs => self.inner.commit(commit),
        }
    }

    fn get(&self, key: &Key) -> Result<Option<Versioned<Record>>, ReadError> {
        self.faults.read()?;
        self.inner.get(key)
    }

    fn find(&self, query: &Query, after: Option<&[u8]>, limit: usize) -> Result<Page, ReadError> {
        self.faults.read()?;
        self.inner.find(query, after, limit)
    }

    fn events(&self, from: u64, limit: usize) -> Result<Vec<LoggedEvent>, ReadError> {
        self.inner.events(from, limit)
    }

    fn head(&self) -> TreeHead {
        self.inner.head()
    }

    fn board(&self) -> &StatusBoard {
        self.inner.board()
    }

    fn roster(&self) -> &Roster {
        self.inner.roster()
    }

    fn watch(&self) -> &Watch {
        self.inner.watch()
    }

    fn health(&self) -> Health {
        let health = self.inner.health();
        self.faults.told(|told| Health {
            mode: if told.opening { Mode::Opening } else { health.mode },
            lag: told.lag,
            cautions: told.cautions.clone(),
            ..health
        })
    }

    fn lag(&self) -> Duration {
        self.faults.told(|told| told.lag)
    }
}

struct FaultyKey {
    inner: Arc<dyn Signer>,
    faults: Faults,
}

impl Signer for FaultyKey {
    fn public_key(&self) -> &PublicKey {
        self.inner.public_key()
    }

    fn key_id(&self) -> &str {
        self.inner.key_id()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match self.faults.waited(|told| told.key) {
            Fault::Unavailable => Err(SignError::Unavailable),
            _ => self.inner.sign(message),
        }
    }
}

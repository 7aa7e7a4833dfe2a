//! Evidence: the statement of a decision and the presentation it rests on, kept where the use case says so.
//!
//! It is sealed under the key of its last day, which lies outside the store and is destroyed when that day is over
//! ([`EvidenceKeys`]); from then on it does not open, whoever has old copies of whatever disk. It is found by its
//! identifier only: nothing in the record says whom it is about. That it was kept, opened and destroyed stands in the log.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    base::{
        base64url,
        clock::Clock,
        random::Random,
        time::{Date, Timestamp},
    },
    crypto::sealer::{self, SealError},
    keyring::{KeyringError, evidence::EvidenceKeys},
    model::{
        event::{EventDraft, What},
        ids::{EvidenceId, TokenId},
        party::{Actor, Authority, Capability, NotAllowed},
        record::{Commit, Evidence as Sealed, Guard, Key, Query, Record, Versioned, Write},
        statement::{EvidencePart, Statement},
    },
    store::{CommitError, ReadError, Store},
};

const DAY_SECONDS: i64 = 24 * 3600;

/// Records destroyed in one commit: each may hold a portrait.
const DESTROYED_AT_ONCE: usize = 20;

/// Keeps, opens and destroys evidence.
#[derive(Clone)]
pub struct Evidence {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    keys: EvidenceKeys,
}

/// What a use case says of the evidence of its decisions, and for whom it is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Keeping<'a> {
    /// The checkpoint that decided.
    pub checkpoint: TokenId,
    /// The use case.
    pub use_case: &'a str,
    /// For how many days.
    pub days: u16,
}

/// Opened evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Opened {
    /// Its identifier.
    pub id: EvidenceId,
    /// The checkpoint that decided.
    pub checkpoint: TokenId,
    /// The use case.
    pub use_case: String,
    /// When it was kept, in seconds of Unix time.
    pub kept_at: Timestamp,
    /// The last day on which it can be opened, in UTC.
    pub until: Date,
    /// What was decided, and what was disclosed.
    #[serde(flatten)]
    pub content: Content,
}

/// What is sealed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Content {
    /// The statement with its claims.
    pub statement: Statement,
    /// The presentation it rests on, as it came.
    pub presentation: Value,
}

/// Why evidence was not kept.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeepError {
    /// The clock stands outside the years 0 to 9999.
    #[error("there is no such day")]
    NoSuchDay,
    /// The key of its day cannot be read or made.
    #[error("the key of its day: {0}")]
    Key(#[from] KeyringError),
    /// It cannot be stored.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Why evidence was not opened. Nothing of it was shown.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OpenError {
    /// The role does not allow it.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is none of this name, or it is another checkpoint's: the same answer.
    #[error("there is no such evidence")]
    NotFound,
    /// Its time is over, or its key is gone before that.
    #[error("the evidence is destroyed")]
    Destroyed,
    /// The key of its day cannot be read.
    #[error("the key of its day: {0}")]
    Key(#[from] KeyringError),
    /// It was altered, or sealed under another key.
    #[error(transparent)]
    Sealed(#[from] SealError),
    /// What was sealed is not evidence.
    #[error("what was sealed is not evidence")]
    Malformed,
    /// The record cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// That it is opened cannot be written down.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Why evidence whose time is over was not destroyed. The next run goes on.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DestroyError {
    /// A key stays.
    #[error("a key stays: {0}")]
    Key(#[from] KeyringError),
    /// Records cannot be found.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Records cannot be removed; their keys are gone.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// What a run destroyed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Destroyed {
    /// Keys of days.
    pub keys: u32,
    /// Records.
    pub records: u32,
}

impl Evidence {
    /// Evidence in `store`, sealed under `keys`.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, random: Arc<dyn Random>, keys: EvidenceKeys) -> Self {
        Self { store, clock, random, keys }
    }

    /// Keeps a statement with the presentation it rests on, and says so in the statement: what is sealed names its own
    /// evidence. When nothing could be kept the statement says that instead; the decision stays as it is.
    pub fn keep(&self, keeping: Keeping<'_>, statement: &mut Statement, presentation: Value) -> Result<EvidenceId, KeepError> {
        let kept = self.try_keep(keeping, statement, presentation);
        if let Err(error) = &kept {
            let name = match error {
                KeepError::NoSuchDay | KeepError::Key(_) => "key_not_written",
                KeepError::Commit(CommitError::OutcomeUnknown) => "outcome_unknown",
                KeepError::Commit(_) => "store_not_written",
            };
            statement.evidence = Some(EvidencePart { id: None, kept_until: None, error: Some(name.to_owned()) });
        }
        kept
    }

    fn try_keep(&self, keeping: Keeping<'_>, statement: &mut Statement, presentation: Value) -> Result<EvidenceId, KeepError> {
        let now = self.clock.now();
        let until = now.plus_seconds(i64::from(keeping.days) * DAY_SECONDS).date().ok_or(KeepError::NoSuchDay)?;
        let key = self.keys.sealing_key(until, &*self.random)?;
        let id = EvidenceId::random(&*self.random);
        statement.evidence = Some(EvidencePart { id: Some(id), kept_until: Some(until), error: None });
        let content = Content { statement: statement.clone(), presentation };
        // Unwrap safety: texts, numbers, lists and maps with text keys always serialise.
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&content).unwrap_or_default());
        let sealed = base64url::encode(sealer::seal(&key, &context(id), &plain, &*self.random));
        let Keeping { checkpoint, use_case, .. } = keeping;
        let what = What::EvidenceKept { evidence: id, use_case: use_case.to_owned(), until };
        let record = Sealed { id, checkpoint, use_case: use_case.to_owned(), kept_at: now, until, sealed };
        self.store.commit(Commit {
            guards: vec![Guard::Absent(Key::Evidence(id))],
            writes: vec![Write::Put(Record::Evidence(record))],
            events: vec![EventDraft { at: now, actor: Actor::Operator { token: checkpoint }, what }],
            ..Commit::default()
        })?;
        Ok(id)
    }

    /// Opens evidence for the checkpoint it was kept for. Nothing is shown unless the log says that it was.
    pub fn open_own(&self, authority: &Authority, id: EvidenceId) -> Result<Opened, OpenError> {
        authority.require(Capability::Verify)?;
        self.open_if(authority, id, |record| matches!(authority, Authority::Operator(own) if own.token() == record.checkpoint))
    }

    /// Opens anybody's evidence for an auditor. Nothing is shown unless the log says that it was.
    pub fn open(&self, authority: &Authority, id: EvidenceId) -> Result<Opened, OpenError> {
        authority.require(Capability::ReadEvidence)?;
        self.open_if(authority, id, |_| true)
    }

    fn open_if(&self, authority: &Authority, id: EvidenceId, may: impl FnOnce(&Sealed) -> bool) -> Result<Opened, OpenError> {
        let Some(Versioned { value: Record::Evidence(record), .. }) = self.store.get(&Key::Evidence(id))? else {
            return Err(OpenError::NotFound);
        };
        if !may(&record) {
            return Err(OpenError::NotFound);
        }
        let now = self.clock.now();
        if now >= record.ends_at() {
            return Err(OpenError::Destroyed);
        }
        let key = self.keys.opening_key(record.until)?.ok_or(OpenError::Destroyed)?;
        let sealed = base64url::decode(&record.sealed).map_err(|_| OpenError::Malformed)?;
        let plain = sealer::open(&key, &context(id), &sealed)?;
        let content = serde_json::from_slice(plain.expose()).map_err(|_| OpenError::Malformed)?;
        let what = What::EvidenceOpened { evidence: id, use_case: record.use_case.clone() };
        let events = vec![EventDraft { at: now, actor: authority.actor(), what }];
        self.store.commit(Commit { events, ..Commit::default() })?;
        let Sealed { checkpoint, use_case, kept_at, until, .. } = record;
        Ok(Opened { id, checkpoint, use_case, kept_at, until, content })
    }

    /// Destroys what is past its day: the keys first, so that nothing opens whatever comes after, then the records.
    pub fn destroy_due(&self) -> Result<Destroyed, DestroyError> {
        let now = self.clock.now();
        let mut destroyed = Destroyed::default();
        if let Some(today) = now.date() {
            destroyed.keys = self.keys.destroy_before(today)?;
        }
        loop {
            let page = self.store.find(&Query::EvidenceEnded(now), None, DESTROYED_AT_ONCE)?;
            if page.records.is_empty() {
                return Ok(destroyed);
            }
            destroyed.records += u32::try_from(page.records.len()).unwrap_or(u32::MAX);
            self.store.commit(removal(page.records, now))?;
        }
    }
}

/// Removes evidence as it was found, and says so.
fn removal(found: Vec<Versioned<Record>>, at: Timestamp) -> Commit {
    let mut commit = Commit::default();
    for Versioned { version, value } in found {
        let key = value.key();
        commit.guards.push(Guard::Version(key.clone(), version));
        commit.writes.push(Write::Remove(key));
        if let Record::Evidence(Sealed { id, use_case, .. }) = value {
            let what = What::EvidenceDestroyed { evidence: id, use_case };
            commit.events.push(EventDraft { at, actor: Actor::Service, what });
        }
    }
    commit
}

/// Ties sealed bytes to their place.
fn context(id: EvidenceId) -> Vec<u8> {
    format!("evidence/{id}").into_bytes()
}

//! Admission by hand, on what a checkpoint was shown as undetermined and on nothing else.
//!
//! The result of a presentation leaves the memory soon, and an officer who fetches a supervisor takes longer. So what a
//! checkpoint was shown is noted apart: the decision, its reason and the use case, and nothing of the person.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    base::{
        clock::Clock,
        limits::{ADMISSION_SECONDS, ADMISSIONS_OF_CHECKPOINT},
        time::Timestamp,
    },
    model::{
        admission::AdmissionReason,
        event::{EventDraft, What},
        ids::TokenId,
        party::{Authority, Capability, NotAllowed},
        reason::{Decision, ReasonCode},
        record::Commit,
        statement::Statement,
    },
    store::{CommitError, Store},
};

/// Why nobody was admitted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AdmitError {
    /// The authority does not reach that far.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// This checkpoint was shown no decision of this name, or too long ago.
    #[error("there is no such decision")]
    NotFound,
    /// It was accepted or refused; neither is for a person to change.
    #[error("the decision is not undetermined")]
    NotUndetermined,
    /// It was admitted before.
    #[error("it was admitted already")]
    Already,
    /// The event was not written, so nobody was admitted.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// What was recorded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Admitted {
    /// When.
    pub at: Timestamp,
    /// The use case, if one was named.
    pub use_case: Option<String>,
    /// Why the service could not tell.
    pub because: ReasonCode,
}

/// A decision that a checkpoint was shown.
struct Shown {
    id: String,
    use_case: Option<String>,
    reason: ReasonCode,
    /// When it may be forgotten, on the clock that only runs on.
    until: Duration,
    admitted: bool,
}

/// Decisions that checkpoints were shown lately, and what was done by hand.
pub struct Admissions {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    shown: Mutex<BTreeMap<TokenId, VecDeque<Shown>>>,
}

impl Admissions {
    /// Nothing shown yet.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, shown: Mutex::default() }
    }

    /// Notes that a checkpoint was shown a statement under this name. To be shown it again changes nothing.
    pub fn note(&self, token: TokenId, id: &str, use_case: Option<&str>, statement: &Statement) {
        let now = self.clock.monotonic();
        let mut shown = self.shown();
        shown.retain(|_, of_token| {
            // They stand in the order in which they were first shown.
            while of_token.front().is_some_and(|shown| shown.until <= now) {
                of_token.pop_front();
            }
            !of_token.is_empty()
        });
        let of_token = shown.entry(token).or_default();
        if of_token.iter().any(|known| known.id == id) {
            return;
        }
        if of_token.len() >= ADMISSIONS_OF_CHECKPOINT {
            of_token.pop_front();
        }
        let until = now + Duration::from_secs(ADMISSION_SECONDS);
        let (id, use_case) = (id.to_owned(), use_case.map(str::to_owned));
        of_token.push_back(Shown { id, use_case, reason: statement.reason, until, admitted: false });
    }

    /// Admits by hand: once for each decision, and only where the service could not tell. The log counts it; it names the
    /// checkpoint and nobody else.
    pub fn admit(&self, authority: &Authority, id: &str, reason: AdmissionReason) -> Result<Admitted, AdmitError> {
        authority.require(Capability::Verify)?;
        let Authority::Operator(checkpoint) = authority else { return Err(NotAllowed.into()) };
        let (use_case, because) = self.claim(checkpoint.token(), id)?;
        let at = self.clock.now();
        let what = What::AdmittedByHand { use_case: use_case.clone(), reason, because };
        let event = EventDraft { at, actor: authority.actor(), what };
        match self.store.commit(Commit { events: vec![event], ..Commit::default() }) {
            Ok(_) => Ok(Admitted { at, use_case, because }),
            Err(error) => {
                self.with(checkpoint.token(), id, |shown| shown.admitted = false);
                Err(error.into())
            }
        }
    }

    /// Marks a decision as admitted, so that of two who come together one writes the event.
    fn claim(&self, token: TokenId, id: &str) -> Result<(Option<String>, ReasonCode), AdmitError> {
        let claimed = self.with(token, id, |shown| {
            if shown.reason.decision() != Decision::Undetermined {
                return Err(AdmitError::NotUndetermined);
            }
            if std::mem::replace(&mut shown.admitted, true) {
                return Err(AdmitError::Already);
            }
            Ok((shown.use_case.clone(), shown.reason))
        });
        claimed.unwrap_or(Err(AdmitError::NotFound))
    }

    fn with<T>(&self, token: TokenId, id: &str, act: impl FnOnce(&mut Shown) -> T) -> Option<T> {
        let now = self.clock.monotonic();
        let mut shown = self.shown();
        let found = shown.get_mut(&token)?.iter_mut().find(|shown| shown.id == id && shown.until > now)?;
        Some(act(found))
    }

    fn shown(&self) -> MutexGuard<'_, BTreeMap<TokenId, VecDeque<Shown>>> {
        // Each change is one step that cannot panic half-way.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

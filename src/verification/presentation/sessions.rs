//! Every session of this process, under one lock: nothing is signed, decrypted or looked up while it is held.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use super::{
    error::{BeginError, FetchError, LookError},
    ids::{PresentationId, RequestId, ResponseId},
    order::Flow,
    plan::Plan,
    session::{Asked, Gone, Session, Shown, State},
    view::Outcome,
};
use crate::{
    base::{
        limits::{OPEN_PRESENTATIONS, OPEN_PRESENTATIONS_OF_CHECKPOINT, PRESENTATION_RESULT_BYTES},
        random::Random,
        secret::Secret,
    },
    format::boarding_pass::BoardingPass,
    model::ids::TokenId,
};

/// How many there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub of_checkpoint: usize,
    pub in_all: usize,
    pub result_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            of_checkpoint: OPEN_PRESENTATIONS_OF_CHECKPOINT,
            in_all: OPEN_PRESENTATIONS,
            result_bytes: PRESENTATION_RESULT_BYTES,
        }
    }
}

#[derive(Default)]
struct Table {
    sessions: BTreeMap<PresentationId, Session>,
    /// Requests that can be fetched, and those that were, for as long as their session is known.
    requests: BTreeMap<RequestId, PresentationId>,
    /// Where an answer is waited for.
    responses: BTreeMap<ResponseId, PresentationId>,
    /// How many each checkpoint has.
    counts: BTreeMap<TokenId, usize>,
    result_bytes: usize,
}

/// The answer to a request is taken: whoever holds this is the only one who examines it.
pub(super) struct Taken {
    pub id: PresentationId,
    pub plan: Arc<Plan>,
    pub boarding_pass: Option<Arc<BoardingPass>>,
    pub asked: Asked,
}

/// Why an answer is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NotTaken {
    NotOpen,
    Full,
}

/// The sessions.
#[derive(Default)]
pub(super) struct Sessions {
    table: Mutex<Table>,
    bounds: Bounds,
}

impl Sessions {
    fn table(&self) -> MutexGuard<'_, Table> {
        // A session is changed by assignments that cannot panic half-way.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a new session in.
    pub(super) fn insert(&self, id: PresentationId, session: Session) -> Result<(), BeginError> {
        let mut table = self.table();
        let token = session.plan.token;
        if table.sessions.len() >= self.bounds.in_all {
            return Err(BeginError::TooMany);
        }
        let count = table.counts.entry(token).or_default();
        if *count >= self.bounds.of_checkpoint {
            return Err(BeginError::TooManyOfCheckpoint);
        }
        *count += 1;
        match &session.state {
            State::Waiting(code) => {
                table.requests.insert(code.current, id);
            }
            // What a page handed to its browser is brought by that page, and by nobody else: its requests name no address,
            // but the `kid` in them would be one.
            State::Handed(asked) if session.plan.flow != Flow::DcApi => {
                table.responses.insert(asked.response, id);
            }
            _ => {}
        }
        table.sessions.insert(id, session);
        Ok(())
    }

    /// Calls `read` with a session of this checkpoint, as it stands at `now`.
    pub(super) fn with<T>(
        &self,
        who: TokenId,
        id: PresentationId,
        (now, random): (Duration, &dyn Random),
        read: impl FnOnce(&mut Session) -> T,
    ) -> Result<T, LookError> {
        let mut table = self.table();
        table.advance(id, now, random);
        let session = table.sessions.get_mut(&id).filter(|session| session.plan.token == who);
        session.map(read).ok_or(LookError::NotFound)
    }

    /// What `read` sees of a session as it stands at `now`, and its result, for who brings this code; destroys the result
    /// when there were too many wrong ones.
    pub(super) fn look<T>(
        &self,
        who: TokenId,
        id: PresentationId,
        code: Option<&str>,
        (now, random): (Duration, &dyn Random),
        read: impl FnOnce(&Session) -> T,
    ) -> Result<(T, Option<Outcome>), LookError> {
        let mut table = self.table();
        table.advance(id, now, random);
        let session = table.sessions.get_mut(&id).filter(|session| session.plan.token == who).ok_or(LookError::NotFound)?;
        let seen = read(session);
        let State::Answered(answer) = &mut session.state else {
            return if code.is_some() { Err(LookError::WrongCode) } else { Ok((seen, None)) };
        };
        match answer.show(code) {
            Shown::Outcome(outcome) => Ok((seen, Some(outcome))),
            Shown::Wrong { last } => {
                if last {
                    table.remove(id);
                }
                Err(LookError::WrongCode)
            }
        }
    }

    /// Tells of changes.
    pub(super) fn changes(&self, who: TokenId, id: PresentationId) -> Result<watch::Receiver<u64>, LookError> {
        let table = self.table();
        let session = table.sessions.get(&id).filter(|session| session.plan.token == who).ok_or(LookError::NotFound)?;
        Ok(session.changes.subscribe())
    }

    /// Forgets a session.
    pub(super) fn forget(&self, who: TokenId, id: PresentationId) -> Result<(), LookError> {
        let mut table = self.table();
        table.sessions.get(&id).filter(|session| session.plan.token == who).ok_or(LookError::NotFound)?;
        table.remove(id);
        Ok(())
    }

    /// Forgets every session of a checkpoint.
    pub(super) fn forget_all(&self, who: TokenId) {
        let mut table = self.table();
        let theirs = table.sessions.iter().filter(|(_, session)| session.plan.token == who).map(|(id, _)| *id);
        for id in theirs.collect::<Vec<_>>() {
            table.remove(id);
        }
    }

    /// A wallet fetches a request; from here on it is nobody else's.
    pub(super) fn fetch(
        &self,
        request: RequestId,
        now: Duration,
        random: &dyn Random,
    ) -> Result<(PresentationId, Arc<Plan>), FetchError> {
        let mut table = self.table();
        let id = *table.requests.get(&request).ok_or(FetchError::Unknown)?;
        table.advance(id, now, random);
        if !table.requests.contains_key(&request) {
            return Err(FetchError::Unknown);
        }
        let session = table.sessions.get_mut(&id).ok_or(FetchError::Unknown)?;
        let others = session.fetch(request, now).ok_or(FetchError::Used)?;
        let plan = Arc::clone(&session.plan);
        for other in others {
            table.requests.remove(&other);
        }
        Ok((id, plan))
    }

    /// Takes back a fetch whose request could not be signed.
    pub(super) fn unfetch(&self, id: PresentationId, now: Duration) {
        if let Some(session) = self.table().sessions.get_mut(&id) {
            session.unfetch(now);
        }
    }

    /// Opens the request for its answer; false when its session is over.
    pub(super) fn open(&self, id: PresentationId, asked: Asked) -> bool {
        let mut table = self.table();
        let response = asked.response;
        let opened = table.sessions.get_mut(&id).is_some_and(|session| session.ask(asked));
        if opened {
            table.responses.insert(response, id);
        }
        opened
    }

    /// Whether an answer is waited for here.
    pub(super) fn is_waited_for(&self, response: ResponseId) -> bool {
        self.table().responses.contains_key(&response)
    }

    /// Takes the one answer to a request, of about so many bytes.
    pub(super) fn take(
        &self,
        response: ResponseId,
        bytes: usize,
        now: Duration,
        random: &dyn Random,
    ) -> Result<Taken, NotTaken> {
        let mut table = self.table();
        let id = *table.responses.get(&response).ok_or(NotTaken::NotOpen)?;
        table.take(id, bytes, self.bounds, (now, random))
    }

    /// Takes the one answer to a request that a page handed to its browser.
    pub(super) fn take_handed(
        &self,
        who: TokenId,
        id: PresentationId,
        bytes: usize,
        now: Duration,
        random: &dyn Random,
    ) -> Result<Taken, NotTaken> {
        let mut table = self.table();
        let is_theirs = |session: &Session| session.plan.token == who && matches!(session.state, State::Handed(_));
        table.sessions.get(&id).filter(|session| is_theirs(session)).ok_or(NotTaken::NotOpen)?;
        table.take(id, bytes, self.bounds, (now, random))
    }

    /// Puts down the result of an answer that was taken; false when the checkpoint forgot the presentation meanwhile.
    pub(super) fn finish(
        &self,
        id: PresentationId,
        outcome: Outcome,
        bytes: usize,
        code: Option<Secret<String>>,
        now: Duration,
    ) -> bool {
        let mut table = self.table();
        let finished = table.sessions.get_mut(&id).is_some_and(|session| session.finish(outcome, bytes, code, now));
        if finished {
            table.result_bytes += bytes;
        }
        finished
    }

    /// Does what is due for every session.
    pub(super) fn sweep(&self, now: Duration, random: &dyn Random) {
        let mut table = self.table();
        let ids: Vec<_> = table.sessions.keys().copied().collect();
        for id in ids {
            table.advance(id, now, random);
        }
    }

    /// Sessions within other bounds.
    #[cfg(test)]
    pub(super) fn within(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    /// Sessions, requests, answers that are waited for, and bytes of results.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize, usize, usize) {
        let table = self.table();
        (table.sessions.len(), table.requests.len(), table.responses.len(), table.result_bytes)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.table().sessions.len()
    }
}

impl Table {
    fn advance(&mut self, id: PresentationId, now: Duration, random: &dyn Random) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Gone { requests, response, session: over } = session.advance(now, random);
        if let State::Waiting(code) = &session.state {
            self.requests.insert(code.current, id);
        }
        for request in requests {
            self.requests.remove(&request);
        }
        if let Some(response) = response {
            self.responses.remove(&response);
        }
        if over {
            self.remove(id);
        }
    }

    fn take(
        &mut self,
        id: PresentationId,
        bytes: usize,
        bounds: Bounds,
        (now, random): (Duration, &dyn Random),
    ) -> Result<Taken, NotTaken> {
        self.advance(id, now, random);
        if self.result_bytes.saturating_add(bytes) > bounds.result_bytes {
            return Err(NotTaken::Full);
        }
        let session = self.sessions.get_mut(&id).ok_or(NotTaken::NotOpen)?;
        let asked = session.take().ok_or(NotTaken::NotOpen)?;
        self.responses.remove(&asked.response);
        let boarding_pass = session.boarding_pass.clone();
        Ok(Taken { id, plan: Arc::clone(&session.plan), boarding_pass, asked })
    }

    fn remove(&mut self, id: PresentationId) {
        let Some(session) = self.sessions.remove(&id) else { return };
        if let Some(count) = self.counts.get_mut(&session.plan.token) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&session.plan.token);
            }
        }
        session.fetched.map(|request| self.requests.remove(&request));
        match session.state {
            State::Waiting(code) => {
                self.requests.remove(&code.current);
                code.older.map(|(id, _)| self.requests.remove(&id));
            }
            State::Fetched(asked) | State::Handed(asked) => {
                self.responses.remove(&asked.response);
            }
            State::Answered(answer) => self.result_bytes = self.result_bytes.saturating_sub(answer.bytes),
            State::Signing | State::Examining | State::Expired => {}
        }
    }
}

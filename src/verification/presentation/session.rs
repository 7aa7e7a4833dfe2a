//! One presentation: what is fixed of it, and how far it has come.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use subtle::ConstantTimeEq;
use tokio::sync::watch;

use super::{
    ids::{RequestId, ResponseId},
    plan::Plan,
    view::{Invitation, Outcome, Phase},
};
use crate::{
    base::{
        limits::{EXAMINATION_SECONDS, EXPIRED_SHOWN_SECONDS, REQUEST_ROTATION_SECONDS, REQUEST_SECONDS, RESPONSE_CODE_TRIES},
        random::Random,
        secret::Secret,
    },
    crypto::jwe::DecryptionKey,
    format::boarding_pass::BoardingPass,
};

/// What a wallet was asked under: everything its answer has to fit. Stands nowhere but here and in the signed request.
pub(super) struct Asked {
    pub response: ResponseId,
    pub nonce: String,
    /// None for the Digital Credentials API, which has no `state`.
    pub state: Option<String>,
    /// None where an answer in the clear is taken.
    pub key: Option<DecryptionKey>,
    /// Whom the holder's proof has to be made for.
    pub audience: String,
}

/// The code in the QR.
pub(super) struct Code {
    pub current: RequestId,
    /// None where it stays the same.
    pub rotates: Option<Duration>,
    /// The one before, and until when it is good.
    pub older: Option<(RequestId, Duration)>,
}

/// The result.
pub(super) struct Answer {
    /// None once it was given to the one who brought the code.
    pub outcome: Option<Outcome>,
    /// What it counts for in memory.
    pub bytes: usize,
    /// What the wallet's device was sent back with; none where nothing is withheld.
    pub code: Option<Secret<String>>,
    /// Wrong codes so far.
    pub wrong: u8,
}

pub(super) enum State {
    /// No wallet came yet.
    Waiting(Code),
    /// A wallet fetches a request, which is just being signed.
    Signing,
    /// A wallet has the request.
    Fetched(Asked),
    /// The whole request stands in a page, for its browser or as a link.
    Handed(Asked),
    /// The answer was taken.
    Examining,
    Answered(Answer),
    Expired,
}

pub(super) struct Session {
    pub plan: Arc<Plan>,
    pub boarding_pass: Option<Arc<BoardingPass>>,
    /// What a page gives to its browser.
    pub digital: Option<Value>,
    /// The link that holds the whole request.
    pub link: Option<Invitation>,
    pub state: State,
    /// The request that was fetched.
    pub fetched: Option<RequestId>,
    /// When this state ends.
    pub ends: Duration,
    pub changes: watch::Sender<u64>,
}

/// What passes away with time: names under which a session was known.
#[derive(Default)]
pub(super) struct Gone {
    pub requests: Vec<RequestId>,
    pub response: Option<ResponseId>,
    /// The session itself.
    pub session: bool,
}

impl Session {
    pub(super) fn new(plan: Arc<Plan>, boarding_pass: Option<BoardingPass>, now: Duration, random: &dyn Random) -> Self {
        let rotates = plan.rotates().then(|| now + Duration::from_secs(REQUEST_ROTATION_SECONDS));
        let code = Code { current: RequestId::random(random), rotates, older: None };
        Self {
            plan,
            boarding_pass: boarding_pass.map(Arc::new),
            digital: None,
            link: None,
            state: State::Waiting(code),
            fetched: None,
            ends: now + Duration::from_secs(REQUEST_SECONDS),
            changes: watch::Sender::new(0),
        }
    }

    pub(super) const fn phase(&self) -> Phase {
        match &self.state {
            State::Waiting(_) | State::Handed(_) => Phase::Waiting,
            State::Signing | State::Fetched(_) | State::Examining => Phase::Fetched,
            State::Answered(_) => Phase::Answered,
            State::Expired => Phase::Expired,
        }
    }

    /// Whether its course can still be changed by the checkpoint.
    pub(super) const fn is_open(&self) -> bool {
        matches!(&self.state, State::Waiting(_) | State::Signing | State::Fetched(_) | State::Handed(_))
    }

    pub(super) fn changed(&self) {
        self.changes.send_modify(|number| *number += 1);
    }

    /// Does what is due at `now`; gives the names that are good no more.
    pub(super) fn advance(&mut self, now: Duration, random: &dyn Random) -> Gone {
        let mut gone = Gone::default();
        if now >= self.ends {
            self.end(now, &mut gone);
            return gone;
        }
        let State::Waiting(code) = &mut self.state else { return gone };
        let pace = Duration::from_secs(REQUEST_ROTATION_SECONDS);
        if code.rotates.is_some_and(|at| now >= at) {
            gone.requests.extend(code.older.take().map(|(id, _)| id));
            let until = code.rotates.map_or(now, |at| at + pace);
            code.older = Some((std::mem::replace(&mut code.current, RequestId::random(random)), until));
            code.rotates = Some(now + pace);
            self.changed();
        }
        if let State::Waiting(code) = &mut self.state
            && code.older.is_some_and(|(_, until)| now >= until)
        {
            gone.requests.extend(code.older.take().map(|(id, _)| id));
        }
        gone
    }

    fn end(&mut self, now: Duration, gone: &mut Gone) {
        // A result stays as it is until it is removed: whoever removes it counts the bytes that it held.
        if matches!(self.state, State::Answered(_) | State::Expired) {
            gone.session = true;
            return;
        }
        match std::mem::replace(&mut self.state, State::Expired) {
            State::Answered(_) | State::Expired => {}
            State::Waiting(code) => {
                gone.requests.push(code.current);
                gone.requests.extend(code.older.map(|(id, _)| id));
            }
            State::Fetched(asked) | State::Handed(asked) => gone.response = Some(asked.response),
            State::Signing | State::Examining => {}
        }
        self.ends = now + Duration::from_secs(EXPIRED_SHOWN_SECONDS);
        (self.digital, self.link) = (None, None);
        self.boarding_pass = None;
        self.changed();
    }

    /// A wallet fetches this request; gives the names that are good no more, or none when it was fetched before.
    pub(super) fn fetch(&mut self, request: RequestId, now: Duration) -> Option<Vec<RequestId>> {
        let State::Waiting(code) = &self.state else { return None };
        let others = [Some(code.current), code.older.map(|(id, _)| id)];
        let others = others.into_iter().flatten().filter(|id| *id != request).collect();
        self.state = State::Signing;
        self.fetched = Some(request);
        self.ends = now + Duration::from_secs(REQUEST_SECONDS);
        self.changed();
        Some(others)
    }

    /// Takes back a fetch whose request could not be signed: the same code is good for another try.
    pub(super) fn unfetch(&mut self, now: Duration) {
        if matches!(self.state, State::Signing)
            && let Some(request) = self.fetched.take()
        {
            let rotates = self.plan.rotates().then(|| now + Duration::from_secs(REQUEST_ROTATION_SECONDS));
            self.state = State::Waiting(Code { current: request, rotates, older: None });
            self.changed();
        }
    }

    /// Puts down what the wallet was asked under; whether the session was still waiting for it.
    pub(super) fn ask(&mut self, asked: Asked) -> bool {
        let is_due = matches!(self.state, State::Signing);
        if is_due {
            self.state = State::Fetched(asked);
        }
        is_due
    }

    /// Takes what the wallet was asked under, for the one answer there is.
    pub(super) fn take(&mut self) -> Option<Asked> {
        let asked = match std::mem::replace(&mut self.state, State::Examining) {
            State::Fetched(asked) | State::Handed(asked) => asked,
            other => {
                self.state = other;
                return None;
            }
        };
        self.ends += Duration::from_secs(EXAMINATION_SECONDS);
        (self.digital, self.link) = (None, None);
        Some(asked)
    }

    /// Puts down the result of the answer that was taken. The names of the request stay taken.
    pub(super) fn finish(&mut self, outcome: Outcome, bytes: usize, code: Option<Secret<String>>, now: Duration) -> bool {
        let State::Examining = &self.state else { return false };
        self.state = State::Answered(Answer { outcome: Some(outcome), bytes, code, wrong: 0 });
        self.ends = now + self.plan.results_stay;
        self.boarding_pass = None;
        self.changed();
        true
    }
}

/// What a response code opens.
pub(super) enum Shown {
    Outcome(Outcome),
    /// Wrong; whether the result is to be destroyed.
    Wrong {
        last: bool,
    },
}

impl Answer {
    /// The result for who looks. With a code that fits it is given away, once.
    pub(super) fn show(&mut self, given: Option<&str>) -> Shown {
        let Some(code) = &self.code else {
            return Shown::Outcome(self.outcome.clone().unwrap_or(Outcome::Withheld));
        };
        let Some(given) = given else { return Shown::Outcome(Outcome::Withheld) };
        if bool::from(code.expose().as_bytes().ct_eq(given.as_bytes()))
            && let Some(outcome) = self.outcome.take()
        {
            return Shown::Outcome(outcome);
        }
        self.wrong = self.wrong.saturating_add(1);
        Shown::Wrong { last: self.wrong >= RESPONSE_CODE_TRIES }
    }
}

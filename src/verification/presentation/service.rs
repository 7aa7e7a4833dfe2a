//! The service: sessions, clock, keys and statuses put together. What takes time happens outside the lock of the sessions.

use std::{borrow::Cow, sync::Arc, time::Duration};

use serde_json::{Map, Value};
use tokio::sync::watch;

use super::{
    error::{BeginError, FetchError, LookError, ResponseError},
    ids::{PresentationId, RequestId, ResponseId},
    order::{Flow, Order, SERVICE},
    plan::Plan,
    request,
    response::{Verdict, examine_answer},
    session::{Asked, Session, State},
    sessions::{NotTaken, Sessions, Taken},
    view::{Counted, Outcome, View},
};
use crate::{
    base::{base64url, clock::Clock, json, origin::Origin, random::Random, secret::Secret, time::Timestamp},
    format::openid::presentation::{FetchForm, PostedResponse, RequestClaims, ResponseError as Unreadable},
    model::{
        ids::TokenId,
        statement::Statement,
        use_case::{EvidenceRule, UseCases},
    },
    store::Store,
    verification::{
        StatusAnswer, Statuses, Trust,
        evidence::{Evidence, Keeping},
        lookup::Wanted,
        request_object::RequestSigner,
        signed_statement::StatementSigner,
    },
};

/// Random bytes of a response code (OpenID4VP 1.0 section 8.2: fresh, at least 128 bits).
const CODE_BYTES: usize = 16;

/// What the presentations stand on.
pub struct Ground {
    /// What checkpoints may ask for.
    pub use_cases: Arc<UseCases>,
    /// Signs requests.
    pub signer: RequestSigner,
    /// Signs statements.
    pub statements: StatementSigner,
    /// Keeps evidence.
    pub evidence: Evidence,
    /// Whom we believe.
    pub trust: Arc<Trust>,
    /// Says which checkpoints are believed.
    pub store: Arc<dyn Store>,
    /// What is known of statuses.
    pub statuses: Arc<Statuses>,
    /// Tells lifetimes.
    pub clock: Arc<dyn Clock>,
    /// Draws names and keys.
    pub random: Arc<dyn Random>,
    /// The public URL.
    pub public_url: Origin,
}

/// The presentations of this service.
pub struct Presentations {
    ground: Ground,
    sessions: Sessions,
}

/// What came of a response at `response_uri`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answered {
    /// What the wallet is told: where to send the person, if anywhere, or why not.
    pub answer: Result<Option<String>, ResponseError>,
    /// The decision, if one was made.
    pub counted: Option<Counted>,
}

impl Presentations {
    /// No presentation yet.
    pub fn new(ground: Ground) -> Self {
        Self { ground, sessions: Sessions::default() }
    }

    /// Begins a presentation; what it gives is what [`look`](Self::look) would give right after.
    pub fn begin(&self, mut order: Order) -> Result<View, BeginError> {
        let text = order.boarding_pass.take();
        let plan = Plan::of(order, &self.ground.use_cases, &self.ground.public_url)?;
        let pass = text.map(|text| plan.boarding_pass(&text)).transpose()?;
        let (who, now, random) = (plan.token, self.ground.clock.monotonic(), &*self.ground.random);
        let id = PresentationId::random(random);
        let mut session = Session::new(Arc::new(plan), pass, now, random);
        let in_page = session.plan.flow == Flow::DcApi;
        if in_page || !self.ground.signer.is_signed() {
            let (asked, claims) = self.ask(&session.plan, FetchForm::default());
            if in_page {
                session.digital = Some(request::for_browser(&claims, &self.ground.signer, self.ground.clock.now())?);
            } else {
                session.link = Some(request::invite_whole(&claims));
            }
            session.state = State::Handed(asked);
        }
        self.sessions.insert(id, session)?;
        self.look(who, id, None).map_err(|_| BeginError::TooMany)
    }

    /// A presentation as its checkpoint sees it now. `response_code` is the one that the wallet's device came back with
    /// (same device); a wrong one is counted, and the fifth destroys the result.
    pub fn look(&self, who: TokenId, id: PresentationId, response_code: Option<&str>) -> Result<View, LookError> {
        let (at, now) = (self.ground.clock.now(), self.ground.clock.monotonic());
        let view = |session: &Session| self.view(id, session, at, now);
        let (mut view, outcome) = self.sessions.look(who, id, response_code, (now, &*self.ground.random), view)?;
        view.outcome = outcome;
        Ok(view)
    }

    /// Tells of changes: the value grows with each, and the channel closes when the presentation is gone. Look after
    /// subscribing, not before.
    pub fn changes(&self, who: TokenId, id: PresentationId) -> Result<watch::Receiver<u64>, LookError> {
        self.sessions.changes(who, id)
    }

    /// Adds the boarding pass of a presentation that has none, or replaces it, until an answer came.
    pub fn add_boarding_pass(&self, who: TokenId, id: PresentationId, text: &str) -> Result<View, LookError> {
        let now = self.ground.clock.monotonic();
        let change = |session: &mut Session| {
            if !session.is_open() {
                return Err(LookError::Over);
            }
            let pass = session.plan.boarding_pass(text).map_err(|_| LookError::BoardingPass)?;
            session.boarding_pass = Some(Arc::new(pass));
            session.changed();
            Ok(())
        };
        self.sessions.with(who, id, (now, &*self.ground.random), change)??;
        self.look(who, id, None)
    }

    /// Ends a presentation and forgets its result.
    pub fn forget(&self, who: TokenId, id: PresentationId) -> Result<(), LookError> {
        self.sessions.forget(who, id)
    }

    /// Ends every presentation of a checkpoint that was switched off: no wallet answers it any more, and no result stays.
    pub fn forget_all(&self, who: TokenId) {
        self.sessions.forget_all(who);
    }

    /// Whether the checkpoint is still believed. One that was switched off while it began a presentation has one left,
    /// which is found here.
    fn is_good(&self, checkpoint: TokenId) -> bool {
        let is_good = checkpoint == SERVICE || self.ground.store.roster().is_good(checkpoint);
        if !is_good {
            self.forget_all(checkpoint);
        }
        is_good
    }

    /// The signed request for the wallet that fetches it, once. `form` is what it posted; empty when it did not.
    pub fn request_object(&self, id: RequestId, form: FetchForm) -> Result<String, FetchError> {
        let now = self.ground.clock.monotonic();
        let (presentation, plan) = self.sessions.fetch(id, now, &*self.ground.random)?;
        if !self.is_good(plan.token) {
            return Err(FetchError::Unknown);
        }
        let (asked, claims) = self.ask(&plan, form);
        let signed = self.ground.signer.sign(&claims, self.ground.clock.now());
        let signed = signed.inspect_err(|_| self.sessions.unfetch(presentation, now))?;
        if self.sessions.open(presentation, asked) { Ok(signed) } else { Err(FetchError::Unknown) }
    }

    /// Whether an answer is waited for here. Nobody else's is worth the memory to read it.
    pub fn is_waited_for(&self, id: ResponseId) -> bool {
        self.sessions.is_waited_for(id)
    }

    /// Takes the answer of a wallet, a form. The first is the only one, whatever is in it.
    pub fn respond(&self, id: ResponseId, form: &[u8]) -> Answered {
        let now = self.ground.clock.monotonic();
        let taken = match self.sessions.take(id, form.len(), now, &*self.ground.random) {
            Ok(taken) => taken,
            Err(NotTaken::NotOpen) => return Answered { answer: Err(ResponseError::NotOpen), counted: None },
            Err(NotTaken::Full) => return Answered { answer: Err(ResponseError::Full), counted: None },
        };
        if !self.is_good(taken.plan.token) {
            return Answered { answer: Err(ResponseError::NotOpen), counted: None };
        }
        self.conclude(taken, PostedResponse::read(form), form.len())
    }

    /// Takes the answer of a browser (OpenID4VP 1.0 appendix A.4): `data` is the JSON text of the member `data` of the
    /// `DigitalCredential`, such as `{"response":"<JWE>"}`. The first answer is the only one, whatever is in it; the view
    /// has the statement.
    pub fn respond_dc_api(&self, who: TokenId, id: PresentationId, data: &[u8]) -> Result<View, LookError> {
        let now = self.ground.clock.monotonic();
        self.sessions.with(who, id, (now, &*self.ground.random), |_| ())?;
        let taken = match self.sessions.take_handed(who, id, data.len(), now, &*self.ground.random) {
            Ok(taken) => taken,
            Err(NotTaken::NotOpen) => return Err(LookError::Over),
            Err(NotTaken::Full) => return Err(LookError::Full),
        };
        let members = json::parse_object(data).map_err(|error| Unreadable::Json("data", error));
        self.conclude(taken, members.and_then(|data| PostedResponse::from_digital_credential(&data)), data.len());
        self.look(who, id, None)
    }

    /// Replaces codes that are due, ends what is past its time and forgets results whose time is over. To be called every
    /// second or so; every other call does what is due for the presentation it is about.
    pub fn sweep(&self) {
        self.sessions.sweep(self.ground.clock.monotonic(), &*self.ground.random);
    }

    /// How many presentations are known.
    pub fn count(&self) -> usize {
        self.sessions.count()
    }

    fn ask(&self, plan: &Plan, form: FetchForm) -> (Asked, RequestClaims) {
        let Ground { signer, public_url, clock, random, .. } = &self.ground;
        request::ask(plan, form, signer, public_url.as_str(), clock.now(), &**random)
    }

    fn conclude(&self, taken: Taken, posted: Result<PostedResponse, Unreadable>, bytes: usize) -> Answered {
        let Ground { clock, random, trust, .. } = &self.ground;
        let believed = match &taken.plan.use_case {
            Some(case) => trust.of_use_case(case),
            None => Cow::Borrowed(&**trust),
        };
        let Verdict { mut statement, answer, presentations } =
            examine_answer(posted, &taken, &believed, clock.now(), &|wanted| self.look_up(wanted));
        let use_case = taken.plan.use_case.as_ref().map(|case| case.name.clone());
        let counted = Some(Counted { use_case, decision: statement.decision, reason: statement.reason });
        let (mut code, mut send_to) = (None, None);
        if let Some(redirect_uri) = &taken.plan.redirect_uri {
            match answer {
                Ok(()) => {
                    let fresh = base64url::encode(random.array::<CODE_BYTES>());
                    send_to = Some(request::send_back(redirect_uri, &fresh));
                    code = Some(Secret::new(fresh));
                }
                // Nobody comes back with a code, so whoever began this sees it: why, and nothing of whom.
                Err(_) => without_claims(&mut statement),
            }
        }
        self.keep(&taken.plan, &mut statement, presentations);
        let signed = if taken.plan.signed_statement { self.sign(&statement) } else { None };
        let outcome = Outcome::Decided { statement: Box::new(statement), signed };
        self.sessions.finish(taken.id, outcome, bytes, code, clock.monotonic());
        Answered { answer: answer.map(|()| send_to), counted }
    }

    /// Keeps evidence of a decision, if its use case says so. That it could not be kept stands in the statement.
    fn keep(&self, plan: &Plan, statement: &mut Statement, presentations: Map<String, Value>) {
        let Some(case) = plan.use_case.as_ref().filter(|_| !presentations.is_empty()) else { return };
        let Some(EvidenceRule { days }) = case.evidence else { return };
        let keeping = Keeping { checkpoint: plan.token, use_case: &case.name, days };
        if let Err(error) = self.ground.evidence.keep(keeping, statement, Value::Object(presentations)) {
            tracing::error!(%error, "evidence was not kept");
        }
    }

    fn sign(&self, statement: &Statement) -> Option<String> {
        let Ground { statements, clock, random, .. } = &self.ground;
        let signed = statements.sign(statement, clock.now(), &**random);
        signed.inspect_err(|error| tracing::error!(%error, "a statement was not signed")).ok()
    }

    fn look_up(&self, wanted: &Wanted) -> Option<StatusAnswer> {
        self.ground.statuses.look_up(wanted, &self.ground.trust)
    }

    fn view(&self, id: PresentationId, session: &Session, at: Timestamp, now: Duration) -> View {
        let later = |when: Duration| at.plus_seconds(i64::try_from(when.saturating_sub(now).as_secs()).unwrap_or(i64::MAX));
        let invitation = match &session.state {
            State::Waiting(code) => {
                let Ground { signer, public_url, .. } = &self.ground;
                // A signer that signs has one name, wherever it is answered.
                let client_id = signer.client_id("");
                Some(request::invite(code.current, &client_id, public_url.as_str(), code.rotates.map(later)))
            }
            _ => session.link.clone(),
        };
        View {
            id,
            phase: session.phase(),
            flow: session.plan.flow,
            use_case: session.plan.use_case.as_ref().map(|case| case.name.clone()),
            invitation,
            digital: session.digital.clone(),
            has_boarding_pass: session.boarding_pass.is_some(),
            expires_at: later(session.ends),
            outcome: None,
        }
    }
}

/// Takes out what was disclosed.
fn without_claims(statement: &mut Statement) {
    let presented = statement.credentials.iter_mut().filter_map(|presented| presented.credential.as_mut());
    for credential in presented.chain(statement.credential.as_mut()) {
        credential.claims.clear();
    }
    statement.boarding = None;
}

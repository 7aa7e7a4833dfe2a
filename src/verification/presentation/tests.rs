//! Sessions by the second: codes that are replaced, requests that are had once, answers that are taken once, results that
//! go, and tables that are empty afterwards.

use std::{sync::Arc, time::Duration};

use super::{
    Account, BeginError, FetchError, Flow, LookError, Order, Outcome, Phase, PresentationId, RequestId, ResponseId, SERVICE,
    plan::Plan,
    session::{Asked, Session, State},
    sessions::{Bounds, NotTaken, Sessions, Taken},
};
use crate::{
    base::{
        limits::{EXAMINATION_SECONDS, EXPIRED_SHOWN_SECONDS, RESPONSE_CODE_TRIES},
        origin::Origin,
        random::{Random, SeededRandom},
        secret::Secret,
        time::Timestamp,
    },
    model::{credential_type::CredentialTypes, ids::TokenId, reason::ReasonCode, statement::CheckName, use_case::UseCases},
    verification::{Fault, compose::nothing_presented},
};

const URL: &str = "https://id.example";
const GATE: TokenId = TokenId::from_bytes([1; 16]);
const OTHER_GATE: TokenId = TokenId::from_bytes([2; 16]);
/// What a result of `age-over-18` stays for.
const RESULT: u64 = 120;

/// Sessions with a clock that is turned by hand.
struct Table {
    sessions: Sessions,
    random: SeededRandom,
    now: Duration,
}

fn account(token: TokenId) -> Account {
    let redirect_uris = vec!["https://gate.example/back".to_owned()];
    Account { token, use_cases: None, redirect_uris, origins: vec!["https://gate.example".to_owned()] }
}

fn plan(order: Order) -> Result<Plan, BeginError> {
    let types = CredentialTypes::built_in().expect("the types that ship");
    let cases = UseCases::load(None, &types, URL).expect("the use cases that ship");
    Plan::of(order, &cases, &URL.parse::<Origin>().expect("an origin"))
}

fn order(flow: Flow) -> Order {
    let redirect_uri = (flow == Flow::SameDevice).then(|| "https://gate.example/back".to_owned());
    Order { redirect_uri, ..Order::of_use_case(account(GATE), "age-over-18".to_owned(), flow) }
}

#[test]
fn the_service_itself_asks_who_signs_in_and_nobody_else_can() {
    const BACK: &str = "https://id.example/sign-in/card/back";
    for (redirect_uri, flow) in [(None, Flow::CrossDevice), (Some(BACK.to_owned()), Flow::SameDevice)] {
        let plan = plan(Order::sign_in(redirect_uri)).expect("it is in order");
        assert_eq!(
            (plan.token, plan.flow, plan.use_case.map(|case| case.name.clone())),
            (SERVICE, flow, Some("sign-in".into()))
        );
    }
    for flow in [Flow::CrossDevice, Flow::SameDevice, Flow::DcApi] {
        let refused = plan(Order { use_case: Some("sign-in".to_owned()), ..order(flow) }).err();
        assert_eq!(refused, Some(BeginError::UseCaseUnknown));
    }
    assert_ne!(
        TokenId::random(&SeededRandom::new(1)).as_bytes()[6] & 0xf0,
        SERVICE.as_bytes()[6],
        "no token is called like it"
    );
}

fn statement(reason: ReasonCode) -> Outcome {
    let fault = Fault { check: CheckName::Query, reason, error: "none".to_owned() };
    Outcome::Decided { statement: Box::new(nothing_presented(fault, Timestamp::from_unix(0))), signed: None }
}

impl Table {
    fn new(bounds: Bounds) -> Self {
        Self { sessions: Sessions::within(bounds), random: SeededRandom::new(1), now: Duration::from_secs(1000) }
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn random(&self) -> &dyn Random {
        &self.random
    }

    fn try_begin(&self, who: TokenId, flow: Flow) -> Result<PresentationId, BeginError> {
        let plan = plan(Order { account: account(who), ..order(flow) }).expect("a good order");
        let id = PresentationId::random(self.random());
        let session = Session::new(Arc::new(plan), None, self.now, self.random());
        self.sessions.insert(id, session).map(|()| id)
    }

    fn begin(&self) -> PresentationId {
        self.try_begin(GATE, Flow::CrossDevice).expect("there is room")
    }

    /// The code that is shown now.
    fn code(&self, id: PresentationId) -> Option<RequestId> {
        let code = |session: &mut Session| match &session.state {
            State::Waiting(code) => Some(code.current),
            _ => None,
        };
        self.sessions.with(GATE, id, (self.now, self.random()), code).expect("it is known")
    }

    fn phase(&self, id: PresentationId) -> Result<Phase, LookError> {
        self.sessions.with(GATE, id, (self.now, self.random()), |session| session.phase())
    }

    fn fetch(&self, request: RequestId) -> Result<PresentationId, FetchError> {
        self.sessions.fetch(request, self.now, self.random()).map(|(id, _)| id)
    }

    fn open(&self, id: PresentationId) -> Option<ResponseId> {
        let response = ResponseId::random(self.random());
        let (nonce, state) = ("nonce".to_owned(), Some("state".to_owned()));
        let asked = Asked { response, nonce, state, key: None, audience: "x509_hash:x".to_owned() };
        self.sessions.open(id, asked).then_some(response)
    }

    /// A presentation whose request was fetched: its name, and where it is answered.
    fn fetched(&self) -> (PresentationId, ResponseId) {
        let id = self.begin();
        self.fetch(self.code(id).expect("it waits")).expect("it is fetched");
        (id, self.open(id).expect("it is asked"))
    }

    fn take(&self, response: ResponseId, bytes: usize) -> Result<Taken, NotTaken> {
        self.sessions.take(response, bytes, self.now, self.random())
    }

    fn finish(&self, id: PresentationId, bytes: usize, code: Option<&str>) -> bool {
        let code = code.map(|code| Secret::new(code.to_owned()));
        self.sessions.finish(id, statement(ReasonCode::Accepted), bytes, code, self.now)
    }

    fn outcome(&self, id: PresentationId, code: Option<&str>) -> Result<Option<Outcome>, LookError> {
        self.sessions.look(GATE, id, code, (self.now, self.random()), |_| ()).map(|((), outcome)| outcome)
    }

    fn sweep(&self) {
        self.sessions.sweep(self.now, self.random());
    }
}

#[test]
fn a_waiting_code_is_replaced_and_the_one_before_is_good_for_a_while() {
    let mut table = Table::new(Bounds::default());
    let id = table.begin();
    let changes = table.sessions.changes(GATE, id).expect("it is known");
    let first = table.code(id).expect("it waits");
    table.pass(29);
    assert_eq!((table.code(id), *changes.borrow()), (Some(first), 0));
    table.pass(1);
    let second = table.code(id).expect("it waits");
    assert_ne!(second, first);
    assert_eq!(*changes.borrow(), 1, "whoever shows it is told");
    table.pass(29);
    assert_eq!(table.code(id), Some(second));
    assert_eq!(table.fetch(first), Ok(id), "who was just scanning it");
    assert_eq!(table.phase(id), Ok(Phase::Fetched));
    assert_eq!(table.fetch(second), Err(FetchError::Unknown), "one wallet has it: the other code is nobody's");
    assert_eq!(table.fetch(first), Err(FetchError::Used));
    // A photograph of a code is of no use to anybody after a minute, looked at meanwhile or not.
    let id = table.begin();
    let old = table.code(id).expect("it waits");
    table.pass(60);
    assert_eq!(table.fetch(old), Err(FetchError::Unknown));
    let id = table.begin();
    let old = table.code(id).expect("it waits");
    table.pass(30);
    table.sweep();
    table.pass(30);
    table.sweep();
    assert_eq!(table.fetch(old), Err(FetchError::Unknown));
    assert_eq!(table.phase(id), Ok(Phase::Waiting));
}

#[test]
fn a_link_on_the_same_device_stays_as_it_was_followed() {
    let mut table = Table::new(Bounds::default());
    let id = table.try_begin(GATE, Flow::SameDevice).expect("there is room");
    let code = table.code(id).expect("it waits");
    table.pass(119);
    assert_eq!((table.code(id), table.fetch(code)), (Some(code), Ok(id)));
}

#[test]
fn a_presentation_has_its_time_at_every_step() {
    let mut table = Table::new(Bounds::default());
    // Nobody fetches it.
    let id = table.begin();
    table.pass(119);
    assert_eq!(table.phase(id), Ok(Phase::Waiting));
    table.pass(1);
    assert_eq!((table.phase(id), table.outcome(id, None)), (Ok(Phase::Expired), Ok(None)));
    table.pass(EXPIRED_SHOWN_SECONDS - 1);
    assert_eq!(table.phase(id), Ok(Phase::Expired));
    table.pass(1);
    assert_eq!(table.phase(id), Err(LookError::NotFound));
    // Somebody fetches it at the last moment, and has as long again.
    let id = table.begin();
    table.pass(119);
    let code = table.code(id).expect("it waits");
    table.fetch(code).expect("it is fetched");
    let response = table.open(id).expect("it is asked");
    table.pass(119);
    assert_eq!(table.phase(id), Ok(Phase::Fetched));
    table.pass(1);
    assert_eq!(table.take(response, 1).err(), Some(NotTaken::NotOpen));
    assert_eq!((table.phase(id), table.fetch(code)), (Ok(Phase::Expired), Err(FetchError::Used)));
    // A result stays for the time of its use case, and nobody is told afterwards that there was one.
    let (id, response) = table.fetched();
    let changes = table.sessions.changes(GATE, id).expect("it is known");
    table.take(response, 1).expect("it is open");
    assert!(table.finish(id, 1, None));
    table.pass(RESULT - 1);
    assert_eq!(table.outcome(id, None), Ok(Some(statement(ReasonCode::Accepted))));
    assert_eq!(*changes.borrow(), 2, "fetched, and answered");
    table.pass(1);
    table.sweep();
    assert_eq!(table.outcome(id, None), Err(LookError::NotFound));
    assert!(changes.has_changed().is_err(), "the channel is closed");
}

#[test]
fn an_answer_is_taken_once_and_may_be_examined_beyond_the_end() {
    let mut table = Table::new(Bounds::default());
    let (id, response) = table.fetched();
    table.pass(119);
    let taken = table.take(response, 1).expect("it is open");
    assert_eq!((taken.id, taken.asked.nonce.as_str(), taken.plan.token), (id, "nonce", GATE));
    assert!(!table.sessions.is_waited_for(response));
    assert_eq!(table.take(response, 1).err(), Some(NotTaken::NotOpen));
    assert_eq!(table.open(id), None, "what was asked once is not asked again");
    table.pass(EXAMINATION_SECONDS);
    assert_eq!(table.phase(id), Ok(Phase::Fetched));
    assert!(table.finish(id, 1, None));
    assert!(!table.finish(id, 1, None), "there is one result");
    // An examination that never ends leaves no session behind.
    let (id, response) = table.fetched();
    table.take(response, 1).expect("it is open");
    table.pass(120 + EXAMINATION_SECONDS);
    table.sweep();
    assert_eq!(table.phase(id), Ok(Phase::Expired));
    assert!(!table.finish(id, 1, None));
}

#[test]
fn a_request_that_could_not_be_signed_can_be_fetched_again() {
    let table = Table::new(Bounds::default());
    let id = table.begin();
    let code = table.code(id).expect("it waits");
    table.fetch(code).expect("it is fetched");
    table.sessions.unfetch(id, table.now);
    assert_eq!(table.code(id), Some(code));
    assert_eq!(table.fetch(code), Ok(id));
    let response = table.open(id).expect("it is asked");
    table.sessions.unfetch(id, table.now);
    assert!(table.take(response, 1).is_ok(), "what was asked is not taken back");
}

#[test]
fn a_response_code_opens_a_result_once_and_five_wrong_ones_destroy_it() {
    let table = Table::new(Bounds::default());
    let answered = |code| {
        let (id, response) = table.fetched();
        table.take(response, 1).expect("it is open");
        assert!(table.finish(id, 1, code));
        id
    };
    let id = answered(Some("right"));
    assert_eq!(table.outcome(id, None), Ok(Some(Outcome::Withheld)));
    for wrong in ["", "righ", "right ", "wrong"] {
        assert_eq!(table.outcome(id, Some(wrong)), Err(LookError::WrongCode));
    }
    assert_eq!(table.outcome(id, Some("right")), Ok(Some(statement(ReasonCode::Accepted))));
    assert_eq!(table.outcome(id, None), Ok(Some(Outcome::Withheld)), "without the code there is nothing to see, as before");
    assert_eq!(table.outcome(id, Some("right")), Err(LookError::WrongCode), "and the code is spent");
    assert_eq!(table.outcome(id, None), Err(LookError::NotFound), "that was the fifth");

    let id = answered(Some("right"));
    for _ in 0..RESPONSE_CODE_TRIES {
        assert_eq!(table.outcome(id, Some("wrong")), Err(LookError::WrongCode));
    }
    assert_eq!(table.outcome(id, Some("right")), Err(LookError::NotFound));
    // Where nothing is withheld a code opens nothing, and one that comes before the answer is not counted.
    let id = answered(None);
    assert_eq!(table.outcome(id, Some("any")), Ok(Some(statement(ReasonCode::Accepted))));
    let (id, _) = table.fetched();
    for _ in 0..=RESPONSE_CODE_TRIES {
        assert_eq!(table.outcome(id, Some("any")), Err(LookError::WrongCode));
    }
    assert_eq!(table.outcome(id, None), Ok(None));
}

#[test]
fn there_are_so_many_and_no_more() {
    let table = Table::new(Bounds { of_checkpoint: 2, in_all: 3, result_bytes: 100 });
    let first = table.begin();
    table.begin();
    assert_eq!(table.try_begin(GATE, Flow::CrossDevice), Err(BeginError::TooManyOfCheckpoint));
    table.try_begin(OTHER_GATE, Flow::CrossDevice).expect("another checkpoint is not in its way");
    assert_eq!(table.try_begin(OTHER_GATE, Flow::CrossDevice), Err(BeginError::TooMany));
    assert_eq!(table.sessions.forget(OTHER_GATE, first), Err(LookError::NotFound), "it is another's");
    table.sessions.forget(GATE, first).expect("it is its own");
    table.begin();
    table.sessions.forget_all(GATE);
    assert_eq!(table.sessions.count(), 1);
    table.sessions.forget_all(OTHER_GATE);

    let ((one, to_one), (_, to_two)) = (table.fetched(), table.fetched());
    table.take(to_one, 60).expect("there is room");
    table.finish(one, 60, None);
    assert_eq!(table.take(to_two, 41).err(), Some(NotTaken::Full));
    assert!(table.sessions.is_waited_for(to_two), "the wallet may try again");
    table.sessions.forget(GATE, one).expect("it is its own");
    assert!(table.take(to_two, 100).is_ok());
}

#[test]
fn nothing_is_left_in_the_tables() {
    let mut table = Table::new(Bounds::default());
    table.begin();
    let waited = table.begin();
    table.pass(31);
    table.code(waited);
    table.fetched();
    let (_, response) = table.fetched();
    table.take(response, 1).expect("it is open");
    let (id, response) = table.fetched();
    table.take(response, 7).expect("it is open");
    table.finish(id, 7, Some("code"));
    // Forgotten while its answer is examined: the result has no place any more.
    let (id, response) = table.fetched();
    table.take(response, 9).expect("it is open");
    table.sessions.forget(GATE, id).expect("it is its own");
    assert!(!table.finish(id, 9, None));
    // Of the two that wait, one has its code and the one before, since somebody looked.
    assert_eq!(table.sessions.sizes(), (5, 6, 1, 7));
    for _ in 0..4 {
        table.pass(120);
        table.sweep();
    }
    assert_eq!(table.sessions.sizes(), (0, 0, 0, 0));
    // The same when everything is forgotten at once.
    table.begin();
    table.fetched();
    table.sessions.forget_all(GATE);
    assert_eq!(table.sessions.sizes(), (0, 0, 0, 0));
}

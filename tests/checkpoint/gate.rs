//! A gate with a passenger before it, and what it asks for.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use yufu::app::config::MetricsListen;

use super::{
    support::{
        TestService, User, person,
        wallet::{AskedFor, HeldCard, Wallet},
    },
    text,
};

pub const PRESENTATIONS: &str = "/checkpoint/api/v1/presentations";
/// The passenger's, with an initial in place of the given name: the service could not tell.
pub const DOUBTFUL_PASS: &str = "M1CE/S                EABC123 KWEPEKCZ 3456 328Y012A0025 100";
/// The passenger's.
pub const GOOD_PASS: &str = "M1CE/SHIYUAN          EABC123 KWEPEKCZ 3456 328Y012A0025 100";
/// As much of a picture as the register looks at.
const PORTRAIT: &str = "data:image/jpeg;base64,/9j/4A==";
/// Longest time that anything of these tests takes, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Gate {
    pub service: TestService,
    pub gate: User,
    pub token_id: String,
    pub wallet: Wallet,
    pub card: HeldCard,
}

impl Gate {
    /// A gate whose account has these members.
    pub fn open(account: &Value) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let service = TestService::start_with(|config| config.listen.metrics_listen = MetricsListen::At(any));
        let wallet = service.wallet(1);
        let card = wallet.take_resident_id(&service, &super::with(person(1), &json!({"portrait": PORTRAIT})));
        let (gate, token_id) = checkpoint(&service, account);
        Self { service, gate, token_id, wallet, card }
    }

    /// Orders a boarding with this pass.
    pub fn board(&self, pass: &str) -> Value {
        self.gate.post(PRESENTATIONS, &json!({"use_case": "boarding", "boarding_pass": pass})).good(201)
    }

    /// The passenger's wallet fetches the request.
    pub fn fetch(&self, view: &Value) -> AskedFor {
        self.wallet.open(text(&view["authorization_request"]))
    }

    /// The passenger's wallet answers.
    pub fn answer(&self, asked: &AskedFor) {
        self.wallet.answer(asked, &[("resident_id", &self.card)]).good(200);
    }

    /// Orders, answers and reads; gives the view with its statement.
    pub fn decided(&self, pass: &str) -> Value {
        let view = self.board(pass);
        self.answer(&self.fetch(&view));
        self.look(&view)
    }

    pub fn look(&self, view: &Value) -> Value {
        self.gate.get(&path(view)).good(200)
    }

    /// The page of metrics.
    pub fn metrics(&self) -> String {
        let address = self.service.service().metrics_address().expect("metrics are served");
        let page = ureq::get(format!("http://{address}/metrics")).call().expect("it is answered");
        page.into_body().read_to_string().expect("it is text")
    }

    pub fn switch_off(&self) {
        self.service.admin().delete(&format!("/admin/api/v1/tokens/{}", self.token_id)).good(204);
    }
}

/// A new checkpoint with this account, and its token's id.
pub fn checkpoint(service: &TestService, account: &Value) -> (User, String) {
    let order = super::with(json!({"name": "gate 12", "role": "checkpoint"}), account);
    let made = service.admin().post("/admin/api/v1/tokens", &order).good(201);
    (service.with_token(text(&made["token"])), text(&made["id"]).to_owned())
}

pub fn path(view: &Value) -> String {
    format!("{PRESENTATIONS}/{}", text(&view["id"]))
}

/// An open event stream, read on a thread of its own.
pub struct Stream {
    events: Receiver<(String, Value)>,
}

impl Stream {
    pub fn open(user: &User, path: &str) -> Self {
        let token = user.token.clone().expect("a token");
        let response = ureq::get(format!("{}{path}", user.url))
            .header("accept", "text/event-stream")
            .header("authorization", format!("Bearer {token}"))
            .call()
            .expect("it is answered");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let (sender, events) = mpsc::channel();
        thread::spawn(move || {
            let mut event = String::new();
            for line in BufReader::new(response.into_body().into_reader()).lines().map_while(Result::ok) {
                match line.split_once(": ") {
                    Some(("event", name)) => event = name.to_owned(),
                    Some(("data", data)) => {
                        let data = serde_json::from_str(data).expect("the data is JSON");
                        if sender.send((std::mem::take(&mut event), data)).is_err() {
                            return;
                        }
                    }
                    _ => {}
                }
            }
        });
        Self { events }
    }

    /// The next event, which has to be of this kind.
    pub fn next(&self, kind: &str) -> Value {
        let (event, data) = self.events.recv_timeout(PATIENCE).expect("there is another event");
        assert_eq!(event, kind, "{data}");
        data
    }

    /// The next event, whatever it is.
    pub fn any(&self) -> (String, Value) {
        self.events.recv_timeout(PATIENCE).expect("there is another event")
    }

    /// Passes when the stream ends with nothing more in it.
    pub fn ends(&self) {
        assert_eq!(self.events.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
    }
}

/// Runs a call on a thread of its own; gives where its answer comes.
pub fn aside<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Aside<T> {
    let (sender, answer) = mpsc::channel();
    thread::spawn(move || sender.send(call()));
    Aside(answer)
}

pub struct Aside<T>(Receiver<T>);

impl<T> Aside<T> {
    pub fn is_under_way(&self) -> bool {
        matches!(self.0.recv_timeout(Duration::from_millis(300)), Err(mpsc::RecvTimeoutError::Timeout))
    }

    pub fn answer(self) -> T {
        self.0.recv_timeout(PATIENCE).expect("it is answered")
    }
}

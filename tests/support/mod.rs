//! A whole service for tests: temporary folders, a clock set by hand, replayable randomness, a real listener, and users
//! typed by what they carry.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod attester;
pub mod browser;
pub mod haip;
pub mod postgres;
pub mod rounds;
pub mod wallet;

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::{
    Agent,
    http::{HeaderMap, Method, Request},
};
use yufu::{
    app::{
        config::Config,
        wire::{Between, Service, token_file},
    },
    base::{
        clock::ManualClock,
        random::{Random, SeededRandom},
        time::Timestamp,
    },
    http::server::EndsBy,
    model::party::Role,
};

/// The time at which tests begin: 2026-11-24T06:00:00Z.
pub const BEGIN: Timestamp = Timestamp::from_unix(1_795_500_000);

/// A running service and what it stands on.
pub struct TestService {
    service: Option<Service>,
    config: Config,
    pub clock: ManualClock,
    random: Arc<dyn Random>,
    folder: TempDir,
}

impl TestService {
    /// A new service with empty folders, on a free port.
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// The same with other settings.
    pub fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(Arc::new(SeededRandom::new(7)), change)
    }

    /// The same with another source of randomness.
    pub fn start_on(random: Arc<dyn Random>, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_between(random, change, Between::default())
    }

    /// The same with something between the service and what it rests on, until it is started again.
    pub fn start_between(random: Arc<dyn Random>, change: impl FnOnce(&mut Config), between: Between) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut config = Config::alone_in(folder.path().join("data"), folder.path().join("keys"));
        config.listen.workers = 2;
        change(&mut config);
        let mut new = Self { service: None, config, clock: ManualClock::at(BEGIN), random, folder };
        new.run(between);
        // A second start has to find the first one's port: the public URL is pinned.
        new.config.listen.listen = new.service().address().expect("it listens");
        new
    }

    /// Another node of the same service: it shares keys, settings and the clock, and has a data folder and an address of its
    /// own. The settings name a store that nodes can share; `change` makes them this node's.
    pub fn beside(&self, seed: u64, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut config = self.config.clone();
        config.storage.data = folder.path().join("data");
        config.identity.public_url = Some(self.url().parse().expect("an address"));
        config.listen.listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        change(&mut config);
        let random = Arc::new(SeededRandom::new(seed));
        let mut new = Self { service: None, config, clock: self.clock.clone(), random, folder };
        new.run(Between::default());
        new.config.listen.listen = new.service().address().expect("it listens");
        new
    }

    /// Where this very node is asked.
    pub fn door(&self) -> String {
        format!("http://{}", self.service().address().expect("it listens"))
    }

    fn run(&mut self, between: Between) {
        let (clock, random) = (Arc::new(self.clock.clone()), Arc::clone(&self.random));
        let service = Service::start_with(&self.config, clock, random, EndsBy::Call, between).expect("the service starts");
        self.service = Some(service);
    }

    /// Stops the service and starts it again on the same folders.
    pub fn restart(&mut self) {
        self.stop();
        self.run(Between::default());
    }

    /// Stops the service; requests under way are answered first.
    pub fn stop(&mut self) {
        self.service = None;
    }

    /// Starts a service that was stopped.
    pub fn start_again(&mut self) {
        self.run(Between::default());
    }

    /// The service.
    pub fn service(&self) -> &Service {
        self.service.as_ref().expect("the service runs")
    }

    /// The data folder.
    pub fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// The key folder.
    pub fn keys(&self) -> std::path::PathBuf {
        self.folder.path().join("keys")
    }

    /// Another folder beside them, not made yet.
    pub fn folder_for(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// The public URL.
    pub fn url(&self) -> String {
        self.service().public_url().to_owned()
    }

    /// Somebody without a token.
    pub fn anon(&self) -> User {
        self.bearer(None)
    }

    /// Somebody who shows this token.
    pub fn with_token(&self, token: &str) -> User {
        self.bearer(Some(token.to_owned()))
    }

    /// The first administrator.
    pub fn admin(&self) -> User {
        let token = fs::read_to_string(token_file(&self.data())).expect("the first start wrote the token");
        self.with_token(token.trim())
    }

    /// A new bearer of a role.
    pub fn user(&self, role: Role) -> User {
        let made = self.admin().post("/admin/api/v1/tokens", &json!({"name": "a test's", "role": role.name()})).good(201);
        self.with_token(made["token"].as_str().expect("the secret is shown once"))
    }

    /// A new registrar.
    pub fn registrar(&self) -> User {
        self.user(Role::Registrar)
    }

    /// A new checkpoint.
    pub fn checkpoint(&self) -> User {
        self.user(Role::Checkpoint)
    }

    fn bearer(&self, token: Option<String>) -> User {
        User { token, ..User::at(&self.url()) }
    }
}

/// Somebody who calls the service.
#[derive(Clone)]
pub struct User {
    /// The address of the service, as it names itself.
    pub url: String,
    pub token: Option<String>,
    /// The addresses at which it is asked, in turn.
    doors: Arc<Vec<String>>,
    turn: Arc<AtomicUsize>,
    agent: Agent,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    asked: String,
}

impl User {
    /// Somebody without a token, at a service anywhere.
    pub fn at(url: &str) -> Self {
        let agent = Agent::config_builder().http_status_as_error(false).max_redirects(0).build().new_agent();
        Self { url: url.to_owned(), token: None, doors: Arc::default(), turn: Arc::default(), agent }
    }

    /// The same at these addresses in turn, as a proxy in front would spread what it asks.
    pub fn through(&self, doors: &[String]) -> Self {
        Self { doors: Arc::new(doors.to_vec()), turn: Arc::default(), ..self.clone() }
    }

    fn door(&self) -> &str {
        if self.doors.is_empty() {
            return &self.url;
        }
        &self.doors[self.turn.fetch_add(1, Ordering::Relaxed) % self.doors.len()]
    }

    /// The status of a page; none when the service does not answer.
    pub fn try_get(&self, path: &str) -> Option<u16> {
        self.agent.get(format!("{}{path}", self.door())).call().ok().map(|response| response.status().as_u16())
    }

    /// The same with this token.
    pub fn bearing(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Sends a request with these headers and body.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let method: Method = method.parse().expect("a method");
        let asked = format!("{method} {path}");
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.door()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(body).expect("a request");
        let mut config = self.agent.configure_request(request);
        config = config.allow_non_standard_methods(true);
        let response = self.agent.run(config.build()).expect("the service answers");
        let (parts, mut body) = response.into_parts();
        let body = body.read_to_vec().expect("the body arrives");
        Answer { status: parts.status.as_u16(), headers: parts.headers, body, asked }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    /// Posts JSON; the status, or none when the service does not answer.
    pub fn try_post(&self, path: &str, body: &Value) -> Option<u16> {
        let mut request = self.agent.post(format!("{}{path}", self.door()));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request.send_json(body).ok().map(|response| response.status().as_u16())
    }

    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    /// Posts a form, already encoded.
    pub fn post_form(&self, path: &str, form: &str) -> Answer {
        self.send("POST", path, &[("content-type", "application/x-www-form-urlencoded")], form.as_bytes())
    }
}

impl Answer {
    /// A header; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}: not JSON: {}", self.asked, self.text()))
    }

    /// The JSON of an answer with exactly this status.
    pub fn good(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// Passes when this is the problem with exactly this status and code; gives the document.
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.asked);
        let document = self.json();
        assert_eq!(document["code"], code, "{}: {document}", self.asked);
        assert_eq!(document["status"], status);
        document
    }

    /// Passes when this is the error of the protocol with exactly this status and code.
    pub fn oauth(&self, status: u16, error: &str) {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        assert_eq!(self.json()["error"], error, "{}", self.asked);
        assert_eq!(self.header("cache-control"), "no-store", "{}", self.asked);
    }
}

/// A made-up person whose number is good: Guiyang, born 1990-03-07, and a sequence that makes people differ.
pub fn person(sequence: u16) -> Value {
    let sequence = sequence % 500 * 2 + 1;
    let digits = format!("52010219900307{sequence:03}");
    // GB 11643-1999 section 5: weights 2^(18-i) mod 11, summed mod 11.
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: usize = digits.bytes().zip(weights).map(|(digit, weight)| usize::from(digit - b'0') * weight).sum();
    let check = char::from(b"10X98765432"[sum % 11]);
    json!({
        "id_number": format!("{digits}{check}"),
        "family_name": "测", "given_name": "试员", "latin_family_name": "CE", "latin_given_name": "SHIYUAN",
        "sex": "male", "ethnicity": "苗", "birth_date": "1990-03-07",
        "address": {"region": "贵州省", "locality": "贵阳市", "street_address": "中华北路1号"},
    })
}

/// The same person, qualified to drive freight.
pub fn driver(sequence: u16) -> Value {
    let mut driver = person(sequence);
    driver["qualifications"] = json!([{
        "type": "transport-qualification", "number": format!("5201{sequence:06}"),
        "valid_from": "2024-01-01", "valid_until": "2030-12-31",
        "data": {"vehicle_classes": ["A2", "B2"], "category": "road freight"},
    }]);
    driver
}

/// The same person with a picture, of one pixel.
pub fn with_portrait(mut person: Value) -> Value {
    const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    person["portrait"] = format!("data:image/png;base64,{PIXEL}").into();
    person
}

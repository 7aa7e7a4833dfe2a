//! A desk of a checkpoint with a passenger before it: a running service, a gate's token, a wallet with a card.

use serde_json::{Value, json};

use super::support::{
    Answer, TestService, User, person,
    wallet::{AskedFor, HeldCard, Wallet},
};

pub const PRESENTATIONS: &str = "/checkpoint/api/v1/presentations";
/// A row of a table: what it is, and what does it.
pub type Row<F> = (&'static str, F);

pub const ID: &str = "resident_id";

pub struct Desk {
    pub service: TestService,
    pub gate: User,
    pub wallet: Wallet,
    pub card: HeldCard,
}

/// A presentation that was begun, and the request that a wallet fetched.
pub struct Begun {
    pub id: String,
    pub asked: AskedFor,
}

impl Desk {
    pub fn open() -> Self {
        let service = TestService::start();
        let wallet = service.wallet(1);
        let card = wallet.take_resident_id(&service, &person(1));
        let gate = service.checkpoint();
        Self { service, gate, wallet, card }
    }

    /// A second passenger, with another wallet and card.
    pub fn another(&self, sequence: u16) -> (Wallet, HeldCard) {
        let wallet = self.service.wallet(u64::from(sequence));
        let card = wallet.take_resident_id(&self.service, &person(sequence));
        (wallet, card)
    }

    /// A checkpoint whose account has these members.
    pub fn account(&self, members: Value) -> User {
        let mut order = json!({"name": "a gate", "role": "checkpoint"});
        order.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
        let made = self.service.admin().post("/admin/api/v1/tokens", &order).good(201);
        self.service.with_token(made["token"].as_str().expect("a token"))
    }

    /// What a gate that is limited to nothing asks for here: name and ID number.
    pub fn order(&self) -> Value {
        json!({"query": self.query(&json!([{"path": ["name"]}, {"path": ["id_number"]}]))})
    }

    pub fn query(&self, claims: &Value) -> Value {
        let vct = format!("{}/credential-types/resident-id", self.service.url());
        json!({"credentials": [{"id": ID, "format": "dc+sd-jwt", "meta": {"vct_values": [vct]}, "claims": claims}]})
    }

    /// Begins a presentation and has the wallet fetch its request.
    pub fn begin(&self, order: &Value) -> Begun {
        self.begin_at(&self.gate, order)
    }

    pub fn begin_at(&self, gate: &User, order: &Value) -> Begun {
        let view = gate.post(PRESENTATIONS, order).good(201);
        let asked = self.wallet.open(text(&view["authorization_request"]));
        Begun { id: text(&view["id"]).to_owned(), asked }
    }

    /// A presentation as the gate sees it.
    pub fn look(&self, id: &str) -> Value {
        self.gate.get(&format!("{PRESENTATIONS}/{id}")).good(200)
    }

    /// What the gate was told: decision and reason.
    pub fn said(&self, id: &str) -> (String, String) {
        let statement = self.look(id)["statement"].clone();
        (text(&statement["decision"]).to_owned(), text(&statement["reason"]).to_owned())
    }

    /// A good answer of the passenger, as the form that is posted.
    pub fn good(&self, asked: &AskedFor) -> String {
        sealed(&self.wallet, asked, &self.wallet.response(asked, &[(ID, &self.card)]))
    }

    /// Begins a presentation, answers it with what `make` makes, and passes when the wallet is told `error` and the gate
    /// `reason`, and what comes after that changes nothing.
    pub fn refused(&self, row: &str, order: &Value, make: impl FnOnce(&AskedFor) -> String, error: &str, reason: &str) {
        let Begun { id, asked } = self.begin(order);
        let answer = self.wallet.post(&asked, &make(&asked));
        answer.oauth(400, error);
        assert_eq!(self.said(&id), ("refused".to_owned(), reason.to_owned()), "{row}");
        if reason.starts_with("holder_binding") || reason.ends_with("nce_mismatch") {
            let claims = self.look(&id)["statement"]["credential"]["claims"].clone();
            assert_eq!(claims, json!({}), "{row}: who does not prove to hold the card shows nothing of it");
        }
        let again = self.wallet.post(&asked, &self.good_or_empty(&asked));
        again.oauth(400, "invalid_request");
        assert_eq!(self.said(&id), ("refused".to_owned(), reason.to_owned()), "{row}: the first answer is the only one");
    }

    fn good_or_empty(&self, asked: &AskedFor) -> String {
        let has_only_id = asked.claims["dcql_query"]["credentials"].as_array().is_some_and(|all| all.len() == 1);
        if has_only_id { self.good(asked) } else { "response=x".to_owned() }
    }
}

/// An answer as the form that carries it.
pub fn sealed(wallet: &Wallet, asked: &AskedFor, response: &Value) -> String {
    format!("response={}", wallet.seal(asked, response))
}

/// A good answer but for its `vp_token`.
pub fn with_token(asked: &AskedFor, vp_token: Value) -> Value {
    json!({"vp_token": vp_token, "state": asked.claims["state"]})
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not text: {value}"))
}

pub fn accepted() -> (String, String) {
    ("accepted".to_owned(), "accepted".to_owned())
}

/// The statuses of answers, sorted.
pub fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut all: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    all.sort_unstable();
    all
}

/// Calls `attempt` so many times at once.
pub fn at_once<T: Send>(attempts: usize, attempt: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = std::sync::Barrier::new(attempts);
    let (barrier, attempt) = (&barrier, &attempt);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..attempts)
            .map(|number| {
                scope.spawn(move || {
                    barrier.wait();
                    attempt(number)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("an attempt ends")).collect()
    })
}

//! Presentations over the wire: a checkpoint asks, a wallet answers, and one statement comes of it.

mod abroad;
mod boarding;
mod browser;
mod kept;
mod lifetime;
mod queries;
mod requests;
mod same_device;
mod several;
mod shown;
#[path = "../support/mod.rs"]
mod support;

use serde_json::{Value, json};
use support::{
    Answer, TestService, User, person,
    wallet::{AskedFor, HeldCard, Wallet},
};

const PRESENTATIONS: &str = "/checkpoint/api/v1/presentations";

/// A picture, as far as anybody looks into it.
const PORTRAIT: &str = "data:image/jpeg;base64,/9j/4AAQ";

/// A gate that may ask for everything, and a wallet.
struct Scene {
    service: TestService,
    gate: User,
    wallet: Wallet,
}

/// A presentation that a gate began.
struct Begun {
    gate: User,
    path: String,
    /// What the gate was told first.
    first: Value,
}

impl Scene {
    fn new() -> Self {
        Self::on(TestService::start())
    }

    fn on(service: TestService) -> Self {
        let (gate, wallet) = (service.checkpoint(), service.wallet(1));
        Self { service, gate, wallet }
    }

    fn begin(&self, order: &Value) -> Begun {
        Begun::by(&self.gate, order)
    }

    /// Begins, and the wallet fetches the request.
    fn ask(&self, order: &Value) -> (Begun, AskedFor) {
        let begun = self.begin(order);
        let asked = self.wallet.open(begun.link());
        (begun, asked)
    }

    /// A whole presentation: whatever is decided, the wallet is told that its answer was taken.
    fn show(&self, order: &Value, cards: &[(&str, &HeldCard)]) -> Value {
        let (begun, asked) = self.ask(order);
        assert_eq!(self.wallet.answer(&asked, cards).good(200), json!({}));
        begun.statement()
    }

    /// Registers somebody with a portrait and takes a resident ID.
    fn resident_id(&self, sequence: u16) -> HeldCard {
        self.wallet.take_resident_id(&self.service, &with_portrait(person(sequence)))
    }
}

impl Begun {
    fn by(gate: &User, order: &Value) -> Self {
        let first = gate.post(PRESENTATIONS, order).good(201);
        let path = format!("{PRESENTATIONS}/{}", text(&first["id"]));
        Self { gate: gate.clone(), path, first }
    }

    fn link(&self) -> &str {
        text(&self.first["authorization_request"])
    }

    fn at(&self) -> Answer {
        self.gate.get(&self.path)
    }

    fn look(&self) -> Value {
        self.at().good(200)
    }

    fn statement(&self) -> Value {
        let seen = self.look();
        assert_eq!(seen["state"], "answered", "{seen}");
        assert!(seen["statement"].is_object(), "{seen}");
        seen["statement"].clone()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a text"))
}

fn with_portrait(mut person: Value) -> Value {
    person["portrait"] = PORTRAIT.into();
    person
}

/// Decision and reason.
fn told(statement: &Value) -> (&str, &str) {
    (text(&statement["decision"]), text(&statement["reason"]))
}

/// How a check came out.
fn check<'a>(checks: &'a Value, name: &str) -> &'a str {
    let all = checks["checks"].as_array().expect("checks");
    text(&all.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no check {name}"))["result"])
}

#[test]
fn a_wallet_scans_the_code_and_the_gate_sees_green() {
    let scene = Scene::new();
    let card = scene.resident_id(1);
    let begun = scene.begin(&json!({"use_case": "age-over-18"}));
    assert_eq!(begun.first["state"], "waiting");
    let asked = scene.wallet.open(begun.link());
    assert_eq!(begun.look()["state"], "fetched");
    let id = text(&asked.claims["dcql_query"]["credentials"][0]["id"]);
    assert_eq!(scene.wallet.answer(&asked, &[(id, &card)]).good(200), json!({}));
    let statement = begun.statement();
    assert_eq!(told(&statement), ("accepted", "accepted"));
    assert_eq!(statement["credentials"][0]["query_id"], id);
    scene.wallet.answer(&asked, &[(id, &card)]).oauth(400, "invalid_request");
    scene.service.checkpoint().get(&begun.path).problem(404, "not_found");
}

/// A card that its issuer took back is refused with the next scan, and the wallet is not told: it answered well.
#[test]
fn a_suspended_or_revoked_card_is_refused_at_once_with_the_reason() {
    let scene = Scene::new();
    let card = scene.resident_id(1);
    let show = || {
        scene.service.clock.advance(1);
        scene.show(&json!({"use_case": "age-over-18"}), &[("resident_id", &card)])
    };
    let expect = |decision: &str, reason: &str, value: &str| {
        let statement = show();
        assert_eq!(told(&statement), (decision, reason));
        assert_eq!((&statement["status"]["value"], &statement["status"]["source"]), (&json!(value), &json!("local")));
        // What is known of our own card is known now.
        assert_eq!(statement["status"]["age_seconds"], 0, "{}", statement["status"]);
        let status = if decision == "accepted" { "passed" } else { "failed" };
        assert_eq!((check(&statement, "status_known"), check(&statement, "status")), ("passed", status));
    };
    expect("accepted", "accepted", "valid");
    scene.service.change(&card, "suspend", &json!({"reason": "lost"}));
    expect("refused", "credential_suspended", "suspended");
    scene.service.change(&card, "reinstate", &json!({"reason": "found"}));
    expect("accepted", "accepted", "valid");
    scene.service.revoke(&card);
    expect("refused", "credential_revoked", "invalid");
}

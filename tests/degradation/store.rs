//! The store is slow, gone, hangs, or is still being opened: verification goes on and says how old what it knows is,
//! everything else is told when to ask again, and nothing waits without an end.

use std::{sync::Arc, thread, time::Duration};

use serde_json::{Value, json};
use yufu::{
    base::{
        clock::{Clock, SystemClock},
        random::SeededRandom,
    },
    format::sdjwt::{HolderProof, PathPart, present},
    store::Caution,
};

use crate::{
    faulty::{Fault, Faults},
    support::{Answer, TestService, User, person, wallet::HeldCard},
};

const GATE: &str = "https://gate.example";
const VERIFICATIONS: &str = "/checkpoint/api/v1/verifications";

/// A service over a store that can be made to fail, with a card that was issued by it.
pub struct Stand {
    pub service: TestService,
    pub faults: Faults,
    pub admin: User,
    pub gate: User,
    pub card: HeldCard,
}

impl Stand {
    pub fn new() -> Self {
        let faults = Faults::default();
        let service = TestService::start_between(Arc::new(SeededRandom::new(7)), |_| {}, faults.between());
        let (admin, gate) = (service.admin(), service.checkpoint());
        let card = service.wallet(1).take_resident_id(&service, &person(1));
        Self { service, faults, admin, gate, card }
    }

    /// What the gate says of the card, under this policy.
    pub fn verify(&self, policy: &Value) -> Value {
        let name = |path: &[PathPart]| path == [PathPart::Name("family_name".to_owned())];
        let issued_at = self.service.clock.now();
        let proof = HolderProof { signer: &self.card.key, nonce: "n-1", audience: GATE, issued_at };
        let presentation = present(&self.card.credential, &name, Some(proof)).expect("the wallet presents");
        let body = json!({"presentation": presentation, "nonce": "n-1", "audience": GATE, "policy": policy});
        self.gate.post(VERIFICATIONS, &body).good(200)
    }

    pub fn revoke(&self) -> Answer {
        let path = format!("/admin/api/v1/credentials/{}/revoke", self.card.id);
        self.admin.post(&path, &json!({"reason": "lost"}))
    }

    pub fn ready(&self) -> (u16, Value) {
        let answer = self.service.anon().get("/health/ready");
        (answer.status, answer.json())
    }

    pub fn warns(&self, code: &str) -> bool {
        let (_, ready) = self.ready();
        ready["warnings"].as_array().expect("a list").iter().any(|warning| warning["code"] == code)
    }
}

/// What was refused for now, and when to ask again.
pub fn later(answer: &Answer, code: &str, seconds: &str) {
    answer.problem(503, code);
    assert_eq!(answer.header("retry-after"), seconds, "{code}");
}

#[test]
fn a_status_is_as_old_as_the_last_word_from_the_other_nodes_and_the_policy_says_what_then() {
    let stand = Stand::new();
    let now = stand.service.clock.now();
    let fresh = stand.verify(&json!({}));
    assert_eq!((&fresh["decision"], &fresh["status"]["age_seconds"]), (&json!("accepted"), &json!(0)));
    stand.faults.lag(Duration::from_millis(39_001));
    let old = stand.verify(&json!({}));
    assert_eq!((&old["decision"], &old["status"]["age_seconds"]), (&json!("accepted"), &json!(40)), "never younger than it is");
    assert_eq!(old["status"]["known_since"], now.plus_seconds(-40).to_string());
    assert_eq!(old["status"]["source"], "local");
    let amber = stand.verify(&json!({"max_status_age_seconds": 39}));
    assert_eq!((&amber["decision"], &amber["reason"]), (&json!("undetermined"), &json!("status_too_old")));
    let red = stand.verify(&json!({"max_status_age_seconds": 39, "when_status_too_old": "refused"}));
    assert_eq!((&red["decision"], &red["reason"]), (&json!("refused"), &json!("status_too_old_refused")));
    assert_eq!(stand.ready().1["lag_seconds"], 39.001);
    stand.revoke().good(200);
    let revoked = stand.verify(&json!({"max_status_age_seconds": 0}));
    assert_eq!(revoked["reason"], "credential_revoked", "bad news does not grow stale");
}

#[test]
fn a_database_that_is_gone_stops_issuing_and_revoking_and_not_the_gate() {
    let stand = Stand::new();
    stand.faults.store(Fault::Unavailable);
    stand.faults.cautions(&[Caution::Unreachable, Caution::FailoverMayLoseRevocations]);
    stand.faults.lag(Duration::from_secs(7));
    later(&stand.revoke(), "store_unavailable", "10");
    later(&stand.admin.post("/admin/api/v1/people", &person(2)), "store_unavailable", "10");
    assert_eq!(stand.verify(&json!({}))["decision"], "accepted");
    let (status, ready) = stand.ready();
    assert_eq!((status, &ready["status"], &ready["lag_seconds"]), (503, &json!("unreachable"), &json!(7.0)));
    for code in ["store_unreachable", "failover_may_lose_revocations"] {
        assert!(stand.warns(code), "{code} in {ready}");
    }
    for warning in ready["warnings"].as_array().expect("a list") {
        assert!(warning["message"]["zh-CN"].is_string() && warning["message"]["en"].is_string(), "{warning}");
    }
    stand.faults.store(Fault::None);
    stand.faults.cautions(&[Caution::LittleRoom]);
    assert_eq!((stand.ready().0, stand.warns("little_room")), (200, true), "a warning alone takes no node away");
    stand.revoke().good(200);
    assert_eq!(stand.verify(&json!({}))["reason"], "credential_revoked");
}

#[test]
fn a_store_that_hangs_lets_nobody_wait_without_an_end_and_loses_nothing_that_was_begun() {
    let stand = Stand::new();
    stand.faults.store(Fault::Hangs);
    let passed = SystemClock::new();
    // More than there are seats and places for late calls together.
    let answers: Vec<Answer> = thread::scope(|scope| {
        let calls: Vec<_> = (0..160)
            .map(|n| {
                scope.spawn({
                    let stand = &stand;
                    move || stand.admin.post("/admin/api/v1/people", &person(n + 10))
                })
            })
            .collect();
        let while_it_hangs = stand.verify(&json!({}));
        assert_eq!(while_it_hangs["decision"], "accepted", "the gate has seats of its own");
        calls.into_iter().map(|call| call.join().expect("an answer")).collect()
    });
    let patience = Faults::PATIENCE.seat + Faults::PATIENCE.answer;
    // Ten times for a machine that does much else.
    assert!(passed.monotonic() < 10 * patience, "{:?}", passed.monotonic());
    let told = |code: &str| answers.iter().filter(|answer| answer.json()["code"] == code).count();
    let (late, busy) = (told("late"), told("busy"));
    assert_eq!((late + busy, late <= 128), (160, true), "{late} late, {busy} busy");
    assert!(late >= 64, "{late}");
    answers.iter().filter(|answer| answer.json()["code"] == "late").for_each(|answer| later(answer, "late", "5"));
    answers.iter().filter(|answer| answer.json()["code"] == "busy").for_each(|answer| later(answer, "busy", "1"));
    assert!(stand.warns("calls_hang"));
    assert_eq!(stand.verify(&json!({}))["decision"], "accepted");
    // It goes on: what was begun is done, and done once.
    stand.faults.store(Fault::None);
    while stand.warns("calls_hang") {
        assert!(passed.monotonic() < Duration::from_secs(60), "late calls end once the store answers");
        thread::sleep(Duration::from_millis(10));
    }
    let found = (0..160).filter(|n| {
        let number = person(n + 10)["id_number"].as_str().expect("a number").to_owned();
        let found = stand.admin.get(&format!("/admin/api/v1/people?query={number}")).good(200);
        found["people"].as_array().expect("people").len() == 1
    });
    assert_eq!(found.count(), late, "what was late was done, what was turned away was not");
    stand.revoke().good(200);
}

#[test]
fn while_the_records_are_opened_the_gate_works_and_the_rest_is_told_to_come_in_a_second() {
    let stand = Stand::new();
    stand.faults.opening(true);
    stand.faults.store(Fault::Unavailable);
    let anon = stand.service.anon();
    later(&stand.revoke(), "opening", "1");
    later(&stand.admin.get("/admin/api/v1/people?query=x"), "opening", "1");
    let wallet = anon.post_form("/token", "grant_type=x");
    wallet.oauth(503, "temporarily_unavailable");
    assert_eq!(wallet.header("retry-after"), "1");
    assert_eq!(stand.verify(&json!({}))["decision"], "accepted");
    for path in ["/", "/health/live", "/status-lists", "/status-lists/1", "/log/checkpoint", "/trust-list"] {
        assert_eq!(anon.get(path).status, 200, "{path}");
    }
    let (status, ready) = stand.ready();
    assert_eq!((status, &ready["status"]), (503, &json!("opening")));
    stand.faults.opening(false);
    stand.faults.store(Fault::None);
    assert_eq!(stand.ready().0, 200);
    stand.revoke().good(200);
}

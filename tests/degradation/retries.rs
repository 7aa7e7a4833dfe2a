//! The answer is lost after the change was made (FT-13): who asks again is told precisely, and nothing is done twice.

use serde_json::{Value, json};
use yufu::base::clock::Clock;

use crate::{
    faulty::Fault,
    store::{Stand, later},
    support::person,
};

fn changes(stand: &Stand, to: &str) -> usize {
    let all = stand.admin.get("/admin/api/v1/events?limit=1000").good(200);
    let all = all["events"].as_array().expect("events").clone();
    all.iter().filter(|logged| logged["event"]["what"]["to"] == to).count()
}

#[test]
fn a_revocation_whose_answer_was_lost_is_asked_for_again_and_made_once() {
    let stand = Stand::new();
    stand.faults.store(Fault::AnswerLost);
    later(&stand.revoke(), "outcome_unknown", "5");
    stand.faults.store(Fault::None);
    assert_eq!(stand.verify(&json!({}))["reason"], "credential_revoked");
    assert_eq!(stand.revoke().good(200)["state"], "revoked");
    assert_eq!(changes(&stand, "revoked"), 1);
}

#[test]
fn a_suspension_whose_answer_was_lost_is_asked_for_again_and_made_once_and_another_one_is_another() {
    let stand = Stand::new();
    let path = format!("/admin/api/v1/credentials/{}", stand.card.id);
    let suspend = |body: &Value| stand.admin.post(&format!("{path}/suspend"), body);
    let order = json!({"reason": "lost", "until": stand.service.clock.now().plus_seconds(3600).to_string()});
    stand.faults.store(Fault::AnswerLost);
    later(&suspend(&order), "outcome_unknown", "5");
    stand.faults.store(Fault::None);
    assert_eq!(suspend(&order).good(200)["state"], "suspended");
    assert_eq!(changes(&stand, "suspended"), 1);
    suspend(&json!({"reason": "fraud"})).good(200);
    assert_eq!(changes(&stand, "suspended"), 2, "for another reason, and without an end");
    stand.faults.store(Fault::AnswerLost);
    let reinstate = || stand.admin.post(&format!("{path}/reinstate"), &json!({"reason": "found"}));
    later(&reinstate(), "outcome_unknown", "5");
    stand.faults.store(Fault::None);
    reinstate().problem(409, "card_not_suspended");
    assert_eq!(changes(&stand, "active"), 1);
}

#[test]
fn a_person_whose_registration_was_lost_on_the_way_back_is_there_once_and_found_by_number() {
    let stand = Stand::new();
    let person = person(3);
    stand.faults.store(Fault::AnswerLost);
    later(&stand.admin.post("/admin/api/v1/people", &person), "outcome_unknown", "5");
    stand.faults.store(Fault::None);
    stand.admin.post("/admin/api/v1/people", &person).problem(409, "person_exists");
    let number = person["id_number"].as_str().expect("a number");
    let found = stand.admin.get(&format!("/admin/api/v1/people?query={number}")).good(200);
    let found = found["people"].as_array().expect("people").clone();
    assert_eq!(found.len(), 1);
    // An offer whose answer was lost was shown to nobody: the next one is the only one that can be used.
    let id = found[0]["person_id"].as_str().expect("an id");
    let order = json!({"person_id": id, "credential_types": ["resident-id"], "tx_code": false});
    stand.faults.store(Fault::AnswerLost);
    later(&stand.admin.post("/admin/api/v1/offers", &order), "outcome_unknown", "5");
    stand.faults.store(Fault::None);
    stand.service.wallet(3).take(&stand.service, id, "resident-id");
    let cards = stand.admin.get(&format!("/admin/api/v1/credentials?person_id={id}")).good(200);
    assert_eq!(cards["credentials"].as_array().map(Vec::len), Some(1));
}

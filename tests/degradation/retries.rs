//! The answer is lost after the change was made (FT-13): who asks again is told precisely, and nothing is done twice.

use serde_json::json;

use crate::{
    faulty::Fault,
    store::{Stand, later},
};

#[test]
fn a_revocation_whose_answer_was_lost_is_asked_for_again_and_made_once() {
    let stand = Stand::new();
    let events = |what: &str| {
        let all = stand.admin.get("/admin/api/v1/events?limit=1000").good(200);
        let all = all["events"].as_array().expect("events").clone();
        all.iter().filter(|logged| logged["event"]["what"]["to"] == what).count()
    };
    stand.faults.store(Fault::AnswerLost);
    later(&stand.revoke(), "outcome_unknown", "5");
    stand.faults.store(Fault::None);
    assert_eq!(stand.verify(&json!({}))["reason"], "credential_revoked");
    assert_eq!(stand.revoke().good(200)["state"], "revoked");
    assert_eq!(events("revoked"), 1);
}

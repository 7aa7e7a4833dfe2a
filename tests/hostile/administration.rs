//! AD: what an operator, or a thief with an operator's token, can try, over HTTP.

use serde_json::json;
use yufu::model::party::Role;

use crate::support::{TestService, person};

/// The lines that are tested here; AD-07 is `tests/routes.rs` route by route, and here in one step.
pub const TESTED: &[&str] = &["AD-07", "AD-09", "AD-12", "X-03"];

const NOBODY: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

#[test]
fn a_role_cannot_raise_itself() {
    let service = TestService::start();
    let events = service.service().store().head().size;
    for role in [Role::Registrar, Role::Revoker, Role::Auditor, Role::Checkpoint] {
        let user = service.user(role);
        user.post("/admin/api/v1/tokens", &json!({"name": "more", "role": "administrator"})).problem(403, "forbidden");
        user.get("/admin/api/v1/tokens").problem(403, "forbidden");
    }
    assert_eq!(service.service().store().head().size, events + 4, "AD-07: the four tokens of the test and no other");
}

#[test]
fn revoking_what_is_not_there_changes_nothing() {
    let service = TestService::start();
    let (revoker, events) = (service.user(Role::Revoker), service.service().store().head().size);
    for id in [NOBODY, "0", "..%2f", "67E55044-10B1-426F-9247-BB680E5FE0C8"] {
        let answer = revoker.post(&format!("/admin/api/v1/credentials/{id}/revoke"), &json!({"reason": "lost"}));
        answer.problem(404, "not_found");
    }
    assert_eq!(service.service().store().head().size, events, "AD-09");
}

#[test]
fn numbers_in_requests_are_whole_and_small_enough() {
    let service = TestService::start();
    let gate = service.checkpoint();
    for age in ["1.5", "-1", "9007199254740993", "1e3", "\"60\""] {
        let body = format!(r#"{{"presentation":"a","nonce":"n","audience":"a","policy":{{"max_status_age_seconds":{age}}}}}"#);
        let json = [("content-type", "application/json")];
        let answer = gate.send("POST", "/checkpoint/api/v1/verifications", &json, body.as_bytes());
        let problem = answer.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], "/policy/max_status_age_seconds", "X-03: {age}");
    }
}

#[test]
fn searches_and_cursors_are_data_and_nothing_else() {
    let service = TestService::start();
    let admin = service.admin();
    admin.post("/admin/api/v1/people", &person(1)).good(201);
    admin.post("/admin/api/v1/people", &person(2)).good(201);
    for query in ["%27%20OR%201%3D1--", "%25", "*", "%7B%22%24gt%22%3A%22%22%7D", "..%2F", "%E6%B5%8B%00"] {
        let found = admin.get(&format!("/admin/api/v1/people?query={query}")).good(200);
        let all = found["people"].as_array().expect("people").len();
        // A query of marks only has no words, and no words ask for everybody.
        assert!(all == 0 || all == 2, "AD-12: {query}: {found}");
    }
    let first = admin.get("/admin/api/v1/people?limit=1").good(200);
    assert_eq!(first["people"].as_array().expect("people").len(), 1);
    let next = first["next"].as_str().expect("there is another page").to_owned();
    let second = admin.get(&format!("/admin/api/v1/people?limit=1&cursor={next}")).good(200);
    assert_ne!(second["people"][0]["person_id"], first["people"][0]["person_id"]);
    for cursor in ["AAAA", "_____w", &"A".repeat(400), "..", "a%00"] {
        let answer = admin.get(&format!("/admin/api/v1/people?cursor={cursor}"));
        assert!([200, 400].contains(&answer.status), "AD-12: {cursor}: {}", answer.status);
        let cards = admin.get(&format!("/admin/api/v1/credentials?cursor={cursor}"));
        assert!([200, 400].contains(&cards.status), "AD-12: {cursor}: {}", cards.status);
    }
    admin.post(&format!("/admin/api/v1/credentials/{NOBODY}/revoke"), &json!({"reason": "lost"})).problem(404, "not_found");
}

//! Admission by hand.

use serde_json::{Value, json};

use super::{
    gate::{DOUBTFUL_PASS, GOOD_PASS, Gate, path},
    text,
};

fn admit(gate: &Gate, view: &Value, reason: &str) -> super::support::Answer {
    gate.gate.post(&format!("{}/admission", path(view)), &json!({"reason": reason}))
}

fn admissions(gate: &Gate) -> Vec<Value> {
    let events = gate.service.admin().get("/admin/api/v1/events?limit=500").good(200);
    let events = events["events"].as_array().expect("events").iter().map(|logged| logged["event"].clone());
    events.filter(|event| event["what"]["type"] == "admitted_by_hand").collect()
}

#[test]
fn who_could_not_be_told_is_admitted_once_counted_and_not_named() {
    let gate = Gate::open(&json!({"use_cases": ["boarding"]}));
    let view = gate.decided(DOUBTFUL_PASS);
    let statement = &view["statement"];
    assert_eq!((&statement["decision"], &statement["reason"]), (&json!("undetermined"), &json!("boarding_pass_partial_match")));
    // The page forgets the result when it shows it; the officer still needs a moment.
    gate.gate.delete(&path(&view)).good(204);
    admit(&gate, &view, "because_i_say_so").problem(400, "invalid_request");
    let done = admit(&gate, &view, "boarding_name_variant").good(201);
    let expected = json!({
        "reason": "boarding_name_variant", "because": "boarding_pass_partial_match", "admitted_at": "2026-11-24T06:00:00Z",
    });
    assert_eq!(done, expected);
    admit(&gate, &view, "other").problem(409, "admitted_already");
    let events = admissions(&gate);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["actor"], json!({"kind": "operator", "token": gate.token_id}));
    let what = json!({
        "type": "admitted_by_hand", "use_case": "boarding", "reason": "boarding_name_variant",
        "because": "boarding_pass_partial_match",
    });
    assert_eq!(events[0]["what"], what);
    let metrics = gate.metrics();
    let admitted = r#"yufu_admissions_by_hand_total{use_case="boarding",reason="boarding_name_variant",because="boarding_pass_partial_match"} 1"#;
    let decided =
        r#"yufu_verifications_total{decision="undetermined",reason="boarding_pass_partial_match",use_case="boarding"} 1"#;
    for line in [admitted, decided] {
        assert!(metrics.lines().any(|found| found == line), "{line} in\n{metrics}");
    }
}

#[test]
fn what_was_accepted_refused_or_not_answered_is_not_admitted() {
    let gate = Gate::open(&json!({}));
    let open = gate.board(DOUBTFUL_PASS);
    admit(&gate, &open, "other").problem(404, "not_found");
    let asked = gate.fetch(&open);
    gate.answer(&asked);
    admit(&gate, &open, "other").problem(404, "not_found");
    let accepted = gate.decided(GOOD_PASS);
    assert_eq!(accepted["statement"]["decision"], "accepted");
    admit(&gate, &accepted, "supervisor_confirmed").problem(409, "not_undetermined");
    gate.service.revoke(&gate.card);
    let refused = gate.decided(DOUBTFUL_PASS);
    assert_eq!(refused["statement"]["reason"], "credential_revoked");
    for reason in ["supervisor_confirmed", "document_checked"] {
        admit(&gate, &refused, reason).problem(409, "not_undetermined");
    }
    assert_eq!(admissions(&gate), Vec::<Value>::new());
    // What nobody was shown becomes a decision to act on once it is.
    assert_eq!(gate.look(&open)["statement"]["decision"], "undetermined");
    admit(&gate, &open, "document_checked").good(201);
}

#[test]
fn an_admission_has_its_time() {
    let gate = Gate::open(&json!({}));
    let view = gate.decided(DOUBTFUL_PASS);
    gate.service.clock.advance(15 * 60);
    admit(&gate, &view, "other").problem(404, "not_found");
    assert!(text(&view["statement"]["checked_at"]).starts_with("2026-11-24T06:00:00"));
}

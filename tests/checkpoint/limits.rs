//! What an account may ask for, and who reads what came of it.

use serde_json::{Value, json};

use super::{
    gate::{Gate, PRESENTATIONS, checkpoint, path},
    support::{TestService, User},
    text, with,
};

fn query(service: &TestService, claims: &Value) -> Value {
    let vct = format!("{}/credential-types/resident-id", service.url());
    json!({"credentials": [
        {"id": "resident_id", "format": "dc+sd-jwt", "meta": {"vct_values": [vct]}, "claims": claims},
    ]})
}

#[test]
fn a_limited_account_asks_for_its_use_cases_and_for_no_more_than_they_register() {
    let service = TestService::start();
    let (gate, _) = checkpoint(&service, &json!({"use_cases": ["age-over-18", "boarding"]}));
    let name = query(&service, &json!([{"path": ["name"]}]));
    let birth_date = query(&service, &json!([{"path": ["name"]}, {"path": ["birth_date"]}]));
    let cases = [
        (json!({"use_case": "hotel-check-in"}), "use_case_not_allowed"),
        // Whether there is such a use case is not told.
        (json!({"use_case": "no-such-thing"}), "use_case_not_allowed"),
        (json!({"query": name}), "query_not_allowed"),
        (json!({"use_case": "boarding", "query": birth_date}), "asks_too_much"),
        (
            json!({"use_case": "boarding", "flow": "same_device", "redirect_uri": "https://gate.example/back"}),
            "redirect_uri_not_allowed",
        ),
        (json!({"use_case": "boarding", "flow": "dc_api", "origin": "https://gate.example"}), "origin_not_allowed"),
    ];
    for (order, code) in &cases {
        gate.post(PRESENTATIONS, order).problem(403, code);
    }
    gate.post(PRESENTATIONS, &json!({"use_case": "boarding"})).good(201);
    gate.post(PRESENTATIONS, &json!({"use_case": "boarding", "query": name})).good(201);
    let shown = gate.get("/checkpoint/api/v1/use-cases").good(200);
    let names: Vec<_> = shown["use_cases"].as_array().expect("use cases").iter().map(|case| text(&case["name"])).collect();
    assert_eq!(names, ["age-over-18", "boarding"]);
}

#[test]
fn where_answers_go_is_registered_octet_by_octet() {
    let service = TestService::start();
    let account = json!({"redirect_uris": ["https://gate.example/back"], "origins": ["https://gate.example"]});
    let (gate, _) = checkpoint(&service, &account);
    let same_device =
        |uri: &str| gate.post(PRESENTATIONS, &json!({"use_case": "age-over-18", "flow": "same_device", "redirect_uri": uri}));
    let browser =
        |origin: &str| gate.post(PRESENTATIONS, &json!({"use_case": "age-over-18", "flow": "dc_api", "origin": origin}));
    same_device("https://gate.example/back").good(201);
    same_device(&format!("{}/checkpoint", service.url())).good(201);
    for other in
        ["https://gate.example/back/", "https://gate.example/back?x", "https://gate.example/", "https://GATE.example/back"]
    {
        same_device(other).problem(403, "redirect_uri_not_allowed");
    }
    assert!(browser("https://gate.example").good(201)["dc_api"]["requests"].is_array());
    browser(&service.url()).good(201);
    for other in ["https://gate.example:8443", "https://gate.example/", "https://other.example"] {
        browser(other).problem(403, "origin_not_allowed");
    }
}

#[test]
fn an_order_that_makes_no_sense_is_refused_with_its_place_and_nothing_of_it_is_repeated() {
    let service = TestService::start();
    let gate = service.checkpoint();
    let cases = [
        (json!({}), "/use_case", "missing"),
        (json!({"use_case": "SECRET"}), "/use_case", "unknown_use_case"),
        (json!({"query": {"credentials": [{"id": "SECRET"}]}}), "/query", "invalid"),
        (json!({"query": "SECRET"}), "/query", "invalid"),
        (json!({"use_case": "boarding", "boarding_pass": "M1SECRET"}), "/boarding_pass", "invalid"),
        (json!({"use_case": "boarding", "flow": "SECRET"}), "/flow", "invalid"),
        (json!({"use_case": "boarding", "flight": {"date": "SECRET"}}), "/flight/date", "not_a_date"),
        (json!({"use_case": "boarding", "flow": "same_device"}), "/redirect_uri", "missing"),
        (json!({"use_case": "boarding", "redirect_uri": "https://SECRET.example/"}), "/redirect_uri", "not_asked_for"),
        (json!({"use_case": "boarding", "origin": "https://SECRET.example"}), "/origin", "not_asked_for"),
        (json!({"use_case": "boarding", "transaction_data": [{"type": "SECRET"}]}), "/transaction_data", "invalid"),
        (json!({"use_case": "boarding", "SECRET": 1}), "", "unknown"),
    ];
    for (order, pointer, code) in &cases {
        let answer = gate.post(PRESENTATIONS, order);
        let problem = answer.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], *pointer, "{order}: {problem}");
        assert_eq!(problem["errors"][0]["code"], *code, "{order}");
        assert!(!answer.text().contains("SECRET"), "{order}");
    }
}

/// Everything that can be done to a presentation.
fn tries(user: &User, path: &str) -> Vec<super::support::Answer> {
    let events = [("accept", "text/event-stream")];
    vec![
        user.get(path),
        user.get(&format!("{path}?wait=25")),
        user.get(&format!("{path}?response_code=x")),
        user.send("GET", path, &events, b""),
        user.put(&format!("{path}/boarding-pass"), &json!({"boarding_pass": super::gate::GOOD_PASS})),
        user.post(&format!("{path}/response"), &json!({"protocol": "openid4vp-v1-signed", "data": {}})),
        user.post(&format!("{path}/admission"), &json!({"reason": "other"})),
        user.delete(path),
    ]
}

#[test]
fn to_another_checkpoint_there_is_nothing_at_the_address_of_a_presentation() {
    let gate = Gate::open(&json!({}));
    let (other, _) = checkpoint(&gate.service, &json!({}));
    let view = gate.decided(super::gate::DOUBTFUL_PASS);
    let of_gate = tries(&other, &path(&view));
    let of_nobody = tries(&other, &format!("{PRESENTATIONS}/AAAAAAAAAAAAAAAAAAAAAA"));
    for (theirs, nobodys) in of_gate.iter().zip(&of_nobody) {
        theirs.problem(404, "not_found");
        assert_eq!((theirs.status, &theirs.body), (nobodys.status, &nobodys.body));
    }
    assert_eq!(gate.look(&view)["statement"], view["statement"], "the gate's own is as it was");
    gate.gate.delete(&path(&view)).good(204);
    for answer in tries(&gate.gate, &path(&view)).iter().take(6) {
        answer.problem(404, "not_found");
    }
}

#[test]
fn a_pass_comes_later_than_the_code_but_not_after_the_answer() {
    let gate = Gate::open(&json!({}));
    let view = gate.gate.post(PRESENTATIONS, &json!({"use_case": "boarding"})).good(201);
    assert_eq!(view["has_boarding_pass"], false);
    let address = format!("{}/boarding-pass", path(&view));
    let put = |pass: &str| gate.gate.put(&address, &json!({"boarding_pass": pass}));
    put("M1SECRET").problem(400, "invalid_request");
    let asked = gate.fetch(&view);
    assert_eq!(put(super::gate::GOOD_PASS).good(200)["has_boarding_pass"], true);
    gate.answer(&asked);
    assert_eq!(gate.look(&view)["statement"]["boarding"]["result"], "match");
    put(super::gate::GOOD_PASS).problem(409, "presentation_over");
}

#[test]
fn a_browsers_answer_is_of_the_protocol_that_was_asked_for_and_is_taken_once() {
    let gate = Gate::open(&json!({}));
    let cross = gate.gate.post(PRESENTATIONS, &json!({"use_case": "age-over-18"})).good(201);
    let answer = json!({"protocol": "openid4vp-v1-signed", "data": {"response": "x"}});
    gate.gate.post(&format!("{}/response", path(&cross)), &answer).problem(409, "presentation_over");
    let view = gate.gate.post(PRESENTATIONS, &json!({"use_case": "age-over-18", "flow": "dc_api"})).good(201);
    assert!(view.get("qr_svg").is_none());
    let address = format!("{}/response", path(&view));
    let other = with(answer.clone(), &json!({"protocol": "org-iso-mdoc"}));
    let problem = gate.gate.post(&address, &other).problem(400, "invalid_request");
    assert_eq!(problem["errors"][0]["pointer"], "/protocol");
    let taken = gate.gate.post(&address, &answer).good(200);
    assert_eq!((&taken["state"], &taken["statement"]["reason"]), (&json!("answered"), &json!("response_malformed")));
    gate.gate.post(&address, &answer).problem(409, "presentation_over");
}

#[test]
fn while_the_store_is_guarded_the_gates_go_on_within_their_limits() {
    let mut gate = Gate::open(&json!({"use_cases": ["boarding"]}));
    gate.service.stop();
    std::fs::remove_dir_all(gate.service.data().join("store")).expect("the records are removed");
    gate.service.start_again();
    gate.service.admin().get("/admin/api/v1/people").problem(503, "guarded");
    gate.gate.post(PRESENTATIONS, &json!({"use_case": "hotel-check-in"})).problem(403, "use_case_not_allowed");
    assert_eq!(gate.decided(super::gate::GOOD_PASS)["statement"]["decision"], "accepted");
    let doubtful = gate.decided(super::gate::DOUBTFUL_PASS);
    assert_eq!(doubtful["statement"]["decision"], "undetermined");
    // An admission has to stand in the log, which takes nothing now. It can be made up for until the time is over.
    let admission = format!("{}/admission", path(&doubtful));
    for _ in 0..2 {
        assert_eq!(gate.gate.post(&admission, &json!({"reason": "document_checked"})).status, 503);
    }
}

//! Several presentations in one call.

use serde_json::{Value, json};
use yufu::{
    base::{clock::Clock, limits::VERIFICATIONS_OF_CALL},
    crypto::Algorithm,
    format::sdjwt::{HolderProof, present},
};

use super::{
    support::{TestService, person, wallet::HeldCard},
    text,
};

const PATH: &str = "/checkpoint/api/v1/verifications";
const GATE: &str = "https://gate.example";

fn ask(service: &TestService, card: &HeldCard, nonce: &str) -> Value {
    let proof = HolderProof { signer: &card.key, nonce, audience: GATE, issued_at: service.clock.now() };
    let presentation = present(&card.credential, &|_| true, Some(proof)).expect("a presentation");
    json!({"presentation": presentation, "nonce": nonce, "audience": GATE})
}

#[test]
fn a_list_is_answered_in_its_order_each_as_if_it_had_come_alone() {
    for signing in Algorithm::ALL {
        let service = TestService::start_with(|config| config.identity.signing = signing);
        let wallet = service.wallet(1);
        let cards: Vec<_> = (1..4).map(|n| wallet.take_resident_id(&service, &person(n))).collect();
        service.revoke(&cards[1]);
        let gate = service.checkpoint();
        let mut asked: Vec<_> = (0..9).map(|n| ask(&service, &cards[n % 3], &format!("n-{n}"))).collect();
        // A forged one, another's nonce, and four that are no calls.
        let forged = text(&asked[3]["presentation"]).replacen('~', "A~", 1);
        asked[3]["presentation"] = forged.into();
        asked[5]["nonce"] = "n-4".into();
        asked.insert(2, json!({"presentation": "x", "nonce": "n", "audience": GATE, "polizy": 1}));
        asked.insert(4, json!({"presentation": "x"}));
        asked.insert(6, json!(7));
        asked.push(json!({"nonce": "n"}));
        let answers = gate.post(PATH, &Value::from(asked.clone())).good(200);
        let answers = answers.as_array().expect("a list");
        assert_eq!(answers.len(), asked.len());
        for (place, (asked, answer)) in asked.iter().zip(answers).enumerate() {
            let alone = gate.post(PATH, asked);
            if alone.status == 200 {
                assert_eq!(*answer, alone.json(), "{place}");
                continue;
            }
            // The same problem, in its place.
            let mut problem = alone.problem(400, "invalid_request");
            let pointer = format!("/{place}{}", text(&problem["errors"][0]["pointer"]));
            problem["errors"][0]["pointer"] = pointer.into();
            assert_eq!(*answer, problem, "{place}");
        }
        let reasons: Vec<_> = answers.iter().filter_map(|answer| answer["reason"].as_str()).collect();
        let expected = [
            "accepted",
            "credential_revoked",
            "accepted",
            "issuer_signature_invalid",
            "credential_revoked",
            "nonce_mismatch",
            "accepted",
            "credential_revoked",
            "accepted",
        ];
        assert_eq!(reasons, expected);
        assert_eq!(answers[4]["errors"][0]["pointer"], "/4/nonce");
    }
}

#[test]
fn a_list_has_so_many_members_and_is_no_way_round_the_bounds() {
    let service = TestService::start();
    let gate = service.checkpoint();
    gate.post(PATH, &json!([])).problem(400, "invalid_request");
    let one = json!({"presentation": "x", "nonce": "n", "audience": GATE});
    let full = gate.post(PATH, &Value::from(vec![one.clone(); VERIFICATIONS_OF_CALL])).good(200);
    let malformed = |answer: &Value| answer["reason"] == "presentation_malformed";
    assert!(full.as_array().is_some_and(|all| all.len() == VERIFICATIONS_OF_CALL && all.iter().all(malformed)));
    gate.post(PATH, &Value::from(vec![one; VERIFICATIONS_OF_CALL + 1])).problem(400, "invalid_request");
    // One alone is bounded as before, however much room a list has.
    let long = "x".repeat(600 * 1024);
    gate.post(PATH, &json!({"presentation": long, "nonce": "n", "audience": GATE})).problem(413, "body_too_large");
    let answers = gate.post(PATH, &json!([{"presentation": long, "nonce": "n", "audience": GATE}])).good(200);
    assert_eq!(answers[0]["reason"], "presentation_too_large");
    gate.post(PATH, &json!([{"presentation": "x".repeat(3 << 20)}])).problem(413, "body_too_large");
    let twice = gate.send("POST", PATH, &[("content-type", "application/json")], br#"[{"nonce":"a","nonce":"b"}]"#);
    twice.problem(400, "invalid_json");
    service.anon().post(PATH, &json!([])).problem(401, "unauthenticated");
    service.admin().post(PATH, &json!([])).problem(403, "forbidden");
}

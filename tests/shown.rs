//! A wallet without a line shows its card as QR codes, and a gate reads them, over HTTP.

mod support;

use serde_json::{Value, json};
use support::{
    TestService, User, person,
    wallet::{HeldCard, Wallet},
};
use yufu::{
    base::clock::Clock,
    format::{
        presentation_qr,
        sdjwt::{HolderProof, PathPart, present},
    },
};

const CODES: &str = "/checkpoint/api/v1/shown/codes";
const DECISIONS: &str = "/checkpoint/api/v1/shown/decisions";
const USE_CASE: &str = "age-over-18";

struct Hall {
    service: TestService,
    wallet: Wallet,
    card: HeldCard,
    gate: User,
}

impl Hall {
    fn new() -> Self {
        let service = TestService::start();
        let wallet = service.wallet(1);
        let card = wallet.take_resident_id(&service, &person(1));
        let gate = service.checkpoint();
        Self { service, wallet, card, gate }
    }

    /// The gate's code now, as the wallet reads it from the screen.
    fn code(&self, gate: &User) -> (String, String) {
        let shown = gate.post(CODES, &json!({"use_case": USE_CASE})).good(200);
        let mut parts = text(&shown["qr_text"]).splitn(4, ':');
        assert_eq!(parts.next(), Some("YG1"));
        let nonce = parts.next().expect("a nonce").to_owned();
        assert_eq!(parts.next(), Some(USE_CASE));
        let audience = parts.next().expect("an audience").to_owned();
        assert_eq!((&shown["code"], &shown["audience"]), (&json!(nonce), &json!(audience)));
        assert!(audience.starts_with(&self.service.url()) && text(&shown["qr_svg"]).contains("<svg"), "{shown}");
        (nonce, audience)
    }

    /// What the wallet shows with this nonce and audience: that its holder is of age.
    fn shown(&self, nonce: &str, audience: &str) -> Vec<String> {
        let of_age = |path: &[PathPart]| matches!(path, [_, PathPart::Name(age)] if age == "18");
        let proof = HolderProof { signer: &self.card.key, nonce, audience, issued_at: self.wallet.clock.now() };
        let presentation = present(&self.card.credential, &of_age, Some(proof)).expect("a presentation");
        presentation_qr::frames(&presentation).expect("it fits")
    }

    fn with_code(&self) -> Vec<String> {
        let (nonce, audience) = self.code(&self.gate);
        self.shown(&nonce, &audience)
    }

    fn without_code(&self) -> Vec<String> {
        self.shown("a nonce of the wallet's own", "urn:yufu:shown")
    }

    fn decided(&self, gate: &User, frames: &[String]) -> Value {
        gate.post(DECISIONS, &json!({"use_case": USE_CASE, "frames": frames})).good(200)
    }

    fn reason(&self, gate: &User, frames: &[String]) -> String {
        text(&self.decided(gate, frames)["statement"]["reason"]).to_owned()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not text: {value}"))
}

#[test]
fn a_card_shown_with_the_gates_code_is_green_once_and_red_after_revocation() {
    let hall = Hall::new();
    let frames = hall.with_code();
    let statement = hall.decided(&hall.gate, &frames)["statement"].clone();
    assert_eq!((text(&statement["decision"]), text(&statement["status"]["value"])), ("accepted", "valid"));
    assert_eq!(statement["credential"]["claims"], json!({"age_equal_or_over": {"18": true}}));
    assert_eq!(hall.reason(&hall.gate, &frames), "presentation_replayed");
    assert_eq!(hall.reason(&hall.service.checkpoint(), &hall.with_code()), "nonce_mismatch");
    hall.service.revoke(&hall.card);
    hall.service.clock.advance(1);
    assert_eq!(hall.reason(&hall.gate, &hall.with_code()), "credential_revoked");
}

#[test]
fn a_stale_code_is_refused_and_a_restart_does_not_bring_it_back() {
    let mut hall = Hall::new();
    let (nonce, audience) = hall.code(&hall.gate);
    hall.service.restart();
    assert_eq!(hall.reason(&hall.gate, &hall.shown(&nonce, &audience)), "accepted");
    hall.service.clock.advance(60);
    assert_eq!(hall.reason(&hall.gate, &hall.shown(&nonce, &audience)), "nonce_mismatch");
}

#[test]
fn a_card_shown_without_a_code_is_amber_and_the_officer_may_admit_by_hand() {
    let hall = Hall::new();
    let decided = hall.decided(&hall.gate, &hall.without_code());
    let statement = &decided["statement"];
    assert_eq!((text(&statement["decision"]), text(&statement["reason"])), ("undetermined", "shown_without_request"));
    let admission = format!("/checkpoint/api/v1/presentations/{}/admission", text(&decided["id"]));
    let known = hall.gate.get("/checkpoint/api/v1/use-cases").good(200);
    let reason = json!({"reason": known["by_hand"]["reasons"][0]["code"]});
    hall.service.checkpoint().post(&admission, &reason).problem(404, "not_found");
    let admitted = hall.gate.post(&admission, &reason).good(201);
    assert_eq!(admitted["because"], "shown_without_request");
    hall.gate.post(&admission, &reason).problem(409, "admitted_already");
}

#[test]
fn what_cannot_be_read_is_said_by_its_place_and_takes_nothing() {
    let hall = Hall::new();
    let frames = hall.with_code();
    hall.service.clock.advance(1);
    let others = hall.with_code();
    let wrong = |body: Value, pointer: &str, code: &str| {
        let problem = hall.gate.post(DECISIONS, &body).problem(400, "invalid_request");
        assert_eq!((&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]), (&json!(pointer), &json!(code)));
    };
    let with = |frames: &[String]| json!({"use_case": USE_CASE, "frames": frames});
    wrong(with(&[]), "/frames", "not_frames");
    wrong(with(&[PASS.to_owned()]), "/frames", "not_frames");
    wrong(with(&frames[1..]), "/frames", "incomplete");
    wrong(with(&[&frames[..1], &others[1..]].concat()), "/frames", "mixed");
    wrong(with(&["YF1:1/1/00000000:ABC".to_owned()]), "/frames", "damaged");
    wrong(with(&[format!("YF1:1/1/00000000:{}", "A".repeat(600))]), "/frames", "too_large");
    wrong(json!({"use_case": "flying", "frames": frames}), "/use_case", "unknown_use_case");
    wrong(json!({"use_case": "freight-driver", "frames": frames}), "/use_case", "no_qr_codes");
    wrong(json!({"use_case": "boarding", "frames": frames, "boarding_pass": "M1"}), "/boarding_pass", "invalid");
    wrong(json!({"use_case": USE_CASE, "frames": frames, "boarding_pass": PASS}), "/boarding_pass", "invalid");
    let many = vec!["A".repeat(600); 100];
    hall.gate.post(DECISIONS, &with(&many)).problem(413, "body_too_large");
    assert_eq!(hall.reason(&hall.gate, &[&frames[..], &frames[..1]].concat()), "accepted");
}

const PASS: &str = "M1YU/XIAOFU           EABC123 KWECANCZ 3456 328Y012A0001 100";

#[test]
fn a_checkpoint_that_is_limited_gets_neither_code_nor_decision_for_another_use_case() {
    let hall = Hall::new();
    let account = json!({"name": "gate 12", "role": "checkpoint", "use_cases": ["boarding"]});
    let made = hall.service.admin().post("/admin/api/v1/tokens", &account).good(201);
    let limited = hall.service.with_token(text(&made["token"]));
    limited.post(CODES, &json!({"use_case": USE_CASE})).problem(403, "use_case_not_allowed");
    let order = json!({"use_case": USE_CASE, "frames": hall.without_code()});
    limited.post(DECISIONS, &order).problem(403, "use_case_not_allowed");
    limited.post(CODES, &json!({"use_case": "boarding"})).good(200);
}

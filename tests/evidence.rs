//! Evidence of decisions: who reads it, what of it lies on the disk, and that nobody opens it once its time is over.

mod support;

use std::{fs, path::Path, sync::Arc};

use serde_json::{Map, Value, json};
use support::{BEGIN, TestService, User};
use yufu::{
    app::{config::Config, wire::Service},
    base::{base64url, clock::ManualClock, random::SeededRandom, time::Timestamp},
    http::server::EndsBy,
    model::{
        event::What,
        ids::{EvidenceId, TokenId},
        party::Role,
        reason::ReasonCode,
        record::{Key, Record},
        statement::{CredentialPart, EvidencePart, Presented, Statement, StatusPart},
    },
    verification::evidence::{KeepError, Keeping},
};

const DAY: u64 = 24 * 3600;
const NAME: &str = "欧阳美玲";
const NUMBER: &str = "52010219900307999X";
const PORTRAIT: &str = "data:image/jpeg;base64,c3ludGhldGljIHBvcnRyYWl0IG9mIG5vYm9keSBhdCBhbGw";
const PRESENTATION: &str = "eyJhbGciOiJFUzI1NiJ9.not-a-real-one.AAAA~WyJzYWx0IiwibmFtZSIsIuasp-mYs-e-jueOsiJd~";

fn statement() -> Statement {
    let claims = json!({"name": NAME, "id_number": NUMBER, "portrait": PORTRAIT});
    let credential = CredentialPart {
        format: "dc+sd-jwt".to_owned(),
        credential_type: "https://issuer.example/credential-types/resident-id".to_owned(),
        issuer: "https://issuer.example".to_owned(),
        valid_from: None,
        valid_until: None,
        claims: claims.as_object().cloned().expect("an object"),
    };
    let presented = Presented {
        query_id: Some("id".to_owned()),
        credential: Some(credential),
        status: StatusPart::UNKNOWN,
        checks: Vec::new(),
    };
    Statement::of_one(ReasonCode::Accepted, presented, BEGIN)
}

/// A service, a checkpoint of it, and the checkpoint's token.
struct Gate {
    service: TestService,
    user: User,
    token: TokenId,
}

impl Gate {
    fn open() -> Self {
        let service = TestService::start();
        let order = json!({"name": "gate 12", "role": "checkpoint"});
        let made = service.admin().post("/admin/api/v1/tokens", &order).good(201);
        let text = |member: &str| made[member].as_str().expect("text").to_owned();
        let user = service.with_token(&text("token"));
        Self { token: text("id").parse().expect("an identifier"), user, service }
    }

    fn try_keep(&self, days: u16) -> (Statement, Result<EvidenceId, KeepError>) {
        let mut statement = statement();
        let keeping = Keeping { checkpoint: self.token, use_case: "hotel-check-in", days };
        let presentation = json!({"id": [PRESENTATION]});
        let kept = self.service.service().evidence().keep(keeping, &mut statement, presentation);
        (statement, kept)
    }

    fn keep(&self, days: u16) -> EvidenceId {
        self.try_keep(days).1.expect("it is kept")
    }

    fn events(&self) -> Vec<What> {
        let store = self.service.service().store();
        store.events(1, 1_000).expect("they are read").into_iter().map(|logged| logged.event.what).collect()
    }
}

fn own(id: EvidenceId) -> String {
    format!("/checkpoint/api/v1/evidence/{id}")
}

fn any(id: EvidenceId) -> String {
    format!("/admin/api/v1/evidence/{id}")
}

#[test]
fn a_checkpoint_and_an_auditor_read_it_and_each_reading_is_an_event() {
    let gate = Gate::open();
    let (statement, kept) = gate.try_keep(30);
    let id = kept.expect("it is kept");
    let until = yufu::base::time::Date::parse("2026-12-24").expect("a date");
    assert_eq!(statement.evidence, Some(EvidencePart { id: Some(id), kept_until: Some(until), error: None }));
    let read = gate.user.get(&own(id));
    assert_eq!(read.header("cache-control"), "no-store");
    let read = read.good(200);
    let expected = json!({
        "id": id.to_string(), "checkpoint": gate.token.to_string(), "use_case": "hotel-check-in",
        "kept_at": "2026-11-24T06:00:00Z", "kept_until": "2026-12-24",
        "statement": serde_json::to_value(&statement).expect("JSON"), "presentation": {"id": [PRESENTATION]},
    });
    assert_eq!(read, expected);
    assert_eq!(read["statement"]["evidence"], json!({"id": id.to_string(), "kept_until": "2026-12-24", "error": null}));
    assert_eq!(gate.service.user(Role::Auditor).get(&any(id)).good(200), expected);
    let use_case = "hotel-check-in".to_owned();
    let opened = What::EvidenceOpened { evidence: id, use_case: use_case.clone() };
    let of_evidence = gate.events().into_iter().filter(|what| !matches!(what, What::TokenCreated { .. }));
    let of_evidence: Vec<_> = of_evidence.skip(1).collect();
    assert_eq!(of_evidence, [What::EvidenceKept { evidence: id, use_case, until }, opened.clone(), opened]);
}

#[test]
fn nobody_else_reads_it_and_trying_leaves_no_event() {
    let gate = Gate::open();
    let id = gate.keep(30);
    let (other, registrar) = (gate.service.checkpoint(), gate.service.registrar());
    let auditor = gate.service.user(Role::Auditor);
    let before = gate.events();
    let unknown = "67e55044-10b1-426f-9247-bb680e5fe0c8".parse().expect("an identifier");
    let (refused, none) = (other.get(&own(id)), other.get(&own(unknown)));
    refused.problem(404, "not_found");
    none.problem(404, "not_found");
    other.get(&any(id)).problem(403, "forbidden");
    registrar.get(&any(id)).problem(403, "forbidden");
    registrar.get(&own(id)).problem(403, "forbidden");
    auditor.get(&own(id)).problem(403, "forbidden");
    auditor.get(&any(unknown)).problem(404, "not_found");
    gate.service.anon().get(&any(id)).problem(401, "unauthenticated");
    assert_eq!(gate.events(), before);
}

/// Every file below a folder that holds one of the texts, as it is or in base64url.
fn files_with(folder: &Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_with(&path, texts));
            continue;
        }
        let bytes = fs::read(&path).expect("a file");
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        for text in texts {
            // Where it stands in what was encoded decides how its letters come out: one of three ways.
            let inner = (0..3).map(|shift| base64url::encode(&text.as_bytes()[shift..]));
            if holds(text.as_bytes()) || inner.into_iter().any(|inner| holds(&inner.as_bytes()[..inner.len() / 4 * 4 - 4])) {
                found.push(format!("{}: {text}", path.display()));
            }
        }
    }
    found
}

#[test]
fn nothing_of_it_lies_in_clear_on_the_disk() {
    let mut gate = Gate::open();
    let id = gate.keep(30);
    gate.user.get(&own(id)).good(200);
    gate.service.stop();
    let texts = [NAME, NUMBER, PORTRAIT, PRESENTATION];
    assert_eq!(files_with(&gate.service.data(), &texts), Vec::<String>::new());
    assert_eq!(files_with(&gate.service.keys(), &texts), Vec::<String>::new());
    // The search finds what is there.
    fs::write(gate.service.data().join("planted"), format!("x{}", base64url::encode(format!("..{NUMBER}.."))))
        .expect("written");
    fs::write(gate.service.data().join("planted too"), format!("xx{NAME}")).expect("written");
    assert_eq!(files_with(&gate.service.data(), &[NAME, NUMBER]).len(), 2);
}

#[test]
fn after_its_last_day_it_is_destroyed_and_what_is_kept_longer_stays() {
    let gate = Gate::open();
    let (short, long) = (gate.keep(1), gate.keep(2));
    let key = |day: &str| gate.service.keys().join("evidence").join(format!("{day}.key"));
    assert!(key("2026-11-25").exists() && key("2026-11-26").exists());
    // To the last second of the last day.
    gate.service.clock.set_wall(Timestamp::parse_rfc3339("2026-11-25T23:59:59Z").expect("a time"));
    gate.service.service().tick();
    gate.user.get(&own(short)).good(200);
    gate.service.clock.advance(1);
    gate.user.get(&own(short)).problem(410, "evidence_destroyed");
    gate.service.service().tick();
    gate.user.get(&own(short)).problem(404, "not_found");
    assert!(!key("2026-11-25").exists() && key("2026-11-26").exists());
    gate.user.get(&own(long)).good(200);
    let destroyed: Vec<_> = gate.events().into_iter().filter(|what| matches!(what, What::EvidenceDestroyed { .. })).collect();
    assert_eq!(destroyed, [What::EvidenceDestroyed { evidence: short, use_case: "hotel-check-in".to_owned() }]);
    gate.service.service().tick();
    assert_eq!(gate.events().iter().filter(|what| matches!(what, What::EvidenceDestroyed { .. })).count(), 1);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}

#[test]
fn a_copy_of_the_data_made_before_does_not_open_it_even_with_the_clock_set_back() {
    let mut gate = Gate::open();
    let id = gate.keep(1);
    gate.service.stop();
    let old = gate.service.folder_for("a copy of the data");
    copy(&gate.service.data(), &old);
    let start = |data: &Path, gate: &Gate| {
        let mut config = Config::alone_in(data.to_owned(), gate.service.keys());
        config.identity.public_url = Some(gate.user.url.parse().expect("a URL"));
        let clock = Arc::new(ManualClock::at(BEGIN));
        Service::start(&config, clock, Arc::new(SeededRandom::new(8)), EndsBy::Call).expect("it starts")
    };
    let read = |service: &Service, gate: &Gate| {
        let mut user = gate.user.clone();
        user.url = format!("http://{}", service.address().expect("it listens"));
        user.get(&own(id))
    };
    // While the key is there, the copy opens it.
    let service = start(&old, &gate);
    read(&service, &gate).good(200);
    drop(service);

    gate.service.start_again();
    gate.service.clock.advance(3 * DAY);
    gate.service.service().tick();
    gate.user.get(&own(id)).problem(404, "not_found");
    gate.service.stop();
    let service = start(&old, &gate);
    read(&service, &gate).problem(410, "evidence_destroyed");
    let record = service.store().get(&Key::Evidence(id)).expect("it is read").expect("the copy has the record").value;
    assert!(matches!(record, Record::Evidence(record) if record.sealed.len() > PORTRAIT.len()), "sealed bytes are still there");
}

#[test]
fn where_it_cannot_be_kept_the_statement_says_so_and_nothing_is_half_kept() {
    let gate = Gate::open();
    fs::write(gate.service.keys().join("evidence"), "a file in the way").expect("written");
    let before = gate.events();
    let (statement, kept) = gate.try_keep(30);
    assert!(matches!(kept, Err(KeepError::Key(_))), "{kept:?}");
    assert_eq!(
        serde_json::to_value(&statement).expect("JSON")["evidence"],
        json!({"id": null, "kept_until": null, "error": "key_not_written"})
    );
    assert_eq!(statement.reason, ReasonCode::Accepted, "the decision stays");
    assert_eq!(gate.events(), before);
}

#[test]
fn a_key_of_another_day_or_one_that_is_lost_opens_nothing() {
    let gate = Gate::open();
    let (one, two) = (gate.keep(1), gate.keep(2));
    let key = |day: &str| gate.service.keys().join("evidence").join(format!("{day}.key"));
    fs::copy(key("2026-11-26"), key("2026-11-25")).expect("copied");
    gate.user.get(&own(one)).problem(503, "evidence_unreadable");
    fs::remove_file(key("2026-11-26")).expect("lost");
    gate.user.get(&own(two)).problem(410, "evidence_destroyed");
    assert!(!gate.events().iter().any(|what| matches!(what, What::EvidenceOpened { .. })), "what was not shown is no event");
}

#[test]
fn a_statement_without_evidence_does_not_mention_it() {
    let written: Map<String, Value> = match serde_json::to_value(statement()) {
        Ok(Value::Object(members)) => members,
        other => panic!("{other:?}"),
    };
    assert!(!written.contains_key("evidence"));
}

/// A guest with a portrait on the card.
fn guest() -> Value {
    let mut guest = support::person(7);
    guest["portrait"] = "data:image/jpeg;base64,/9j/c3ludGhldGljIHBvcnRyYWl0IG9mIG5vYm9keSBhdCBhbGw=".into();
    guest
}

/// Checks in with a wallet; gives the presentation as its checkpoint sees it.
fn check_in(service: &TestService, hotel: &User, order: Value) -> Value {
    let wallet = service.wallet(3);
    let card = wallet.take_resident_id(service, &guest());
    let begun = hotel.post("/checkpoint/api/v1/presentations", &order).good(201);
    let asked = wallet.open(begun["authorization_request"].as_str().expect("a link"));
    wallet.answer(&asked, &[("resident_id", &card)]).good(200);
    hotel.get(&format!("/checkpoint/api/v1/presentations/{}", begun["id"].as_str().expect("an id"))).good(200)
}

#[test]
fn a_check_in_is_kept_for_thirty_days_and_nothing_of_it_lies_in_clear() {
    let mut service = TestService::start();
    let hotel = service.checkpoint();
    let order = json!({"use_case": "hotel-check-in", "flow": "cross_device", "signed": true});
    let seen = check_in(&service, &hotel, order);
    let statement = &seen["statement"];
    assert_eq!(statement["decision"], "accepted", "{statement}");
    assert_eq!(statement["evidence"]["kept_until"], "2026-12-24");
    let path = format!("/checkpoint/api/v1/evidence/{}", statement["evidence"]["id"].as_str().expect("an id"));
    let kept = hotel.get(&path).good(200);
    assert_eq!(&kept["statement"], statement);
    assert_eq!(kept["use_case"], "hotel-check-in");
    let presentation = kept["presentation"]["resident_id"][0].as_str().expect("a presentation").to_owned();
    assert!(presentation.contains('~') && presentation.matches('.').count() >= 2, "{presentation}");

    // Somebody who was given the signed one checks it with the root alone.
    let signed = seen["signed_statement"].as_str().expect("a JWS");
    let anchors = yufu::keyring::anchors(&service.keys()).expect("the root");
    let checked = yufu::verification::signed_statement::check(signed, &anchors, BEGIN).expect("it is good");
    assert_eq!((checked.issuer, checked.issued_at), (service.url(), BEGIN));
    assert_eq!(&serde_json::to_value(checked.statement).expect("JSON"), statement);

    let who = guest();
    service.stop();
    let texts = ["id_number", "portrait"].map(|member| who[member].as_str().expect("text"));
    let texts = [texts[0], texts[1], "测试员", &presentation];
    assert_eq!(files_with(&service.data(), &texts), Vec::<String>::new());
    service.start_again();
    hotel.get(&path).good(200);
    service.clock.advance(31 * DAY);
    service.service().tick();
    hotel.get(&path).problem(404, "not_found");
}

#[test]
fn a_use_case_that_keeps_nothing_keeps_nothing_and_signs_nothing_unasked() {
    let service = TestService::start();
    let hotel = service.checkpoint();
    let seen = check_in(&service, &hotel, json!({"use_case": "security-check", "flow": "cross_device"}));
    assert_eq!(seen["statement"]["decision"], "accepted", "{seen}");
    assert!(seen["statement"].get("evidence").is_none());
    assert!(seen.get("signed_statement").is_none_or(Value::is_null));
    let events = service.service().store().events(1, 1_000).expect("they are read");
    assert!(!events.iter().any(|logged| matches!(logged.event.what, What::EvidenceKept { .. })));
    assert!(!service.keys().join("evidence").exists());
}

#[test]
fn where_the_key_cannot_be_written_the_guest_is_checked_in_and_the_statement_says_what_is_missing() {
    let service = TestService::start();
    fs::write(service.keys().join("evidence"), "a file in the way").expect("written");
    let hotel = service.checkpoint();
    let seen = check_in(&service, &hotel, json!({"use_case": "hotel-check-in", "flow": "cross_device"}));
    assert_eq!(seen["statement"]["decision"], "accepted");
    assert_eq!(seen["statement"]["evidence"], json!({"id": null, "kept_until": null, "error": "key_not_written"}));
}

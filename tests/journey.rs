//! Whole lives over HTTP: what one audience does, the others see, and neither a restart nor a year undoes it.

mod support;

use std::{fs, path::Path};

use serde_json::{Map, Value, json};
use support::{TestService, User, person};
use yufu::{
    app::wire::repair,
    base::random::SeededRandom,
    crypto::{Algorithm, Signer, SoftwareKey, jws},
    format::{
        sdjwt::{HolderProof, PathPart, present},
        status,
    },
};

const GATE: &str = "https://gate-12.longdongbao.example";
const YEAR: u64 = 365 * 24 * 3600;

/// A wallet with one card.
struct Wallet {
    key: SoftwareKey,
    credential: String,
    card: String,
    service_now: yufu::base::clock::ManualClock,
}

/// Registers a person, offers the card with a transaction code, and takes it as a wallet does.
fn issued(service: &TestService, sequence: u16, algorithm: Algorithm) -> Wallet {
    let admin = service.admin();
    let person_id = admin.post("/admin/api/v1/people", &person(sequence)).good(201)["person_id"].clone();
    let order = json!({"person_id": person_id, "credential_types": ["resident-id"], "tx_code": true});
    let offered = admin.post("/admin/api/v1/offers", &order).good(201);
    let code =
        &offered["credential_offer"]["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"]["pre-authorized_code"];
    let form = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:pre-authorized_code&pre-authorized_code={}&tx_code={}",
        text(code),
        text(&offered["tx_code"])
    );
    let wallet = service.anon();
    let token = wallet.post_form("/token", &form).good(200);
    let nonce = wallet.send("POST", "/nonce", &[], b"").good(200);
    let key = SoftwareKey::generate(algorithm, &SeededRandom::new(u64::from(sequence)));
    let proof = proof(&key, &service.url(), text(&nonce["c_nonce"]), service);
    let request = json!({"credential_configuration_id": "resident-id", "proofs": {"jwt": [proof]}});
    let answer = service.with_token(text(&token["access_token"])).post("/credential", &request).good(200);
    let cards = admin.get(&format!("/admin/api/v1/credentials?person_id={}", text(&person_id))).good(200);
    Wallet {
        key,
        credential: text(&answer["credentials"][0]["credential"]).to_owned(),
        card: text(&cards["credentials"][0]["id"]).to_owned(),
        service_now: service.clock.clone(),
    }
}

fn proof(key: &SoftwareKey, issuer: &str, nonce: &str, service: &TestService) -> String {
    use yufu::base::clock::Clock;
    let header =
        Map::from_iter([("typ".to_owned(), json!("openid4vci-proof+jwt")), ("jwk".to_owned(), key.public_key().to_jwk())]);
    let claims = json!({"aud": issuer, "iat": service.clock.now().unix(), "nonce": nonce});
    jws::sign(header, claims.as_object().expect("an object"), key).expect("a software key signs")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not text: {value}"))
}

impl Wallet {
    fn shown(&self, nonce: &str) -> String {
        use yufu::base::clock::Clock;
        let name_only = |path: &[PathPart]| path == [PathPart::Name("name".to_owned())];
        let proof = HolderProof { signer: &self.key, nonce, audience: GATE, issued_at: self.service_now.now() };
        present(&self.credential, &name_only, Some(proof)).expect("the wallet presents")
    }

    /// Shows the card at the gate; gives decision and reason.
    fn at(&self, gate: &User) -> (String, String) {
        let statement = self.statement(gate);
        (text(&statement["decision"]).to_owned(), statement["reason"].as_str().unwrap_or_default().to_owned())
    }

    fn statement(&self, gate: &User) -> Value {
        let body = json!({"presentation": self.shown("n-1"), "nonce": "n-1", "audience": GATE});
        gate.post("/checkpoint/api/v1/verifications", &body).good(200)
    }

    /// The value that the published list has for this card.
    fn published(&self, service: &TestService) -> u8 {
        let jwt = self.credential.split('~').next().expect("an SD-JWT begins with a JWT");
        let claims = jws::Unverified::parse(jwt, &["dc+sd-jwt"]).and_then(|jws| jws.dangerous_unverified_claims());
        let reference = status::StatusReference::read(&claims.expect("a JWS")).expect("a good reference").expect("a status");
        let path = reference.uri.strip_prefix(&service.url()).expect("our list").to_owned();
        let token = service.anon().get(&path);
        assert_eq!((token.status, token.header("content-type")), (200, "application/statuslist+jwt"));
        let payload = token.text();
        let claims =
            jws::Unverified::parse_within(&payload, &[status::TYPE], 1 << 21).and_then(|jws| jws.dangerous_unverified_claims());
        let list = claims.expect("a JWS")["status_list"]["lst"].clone();
        let packed = yufu::base::base64url::decode(text(&list)).expect("base64url");
        let packed = status::inflate(&packed, 1 << 20).expect("zlib");
        status::StatusList::from_packed(status::Bits::Two, packed).value(reference.index).expect("in the list")
    }
}

fn change(user: &User, wallet: &Wallet, verb: &str, body: &Value) -> Value {
    user.post(&format!("/admin/api/v1/credentials/{}/{verb}", wallet.card), body).good(200)
}

fn said(decision: &str, reason: &str) -> (String, String) {
    (decision.to_owned(), reason.to_owned())
}

#[test]
fn a_card_lives_from_its_offer_to_its_end_and_a_restart_changes_nothing() {
    let mut service = TestService::start();
    let gate_token = service.checkpoint().token.expect("a token");
    for (sequence, algorithm) in [(1, Algorithm::Es256), (2, Algorithm::Ed25519)] {
        let wallet = issued(&service, sequence, algorithm);
        let (admin, gate) = (service.admin(), service.with_token(&gate_token));
        let statement = wallet.statement(&gate);
        assert_eq!(statement["decision"], "accepted", "{statement}");
        assert_eq!(statement["credential"]["claims"]["name"], "测试员");
        assert_eq!(statement["credential"]["claims"].get("id_number"), None, "what was not shown is not known");
        assert_eq!(statement["status"]["source"], "local");
        assert_eq!(wallet.published(&service), 0);

        assert_eq!(
            change(&admin, &wallet, "suspend", &json!({"reason": "lost", "note": "at the station"}))["state"],
            "suspended"
        );
        assert_eq!(wallet.at(&gate), said("refused", "credential_suspended"));
        service.service().tick();
        assert_eq!(wallet.published(&service), 2);

        assert_eq!(change(&admin, &wallet, "reinstate", &json!({"reason": "found"}))["state"], "active");
        assert_eq!(wallet.at(&gate).0, "accepted");

        assert_eq!(change(&admin, &wallet, "revoke", &json!({"reason": "stolen"}))["state"], "revoked");
        assert_eq!(wallet.at(&gate), said("refused", "credential_revoked"));
        let again = change(&admin, &wallet, "revoke", &json!({"reason": "fraud"}));
        assert_eq!(again["history"].as_array().map(Vec::len), Some(4), "a second revocation changes nothing: {again}");
        let path = format!("/admin/api/v1/credentials/{}/reinstate", wallet.card);
        assert_eq!(admin.post(&path, &json!({"reason": "error"})).status, 409, "revoked is final");

        service.restart();
        assert_eq!(wallet.at(&service.with_token(&gate_token)), said("refused", "credential_revoked"));
        assert_eq!(wallet.published(&service), 1);
        let card = service.admin().get(&format!("/admin/api/v1/credentials/{}", wallet.card)).good(200);
        assert_eq!(card["state"], "revoked");
        assert_eq!(card["history"][1]["note"], "at the station");
    }
}

#[test]
fn a_suspension_ends_on_its_date_and_a_card_with_its_validity() {
    let service = TestService::start();
    let (admin, gate) = (service.admin(), service.checkpoint());
    let wallet = issued(&service, 3, Algorithm::Es256);
    use yufu::base::clock::Clock;
    let until = service.clock.now().plus_seconds(3600).to_string();
    change(&admin, &wallet, "suspend", &json!({"reason": "lost", "until": until}));
    service.service().tick();
    assert_eq!(wallet.at(&gate), said("refused", "credential_suspended"));
    service.clock.advance(3601);
    service.service().tick();
    assert_eq!(wallet.at(&gate).0, "accepted");
    service.clock.advance(YEAR);
    assert_eq!(wallet.at(&gate), said("refused", "credential_expired"));
}

#[test]
fn who_has_died_has_no_good_card_any_more() {
    let service = TestService::start();
    let (admin, gate) = (service.admin(), service.checkpoint());
    let wallet = issued(&service, 4, Algorithm::Es256);
    let people = admin.get(&format!("/admin/api/v1/people?query={}", text(&person(4)["id_number"]))).good(200);
    let id = text(&people["people"][0]["person_id"]).to_owned();
    let mut dead = person(4);
    dead["state"] = json!("deceased");
    admin.put(&format!("/admin/api/v1/people/{id}"), &dead).good(200);
    assert_eq!(wallet.at(&gate), said("refused", "credential_revoked"));
    let offer = json!({"person_id": id, "credential_types": ["resident-id"]});
    assert_eq!(admin.post("/admin/api/v1/offers", &offer).status / 100, 4, "no card is offered to a dead person");
}

#[test]
fn a_store_that_lost_its_records_still_refuses_what_was_revoked_and_works_again_after_a_repair() {
    let mut service = TestService::start();
    let gate_token = service.checkpoint().token.expect("a token");
    let (revoked, good) = (issued(&service, 5, Algorithm::Es256), issued(&service, 6, Algorithm::Es256));
    change(&service.admin(), &revoked, "revoke", &json!({"reason": "stolen"}));
    service.stop();
    fs::remove_dir_all(service.data().join("store")).expect("the records are there");
    service.start_again();

    let gate = service.with_token(&gate_token);
    assert_eq!(revoked.at(&gate), said("refused", "credential_revoked"));
    assert_eq!(good.at(&gate).0, "accepted");
    assert_eq!(revoked.published(&service), 1);
    let problem = service.admin().get("/admin/api/v1/credentials").problem(503, "guarded");
    assert!(text(&problem["message"]["en"]).contains("yufu repair"), "{problem}");
    assert_eq!(service.anon().get("/health/ready").status, 503);
    assert_eq!(service.anon().get("/log/checkpoint").status, 200);

    service.stop();
    let report = repair(&service.data(), &service.keys()).expect("it can be repaired");
    assert_eq!((report.cards, report.cards_without_person.len()), (2, 2));
    service.start_again();
    let gate = service.with_token(&gate_token);
    assert_eq!(revoked.at(&gate), said("refused", "credential_revoked"));
    change(&service.admin(), &good, "revoke", &json!({"reason": "error"}));
    assert_eq!(good.at(&gate), said("refused", "credential_revoked"));
    let renewed = issued(&service, 7, Algorithm::Es256);
    assert_eq!(renewed.at(&gate).0, "accepted");
}

#[test]
fn nothing_personal_reaches_the_disk_in_clear() {
    let mut service = TestService::start();
    let wallet = issued(&service, 8, Algorithm::Es256);
    wallet.statement(&service.checkpoint());
    change(&service.admin(), &wallet, "suspend", &json!({"reason": "lost", "note": "中华北路的失物招领处"}));
    let data = service.data();
    service.stop();
    let person = person(8);
    let secrets = [text(&person["id_number"]), "测试员", "SHIYUAN", "中华北路", "19900307"].map(str::as_bytes);
    let mut files = 0;
    let mut todo = vec![data];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                todo.push(path);
                continue;
            }
            files += 1;
            let bytes = fs::read(&path).expect("a file");
            for secret in secrets {
                assert!(!contains(&bytes, secret), "{} holds {:?}", name(&path), String::from_utf8_lossy(secret));
            }
        }
    }
    assert!(files >= 3, "log, records and heads were searched");
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[test]
fn the_demo_plays_to_its_end() {
    use std::sync::Arc;
    use yufu::{
        app::demo::{Stage, play},
        base::clock::SystemClock,
        outbound::Client,
    };
    // The demo waits for the list and the log by the machine's clock, so the service has to stand at the same time.
    let clock = SystemClock::new();
    let mut service = TestService::start();
    service.stop();
    service.clock.set_wall(yufu::base::clock::Clock::now(&clock));
    service.start_again();
    let administrator = service.admin().token.expect("a token");
    let stage = Stage {
        url: service.url(),
        administrator,
        fetch: Client::new(),
        clock: Arc::new(clock),
        random: Arc::new(SeededRandom::new(11)),
    };
    let mut told = Vec::new();
    let table = play(&stage, &mut |line| told.push(line.to_owned())).expect("every step comes out as it should");
    assert_eq!(told.iter().filter(|line| line.starts_with('▸')).count(), 14);
    assert_eq!(table.lines().filter(|line| line.trim_end().ends_with("ms")).count(), 14);
}

#[test]
fn a_start_that_may_not_use_development_keys_leaves_none_and_data_without_keys_get_no_new_ones() {
    use std::sync::Arc;
    use yufu::{
        app::{
            config::{Config, StartRefusal},
            wire::{Service, StartError},
        },
        base::clock::ManualClock,
        http::server::EndsBy,
    };
    let start = |config: &Config| {
        let clock = Arc::new(ManualClock::at(support::BEGIN));
        Service::start(config, clock, Arc::new(SeededRandom::new(3)), EndsBy::Call).map(drop)
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut config = Config::alone_in(folder.path().join("data"), folder.path().join("keys"));
    config.identity.public_url = Some("https://id.example".parse().expect("a public URL"));
    assert!(matches!(start(&config), Err(StartError::Refused(StartRefusal::DevelopmentKeys))));
    assert!(!folder.path().join("keys").exists() && !folder.path().join("data").exists());

    config.identity.allow_development_keys = true;
    start(&config).expect("it was allowed");
    fs::remove_dir_all(folder.path().join("keys")).expect("the keys are there");
    assert!(matches!(start(&config), Err(StartError::KeysMissing { .. })));
    assert!(!folder.path().join("keys").exists(), "no new keys over lost ones");
}

#[test]
fn an_offer_is_had_by_value_by_reference_and_as_a_qr_code_of_its_link() {
    use qrcode::{EcLevel, QrCode, render::svg};
    let service = TestService::start();
    let admin = service.admin();
    let person_id = admin.post("/admin/api/v1/people", &person(9)).good(201)["person_id"].clone();
    let order = json!({"person_id": person_id, "credential_types": ["resident-id"]});
    let offered = admin.post("/admin/api/v1/offers", &order).good(201);
    let uri = format!("{}/offers/{}", service.url(), text(&offered["offer_id"]));
    assert_eq!(offered["credential_offer_uri"], json!(uri));
    let by_reference = service.anon().get(&uri[service.url().len()..]).good(200);
    assert_eq!(by_reference, offered["credential_offer"], "value and reference are one offer");
    let link = text(&offered["link"]);
    let encoded = uri.replace(':', "%3A").replace('/', "%2F");
    assert_eq!(link, format!("openid-credential-offer://?credential_offer_uri={encoded}"));
    let code = QrCode::with_error_correction_level(link, EcLevel::M).expect("a link fits into a QR code");
    let drawn = code.render::<svg::Color<'_>>().min_dimensions(240, 240).build();
    assert_eq!(text(&offered["qr_svg"]), drawn, "the code says the link and nothing else");
}

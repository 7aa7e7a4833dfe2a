//! What a checkpoint is told of the use cases it may ask for, and what a folder of them does to the start.

mod support;

use std::{fs, sync::Arc};

use serde_json::{Map, Value, json};
use support::{BEGIN, TestService, driver, person, wallet::AskedFor};
use yufu::{
    app::{
        config::Config,
        wire::{Service, StartError},
    },
    base::{base64url, clock::ManualClock, random::SeededRandom},
    crypto::{jws, x509::check_own_chain},
    http::server::EndsBy,
};

const PATH: &str = "/checkpoint/api/v1/use-cases";

fn names(list: &Value) -> Vec<&str> {
    let cases = list["use_cases"].as_array().expect("a list");
    cases.iter().map(|case| case["name"].as_str().expect("a name")).collect()
}

/// Starts a service with one use case file in a folder of its own.
fn start_with_file(name: &str, text: &str) -> Result<(Service, tempfile::TempDir), StartError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut config = Config::alone_in(folder.path().join("data"), folder.path().join("keys"));
    fs::create_dir(folder.path().join("cases")).expect("a folder");
    fs::write(folder.path().join("cases").join(name), text).expect("a file");
    config.storage.use_cases = Some(folder.path().join("cases"));
    let (clock, random) = (Arc::new(ManualClock::at(BEGIN)), Arc::new(SeededRandom::new(7)));
    let started = Service::start(&config, clock, random, EndsBy::Call);
    if started.is_err() {
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "a start that is refused makes nothing");
    }
    started.map(|service| (service, folder))
}

#[test]
fn a_checkpoint_is_told_in_words_what_it_may_ask_for() {
    let service = TestService::start();
    let list = service.checkpoint().get(PATH).good(200);
    assert_eq!(names(&list), ["age-over-18", "boarding", "freight-driver", "hotel-check-in", "security-check"]);
    let label = |zh: &str, en: &str| json!({"zh-CN": zh, "en": en});
    let of_age = json!({
        "name": "age-over-18",
        "title": label("年满18周岁", "Aged 18 or over"),
        "purpose": label(
            "只核对您是否年满18周岁，不查看姓名、生日和照片，核验后不保留信息。",
            "To see that you are 18 or older, and nothing else: no name, no date of birth, no picture. Nothing is kept.",
        ),
        "credentials": [{
            "id": "resident_id",
            "title": label("居民电子身份证", "Resident ID"),
            "claims": [{
                "path": ["age_equal_or_over", "18"],
                "label": label("年满18周岁", "Aged 18 or over"),
                "values": [true],
                "needed": true,
            }],
        }],
        "boarding_pass": "none",
        "shown_qr": "amber",
        "transaction_data_types": [],
        "evidence_days": null,
        "results_seconds": 120,
    });
    assert_eq!(list["use_cases"][0], of_age);
    let classes = &list["use_cases"][2]["credentials"][1]["claims"][3];
    assert_eq!((&classes["path"], &classes["needed"]), (&json!(["vehicle_classes", null]), &json!(false)));
    assert_eq!(list["use_cases"][3]["evidence_days"], 30);
}

#[test]
fn a_checkpoint_limited_to_use_cases_is_told_of_those() {
    let service = TestService::start();
    let order = json!({"name": "gate 12", "role": "checkpoint", "use_cases": ["boarding", "age-over-18"]});
    let made = service.admin().post("/admin/api/v1/tokens", &order).good(201);
    let gate = service.with_token(made["token"].as_str().expect("a token"));
    assert_eq!(names(&gate.get(PATH).good(200)), ["age-over-18", "boarding"]);
}

#[test]
fn a_folder_adds_use_cases_and_replaces_those_of_the_same_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let boarding = include_str!("../use-cases/boarding.toml").replace("Boarding\"", "Embarkation\"");
    fs::write(folder.path().join("boarding.toml"), boarding).expect("a file");
    let library = include_str!("../use-cases/age-over-18.toml").replace("name = \"age-over-18\"", "name = \"library\"");
    fs::write(folder.path().join("library.toml"), library).expect("a file");
    fs::write(folder.path().join("notes.txt"), "not a use case").expect("a file");
    let service = TestService::start_with(|config| config.storage.use_cases = Some(folder.path().to_owned()));
    let list = service.checkpoint().get(PATH).good(200);
    let expected = ["age-over-18", "boarding", "freight-driver", "hotel-check-in", "library", "security-check"];
    assert_eq!(names(&list), expected);
    assert_eq!(list["use_cases"][1]["title"]["en"], "Embarkation");
}

#[test]
fn a_mistake_stops_the_start_and_leaves_nothing_behind() {
    let boarding = include_str!("../use-cases/boarding.toml");
    let text = boarding.replace(r#"path = ["portrait"]"#, r#"path = ["fingerprint"]"#);
    let error = start_with_file("boarding.toml", &text).map(|_| ()).expect_err("it is refused");
    assert_eq!(
        error.to_string(),
        "use cases: boarding.toml: credentials[0].claims[3].path: the type `resident-id` has no such claim; look up the \
         claims in credential-types/resident-id.toml"
    );
    let text = boarding.replace("shown_qr", "show_qr");
    let error = start_with_file("boarding.toml", &text).map(|_| ()).expect_err("it is refused").to_string();
    assert!(error.contains("boarding.toml") && error.contains("line ") && error.contains("`shown_qr`"), "{error}");
    let mut config = Config::alone_in("/nowhere/data".into(), "/nowhere/keys".into());
    config.storage.use_cases = Some("/nowhere/cases".into());
    let (clock, random) = (Arc::new(ManualClock::at(BEGIN)), Arc::new(SeededRandom::new(7)));
    let error = Service::start(&config, clock, random, EndsBy::Call).map(|_| ()).expect_err("no such folder");
    assert!(error.to_string().starts_with("use cases: /nowhere/cases: cannot be read: "), "{error}");
}

#[test]
fn a_built_in_use_case_that_the_types_in_force_cannot_answer_is_left_out() {
    let types = tempfile::tempdir().expect("a temporary folder");
    let resident = include_str!("../credential-types/resident-id.toml").replace(r#"["portrait"]"#, r#"["face"]"#);
    fs::write(types.path().join("resident-id.toml"), resident).expect("a file");
    let service = TestService::start_with(|config| config.storage.credential_types = Some(types.path().to_owned()));
    assert_eq!(names(&service.checkpoint().get(PATH).good(200)), ["age-over-18"]);
    let notes = service.service().notes();
    let told =
        |name: &str| notes.iter().any(|note| note.starts_with(&format!("a use case that ships is left out: {name}.toml: ")));
    assert!(["boarding", "freight-driver", "hotel-check-in", "security-check"].into_iter().all(told), "{notes:?}");
    assert!(!told("age-over-18"));
}

#[test]
fn the_citizen_is_told_why_by_the_signed_request() {
    let service = TestService::start();
    let (gate, wallet) = (service.checkpoint(), service.wallet(1));
    let begin = |order: Value| {
        let view = gate.post("/checkpoint/api/v1/presentations", &order).good(201);
        wallet.open(view["authorization_request"].as_str().expect("a link"))
    };
    let asked = begin(json!({"use_case": "boarding"}));
    let told = json!([{
        "format": "urn:yufu:use-case",
        "data": {
            "use_case": "boarding",
            "title": {"zh-CN": "登机核验", "en": "Boarding"},
            "purpose": {
                "zh-CN": "核对登机牌是否为您本人所有。不查看身份证号码、出生日期和住址，核验后不保留信息。",
                "en": "To see that the boarding pass is yours. Your ID number, birth date and address are not asked for, and nothing is kept.",
            },
        },
    }]);
    assert_eq!(asked.claims["verifier_info"], told);
    let query = asked.claims["dcql_query"].clone();
    assert_eq!(begin(json!({"query": query})).claims.get("verifier_info"), None);
}

/// The wallet of the tests takes cards and presents what a use case asks for, so that other tests can rest on it.
#[test]
fn a_wallet_presents_what_a_use_case_asks_for_and_no_more() {
    let service = TestService::start();
    let wallet = service.wallet(1);
    let person = service.register(&driver(1));
    let kinds = [("resident_id", "resident-id", 0), ("qualification", "transport-qualification", 1)];
    let types = yufu::model::credential_type::CredentialTypes::built_in().expect("good types");
    let cases = yufu::model::use_case::UseCases::load(None, &types, &service.url()).expect("good use cases");
    let query = cases.get("freight-driver").expect("it ships").query().to_json();
    let claims = json!({"client_id": "x509_hash:gate", "nonce": "n-1", "dcql_query": query});
    let asked = AskedFor { jwt: String::new(), header: Map::new(), claims: claims.as_object().expect("an object").clone() };
    let expected =
        [vec!["name", "id_number"], vec!["document_number", "qualification_valid_until", "id_number", "vehicle_classes"]];
    for (id, kind, at) in kinds {
        let card = wallet.take(&service, &person, kind);
        let presentation = wallet.present(&asked, id, &card);
        let body = json!({"presentation": presentation, "nonce": "n-1", "audience": "x509_hash:gate"});
        let statement = service.checkpoint().post("/checkpoint/api/v1/verifications", &body).good(200);
        assert_eq!(statement["reason"], "accepted");
        let shown = statement["credential"]["claims"].as_object().expect("claims");
        let open = ["issuing_authority", "issuing_country", "age_equal_or_over"];
        let mut shown: Vec<_> = shown.keys().map(String::as_str).filter(|name| !open.contains(name)).collect();
        let mut wanted = expected[at].clone();
        shown.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(shown, wanted);
        service.revoke(&card);
        let statement = service.checkpoint().post("/checkpoint/api/v1/verifications", &body).good(200);
        assert_eq!(statement["reason"], "credential_revoked");
    }
}

/// NT-VP-04: whose card it may be is looked at again when it comes, by issuer and by authority.
#[test]
fn a_card_passes_only_where_its_issuer_is_believed_and_its_authority_asked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let of_age = include_str!("../use-cases/age-over-18.toml");
    for (name, issuers) in [("ours", "\"own\""), ("others", "[\"https://other.example\"]")] {
        let named = format!("name = \"{name}\"\nissuers = {issuers}");
        fs::write(folder.path().join(format!("{name}.toml")), of_age.replace("name = \"age-over-18\"", &named))
            .expect("a file");
    }
    let service = TestService::start_with(|config| config.storage.use_cases = Some(folder.path().to_owned()));
    let (gate, wallet) = (service.checkpoint(), service.wallet(1));
    let card = wallet.take_resident_id(&service, &person(1));
    let jwt = card.credential.split('~').next().expect("a first part");
    let x5c = jws::Unverified::parse(jwt, &["dc+sd-jwt"]).expect("a JWS").header().x5c.clone().expect("certificates");
    let authority = check_own_chain(&x5c, BEGIN).expect("a good chain").authority_key_ids.concat();
    let asking = |authority: &[u8]| {
        let meta = json!({"vct_values": [format!("{}/credential-types/resident-id", service.url())]});
        let authorities = json!([{"type": "aki", "values": [base64url::encode(authority)]}]);
        json!({"query": {"credentials": [{
            "id": "resident_id", "format": "dc+sd-jwt", "meta": meta, "trusted_authorities": authorities,
        }]}})
    };
    for (order, status, reason) in [
        (json!({"use_case": "ours"}), 200, "accepted"),
        (json!({"use_case": "others"}), 400, "issuer_not_trusted"),
        (asking(&authority), 200, "accepted"),
        (asking(&[0; 20]), 400, "issuer_not_asked_for"),
    ] {
        let begun = gate.post("/checkpoint/api/v1/presentations", &order).good(201);
        let asked = wallet.open(begun["authorization_request"].as_str().expect("a link"));
        assert_eq!(wallet.answer(&asked, &[("resident_id", &card)]).status, status, "{order}");
        let seen = gate.get(&format!("/checkpoint/api/v1/presentations/{}", begun["id"].as_str().expect("an id"))).good(200);
        assert_eq!(seen["statement"]["reason"], reason, "{order}");
    }
}

//! Cards of another service: its root is trusted here, and its status lists are fetched from it while it answers.

use std::{fs, sync::Arc};

use serde_json::{Value, json};
use yufu::{
    base::{limits::FOREIGN_RETRY_MOST_SECONDS, random::SeededRandom},
    crypto::pem,
};

use super::{
    Scene, check,
    support::{TestService, person, wallet::HeldCard},
    told,
};

/// Another service, and ours that trusts it and asks for its cards.
struct Abroad {
    other: TestService,
    scene: Scene,
    card: HeldCard,
}

/// A use case for the cards of `other`.
fn use_case(name: &str, issuers: &str, when_too_old: &str, other: &str) -> String {
    let vct = format!("{other}/credential-types/resident-id");
    let name_claim = r#"{ path = ["name"], label = { "zh-CN" = "姓名", en = "Name" } }"#;
    format!(
        r#"
name = "{name}"
title = {{ "zh-CN" = "访客", en = "Visitor" }}
purpose = {{ "zh-CN" = "核对访客。", en = "To see who visits." }}
issuers = {issuers}
[status]
max_age_seconds = 3600
when_too_old = "{when_too_old}"
[[credentials]]
id = "card"
vct = ["{vct}"]
title = {{ "zh-CN" = "证件", en = "Card" }}
claims = [{name_claim}]
"#
    )
}

impl Abroad {
    fn start() -> Self {
        let other = TestService::start_on(Arc::new(SeededRandom::new(99)), |_| {});
        let card = other.wallet(2).take_resident_id(&other, &person(2));
        let service = TestService::start_with(|config| {
            let trust = config.storage.keys.join("trust");
            fs::create_dir_all(&trust).expect("a folder");
            let roots = yufu::keyring::anchors(&other.keys()).expect("the other service has a root");
            fs::write(trust.join("other.pem"), pem::encode(pem::CERTIFICATE, roots[0].der())).expect("it is written");
            let cases = config.storage.data.with_file_name("use-cases");
            fs::create_dir_all(&cases).expect("a folder");
            let invited = format!("[\"{}\"]", other.url());
            for (name, issuers, when_too_old) in [
                ("visitor", "\"anchored\"", "undetermined"),
                ("vault", invited.as_str(), "refused"),
                ("household", "\"own\"", "undetermined"),
            ] {
                let text = use_case(name, issuers, when_too_old, &other.url());
                fs::write(cases.join(format!("{name}.toml")), text).expect("it is written");
            }
            config.storage.use_cases = Some(cases);
            config.outbound.allow_fetch = vec!["127.0.0.0/8".parse().expect("a block")];
        });
        Self { other, scene: Scene::on(service), card }
    }

    fn show(&self, use_case: &str) -> Value {
        self.scene.show(&json!({"use_case": use_case}), &[("card", &self.card)])
    }

    /// The same time passes everywhere.
    fn pass(&self, seconds: u64) {
        self.other.clock.advance(seconds);
        self.scene.service.clock.advance(seconds);
    }

    /// So much that a list which could not be had is asked for again.
    fn pause(&self) {
        self.pass(FOREIGN_RETRY_MOST_SECONDS.cast_unsigned());
    }
}

#[test]
fn the_status_of_a_card_from_abroad_is_asked_for_and_its_age_is_told() {
    let mut abroad = Abroad::start();
    // Nobody there has ever answered: not known is not good, and the officer decides.
    abroad.other.stop();
    let statement = abroad.show("visitor");
    assert_eq!(told(&statement), ("undetermined", "status_unavailable"));
    let unknown = json!({"value": "unknown", "known_since": null, "age_seconds": null, "source": null});
    assert_eq!(statement["status"], unknown);
    assert_eq!(check(&statement, "issuer_signature"), "passed");
    abroad.other.start_again();
    abroad.pause();
    let statement = abroad.show("visitor");
    assert_eq!(told(&statement), ("accepted", "accepted"));
    assert_eq!((&statement["status"]["value"], &statement["status"]["source"]), (&json!("valid"), &json!("list")));
    // The line is down: what was good an hour ago is amber, or red where the use case says so, with its age.
    abroad.other.stop();
    let before = statement["status"]["age_seconds"].as_i64().expect("an age");
    abroad.pass(1800);
    let statement = abroad.show("vault");
    assert_eq!((told(&statement).0, &statement["status"]["age_seconds"]), ("accepted", &json!(before + 1800)));
    abroad.pass(1801);
    for (name, decision, reason) in
        [("visitor", "undetermined", "status_too_old"), ("vault", "refused", "status_too_old_refused")]
    {
        let statement = abroad.show(name);
        assert_eq!(told(&statement), (decision, reason));
        let status = &statement["status"];
        assert_eq!((&status["value"], &status["age_seconds"]), (&json!("valid"), &json!(before + 3601)), "{name}");
        assert_eq!(check(&statement, "status_known"), "failed");
    }
}

/// Bad news does not grow old: once known, no cut line makes the card good or amber again.
#[test]
fn a_card_revoked_abroad_is_refused_while_its_issuer_is_silent_too() {
    let mut abroad = Abroad::start();
    assert_eq!(told(&abroad.show("visitor")).0, "accepted");
    abroad.other.revoke(&abroad.card);
    abroad.other.service().tick();
    // Within the list's time to live the old one stands, with its age; then the new one is asked for.
    abroad.pass(301);
    assert_eq!(told(&abroad.show("visitor")), ("refused", "credential_revoked"));
    abroad.other.stop();
    abroad.pass(7200);
    let statement = abroad.show("visitor");
    assert_eq!(told(&statement), ("refused", "credential_revoked"));
    assert!(statement["status"]["age_seconds"].as_i64().is_some_and(|age| age >= 7200), "{}", statement["status"]);
}

/// Trust in an issuer is the use case's to narrow: an anchor alone does not open every door.
#[test]
fn a_card_from_abroad_is_no_good_where_only_our_own_are_believed() {
    let abroad = Abroad::start();
    let (begun, asked) = abroad.scene.ask(&json!({"use_case": "household"}));
    abroad.scene.wallet.answer(&asked, &[("card", &abroad.card)]).oauth(400, "invalid_presentation");
    let statement = begun.statement();
    assert_eq!(told(&statement), ("refused", "issuer_not_trusted"));
    assert_eq!((&statement["credential"], &statement["status"]["value"]), (&Value::Null, &json!("unknown")));
    assert_eq!(told(&abroad.show("vault")), ("accepted", "accepted"));
}

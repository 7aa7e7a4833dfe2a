//! Status lists of other issuers, as the whole service deals with them: when one is asked for, how often, and what is made
//! of a host that lies or does not answer.

use std::{collections::BTreeMap, fs, thread, time::Duration};

use serde_json::{Value, json};
use yufu::{
    base::{
        clock::{Clock, SystemClock},
        limits::{CLOCK_SKEW_SECONDS, FOREIGN_RETRY_SECONDS, STATUS_LIST_TOKEN_BYTES},
    },
    model::party::Role,
};

use super::{
    abroad::{Abroad, INDEX, Identity, Issuer, NONCE, STATUS_LIST, told, triple, verify, write_root},
    lying_host::{LyingHost, Reply},
};

/// The lines that are tested here.
pub const TESTED: &[&str] = &["NT-TSL-12", "SL-13", "SL-16"];

const NOT_SIGNER: &str = "the status list is not signed by the issuer of the credential, under a trusted root";

fn undetermined(detail: &str) -> (String, String, String) {
    triple("undetermined", "status_unavailable", detail)
}

/// Lets so much time pass that a list which could not be had is asked for again.
fn pause(abroad: &Abroad) {
    abroad.service.clock.advance(60);
}

#[test]
fn a_card_of_another_issuer_is_decided_by_its_issuer_s_list() {
    let abroad = Abroad::start();
    abroad.serve(abroad.issuer.serves(0, |claims| claims.iat = claims.iat.plus_seconds(-90)));
    let statement = abroad.verify(&abroad.card());
    assert_eq!(told(&statement), triple("accepted", "accepted", ""));
    assert_eq!((&statement["status"]["value"], &statement["status"]["source"]), (&json!("valid"), &json!("list")));
    assert_eq!(
        (&statement["status"]["age_seconds"], &statement["status"]["known_since"]),
        (&json!(90), &json!("2026-11-24T05:58:30Z"))
    );
    for (value, reason) in [(1, "credential_revoked"), (2, "credential_suspended"), (3, "status_not_understood")] {
        abroad.service.clock.advance(300);
        abroad.serve(abroad.issuer.serves(value, |claims| claims.iat = claims.iat.plus_seconds(i64::from(value))));
        assert_eq!(abroad.outcome(), triple("refused", reason, ""));
    }
    let beyond = abroad.issuer.shown(abroad.issuer.claims(&abroad.issuer.list_url(), 1 << 20), abroad.now());
    assert_eq!(told(&abroad.verify(&beyond)).1, "status_not_understood");
    assert_eq!(abroad.host.connections(), 4);
}

/// Draft section 8.3: who forges a card, or shows one that is refused anyway, makes nobody ask anything anywhere.
#[test]
fn a_card_that_does_not_pass_makes_no_connection() {
    let abroad = Abroad::start();
    let issuer = &abroad.issuer;
    let claims = || issuer.claims(&issuer.list_url(), INDEX);
    let stranger = Identity::new(&issuer.url, 77);
    let mut expired = claims();
    expired.insert("exp".to_owned(), json!(abroad.now().unix() - CLOCK_SKEW_SECONDS));
    let good = abroad.card();
    let (body, proof) = good.rsplit_once('~').expect("a presentation");
    let forged = {
        let mut parts: Vec<&str> = body.split('.').collect();
        parts[2] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        format!("{}~{proof}", parts.join("."))
    };
    let mut elsewhere = claims();
    elsewhere.insert("iss".to_owned(), json!("https://other.example"));
    let mut no_index = claims();
    no_index.insert("status".to_owned(), json!({"status_list": {"idx": -1, "uri": issuer.list_url()}}));
    for (name, presentation, reason) in [
        ("signature", forged, "issuer_signature_invalid"),
        ("signer", issuer.shown_by(&stranger, claims(), abroad.now()), "issuer_not_trusted"),
        ("issuer", issuer.shown(elsewhere, abroad.now()), "issuer_mismatch"),
        ("expired", issuer.shown(expired, abroad.now()), "credential_expired"),
        ("proof", format!("{body}~"), "holder_binding_missing"),
        ("stale", issuer.shown(claims(), abroad.now().plus_seconds(-3600)), "holder_binding_expired"),
        ("index", issuer.shown(no_index, abroad.now()), "status_not_understood"),
    ] {
        let statement = abroad.verify(&presentation);
        assert_eq!((&statement["decision"], &statement["reason"]), (&json!("refused"), &json!(reason)), "{name}");
    }
    let body = json!({"presentation": good, "nonce": "another", "audience": "https://gate.example"});
    let statement = abroad.gate.post("/checkpoint/api/v1/verifications", &body).good(200);
    assert_eq!(statement["reason"], "nonce_mismatch");
    assert_eq!(abroad.host.connections(), 0);
    // The host would have been asked: the same card, good, asks it.
    assert_eq!(abroad.outcome(), undetermined("the host answers with status 404"));
    assert_eq!(abroad.host.connections(), 1);
}

/// NT-TSL-12, SL-13: each says why, in time, and names neither the address nor the card.
#[test]
fn a_host_that_does_not_give_the_list_leaves_the_card_undetermined_with_the_reason() {
    let abroad = Abroad::start();
    let issuer = &abroad.issuer;
    let head = |length: u64| format!("HTTP/1.1 200 OK\r\ncontent-type: {STATUS_LIST}\r\ncontent-length: {length}\r\n\r\n");
    let random = || (0..STATUS_LIST_TOKEN_BYTES + 1).map(|_| 'e').collect::<String>();
    for (reply, detail) in [
        (Reply::status(404, &[], ""), "the host answers with status 404"),
        (Reply::status(500, &[("content-type", STATUS_LIST)], issuer.list(0, |_| {})), "the host answers with status 500"),
        (Reply::good("text/html", "<html>captive portal</html>"), "the answer is of another media type"),
        (Reply::good("application/jwt", issuer.list(0, |_| {})), "the answer is of another media type"),
        (Reply::Drip(head(1000)), "the host did not answer in time"),
        (Reply::After(Duration::from_secs(30), Vec::new()), "the host did not answer in time"),
        (Reply::Flood(head(1 << 30), 1 << 30), "the answer is larger than allowed"),
        (Reply::good(STATUS_LIST, random()), "the answer is larger than allowed"),
        (Reply::Headers, "the host does not answer in HTTP"),
        (Reply::redirect("/status-lists/1"), "too many redirects"),
        (Reply::redirect("https://10.0.0.1/"), "a host that has an address of no public network is not fetched from"),
        (Reply::redirect("http://169.254.169.254/"), "an address that is not https is not fetched from"),
        (Reply::good(STATUS_LIST, b"\xff\xfe"), "the status list is not text"),
        (Reply::good(STATUS_LIST, ""), "status list: not a compact JWS"),
        (Reply::good(STATUS_LIST, issuer.list(0, |claims| claims.sub.push('/'))), "status list: the list of another URI"),
        (Reply::good(STATUS_LIST, issuer.list(0, |claims| claims.exp = Some(claims.iat))), "status list: expired"),
        (Reply::good(STATUS_LIST, issuer.list(0, |claims| claims.ttl = Some(0))), "status list: time to live out of range"),
        (Reply::good(STATUS_LIST, issuer.list_by(&Identity::new(&issuer.url, 78), 0, |_| {})), NOT_SIGNER),
    ] {
        abroad.serve(reply.clone());
        let clock = SystemClock::new();
        let statement = abroad.verify(&abroad.card());
        assert!(clock.monotonic() < Duration::from_secs(5), "{reply:?}: {:?}", clock.monotonic());
        assert_eq!(told(&statement), undetermined(detail), "{reply:?}");
        let unknown = json!({"value": "unknown", "known_since": null, "age_seconds": null, "source": null});
        assert_eq!(statement["status"], unknown, "{reply:?}");
        assert!(!statement.to_string().contains("status-lists/1"), "{statement}");
        pause(&abroad);
    }
    assert!(abroad.host.sent() < 64 * 1024 * 1024, "{} bytes were taken", abroad.host.sent());
    abroad.serve(issuer.serves(0, |claims| claims.iat = claims.iat.plus_seconds(60)));
    assert_eq!(abroad.outcome(), triple("accepted", "accepted", ""));
}

#[test]
fn a_bomb_in_a_good_token_is_not_inflated() {
    let abroad = Abroad::start();
    let bomb = yufu::format::status::StatusListClaims::encode(&vec![0; 256 * 1024 * 1024]).expect("it compresses");
    abroad.serve(abroad.issuer.serves(0, |claims| claims.lst = bomb));
    let (decision, reason, detail) = abroad.outcome();
    assert_eq!((decision.as_str(), reason.as_str()), ("undetermined", "status_unavailable"));
    assert!(detail.starts_with("status list: compressed list: "), "{detail}");
}

/// SL-16: before anything is fetched the host has to be one that the issuer may use.
#[test]
fn a_list_on_a_host_that_is_not_the_issuer_s_is_not_asked_for() {
    let elsewhere = LyingHost::start(|_| Reply::status(404, &[], ""));
    let port = elsewhere.address().port();
    let abroad = Abroad::start();
    let refused = undetermined("the status list is on a host where the issuer may not keep lists");
    for list in [
        format!("http://127.0.0.2:{port}/1"),
        format!("http://localhost:{port}/1"),
        format!("http://127.0.0.1.evil.example:{port}/1"),
        format!("http://127.0.0.1@evil.example:{port}/1"),
        format!("http://evil.example:{port}/127.0.0.1"),
        format!("http://[::1]:{port}/1"),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
    ] {
        let card = abroad.issuer.shown(abroad.issuer.claims(&list, INDEX), abroad.now());
        assert_eq!(told(&abroad.verify(&card)), refused, "{list}");
    }
    assert_eq!((elsewhere.connections(), abroad.host.connections()), (0, 0));
}

fn trust_list(keys: &std::path::Path, name: &str, text: &str, root: &[u8]) {
    let folder = keys.join("trust").join(name);
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("list.toml"), text).expect("it is written");
    write_root(&folder.join("root.pem"), root);
}

/// A trust list names the hosts, the issuers and the purposes; what it does not name is refused.
#[test]
fn a_trust_list_says_who_may_issue_and_where_lists_are() {
    let text = |url: &str, more: &str| format!("url = \"{url}\"\nname = {{ \"zh-CN\" = \"甲\", en = \"A\" }}\n{more}\n");
    let hosted = Issuer::at("https://hosted.example", 31);
    let unnamed = Issuer::at("https://unnamed.example", 32);
    let silent = Issuer::at("https://silent.example", 33);
    let abroad = Abroad::start_with(|keys, _| {
        let more = "issuers = [\"https://hosted.example\"]\nstatus_hosts = [\"127.0.0.1\"]";
        trust_list(keys, "hosted", &text("https://trust.example/hosted", more), &hosted.identity.root_der);
        let more = "issuers = [\"https://someone.else.example\"]";
        trust_list(keys, "unnamed", &text("https://trust.example/unnamed", more), &unnamed.identity.root_der);
        let more = "purposes = [\"credentials\"]\nstatus_hosts = [\"127.0.0.1\"]";
        trust_list(keys, "silent", &text("https://trust.example/silent", more), &silent.identity.root_der);
    });
    let list = format!("{}/lists/7", abroad.host.url());
    let shown = |issuer: &Issuer| told(&abroad.verify(&issuer.shown(issuer.claims(&list, INDEX), abroad.now())));
    abroad.serve(Reply::good(STATUS_LIST, hosted.list(0, |claims| claims.sub.clone_from(&list))));
    assert_eq!(shown(&hosted), triple("accepted", "accepted", ""));
    assert_eq!(shown(&unnamed), triple("refused", "issuer_not_trusted", ""));
    abroad.serve(Reply::good(STATUS_LIST, silent.list(0, |claims| claims.sub.clone_from(&list))));
    assert_eq!(shown(&silent), undetermined(NOT_SIGNER));
    let own_host = hosted.shown(hosted.claims("https://hosted.example/lists/7", INDEX), abroad.now());
    assert_eq!(told(&abroad.verify(&own_host)).2, "the status list is on a host where the issuer may not keep lists");
    assert_eq!(abroad.host.connections(), 2);
}

/// T-FETCH: what an issuer is asked does not show how many of its people pass, nor which.
#[test]
fn a_thousand_passengers_make_one_request_a_list_and_time_to_live() {
    let abroad = Abroad::start();
    let reply = abroad.issuer.serves(0, |_| {});
    let Reply::Bytes(bytes) = reply else { panic!("bytes") };
    // Slow enough that many come while the first one waits.
    abroad.serve(Reply::After(Duration::from_millis(500), bytes));
    let cards: Vec<String> = (0..50)
        .map(|index| abroad.issuer.shown(abroad.issuer.claims(&abroad.issuer.list_url(), index), abroad.now()))
        .collect();
    let decided: Vec<Value> = thread::scope(|scope| {
        let gates: Vec<_> = (0..20)
            .map(|_| {
                let (gate, cards) = (abroad.gate.clone(), &cards);
                scope.spawn(move || cards.iter().map(|card| verify(&gate, card)["decision"].clone()).collect::<Vec<_>>())
            })
            .collect();
        gates.into_iter().flat_map(|gate| gate.join().expect("no panic")).collect()
    });
    assert_eq!(decided.len(), 1000);
    assert!(decided.iter().all(|decision| decision == "accepted"), "{decided:?}");
    assert_eq!(abroad.host.connections(), 1);
    // A time to live later one more, for one passenger as for all.
    abroad.service.clock.advance(300);
    let fresh = abroad.card();
    for _ in 0..3 {
        assert_eq!(abroad.verify(&fresh)["decision"], "accepted");
    }
    let heads = abroad.host.heads();
    assert_eq!(heads.len(), 2);
    assert_eq!(heads[0].text, heads[1].text, "nothing in a request depends on who passes");
    assert!(heads[0].text.starts_with("GET /status-lists/1 HTTP/1.1\r\n"), "{}", heads[0].text);
}

#[test]
fn a_dead_host_holds_the_first_passenger_only() {
    let abroad = Abroad::start();
    abroad.serve(Reply::After(Duration::from_secs(30), Vec::new()));
    assert_eq!(abroad.outcome(), undetermined("the host did not answer in time"));
    let clock = SystemClock::new();
    for _ in 0..20 {
        assert_eq!(abroad.outcome(), undetermined("the host did not answer in time"));
    }
    assert!(clock.monotonic() < Duration::from_secs(3), "{:?}", clock.monotonic());
    assert_eq!(abroad.host.connections(), 1);
    // It is back, and found again after the pause.
    abroad.serve(abroad.issuer.serves(0, |_| {}));
    assert_eq!(abroad.outcome().0, "undetermined");
    abroad.service.clock.advance(FOREIGN_RETRY_SECONDS.cast_unsigned());
    assert_eq!(abroad.outcome(), triple("accepted", "accepted", ""));
    assert_eq!(abroad.host.connections(), 2);
}

/// Past its `ttl` a list serves while no newer one is to be had, with its age; past its `exp` it serves nobody.
#[test]
fn an_old_copy_serves_with_its_age_until_it_expires() {
    let abroad = Abroad::start();
    abroad.serve(abroad.issuer.serves(0, |claims| claims.exp = Some(claims.iat.plus_seconds(3600))));
    assert_eq!(abroad.outcome().0, "accepted");
    abroad.serve(Reply::status(503, &[], ""));
    abroad.service.clock.advance(1800);
    let statement = abroad.verify(&abroad.card());
    assert_eq!((&statement["decision"], &statement["status"]["age_seconds"]), (&json!("accepted"), &json!(1800)));
    assert_eq!(abroad.host.connections(), 2);
    // The checkpoint says how old is too old.
    let policy = json!({"max_status_age_seconds": 900});
    let body = json!({"presentation": abroad.card(), "nonce": NONCE, "audience": "https://gate.example", "policy": policy});
    let statement = abroad.gate.post("/checkpoint/api/v1/verifications", &body).good(200);
    assert_eq!((&statement["decision"], &statement["reason"]), (&json!("undetermined"), &json!("status_too_old")));
    abroad.service.clock.advance(1800 + CLOCK_SKEW_SECONDS.cast_unsigned());
    assert_eq!(abroad.outcome(), undetermined("the host answers with status 503"));
    // Bad news is no different: an expired list revokes nobody either, it is not known.
    assert_eq!(abroad.verify(&abroad.card())["status"]["value"], "unknown");
}

/// A list older than one that was seen is refused, and the newer one goes on serving.
#[test]
fn an_older_list_is_not_believed_after_a_newer_one() {
    let abroad = Abroad::start();
    let revoked = abroad.issuer.serves(1, |claims| claims.iat = claims.iat.plus_seconds(-10));
    abroad.serve(revoked);
    assert_eq!(abroad.outcome().1, "credential_revoked");
    abroad.serve(abroad.issuer.serves(0, |claims| claims.iat = claims.iat.plus_seconds(-11)));
    abroad.service.clock.advance(300);
    assert_eq!(abroad.outcome().1, "credential_revoked");
    assert_eq!(abroad.host.connections(), 2);
    // Nor when the newer one has expired meanwhile.
    let exp = |claims: &mut yufu::format::status::StatusListClaims| {
        claims.iat = claims.iat.plus_seconds(-11);
        claims.exp = None;
    };
    abroad.serve(abroad.issuer.serves(0, exp));
    abroad.service.clock.advance(24 * 3600 + CLOCK_SKEW_SECONDS.cast_unsigned());
    assert_eq!(abroad.outcome(), undetermined("status list: older than a list already seen"));
}

/// Who has the trust to issue cannot spoil another issuer's list, nor speak for its cards.
#[test]
fn one_issuer_cannot_make_another_s_list_unavailable() {
    let mut neighbour = None;
    let abroad = Abroad::start_with(|keys, issuer| {
        let other = Issuer::at(&format!("{}/neighbour", issuer.url), 41);
        write_root(&keys.join("trust/neighbour.pem"), &other.identity.root_der);
        neighbour = Some(other);
    });
    let neighbour = neighbour.expect("it was made");
    abroad.serve(abroad.issuer.serves(0, |_| {}));
    let claims = neighbour.claims(&abroad.issuer.list_url(), INDEX);
    let shown = neighbour.shown(claims, abroad.now());
    assert_eq!(told(&abroad.verify(&shown)), undetermined(NOT_SIGNER));
    assert_eq!(abroad.outcome(), triple("accepted", "accepted", ""));
    let signed = abroad.issuer.list_by(&neighbour.identity, 1, |_| {});
    abroad.service.clock.advance(300);
    abroad.serve(Reply::good(STATUS_LIST, signed));
    assert_eq!(abroad.outcome(), triple("accepted", "accepted", ""));
}

#[test]
fn without_leave_a_list_on_this_machine_is_not_asked_for() {
    let host = LyingHost::start(|_| Reply::status(404, &[], ""));
    let issuer = Issuer::at(&host.url(), 51);
    let service = super::support::TestService::start_with(|config| {
        let trust = config.storage.keys.join("trust");
        fs::create_dir_all(&trust).expect("a folder");
        write_root(&trust.join("abroad.pem"), &issuer.identity.root_der);
    });
    let shown = issuer.shown(issuer.claims(&issuer.list_url(), INDEX), super::support::BEGIN);
    let statement = verify(&service.user(Role::Checkpoint), &shown);
    assert_eq!(told(&statement), undetermined("an address that is not https is not fetched from"));
    assert_eq!(host.connections(), 0);
}

#[test]
fn the_trust_list_shows_whom_the_service_trusts() {
    let listed = Issuer::at("https://listed.example", 61);
    let abroad = Abroad::start_with(|keys, _| {
        let text = "url = \"https://trust.example/one\"\nname = { \"zh-CN\" = \"一\", en = \"One\" }\n\
                    issuers = [\"https://listed.example\"]\nstatus_hosts = [\"Lists.example\"]\n";
        trust_list(keys, "one", text, &listed.identity.root_der);
    });
    let anon = abroad.service.anon();
    let answer = anon.get("/trust-list");
    let document = answer.good(200);
    assert_eq!((answer.header("cache-control"), answer.header("content-type")), ("public, max-age=300", "application/json"));
    assert_eq!(document["service"], abroad.service.url().as_str());
    let hex = |der: &[u8]| yufu::crypto::sha256(der).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let loose: Vec<_> =
        document["authorities"].as_array().expect("authorities").iter().map(|one| one["sha256"].clone()).collect();
    assert_eq!(loose.len(), 2, "our own root and that of abroad");
    assert!(loose.contains(&json!(hex(&abroad.issuer.identity.root_der))));
    let [list] = &document["lists"].as_array().expect("lists")[..] else { panic!("one list") };
    assert_eq!(list["url"], "https://trust.example/one");
    assert_eq!(list["name"], json!({"zh-CN": "一", "en": "One"}));
    assert_eq!(list["issuers"], json!(["https://listed.example"]));
    assert_eq!(list["status_hosts"], json!(["lists.example"]));
    assert_eq!(list["purposes"], json!(["credentials", "status_lists"]));
    assert_eq!(list["authorities"][0]["sha256"], hex(&listed.identity.root_der));
    assert_eq!(list["authorities"][0]["subject"], "CN=root 61,O=yufu test,C=CN");
    let purposes: BTreeMap<_, _> = document["certificates"]
        .as_array()
        .expect("certificates")
        .iter()
        .map(|own| (own["purpose"].as_str().expect("a purpose"), own["chain"].as_array().expect("a chain").len()))
        .collect();
    assert_eq!(purposes, BTreeMap::from([("credentials", 1), ("requests", 1), ("status_lists", 1)]));
    let tag = answer.header("etag").to_owned();
    let again = anon.send("GET", "/trust-list", &[("if-none-match", &tag)], b"");
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, tag.as_str()));
    assert!(!answer.text().contains("PRIVATE"));
}

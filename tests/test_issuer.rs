//! A test issuer for makers of wallets: its people, its offers, its page.

mod support;

use std::collections::BTreeSet;

use serde_json::Value;
use support::TestService;

/// Offers of a test issuer, as a wallet fetches them.
fn offer(service: &TestService, name: &str) -> Value {
    service.anon().get(&format!("/test-issuer/offers/{name}")).good(200)
}

fn start() -> TestService {
    TestService::start_with(|config| config.identity.test_issuer = true)
}

/// What is said of a person in the page: ID number and activation code.
fn codes(page: &str, name: &str) -> (String, String) {
    let entry = page.split_once(&format!("id=\"person-{name}\"")).expect("the person").1;
    let entry = entry.split("</article>").next().unwrap_or_default();
    let mut codes = entry.split("<dd><code>").skip(1).filter_map(|rest| rest.split('<').next()).map(str::to_owned);
    (codes.next().expect("a number"), codes.next().expect("a code"))
}

#[test]
fn everybody_is_registered_once_and_stays_through_restarts() {
    let mut service = start();
    let numbers = |service: &TestService| -> BTreeSet<String> {
        let people = service.admin().get("/admin/api/v1/people?limit=100").good(200);
        let people = people["people"].as_array().expect("people").clone();
        people.iter().map(|person| format!("{} {}", person["person_id"], person["id_number"])).collect()
    };
    let first = numbers(&service);
    assert_eq!(first.len(), 8);
    service.restart();
    assert_eq!(numbers(&service), first);
}

#[test]
fn an_offer_is_always_there_and_each_is_another() {
    let service = start();
    let (first, second) = (offer(&service, "lin.code"), offer(&service, "lin.code"));
    let code = |offer: &Value| {
        let grant = &offer["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"];
        (grant["pre-authorized_code"].as_str().expect("a code").to_owned(), grant["tx_code"].clone())
    };
    assert_ne!(code(&first).0, code(&second).0);
    assert_eq!(code(&first).1, Value::Null);
    assert!(code(&offer(&service, "lin.tx-code")).1.is_object());
    assert!(offer(&service, "lin.sign-in")["grants"]["authorization_code"]["issuer_state"].is_string());
    let types = |name: &str| offer(&service, name)["credential_configuration_ids"].clone();
    assert_eq!(types("lin.code"), serde_json::json!(["resident-id", "transport-qualification"]));
    assert_eq!(types("zhang.code"), serde_json::json!(["resident-id"]), "whose qualification is over");
    for nothing in ["wang.code", "li.code", "nobody.code", "lin.x", "lin", "lin.code.x"] {
        assert_eq!(service.anon().get(&format!("/test-issuer/offers/{nothing}")).status, 404, "{nothing}");
    }
    let picture = service.anon().get("/test-issuer/offers/lin.tx-code/qr.svg");
    assert_eq!((picture.status, picture.header("content-type")), (200, "image/svg+xml"));
    assert!(picture.text().contains("<svg"));
}

#[test]
fn cards_of_everybody_who_can_have_one_are_issued() {
    let service = start();
    for name in ["lin", "zhang", "chen", "adil", "da", "wu"] {
        let (card, _) = service.wallet(1).redeem(&offer(&service, &format!("{name}.code")), "resident-id");
        assert!(card.ends_with('~'), "{name}");
    }
}

#[test]
fn the_page_says_how_to_sign_in_and_the_code_is_good_again_after_each_use() {
    let service = start();
    let page = service.anon().send("GET", "/wallet-vendors", &[("accept-language", "en")], b"");
    assert_eq!(page.status, 200);
    let text = page.text();
    assert!(!text.contains("{{") && !text.contains("<script") && !text.contains("style="));
    assert!(text.contains("/test-issuer/offers/lin.code/qr.svg") && !text.contains("/test-issuer/offers/wang.code"));
    let (number, code) = codes(&text, "lin");
    let sign_in = || {
        let page = service.anon().get("/sign-in");
        let cookie = page.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
        let token =
            page.text().split("name=\"form\" value=\"").nth(1).and_then(|rest| rest.split('"').next().map(str::to_owned));
        let form = format!("form={}&id_number={number}&code={code}", token.expect("a token"));
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", cookie.as_str())];
        service.anon().send("POST", "/sign-in", &headers, form.as_bytes()).header("set-cookie").contains("yufu-citizen=")
    };
    assert!(sign_in());
    assert!(!sign_in(), "a code is used up by a sign-in");
    service.service().tick();
    service.clock.advance(3600);
    assert!(sign_in(), "and good again after the next round");
}

#[test]
fn without_being_a_test_issuer_there_is_the_page_but_nobody_on_it() {
    let service = TestService::start();
    let page = service.anon().send("GET", "/wallet-vendors", &[("accept-language", "zh-CN")], b"");
    assert_eq!((page.status, page.header("content-language")), (200, "zh-CN"));
    assert!(page.text().contains("id=\"error-invalid_grant\"") && !page.text().contains("id=\"person-"));
    for path in ["/test-issuer/offers/lin.code", "/test-issuer/offers/lin.code/qr.svg"] {
        assert_eq!(service.anon().get(path).status, 404, "{path}");
    }
    let people = service.admin().get("/admin/api/v1/people").good(200);
    assert_eq!(people["people"].as_array().map(Vec::len), Some(0));
}

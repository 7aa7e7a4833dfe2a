//! Citizens' pages over HTTP, as a browser without scripts uses them: from a wallet's request to its code, and the codes and
//! sessions with which people show who they are.

mod support;

use std::{cell::RefCell, collections::BTreeMap, sync::Barrier, thread};

use serde_json::{Value, json};
use support::{Answer, TestService, User, haip::form_of, person};
use yufu::{base::base64url, crypto::sha256};

const BACK: &str = "https://wallet.example/back";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A browser: it keeps cookies, and knows which form it was shown last.
struct Browser {
    user: User,
    cookies: RefCell<BTreeMap<String, String>>,
    form: RefCell<String>,
    address: &'static str,
}

impl Browser {
    fn of(service: &TestService) -> Self {
        Self { user: service.anon(), cookies: RefCell::default(), form: RefCell::default(), address: "192.0.2.1" }
    }

    fn send(&self, method: &str, path: &str, more: &[(&str, &str)], body: &str) -> Answer {
        let cookies: Vec<String> = self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("x-forwarded-for", self.address), ("accept-language", "en")];
        if !cookies.is_empty() {
            headers.push(("cookie", &cookies));
        }
        headers.extend(more);
        let answer = self.user.send(method, path, &headers, body.as_bytes());
        for line in answer.headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok()) {
            let (pair, rest) = line.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a pair");
            assert!(rest.contains("Path=/; HttpOnly; SameSite=Lax"), "{line}");
            if rest.contains("Max-Age=0") {
                self.cookies.borrow_mut().remove(name);
            } else {
                self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
            }
        }
        if let Some((_, rest)) = answer.text().split_once("name=\"form\" value=\"") {
            *self.form.borrow_mut() = rest.split('"').next().expect("a value").to_owned();
        }
        answer
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    fn post_with(&self, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answer {
        let form = self.form.borrow().clone();
        let mut all = vec![("form", form.as_str())];
        all.extend(fields);
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        self.send("POST", path, &headers, &form_of(&all))
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(path, &[], fields)
    }

    /// Signs in; the answer to the form.
    fn sign_in(&self, number: &str, code: &str) -> Answer {
        self.get("/sign-in").page(200);
        self.post("/sign-in", &[("id_number", number), ("code", code)])
    }

    fn is_signed_in(&self) -> bool {
        self.get("/sign-in").status == 303
    }
}

/// What the tests ask of an answer that is a page.
trait Page {
    fn page(&self, status: u16) -> String;
    fn sent_to(&self) -> String;
}

impl Page for Answer {
    fn page(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("x-frame-options"), "DENY");
        let policy = self.header("content-security-policy");
        assert!(
            policy
                .starts_with("default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'")
        );
        assert!(policy.ends_with("; frame-ancestors 'none'"), "{policy}");
        let text = self.text();
        for hole in ["<script", "<style", " style=", "javascript:"] {
            assert!(!text.contains(hole), "{hole}");
        }
        text
    }

    fn sent_to(&self) -> String {
        assert_eq!(self.status, 303, "{}", self.text());
        self.header("location").to_owned()
    }
}

/// A service that knows one wallet and one proxy.
fn service() -> TestService {
    let service = TestService::start_with(|config| {
        config.limits.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a block")];
    });
    let order = json!({"client_id": "wallet.example", "name": "A <wallet>", "redirect_uris": [BACK]});
    service.admin().post("/admin/api/v1/wallets", &order).good(201);
    service
}

fn registered(service: &TestService, fields: &Value) -> (String, String) {
    let id = service.admin().post("/admin/api/v1/people", fields).good(201)["person_id"].as_str().expect("an id").to_owned();
    (id, fields["id_number"].as_str().expect("a number").to_owned())
}

fn code_for(service: &TestService, person: &str, what: &str) -> String {
    let made = service.admin().post(&format!("/admin/api/v1/people/{person}/{what}-codes"), &json!({})).good(201);
    made[format!("{what}_code")].as_str().expect("a code").to_owned()
}

/// What the wallet opens in a browser.
fn asked(service: &TestService, more: &[(&str, &str)]) -> String {
    let challenge = base64url::encode(sha256(VERIFIER));
    let mut all = vec![
        ("client_id", "wallet.example"),
        ("response_type", "code"),
        ("redirect_uri", BACK),
        ("state", "s t"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    all.extend(more);
    let pushed = service.anon().post_form("/par", &form_of(&all)).good(201);
    let uri = pushed["request_uri"].as_str().expect("a request_uri");
    format!("/authorize?{}", form_of(&[("client_id", "wallet.example"), ("request_uri", uri)]))
}

/// The value of a parameter of the answer that the wallet gets.
fn brought(location: &str, name: &str) -> Option<String> {
    let query = location.strip_prefix(BACK)?.strip_prefix('?')?;
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(value.to_owned())
}

fn recovery_code(page: &str) -> String {
    let (_, rest) = page.split_once("id=\"recovery-code\">").expect("a recovery code");
    rest.split('<').next().expect("the code").to_owned()
}

#[test]
fn a_person_agrees_and_the_wallet_gets_its_code() {
    let service = service();
    let (id, number) = registered(&service, &person(1));
    let code = code_for(&service, &id, "activation");
    let browser = Browser::of(&service);

    let opened = browser.get(&asked(&service, &[("scope", "resident-id transport-qualification")]));
    let address = opened.sent_to();
    assert!(address.starts_with("/authorize/") && !address.contains('?'), "{address}");
    let sign_in = browser.get(&address).sent_to();
    assert_eq!(sign_in, format!("/sign-in?return={address}"));
    let page = browser.get(&sign_in).page(200);
    assert!(page.contains("A &lt;wallet&gt;") || page.contains("A &#60;wallet&#62;"), "{page}");
    let fields = [("id_number", number.as_str()), ("code", &code), ("return", &address)];
    assert_eq!(browser.post("/sign-in", &fields).sent_to(), address);

    let answer = browser.get(&address);
    let page = answer.page(200);
    assert!(answer.header("content-security-policy").contains("form-action 'self' https:;"));
    for text in ["wallet.example", "测试员", "Resident ID", "Date of birth", "You are not registered with this qualification."]
    {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains(&number), "the whole number stands on no page");
    let page = browser.post(&format!("{address}/agree"), &[]).page(200);
    let recovery = recovery_code(&page);
    assert_eq!(recovery.split('-').map(str::len).collect::<Vec<_>>(), [4; 5]);
    let location = browser.post(&format!("{address}/agree"), &[]).sent_to();
    assert_eq!(brought(&location, "state").as_deref(), Some("s%20t"));
    assert!(brought(&location, "iss").is_some());
    let code = brought(&location, "code").expect("a code");
    let token = [
        ("grant_type", "authorization_code"),
        ("client_id", "wallet.example"),
        ("code", &code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ];
    service.anon().post_form("/token", &form_of(&token)).good(200);
    // What was answered is not asked again.
    assert!(browser.get(&address).page(404).contains("authorization_not_open"));
    browser.post(&format!("{address}/agree"), &[]).page(404);
}

#[test]
fn refusing_needs_no_sign_in_and_gives_nothing() {
    let service = service();
    let browser = Browser::of(&service);
    let address = browser.get(&asked(&service, &[("scope", "resident-id")])).sent_to();
    browser.get(&browser.get(&address).sent_to()).page(200);
    let location = browser.post(&format!("{address}/refuse"), &[]).sent_to();
    assert_eq!(brought(&location, "error").as_deref(), Some("access_denied"));
    assert_eq!(brought(&location, "code"), None);
    browser.post(&format!("{address}/refuse"), &[]).page(404);
}

#[test]
fn a_request_is_one_browsers_and_forms_come_from_its_own_pages() {
    let service = service();
    let (id, number) = registered(&service, &person(1));
    let (own, other) = (Browser::of(&service), Browser::of(&service));
    let link = asked(&service, &[("scope", "resident-id")]);
    let address = own.get(&link).sent_to();
    assert_eq!(own.get(&link).sent_to(), address, "the same browser may load it again");
    other.get(&link).page(404);
    other.get(&address).page(404);
    own.sign_in(&number, &code_for(&service, &id, "activation")).sent_to();
    own.get(&address).page(200);
    other.get("/sign-in").page(200);
    let agree = format!("{address}/agree");
    let head = service.service().store().head();
    other.post(&format!("{address}/refuse"), &[]).page(404);
    let origin = service.url();
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[("origin", &origin), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
    ] {
        assert!(own.post_with(&agree, headers, &[]).page(403).contains("form_not_ours"), "{headers:?}");
    }
    let token = own.form.replace(other.form.borrow().clone());
    assert!(own.post(&agree, &[]).page(403).contains("form_not_ours"), "another browser's form");
    own.form.replace(String::new());
    own.post(&agree, &[]).page(403);
    assert_eq!(service.service().store().head(), head);
    own.form.replace(token);
    own.post_with(&agree, &[("origin", &origin), ("sec-fetch-site", "same-origin")], &[]).page(200);
}

#[test]
fn an_offer_is_agreed_to_by_its_person_only() {
    let service = service();
    let (whose, _) = registered(&service, &person(1));
    let (id, number) = registered(&service, &person(2));
    let order = json!({"person_id": whose, "credential_types": ["resident-id"], "grants": ["authorization_code"]});
    let offer = service.admin().post("/admin/api/v1/offers", &order).good(201);
    let state = offer["credential_offer"]["grants"]["authorization_code"]["issuer_state"].as_str().expect("a state").to_owned();
    let browser = Browser::of(&service);
    browser.sign_in(&number, &code_for(&service, &id, "activation")).sent_to();
    let address = browser.get(&asked(&service, &[("issuer_state", &state)])).sent_to();
    let page = browser.get(&address).page(200);
    assert!(page.contains("This is not for you") && !page.contains("id=\"agree\""), "{page}");
    let location = browser.post(&format!("{address}/agree"), &[]).sent_to();
    assert_eq!(brought(&location, "error").as_deref(), Some("access_denied"));
}

#[test]
fn a_code_works_once_also_when_many_come_at_one_time_and_after_a_restart() {
    let mut service = service();
    let (id, number) = registered(&service, &person(1));
    let code = code_for(&service, &id, "activation");
    const MANY: usize = 16;
    let barrier = Barrier::new(MANY);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let tries: Vec<_> = (0..MANY)
            .map(|_| {
                scope.spawn(|| {
                    let browser = Browser::of(&service);
                    browser.get("/sign-in").page(200);
                    barrier.wait();
                    browser.post("/sign-in", &[("id_number", &number), ("code", &code)]).status
                })
            })
            .collect();
        tries.into_iter().map(|one| one.join().expect("it ends")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    service.restart();
    let later = Browser { address: "192.0.2.9", ..Browser::of(&service) };
    assert!(later.sign_in(&number, &code).page(200).contains("do not belong together"));
}

#[test]
fn delays_grow_for_who_guesses_and_not_for_whom_it_is_about() {
    let service = service();
    let (id, number) = registered(&service, &person(1));
    let code = code_for(&service, &id, "activation");
    let nobody = person(2)["id_number"].as_str().expect("a number").to_owned();
    let stranger = Browser { address: "198.51.100.7", ..Browser::of(&service) };
    // Word for word the same for a number that somebody has and for one that nobody has.
    let mut heard = Vec::new();
    for tried in [&number, &nobody] {
        let mut pages = Vec::new();
        for _ in 0..5 {
            let answer = stranger.sign_in(tried, "0000-0000-0000");
            pages.push((answer.status, answer.text().replace(tried.as_str(), "NUMBER")));
        }
        heard.push(pages);
    }
    assert_eq!(heard[0], heard[1]);
    assert_eq!(heard[0].iter().map(|(status, _)| *status).collect::<Vec<_>>(), [200, 200, 200, 429, 429]);
    assert!(heard[0][3].1.contains("wait 15 seconds"), "{}", heard[0][3].1);
    // The right code is not even looked at.
    assert_eq!(stranger.sign_in(&number, &code).status, 429);
    service.clock.advance(14);
    assert_eq!(stranger.sign_in(&number, "0000-0000-0000").status, 429);
    service.clock.advance(1);
    assert_eq!(stranger.sign_in(&number, "0000-0000-0000").status, 200);
    assert!(stranger.sign_in(&number, "0000-0000-0000").page(429).contains("wait 30 seconds"));
    // Whose number it is signs in from elsewhere, at once.
    let own = Browser { address: "203.0.113.5", ..Browser::of(&service) };
    assert_eq!(own.sign_in(&number, &code).sent_to(), "/my");
}

#[test]
fn strangers_from_everywhere_together_delay_a_person_a_minute_at_most() {
    let service = service();
    let (id, number) = registered(&service, &person(1));
    let code = code_for(&service, &id, "activation");
    let stranger = Browser::of(&service);
    for address in 0..20 {
        let from = format!("198.51.100.{address}");
        stranger.get("/sign-in").page(200);
        let fields = [("id_number", number.as_str()), ("code", "000000000000")];
        let form = stranger.form.borrow().clone();
        let body = form_of(&[("form", form.as_str()), fields[0], fields[1]]);
        let cookies = format!("yufu-browser={}", stranger.cookies.borrow()["yufu-browser"]);
        let headers =
            [("x-forwarded-for", from.as_str()), ("cookie", &cookies), ("content-type", "application/x-www-form-urlencoded")];
        assert_eq!(stranger.user.send("POST", "/sign-in", &headers, body.as_bytes()).status, 200);
    }
    let own = Browser { address: "203.0.113.5", ..Browser::of(&service) };
    assert!(own.sign_in(&number, &code).page(429).contains("wait 5 seconds"));
    service.clock.advance(5);
    own.sign_in(&number, &code).sent_to();
}

#[test]
fn what_is_mistyped_is_told_and_costs_no_try() {
    let service = service();
    let (id, number) = registered(&service, &person(1));
    let code = code_for(&service, &id, "activation");
    let browser = Browser::of(&service);
    for _ in 0..5 {
        assert!(browser.sign_in("520102199003070018", &code).page(200).contains("not a valid ID number"));
        let page = browser.sign_in(&number, "123").page(200);
        assert!(page.contains("12 digits, a recovery code has 20") && page.contains(&number), "{page}");
        assert!(!page.contains("value=\"123\""), "no code is ever repeated");
    }
    let wide: String =
        code.chars().filter_map(|c| if c == '-' { Some(' ') } else { char::from_u32(u32::from(c) + 0xfee0) }).collect();
    assert_eq!(browser.sign_in(&number.to_lowercase(), &wide).sent_to(), "/my");
}

#[test]
fn a_recovery_code_signs_in_once_and_is_replaced_by_another() {
    let service = service();
    let (id, number) = registered(&service, &person(1));
    let code = code_for(&service, &id, "recovery");
    let browser = Browser::of(&service);
    let page = browser.sign_in(&number, &code).page(200);
    let next = recovery_code(&page);
    assert!(next != code && page.contains("href=\"/my\""));
    assert!(browser.is_signed_in());
    let again = Browser::of(&service);
    assert!(again.sign_in(&number, &code).page(200).contains("do not belong together"));
    recovery_code(&again.sign_in(&number, &next).page(200));
    // A counter gives another, and the one before is dead.
    let (older, newer) = (code_for(&service, &id, "recovery"), code_for(&service, &id, "recovery"));
    let last = Browser::of(&service);
    last.sign_in(&number, &older).page(200);
    assert!(!last.is_signed_in());
    last.sign_in(&number, &newer).page(200);
    assert!(last.is_signed_in());
}

#[test]
fn sessions_end_by_themselves_by_signing_out_and_with_their_person() {
    let mut service = service();
    let (id, number) = registered(&service, &person(1));
    let signed_in = |service: &TestService| {
        let browser = Browser::of(service);
        browser.sign_in(&number, &code_for(service, &id, "activation")).sent_to();
        assert!(browser.is_signed_in());
        browser
    };
    let out = signed_in(&service);
    let kept = out.cookies.borrow().clone();
    out.get("/authorize/67e55044-10b1-426f-9247-bb680e5fe0c8").page(404);
    let cookies = out.cookies.borrow()["yufu-browser"].clone();
    let probe = Browser::of(&service);
    probe.cookies.borrow_mut().insert("yufu-browser".into(), cookies);
    probe.get("/sign-in").page(200);
    out.form.replace(probe.form.borrow().clone());
    assert_eq!(out.post("/sign-out", &[]).sent_to(), "/sign-in");
    assert!(!out.is_signed_in());
    out.cookies.replace(kept);
    assert!(!out.is_signed_in(), "a cookie that was copied is of no use afterwards");

    let browser = signed_in(&service);
    service.restart();
    assert!(browser.is_signed_in());
    service.clock.advance(30 * 60);
    assert!(!browser.is_signed_in());
    // Nobody signs in as a person who died.
    let code = code_for(&service, &id, "activation");
    let mut died = person(1);
    died["state"] = json!("deceased");
    service.admin().put(&format!("/admin/api/v1/people/{id}"), &died).good(200);
    assert!(Browser::of(&service).sign_in(&number, &code).page(200).contains("do not belong together"));
    let gone = format!("/admin/api/v1/people/{id}/activation-codes");
    service.admin().post(&gone, &json!({})).problem(404, "not_found");
}

#[test]
fn codes_are_made_in_bulk_for_letters_and_each_line_is_answered() {
    let service = service();
    let people: Vec<_> = (1..=3).map(|at| registered(&service, &person(at))).collect();
    let nobody = person(9)["id_number"].as_str().expect("a number").to_owned();
    let list = format!(
        "\u{feff}id_number,name\r\n{},x\r\n=1+1\r\n{nobody}\r\n\r\n\"{}\"\r\n{}\r\n",
        people[0].1, people[1].1, people[0].1
    );
    let events = || service.admin().get("/admin/api/v1/events?limit=100").good(200).to_string();
    let answer =
        service.admin().send("POST", "/admin/api/v1/activation-codes", &[("content-type", "text/csv")], list.as_bytes());
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/csv; charset=utf-8"));
    let table = answer.text();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0], ["line", "id_number", "activation_code", "expires_at", "problem"]);
    let problems: Vec<(&str, &str, &str)> = rows[1..].iter().map(|row| (row[0], row[1], row[4])).collect();
    assert_eq!(
        problems,
        [
            ("2", people[0].1.as_str(), ""),
            ("3", "", "not_an_id_number"),
            ("4", nobody.as_str(), "unknown_person"),
            ("6", people[1].1.as_str(), ""),
            ("7", people[0].1.as_str(), "doubled"),
        ]
    );
    assert_eq!(rows[1][3], "2026-12-24T06:00:00Z");
    for row in [&rows[1], &rows[4]] {
        assert_eq!(Browser::of(&service).sign_in(row[1], row[2]).sent_to(), "/my");
    }
    let log = events();
    assert!(log.contains("sign_in_codes_made") && !log.contains(&people[0].1) && !log.contains(&people[0].0));
    let csv = [("content-type", "text/csv")];
    let refused = |body: &[u8]| service.admin().send("POST", "/admin/api/v1/activation-codes", &csv, body);
    refused(b"id_number\n").problem(400, "invalid_request");
    refused(b"\xff").problem(400, "invalid_request");
    refused("x\n".repeat(1001).as_bytes()).problem(400, "invalid_request");
    refused(&vec![b'x'; 200_000]).problem(413, "body_too_large");
}

#[test]
fn no_code_secret_or_number_lies_in_the_store() {
    let mut service = service();
    let (id, number) = registered(&service, &person(1));
    let (activation, recovery) = (code_for(&service, &id, "activation"), code_for(&service, &id, "recovery"));
    let browser = Browser::of(&service);
    browser.sign_in(&number, "0000-0000-0000").page(200);
    browser.sign_in(&number, &activation).sent_to();
    let secrets: Vec<String> = browser.cookies.borrow().values().cloned().collect();
    assert_eq!(secrets.len(), 2);
    service.stop();
    let mut folders = vec![service.data()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).expect("a file");
            let digits = [activation.replace('-', ""), recovery.replace('-', "")];
            for text in [&number, &activation, &recovery].into_iter().chain(&digits).chain(&secrets) {
                let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
                assert!(!found, "{} holds what it must not", path.display());
            }
        }
    }
}

#[test]
fn over_https_cookies_belong_to_this_host_alone() {
    let service = TestService::start_with(|config| {
        config.identity.public_url = Some("https://id.example".parse().expect("an origin"));
        config.identity.allow_development_keys = true;
    });
    let address = service.service().address().expect("it listens");
    let mut user = service.anon();
    user.url = format!("http://{address}");
    let browser = Browser { user, ..Browser::of(&service) };
    let answer = browser.get("/sign-in");
    answer.page(200);
    assert!(answer.header("set-cookie").starts_with("__Host-yufu-browser="));
    assert!(answer.header("set-cookie").ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"));
    let form = browser.form.borrow().clone();
    // A cookie that another site could have set under the plain name is not looked at.
    let secret = browser.cookies.borrow()["__Host-yufu-browser"].clone();
    browser.cookies.borrow_mut().clear();
    browser.cookies.borrow_mut().insert("yufu-browser".into(), secret);
    browser.form.replace(form);
    browser.post("/sign-out", &[]).page(403);
}

#[test]
fn pages_are_in_the_language_that_was_chosen() {
    let service = service();
    let browser = Browser::of(&service);
    assert!(browser.get("/sign-in").page(200).contains("<html lang=\"en\">"));
    let page = browser.get("/sign-in?return=/my&lang=zh-CN").page(200);
    assert!(page.contains("<html lang=\"zh-CN\">") && page.contains("href=\"/sign-in?return=/my&#38;lang=en\""), "{page}");
    assert!(browser.get("/sign-in").page(200).contains("<html lang=\"zh-CN\">"), "and stays so");
    assert!(browser.get("/authorize/x").page(404).contains("没有这个页面"));
    for elsewhere in ["//evil.example", "https://evil.example", "/%5Cevil.example"] {
        let page = browser.get(&format!("/sign-in?return={elsewhere}")).page(200);
        assert!(!page.contains("name=\"return\"") && !page.contains("href=\"//"), "{elsewhere}");
    }
    browser.get("/authorize").page(400);
    browser.get("/authorize?client_id=wallet.example&request_uri=x").page(404);
    assert_eq!(browser.send("HEAD", "/authorize", &[], "").status, 405);
    assert!(browser.send("DELETE", "/sign-in", &[], "").page(405).contains("method_not_allowed"));
}

#[test]
fn what_is_refused_before_a_page_is_a_page_too() {
    let service = TestService::start_with(|config| {
        config.limits.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a block")];
        config.limits.limit_sign_in = 1;
    });
    let browser = Browser::of(&service);
    browser.get("/sign-in").page(200);
    browser.post("/sign-in", &[("id_number", "x")]).page(200);
    let answer = browser.post("/sign-in", &[("id_number", "x")]);
    assert!(answer.page(429).contains("Please wait a moment"));
    assert_eq!(answer.header("retry-after"), "61", "a minute, rounded up");
    // What programs ask for is answered as before.
    service.anon().get("/authorizex").problem(404, "not_found");
}

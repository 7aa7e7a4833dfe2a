//! Signing in by the province's login, with a provider in this process that answers as it is told to.

mod support;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::{Arc, Barrier, Mutex},
};

use serde_json::{Map, Value, json};
use support::{Answer, BEGIN, TestService, User};
use yufu::{
    base::{base64url, random::SeededRandom},
    crypto::{Algorithm, Signer, SoftwareKey, jws, sha256},
};

/// A provider on this machine.
struct Provider {
    url: String,
    inside: Arc<Inside>,
}

struct Inside {
    key: SoftwareKey,
    /// By code: nonce, challenge, and claims about a person. A code goes with its first use.
    codes: Mutex<BTreeMap<String, (String, String, Value)>>,
    exchanges: Mutex<usize>,
}

impl Provider {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let key = SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(3));
        let inside = Arc::new(Inside { key, codes: Mutex::default(), exchanges: Mutex::default() });
        let (own, origin) = (Arc::clone(&inside), url.clone());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let (line, body) = read_request(&mut BufReader::new(stream.try_clone().expect("a handle")));
                let (status, answer) = own.answer(&origin, line.split(' ').nth(1).unwrap_or_default(), &body);
                let answer = answer.to_string();
                let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n");
                let _gone = write!(stream, "{head}content-length: {}\r\n\r\n{answer}", answer.len());
            }
        });
        Self { url, inside }
    }

    /// The person whom these claims describe logs in where the browser was sent; gives the query of the way back.
    fn log_in(&self, sent_to: &str, claims: Value) -> String {
        let asked = parameters(sent_to);
        let code = format!("code-{}", &asked["state"][..8]);
        let login = (asked["nonce"].clone(), asked["code_challenge"].clone(), claims);
        self.inside.codes.lock().expect("a lock").insert(code.clone(), login);
        format!("code={code}&state={}&iss={}", asked["state"], self.url)
    }

    fn exchanges(&self) -> usize {
        *self.inside.exchanges.lock().expect("a lock")
    }
}

impl Inside {
    fn answer(&self, origin: &str, path: &str, body: &str) -> (u16, Value) {
        match path {
            "/.well-known/openid-configuration" => {
                let metadata = json!({
                    "issuer": origin, "jwks_uri": format!("{origin}/keys"), "token_endpoint": format!("{origin}/token"),
                    "authorization_endpoint": format!("{origin}/authorize"), "response_types_supported": ["code"],
                    "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256"],
                    "authorization_response_iss_parameter_supported": true,
                });
                (200, metadata)
            }
            "/keys" => {
                let mut jwk = self.key.public_key().to_jwk();
                jwk["kid"] = self.key.key_id().into();
                (200, json!({"keys": [jwk]}))
            }
            "/token" => self.exchange(origin, &parameters(&format!("?{body}"))),
            _ => (404, Value::Null),
        }
    }

    fn exchange(&self, origin: &str, form: &BTreeMap<String, String>) -> (u16, Value) {
        *self.exchanges.lock().expect("a lock") += 1;
        let Some((nonce, challenge, claims)) = self.codes.lock().expect("a lock").remove(&form["code"]) else {
            return (400, json!({"error": "invalid_grant"}));
        };
        assert_eq!(base64url::encode(sha256(&form["code_verifier"])), challenge, "the verifier is the challenge's");
        assert!(form["redirect_uri"].ends_with("/sign-in/province/callback"));
        let mut payload = json!({
            "iss": origin, "sub": "x", "aud": "yufu", "nonce": nonce, "iat": BEGIN.unix(), "exp": BEGIN.unix() + 300,
        });
        payload.as_object_mut().expect("claims").extend(claims.as_object().cloned().unwrap_or_default());
        let token = jws::sign(Map::new(), payload.as_object().expect("claims"), &self.key).expect("signed");
        (200, json!({"access_token": "a", "token_type": "Bearer", "id_token": token}))
    }
}

/// The first line and the body.
fn read_request(from: &mut impl BufRead) -> (String, String) {
    let (mut first, mut length) = (String::new(), 0);
    from.read_line(&mut first).expect("a line");
    loop {
        let mut line = String::new();
        from.read_line(&mut line).expect("a line");
        match line.trim().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse().expect("n"),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).expect("the body");
    (first, String::from_utf8(body).expect("text"))
}

fn parameters(address: &str) -> BTreeMap<String, String> {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let plain = |text: &str| {
        let text = text.replace('+', " ");
        let mut bytes = text.bytes();
        let mut decoded = Vec::new();
        while let Some(byte) = bytes.next() {
            match byte {
                b'%' => {
                    let digits: String = bytes.by_ref().take(2).map(char::from).collect();
                    decoded.push(u8::from_str_radix(&digits, 16).expect("two digits"));
                }
                byte => decoded.push(byte),
            }
        }
        String::from_utf8(decoded).expect("text")
    };
    query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (plain(name), plain(value))).collect()
}

/// A browser: it keeps cookies and follows nothing.
#[derive(Clone)]
struct Browser {
    user: User,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn new(service: &TestService) -> Self {
        Self { user: service.anon(), cookies: BTreeMap::new() }
    }

    fn get(&mut self, path: &str) -> Answer {
        let jar: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let jar = jar.join("; ");
        let headers: &[(&str, &str)] =
            if jar.is_empty() { &[("accept-language", "en")] } else { &[("accept-language", "en"), ("cookie", &jar)] };
        let answer = self.user.send("GET", path, headers, b"");
        for line in answer.headers.get_all("set-cookie") {
            let line = line.to_str().expect("text");
            assert!(line.contains("; HttpOnly; SameSite=Lax"), "{line}");
            let (name, value) = line.split(';').next().and_then(|pair| pair.split_once('=')).expect("a pair");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    /// Where the login is, for the page `back`.
    fn leave(&mut self, back: &str) -> String {
        let answer = self.get(&format!("/sign-in/province?return={back}"));
        assert_eq!(answer.status, 303, "{}", answer.text());
        answer.header("location").to_owned()
    }

    fn come_back(&mut self, query: &str) -> Answer {
        self.get(&format!("/sign-in/province/callback?{query}"))
    }

    /// Whoever is signed in is sent on from the page to sign in at.
    fn is_signed_in(&mut self) -> bool {
        self.get("/sign-in").status == 303
    }
}

/// A service with this login, and the ID number of somebody in its register.
fn service(provider: &Provider) -> (TestService, String) {
    let service = TestService::start_with(|config| {
        config.login.login_issuer = Some(provider.url.parse().expect("an issuer"));
        config.login.login_client_id = Some("yufu".to_owned());
        config.login.login_scopes = vec!["identity".to_owned()];
    });
    let person = support::person(1);
    service.registrar().post("/admin/api/v1/people", &person).good(201);
    (service, person["id_number"].as_str().expect("a number").to_owned())
}

#[test]
fn who_is_in_the_register_signs_in_and_arrives_where_they_were_going() {
    let provider = Provider::start();
    let (service, number) = service(&provider);
    let mut browser = Browser::new(&service);
    let page = browser.get("/sign-in?return=/my/cards%3Fx=1");
    assert!(page.text().contains(r#"href="/sign-in/province?return=/my/cards%3Fx%3D1""#), "{}", page.text());
    let sent_to = browser.leave("/my/cards%3Fx%3D1");
    let asked = parameters(&sent_to);
    assert!(sent_to.starts_with(&format!("{}/authorize?", provider.url)));
    assert_eq!((asked["scope"].as_str(), asked["ui_locales"].as_str()), ("openid identity", "en"));
    assert_eq!(asked["redirect_uri"], format!("{}/sign-in/province/callback", service.url()));
    assert!(!sent_to.contains(browser.cookies["yufu-browser"].as_str()), "the secret of the browser stays in it");
    assert!(!browser.is_signed_in());
    let arrived = browser.come_back(&provider.log_in(&sent_to, json!({"id_number": number.to_lowercase()})));
    assert_eq!((arrived.status, arrived.header("location")), (303, "/my/cards?x=1"), "{}", arrived.text());
    assert!(browser.is_signed_in());
    assert!(!Browser::new(&service).is_signed_in());
}

#[test]
fn an_answer_is_good_in_the_browser_that_asked_only() {
    let provider = Provider::start();
    let (service, number) = service(&provider);
    let (mut victim, mut attacker) = (Browser::new(&service), Browser::new(&service));
    // The attacker logs in as themselves and sends the victim the way back, or steals the victim's.
    for (asks, comes) in [(&mut attacker.clone(), &mut victim), (&mut Browser::new(&service), &mut attacker)] {
        asks.get("/sign-in");
        comes.get("/sign-in");
        let query = provider.log_in(&asks.leave("/my"), json!({"id_number": number}));
        let refused = comes.come_back(&query);
        assert_eq!(refused.status, 400);
        assert!(refused.text().contains("did not begin in this browser"));
        assert!(!comes.is_signed_in());
        assert_eq!(provider.exchanges(), 0, "the code was shown to nobody");
    }
}

#[test]
fn of_sixteen_at_one_time_one_signs_in_and_the_code_is_shown_once() {
    let provider = Provider::start();
    let (service, number) = service(&provider);
    let mut browser = Browser::new(&service);
    let query = provider.log_in(&browser.leave("/my"), json!({"id_number": number}));
    let barrier = Barrier::new(16);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let call = || {
            let mut same = browser.clone();
            barrier.wait();
            same.come_back(&query).status
        };
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(call)).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 15, "{statuses:?}");
    assert_eq!(provider.exchanges(), 1);
}

#[test]
fn the_service_may_start_anew_while_somebody_is_away_and_a_used_answer_stays_used() {
    let provider = Provider::start();
    let (mut service, number) = service(&provider);
    let mut browser = Browser::new(&service);
    let query = provider.log_in(&browser.leave("/my"), json!({"id_number": number}));
    service.restart();
    assert_eq!(browser.come_back(&query).status, 303);
    service.restart();
    assert_eq!(browser.come_back(&query).status, 400);
    assert_eq!(provider.exchanges(), 1);
}

#[test]
fn an_answer_that_is_old_or_of_no_question_of_ours_is_refused() {
    let provider = Provider::start();
    let (service, number) = service(&provider);
    let mut browser = Browser::new(&service);
    let query = provider.log_in(&browser.leave("/my"), json!({"id_number": number}));
    let state = parameters(&format!("?{query}"))["state"].clone();
    let mut bytes = base64url::decode(&state).expect("base64url");
    for at in [0, 16, 24, bytes.len() - 1] {
        bytes[at] ^= 1;
        let other = query.replace(&state, &base64url::encode(&bytes));
        assert_eq!(browser.come_back(&other).status, 400, "byte {at}");
        bytes[at] ^= 1;
    }
    for other in ["", "state=", "state=x", "code=x", &format!("code=x&state={}", "A".repeat(2000))] {
        assert_eq!(browser.come_back(other).status, 400, "{other}");
    }
    assert_eq!(browser.come_back(&format!("{query}&state=x")).status, 400, "doubled");
    service.clock.advance(900);
    assert_eq!(browser.come_back(&query).status, 400);
    assert_eq!(provider.exchanges(), 0);
}

#[test]
fn who_is_not_signed_in_is_told_why_and_led_back() {
    let provider = Provider::start();
    let (service, number) = service(&provider);
    let told = |claims: Value, change: fn(String) -> String| {
        let mut browser = Browser::new(&service);
        let query = change(provider.log_in(&browser.leave("/my/cards"), claims));
        let answer = browser.come_back(&query);
        assert!(!browser.is_signed_in());
        assert!(answer.text().contains(r#"href="/sign-in?return=/my/cards""#), "{}", answer.text());
        assert!(!answer.text().contains("code-"), "nothing of the address is repeated");
        (answer.status, answer.text())
    };
    let as_it_is: fn(String) -> String = |query| query;
    let stranger = support::person(77)["id_number"].clone();
    for (claims, change, status, words) in [
        (json!({"id_number": stranger}), as_it_is, 200, "You are not in the register"),
        (json!({"id_number": "123"}), as_it_is, 200, "You are not in the register"),
        (json!({}), as_it_is, 200, "Your ID number is missing"),
        (json!({"id_number": number, "aud": "another"}), as_it_is, 400, "could not be confirmed"),
        (json!({"id_number": number, "nonce": "another"}), as_it_is, 400, "could not be confirmed"),
        (json!({"id_number": number}), |query| query.replace("code=", "error=access_denied&x="), 200, "You are not signed in"),
        (json!({"id_number": number}), |query| query.replace("iss=", "x="), 400, "could not be confirmed"),
        (json!({"id_number": number}), |query| query.replace("iss=", "iss=https://evil"), 400, "could not be confirmed"),
        (json!({"id_number": number}), |query| query.replace("code=", "code=x"), 400, "could not be confirmed"),
    ] {
        let (was, text) = told(claims.clone(), change);
        assert!(was == status && text.contains(words), "{claims}: {was} {text}");
    }
}

#[test]
fn the_way_back_is_a_page_of_ours() {
    let provider = Provider::start();
    let (service, number) = service(&provider);
    for elsewhere in ["//evil.example", "https://evil.example", "/%5Cevil.example", "javascript:x"] {
        let mut browser = Browser::new(&service);
        let query = provider.log_in(&browser.leave(elsewhere), json!({"id_number": number}));
        assert_eq!(browser.come_back(&query).header("location"), "/my", "{elsewhere}");
    }
}

#[test]
fn a_login_that_is_down_stops_nobody_else() {
    let service = TestService::start_with(|config| {
        // A port of this machine that nobody listens at.
        config.login.login_issuer = Some("http://127.0.0.1:1".parse().expect("an issuer"));
        config.login.login_client_id = Some("yufu".to_owned());
    });
    let mut browser = Browser::new(&service);
    let answer = browser.get("/sign-in/province?return=/my");
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("not available right now"), "{}", answer.text());
    assert_eq!(browser.get("/sign-in").status, 200);
}

#[test]
fn without_a_login_there_is_no_way_to_it() {
    let service = TestService::start();
    let mut browser = Browser::new(&service);
    assert!(!browser.get("/sign-in").text().contains("/sign-in/province"));
    for path in ["/sign-in/province", "/sign-in/province/callback?code=a&state=b"] {
        assert_eq!(browser.get(path).status, 404, "{path}");
    }
}

//! The authorisation code flow as HAIP asks for it, from the pushed request through the citizen's pages to the card, and
//! what becomes of a code in other hands.

mod support;

use std::sync::Arc;

use serde_json::{Value, json};
use support::{
    Answer, TestService,
    attester::Attester,
    browser::{Browser, between},
    haip::{CLIENT_ID, HaipWallet, Pkce, REDIRECT_URI, Tokens, cards::credentials, form_of},
    person,
};
use yufu::{
    crypto::{Algorithm, SoftwareKey},
    format::openid::form,
};

/// A service of the profile `haip`, a wallet that it knows, and a person with an activation code.
struct Scene {
    service: TestService,
    attester: Arc<Attester>,
    wallet: HaipWallet,
    person: String,
}

impl Scene {
    fn new() -> Self {
        let attester = Arc::new(Attester::new(1));
        let service = TestService::start_haip(&attester);
        let order = json!({"client_id": CLIENT_ID, "name": "The wallet of the tests", "redirect_uris": [REDIRECT_URI]});
        service.admin().post("/admin/api/v1/wallets", &order).good(201);
        let wallet = service.haip_wallet(&attester, 1);
        let person = service.register(&person(1));
        Self { service, attester, wallet, person }
    }

    /// Signs a person in, with a code from the counter.
    fn sign_in(&self, browser: &mut Browser, id: &str, sequence: u16, back: &str) {
        let made = self.service.admin().post(&format!("/admin/api/v1/people/{id}/activation-codes"), &json!({})).good(201);
        let code = made["activation_code"].as_str().expect("a code");
        let number = person(sequence)["id_number"].as_str().expect("a number").to_owned();
        let fields = format!("id_number={number}&code={}&return={back}", form::encode(code));
        let answer = browser.post(&format!("/sign-in?return={back}"), "/sign-in", &fields);
        assert_eq!((answer.status, answer.header("location")), (303, back), "{}", answer.text());
    }

    /// Opens a pushed request in a browser; gives the address of the page that asks.
    fn open(&self, browser: &mut Browser, request_uri: &str) -> String {
        let answer = browser.get(&self.wallet.authorize_path(request_uri));
        assert_eq!(answer.status, 303, "{}", answer.text());
        answer.header("location").to_owned()
    }

    /// Agrees on the page that asks, and on the one that shows the recovery code where there is none yet.
    fn agree(&self, browser: &mut Browser, page: &str) -> String {
        let agree = format!("{page}/agree");
        let mut answer = browser.post(page, &agree, "");
        if answer.status == 200 {
            let text = answer.text();
            assert!(text.contains("id=\"recovery-code\""), "{text}");
            let token = between(&text, "name=\"form\" value=\"", "\"").expect("a form");
            answer = browser.send("POST", &agree, Some(&format!("form={token}")));
        }
        assert_eq!(answer.status, 303, "{}", answer.text());
        answer.header("location").to_owned()
    }

    /// A code, by way of the citizen's pages.
    fn code(&self, browser: &mut Browser, pkce: &Pkce, more: &[(&str, &str)]) -> String {
        let page = self.open(browser, &self.wallet.push(pkce, "resident-id", more));
        if browser.get(&page).status == 303 {
            self.sign_in(browser, &self.person, 1, &page);
        }
        parameter(&self.agree(browser, &page), "code").expect("a code")
    }

    fn tokens(&self, browser: &mut Browser) -> (String, Pkce, Tokens) {
        let pkce = self.wallet.pkce();
        let code = self.code(browser, &pkce, &[]);
        let tokens = Tokens::read(&self.wallet.redeem_code(&code, &pkce));
        (code, pkce, tokens)
    }
}

fn parameter(address: &str, name: &str) -> Option<String> {
    let query = address.strip_prefix(REDIRECT_URI)?.strip_prefix('?')?;
    form::parse(query.as_bytes()).expect("a query").remove(name)
}

fn is_refused(answer: &Answer) {
    answer.oauth(400, "invalid_grant");
}

#[test]
fn a_citizen_picks_the_issuer_in_a_wallet_signs_in_and_has_a_card() {
    let scene = Scene::new();
    let mut browser = Browser::new(&scene.service);
    let pkce = scene.wallet.pkce();
    let page = scene.open(&mut browser, &scene.wallet.push(&pkce, "resident-id", &[]));
    assert_eq!(browser.get(&page).header("location"), format!("/sign-in?return={page}"));
    scene.sign_in(&mut browser, &scene.person, 1, &page);
    let shown = browser.page(&page);
    for text in ["The wallet of the tests", "wallet.example", "Resident ID"] {
        assert!(shown.contains(text), "{text}");
    }
    let back = scene.agree(&mut browser, &page);
    let read = |name: &str| parameter(&back, name);
    assert_eq!(read("iss").as_deref(), Some(scene.service.url().as_str()));
    assert_eq!(read("state").as_deref(), Some("a state of the wallet"));
    let tokens = Tokens::read(&scene.wallet.redeem_code(&read("code").expect("a code"), &pkce));
    assert_eq!((tokens.token_type.as_str(), &tokens.body["scope"]), ("DPoP", &json!("resident-id")));
    assert!(tokens.refresh_token.is_some());
    let (answer, _) = scene.wallet.fetch(&tokens, "resident-id", 3);
    assert_eq!(credentials(&answer.good(200)).len(), 3);
}

#[test]
fn a_code_is_for_the_installation_and_the_key_that_asked() {
    let scene = Scene::new();
    let mut browser = Browser::new(&scene.service);
    let pkce = scene.wallet.pkce();
    let code = scene.code(&mut browser, &pkce, &[]);
    // The same product on another phone, with everything that could leak from the first.
    is_refused(&scene.service.haip_wallet(&scene.attester, 2).redeem_code(&code, &pkce));
    // The same installation with another DPoP key.
    let mut same = scene.service.haip_wallet(&scene.attester, 1);
    same.dpop = SoftwareKey::generate(Algorithm::Es256, &*same.random);
    is_refused(&same.redeem_code(&code, &pkce));
    assert_eq!(scene.wallet.redeem_code(&code, &pkce).good(200)["token_type"], "DPoP", "and it was not used up");
}

#[test]
fn a_code_shown_again_ends_every_token_it_gave() {
    let scene = Scene::new();
    let mut browser = Browser::new(&scene.service);
    let (code, pkce, tokens) = scene.tokens(&mut browser);
    let (_, _, other) = scene.tokens(&mut browser);
    let (fetched, _) = scene.wallet.fetch(&tokens, "resident-id", 1);
    fetched.good(200);
    let refreshed = Tokens::read(&scene.wallet.refresh(&tokens.refresh_token.expect("a refresh token")));
    is_refused(&scene.wallet.redeem_code(&code, &pkce));
    let refused = scene.wallet.post_json("/credential", &refreshed.access_token, &json!({}));
    assert_eq!((refused.status, &refused.json()["error"]), (401, &json!("invalid_token")));
    is_refused(&scene.wallet.refresh(&refreshed.refresh_token.expect("a refresh token")));
    let still_good = scene.wallet.refresh(&other.refresh_token.expect("a refresh token"));
    assert_eq!(still_good.status, 200, "only what this code gave: {}", still_good.text());
}

#[test]
fn an_offer_leads_its_person_through_the_pages_and_nobody_else() {
    let scene = Scene::new();
    let order = json!({
        "person_id": scene.person, "credential_types": ["resident-id"], "grants": ["authorization_code"],
    });
    let offer =
        |scene: &Scene| scene.service.admin().post("/admin/api/v1/offers", &order).good(201)["credential_offer"].clone();
    let state = |offer: &Value| offer["grants"]["authorization_code"]["issuer_state"].as_str().expect("a state").to_owned();
    let passed_on = state(&offer(&scene));
    let mut stranger = Browser::new(&scene.service);
    let other = scene.service.register(&person(2));
    let pkce = scene.wallet.pkce();
    let page = scene.open(&mut stranger, &scene.wallet.push(&pkce, "resident-id", &[("issuer_state", &passed_on)]));
    scene.sign_in(&mut stranger, &other, 2, &page);
    let token = between(&stranger.get(&page).text(), "name=\"form\" value=\"", "\"").expect("a form").to_owned();
    let back = stranger.send("POST", &format!("{page}/agree"), Some(&format!("form={token}"))).header("location").to_owned();
    assert_eq!((parameter(&back, "error").as_deref(), parameter(&back, "code")), (Some("access_denied"), None));
    let own = state(&offer(&scene));
    let code = scene.code(&mut Browser::new(&scene.service), &pkce, &[("issuer_state", &own)]);
    assert_eq!(scene.wallet.redeem_code(&code, &pkce).status, 200);
}

#[test]
fn whoever_refuses_is_sent_back_without_signing_in() {
    let scene = Scene::new();
    let mut browser = Browser::new(&scene.service);
    let page = scene.open(&mut browser, &scene.wallet.push(&scene.wallet.pkce(), "resident-id", &[]));
    let back = browser.post(&format!("/sign-in?return={page}"), &format!("{page}/refuse"), "").header("location").to_owned();
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&back, "iss"), Some(scene.service.url()));
    assert_eq!(parameter(&back, "state").as_deref(), Some("a state of the wallet"));
}

#[test]
fn a_request_on_its_way_survives_restarts() {
    let mut scene = Scene::new();
    let mut browser = Browser::new(&scene.service);
    let pkce = scene.wallet.pkce();
    let request_uri = scene.wallet.push(&pkce, "resident-id", &[]);
    scene.service.restart();
    let page = scene.open(&mut browser, &request_uri);
    scene.sign_in(&mut browser, &scene.person, 1, &page);
    scene.service.restart();
    let code = parameter(&scene.agree(&mut browser, &page), "code").expect("a code");
    scene.service.restart();
    assert_eq!(scene.wallet.redeem_code(&code, &pkce).status, 200);
    scene.service.restart();
    is_refused(&scene.wallet.redeem_code(&code, &pkce));
}

#[test]
fn at_par_a_wallet_proves_what_it_is() {
    let scene = Scene::new();
    let (pkce, path) = (scene.wallet.pkce(), "/par");
    let form = scene.wallet.push_form(&pkce, "resident-id", &[]);
    scene.service.anon().post_form(path, &form).oauth(400, "invalid_client");
    let of_another = form.replace(CLIENT_ID, "other.example");
    scene.wallet.post_form(path, &of_another).oauth(400, "invalid_client_attestation");
    let stranger = scene.service.haip_wallet(&Arc::new(Attester::new(9)), 3);
    stranger.post_form(path, &form).oauth(400, "invalid_client_attestation");
    assert_eq!(scene.wallet.post_form(path, &form).status, 201);
}

#[test]
fn a_wallet_that_is_switched_off_is_known_by_its_grants_too() {
    let attester = Arc::new(Attester::new(1));
    let service = TestService::start_trusting(&attester);
    let order = json!({"client_id": CLIENT_ID, "name": "The wallet of the tests", "redirect_uris": [REDIRECT_URI]});
    let registered = service.admin().post("/admin/api/v1/wallets", &order).good(201);
    let wallet = service.haip_wallet(&attester, 1);
    let order = json!({"person_id": service.register(&person(1)), "credential_types": ["resident-id"]});
    let offer = service.admin().post("/admin/api/v1/offers", &order).good(201)["credential_offer"].clone();
    // With its DPoP key alone, as a wallet without an attestation does.
    let post = |form: &str| {
        let mut headers = wallet.server_headers("/token");
        headers.retain(|(name, _)| *name == "dpop");
        wallet.post_with("/token", "application/x-www-form-urlencoded", &headers, form.as_bytes())
    };
    // The first answer of the service to this wallet has a nonce for its proofs.
    is_refused(&wallet.post_form("/token", &wallet.code_form("unknown", &wallet.pkce())));
    let tokens = Tokens::read(&post(&wallet.offer_form(&offer, None)));
    let anonymous = |token: &str| form_of(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
    let refreshed = Tokens::read(&post(&anonymous(&tokens.refresh_token.expect("a refresh token"))));
    let id = registered["id"].as_str().expect("an id");
    service.admin().delete(&format!("/admin/api/v1/wallets/{id}")).good(204);
    let token = refreshed.refresh_token.expect("a refresh token");
    post(&anonymous(&token)).oauth(400, "invalid_client");
    post(&wallet.refresh_form(&token)).oauth(400, "invalid_client");
    service
        .admin()
        .post("/admin/api/v1/wallets", &json!({"client_id": CLIENT_ID, "name": "Again", "redirect_uris": []}))
        .good(201);
    assert_eq!(post(&anonymous(&token)).status, 200, "registered anew, its grants go on");
}

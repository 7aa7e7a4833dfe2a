//! Every value of issuance that is good once, shown sixteen times at one time over HTTP and again after a restart: one counts.

mod support;

use std::{fs, sync::Arc, thread};

use serde_json::{Value, json};
use support::{
    Answer, TestService,
    attester::Attester,
    browser::{Browser, between},
    haip::{HaipWallet, REDIRECT_URI, Tokens, cards::credentials, trust},
    person,
};
use yufu::{crypto::SoftwareKey, format::openid::form, model::profile::Profile};

const KIND: &str = "resident-id";
/// A type whose cards an officer approves.
const APPROVED: &str = "counter-id";

struct Stand {
    service: TestService,
    attester: Arc<Attester>,
}

fn stand() -> Stand {
    let attester = Arc::new(Attester::new(1));
    let types = tempfile::tempdir().expect("a folder");
    let text = fs::read_to_string("credential-types/resident-id.toml").expect("the shipped type");
    let text = text.replacen("name = \"resident-id\"", &format!("name = \"{APPROVED}\""), 1);
    let approval = "[issuing]\napproval = \"officer\"\n\n[issuing.key_attestation]";
    fs::write(types.path().join("counter-id.toml"), text.replacen("[issuing.key_attestation]", approval, 1)).expect("written");
    let service = TestService::start_with(|config| {
        config.identity.profile = Some(Profile::Haip);
        config.storage.credential_types = Some(types.keep());
        trust(&attester, &config.storage.keys);
    });
    let order = json!({"client_id": "wallet.example", "name": "A wallet", "redirect_uris": [REDIRECT_URI]});
    service.admin().post("/admin/api/v1/wallets", &order).good(201);
    Stand { service, attester }
}

impl Stand {
    fn wallet(&self, seed: u64) -> HaipWallet {
        self.service.haip_wallet(&self.attester, seed)
    }

    /// A wallet that has the server's nonces already, so that its next request is looked at.
    fn ready(&self, seed: u64) -> HaipWallet {
        let wallet = self.wallet(seed);
        wallet.refresh("of nobody").oauth(400, "invalid_grant");
        wallet.c_nonce();
        wallet
    }

    fn offer(&self, sequence: u16, kind: &str) -> Value {
        let order =
            json!({"person_id": self.service.register(&person(sequence)), "credential_types": [kind], "tx_code": false});
        self.service.admin().post("/admin/api/v1/offers", &order).good(201)["credential_offer"].clone()
    }

    fn activation_code(&self, person: &str) -> String {
        let made = self.service.admin().post(&format!("/admin/api/v1/people/{person}/activation-codes"), &json!({})).good(201);
        form::encode(made["activation_code"].as_str().expect("a code"))
    }

    /// The code that a person gives a wallet at the address of its request.
    fn agreed(&self, authorize: &str, id_number: &str, code: &str) -> String {
        let mut browser = Browser::new(&self.service);
        let page = browser.get(authorize).header("location").to_owned();
        let sign_in = format!("/sign-in?return={page}");
        let fields = format!("id_number={id_number}&code={code}&return={page}");
        assert_eq!(browser.post(&sign_in, "/sign-in", &fields).header("location"), page);
        let agree = format!("{page}/agree");
        let recovery = browser.post(&page, &agree, "").text();
        let token = between(&recovery, "name=\"form\" value=\"", "\"").expect("the recovery code's page goes on");
        let back = browser.send("POST", &agree, Some(&format!("form={token}"))).header("location").to_owned();
        between(&back, "code=", "&").expect("a code").to_owned()
    }

    fn tokens(&self, wallet: &HaipWallet, sequence: u16, kind: &str) -> Tokens {
        Tokens::read(&wallet.redeem_offer(&self.offer(sequence, kind), None))
    }
}

/// Sixteen at one time.
fn at_once(ask: impl Fn(u64) -> Answer + Sync) -> Vec<Answer> {
    thread::scope(|scope| {
        let ask = &ask;
        let all: Vec<_> = (0..16).map(|n| scope.spawn(move || ask(n))).collect();
        all.into_iter().map(|one| one.join().expect("no thread panics")).collect()
    })
}

/// Passes when one was taken and fifteen read this error.
fn one_of(all: &[Answer], taken: u16, refused: (u16, &str)) {
    let good = all.iter().filter(|answer| answer.status == taken).count();
    assert_eq!(good, 1, "{:?}", all.iter().map(|answer| (answer.status, answer.text())).collect::<Vec<_>>());
    for answer in all.iter().filter(|answer| answer.status != taken) {
        assert_eq!((answer.status, answer.json()["error"].as_str()), (refused.0, Some(refused.1)), "{}", answer.text());
    }
}

#[test]
fn a_pre_authorised_code() {
    let mut stand = stand();
    let offer = stand.offer(1, KIND);
    let wallets: Vec<HaipWallet> = (0..16).map(|seed| stand.ready(seed)).collect();
    let redeem = |n: u64| {
        let wallet = &wallets[n as usize];
        wallet.post_form_once("/token", &wallet.offer_form(&offer, None))
    };
    one_of(&at_once(redeem), 200, (400, "invalid_grant"));
    stand.service.restart();
    stand.wallet(99).redeem_offer(&offer, None).oauth(400, "invalid_grant");
}

#[test]
fn a_request_uri_and_the_code_it_leads_to() {
    let mut stand = stand();
    let someone = person(1);
    let id = stand.service.register(&someone);
    let wallet = stand.ready(1);
    let pkce = wallet.pkce();
    let path = wallet.authorize_path(&wallet.push(&pkce, KIND, &[]));
    let opened = at_once(|_| Browser::new(&stand.service).get(&path));
    let led_on = opened.iter().filter(|answer| answer.status == 303).count();
    assert_eq!(led_on, 1, "{:?}", opened.iter().map(|answer| answer.status).collect::<Vec<_>>());
    stand.service.restart();
    assert_ne!(Browser::new(&stand.service).get(&path).status, 303);

    let path = wallet.authorize_path(&wallet.push(&pkce, KIND, &[]));
    let number = someone["id_number"].as_str().expect("a number");
    let code = stand.agreed(&path, number, &stand.activation_code(&id));
    let all = at_once(|_| wallet.post_form_once("/token", &wallet.code_form(&code, &pkce)));
    one_of(&all, 200, (400, "invalid_grant"));
    let given = all.iter().find(|answer| answer.status == 200).map(Tokens::read).expect("one");
    let (answer, _) = wallet.fetch(&given, KIND, 1);
    assert_eq!(answer.status, 401, "who redeems a code twice ends what it gave");
    stand.service.restart();
    wallet.redeem_code(&code, &pkce).oauth(400, "invalid_grant");
}

#[test]
fn a_proof_of_a_dpop_key_and_of_an_attestation() {
    let mut stand = stand();
    let wallet = stand.ready(1);
    let (form, headers) = (wallet.push_form(&wallet.pkce(), KIND, &[]), wallet.server_headers("/par"));
    let kind = "application/x-www-form-urlencoded";
    let push = |headers: &[(&'static str, String)]| wallet.post_with("/par", kind, headers, form.as_bytes());
    one_of(&at_once(|_| push(&headers)), 201, (400, "invalid_dpop_proof"));
    // The same proof of the attestation beside a new one of the DPoP key.
    let dpop = wallet.server_headers("/par").into_iter().find(|(name, _)| *name == "dpop").expect("a proof");
    let mixed: Vec<_> = headers.iter().filter(|(name, _)| *name != "dpop").cloned().chain([dpop]).collect();
    let refused = push(&mixed);
    assert!([400, 401].contains(&refused.status), "{}", refused.text());
    assert_eq!(refused.json()["error"], "invalid_client_attestation");
    stand.service.restart();
    assert!([400, 401].contains(&push(&headers).status), "nor after a restart");
    assert_eq!(wallet.post_form("/par", &form).status, 201, "with new ones it is taken");
}

#[test]
fn a_nonce_of_proofs() {
    let mut stand = stand();
    let wallet = stand.ready(1);
    let nonce = wallet.c_nonce();
    let tokens: Vec<Tokens> = (0..17).map(|n| stand.tokens(&wallet, n, KIND)).collect();
    let order = |key: &SoftwareKey| {
        let attestation = wallet.key_attestation(std::slice::from_ref(key), &nonce);
        let proof = wallet.jwt_proof(key, &nonce).header("key_attestation", attestation).sign(key);
        json!({"credential_configuration_id": KIND, "proofs": {"jwt": [proof]}})
    };
    let fetch = |n: u64| wallet.post_json("/credential", &tokens[n as usize].access_token, &order(&wallet.new_key()));
    one_of(&at_once(fetch), 200, (400, "invalid_nonce"));
    stand.service.restart();
    fetch(16).oauth(400, "invalid_nonce");
}

#[test]
fn a_refresh_token_moves_its_grant_on_once() {
    let mut stand = stand();
    let wallet = stand.ready(1);
    let first = stand.tokens(&wallet, 1, KIND);
    let token = first.refresh_token.expect("a refresh token");
    let (good, others): (Vec<_>, Vec<_>) = at_once(|_| wallet.post_form_once("/token", &wallet.refresh_form(&token)))
        .into_iter()
        .partition(|one| one.status == 200);
    let [answer] = &good[..] else { panic!("{} of sixteen succeed", good.len()) };
    others.iter().for_each(|one| assert_eq!(one.status, 503, "it is told to come again: {}", one.text()));
    let next = Tokens::read(answer);
    assert_ne!(next.refresh_token.as_ref(), Some(&token));
    // The same wallet, which may have lost the answer, reads the same next token a moment later.
    stand.service.clock.advance(2);
    let again = Tokens::read(&wallet.refresh(&token));
    assert_eq!(again.refresh_token, next.refresh_token);
    let (answer, _) = wallet.fetch(&next, KIND, 1);
    assert_eq!(credentials(&answer.good(200)).len(), 1);
    let (answer, _) = wallet.fetch(&again, KIND, 1);
    assert_ne!(answer.status, 200, "the grant moved on once, and has one card to give");
    // Later it is a token that somebody else has too.
    stand.service.restart();
    stand.service.clock.advance(61);
    wallet.refresh(&token).oauth(400, "invalid_grant");
    wallet.refresh(next.refresh_token.as_deref().expect("one")).oauth(400, "invalid_grant");
}

#[test]
fn a_transaction_id() {
    let mut stand = stand();
    let wallet = stand.ready(1);
    let tokens = stand.tokens(&wallet, 1, APPROVED);
    let (answer, _) = wallet.fetch(&tokens, APPROVED, 2);
    let waiting = answer.good(202);
    let order = json!({"transaction_id": waiting["transaction_id"]});
    let poll = || wallet.post_json("/deferred_credential", &tokens.access_token, &order);
    assert_eq!(poll().status, 202);
    let admin = stand.service.admin();
    let approvals = admin.get("/admin/api/v1/approvals").good(200);
    let id = approvals["approvals"][0]["id"].as_str().expect("one waits");
    let approved = admin.post(&format!("/admin/api/v1/approvals/{id}/approve"), &json!({}));
    assert!([200, 204].contains(&approved.status), "{}", approved.text());
    one_of(&at_once(|_| poll()), 200, (400, "invalid_transaction_id"));
    stand.service.restart();
    poll().oauth(400, "invalid_transaction_id");
}

#[test]
fn an_activation_code() {
    let mut stand = stand();
    let someone = person(1);
    let id = stand.service.register(&someone);
    let code = stand.activation_code(&id);
    let number = someone["id_number"].as_str().expect("a number");
    let sign_in = |service: &TestService| {
        let mut browser = Browser::new(service);
        browser.post("/sign-in", "/sign-in", &format!("id_number={number}&code={code}"));
        // Who is signed in is shown what is theirs.
        browser.get("/my")
    };
    let service = &stand.service;
    let all = at_once(|_| sign_in(service));
    assert_eq!(
        all.iter().filter(|answer| answer.status == 200).count(),
        1,
        "{:?}",
        all.iter().map(|one| one.status).collect::<Vec<_>>()
    );
    stand.service.restart();
    stand.service.clock.advance(3600);
    assert_ne!(sign_in(&stand.service).status, 200);
}

//! Every value of issuance that is good once, used at a service that is killed (kill -9) with the answer on its way: it is used
//! after the next start too. Alone in its binary: the service is a process of its own.

mod support;

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use serde_json::{Value, json};
use support::{
    Answer, User,
    attester::Attester,
    browser::{Browser, between},
    haip::{HaipWallet, REDIRECT_URI, Tokens, trust},
    person,
};
use tempfile::TempDir;
use yufu::{
    base::clock::{Clock, ManualClock, SystemClock},
    format::openid::form,
};

const KIND: &str = "resident-id";
/// A type whose cards an officer approves.
const APPROVED: &str = "counter-id";

/// A service in a process of its own, which dies as one that is killed.
struct Process {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Process {
    fn start(attester: &Attester) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        trust(attester, &folder.path().join("keys"));
        let text = fs::read_to_string("credential-types/resident-id.toml").expect("the shipped type");
        let text = text.replacen("name = \"resident-id\"", &format!("name = \"{APPROVED}\""), 1);
        let approval = "[issuing]\napproval = \"officer\"\n\n[issuing.key_attestation]";
        fs::create_dir(folder.path().join("types")).expect("a folder");
        let text = text.replacen("[issuing.key_attestation]", approval, 1);
        fs::write(folder.path().join("types/counter-id.toml"), text).expect("written");
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("its address").port();
        let process = Self { child: run(folder.path(), port), folder, port };
        process.wait();
        process
    }

    fn user(&self) -> User {
        User::at(&format!("http://127.0.0.1:{}", self.port))
    }

    fn admin(&self) -> User {
        let token = fs::read_to_string(self.folder.path().join("data/administrator.token")).expect("the first token");
        self.user().bearing(token.trim())
    }

    fn wait(&self) {
        let (began, user) = (SystemClock::new(), self.user());
        while user.try_get("/health/ready") != Some(200) {
            assert!(began.monotonic().as_secs() < 60, "not ready after a minute");
            std::thread::yield_now();
        }
    }

    /// Kill -9, and a start on the same folders.
    fn kill_and_start(&mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it is gone");
        self.child = run(self.folder.path(), self.port);
        self.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(folder: &Path, port: u16) -> Child {
    Command::new(env!("CARGO_BIN_EXE_yufu"))
        .args(["serve", "--profile", "haip", "--metrics-listen", "off", "--data", "data", "--keys", "keys"])
        .args(["--credential-types", "types", "--listen", &format!("127.0.0.1:{port}")])
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts")
}

/// The wallet, and the person in front of it.
struct Scene {
    process: Process,
    wallet: HaipWallet,
    people: u16,
}

impl Scene {
    fn register(&mut self) -> (String, String) {
        self.people += 1;
        let someone = person(self.people);
        let made = self.process.admin().post("/admin/api/v1/people", &someone).good(201);
        (text(&made["person_id"]), text(&someone["id_number"]))
    }

    fn offer(&mut self, kind: &str) -> Value {
        let (id, _) = self.register();
        let order = json!({"person_id": id, "credential_types": [kind], "tx_code": false});
        self.process.admin().post("/admin/api/v1/offers", &order).good(201)["credential_offer"].clone()
    }

    fn tokens(&mut self, kind: &str) -> Tokens {
        let offer = self.offer(kind);
        Tokens::read(&self.wallet.redeem_offer(&offer, None))
    }

    fn activation_code(&self, person: &str) -> String {
        let path = format!("/admin/api/v1/people/{person}/activation-codes");
        form::encode(&text(&self.process.admin().post(&path, &json!({})).good(201)["activation_code"]))
    }

    fn sign_in(&self, browser: &mut Browser, id_number: &str, code: &str, back: &str) -> bool {
        let page = format!("/sign-in?return={back}");
        let fields = format!("id_number={id_number}&code={code}&return={back}");
        browser.post(&page, "/sign-in", &fields).header("location") == back
    }

    fn browser(&self) -> Browser {
        Browser { user: self.process.user(), cookies: Default::default() }
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

#[test]
fn what_was_used_before_kill_9_is_used_after_it() {
    let attester = Arc::new(Attester::new(1));
    let process = Process::start(&attester);
    let clock = ManualClock::at(SystemClock::new().now());
    let wallet = HaipWallet::new(process.user(), clock, &attester, 1);
    let order = json!({"client_id": "wallet.example", "name": "A wallet", "redirect_uris": [REDIRECT_URI]});
    process.admin().post("/admin/api/v1/wallets", &order).good(201);
    let mut scene = Scene { process, wallet, people: 0 };

    // A pre-authorised code.
    let offer = scene.offer(KIND);
    scene.wallet.redeem_offer(&offer, None).good(200);
    scene.process.kill_and_start();
    scene.wallet.redeem_offer(&offer, None).oauth(400, "invalid_grant");

    // A request_uri, an activation code, and the code that they lead to.
    let (id, number) = scene.register();
    let pkce = scene.wallet.pkce();
    let authorize = scene.wallet.authorize_path(&scene.wallet.push(&pkce, KIND, &[]));
    let mut browser = scene.browser();
    let page = browser.get(&authorize).header("location").to_owned();
    scene.process.kill_and_start();
    assert_ne!(scene.browser().get(&authorize).status, 303, "the request was opened");
    let activation = scene.activation_code(&id);
    assert!(scene.sign_in(&mut browser, &number, &activation, &page));
    scene.process.kill_and_start();
    assert!(!scene.sign_in(&mut scene.browser(), &number, &activation, &page), "the activation code was used");
    let agree = format!("{page}/agree");
    let recovery = browser.post(&page, &agree, "").text();
    let token = between(&recovery, "name=\"form\" value=\"", "\"").expect("the recovery code's page goes on");
    let back = browser.send("POST", &agree, Some(&format!("form={token}"))).header("location").to_owned();
    let code = between(&back, "code=", "&").expect("a code");
    let given = Tokens::read(&scene.wallet.redeem_code(code, &pkce));
    scene.process.kill_and_start();
    scene.wallet.redeem_code(code, &pkce).oauth(400, "invalid_grant");
    assert_eq!(scene.wallet.fetch(&given, KIND, 1).0.status, 401, "and what it gave is over");

    // A proof of a key, with the proof of an attestation beside it.
    let (form, headers) = (scene.wallet.push_form(&scene.wallet.pkce(), KIND, &[]), scene.wallet.server_headers("/par"));
    let push = |scene: &Scene| scene.wallet.post_with("/par", "application/x-www-form-urlencoded", &headers, form.as_bytes());
    push(&scene).good(201);
    scene.process.kill_and_start();
    push(&scene).oauth(400, "invalid_dpop_proof");

    // A nonce.
    let (one, other) = (scene.tokens(KIND), scene.tokens(KIND));
    let nonce = scene.wallet.c_nonce();
    let fetch = |scene: &Scene, tokens: &Tokens| -> Answer {
        let key = scene.wallet.new_key();
        let attestation = scene.wallet.key_attestation(std::slice::from_ref(&key), &nonce);
        let proof = scene.wallet.jwt_proof(&key, &nonce).header("key_attestation", attestation).sign(&key);
        let order = json!({"credential_configuration_id": KIND, "proofs": {"jwt": [proof]}});
        scene.wallet.post_json("/credential", &tokens.access_token, &order)
    };
    fetch(&scene, &one).good(200);
    scene.process.kill_and_start();
    fetch(&scene, &other).oauth(400, "invalid_nonce");

    // A refresh token: the same wallet that lost the answer reads the same next one.
    let first = other.refresh_token.expect("a refresh token");
    let next = Tokens::read(&scene.wallet.refresh(&first)).refresh_token;
    scene.process.kill_and_start();
    let mut again = scene.wallet.refresh(&first);
    while again.status == 503 {
        // It was answered a moment ago, and the clock of a process is the real one.
        std::thread::sleep(std::time::Duration::from_millis(200));
        again = scene.wallet.refresh(&first);
    }
    assert_eq!(Tokens::read(&again).refresh_token, next);

    // A transaction id.
    let tokens = scene.tokens(APPROVED);
    let waiting = scene.wallet.fetch(&tokens, APPROVED, 1).0.good(202);
    let order = json!({"transaction_id": waiting["transaction_id"]});
    let waits = scene.process.admin().get("/admin/api/v1/approvals").good(200);
    let approval = format!("/admin/api/v1/approvals/{}/approve", text(&waits["approvals"][0]["id"]));
    assert!([200, 204].contains(&scene.process.admin().post(&approval, &json!({})).status));
    scene.wallet.post_json("/deferred_credential", &tokens.access_token, &order).good(200);
    scene.process.kill_and_start();
    scene.wallet.post_json("/deferred_credential", &tokens.access_token, &order).oauth(400, "invalid_transaction_id");
}

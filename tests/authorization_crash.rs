//! What the code flow answered is true after kill -9: a request that was opened is its browser's, a code that was given can
//! be redeemed, and one that was redeemed cannot. Alone in its binary: while a child is being started it holds the locks of
//! all open stores.

use std::{
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use serde_json::json;
use yufu::{
    base::{
        base64url,
        clock::ManualClock,
        random::{Random, SeededRandom, SystemRandom},
        time::Timestamp,
    },
    crypto::{Algorithm, sha256},
    format::openid::{form, token::TokenRequest},
    issuance::{
        Ground,
        authorize::{Authorizations, OpenError},
        caller::Shown,
        people::People,
        token::{TokenError, Tokens},
        wallets::{WalletOrder, Wallets},
    },
    keyring::{Keyring, Purpose},
    model::{
        credential_type::CredentialTypes,
        ids::{PersonId, TokenId},
        party::{Authority, Operator, Role},
        profile::Profile,
        sign_in::{CitizenSession, SignInMethod},
    },
    store::sled::{Options, SledStore},
};

const DATA: &str = "YUFU_TEST_CODES_DATA";
const PERSON: &str = "YUFU_TEST_CODES_PERSON";
const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);
const BACK: &str = "https://wallet.example/back";
const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more";

fn ground(path: &Path) -> Ground {
    let clock = ManualClock::at(NOW);
    // The same keys in every process, and another course of secrets.
    let keyring = Keyring::in_memory("https://id.example", Algorithm::Es256, &clock, &SeededRandom::new(3)).expect("keys");
    let (clock, random): (Arc<ManualClock>, Arc<dyn Random>) = (Arc::new(clock), Arc::new(SystemRandom));
    let options = Options::new(
        path,
        keyring.index_key().clone(),
        keyring.signer(Purpose::Log),
        Arc::clone(&clock) as _,
        Arc::clone(&random),
    );
    Ground {
        store: Arc::new(SledStore::open(options).expect("a store")),
        keyring: Arc::new(keyring),
        clock,
        random,
        types: Arc::new(CredentialTypes::built_in().expect("the shipped types")),
        profile: Profile::Open,
        attestation_statuses: Arc::new(yufu::issuance::attestation_status::NobodyToAsk),
        encryption_required: false,
        limits: Arc::new(yufu::issuance::limits::Unlimited),
        public_url: "https://id.example".into(),
    }
}

fn registered(ground: &Ground) -> PersonId {
    let administrator = Authority::Operator(Operator::authenticated(TokenId::from_bytes([1; 16]), Role::Administrator));
    let order = WalletOrder {
        client_id: "wallet.example".to_owned(),
        name: "A wallet".to_owned(),
        redirect_uris: vec![BACK.to_owned()],
    };
    Wallets::new(ground.clone()).register(&administrator, &order).expect("registered");
    // The number is the example printed in GB 11643-1999.
    let person = json!({
        "id_number": "11010519491231002X", "family_name": "鱼", "given_name": "小符", "latin_family_name": "YU",
        "latin_given_name": "XIAOFU", "sex": "female", "ethnicity": "苗", "birth_date": "1949-12-31",
        "address": {"region": "贵州省", "locality": "贵阳市", "street_address": "云岩区中华北路1号"},
    });
    let person = person.as_object().expect("an object");
    People::new(ground.clone()).register(&administrator, person).expect("registered")
}

/// The wallet and the browser of one person.
struct Flow {
    authorizations: Authorizations,
    tokens: Tokens,
    session: CitizenSession,
}

impl Flow {
    fn new(ground: Ground, person: PersonId) -> Self {
        let session = CitizenSession { person, method: SignInMethod::ActivationCode, signed_in_at: NOW };
        Self { authorizations: Authorizations::new(ground.clone(), []), tokens: Tokens::new(ground), session }
    }

    fn push(&self) -> String {
        let challenge = base64url::encode(sha256(VERIFIER));
        let form = format!(
            "client_id=wallet.example&response_type=code&redirect_uri={}&scope=resident-id&code_challenge={challenge}\
             &code_challenge_method=S256",
            form::encode(BACK)
        );
        self.authorizations.push(&Shown::default(), form.as_bytes()).expect("pushed").request_uri
    }

    fn open(&self, request_uri: &str) -> Result<yufu::issuance::authorize::Opened, OpenError> {
        let query = format!("client_id=wallet.example&request_uri={}", form::encode(request_uri));
        self.authorizations.open(&query, None)
    }

    fn code(&self, request_uri: &str) -> String {
        let opened = self.open(request_uri).expect("opened");
        let back = self.authorizations.agree(opened.id, opened.browser.expose(), &self.session).expect("agreed");
        let (_, query) = back.location.split_once('?').expect("a query");
        form::parse(query.as_bytes()).expect("a query").remove("code").expect("a code")
    }

    fn redeem(&self, code: &str) -> Result<String, TokenError> {
        let request = TokenRequest {
            grant_type: Some("authorization_code".to_owned()),
            client_id: Some("wallet.example".to_owned()),
            code: Some(code.to_owned()),
            redirect_uri: Some(BACK.to_owned()),
            code_verifier: Some(VERIFIER.to_owned()),
            ..TokenRequest::default()
        };
        self.tokens.redeem(&Shown::default(), &request).map(|token| token.access_token)
    }
}

/// Not a test by itself: the process that `answers_outlive_kill_9` starts and kills.
#[test]
fn the_process_that_is_killed() {
    let (Ok(data), Ok(person)) = (std::env::var(DATA), std::env::var(PERSON)) else { return };
    let flow = Flow::new(ground(Path::new(&data)), person.parse().expect("an id"));
    let say = |word: &str, secret: &str| {
        let mut out = std::io::stdout().lock();
        // The parent may be gone already.
        let _ = writeln!(out, "\nanswered {word} {secret}").and_then(|()| out.flush());
    };
    loop {
        let request_uri = flow.push();
        say("pushed", &request_uri);
        let code = flow.code(&request_uri);
        say("opened", &request_uri);
        say("given", &code);
        flow.redeem(&code).expect("a token");
        say("redeemed", &code);
    }
}

#[test]
fn answers_outlive_kill_9() {
    let folder = tempfile::tempdir().expect("a folder");
    let person = registered(&ground(folder.path()));
    let (mut pushed, mut given) = (Vec::new(), Vec::new());
    for round in 0..6 {
        let mut child = Command::new(std::env::current_exe().expect("the test has a path"))
            .args(["--exact", "the_process_that_is_killed", "--nocapture"])
            .env(DATA, folder.path())
            .env(PERSON, person.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut said = 0;
        for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
            // The last line may be cut short by the kill: then nobody heard it.
            let Ok(line) = line else { break };
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["answered", "pushed", uri] => pushed.push((uri.to_owned(), false)),
                ["answered", "opened", uri] => mark(&mut pushed, uri),
                ["answered", "given", code] => given.push((code.to_owned(), false)),
                ["answered", "redeemed", code] => mark(&mut given, code),
                _ => continue,
            }
            said += 1;
            if said == 5 + 7 * round {
                child.kill().expect("it is killed");
            }
        }
        assert!(!child.wait().expect("it ends").success() && said >= 5 + 7 * round, "killed while it worked: {said}");

        let flow = Flow::new(ground(folder.path()), person);
        for (uri, was_opened) in pushed.drain(..) {
            let opened = flow.open(&uri).map(drop);
            // What was not answered may have happened all the same: the process was killed before it could say so.
            let refused = [Err(OpenError::OtherBrowser), Err(OpenError::Answered)].contains(&opened);
            assert!(refused || (!was_opened && opened == Ok(())), "{uri} {was_opened}: {opened:?}");
        }
        for (code, was_redeemed) in given.drain(..) {
            let first = flow.redeem(&code).map(drop);
            assert!(first == Err(TokenError::GrantNotGood) || (!was_redeemed && first == Ok(())), "{was_redeemed}: {first:?}");
            assert_eq!(flow.redeem(&code), Err(TokenError::GrantNotGood));
        }
    }
}

fn mark(all: &mut [(String, bool)], secret: &str) {
    if let Some(found) = all.iter_mut().find(|(one, _)| one == secret) {
        found.1 = true;
    }
}

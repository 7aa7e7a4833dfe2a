//! What the deferred credential endpoint answered is true after kill -9: what an officer agreed to can be fetched, and what
//! was delivered cannot be fetched again. Alone in its binary: while a child is being started it holds the locks of all
//! open stores.

use std::{
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use serde_json::{Value, json};
use yufu::{
    base::{
        clock::ManualClock,
        random::{Random, SeededRandom, SystemRandom},
        time::Timestamp,
    },
    crypto::{Algorithm, Signer, SoftwareKey, jws},
    format::openid::{credential::CredentialResponse, offer::PRE_AUTHORIZED_CODE, token::TokenRequest},
    issuance::{
        Ground,
        approval::Approvals,
        caller::Shown,
        credential::{Body, Content, CredentialError, Credentials, Reply},
        nonce::Nonces,
        offer::{OfferOrder, OfferedGrants, Offers},
        people::People,
        token::Tokens,
    },
    keyring::{Keyring, Purpose},
    model::{
        credential_type::CredentialTypes,
        ids::{PersonId, TokenId},
        party::{Authority, Operator, Role},
        profile::Profile,
        record::Query,
    },
    store::sled::{Options, SledStore},
};

const DATA: &str = "YUFU_TEST_DEFERRED_DATA";
const PERSON: &str = "YUFU_TEST_DEFERRED_PERSON";
const URL: &str = "https://id.example";
const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);

fn administrator() -> Authority {
    Authority::Operator(Operator::authenticated(TokenId::from_bytes([1; 16]), Role::Administrator))
}

fn ground(path: &Path) -> Ground {
    let clock = ManualClock::at(NOW);
    // The same keys in every process, and another course of secrets.
    let keyring = Keyring::in_memory(URL, Algorithm::Es256, &clock, &SeededRandom::new(3)).expect("keys");
    let (clock, random): (Arc<ManualClock>, Arc<dyn Random>) = (Arc::new(clock), Arc::new(SystemRandom));
    let log = keyring.signer(Purpose::Log);
    let options = Options::new(path, keyring.index_key().clone(), log, Arc::clone(&clock) as _, Arc::clone(&random));
    Ground {
        store: Arc::new(SledStore::open(options).expect("a store")),
        keyring: Arc::new(keyring),
        clock,
        random,
        types: Arc::new(CredentialTypes::built_in().expect("the shipped types")),
        profile: Profile::Open,
        attestation_statuses: Arc::new(yufu::issuance::attestation_status::NobodyToAsk),
        limits: Arc::new(yufu::issuance::limits::Unlimited),
        encryption_required: false,
        public_url: URL.into(),
    }
}

/// Registers a person whose cards wait for an officer.
fn registered(ground: &Ground) -> PersonId {
    // The number is the example printed in GB 11643-1999.
    let person = json!({
        "id_number": "11010519491231002X", "family_name": "鱼", "given_name": "小符", "latin_family_name": "YU",
        "latin_given_name": "XIAOFU", "sex": "female", "ethnicity": "苗", "birth_date": "1949-12-31",
        "address": {"region": "贵州省", "locality": "贵阳市", "street_address": "云岩区中华北路1号"},
        "cards_need_approval": true,
    });
    People::new(ground.clone()).register(&administrator(), person.as_object().expect("an object")).expect("registered")
}

fn bearer(token: &str) -> Shown {
    Shown { method: "POST", authorization: vec![format!("Bearer {token}")], ..Shown::default() }
}

/// An access token of an offer of its own.
fn token(ground: &Ground, person: PersonId) -> String {
    let credential_types = vec!["resident-id".to_owned()];
    let order = OfferOrder { person, credential_types, tx_code: false, grants: OfferedGrants::PreAuthorized };
    let offered = Offers::new(ground.clone()).create(&administrator(), &order).expect("offered");
    let request = TokenRequest {
        grant_type: Some(PRE_AUTHORIZED_CODE.to_owned()),
        pre_authorized_code: offered.offer.grants.pre_authorized_code.map(|grant| grant.code),
        ..TokenRequest::default()
    };
    let no_headers = Shown { method: "POST", path: "/token", ..Shown::default() };
    Tokens::new(ground.clone()).redeem(&no_headers, &request).expect("a token").access_token
}

/// Asks for a card with a new key; gives the transaction id.
fn ask(ground: &Ground, token: &str) -> String {
    let key = SoftwareKey::generate(Algorithm::Es256, &*ground.random);
    let header = json!({"typ": "openid4vci-proof+jwt", "jwk": key.public_key().to_jwk()});
    let claims = json!({"aud": URL, "iat": NOW.unix(), "nonce": Nonces::new(ground.clone()).issue().c_nonce});
    let object = |value: Value| value.as_object().cloned().expect("an object");
    let proof = jws::sign(object(header), &object(claims), &key).expect("a software key signs");
    let body = json!({"credential_configuration_id": "resident-id", "proofs": {"jwt": [proof]}}).to_string();
    match Credentials::new(ground.clone()).issue(&bearer(token), Body::Json(body.as_bytes())).map(|reply| reply.content) {
        Ok(Content::Json(CredentialResponse::Deferred(deferred))) => deferred.transaction_id,
        other => panic!("it does not wait: {other:?}"),
    }
}

fn approve_all(ground: &Ground) {
    let approvals = Approvals::new(ground.clone());
    for waiting in approvals.waiting(&administrator(), None, 100).expect("a page").waiting {
        approvals.decide(&administrator(), waiting.id, true).expect("decided");
    }
}

fn fetch(ground: &Ground, token: &str, transaction: &str) -> Result<Reply, CredentialError> {
    let body = json!({"transaction_id": transaction}).to_string();
    Credentials::new(ground.clone()).fetch_deferred(&bearer(token), Body::Json(body.as_bytes()))
}

/// Not a test by itself: the process that `answers_outlive_kill_9` starts and kills.
#[test]
fn the_process_that_is_killed() {
    let (Ok(data), Ok(person)) = (std::env::var(DATA), std::env::var(PERSON)) else { return };
    let (ground, person) = (ground(Path::new(&data)), person.parse().expect("an id"));
    let say = |word: &str, token: &str, transaction: &str| {
        let mut out = std::io::stdout().lock();
        // The parent may be gone already.
        let _ = writeln!(out, "\nanswered {word} {token} {transaction}").and_then(|()| out.flush());
    };
    loop {
        let token = token(&ground, person);
        let transaction = ask(&ground, &token);
        approve_all(&ground);
        say("approved", &token, &transaction);
        assert!(!fetch(&ground, &token, &transaction).expect("a card").deferred);
        say("delivered", &token, &transaction);
    }
}

#[test]
fn answers_outlive_kill_9() {
    let folder = tempfile::tempdir().expect("a folder");
    let person = registered(&ground(folder.path()));
    for round in 0..4 {
        let mut child = Command::new(std::env::current_exe().expect("the test has a path"))
            .args(["--exact", "the_process_that_is_killed", "--nocapture"])
            .env(DATA, folder.path())
            .env(PERSON, person.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let (mut said, mut heard) = (0, Vec::<(String, String, bool)>::new());
        for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
            // The last line may be cut short by the kill: then nobody heard it.
            let Ok(line) = line else { break };
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["answered", "approved", token, id] => heard.push((token.to_owned(), id.to_owned(), false)),
                ["answered", "delivered", _, id] => heard.iter_mut().filter(|one| one.1 == id).for_each(|one| one.2 = true),
                _ => continue,
            }
            said += 1;
            if said == 3 + 5 * round {
                child.kill().expect("it is killed");
            }
        }
        assert!(!child.wait().expect("it ends").success() && said >= 3 + 5 * round, "killed while it worked: {said}");
        let ground = ground(folder.path());
        let over = Err(CredentialError::UnknownTransaction);
        for (token, transaction, was_delivered) in heard {
            let first = fetch(&ground, &token, &transaction).map(|reply| reply.deferred);
            // What was not answered may have happened all the same: the process was killed before it could say so.
            assert!(first == over || (!was_delivered && first == Ok(false)), "{was_delivered}: {first:?}");
            assert_eq!(fetch(&ground, &token, &transaction).map(|reply| reply.deferred), over);
        }
        let waiting = ground.store.find(&Query::Deferred, None, 100).expect("a search").records.len();
        assert!(waiting <= 1, "the one that was being asked for: {waiting}");
        approve_all(&ground);
    }
}

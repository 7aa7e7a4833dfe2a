//! Two services on one database, asked over HTTP.

use std::{sync::Arc, thread, time::Duration};

use serde_json::{Value, json};
use yufu::{
    base::clock::{Clock, SystemClock},
    format::{
        presentation_qr,
        sdjwt::{HolderProof, PathPart, present},
    },
    model::profile::Profile,
};

use super::{
    cable::Cable,
    support::{
        Answer, TestService, User,
        attester::Attester,
        browser::{Browser, between},
        haip::{HaipWallet, REDIRECT_URI, Tokens, trust},
        person,
        postgres::Cluster,
        wallet::HeldCard,
    },
    until,
};

const KIND: &str = "resident-id";
const GATE: &str = "https://gate.example";

/// Two nodes, and users who ask them in turn.
struct Pair {
    one: TestService,
    other: TestService,
}

impl Pair {
    /// Both on a new database of this cluster; the other one reaches it by `way`.
    fn on(cluster: &Cluster, way: impl FnOnce(&str) -> String) -> Self {
        let database = cluster.fresh_database();
        let one = TestService::start_with(|config| config.storage.store = database.parse().expect("it never fails"));
        let way = way(&database);
        let other = one.beside(8, |config| config.storage.store = way.parse().expect("it never fails"));
        Self { one, other }
    }

    fn doors(&self) -> [String; 2] {
        [self.one.door(), self.other.door()]
    }

    /// The same user, at the other node only.
    fn elsewhere(&self, user: &User) -> User {
        user.through(&[self.other.door()])
    }

    /// Waits until each node has taken up what the other one did.
    fn in_step(&self) {
        let head = |of: &TestService| of.service().store().head();
        until("the nodes are in step", &SystemClock::new(), || head(&self.one) == head(&self.other));
    }

    /// A card that was fetched from both nodes in turn.
    fn card(&self) -> HeldCard {
        let mut wallet = self.one.wallet(1);
        wallet.user = wallet.user.through(&self.doors());
        wallet.take_resident_id(&self.one, &person(1))
    }

    fn verified(&self, gate: &User, card: &HeldCard) -> Value {
        let name = |path: &[PathPart]| path == [PathPart::Name("family_name".to_owned())];
        let proof = HolderProof { signer: &card.key, nonce: "n-1", audience: GATE, issued_at: self.one.clock.now() };
        let presentation = present(&card.credential, &name, Some(proof)).expect("the wallet presents");
        let body = json!({"presentation": presentation, "nonce": "n-1", "audience": GATE, "policy": {}});
        gate.post("/checkpoint/api/v1/verifications", &body).good(200)
    }
}

#[test]
fn a_card_fetched_from_both_and_revoked_at_one_is_refused_at_the_other_and_both_serve_the_same_list() {
    let Some(cluster) = Cluster::start() else { return };
    let pair = Pair::on(&cluster, str::to_owned);
    let (card, clock) = (pair.card(), SystemClock::new());
    let gate = pair.elsewhere(&pair.one.checkpoint());
    pair.in_step();
    assert_eq!(pair.verified(&gate, &card)["decision"], "accepted");
    let (here, there) = (pair.one.anon(), pair.elsewhere(&pair.one.anon()));
    let list = |of: &User| of.get("/status-lists/1");
    until("the list is published", &clock, || list(&here).status == 200 && list(&there).body == list(&here).body);
    let before = list(&there);

    pair.one.revoke(&card);
    let took = until("the other node refuses it", &clock, || pair.verified(&gate, &card)["reason"] == "credential_revoked");
    assert!(took < Duration::from_secs(1), "{took:?}");
    let same = || {
        let (here, there) = (list(&here), list(&there));
        there.body != before.body && here.body == there.body && here.header("etag") == there.header("etag")
    };
    let took = until("both serve the new list", &clock, same);
    println!("the same new list at both nodes after {took:?}");
    let head = |of: &User| of.get("/log/checkpoint").text();
    until("both show the same head of the log", &clock, || head(&here) == head(&there));
}

#[test]
fn a_presentation_shown_at_one_node_is_a_replay_at_the_other() {
    let Some(cluster) = Cluster::start() else { return };
    let pair = Pair::on(&cluster, str::to_owned);
    let (card, gate) = (pair.card(), pair.one.checkpoint());
    pair.in_step();
    let of_age = |path: &[PathPart]| matches!(path, [_, PathPart::Name(age)] if age == "18");
    let issued_at = pair.one.clock.now();
    let proof = HolderProof { signer: &card.key, nonce: "the wallet's own", audience: "urn:yufu:shown", issued_at };
    let shown = present(&card.credential, &of_age, Some(proof)).expect("a presentation");
    let frames = presentation_qr::frames(&shown).expect("it fits");
    let reason = |gate: &User| {
        let order = json!({"use_case": "age-over-18", "frames": frames});
        gate.post("/checkpoint/api/v1/shown/decisions", &order).good(200)["statement"]["reason"].clone()
    };
    assert_eq!(
        (reason(&gate), reason(&pair.elsewhere(&gate))),
        (json!("shown_without_request"), json!("presentation_replayed"))
    );
}

/// A cable that is pulled: nothing arrives any more, and nobody is told.
#[test]
fn a_node_that_is_cut_off_goes_on_verifying_with_the_age_stated_and_changes_nothing_until_it_is_back() {
    let Some(cluster) = Cluster::start() else { return };
    let cable = Cable::to(cluster.port());
    let pair = Pair::on(&cluster, |database| cable.through(database));
    let (card, clock) = (pair.card(), SystemClock::new());
    let (gate, admin) = (pair.elsewhere(&pair.one.checkpoint()), pair.elsewhere(&pair.one.admin()));
    pair.in_step();
    assert_eq!(pair.verified(&gate, &card)["decision"], "accepted");
    let list = || pair.elsewhere(&pair.one.anon()).get("/status-lists/1").status;
    until("the list is served here too", &clock, || list() == 200);

    cable.pull();
    // What was on its way has arrived.
    thread::sleep(Duration::from_millis(300));
    pair.one.clock.advance(30);
    let statement = pair.verified(&gate, &card);
    assert_eq!(statement["decision"], "accepted", "{statement}");
    let age = statement["status"]["age_seconds"].as_u64().expect("an age");
    assert!((30..=32).contains(&age), "{statement}");
    // Changed at the node that has the line: the other one cannot know, and says how old its word is.
    pair.one.revoke(&card);
    assert_eq!(pair.verified(&gate, &card)["decision"], "accepted");
    let began = clock.monotonic();
    let path = format!("/admin/api/v1/credentials/{}/suspend", card.id);
    let refused = admin.post(&path, &json!({"reason": "lost"}));
    assert!(clock.monotonic() - began < Duration::from_secs(10));
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(list(), 200, "the last list is served");
    assert_eq!(
        pair.elsewhere(&pair.one.anon()).get("/health/ready").json()["lag_seconds"].as_f64().map(|lag| lag >= 30.0),
        Some(true)
    );

    cable.plug_in();
    until("it has heard of it", &clock, || pair.verified(&gate, &card)["reason"] == "credential_revoked");
    until("it changes things again", &clock, || admin.post(&path, &json!({"reason": "lost"})).status != 503);
}

/// What single-use values are shown to: both nodes, eight times each.
struct Stand {
    pair: Pair,
    attester: Arc<Attester>,
}

impl Stand {
    fn on(cluster: &Cluster) -> Self {
        let attester = Arc::new(Attester::new(1));
        let database = cluster.fresh_database();
        let one = TestService::start_with(|config| {
            config.identity.profile = Some(Profile::Haip);
            config.storage.store = database.parse().expect("it never fails");
            trust(&attester, &config.storage.keys);
        });
        let other = one.beside(8, |_| {});
        let order = json!({"client_id": "wallet.example", "name": "A wallet", "redirect_uris": [REDIRECT_URI]});
        one.admin().post("/admin/api/v1/wallets", &order).good(201);
        let stand = Self { pair: Pair { one, other }, attester };
        stand.pair.in_step();
        stand
    }

    /// A wallet that asks both nodes in turn, and begins with one or the other.
    fn wallet(&self, seed: u64) -> HaipWallet {
        let mut wallet = self.pair.one.haip_wallet(&self.attester, seed);
        let mut doors = self.pair.doors();
        doors.rotate_left(seed as usize % 2);
        wallet.user = wallet.user.through(&doors);
        // Heard at both nodes, which share what their nonces are made from.
        wallet.refresh("of nobody").oauth(400, "invalid_grant");
        wallet.c_nonce();
        wallet
    }

    fn offer(&self, sequence: u16) -> Value {
        let order =
            json!({"person_id": self.pair.one.register(&person(sequence)), "credential_types": [KIND], "tx_code": false});
        self.pair.one.admin().post("/admin/api/v1/offers", &order).good(201)["credential_offer"].clone()
    }

    fn agreed(&self, authorize: &str, person: &str, id_number: &str) -> String {
        let code = format!("/admin/api/v1/people/{person}/activation-codes");
        let made = self.pair.one.admin().post(&code, &json!({})).good(201);
        let code = yufu::format::openid::form::encode(made["activation_code"].as_str().expect("a code"));
        let mut browser = Browser::new(&self.pair.one);
        browser.user = browser.user.through(&self.pair.doors());
        let page = browser.get(authorize).header("location").to_owned();
        let fields = format!("id_number={id_number}&code={code}&return={page}");
        assert_eq!(browser.post(&format!("/sign-in?return={page}"), "/sign-in", &fields).header("location"), page);
        let agree = format!("{page}/agree");
        let recovery = browser.post(&page, &agree, "").text();
        let token = between(&recovery, "name=\"form\" value=\"", "\"").expect("the recovery code's page goes on");
        let back = browser.send("POST", &agree, Some(&format!("form={token}"))).header("location").to_owned();
        between(&back, "code=", "&").expect("a code").to_owned()
    }
}

/// Sixteen at one time; one is taken with this status.
fn one_of_sixteen(taken: u16, ask: impl Fn(usize) -> Answer + Sync) {
    let all: Vec<Answer> = thread::scope(|scope| {
        let ask = &ask;
        let all: Vec<_> = (0..16).map(|n| scope.spawn(move || ask(n))).collect();
        all.into_iter().map(|one| one.join().expect("no thread panics")).collect()
    });
    let statuses: Vec<_> = all.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == taken).count(), 1, "{statuses:?}");
}

#[test]
fn codes_nonces_requests_and_proofs_are_good_once_over_both_nodes() {
    let Some(cluster) = Cluster::start() else { return };
    let stand = Stand::on(&cluster);
    let wallets: Vec<HaipWallet> = (0..16).map(|seed| stand.wallet(seed)).collect();
    let wallet = &wallets[0];

    let offer = stand.offer(1);
    one_of_sixteen(200, |n| wallets[n].post_form_once("/token", &wallets[n].offer_form(&offer, None)));

    let (form, headers) = (wallet.push_form(&wallet.pkce(), KIND, &[]), wallet.server_headers("/par"));
    let kind = "application/x-www-form-urlencoded";
    one_of_sixteen(201, |_| wallet.post_with("/par", kind, &headers, form.as_bytes()));

    let nonce = wallet.c_nonce();
    let tokens: Vec<Tokens> = (2..18).map(|n| Tokens::read(&wallet.redeem_offer(&stand.offer(n), None))).collect();
    one_of_sixteen(200, |n| {
        let key = wallet.new_key();
        let attestation = wallet.key_attestation(std::slice::from_ref(&key), &nonce);
        let proof = wallet.jwt_proof(&key, &nonce).header("key_attestation", attestation).sign(&key);
        let order = json!({"credential_configuration_id": KIND, "proofs": {"jwt": [proof]}});
        wallet.post_json("/credential", &tokens[n].access_token, &order)
    });

    let (someone, pkce) = (person(20), wallet.pkce());
    let id = stand.pair.one.register(&someone);
    let path = wallet.authorize_path(&wallet.push(&pkce, KIND, &[]));
    one_of_sixteen(303, |n| Browser::new(&stand.pair.one).user.through(&[stand.pair.doors()[n % 2].clone()]).get(&path));
    let path = wallet.authorize_path(&wallet.push(&pkce, KIND, &[]));
    let code = stand.agreed(&path, &id, someone["id_number"].as_str().expect("a number"));
    one_of_sixteen(200, |_| wallet.post_form_once("/token", &wallet.code_form(&code, &pkce)));
}

//! A card that renews itself, over HTTP under HAIP: refresh tokens, batches of the same card, a new phone, and what ends it.

mod support;

use std::{collections::BTreeSet, sync::Arc, thread};

use serde_json::{Value, json};
use support::{
    Answer, TestService,
    attester::Attester,
    haip::{HaipWallet, Tokens, cards::credentials},
    person,
};
use yufu::{
    base::base64url,
    model::{card::StatusRef, ids::ListId},
};

const DAY: u64 = 24 * 3600;
const RESIDENT_ID: &str = "resident-id";

/// A service under HAIP, an attester it trusts, and a person.
struct Province {
    service: TestService,
    attester: Arc<Attester>,
    person: String,
}

impl Province {
    fn new() -> Self {
        let attester = Arc::new(Attester::new(1));
        let service = TestService::start_haip(&attester);
        let person = service.register(&person(1));
        Self { service, attester, person }
    }

    fn phone(&self, seed: u64) -> HaipWallet {
        self.service.haip_wallet(&self.attester, seed)
    }

    /// Offers the card to the person; the wallet takes it, with so many copies.
    fn give(&self, wallet: &HaipWallet, copies: usize) -> (Tokens, Vec<String>) {
        let order = json!({"person_id": self.person, "credential_types": [RESIDENT_ID], "tx_code": false});
        let offered = self.service.admin().post("/admin/api/v1/offers", &order).good(201);
        let (tokens, cards, _) = wallet.take(&offered["credential_offer"], copies);
        (tokens, cards)
    }

    fn cards(&self) -> Vec<Value> {
        let found = self.service.admin().get(&format!("/admin/api/v1/credentials?person_id={}", self.person)).good(200);
        found["credentials"].as_array().expect("cards").clone()
    }

    /// The only card there is.
    fn card(&self) -> Value {
        let [card] = &self.cards()[..] else { panic!("one card: {:?}", self.cards()) };
        card.clone()
    }

    fn change(&self, card: &Value, verb: &str, reason: &str) {
        let path = format!("/admin/api/v1/credentials/{}/{verb}", text(&card["id"]));
        self.service.admin().post(&path, &json!({"reason": reason})).good(200);
    }

    /// What the status lists say of these credentials.
    fn statuses(&self, credentials: &[String]) -> Vec<u8> {
        let board = self.service.service().store().board();
        credentials.iter().map(|one| board.entry(status(one)).expect("it is in the list").value).collect()
    }

    fn days_later(&self, days: u64) {
        self.service.clock.advance(days * DAY);
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn claims(credential: &str) -> Value {
    let payload = credential.split('.').nth(1).expect("a JWT");
    serde_json::from_slice(&base64url::decode(payload).expect("base64url")).expect("JSON")
}

fn status(credential: &str) -> StatusRef {
    let status = claims(credential)["status"]["status_list"].clone();
    let list = text(&status["uri"]).rsplit('/').next().and_then(|list| list.parse().ok()).expect("a list");
    StatusRef { list: ListId(list), index: status["idx"].as_u64().expect("an index") as u32 }
}

fn refreshed(wallet: &HaipWallet, tokens: &Tokens) -> Tokens {
    Tokens::read(&wallet.refresh(tokens.refresh_token.as_deref().expect("a refresh token")))
}

fn renewed(wallet: &HaipWallet, tokens: &Tokens, copies: usize) -> (Tokens, Vec<String>) {
    let tokens = refreshed(wallet, tokens);
    let (answer, _) = wallet.fetch(&tokens, RESIDENT_ID, copies);
    (tokens, credentials(&answer.good(200)))
}

/// Refused with these words.
fn is_denied(answer: &Answer, description: &str) {
    answer.oauth(400, "credential_request_denied");
    assert_eq!(answer.json()["error_description"], description);
}

#[test]
fn a_card_renews_itself_and_all_its_copies_end_together() {
    let province = Province::new();
    let wallet = province.phone(1);
    let (tokens, first) = province.give(&wallet, 10);
    let before = province.card();
    province.days_later(5);
    let (tokens, second) = renewed(&wallet, &tokens, 10);
    let after = province.card();
    assert_eq!(after["id"], before["id"], "the same card");
    assert_eq!(after["copies"].as_array().map(Vec::len), Some(20));
    assert_eq!(after["copies"][0], before["copies"][0], "what somebody has is as it was");
    assert_eq!(after["renewals"][0]["copies"], 10);
    assert_eq!(after["history"].as_array().map(Vec::len), Some(1), "a renewal is no change of state");
    assert!(after["wallet_instance"].is_string() && after["notices"] == json!([]));
    let indices: BTreeSet<_> = first.iter().chain(&second).map(|one| status(one)).collect();
    assert_eq!(indices.len(), 20, "each copy has an index of its own");
    let ends = |one: &String| claims(one)["exp"].as_i64().expect("an end");
    assert_eq!(ends(&second[0]) - ends(&first[0]), 5 * DAY as i64);
    assert_eq!(province.statuses(&[first.clone(), second.clone()].concat()), [0; 20], "the old batch ends by itself");

    // Also after a restart, and for as long as the old ones are valid.
    let mut province = province;
    province.service.restart();
    province.change(&after, "revoke", "stolen");
    assert_eq!(province.statuses(&[first, second].concat()), [1; 20]);
    let tokens = refreshed(&wallet, &tokens);
    let (answer, _) = wallet.fetch(&tokens, RESIDENT_ID, 1);
    is_denied(&answer, "the card was revoked (stolen); sign in again to get a new one");
}

#[test]
fn a_token_of_before_the_renewal_is_good_no_more_and_each_renewal_is_one_batch() {
    let province = Province::new();
    let wallet = province.phone(1);
    let (old, _) = province.give(&wallet, 2);
    let new = refreshed(&wallet, &old);
    let (answer, _) = wallet.fetch(&old, RESIDENT_ID, 1);
    answer.oauth(401, "invalid_token");
    let keys = [wallet.new_key(), wallet.new_key()];
    let order = json!({"credential_configuration_id": RESIDENT_ID, "proofs": wallet.proofs(&keys)});
    let fetch = || wallet.post_json("/credential", &new.access_token, &order);
    let (batch, again) = (credentials(&fetch().good(200)), credentials(&fetch().good(200)));
    let indices = |batch: &[String]| batch.iter().map(|one| status(one)).collect::<Vec<_>>();
    assert_eq!(indices(&batch), indices(&again), "the same request word for word gets the same copies");
    assert_eq!(province.card()["copies"].as_array().map(Vec::len), Some(4));
    let (answer, _) = wallet.fetch(&new, RESIDENT_ID, 1);
    is_denied(&answer, "this credential was fetched already");
}

#[test]
fn a_refresh_token_is_good_with_the_key_of_its_wallet_only() {
    // NT-ABCA-14, DPOP-04
    let province = Province::new();
    let (mine, thief) = (province.phone(1), province.phone(2));
    let (tokens, _) = province.give(&mine, 1);
    let stolen = tokens.refresh_token.as_deref().expect("a refresh token");
    thief.refresh(stolen).oauth(400, "invalid_grant");
    // With the DPoP key as well, and only the key of the installation another one.
    let mut half = province.phone(3);
    half.dpop = province.phone(1).dpop;
    half.refresh(stolen).oauth(400, "invalid_grant");
    let (tokens, _) = renewed(&mine, &tokens, 1);
    assert_eq!(tokens.token_type, "DPoP");
    // The token that was replaced, after the minute in which an answer may have been lost.
    province.service.clock.advance(61);
    thief.refresh(stolen).oauth(400, "invalid_grant");
    let tokens = refreshed(&mine, &tokens);
    province.service.clock.advance(61);
    mine.refresh(stolen).oauth(400, "invalid_grant");
    mine.refresh(tokens.refresh_token.as_deref().expect("one")).oauth(400, "invalid_grant");
    let (answer, _) = mine.fetch(&tokens, RESIDENT_ID, 1);
    answer.oauth(401, "invalid_token");
}

/// A public client under the profile `open`: its refresh token is bound to the key of its DPoP proofs.
#[test]
fn a_public_client_refreshes_with_its_dpop_key_only() {
    // DPOP-04
    let attester = Arc::new(Attester::new(1));
    let service = TestService::start_trusting(&attester);
    let person = service.register(&person(1));
    let order = json!({"person_id": person, "credential_types": [RESIDENT_ID], "tx_code": false});
    let post = |wallet: &HaipWallet, form: &str| {
        let send = |nonce: Option<&str>| {
            let headers = [("dpop", wallet.proof("/token", nonce, None).sign(&wallet.dpop))];
            wallet.post_with("/token", "application/x-www-form-urlencoded", &headers, form.as_bytes())
        };
        let answer = send(None);
        let nonce = answer.header("dpop-nonce").to_owned();
        if answer.status == 400 && !nonce.is_empty() { send(Some(&nonce)) } else { answer }
    };
    let offered = service.admin().post("/admin/api/v1/offers", &order).good(201);
    let (mine, other) = (service.haip_wallet(&attester, 1), service.haip_wallet(&attester, 2));
    let tokens = Tokens::read(&post(&mine, &mine.offer_form(&offered["credential_offer"], None)));
    let form = mine.refresh_form(tokens.refresh_token.as_deref().expect("a refresh token"));
    post(&other, &form).oauth(400, "invalid_grant");
    let bearer = service.anon().post_form("/token", &form);
    bearer.oauth(400, "invalid_grant");
    assert_eq!(Tokens::read(&post(&mine, &form)).token_type, "DPoP");
    // Who proves no key gets no refresh token at all.
    let offered = service.admin().post("/admin/api/v1/offers", &order).good(201);
    let plain = service.anon().post_form("/token", &mine.offer_form(&offered["credential_offer"], None)).good(200);
    assert_eq!((&plain["token_type"], plain.get("refresh_token")), (&json!("Bearer"), None));
}

#[test]
fn a_new_phone_takes_the_place_of_the_old_one() {
    let province = Province::new();
    let (old, new) = (province.phone(1), province.phone(2));
    let (old_tokens, first) = province.give(&old, 3);
    province.days_later(1);
    let (new_tokens, second) = province.give(&new, 3);
    assert_eq!(province.statuses(&[first, second].concat()), [1, 1, 1, 0, 0, 0]);
    let states: BTreeSet<_> = province
        .cards()
        .iter()
        .map(|card| (text(&card["state"]).to_owned(), card["history"][1]["reason"].clone().to_string()))
        .collect();
    assert_eq!(states, [("active".to_owned(), "null".to_owned()), ("revoked".to_owned(), "\"superseded\"".to_owned())].into());
    let (answer, _) = old.fetch(&refreshed(&old, &old_tokens), RESIDENT_ID, 1);
    is_denied(&answer, "the card was revoked (superseded); sign in again to get a new one");
    renewed(&new, &new_tokens, 1);
}

#[test]
fn who_died_moved_or_is_not_to_have_it_now_is_told_precisely() {
    let province = Province::new();
    let wallet = province.phone(1);
    let (tokens, _) = province.give(&wallet, 1);
    let put = |change: &dyn Fn(&mut Value)| {
        let mut fields = person(1);
        change(&mut fields);
        province.service.admin().put(&format!("/admin/api/v1/people/{}", province.person), &fields).good(200);
    };
    province.change(&province.card(), "suspend", "lost");
    let tokens = refreshed(&wallet, &tokens);
    is_denied(&wallet.fetch(&tokens, RESIDENT_ID, 1).0, "the card is suspended, and is renewed once it is reinstated");
    province.change(&province.card(), "reinstate", "found");
    put(&|person| person["state"] = json!("moved_away"));
    is_denied(&wallet.fetch(&tokens, RESIDENT_ID, 1).0, "the holder is registered as having moved away");
    // Back, under another name: the card is due, and says so until it is renewed with the claims of that day.
    put(&|person| person["given_name"] = json!("新名"));
    assert_eq!(province.card()["due_for_renewal"], true);
    let (answer, _) = wallet.fetch(&tokens, RESIDENT_ID, 1);
    let credential = credentials(&answer.good(200)).remove(0);
    let disclosed: Vec<_> = credential.split('~').skip(1).filter_map(|one| base64url::decode(one).ok()).collect();
    assert!(disclosed.iter().any(|one| String::from_utf8_lossy(one).contains("测新名")), "the name of today");
    assert_eq!(province.card()["due_for_renewal"], false);
    let tokens = refreshed(&wallet, &tokens);
    put(&|person| person["state"] = json!("deceased"));
    is_denied(&wallet.fetch(&tokens, RESIDENT_ID, 1).0, "the holder is registered as deceased");
}

#[test]
fn of_sixteen_refreshes_at_one_time_one_is_answered_and_so_it_is_with_the_copies() {
    let province = Province::new();
    let wallet = province.phone(1);
    let (tokens, _) = province.give(&wallet, 1);
    let token = tokens.refresh_token.clone().expect("a refresh token");
    // One request beforehand, so that everybody has the nonce.
    wallet.refresh("nobody's").oauth(400, "invalid_grant");
    let (good, others): (Vec<Answer>, Vec<Answer>) = thread::scope(|scope| {
        let racers: Vec<_> = (0..16).map(|_| scope.spawn(|| wallet.refresh(&token))).collect();
        racers.into_iter().map(|racer| racer.join().expect("it ends")).partition(|answer| answer.status == 200)
    });
    let [answer] = &good[..] else { panic!("{} are answered", good.len()) };
    assert!(others.iter().all(|other| other.status == 503 && !other.header("retry-after").is_empty()));
    // Whose answer was lost comes again a moment later, and is told the same.
    province.service.clock.advance(2);
    let (given, again) = (Tokens::read(answer), refreshed(&wallet, &tokens));
    assert_eq!(again.refresh_token, given.refresh_token);
    let fetched: Vec<u16> = thread::scope(|scope| {
        let fetch = |n: usize| {
            let (wallet, given, again) = (&wallet, &given, &again);
            scope.spawn(move || wallet.fetch(if n < 8 { given } else { again }, RESIDENT_ID, 1).0.status)
        };
        let racers: Vec<_> = (0..16).map(fetch).collect();
        racers.into_iter().map(|racer| racer.join().expect("it ends")).collect()
    });
    assert_eq!(fetched.iter().filter(|status| **status == 200).count(), 1, "{fetched:?}");
    assert_eq!(province.card()["copies"].as_array().map(Vec::len), Some(2));
}

//! Two phones of one person: what is on the one that is gone stops, and what is on the other goes on.

use std::sync::Arc;

use serde_json::json;

use super::support::{
    TestService,
    attester::Attester,
    browser::{Browser, between},
    driver,
    haip::{HaipWallet, Tokens},
};

struct Phone {
    wallet: HaipWallet,
    tokens: Tokens,
    card: String,
}

impl Phone {
    /// A new token for the card; whether it was given.
    fn refreshes(&mut self) -> bool {
        let answer = self.wallet.refresh(self.tokens.refresh_token.as_deref().expect("a refresh token"));
        if answer.status == 200 {
            self.tokens = Tokens::read(&answer);
        }
        answer.status == 200
    }
}

struct Person {
    service: TestService,
    id: String,
    old: Phone,
    new: Phone,
}

impl Person {
    /// With the resident ID on one phone and the licence on another.
    fn new() -> Self {
        let attester = Arc::new(Attester::new(1));
        let service = TestService::start_haip(&attester);
        let id = service.register(&driver(1));
        let old = phone(&service, &attester, &id, (1, "resident-id"));
        let new = phone(&service, &attester, &id, (2, "transport-qualification"));
        Self { service, id, old, new }
    }

    fn signs_in(&self, browser: &mut Browser) {
        browser.cookies.remove("yufu-citizen");
        let path = format!("/admin/api/v1/people/{}/activation-codes", self.id);
        let made = self.service.admin().post(&path, &json!({})).good(201);
        let code = made["activation_code"].as_str().expect("a code").replace(' ', "+");
        let number = driver(1)["id_number"].as_str().expect("a number").to_owned();
        let answer = browser.post("/sign-in", "/sign-in", &format!("id_number={number}&code={code}"));
        assert_eq!((answer.status, answer.header("location")), (303, "/my"), "{}", answer.text());
    }

    fn states(&self) -> [String; 2] {
        [&self.old.card, &self.new.card].map(|card| {
            let card = self.service.admin().get(&format!("/admin/api/v1/credentials/{card}")).good(200);
            card["state"].as_str().expect("a state").to_owned()
        })
    }
}

fn phone(service: &TestService, attester: &Arc<Attester>, person: &str, (seed, kind): (u64, &str)) -> Phone {
    let wallet = service.haip_wallet(attester, seed);
    let order = json!({"person_id": person, "credential_types": [kind], "tx_code": false});
    let offered = service.admin().post("/admin/api/v1/offers", &order).good(201);
    let (tokens, ..) = wallet.take(&offered["credential_offer"], 2);
    let cards = service.admin().get(&format!("/admin/api/v1/credentials?person_id={person}&type={kind}")).good(200);
    let card = cards["credentials"][0]["id"].as_str().expect("an id").to_owned();
    Phone { wallet, tokens, card }
}

#[test]
fn the_phone_that_is_gone_is_stopped_and_the_other_goes_on() {
    let mut person = Person::new();
    let mut browser = Browser::new(&person.service);
    person.signs_in(&mut browser);
    let page = browser.page("/my/phone-lost");
    let choices: Vec<_> = page.match_indices("name=\"phone\" value=\"").collect();
    assert_eq!(choices.len(), 3, "all, and each of two");
    let card = browser.page(&format!("/my/cards/{}", person.old.card));
    let short = between(&card, "<dd><code>", "</code>").expect("which phone");
    let instance = between(&page, &format!("value=\"{short}"), "\"").map(|rest| format!("{short}{rest}")).expect("its choice");
    person.service.clock.advance(1);
    let answer = browser.post("/my/phone-lost", "/my/phone-lost", &format!("phone={instance}&reason=stolen"));
    assert_eq!((answer.status, answer.header("location")), (303, "/my?done=suspended"));
    assert_eq!(person.states(), ["suspended", "active"]);
    assert!(!person.old.refreshes(), "it fetches nothing any more");
    assert!(person.new.refreshes());

    // A day has not passed: signed in anew, the phone is as it was.
    person.service.clock.advance(3600);
    person.signs_in(&mut browser);
    assert_eq!(browser.post("/my/undo", "/my/undo", "").header("location"), "/my?done=undone");
    assert_eq!(person.states(), ["active", "active"]);
    assert!(person.old.refreshes());
}

#[test]
fn all_phones_stop_with_one_word() {
    let mut person = Person::new();
    let mut browser = Browser::new(&person.service);
    person.signs_in(&mut browser);
    browser.post("/my/phone-lost", "/my/phone-lost", "phone=all&reason=lost");
    assert_eq!(person.states(), ["suspended", "suspended"]);
    assert!(!person.old.refreshes() && !person.new.refreshes());
}

#[test]
fn who_is_forgotten_has_nothing_left_to_renew() {
    let mut person = Person::new();
    let mut browser = Browser::new(&person.service);
    person.signs_in(&mut browser);
    assert!(browser.post("/my/erase", "/my/erase", "sure=yes").text().contains("Cards revoked: 2"));
    assert_eq!(person.states(), ["revoked", "revoked"]);
    assert!(!person.old.refreshes() && !person.new.refreshes());
}

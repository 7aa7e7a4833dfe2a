//! What citizens see and do of their own under `/my`, from signing in with a card to the end of what is kept.

mod phones;
#[path = "../support/mod.rs"]
mod support;

use serde_json::{Value, json};
use support::{
    TestService,
    browser::{Browser, between},
    driver, person,
    wallet::HeldCard,
    wallet::Wallet,
};
use yufu::{audit::open::Opening, format::note::NoteKey};

const DAY: u64 = 24 * 3600;

impl Browser {
    /// Begins to sign in on the phone with the wallet, and opens the wallet; gives the address that it sends the browser to.
    fn show_card(&mut self, wallet: &Wallet, card: &HeldCard, back: &str) -> String {
        let begun = self.post("/sign-in/card", "/sign-in/card", &format!("wallet=here&return={back}"));
        assert_eq!(begun.status, 303, "{}", begun.text());
        let page = self.page(begun.header("location"));
        let link = between(&page, "<a class=\"button primary wide\" href=\"", "\"").expect("a link").replace("&#38;", "&");
        let asked = wallet.open(&link);
        let answer = wallet.answer(&asked, &[("resident_id", card)]).good(200);
        let to = answer["redirect_uri"].as_str().expect("somewhere to go").to_owned();
        to.strip_prefix(&self.user.url).expect("an address of ours").to_owned()
    }

    /// Signs in by showing a card.
    fn sign_in(&mut self, wallet: &Wallet, card: &HeldCard) {
        let back = self.show_card(wallet, card, "/my");
        let answer = self.get(&back);
        assert_eq!((answer.status, answer.header("location")), (303, "/my"), "{}", answer.text());
    }
}

/// A service, a wallet with the cards of one person, and that person's browser.
struct Scene {
    service: TestService,
    wallet: Wallet,
    id: HeldCard,
    licence: HeldCard,
    person: String,
}

impl Scene {
    fn new() -> Self {
        let service = TestService::start();
        let wallet = service.wallet(1);
        let person = service.register(&driver(1));
        let id = wallet.take(&service, &person, "resident-id");
        let licence = wallet.take(&service, &person, "transport-qualification");
        Self { service, wallet, id, licence, person }
    }

    fn signed_in(&self) -> Browser {
        let mut browser = Browser::new(&self.service);
        browser.sign_in(&self.wallet, &self.id);
        browser
    }

    fn state(&self, card: &HeldCard) -> String {
        let card = self.service.admin().get(&format!("/admin/api/v1/credentials/{}", card.id)).good(200);
        card["state"].as_str().expect("a state").to_owned()
    }
}

#[test]
fn nobody_sees_a_page_of_ones_own_without_signing_in() {
    let scene = Scene::new();
    let card = format!("/my/cards/{}", scene.id.id);
    let mut stranger = Browser::new(&scene.service);
    let (log, file) = (format!("{card}/log"), format!("{card}/log.json"));
    for path in ["/my", &card, &log, &file, "/my/phone-lost", "/my/undo", "/my/data", "/my/erase", "/my/recovery-code"] {
        let answer = stranger.get(path);
        let to = if path == "/my" { "/sign-in".to_owned() } else { format!("/sign-in?return={path}") };
        assert_eq!((answer.status, answer.header("location")), (303, to.as_str()), "{path}");
    }
    let suspend = format!("{card}/suspend");
    for path in [&suspend, "/my/phone-lost", "/my/undo", "/my/data/export", "/my/erase", "/my/recovery-code"] {
        let answer = stranger.send("POST", path, Some("reason=lost&phone=all&sure=yes"));
        assert_eq!((answer.status, answer.header("location")), (303, "/sign-in"), "{path}");
    }
    assert_eq!(scene.state(&scene.id), "active");
}

#[test]
fn a_form_from_elsewhere_changes_nothing() {
    let scene = Scene::new();
    let mut browser = scene.signed_in();
    let suspend = format!("/my/cards/{}/suspend", scene.id.id);
    for path in
        [&suspend, "/my/phone-lost", "/my/undo", "/my/data/export", "/my/erase", "/my/recovery-code", "/my/sign-in-again"]
    {
        for form in ["reason=lost&phone=all&sure=yes", "form=AAAA&reason=lost&phone=all&sure=yes"] {
            assert_eq!(browser.send("POST", path, Some(form)).status, 403, "{path}");
        }
    }
    assert_eq!(scene.state(&scene.id), "active");
    assert!(browser.page("/my").contains("测试员"), "the session goes on");
}

#[test]
fn a_card_signs_in_the_browser_that_asked_for_it_and_no_other() {
    let scene = Scene::new();
    let mut browser = Browser::new(&scene.service);
    let back = browser.show_card(&scene.wallet, &scene.id, "/my/data");
    // Whoever brings the address to another browser, or a wrong code to this one, signs nobody in.
    let mut other = Browser::new(&scene.service);
    assert!(other.page(&back).contains("another browser"));
    let (path, _) = back.split_once("response_code=").expect("a code");
    assert!(browser.page(&format!("{path}response_code=AAAAAAAAAAAAAAAAAAAAAA")).contains("another browser"));
    assert_eq!(other.get("/my").status, 303);
    let answer = browser.get(&back);
    assert_eq!((answer.status, answer.header("location")), (303, "/my/data"));
    assert!(browser.page("/my").contains("showing your card"));
    // The code is spent.
    other.cookies.clone_from(&browser.cookies);
    other.cookies.remove("yufu-citizen");
    assert!(!other.get(&back).headers.contains_key("location"));
    assert_eq!(other.get("/my").status, 303);
}

#[test]
fn a_suspended_card_and_a_strangers_sign_nobody_in() {
    let scene = Scene::new();
    scene.service.change(&scene.id, "suspend", &json!({"reason": "lost"}));
    let mut browser = Browser::new(&scene.service);
    let back = browser.show_card(&scene.wallet, &scene.id, "/my");
    assert!(browser.page(&back).contains("This card is suspended, so it signs nobody in."));
    assert_eq!(browser.get("/my").status, 303);
    // Nor can a checkpoint ask for what signs in.
    let order = json!({"use_case": "sign-in"});
    scene.service.checkpoint().post("/checkpoint/api/v1/presentations", &order).problem(400, "invalid_request");
}

#[test]
fn people_see_their_cards_and_what_happened_to_them() {
    let scene = Scene::new();
    scene.service.change(&scene.licence, "suspend", &json!({"reason": "damaged", "note": "for colleagues"}));
    let mut browser = scene.signed_in();
    let home = browser.page("/my");
    for text in ["测试员", "Resident ID", "Suspended", "Phone lost?", &format!("/my/cards/{}", scene.licence.id)] {
        assert!(home.contains(text), "{text}");
    }
    let number = driver(1)["id_number"].as_str().expect("a number").to_owned();
    assert!(home.contains(&number[14..]) && !home.contains(&number[..14]), "only the end of the number is shown");
    let page = browser.page(&format!("/my/cards/{}", scene.licence.id));
    for text in ["Issued to a wallet", "your wallet", "Suspended: damaged", "an officer", "Only your wallet knows"] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("for colleagues"));
    // Somebody else's card is like one that does not exist.
    let stranger = scene.wallet.take_resident_id(&scene.service, &person(9));
    for path in ["", "/log", "/log.json"] {
        assert_eq!(browser.get(&format!("/my/cards/{}{path}", stranger.id)).status, 404, "{path}");
    }
    let suspend = format!("/my/cards/{}/suspend", stranger.id);
    assert_eq!(browser.post("/my", &suspend, "reason=lost").status, 404);
    assert_eq!(scene.state(&stranger), "active");
}

#[test]
fn the_entries_of_a_card_are_opened_with_a_proof_that_needs_nobody() {
    let scene = Scene::new();
    let mut browser = scene.signed_in();
    scene.service.change(&scene.id, "suspend", &json!({"reason": "lost"}));
    let path = format!("/my/cards/{}/log", scene.id.id);
    let file = browser.get(&format!("{path}.json"));
    assert!(file.header("content-disposition").starts_with("attachment; "));
    let file = file.good(200);
    let key = NoteKey::parse(file["log_key"].as_str().expect("a key")).expect("a key");
    let entries: Vec<Opening> = serde_json::from_value(file["entries"].clone()).expect("openings");
    let kinds: Vec<_> =
        file["entries"].as_array().expect("entries").iter().map(|entry| &entry["event"]["what"]["type"]).collect();
    assert_eq!(kinds, ["issued", "state_changed"]);
    for entry in &entries {
        entry.verify(&key).expect("it stands in the log");
    }
    let page = browser.page(&path);
    for text in ["Suspended: lost", "The path to the root", file["log_key"].as_str().expect("a key")] {
        assert!(page.contains(&text.replace('+', "&#43;")) || page.contains(text), "{text}");
    }
}

#[test]
fn a_card_is_suspended_at_once_and_had_back_within_a_day_after_signing_in_anew() {
    let scene = Scene::new();
    let mut browser = scene.signed_in();
    let page = format!("/my/cards/{}", scene.licence.id);
    let suspend = format!("{page}/suspend");
    assert_eq!(browser.post(&page, &suspend, "reason=fraud").status, 400, "that is not a holder's to say");
    scene.service.clock.advance(1);
    let answer = browser.post(&page, &suspend, "reason=stolen");
    assert_eq!(
        (answer.status, answer.header("location"), scene.state(&scene.licence).as_str()),
        (303, page.as_str(), "suspended")
    );
    assert!(browser.page(&page).contains("After signing in anew you can undo that until"));
    // The session that suspended it does not bring it back.
    let answer = browser.post("/my/undo", "/my/undo", "");
    assert_eq!((answer.header("location"), scene.state(&scene.licence).as_str()), ("/my/undo", "suspended"));
    scene.service.clock.advance(60);
    let again = browser.post("/my/undo", "/my/sign-in-again", "return=/my/undo");
    assert_eq!((again.status, again.header("location")), (303, "/sign-in?return=/my/undo"));
    assert_eq!(browser.get("/my").status, 303, "the session is over");
    browser.sign_in(&scene.wallet, &scene.id);
    assert!(browser.page("/my/undo").contains("Use these cards again"));
    let answer = browser.post("/my/undo", "/my/undo", "");
    assert_eq!((answer.header("location"), scene.state(&scene.licence).as_str()), ("/my?done=undone", "active"));
}

#[test]
fn after_a_day_a_card_is_had_back_at_a_counter_only() {
    let scene = Scene::new();
    let mut browser = scene.signed_in();
    let page = format!("/my/cards/{}", scene.licence.id);
    browser.post(&page, &format!("{page}/suspend"), "reason=lost");
    scene.service.clock.advance(DAY);
    browser.sign_in(&scene.wallet, &scene.id);
    assert!(browser.page(&page).contains("To use it again, go to a counter"));
    assert_eq!(browser.get("/my/undo").header("location"), "/my");
    assert_eq!(browser.post(&page, "/my/undo", "").header("location"), "/my/undo");
    assert_eq!(scene.state(&scene.licence), "suspended");
}

#[test]
fn with_the_phone_gone_every_card_is_suspended_with_one_word() {
    let scene = Scene::new();
    let mut browser = scene.signed_in();
    assert!(browser.page("/my/phone-lost").contains("All my cards"));
    let answer = browser.post("/my/phone-lost", "/my/phone-lost", "phone=all&reason=lost");
    assert_eq!((answer.status, answer.header("location")), (303, "/my?done=suspended"));
    assert_eq!((scene.state(&scene.id).as_str(), scene.state(&scene.licence).as_str()), ("suspended", "suspended"));
    assert!(browser.page("/my?done=suspended").contains("no checkpoint accepts these cards any more"));
    // Nothing is left to suspend.
    assert_eq!(browser.get("/my/phone-lost").header("location"), "/my");
    // Who found the phone cannot bring them back by showing one of them.
    let back = Browser::new(&scene.service).show_card(&scene.wallet, &scene.id, "/my");
    assert!(!Browser::new(&scene.service).get(&back).headers.contains_key("location"));
}

#[test]
fn what_is_kept_is_taken_along_by_who_signed_in_just_now() {
    let scene = Scene::new();
    let mut browser = scene.signed_in();
    assert!(browser.page("/my/data").contains("Download (JSON)"));
    let file = browser.post("/my/data", "/my/data/export", "");
    assert!(file.header("content-disposition").starts_with("attachment; "));
    let file = file.good(200);
    assert_eq!(file["person"]["id_number"], driver(1)["id_number"]);
    assert_eq!(file["cards"].as_array().map(Vec::len), Some(2));
    let key = NoteKey::parse(file["log"]["key"].as_str().expect("a key")).expect("a key");
    let entries: Vec<Opening> = serde_json::from_value(file["log"]["entries"].clone()).expect("openings");
    assert_eq!(entries.len(), 2);
    for entry in &entries {
        entry.verify(&key).expect("it stands in the log");
    }
    let last = |service: &TestService| {
        let events = service.admin().get("/admin/api/v1/events?limit=500").good(200);
        let events = events["events"].as_array().expect("events").clone();
        events.iter().filter(|event| event["event"]["what"]["type"] == "person_exported").count()
    };
    assert_eq!(last(&scene.service), 1);
    scene.service.clock.advance(600);
    assert!(browser.page("/my/data").contains("sign in anew first"));
    let refused = browser.post("/my/data", "/my/data/export", "");
    assert_eq!((refused.status, refused.header("location")), (303, "/my/data"));
    assert_eq!(last(&scene.service), 1);
}

#[test]
fn who_wants_it_is_forgotten() {
    let scene = Scene::new();
    let mut browser = scene.signed_in();
    let unsure = browser.post("/my/erase", "/my/erase", "");
    assert!(unsure.text().contains("Tick this first"));
    assert_eq!(scene.state(&scene.id), "active");
    let erased = browser.post("/my/erase", "/my/erase", "sure=yes");
    assert_eq!(erased.status, 200);
    assert!(erased.text().contains("Cards revoked: 2"), "{}", erased.text());
    assert!(!browser.cookies.contains_key("yufu-citizen"));
    for card in [&scene.id, &scene.licence] {
        let card = scene.service.admin().get(&format!("/admin/api/v1/credentials/{}", card.id)).good(200);
        assert_eq!((&card["state"], &card["person_id"]), (&json!("revoked"), &Value::Null));
    }
    scene.service.admin().get(&format!("/admin/api/v1/people/{}", scene.person)).problem(404, "not_found");
    // The cards lead to nobody, and the number can be registered anew.
    let back = browser.show_card(&scene.wallet, &scene.id, "/my");
    assert!(browser.page(&back).contains("This card is revoked"));
    scene.service.register(&driver(1));
}

#[test]
fn nothing_is_forgotten_while_the_law_keeps_it() {
    let scene = Scene::new();
    scene.service.change(&scene.licence, "revoke", &json!({"reason": "fraud"}));
    let mut browser = scene.signed_in();
    assert!(browser.page("/my/erase").contains("article 47"));
    let refused = browser.post("/my", "/my/erase", "sure=yes");
    assert_eq!((refused.status, refused.header("location"), scene.state(&scene.id).as_str()), (303, "/my/erase", "active"));
}

#[test]
fn a_new_recovery_code_is_shown_once_to_who_signed_in_just_now() {
    let scene = Scene::new();
    let mut browser = scene.signed_in();
    let made = browser.post("/my/recovery-code", "/my/recovery-code", "");
    let code = between(&made.text(), "id=\"recovery-code\">", "<").expect("a code").to_owned();
    assert_eq!(code.chars().filter(char::is_ascii_digit).count(), 20, "{code}");
    assert!(!browser.page("/my/recovery-code").contains(&code));
    scene.service.clock.advance(600);
    let refused = browser.post("/my/recovery-code", "/my/recovery-code", "");
    assert_eq!((refused.status, refused.header("location")), (303, "/my/recovery-code"));
}

//! Cards that wait for an officer, fetched by whom they are not for, or twice; and what is said of cards of others.

use serde_json::{Value, json};
use yufu::{
    crypto::jwe::{self, DecryptionKey, Encryption, EncryptionKey},
    format::openid::credential::{CredentialRequestError, CredentialResponse, Deferred, Issued},
    issuance::{
        approval::{ApprovalError, Approvals},
        credential::{Body, Content, CredentialError, Denial, Reply},
        notification::{NotificationError, Notifications},
    },
    model::{
        card::NoticeEvent,
        event::What,
        ids::{DeferredId, PersonId},
        party::{Authority, Role},
    },
};

use super::office::{Office, at_once, authority, bearer, key, person, registrar, request};

pub const TESTED: &[&str] = &["NT-VCI-10", "NT-VCI-11", "OV-10"];

/// An office where one person's cards need an officer's word.
struct Desk {
    office: Office,
    approvals: Approvals,
}

impl Desk {
    fn new() -> Self {
        let office = Office::new();
        let mut person = person();
        person.insert("cards_need_approval".to_owned(), json!(true));
        office.people.register(&registrar(), &person).expect("registered");
        Self { approvals: Approvals::new(office.ground.clone()), office }
    }

    fn ask(&self, token: &str, body: &Value) -> Result<CredentialResponse, CredentialError> {
        self.office.credentials.issue(&bearer(token), Body::Json(body.to_string().as_bytes())).map(plain)
    }

    /// Asks for a card with a new key; gives the request and what it waits for.
    fn begin(&self, token: &str, seed: u64) -> (Value, Deferred) {
        let body = request("resident-id", &[self.office.proof(&key(seed), &self.office.nonce())]);
        match self.ask(token, &body).expect("an answer") {
            CredentialResponse::Deferred(deferred) => (body, deferred),
            CredentialResponse::Issued(_) => panic!("issued without a word of an officer"),
        }
    }

    fn fetch(&self, token: &str, transaction_id: &str) -> Result<CredentialResponse, CredentialError> {
        let body = json!({"transaction_id": transaction_id}).to_string();
        self.office.credentials.fetch_deferred(&bearer(token), Body::Json(body.as_bytes())).map(plain)
    }

    fn waiting(&self) -> Vec<DeferredId> {
        let page = self.approvals.waiting(&registrar(), None, 100).expect("a page");
        page.waiting.into_iter().map(|deferred| deferred.id).collect()
    }

    fn decide(&self, approved: bool) {
        for id in self.waiting() {
            self.approvals.decide(&registrar(), id, approved).expect("decided");
        }
    }
}

fn plain(reply: Reply) -> CredentialResponse {
    match reply.content {
        Content::Json(response) => {
            assert_eq!(reply.deferred, matches!(response, CredentialResponse::Deferred(_)));
            response
        }
        Content::Jwt(text) => panic!("nobody asked for encryption: {text}"),
    }
}

fn issued(response: CredentialResponse) -> Issued {
    match response {
        CredentialResponse::Issued(issued) => issued,
        CredentialResponse::Deferred(deferred) => panic!("still waits: {deferred:?}"),
    }
}

#[test]
fn a_card_that_an_officer_agrees_to_is_fetched_once() {
    let desk = Desk::new();
    let token = desk.office.token(&["resident-id"]);
    let (body, deferred) = desk.begin(&token, 1);
    assert_eq!((deferred.interval, deferred.transaction_id.len()), (30, 43));
    assert_eq!(desk.ask(&token, &body), Ok(CredentialResponse::Deferred(deferred.clone())), "a lost answer is given again");
    let state = desk.office.state();
    assert_eq!(state.1, 0, "no card yet");
    assert_eq!(desk.fetch(&token, &deferred.transaction_id), Ok(CredentialResponse::Deferred(deferred.clone())));
    let other = request("resident-id", &[desk.office.proof(&key(2), &desk.office.nonce())]);
    assert_eq!(desk.ask(&token, &other), Err(Denial::AlreadyAwaited.into()));
    assert_eq!(desk.office.state(), state);
    desk.decide(true);
    let card = issued(desk.fetch(&token, &deferred.transaction_id).expect("approved"));
    assert_eq!((card.credentials.len(), desk.office.cards().len()), (1, 1));
    assert!(desk.waiting().is_empty());
    let state = desk.office.state();
    assert_eq!(desk.fetch(&token, &deferred.transaction_id), Err(CredentialError::UnknownTransaction));
    let again = issued(desk.ask(&token, &body).expect("the same card signed again"));
    assert_eq!(again.notification_id, card.notification_id);
    assert_eq!(desk.ask(&token, &other), Err(Denial::AlreadyFetched.into()));
    assert_eq!(desk.office.state(), state);
}

#[test]
fn ov_10_a_transaction_is_its_wallets_alone_and_used_once() {
    let desk = Desk::new();
    let (own, foreign) = (desk.office.token(&["resident-id"]), desk.office.token(&["resident-id"]));
    let (_, deferred) = desk.begin(&own, 1);
    let (_, others) = desk.begin(&foreign, 2);
    assert_ne!(deferred.transaction_id, others.transaction_id);
    desk.decide(true);
    let state = desk.office.state();
    let unknown = CredentialError::UnknownTransaction;
    assert_eq!(unknown.code(), Some("invalid_transaction_id"));
    assert_eq!(desk.fetch(&foreign, &deferred.transaction_id), Err(unknown.clone()), "NT-VCI-10");
    for made_up in ["", "x", &"A".repeat(43), &"A".repeat(100_000), desk.office.nonce().as_str()] {
        assert_eq!(desk.fetch(&own, made_up), Err(unknown.clone()));
    }
    assert_eq!(desk.office.state(), state);
    let outcomes = at_once(16, |_| desk.fetch(&own, &deferred.transaction_id).map(drop));
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| outcome.as_ref() == Err(&unknown)).count(), 15);
    assert_eq!(desk.office.cards().len(), 1);
}

#[test]
fn requests_of_another_form_are_told_so() {
    let desk = Desk::new();
    let token = desk.office.token(&["resident-id"]);
    let send = |body: &str| desk.office.credentials.fetch_deferred(&bearer(&token), Body::Json(body.as_bytes()));
    for (body, error, code) in [
        ("{}", CredentialRequestError::Missing("transaction_id"), "invalid_credential_request"),
        (r#"{"transaction_id":7}"#, CredentialRequestError::WrongType("transaction_id"), "invalid_credential_request"),
        (r#"{"transaction_id":"a","transaction_id":"b"}"#, CredentialRequestError::NotJson, "invalid_credential_request"),
    ] {
        let refused = send(body).expect_err("refused");
        assert_eq!((&refused, refused.code()), (&CredentialError::Request(error), Some(code)), "{body}");
    }
}

#[test]
fn an_officer_decides_once_and_the_log_says_of_which_type() {
    let desk = Desk::new();
    let token = desk.office.token(&["resident-id"]);
    desk.begin(&token, 1);
    let id = desk.waiting()[0];
    for role in [Role::Revoker, Role::Auditor, Role::Checkpoint] {
        let refused = desk.approvals.decide(&authority(role), id, true).expect_err("not theirs");
        assert!(matches!(refused, ApprovalError::NotAllowed(_)), "{role}");
        assert!(matches!(desk.approvals.waiting(&authority(role), None, 1), Err(ApprovalError::NotAllowed(_))), "{role}");
    }
    let holder = Authority::Holder(PersonId::from_bytes([9; 16]));
    assert!(matches!(desk.approvals.decide(&holder, id, true), Err(ApprovalError::NotAllowed(_))));
    assert_eq!(desk.approvals.decide(&registrar(), DeferredId::from_bytes([7; 16]), true), Err(ApprovalError::NotFound));
    let before = desk.office.state().0;
    let outcomes = at_once(16, |n| desk.approvals.decide(&registrar(), id, n % 2 == 0).map(drop));
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(ApprovalError::Decided)).count(), 15);
    assert_eq!(desk.office.state().0, before + 1, "one event");
    let event = desk.office.ground.store.events(before + 1, 1).expect("read").remove(0).event;
    let What::IssuanceDecided { credential_type, .. } = event.what else { panic!("{event:?}") };
    assert_eq!((credential_type.as_str(), event.actor), ("resident-id", registrar().actor()));
}

#[test]
fn what_was_refused_stays_refused() {
    let desk = Desk::new();
    let token = desk.office.token(&["resident-id"]);
    let (body, deferred) = desk.begin(&token, 1);
    desk.decide(false);
    let refused = desk.fetch(&token, &deferred.transaction_id).expect_err("refused");
    assert_eq!((&refused, refused.code()), (&Denial::NotApproved.into(), Some("credential_request_denied")));
    assert_eq!(desk.fetch(&token, &deferred.transaction_id), Err(refused.clone()), "and again");
    assert_eq!(desk.ask(&token, &body), Err(refused.clone()));
    let other = request("resident-id", &[desk.office.proof(&key(2), &desk.office.nonce())]);
    assert_eq!(desk.ask(&token, &other), Err(refused));
    assert!(desk.office.cards().is_empty());
}

#[test]
fn what_nobody_decided_on_in_time_is_over() {
    let desk = Desk::new();
    let token = desk.office.token(&["resident-id"]);
    desk.begin(&token, 1);
    let id = desk.waiting()[0];
    // Without a refresh token the grant ends with its access token, and nothing could fetch the card later.
    desk.office.clock.advance(300);
    assert!(desk.waiting().is_empty());
    assert_eq!(desk.approvals.decide(&registrar(), id, true), Err(ApprovalError::Decided));
}

#[test]
fn the_register_has_the_last_word_when_the_card_is_fetched() {
    let desk = Desk::new();
    let token = desk.office.token(&["resident-id"]);
    let (_, deferred) = desk.begin(&token, 1);
    desk.decide(true);
    let found = desk.office.people.search(&registrar(), "", None, 1).expect("a search").people.remove(0);
    let mut gone = person();
    gone.insert("state".to_owned(), json!("moved_away"));
    gone.insert("cards_need_approval".to_owned(), json!(true));
    desk.office.people.change(&registrar(), found.id, &gone, Some(found.version)).expect("changed");
    let refused = desk.fetch(&token, &deferred.transaction_id).expect_err("not eligible any more");
    assert!(matches!(refused, CredentialError::Denied(Denial::NotEligible(Some(_)))), "{refused:?}");
    assert!(desk.office.cards().is_empty());
}

#[test]
fn the_encryption_of_the_later_request_counts() {
    let desk = Desk::new();
    let token = desk.office.token(&["resident-id"]);
    let (_, deferred) = desk.begin(&token, 1);
    desk.decide(true);
    let own = DecryptionKey::generate(&*desk.office.ground.random);
    let body = json!({
        "transaction_id": deferred.transaction_id,
        "credential_response_encryption": {"jwk": own.public_jwk("mine"), "enc": "A256GCM"},
    });
    let refused = desk.office.credentials.fetch_deferred(&bearer(&token), Body::Json(body.to_string().as_bytes()));
    assert_eq!(refused, Err(CredentialError::RequestNotEncrypted), "NT-VCI-09");
    let keyring = &desk.office.ground.keyring;
    let kid = yufu::base::base64url::encode(keyring.decryption().thumbprint());
    let to = EncryptionKey::from_jwk(&keyring.decryption().public_jwk(&kid)).expect("a key");
    let sealed =
        jwe::encrypt(body.to_string().as_bytes(), &to, Encryption::A256Gcm, &*desk.office.ground.random).expect("sealed");
    let reply = desk.office.credentials.fetch_deferred(&bearer(&token), Body::Jwt(sealed.as_bytes())).expect("a card");
    let Content::Jwt(text) = reply.content else { panic!("in the clear") };
    let opened = jwe::decrypt(&text, &own, "mine", 1 << 20).expect("to us");
    let response: CredentialResponse = serde_json::from_slice(opened.plaintext.expose()).expect("JSON");
    assert_eq!(issued(response).credentials.len(), 1);
}

#[test]
fn nt_vci_11_nobody_speaks_of_anothers_card() {
    let office = Office::new();
    let notifications = Notifications::new(office.ground.clone());
    let (own, foreign) = (office.token(&["resident-id"]), office.token(&["resident-id"]));
    let fetch = |token: &str, seed: u64| {
        let body = request("resident-id", &[office.proof(&key(seed), &office.nonce())]);
        office.fetch(token, &body).expect("a card").notification_id.expect("an identifier")
    };
    let (id, others) = (fetch(&own, 1), fetch(&foreign, 2));
    let say = |token: &str, body: Value| notifications.take(&bearer(token), body.to_string().as_bytes());
    let said = |id: &str, event: &str| json!({"notification_id": id, "event": event, "event_description": "any words"});
    let mut altered = yufu::base::base64url::decode(&id).expect("base64url");
    altered[0] ^= 1;
    let altered = yufu::base::base64url::encode(altered);
    let state = office.state();
    let unknown = (NotificationError::UnknownId, "invalid_notification_id");
    let request_error = |error| (NotificationError::Request(error), "invalid_notification_request");
    for (token, body, (error, code)) in [
        (&own, said(&others, "credential_accepted"), unknown.clone()),
        (&foreign, said(&id, "credential_deleted"), unknown.clone()),
        (&own, said(&altered, "credential_accepted"), unknown.clone()),
        (&own, said("", "credential_accepted"), unknown.clone()),
        (&own, said(&"A".repeat(100_000), "credential_accepted"), unknown),
        (&own, said(&id, "credential_lost"), (NotificationError::UnknownEvent, "invalid_notification_request")),
        (&own, json!({"event": "credential_accepted"}), request_error(CredentialRequestError::Missing("notification_id"))),
        (&own, json!({"notification_id": id}), request_error(CredentialRequestError::Missing("event"))),
        (
            &own,
            json!({"notification_id": id, "event": ["credential_accepted"]}),
            request_error(CredentialRequestError::WrongType("event")),
        ),
        (&own, json!([]), request_error(CredentialRequestError::NotJson)),
    ] {
        let refused = say(token, body.clone()).expect_err("refused");
        assert_eq!((&refused, refused.code()), (&error, Some(code)), "{body}");
    }
    assert_eq!(say("x", said(&id, "credential_accepted")).expect_err("no token").code(), Some("invalid_token"));
    assert!(office.cards().iter().all(|card| card.notices.is_empty()));
    for event in ["credential_accepted", "credential_accepted", "credential_deleted"] {
        office.clock.advance(1);
        assert_eq!(say(&own, said(&id, event)), Ok(()));
    }
    let notices: Vec<Vec<NoticeEvent>> =
        office.cards().iter().map(|card| card.notices.iter().map(|notice| notice.event).collect()).collect();
    assert!(notices.contains(&vec![NoticeEvent::CredentialAccepted, NoticeEvent::CredentialDeleted]), "{notices:?}");
    assert!(notices.contains(&Vec::new()), "the other's is as it was: {notices:?}");
    assert_eq!(office.state(), state, "nothing of it is for the log");
    for round in 0..40 {
        let event = if round % 2 == 0 { "credential_failure" } else { "credential_accepted" };
        assert_eq!(say(&own, said(&id, event)), Ok(()));
    }
    assert_eq!(office.cards().iter().map(|card| card.notices.len()).max(), Some(16), "a card remembers so many");
}

#[test]
fn the_proof_of_a_waiting_card_is_used_up() {
    let desk = Desk::new();
    let (first, second) = (desk.office.token(&["resident-id"]), desk.office.token(&["resident-id"]));
    let (body, _) = desk.begin(&first, 1);
    let refused = desk.ask(&second, &body).expect_err("its nonce was used");
    assert_eq!(refused.code(), Some("invalid_nonce"));
}

//! Whose answer is whose: sessions of presentations under replay, mix-up, other gates and many hands at once.

use serde_json::{Value, json};

use super::{
    desk::{Begun, Desk, ID, PRESENTATIONS, accepted, at_once, sealed, statuses, text, with_token},
    support::wallet::Link,
};

pub const TESTED: &[&str] = &[
    "NR-01",
    "NR-02",
    "NR-03",
    "NR-04",
    "NR-08",
    "NT-VP-01",
    "NT-VP-07",
    "NT-VP-10",
    "NT-HAIP-03",
    "NT-HAIP-09",
    "X-07",
    "X-08",
];

const ATTEMPTS: usize = 16;

fn refused(reason: &str) -> (String, String) {
    ("refused".to_owned(), reason.to_owned())
}

#[test]
fn a_response_is_taken_once() {
    // NR-01, NT-VP-07
    let desk = Desk::open();
    let Begun { id, asked } = desk.begin(&desk.order());
    let form = desk.good(&asked);
    assert_eq!(desk.wallet.post(&asked, &form).good(200), json!({}));
    assert_eq!(desk.said(&id), accepted());
    let before = desk.look(&id)["statement"].clone();
    desk.wallet.post(&asked, &form).oauth(400, "invalid_request");
    desk.wallet.post(&asked, &desk.good(&asked)).oauth(400, "invalid_request");
    desk.wallet.refuse(&asked, "access_denied").oauth(400, "invalid_request");
    assert_eq!(desk.look(&id)["statement"], before, "what came later changes nothing");
}

#[test]
fn a_response_replayed_into_another_request_is_refused() {
    // NR-01, NT-VP-01: by the whole response, by its presentation under fresh encryption, and with the fresh state too.
    let desk = Desk::open();
    let first = desk.begin(&desk.order());
    let response = desk.wallet.response(&first.asked, &[(ID, &desk.card)]);
    let form = sealed(&desk.wallet, &first.asked, &response);
    desk.wallet.post(&first.asked, &form).good(200);
    desk.refused("the same bytes", &desk.order(), |_| form.clone(), "invalid_request", "response_malformed");
    let resealed = |asked: &_| sealed(&desk.wallet, asked, &response);
    desk.refused("the same content", &desk.order(), resealed, "invalid_request", "response_malformed");
    let restated = |asked: &_| sealed(&desk.wallet, asked, &with_token(asked, response["vp_token"].clone()));
    desk.refused("the same presentation", &desk.order(), restated, "invalid_presentation", "nonce_mismatch");
    let renamed = |asked: &super::support::wallet::AskedFor| {
        let mut unsigned = desk.wallet.unsigned(asked, ID, &desk.card);
        unsigned.claims.insert("nonce".to_owned(), "n-0S6_WzA2Mj".into());
        sealed(&desk.wallet, asked, &with_token(asked, json!({ID: [unsigned.sign(&desk.card.key)]})))
    };
    desk.refused("a nonce of the wallet's own", &desk.order(), renamed, "invalid_presentation", "nonce_mismatch");
}

#[test]
fn two_passengers_responses_mixed_up_are_refused_for_both() {
    let desk = Desk::open();
    let (other_wallet, other_card) = desk.another(2);
    let (one, two) = (desk.begin(&desk.order()), desk.begin(&desk.order()));
    let of_one = desk.good(&one.asked);
    let of_two = sealed(&other_wallet, &two.asked, &other_wallet.response(&two.asked, &[(ID, &other_card)]));
    desk.wallet.post(&two.asked, &of_one).oauth(400, "invalid_request");
    other_wallet.post(&one.asked, &of_two).oauth(400, "invalid_request");
    for id in [&one.id, &two.id] {
        assert_eq!(desk.said(id), refused("response_malformed"));
        assert_eq!(desk.look(id)["statement"]["credential"], Value::Null, "nothing of anybody is shown");
    }
    // With the key and state of the right request, but made for the other one.
    let (one, two) = (desk.begin(&desk.order()), desk.begin(&desk.order()));
    let crossed = other_wallet.vp_token(&two.asked, &[(ID, &other_card)]);
    desk.wallet
        .post(&one.asked, &sealed(&desk.wallet, &one.asked, &with_token(&one.asked, crossed)))
        .oauth(400, "invalid_presentation");
    assert_eq!(desk.said(&one.id), refused("nonce_mismatch"));
    assert_eq!(desk.look(&one.id)["statement"]["credential"]["claims"], json!({}), "a presentation for another shows nothing");
    // Two passengers' presentations in one answer.
    let token =
        json!({ID: [desk.wallet.present(&two.asked, ID, &desk.card), other_wallet.present(&two.asked, ID, &other_card)]});
    desk.wallet
        .post(&two.asked, &sealed(&desk.wallet, &two.asked, &with_token(&two.asked, token)))
        .oauth(400, "invalid_request");
    assert_eq!(desk.said(&two.id), refused("response_malformed"));
}

#[test]
fn a_response_to_another_gates_request_is_refused() {
    let desk = Desk::open();
    let other_gate = desk.service.checkpoint();
    let theirs = desk.begin_at(&other_gate, &desk.order());
    let response = desk.wallet.response(&theirs.asked, &[(ID, &desk.card)]);
    let for_theirs = sealed(&desk.wallet, &theirs.asked, &response);
    desk.refused("as it is", &desk.order(), |_| for_theirs.clone(), "invalid_request", "response_malformed");
    let relayed = |asked: &_| sealed(&desk.wallet, asked, &with_token(asked, response["vp_token"].clone()));
    desk.refused("relayed", &desk.order(), relayed, "invalid_presentation", "nonce_mismatch");
    // The other gate's request is still open, and for its own answer.
    desk.wallet.post(&theirs.asked, &for_theirs).good(200);
    let statement = other_gate.get(&format!("{PRESENTATIONS}/{}", theirs.id)).good(200)["statement"].clone();
    assert_eq!(statement["decision"], "accepted");
}

#[test]
fn a_state_of_another_request_or_none_is_refused() {
    // NR-04, NT-VP-07
    let desk = Desk::open();
    let other = desk.begin(&desk.order());
    let states = [json!(other.asked.text("state")), json!(""), json!("x"), Value::Null];
    for state in states {
        let make = |asked: &_| {
            let mut response = desk.wallet.response(asked, &[(ID, &desk.card)]);
            match &state {
                Value::Null => drop(response.as_object_mut().expect("an object").remove("state")),
                state => response["state"] = state.clone(),
            }
            sealed(&desk.wallet, asked, &response)
        };
        desk.refused(&format!("state {state}"), &desk.order(), make, "invalid_request", "response_malformed");
    }
    let make = |asked: &_| {
        let mut response = desk.wallet.response(asked, &[(ID, &desk.card)]);
        response["state"] = json!([response["state"]]);
        sealed(&desk.wallet, asked, &response)
    };
    desk.refused("a list", &desk.order(), make, "invalid_request", "response_malformed");
    // Nobody's names.
    desk.wallet.user.post_form("/responses/AAAAAAAAAAAAAAAAAAAAAA", "response=x").oauth(400, "invalid_request");
    let by_state = format!("/responses/{}", other.asked.text("state"));
    desk.wallet.user.post_form(&by_state, "response=x").problem(404, "not_found");
    assert_eq!(desk.look(&other.id)["state"], "fetched", "it still waits for its own answer");
}

#[test]
fn a_response_to_a_session_that_has_expired_is_refused() {
    // NR-03, NT-VP-07
    let desk = Desk::open();
    let Begun { id, asked } = desk.begin(&desk.order());
    desk.service.clock.advance(yufu::base::limits::REQUEST_SECONDS);
    desk.wallet.post(&asked, &desk.good(&asked)).oauth(400, "invalid_request");
    let view = desk.look(&id);
    assert_eq!((&view["state"], view.get("statement")), (&json!("expired"), None));
    // A request that nobody fetched is not to be had any more either.
    let view = desk.gate.post(PRESENTATIONS, &desk.order()).good(201);
    let link = Link::read(text(&view["authorization_request"]));
    desk.service.clock.advance(yufu::base::limits::REQUEST_SECONDS);
    desk.wallet.fetch(&link, None).problem(404, "not_found");
}

#[test]
fn of_many_responses_at_once_exactly_one_wins() {
    // NR-02, X-08: sixty-four times the same answer, then answers of sixteen hands, some of which decline.
    let desk = Desk::open();
    let Begun { id, asked } = desk.begin(&desk.order());
    let form = desk.good(&asked);
    let answers = at_once(64, |_| desk.wallet.user.clone().post_form(&desk.wallet.path_of(asked.text("response_uri")), &form));
    let expected: Vec<u16> = std::iter::once(200).chain([400; 63]).collect();
    assert_eq!(statuses(&answers), expected);
    assert_eq!(desk.said(&id), accepted());
    let Begun { id, asked } = desk.begin(&desk.order());
    let answers = at_once(ATTEMPTS, |number| match number % 2 {
        0 => (true, desk.wallet.post(&asked, &desk.good(&asked))),
        _ => (false, desk.wallet.refuse(&asked, "access_denied")),
    });
    let winners: Vec<_> = answers.iter().filter(|(_, answer)| answer.status == 200).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(desk.said(&id), if winners[0].0 { accepted() } else { refused("declined_by_holder") });
}

#[test]
fn a_request_is_fetched_once() {
    // NR-08, X-08
    let desk = Desk::open();
    for wallet_nonce in [None, Some("a-nonce-of-the-wallet")] {
        let view = desk.gate.post(PRESENTATIONS, &desk.order()).good(201);
        let link = Link::read(text(&view["authorization_request"]));
        let answers = at_once(ATTEMPTS, |_| desk.wallet.fetch(&link, wallet_nonce));
        let expected: Vec<u16> = std::iter::once(200).chain([410; ATTEMPTS - 1]).collect();
        assert_eq!(statuses(&answers), expected);
        answers.iter().filter(|answer| answer.status == 410).for_each(|answer| drop(answer.problem(410, "request_used")));
        // Whoever photographed the code sees that it is spent, and the gate that a wallet has it.
        desk.wallet.fetch(&link, wallet_nonce).problem(410, "request_used");
        assert_eq!(desk.look(text(&view["id"]))["state"], "fetched");
        let winner = answers.iter().find(|answer| answer.status == 200).expect("a winner");
        let asked = desk.wallet.check_request(&winner.text());
        desk.wallet.post(&asked, &desk.good(&asked)).good(200);
        assert_eq!(desk.said(text(&view["id"])), accepted());
    }
}

#[test]
fn every_request_has_names_and_a_key_of_its_own() {
    // NT-HAIP-03
    let desk = Desk::open();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let Begun { id, asked } = desk.begin(&desk.order());
        let jwk = asked.encryption_jwk();
        let names = ["state", "nonce", "response_uri"].map(|claim| asked.text(claim).to_owned());
        for name in names.into_iter().chain([id, text(&jwk["x"]).to_owned(), text(&jwk["kid"]).to_owned()]) {
            // `kid` may repeat the name of the response; no name stands for two requests.
            seen.insert((name, asked.text("nonce").to_owned()));
        }
    }
    let names: std::collections::BTreeSet<_> = seen.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), seen.len());
}

//! What is done at the office and with the codes it gives: who may register and offer, and how a code is guessed, raced and
//! used again.

use serde_json::json;
use yufu::{
    http::auth::tokens::{OperatorTokens, TokensError},
    issuance::{
        credential::Denial,
        offer::{OfferError, OfferOrder, OfferedGrants},
        people::PeopleError,
        token::TokenError,
    },
    model::{
        card::{Reason, State},
        checkpoint::CheckpointAccount,
        credential_type::Ineligible,
        ids::{OfferId, PersonId},
        party::{NotAllowed, Role},
        person::{FieldError, PersonState, Problem},
    },
};

use super::office::{Office, URL, at_once, authority, code, key, no_headers, person, registrar, request};

pub const TESTED: &[&str] = &["NT-VCI-01", "NT-VCI-02", "NT-VCI-13", "OA-07", "OA-13"];

#[test]
fn codes_that_are_not_good_get_no_token() {
    let office = Office::new();
    let plain = code(&office.offer(false));
    let guarded = office.offer(true);
    let state = office.state();
    let tx = guarded.tx_code.as_ref().expect("a code").expose().clone();
    let redeem = |code: &str, tx_code: Option<&str>| office.redeem(code, tx_code).expect_err("refused");
    for (line, error, expected) in [
        ("NT-VCI-02", redeem(&plain, Some("123456")), (TokenError::TxCodeUnexpected, "invalid_request")),
        ("NT-VCI-02", redeem(&code(&guarded), None), (TokenError::Missing("tx_code"), "invalid_request")),
        ("OA-13", redeem("unknown", None), (TokenError::GrantNotGood, "invalid_grant")),
        ("OA-13", redeem(&"A".repeat(1 << 20), None), (TokenError::GrantNotGood, "invalid_grant")),
        ("OA-13", redeem(&plain.to_uppercase(), None), (TokenError::GrantNotGood, "invalid_grant")),
        ("OA-13", redeem(&code(&guarded), Some(&format!("{tx} "))), (TokenError::GrantNotGood, "invalid_grant")),
    ] {
        assert_eq!((&error, error.code()), (&expected.0, Some(expected.1)), "{line}");
    }
    assert!(office.redeem(&code(&guarded), Some(&tx)).is_ok());
    assert!(office.redeem(&plain, None).is_ok());
    assert_eq!(redeem(&plain, None), TokenError::GrantNotGood, "NT-VCI-02: a second time");
    let late = code(&office.offer(false));
    office.clock.advance(15 * 60);
    assert_eq!(redeem(&late, None), TokenError::GrantNotGood, "NT-VCI-02: past its time");
    assert_eq!(office.state(), state);
}

#[test]
fn oa_13_five_wrong_transaction_codes_kill_an_offer() {
    let office = Office::new();
    let offered = office.offer(true);
    let right = offered.tx_code.as_ref().expect("a code").expose().clone();
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for _ in 0..4 {
        assert_eq!(office.redeem(&code(&offered), Some(wrong)), Err(TokenError::GrantNotGood));
    }
    assert!(office.offers.object(offered.id).expect("read").is_some());
    assert_eq!(office.redeem(&code(&offered), Some(wrong)), Err(TokenError::GrantNotGood));
    assert_eq!(office.redeem(&code(&offered), Some(&right)), Err(TokenError::GrantNotGood));
    assert_eq!(office.offers.object(offered.id), Ok(None));
}

#[test]
fn oa_13_guesses_at_one_time_are_counted_each() {
    let office = Office::new();
    let offered = office.offer(true);
    let right = offered.tx_code.as_ref().expect("a code").expose().clone();
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let outcomes = at_once(16, |_| office.redeem(&code(&offered), Some(wrong)).map(|_| ()));
    assert_eq!(outcomes, vec![Err(TokenError::GrantNotGood); 16]);
    assert_eq!(office.redeem(&code(&offered), Some(&right)), Err(TokenError::GrantNotGood));
}

#[test]
fn malformed_token_requests_are_named() {
    let office = Office::new();
    let good = code(&office.offer(false));
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Apre-authorized_code";
    for (line, body, expected) in [
        ("OA-07", format!("{grant}&pre-authorized_code={good}&pre-authorized_code={good}"), "invalid_request"),
        ("NT-VCI-13", format!("{grant}&{grant}&pre-authorized_code={good}"), "invalid_request"),
        ("NT-VCI-13", format!("{grant}&pre-authorized_code=%zz"), "invalid_request"),
        ("NT-VCI-13", format!("pre-authorized_code={good}"), "invalid_request"),
        ("NT-VCI-13", grant.to_owned(), "invalid_request"),
        ("NT-VCI-13", format!("grant_type=password&pre-authorized_code={good}"), "unsupported_grant_type"),
        ("NT-VCI-13", format!("{grant}&pre-authorized_code={good}&client_id=%0a"), "invalid_request"),
        ("NT-VCI-13", format!("{grant}&pre-authorized_code={good}&authorization_details=x"), "invalid_authorization_details"),
    ] {
        let error = office.tokens.redeem_form(&no_headers(), body.as_bytes()).expect_err("refused");
        assert_eq!(error.code(), Some(expected), "{line}: {error:?}");
    }
    assert!(office.redeem(&good, None).is_ok(), "and the code is as good as before");
}

#[test]
fn ov_12_one_code_raced_gives_one_token() {
    for racers in [2, 16] {
        let office = Office::new();
        let code = code(&office.offer(false));
        let outcomes = at_once(racers, |_| office.redeem(&code, None).map(|_| ()));
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(TokenError::GrantNotGood))), "{outcomes:?}");
    }
}

#[test]
fn nt_vci_01_an_offer_goes_out_by_value_or_by_reference() {
    let office = Office::new();
    let offered = office.offer(false);
    assert_eq!(offered.uri, format!("{URL}/offers/{}", offered.id));
    assert_eq!(office.offers.object(offered.id), Ok(Some(offered.offer.clone())));
    let by_value = offered.offer.link_by_value();
    assert!(by_value.starts_with("openid-credential-offer://?credential_offer=") && !by_value.contains("_uri="));
    office.redeem(&code(&offered), None).expect("a token");
    assert_eq!(office.offers.object(offered.id), Ok(None), "a code that was used is shown no more");
    assert_eq!(office.offers.object(OfferId::from_bytes([9; 16])), Ok(None));
}

#[test]
fn offers_are_made_for_those_who_are_entitled() {
    let office = Office::new();
    let id = office.register();
    let order = |person: PersonId, types: &[&str]| OfferOrder {
        person,
        credential_types: types.iter().map(|name| (*name).to_owned()).collect(),
        tx_code: false,
        grants: OfferedGrants::PreAuthorized,
    };
    let refuse = |order: &OfferOrder| office.offers.create(&registrar(), order).expect_err("refused");
    assert_eq!(refuse(&order(PersonId::from_bytes([9; 16]), &["resident-id"])), OfferError::UnknownPerson);
    assert_eq!(refuse(&order(id, &[])), OfferError::NoTypes);
    assert_eq!(refuse(&order(id, &["passport"])), OfferError::UnknownType(0));
    assert_eq!(refuse(&order(id, &["resident-id", "resident-id"])), OfferError::TypeTwice(1));
    for role in [Role::Revoker, Role::Auditor, Role::Checkpoint] {
        let refused = office.offers.create(&authority(role), &order(id, &["resident-id"]));
        assert_eq!(refused.err(), Some(OfferError::NotAllowed(NotAllowed)), "{role}");
    }
    let mut moved = person();
    moved.insert("state".to_owned(), json!("moved_away"));
    office.people.change(&registrar(), id, &moved, None).expect("changed");
    let refused = OfferError::NotEligible {
        credential_type: "resident-id".to_owned(),
        reason: Ineligible::PersonNotActive(PersonState::MovedAway),
    };
    assert_eq!(refuse(&order(id, &["resident-id"])), refused);
}

#[test]
fn a_death_revokes_every_card_in_the_commit_that_records_it() {
    let office = Office::new();
    let id = office.register();
    for types in [["resident-id"], ["transport-qualification"]] {
        let token = office.token(&types);
        let proof = office.proof(&key(1), &office.nonce());
        office.fetch(&token, &request(types[0], &[proof])).expect("a card");
    }
    let waiting = office.token(&["resident-id"]);
    let before = office.ground.store.head().size;
    let mut renamed = person();
    renamed.insert("latin_given_name".to_owned(), json!("XIAO FU"));
    let seen = office.people.change(&registrar(), id, &renamed, Some(1)).expect("changed");
    assert!(office.cards().iter().all(|card| card.due_for_renewal && card.state == State::Active));
    assert_eq!(office.people.change(&registrar(), id, &renamed, Some(1)), Err(PeopleError::ChangedMeanwhile));
    let mut deceased = renamed;
    deceased.insert("state".to_owned(), json!("deceased"));
    office.people.change(&registrar(), id, &deceased, Some(seen.version)).expect("changed");
    for card in office.cards() {
        assert_eq!(card.state, State::Revoked);
        assert_eq!(card.history.last().and_then(|change| change.reason), Some(Reason::Deceased));
        for copy in &card.copies {
            assert_eq!(office.ground.store.board().entry(copy.status).map(|entry| entry.value), Some(1));
        }
    }
    assert_eq!(office.ground.store.head().size, before + 1 + 3);
    let late = office.fetch(&waiting, &request("resident-id", &[office.proof(&key(2), &office.nonce())]));
    let reason = Ineligible::PersonNotActive(PersonState::Deceased);
    assert_eq!(late, Err(Denial::NotEligible(Some(reason)).into()));
}

#[test]
fn the_register_is_found_by_words_and_holds_each_number_once() {
    let office = Office::new();
    let id = office.register();
    assert_eq!(office.people.register(&registrar(), &person()), Err(PeopleError::IdNumberTaken));
    let outcomes = at_once(4, |_| office.people.register(&registrar(), &person()).map(|_| ()));
    assert_eq!(outcomes, vec![Err(PeopleError::IdNumberTaken); 4]);
    let find = |query: &str| office.people.search(&registrar(), query, None, 10).expect("a search").people.len();
    for (query, found) in [("鱼", 1), ("yu xiao", 1), ("11010519491231002x", 1), ("", 1), ("wang", 0), ("小符", 0)] {
        assert_eq!(find(query), found, "{query}");
    }
    let refused = office.people.search(&registrar(), "a1 b2 c3 d4 e5 f6 g7 h8 i9", None, 10);
    assert_eq!(refused, Err(PeopleError::TooManyWords));
    assert_eq!(office.people.get(&authority(Role::Checkpoint), id), Err(PeopleError::NotAllowed(NotAllowed)));
    assert_eq!(office.people.register(&authority(Role::Auditor), &person()), Err(PeopleError::NotAllowed(NotAllowed)));
    let mut unknown = person();
    unknown["qualifications"][0]["type"] = json!("resident-id");
    let field = "qualifications[0].type".to_owned();
    let error = FieldError { field, problem: Problem::UnknownCredentialType };
    assert_eq!(office.people.register(&registrar(), &unknown), Err(PeopleError::Fields(vec![error])));
    assert_eq!(office.people.get(&registrar(), id).map(|found| found.person.name), Ok("鱼小符".to_owned()));
}

#[test]
fn two_administrators_who_switch_each_other_off_leave_one() {
    let office = Office::new();
    let (store, clock, random) = (office.ground.store.clone(), office.ground.clock.clone(), office.ground.random.clone());
    let tokens = OperatorTokens { store, clock, random, use_cases: std::sync::Arc::default() };
    let administrator = authority(Role::Administrator);
    let make =
        || tokens.create(&administrator, "colleague", Role::Administrator, CheckpointAccount::default()).expect("made").0.id;
    let mut stays = make();
    for _ in 0..8 {
        let both = [stays, make()];
        let outcomes = at_once(2, |n| tokens.switch_off(&administrator, both[n as usize]));
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        assert!(outcomes.contains(&Err(TokensError::LastAdministrator)), "{outcomes:?}");
        let good = office.ground.store.roster().entries();
        assert_eq!(good.len(), 1, "somebody can still make tokens");
        stays = good[0].1;
    }
}

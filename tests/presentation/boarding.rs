//! Boarding: the card and the pass are one person's, and the pass is for this flight and day.

use serde_json::{Value, json};
use yufu::format::boarding_pass::{BoardingPass, Leg, RepeatedItems};

use super::{Begun, PORTRAIT, Scene, check, told};

/// The day on which tests begin, 2026-11-24, in the year.
const TODAY: u16 = 328;

/// The pass of the test's person for today, with changes.
fn pass(change: impl FnOnce(&mut BoardingPass)) -> String {
    let leg = Leg {
        pnr: Some("QK7RTW".to_owned()),
        from: "KWE".to_owned(),
        to: "PEK".to_owned(),
        carrier: "CZ".to_owned(),
        flight_number: Some("3681".to_owned()),
        day_of_year: Some(TODAY),
        compartment: Some('Y'),
        seat: Some("14A".to_owned()),
        sequence: Some("25".to_owned()),
        status: Some('1'),
        conditional: RepeatedItems::default(),
        airline_use: None,
    };
    let mut pass = BoardingPass {
        passenger_name: "CE/SHIYUAN".to_owned(),
        electronic_ticket: Some('E'),
        unique: None,
        legs: vec![leg],
        security: None,
    };
    change(&mut pass);
    pass.write().expect("a pass")
}

fn order(pass: &str) -> Value {
    let flight = json!({"carrier": "CZ", "number": "3681", "date": "2026-11-24"});
    json!({"use_case": "boarding", "boarding_pass": pass, "flight": flight})
}

#[test]
fn the_card_and_the_pass_of_one_person_for_this_flight_are_accepted() {
    let scene = Scene::new();
    let card = scene.resident_id(1);
    let statement = scene.show(&order(&pass(|_| {})), &[("resident_id", &card)]);
    assert_eq!(told(&statement), ("accepted", "accepted"));
    assert_eq!(check(&statement, "boarding_pass"), "passed");
    let boarding = json!({
        "match": true, "result": "match", "reasons": [], "passenger": "CE/SHIYUAN", "flight": "CZ3681", "date": "2026-11-24",
        "from": "KWE", "to": "PEK", "seat": "14A",
    });
    assert_eq!(statement["boarding"], boarding);
    let claims = json!({
        "name": "测试员", "latin_family_name": "CE", "latin_given_name": "SHIYUAN", "portrait": PORTRAIT,
    });
    assert_eq!(statement["credential"]["claims"], claims);
    // A gate that does not say which flight it boards takes one of today.
    let statement = scene.show(&json!({"use_case": "boarding", "boarding_pass": pass(|_| {})}), &[("resident_id", &card)]);
    assert_eq!((told(&statement).0, &statement["boarding"]["date"]), ("accepted", &json!("2026-11-24")));
}

#[test]
fn a_pass_that_fits_in_part_is_the_officer_s_and_another_s_is_refused() {
    let scene = Scene::new();
    let card = scene.resident_id(1);
    type Change = fn(&mut BoardingPass);
    let rows: [(Change, &str, &str, &str, &str); 7] = [
        (
            |pass| pass.passenger_name = "CE/S".to_owned(),
            "undetermined",
            "boarding_pass_partial_match",
            "partial",
            "only_initials",
        ),
        (
            |pass| pass.legs[0].flight_number = None,
            "undetermined",
            "boarding_pass_partial_match",
            "partial",
            "flight_not_named",
        ),
        (|pass| pass.passenger_name = "WANG/WEI".to_owned(), "refused", "boarding_pass_mismatch", "mismatch", "other_name"),
        (|pass| pass.legs[0].carrier = "MU".to_owned(), "refused", "boarding_pass_mismatch", "mismatch", "other_flight"),
        (
            |pass| pass.legs[0].flight_number = Some("3682".to_owned()),
            "refused",
            "boarding_pass_mismatch",
            "mismatch",
            "other_flight",
        ),
        (|pass| pass.legs[0].day_of_year = Some(TODAY - 1), "refused", "boarding_pass_mismatch", "mismatch", "other_date"),
        (|pass| pass.legs[0].day_of_year = Some(TODAY + 1), "refused", "boarding_pass_mismatch", "mismatch", "other_date"),
    ];
    for (change, decision, reason, result, difference) in rows {
        let statement = scene.show(&order(&pass(change)), &[("resident_id", &card)]);
        assert_eq!(told(&statement), (decision, reason), "{difference}");
        let boarding = &statement["boarding"];
        assert_eq!((&boarding["match"], &boarding["result"]), (&json!(false), &json!(result)), "{difference}");
        assert_eq!(boarding["reasons"], json!([difference]));
        assert_eq!(check(&statement, "boarding_pass"), "failed");
    }
    // Without a word from the gate about its flight: neither a week ago nor in a week.
    for day in [TODAY - 7, TODAY + 7] {
        let other_day = pass(|pass| pass.legs[0].day_of_year = Some(day));
        let statement = scene.show(&json!({"use_case": "boarding", "boarding_pass": other_day}), &[("resident_id", &card)]);
        assert_eq!((told(&statement).1, &statement["boarding"]["reasons"]), ("boarding_pass_mismatch", &json!(["other_date"])));
    }
}

fn put(begun: &Begun, pass: &str) -> super::Answer {
    begun.gate.put(&format!("{}/boarding-pass", begun.path), &json!({"boarding_pass": pass}))
}

#[test]
fn a_pass_can_be_scanned_after_the_card_was_asked_for_and_until_it_is_shown() {
    let scene = Scene::new();
    let card = scene.resident_id(1);
    let begun = scene.begin(&json!({"use_case": "boarding"}));
    assert_eq!(begun.first["has_boarding_pass"], false);
    let field = put(&begun, "M1WANG").problem(400, "invalid_request");
    assert_eq!(field["errors"][0]["pointer"], "/boarding_pass", "{field}");
    assert_eq!(begun.look()["has_boarding_pass"], false);
    // The wrong one first: the next replaces it.
    assert_eq!(put(&begun, &pass(|pass| pass.passenger_name = "WANG/WEI".to_owned())).good(200)["has_boarding_pass"], true);
    let asked = scene.wallet.open(begun.link());
    assert_eq!(put(&begun, &pass(|_| {})).good(200)["state"], "fetched");
    scene.wallet.answer(&asked, &[("resident_id", &card)]).good(200);
    assert_eq!(told(&begun.statement()), ("accepted", "accepted"));
    put(&begun, &pass(|_| {})).problem(409, "presentation_over");
    assert_eq!(told(&begun.statement()), ("accepted", "accepted"));
}

#[test]
fn nobody_boards_by_the_card_alone_and_where_no_pass_is_asked_for_none_is_taken() {
    let scene = Scene::new();
    let card = scene.resident_id(1);
    let statement = scene.show(&json!({"use_case": "boarding"}), &[("resident_id", &card)]);
    assert_eq!(told(&statement), ("refused", "boarding_pass_unreadable"));
    assert_eq!((text(&statement, "who_can_fix"), statement.get("boarding")), ("checkpoint", None));
    // At the security check staff pass without one, and who has one shows the right one.
    assert_eq!(told(&scene.show(&json!({"use_case": "security-check"}), &[("resident_id", &card)])).0, "accepted");
    let other =
        json!({"use_case": "security-check", "boarding_pass": pass(|pass| pass.passenger_name = "WANG/WEI".to_owned())});
    assert_eq!(told(&scene.show(&other, &[("resident_id", &card)])), ("refused", "boarding_pass_mismatch"));
    let order = json!({"use_case": "age-over-18", "boarding_pass": pass(|_| {})});
    scene.gate.post(super::PRESENTATIONS, &order).problem(400, "invalid_request");
    put(&scene.begin(&json!({"use_case": "age-over-18"})), &pass(|_| {})).problem(400, "invalid_request");
}

/// A card that is refused is refused, however well the pass fits.
#[test]
fn a_revoked_card_does_not_board_with_a_good_pass() {
    let scene = Scene::new();
    let card = scene.resident_id(1);
    scene.service.revoke(&card);
    for (name, result) in [("CE/SHIYUAN", "match"), ("CE/S", "partial"), ("WANG/WEI", "mismatch")] {
        let statement = scene.show(&order(&pass(|pass| pass.passenger_name = name.to_owned())), &[("resident_id", &card)]);
        assert_eq!(told(&statement), ("refused", "credential_revoked"), "{name}");
        assert_eq!(statement["boarding"]["result"], result);
    }
}

fn text<'a>(statement: &'a Value, member: &str) -> &'a str {
    super::text(&statement[member])
}

//! What use cases and accounts say of presentations shown as QR codes.

use super::{
    tests::{ACCEPTED, GATE, Hall, OTHER, frames, order, said},
    *,
};
use crate::model::{
    checkpoint::CheckpointAccount,
    reason::{Decision, ReasonCode as R},
};

/// A pass of this holder for a flight of this day.
const PASS: &str = "M1YU/XIAOFU           EABC123 KWECANCZ 3456 328Y012A0001 100";

fn boarding(hall: &Hall, frames: &[String]) -> Statement {
    let order = ShownOrder { boarding_pass: Some(PASS.to_owned()), ..order("boarding", frames) };
    hall.gates.decide(GATE, &order).expect("a statement")
}

#[test]
fn boarding_takes_the_pass_and_the_shown_card_together() {
    let hall = Hall::new();
    let code = hall.gates.code(GATE, "boarding").expect("a code");
    let names = ["name", "latin_family_name", "latin_given_name"];
    let shown = || {
        hall.clock.advance(1);
        frames(&hall.presented(&names, &code.code, &code.audience))
    };
    let statement = boarding(&hall, &shown());
    assert_eq!(said(&statement), ACCEPTED);
    assert!(statement.boarding.expect("it was matched").matches);
    let no_pass = hall.gates.decide(GATE, &order("boarding", &shown())).expect("a statement");
    assert_eq!(said(&no_pass), (Decision::Refused, R::BoardingPassUnreadable));
    let unreadable = ShownOrder { boarding_pass: Some("M1".to_owned()), ..order("boarding", &shown()) };
    assert!(matches!(hall.gates.decide(GATE, &unreadable), Err(ShownError::BoardingPass(_))));
    let not_taken = ShownOrder { boarding_pass: Some(PASS.to_owned()), ..order("age-over-18", &shown()) };
    assert_eq!(hall.gates.decide(GATE, &not_taken), Err(ShownError::BoardingPassNotTaken));
}

#[test]
fn a_use_case_says_whether_codes_are_taken_and_what_follows_without_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = include_str!("../../../use-cases/age-over-18.toml").replace("\"amber\"", "\"refused\"");
    std::fs::write(folder.path().join("age-over-18.toml"), &text).expect("written");
    let foreign = text.replace("name = \"age-over-18\"", "name = \"foreign\"\nissuers = [\"https://other.example\"]");
    std::fs::write(folder.path().join("foreign.toml"), foreign).expect("written");
    let hall = Hall::with_use_cases(Some(folder.path()));
    let refused = hall.at(GATE, &hall.without_code());
    assert_eq!(said(&refused), (Decision::Refused, R::NonceMismatch));
    assert_eq!(said(&hall.at(GATE, &hall.with(&hall.code(GATE)))), ACCEPTED);
    // The issuers that it believes count here as anywhere.
    let code = hall.gates.code(GATE, "foreign").expect("a code");
    let statement = hall.gates.decide(GATE, &order("foreign", &hall.with(&code))).expect("a statement");
    assert_eq!(said(&statement), (Decision::Refused, R::IssuerNotTrusted));
    for (use_case, error) in [
        ("hotel-check-in", ShownError::NotTaken),
        ("security-check", ShownError::NotTaken),
        ("freight-driver", ShownError::NotTaken),
        ("flying", ShownError::UseCaseUnknown),
    ] {
        assert_eq!(hall.gates.code(GATE, use_case), Err(error.clone()), "{use_case}");
        assert_eq!(hall.gates.decide(GATE, &order(use_case, &hall.without_code())), Err(error), "{use_case}");
    }
}

#[test]
fn a_checkpoint_is_held_to_its_use_cases() {
    let hall = Hall::new();
    let use_cases = Some(vec!["boarding".to_owned()]);
    let account = CheckpointAccount { use_cases, ..CheckpointAccount::default() };
    hall.gates.ground.store.roster().install_account(GATE, account);
    assert!(hall.gates.code(GATE, "boarding").is_ok());
    assert!(hall.gates.code(OTHER, "age-over-18").is_ok());
    assert_eq!(hall.gates.code(GATE, "age-over-18"), Err(ShownError::UseCaseNotAllowed));
    assert_eq!(hall.gates.code(GATE, "flying"), Err(ShownError::UseCaseNotAllowed));
    let decided = hall.gates.decide(GATE, &order("age-over-18", &hall.without_code()));
    assert_eq!(decided, Err(ShownError::UseCaseNotAllowed));
}

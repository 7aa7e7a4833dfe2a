//! Whether a boarding pass belongs to the person who showed a card, and to this flight and day. Pure.
//!
//! A pass carries a name as an airline's system left it: in capital letters without marks, cut at 20 characters with the
//! slash, a title glued to its end. What differs from the card only in ways such systems are known for is a partial match
//! that names the difference, for an officer to look at; what cannot be explained so is a mismatch. Nothing that differs is
//! called a match.

mod chinese;
mod difference;
mod flight;
mod given;
mod name;
mod spelling;
#[cfg(test)]
mod tests;
mod title;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub use difference::Difference;

use crate::{
    base::time::{Date, Timestamp},
    format::boarding_pass::BoardingPass,
    model::{
        reason::ReasonCode,
        statement::{BoardingMatch, BoardingPart},
    },
};

/// What the gate expects, as far as it says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ExpectedFlight {
    /// The operating carrier.
    pub carrier: Option<String>,
    /// The flight number, with or without leading zeros.
    pub number: Option<String>,
    /// The day of departure, where the flight starts. Without it the flight has to be about now.
    pub date: Option<Date>,
    /// The seat.
    pub seat: Option<String>,
}

/// Compares a pass with what a card disclosed and with what the gate expects. The reason is none for a match.
///
/// Of several legs the one that fits best is meant. Claims used: `latin_family_name`, `latin_given_name`, and the pinyin of
/// `family_name` and `given_name`, or of `name`, where the Latin name was not disclosed or does not fit.
pub fn compare(
    pass: &BoardingPass,
    claims: &Map<String, Value>,
    expected: Option<&ExpectedFlight>,
    now: Timestamp,
) -> (BoardingPart, Option<ReasonCode>) {
    let chosen = flight::choose(&pass.legs, expected, now);
    let mut differences = chosen.differences;
    differences.extend(name::compare(&pass.passenger_name, claims));
    let (result, reason) = outcome(&differences);
    let leg = chosen.leg;
    let part = BoardingPart {
        matches: result == BoardingMatch::Match,
        result,
        reasons: differences.iter().map(|difference| difference.name().to_owned()).collect(),
        passenger: pass.passenger_name.clone(),
        flight: leg.map(|leg| leg.flight()).unwrap_or_default(),
        date: chosen.date.map(|date| date.to_string()),
        from: leg.map(|leg| leg.from.clone()).unwrap_or_default(),
        to: leg.map(|leg| leg.to.clone()).unwrap_or_default(),
        seat: leg.and_then(|leg| leg.seat.clone()),
    };
    (part, reason)
}

fn outcome(differences: &BTreeSet<Difference>) -> (BoardingMatch, Option<ReasonCode>) {
    if differences.iter().any(|difference| difference.refuses()) {
        (BoardingMatch::Mismatch, Some(ReasonCode::BoardingPassMismatch))
    } else if differences.is_empty() {
        (BoardingMatch::Match, None)
    } else {
        (BoardingMatch::Partial, Some(ReasonCode::BoardingPassPartialMatch))
    }
}

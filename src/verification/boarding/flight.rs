//! Which leg is meant, and whether it is the flight and day.

use std::collections::BTreeSet;

use crate::{
    base::{
        limits::{BOARDING_AFTER_DAY_SECONDS, BOARDING_BEFORE_DAY_SECONDS, LOCAL_TIME_OFFSET_SECONDS},
        time::{Date, Timestamp},
    },
    format::boarding_pass::Leg,
    verification::boarding::{Difference, ExpectedFlight},
};

/// The leg that fits best.
pub struct Chosen<'a> {
    pub leg: Option<&'a Leg>,
    /// Its day, with the year chosen.
    pub date: Option<Date>,
    pub differences: BTreeSet<Difference>,
}

/// The leg with the fewest differences that refuse, then the fewest at all, then the earliest.
pub fn choose<'a>(legs: &'a [Leg], expected: Option<&ExpectedFlight>, now: Timestamp) -> Chosen<'a> {
    let compared = legs.iter().map(|leg| compare(leg, expected, now));
    let best = compared.min_by_key(|chosen| {
        let refusing = chosen.differences.iter().filter(|difference| difference.refuses()).count();
        (refusing, chosen.differences.len())
    });
    // A pass that was read has a leg; one made by hand without is for no flight.
    best.unwrap_or(Chosen { leg: None, date: None, differences: BTreeSet::from([Difference::OtherFlight]) })
}

fn compare<'a>(leg: &'a Leg, expected: Option<&ExpectedFlight>, now: Timestamp) -> Chosen<'a> {
    let mut differences = BTreeSet::new();
    differences.extend(flight(leg, expected));
    let today = now.plus_seconds(LOCAL_TIME_OFFSET_SECONDS).date();
    let wanted = expected.and_then(|expected| expected.date);
    let date = wanted.or(today).and_then(|near| leg.date(near));
    let on_the_day = match (date, wanted) {
        (Some(date), Some(wanted)) => date == wanted,
        (Some(date), None) => is_about_now(date, now),
        (None, _) => leg.day_of_year.is_none(),
    };
    if leg.day_of_year.is_none() {
        differences.insert(Difference::DateNotNamed);
    } else if !on_the_day {
        differences.insert(Difference::OtherDate);
    }
    if let Some(seat) = expected.and_then(|expected| expected.seat.as_deref())
        && !leg.seat.as_deref().is_some_and(|own| same_number(own, seat))
    {
        differences.insert(Difference::OtherSeat);
    }
    Chosen { leg: Some(leg), date, differences }
}

fn flight(leg: &Leg, expected: Option<&ExpectedFlight>) -> Option<Difference> {
    let expected = expected?;
    if expected.carrier.as_deref().is_some_and(|carrier| !carrier.trim().eq_ignore_ascii_case(&leg.carrier)) {
        return Some(Difference::OtherFlight);
    }
    let number = expected.number.as_deref()?;
    match leg.flight_number.as_deref() {
        None => Some(Difference::FlightNotNamed),
        Some(own) if same_number(own, number) => None,
        Some(_) => Some(Difference::OtherFlight),
    }
}

/// Numbers of flights and seats: leading zeros and the case of the letter say nothing.
fn same_number(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.trim().trim_start_matches('0').to_ascii_uppercase();
    plain(one) == plain(other)
}

/// Whether the local civil day of departure is now, has just been (the flight is late), or is soon (it leaves after
/// midnight).
fn is_about_now(date: Date, now: Timestamp) -> bool {
    let starts = date.start().plus_seconds(-LOCAL_TIME_OFFSET_SECONDS);
    let since_start = now.seconds_since(starts);
    let day = 24 * 3600;
    (-BOARDING_BEFORE_DAY_SECONDS..day + BOARDING_AFTER_DAY_SECONDS).contains(&since_start)
}

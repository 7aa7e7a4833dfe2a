//! The IATA bar coded boarding pass (Resolution 792), format M, versions 1 to 8: what is in the Aztec code, PDF417 or QR
//! code of a boarding pass, as text.
//!
//! Items of fixed width stand in a row; sizes in hexadecimal say how long the conditional part of each leg is. Whatever
//! decides something is checked character by character; what an airline adds for itself and the security data are kept
//! as they are. A blank item is none. Nothing here prints who travels: `Debug` shows flights only.

mod error;
mod items;
mod parse;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;

pub use error::{BoardingPassError, Field};

use crate::base::time::Date;

/// A boarding pass.
#[derive(Clone, Eq, PartialEq)]
pub struct BoardingPass {
    /// The passenger's name as it stands, without the blanks at its end: `FAMILY/GIVEN`, cut at 20 characters.
    pub passenger_name: String,
    /// Whether the ticket is electronic: `E`.
    pub electronic_ticket: Option<char>,
    /// What a pass of version 1 or later says once.
    pub unique: Option<UniqueItems>,
    /// The flights, one to four, in the order they are flown.
    pub legs: Vec<Leg>,
    /// The signature or other protection; kept, not checked: its keys are the airlines'.
    pub security: Option<SecurityData>,
}

/// What is said once for the whole pass, in the conditional part of the first leg.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct UniqueItems {
    /// The version of Resolution 792, 1 to 8.
    pub version: u8,
    /// Who travels: adult, child, and the like.
    pub passenger_description: Option<char>,
    /// Where check-in was made.
    pub source_of_check_in: Option<char>,
    /// Where the pass was made.
    pub source_of_issuance: Option<char>,
    /// The day the pass was made: last digit of the year, day of the year.
    pub date_of_issue: Option<String>,
    /// The kind of document.
    pub document_type: Option<char>,
    /// The airline that made it.
    pub issuer: Option<String>,
    /// The numbers of the baggage tags, up to three runs of them.
    pub baggage_tags: [Option<String>; 3],
}

/// One flight.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Leg {
    /// The booking at the operating carrier.
    pub pnr: Option<String>,
    /// The airport it starts from, three letters.
    pub from: String,
    /// The airport it goes to, three letters.
    pub to: String,
    /// The operating carrier, two or three characters.
    pub carrier: String,
    /// The flight number without leading zeros, with its suffix if it has one; none for an open ticket.
    pub flight_number: Option<String>,
    /// The day of the year, 1 to 366; the pass says no year.
    pub day_of_year: Option<u16>,
    /// The class.
    pub compartment: Option<char>,
    /// The seat without leading zeros, such as `12A` or `INF`.
    pub seat: Option<String>,
    /// The number at check-in.
    pub sequence: Option<String>,
    /// The state of the passenger: checked in, standby, and the like.
    pub status: Option<char>,
    /// What a pass of version 1 or later may say for each leg.
    pub conditional: RepeatedItems,
    /// What the airline adds for itself.
    pub airline_use: Option<String>,
}

/// What a leg may say beyond what it has to.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct RepeatedItems {
    /// The airline's three digits.
    pub airline_numeric_code: Option<String>,
    /// The number of the ticket.
    pub document_number: Option<String>,
    /// Whether the passenger was selected for a closer look.
    pub selectee: Option<char>,
    /// Whether travel documents were or have to be checked.
    pub document_verification: Option<char>,
    /// The carrier that sold the ticket.
    pub marketing_carrier: Option<String>,
    /// The airline of the frequent flyer number.
    pub frequent_flyer_airline: Option<String>,
    /// The frequent flyer number.
    pub frequent_flyer_number: Option<String>,
    /// Travel of staff.
    pub id_ad: Option<char>,
    /// Free baggage.
    pub baggage_allowance: Option<String>,
    /// Fast track.
    pub fast_track: Option<char>,
}

/// The security data at the end of a pass.
#[derive(Clone, Eq, PartialEq)]
pub struct SecurityData {
    /// Its kind.
    pub kind: char,
    /// What follows, as it stands.
    pub data: String,
}

impl BoardingPass {
    /// Reads the text of the bar code: all of it, nothing before or after. At most `limits::BOARDING_PASS_BYTES` long.
    pub fn parse(text: &str) -> Result<Self, BoardingPassError> {
        parse::parse(text)
    }

    /// The text of the bar code, in the canonical form; an item that does not fit its place or is not of its kind is an
    /// error, so that what is written can be read.
    pub fn write(&self) -> Result<String, BoardingPassError> {
        write::write(self)
    }
}

impl Leg {
    /// The flight in the usual writing: carrier and number, such as `CZ3456`; the carrier alone for an open ticket.
    pub fn flight(&self) -> String {
        format!("{}{}", self.carrier, self.flight_number.as_deref().unwrap_or_default())
    }

    /// The day of the flight: of the days with this number, the one nearest to `today`, since the pass says no year.
    /// Day 366 exists in leap years only; none when no year near has it, or the pass names no day.
    pub fn date(&self, today: Date) -> Option<Date> {
        let day = self.day_of_year?;
        let years = today.year().saturating_sub(1)..=today.year().saturating_add(1);
        let days = years.filter_map(|year| Date::from_day_of_year(year, day));
        // Later years come later, and of two that are equally near the later one is taken: a flight is more often ahead.
        days.reduce(|best, next| if next.days_since(today).abs() <= best.days_since(today).abs() { next } else { best })
    }
}

impl fmt::Debug for BoardingPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoardingPass").field("legs", &self.legs).finish_non_exhaustive()
    }
}

impl fmt::Debug for Leg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}-{}", self.flight(), self.from, self.to)
    }
}

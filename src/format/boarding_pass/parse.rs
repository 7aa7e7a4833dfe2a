//! Text to boarding pass.

use crate::{
    base::limits::BOARDING_PASS_BYTES,
    format::boarding_pass::{
        BoardingPass, BoardingPassError, Leg, RepeatedItems, SecurityData, UniqueItems, error::Field, items::Items,
    },
};

/// The newest version of Resolution 792 that is read.
const NEWEST_VERSION: char = '8';
/// The last day of a leap year.
const LAST_DAY: u16 = 366;

pub fn parse(text: &str) -> Result<BoardingPass, BoardingPassError> {
    if text.len() > BOARDING_PASS_BYTES {
        return Err(BoardingPassError::TooLong { most: BOARDING_PASS_BYTES });
    }
    if let Some(at) = text.bytes().position(|b| !(b' '..=b'~').contains(&b)) {
        return Err(BoardingPassError::NotPrintable { at });
    }
    let mut items = Items::new(text);
    if items.take(Field::FormatCode, 1)? != "M" {
        return Err(items.invalid(Field::FormatCode));
    }
    let legs = match items.take(Field::NumberOfLegs, 1)? {
        "1" => 1,
        "2" => 2,
        "3" => 3,
        "4" => 4,
        _ => return Err(items.invalid(Field::NumberOfLegs)),
    };
    let passenger_name = items.take(Field::PassengerName, 20)?.trim_end_matches(' ');
    if !is_name(passenger_name) {
        return Err(items.invalid(Field::PassengerName));
    }
    let electronic_ticket = items.character(Field::ElectronicTicket)?;
    if electronic_ticket.is_some_and(|c| !c.is_ascii_uppercase()) {
        return Err(items.invalid(Field::ElectronicTicket));
    }
    let mut pass = BoardingPass {
        passenger_name: passenger_name.to_owned(),
        electronic_ticket,
        unique: None,
        legs: Vec::with_capacity(legs),
        security: None,
    };
    for number in 1..=legs {
        items.set_leg(number);
        let (mut leg, mut conditional) = mandatory(&mut items)?;
        if number == 1 && !conditional.is_empty() {
            pass.unique = Some(unique(&mut conditional)?);
        }
        if !conditional.is_empty() {
            leg.conditional = repeated(&mut conditional)?;
        }
        leg.airline_use = Some(conditional.rest()).filter(|rest| !rest.is_empty()).map(str::to_owned);
        pass.legs.push(leg);
    }
    items.set_leg(0);
    if !items.is_empty() {
        pass.security = Some(security(&mut items)?);
    }
    if !items.is_empty() {
        return Err(BoardingPassError::Trailing { more: items.len() });
    }
    Ok(pass)
}

/// Letters, at most one slash between family and given name, and what some airlines leave in a name.
fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphabetic() || b" /-'.".contains(&b);
    name.bytes().all(allowed)
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().filter(|b| *b == b'/').count() <= 1
}

/// The mandatory items of a leg, and its conditional part.
fn mandatory<'a>(items: &mut Items<'a>) -> Result<(Leg, Items<'a>), BoardingPassError> {
    let leg = Leg {
        pnr: alphanumeric(items, Field::Pnr, 7)?,
        from: airport(items, Field::From)?,
        to: airport(items, Field::To)?,
        carrier: carrier(items)?,
        flight_number: flight_number(items)?,
        day_of_year: day_of_year(items)?,
        compartment: letter(items, Field::Compartment)?,
        seat: alphanumeric(items, Field::Seat, 4)?.map(|seat| without_leading_zeros(&seat)),
        sequence: alphanumeric(items, Field::Sequence, 5)?.map(|number| without_leading_zeros(&number)),
        status: letter(items, Field::Status)?,
        ..Leg::default()
    };
    Ok((leg, items.sized(Field::VariableSize, Field::AirlineUse)?))
}

fn alphanumeric(items: &mut Items<'_>, field: Field, width: usize) -> Result<Option<String>, BoardingPassError> {
    let Some(text) = items.text(field, width)? else { return Ok(None) };
    let good = text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    good.then(|| Some(text.to_owned())).ok_or_else(|| items.invalid(field))
}

/// One letter or digit; none when blank.
fn letter(items: &mut Items<'_>, field: Field) -> Result<Option<char>, BoardingPassError> {
    let character = items.character(field)?;
    let good = character.is_none_or(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    good.then_some(character).ok_or_else(|| items.invalid(field))
}

fn airport(items: &mut Items<'_>, field: Field) -> Result<String, BoardingPassError> {
    let code = items.take(field, 3)?;
    let good = code.bytes().all(|b| b.is_ascii_uppercase());
    good.then(|| code.to_owned()).ok_or_else(|| items.invalid(field))
}

fn carrier(items: &mut Items<'_>) -> Result<String, BoardingPassError> {
    let code = alphanumeric(items, Field::Carrier, 3)?.filter(|code| code.len() >= 2);
    code.ok_or_else(|| items.invalid(Field::Carrier))
}

/// Up to four digits and perhaps a letter. An open ticket has blanks or `OPEN`.
fn flight_number(items: &mut Items<'_>) -> Result<Option<String>, BoardingPassError> {
    let Some(text) = items.text(Field::FlightNumber, 5)?.filter(|text| *text != "OPEN") else { return Ok(None) };
    let digits = text.strip_suffix(|c: char| c.is_ascii_uppercase()).unwrap_or(text);
    let good = (1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    good.then(|| Some(without_leading_zeros(text))).ok_or_else(|| items.invalid(Field::FlightNumber))
}

fn day_of_year(items: &mut Items<'_>) -> Result<Option<u16>, BoardingPassError> {
    let text = items.take(Field::DayOfYear, 3)?;
    if text == "   " {
        return Ok(None);
    }
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let day = digits.then(|| text.parse().ok()).flatten().filter(|day| (1..=LAST_DAY).contains(day));
    day.map(Some).ok_or_else(|| items.invalid(Field::DayOfYear))
}

/// Zeros in front of a digit say nothing.
fn without_leading_zeros(text: &str) -> String {
    let mut text = text;
    while let Some(rest) = text.strip_prefix('0').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        text = rest;
    }
    text.to_owned()
}

/// The items that are said once, in the conditional part of the first leg: a mark, the version, and a part of its own.
fn unique(items: &mut Items<'_>) -> Result<UniqueItems, BoardingPassError> {
    if items.take(Field::VersionMark, 1)? != ">" {
        return Err(items.invalid(Field::VersionMark));
    }
    let version = items.character(Field::Version)?.filter(|c| ('1'..=NEWEST_VERSION).contains(c));
    let version = version.and_then(|c| c.to_digit(10)).and_then(|digit| u8::try_from(digit).ok());
    let version = version.ok_or_else(|| items.invalid(Field::Version))?;
    if items.is_empty() {
        return Ok(UniqueItems { version, ..UniqueItems::default() });
    }
    // Items that a later edition adds at the end of the part are not known here and say nothing.
    let mut part = items.sized(Field::UniqueSize, Field::PassengerDescription)?;
    Ok(UniqueItems {
        version,
        passenger_description: part.optional_character(Field::PassengerDescription)?,
        source_of_check_in: part.optional_character(Field::SourceOfCheckIn)?,
        source_of_issuance: part.optional_character(Field::SourceOfIssuance)?,
        date_of_issue: part.optional(Field::DateOfIssue, 4)?,
        document_type: part.optional_character(Field::DocumentType)?,
        issuer: part.optional(Field::Issuer, 3)?,
        baggage_tags: [
            part.optional(Field::BaggageTags, 13)?,
            part.optional(Field::BaggageTags, 13)?,
            part.optional(Field::BaggageTags, 13)?,
        ],
    })
}

fn repeated(items: &mut Items<'_>) -> Result<RepeatedItems, BoardingPassError> {
    let mut part = items.sized(Field::RepeatedSize, Field::AirlineNumericCode)?;
    Ok(RepeatedItems {
        airline_numeric_code: part.optional(Field::AirlineNumericCode, 3)?,
        document_number: part.optional(Field::DocumentNumber, 10)?,
        selectee: part.optional_character(Field::Selectee)?,
        document_verification: part.optional_character(Field::DocumentVerification)?,
        marketing_carrier: part.optional(Field::MarketingCarrier, 3)?,
        frequent_flyer_airline: part.optional(Field::FrequentFlyerAirline, 3)?,
        frequent_flyer_number: part.optional(Field::FrequentFlyerNumber, 16)?,
        id_ad: part.optional_character(Field::IdAd)?,
        baggage_allowance: part.optional(Field::BaggageAllowance, 3)?,
        fast_track: part.optional_character(Field::FastTrack)?,
    })
}

fn security(items: &mut Items<'_>) -> Result<SecurityData, BoardingPassError> {
    if items.take(Field::SecurityMark, 1)? != "^" {
        return Err(items.invalid(Field::SecurityMark));
    }
    let kind = items.character(Field::SecurityKind)?.ok_or_else(|| items.invalid(Field::SecurityKind))?;
    let data = items.sized(Field::SecuritySize, Field::SecurityData)?.rest().to_owned();
    Ok(SecurityData { kind, data })
}

//! Boarding pass to text, for tests and the demo: airlines make the real ones.

use crate::format::boarding_pass::{
    BoardingPass, BoardingPassError, Leg, RepeatedItems, UniqueItems, error::Field, parse::parse,
};

/// The largest size that two hexadecimal digits say.
const LARGEST: usize = 0xFF;

pub fn write(pass: &BoardingPass) -> Result<String, BoardingPassError> {
    let mut text = format!("M{}", pass.legs.len());
    item(&mut text, Some(&pass.passenger_name), 20, Field::PassengerName, 0)?;
    text.push(pass.electronic_ticket.unwrap_or(' '));
    for (number, leg) in (1..).zip(&pass.legs) {
        mandatory(&mut text, leg, number)?;
        let mut conditional = String::new();
        if let (1, Some(unique)) = (number, &pass.unique) {
            conditional.push_str(&format!(">{}", unique.version));
            let part = unique_part(unique)?;
            sized(&mut conditional, &part, Field::UniqueSize, number)?;
        }
        let airline_use = leg.airline_use.as_deref().unwrap_or_default();
        if !conditional.is_empty() || leg.conditional != RepeatedItems::default() || !airline_use.is_empty() {
            let part = repeated_part(&leg.conditional, number)?;
            sized(&mut conditional, &part, Field::RepeatedSize, number)?;
        }
        conditional.push_str(airline_use);
        sized(&mut text, &conditional, Field::VariableSize, number)?;
    }
    if let Some(security) = &pass.security {
        text.push('^');
        text.push(security.kind);
        sized(&mut text, &security.data, Field::SecuritySize, 0)?;
    }
    // Whether each item is of its kind is said by the reader, once.
    parse(&text).map(|_| text)
}

fn mandatory(text: &mut String, leg: &Leg, number: usize) -> Result<(), BoardingPassError> {
    item(text, leg.pnr.as_deref(), 7, Field::Pnr, number)?;
    item(text, Some(&leg.from), 3, Field::From, number)?;
    item(text, Some(&leg.to), 3, Field::To, number)?;
    item(text, Some(&leg.carrier), 3, Field::Carrier, number)?;
    item(text, leg.flight_number.as_deref().map(|n| padded(n, 4)).as_deref(), 5, Field::FlightNumber, number)?;
    item(text, leg.day_of_year.map(|day| format!("{day:03}")).as_deref(), 3, Field::DayOfYear, number)?;
    text.push(leg.compartment.unwrap_or(' '));
    item(text, leg.seat.as_deref().map(|seat| padded(seat, 3)).as_deref(), 4, Field::Seat, number)?;
    item(text, leg.sequence.as_deref().map(|n| padded(n, 4)).as_deref(), 5, Field::Sequence, number)?;
    text.push(leg.status.unwrap_or(' '));
    Ok(())
}

/// Zeros in front until the digits are this many, where it is digits and perhaps one letter; anything else stays.
fn padded(text: &str, digits: usize) -> String {
    let own = text.bytes().take_while(u8::is_ascii_digit).count();
    let usual = own > 0 && text.len() <= own + 1;
    if usual { format!("{}{text}", "0".repeat(digits.saturating_sub(own))) } else { text.to_owned() }
}

/// Writes an item and the blanks that fill its place.
fn item(text: &mut String, value: Option<&str>, width: usize, field: Field, leg: usize) -> Result<(), BoardingPassError> {
    let value = value.unwrap_or_default();
    if value.len() > width {
        return Err(BoardingPassError::Invalid { field, leg });
    }
    text.push_str(value);
    text.extend(std::iter::repeat_n(' ', width - value.len()));
    Ok(())
}

fn sized(text: &mut String, part: &str, field: Field, leg: usize) -> Result<(), BoardingPassError> {
    if part.len() > LARGEST {
        return Err(BoardingPassError::Invalid { field, leg });
    }
    text.push_str(&format!("{:02X}{part}", part.len()));
    Ok(())
}

fn unique_part(unique: &UniqueItems) -> Result<String, BoardingPassError> {
    let characters = |c: Option<char>| c.map(String::from);
    let [first, second, third] = &unique.baggage_tags;
    part(
        &[
            (characters(unique.passenger_description), 1, Field::PassengerDescription),
            (characters(unique.source_of_check_in), 1, Field::SourceOfCheckIn),
            (characters(unique.source_of_issuance), 1, Field::SourceOfIssuance),
            (unique.date_of_issue.clone(), 4, Field::DateOfIssue),
            (characters(unique.document_type), 1, Field::DocumentType),
            (unique.issuer.clone(), 3, Field::Issuer),
            (first.clone(), 13, Field::BaggageTags),
            (second.clone(), 13, Field::BaggageTags),
            (third.clone(), 13, Field::BaggageTags),
        ],
        1,
    )
}

fn repeated_part(items: &RepeatedItems, leg: usize) -> Result<String, BoardingPassError> {
    let characters = |c: Option<char>| c.map(String::from);
    part(
        &[
            (items.airline_numeric_code.clone(), 3, Field::AirlineNumericCode),
            (items.document_number.clone(), 10, Field::DocumentNumber),
            (characters(items.selectee), 1, Field::Selectee),
            (characters(items.document_verification), 1, Field::DocumentVerification),
            (items.marketing_carrier.clone(), 3, Field::MarketingCarrier),
            (items.frequent_flyer_airline.clone(), 3, Field::FrequentFlyerAirline),
            (items.frequent_flyer_number.clone(), 16, Field::FrequentFlyerNumber),
            (characters(items.id_ad), 1, Field::IdAd),
            (items.baggage_allowance.clone(), 3, Field::BaggageAllowance),
            (characters(items.fast_track), 1, Field::FastTrack),
        ],
        leg,
    )
}

/// Items up to the last that says something; those after it are left out.
fn part(items: &[(Option<String>, usize, Field)], leg: usize) -> Result<String, BoardingPassError> {
    let mut text = String::new();
    let used = items.iter().rposition(|(value, ..)| value.is_some()).map_or(0, |last| last + 1);
    for (value, width, field) in &items[..used] {
        item(&mut text, value.as_deref(), *width, *field, leg)?;
    }
    Ok(text)
}

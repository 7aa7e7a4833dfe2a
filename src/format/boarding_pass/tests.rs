use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::Value;

use super::*;
use crate::base::limits::BOARDING_PASS_BYTES;

/// The example that IATA's guide and everybody's tests use: one leg, mandatory items only.
const ONE_LEG: &str = "M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 326J001A0025 100";

/// Two legs from Guiyang, with conditional items, data of the airlines and a signature.
fn full() -> BoardingPass {
    let text = |text: &str| Some(text.to_owned());
    let first = Leg {
        pnr: text("NXKWE2"),
        from: "KWE".to_owned(),
        to: "CAN".to_owned(),
        carrier: "CZ".to_owned(),
        flight_number: text("3456"),
        day_of_year: Some(328),
        compartment: Some('Y'),
        seat: text("12A"),
        sequence: text("42"),
        status: Some('1'),
        conditional: RepeatedItems {
            airline_numeric_code: text("784"),
            document_number: text("2345678901"),
            document_verification: Some('1'),
            marketing_carrier: text("CZ"),
            frequent_flyer_airline: text("CZ"),
            frequent_flyer_number: text("12345678"),
            fast_track: Some('Y'),
            ..RepeatedItems::default()
        },
        airline_use: text("KYFAST ^ free text"),
    };
    let second = Leg {
        from: "CAN".to_owned(),
        to: "LHR".to_owned(),
        flight_number: text("303A"),
        day_of_year: Some(329),
        seat: text("INF"),
        conditional: RepeatedItems::default(),
        airline_use: None,
        ..first.clone()
    };
    BoardingPass {
        passenger_name: "OUYANG/MEILING MS".to_owned(),
        electronic_ticket: Some('E'),
        unique: Some(UniqueItems {
            version: 8,
            passenger_description: Some('2'),
            source_of_check_in: Some('W'),
            date_of_issue: text("6327"),
            document_type: Some('B'),
            issuer: text("CZ"),
            baggage_tags: [text("0784001234567"), None, text("0784001234601")],
            ..UniqueItems::default()
        }),
        legs: vec![first, second],
        security: Some(SecurityData { kind: '1', data: "GIWVC5EH7JNT684F+/=^".to_owned() }),
    }
}

fn day(text: &str) -> Date {
    Date::parse(text).expect("a date")
}

#[test]
fn the_mandatory_items_of_one_leg() {
    let pass = BoardingPass::parse(ONE_LEG).expect("a pass");
    assert_eq!((pass.passenger_name.as_str(), pass.electronic_ticket), ("DESMARAIS/LUC", Some('E')));
    assert_eq!((pass.unique.is_none(), pass.security.is_none(), pass.legs.len()), (true, true, 1));
    let leg = &pass.legs[0];
    assert_eq!((leg.pnr.as_deref(), leg.from.as_str(), leg.to.as_str()), (Some("ABC123"), "YUL", "FRA"));
    assert_eq!((leg.carrier.as_str(), leg.flight_number.as_deref(), leg.day_of_year), ("AC", Some("834"), Some(326)));
    assert_eq!((leg.compartment, leg.seat.as_deref()), (Some('J'), Some("1A")));
    assert_eq!((leg.sequence.as_deref(), leg.status), (Some("25"), Some('1')));
    assert_eq!(leg.flight(), "AC834");
    assert_eq!(pass.write().as_deref(), Ok(ONE_LEG));
}

#[test]
fn everything_that_is_written_is_read() {
    let pass = full();
    let text = pass.write().expect("a pass");
    assert_eq!(&text[..88], "M2OUYANG/MEILING MS   ENXKWE2 KWECANCZ 3456 328Y012A0042 174>8322W 6327BCZ 0784001234567");
    assert_eq!(BoardingPass::parse(&text), Ok(pass));
}

#[test]
fn nothing_of_the_passenger_is_printed() {
    assert_eq!(format!("{:?}", full()), "BoardingPass { legs: [CZ3456 KWE-CAN, CZ303A CAN-LHR], .. }");
}

/// Passes made at random and read by the crate `iata_bcbp` 1.0.0, whose items keep their blanks and zeros.
#[test]
fn a_peer_reads_the_same() {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../../../tests/data/boarding_pass/peer.json")).expect("vectors");
    assert_eq!(vectors.len(), 48);
    for vector in &vectors {
        let text = vector["text"].as_str().expect("text");
        let pass = BoardingPass::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let plain = |value: &Value| {
            let text = value.as_str().map(|text| text.trim_matches(' ').to_owned());
            text.filter(|text| !text.is_empty())
        };
        let number = |value: &Value| {
            plain(value).map(|text| {
                let kept = text.trim_start_matches('0');
                if kept.starts_with(|c: char| c.is_ascii_digit()) { kept.to_owned() } else { format!("0{kept}") }
            })
        };
        let seat = |value: &Value| plain(value).map(|text| text.trim_start_matches('0').to_owned());
        let one = |c: Option<char>| c.map(String::from);
        assert_eq!(Some(pass.passenger_name.clone()), plain(&vector["name"]), "{text}");
        assert_eq!(one(pass.electronic_ticket), plain(&vector["electronic_ticket"]), "{text}");
        assert_eq!(pass.unique.as_ref().map(|unique| unique.version.to_string()), plain(&vector["version"]), "{text}");
        let unique = pass.unique.clone().unwrap_or_default();
        let [first, second, third] = unique.baggage_tags;
        let own = [
            one(unique.passenger_description),
            one(unique.source_of_check_in),
            one(unique.source_of_issuance),
            unique.date_of_issue,
            one(unique.document_type),
            unique.issuer,
            first,
            second,
            third,
        ];
        assert_eq!(own.to_vec(), vector["unique"].as_array().expect("items").iter().map(plain).collect::<Vec<_>>(), "{text}");
        let legs = vector["legs"].as_array().expect("legs");
        assert_eq!(pass.legs.len(), legs.len());
        for (leg, peer) in pass.legs.iter().zip(legs) {
            assert_eq!(leg.pnr, plain(&peer["pnr"]), "{text}");
            assert_eq!(Some(leg.from.clone()), plain(&peer["from"]), "{text}");
            assert_eq!(Some(leg.to.clone()), plain(&peer["to"]), "{text}");
            assert_eq!(Some(leg.carrier.clone()), plain(&peer["carrier"]), "{text}");
            assert_eq!(leg.flight_number, number(&peer["flight_number"]), "{text}");
            assert_eq!(leg.day_of_year.map(|day| day.to_string()), number(&peer["day"]), "{text}");
            assert_eq!(one(leg.compartment), plain(&peer["compartment"]), "{text}");
            assert_eq!(leg.seat, seat(&peer["seat"]), "{text}");
            assert_eq!(leg.sequence, number(&peer["sequence"]), "{text}");
            assert_eq!(one(leg.status), plain(&peer["status"]), "{text}");
            assert_eq!(leg.airline_use.as_deref(), peer["airline_use"].as_str(), "{text}");
            let items = leg.conditional.clone();
            let own = [
                items.airline_numeric_code,
                items.document_number,
                one(items.selectee),
                one(items.document_verification),
                items.marketing_carrier,
                items.frequent_flyer_airline,
                items.frequent_flyer_number,
                one(items.id_ad),
                items.baggage_allowance,
                one(items.fast_track),
            ];
            let peer: Vec<_> = peer["repeated"].as_array().expect("items").iter().map(plain).collect();
            assert_eq!(own.to_vec(), peer, "{text}");
        }
        let security = pass.security.as_ref();
        assert_eq!(security.map(|security| security.kind.to_string()), plain(&vector["security_kind"]), "{text}");
        assert_eq!(security.map(|security| security.data.as_str()), vector["security"].as_str(), "{text}");
    }
}

#[test]
fn each_mandatory_item_is_named_when_it_is_wrong() {
    // Where it stands in the example, what is put there, which item, which leg.
    for (at, bad, field, leg) in [
        (0, "S", Field::FormatCode, 0),
        (1, "0", Field::NumberOfLegs, 0),
        (1, "5", Field::NumberOfLegs, 0),
        (2, "  ", Field::PassengerName, 0),
        (2, "D3", Field::PassengerName, 0),
        (2, "D/", Field::PassengerName, 0),
        (22, "e", Field::ElectronicTicket, 0),
        (23, "abc", Field::Pnr, 1),
        (30, "yul", Field::From, 1),
        (30, "YU ", Field::From, 1),
        (33, "FR1", Field::To, 1),
        (36, "   ", Field::Carrier, 1),
        (36, "A  ", Field::Carrier, 1),
        (39, "08X4", Field::FlightNumber, 1),
        (39, "08345", Field::FlightNumber, 1),
        (44, "000", Field::DayOfYear, 1),
        (44, "367", Field::DayOfYear, 1),
        (44, "+12", Field::DayOfYear, 1),
        (44, " 12", Field::DayOfYear, 1),
        (47, "j", Field::Compartment, 1),
        (48, "01-A", Field::Seat, 1),
        (52, "00x5", Field::Sequence, 1),
        (57, "?", Field::Status, 1),
        (58, "0a", Field::VariableSize, 1),
        (58, "+0", Field::VariableSize, 1),
    ] {
        let mut text = ONE_LEG.to_owned();
        text.replace_range(at..at + bad.len(), bad);
        assert_eq!(BoardingPass::parse(&text), Err(BoardingPassError::Invalid { field, leg }), "{bad} at {at}");
    }
}

#[test]
fn open_tickets_and_unassigned_seats_are_blank() {
    let text = format!("M1{:20} {:7}YULFRA{:3}{:19}00", "DESMARAIS/LUC", "", "AC", "");
    let pass = BoardingPass::parse(&text).expect("a pass");
    assert_eq!(pass.legs[0], Leg { from: "YUL".to_owned(), to: "FRA".to_owned(), carrier: "AC".to_owned(), ..Leg::default() });
    assert_eq!(pass.write(), Ok(text.clone()));
    let open = text.replacen("AC      ", "AC OPEN ", 1);
    assert_eq!(BoardingPass::parse(&open), Ok(pass));
}

#[test]
fn a_pass_ends_where_it_says_and_each_size_holds() {
    let with = |conditional: &str| format!("{}{:02X}{conditional}", &ONE_LEG[..58], conditional.len());
    let read = |text: &str| BoardingPass::parse(text).err();
    assert_eq!(read(&with(">8")), None);
    assert_eq!(read(&with(">800")), None);
    assert_eq!(read(&with(">80000text")), None);
    let invalid = |field| Some(BoardingPassError::Invalid { field, leg: 1 });
    let truncated = |field, leg| Some(BoardingPassError::Truncated { field, leg });
    assert_eq!(read(&with("text")), invalid(Field::VersionMark));
    for version in [">9", ">0", "> ", ">A"] {
        assert_eq!(read(&with(version)), invalid(Field::Version), "{version}");
    }
    assert_eq!(read(&with(">")), truncated(Field::Version, 1));
    assert_eq!(read(&with(">81")), truncated(Field::UniqueSize, 1));
    assert_eq!(read(&with(">805123")), truncated(Field::PassengerDescription, 1));
    assert_eq!(read(&with(">80512345")), truncated(Field::DateOfIssue, 1));
    assert_eq!(read(&with(">80002ab")), truncated(Field::AirlineNumericCode, 1));
    assert_eq!(read(&with(">8000")), truncated(Field::RepeatedSize, 1));
    assert_eq!(read(&format!("{}05>800", &ONE_LEG[..58])), truncated(Field::AirlineUse, 1));
    assert_eq!(read(&format!("{ONE_LEG}^103abc")), None);
    assert_eq!(read(&format!("{ONE_LEG}^104abc")), truncated(Field::SecurityData, 0));
    assert_eq!(read(&format!("{ONE_LEG}x")), Some(BoardingPassError::Invalid { field: Field::SecurityMark, leg: 0 }));
    assert_eq!(read(&format!("{ONE_LEG}^103abcd")), Some(BoardingPassError::Trailing { more: 1 }));
    assert_eq!(read(&format!("M2{}", &ONE_LEG[2..])), truncated(Field::Pnr, 2));
}

#[test]
fn every_beginning_of_a_pass_is_refused() {
    let text = full().write().expect("a pass");
    // A pass may end before its security data, and nowhere else.
    let end = text.find("^1").expect("security data");
    for at in (0..text.len()).filter(|at| *at != end) {
        assert!(matches!(BoardingPass::parse(&text[..at]), Err(BoardingPassError::Truncated { .. })), "length {at}");
    }
}

#[test]
fn a_pass_is_short_and_printable() {
    let long = format!("{ONE_LEG}{}", " ".repeat(BOARDING_PASS_BYTES));
    assert_eq!(BoardingPass::parse(&long), Err(BoardingPassError::TooLong { most: BOARDING_PASS_BYTES }));
    for (bad, at) in [("M1ÅS/LUC", 2), ("M1A\nB/LUC", 3), ("\u{feff}M1", 0), ("M1AB\0", 4), ("M1AB\x7f", 4)] {
        assert_eq!(BoardingPass::parse(bad), Err(BoardingPassError::NotPrintable { at }), "{bad:?}");
    }
}

#[test]
fn what_does_not_fit_is_not_written() {
    let mut pass = full();
    pass.legs[1].pnr = Some("TOOLONG8".to_owned());
    assert_eq!(pass.write(), Err(BoardingPassError::Invalid { field: Field::Pnr, leg: 2 }));
    let mut pass = full();
    pass.legs.clear();
    assert_eq!(pass.write(), Err(BoardingPassError::Invalid { field: Field::NumberOfLegs, leg: 0 }));
    let mut pass = full();
    pass.security = Some(SecurityData { kind: '1', data: "x".repeat(256) });
    assert_eq!(pass.write(), Err(BoardingPassError::Invalid { field: Field::SecuritySize, leg: 0 }));
}

#[test]
fn the_year_is_the_one_that_brings_the_flight_nearest() {
    let date = |number, today: &str| {
        let leg = Leg { day_of_year: Some(number), ..Leg::default() };
        leg.date(day(today)).map(|date| date.to_string())
    };
    for (case, number, today, expected) in [
        ("today", 328, "2026-11-24", Some("2026-11-24")),
        ("tomorrow, over the year's end", 1, "2026-12-31", Some("2027-01-01")),
        ("yesterday, over the year's end", 365, "2027-01-01", Some("2026-12-31")),
        ("in six weeks, over the year's end", 10, "2026-12-01", Some("2027-01-10")),
        ("the last day of a leap year, the day after", 366, "2029-01-01", Some("2028-12-31")),
        ("the last day of a leap year, that day", 366, "2028-12-31", Some("2028-12-31")),
        ("day 365 of a leap year is 30 December", 365, "2028-12-30", Some("2028-12-30")),
        ("day 60 of a leap year", 60, "2028-03-01", Some("2028-02-29")),
        ("day 60 of another year", 60, "2027-03-01", Some("2027-03-01")),
        ("no year near has a day 366", 366, "2026-06-01", None),
        ("a century that is no leap year", 366, "2100-06-01", None),
        ("the first year there is", 1, "0000-01-01", Some("0000-01-01")),
        ("the last year there is", 365, "9999-12-31", Some("9999-12-31")),
    ] {
        assert_eq!(date(number, today).as_deref(), expected, "{case}");
    }
    // 2 January and 3 July lie 182 days apart; the other 2 January 183.
    assert_eq!(date(2, "2026-07-03").as_deref(), Some("2026-01-02"));
    assert_eq!(Leg::default().date(day("2026-11-24")), None);
}

fn leg() -> impl Strategy<Value = Leg> {
    let items = (
        option::of("[A-Z0-9]{5,7}"),
        "[A-Z]{3}",
        "[A-Z]{3}",
        "[A-Z0-9]{2,3}",
        option::of("[1-9][0-9]{0,3}[A-Z]?"),
        option::of(1..=366u16),
        option::of(select(vec!["1A", "12F", "101K", "INF", "GTE"])),
        option::of("[1-9][0-9]{0,3}"),
    );
    let conditional = (option::of("[0-9]{3}"), option::of("[A-Z0-9]{1,16}"), option::of(prop::char::range('A', 'Z')));
    (items, conditional, option::of("[ -~]{1,20}")).prop_map(|(items, conditional, airline_use)| {
        let (pnr, from, to, carrier, flight_number, day_of_year, seat, sequence) = items;
        let (airline_numeric_code, frequent_flyer_number, fast_track) = conditional;
        Leg {
            pnr,
            from,
            to,
            carrier,
            flight_number,
            day_of_year,
            seat: seat.map(str::to_owned),
            sequence,
            conditional: RepeatedItems { airline_numeric_code, frequent_flyer_number, fast_track, ..RepeatedItems::default() },
            airline_use,
            ..Leg::default()
        }
    })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        let _ = BoardingPass::parse(&text);
    }

    #[test]
    fn no_changed_pass_makes_it_panic(changes in vec((0..400usize, prop::char::range(' ', '~')), 1..6)) {
        let mut text: Vec<char> = full().write().expect("a pass").chars().collect();
        for (at, character) in changes {
            let at = at % text.len();
            text[at] = character;
        }
        let text: String = text.into_iter().collect();
        if let Ok(pass) = BoardingPass::parse(&text) {
            // What was read can be written, and is read again as the same.
            let written = pass.write();
            prop_assert!(written.is_ok_and(|text| BoardingPass::parse(&text) == Ok(pass)), "{}", text);
        }
    }

    #[test]
    fn what_is_written_reads_the_same(name in "[A-Z]{1,9}/[A-Z]{0,10}", version in 1..=8u8, legs in vec(leg(), 1..=4)) {
        let unique = Some(UniqueItems { version, ..UniqueItems::default() });
        let pass = BoardingPass { passenger_name: name, electronic_ticket: None, unique, legs, security: None };
        prop_assert_eq!(BoardingPass::parse(&pass.write().expect("a pass")), Ok(pass));
    }
}

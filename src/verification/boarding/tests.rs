//! Named cases, by table: the name on the pass, what the card disclosed, what has to be said of it.

use serde_json::json;

use super::*;
use crate::format::boarding_pass::Leg;

/// 2026-11-24 14:00 in China.
const NOW: i64 = 1_795_500_000;

fn pass(name: &str) -> BoardingPass {
    let leg = Leg {
        from: "KWE".to_owned(),
        to: "CAN".to_owned(),
        carrier: "CZ".to_owned(),
        flight_number: Some("3456".to_owned()),
        day_of_year: Some(328),
        seat: Some("12A".to_owned()),
        ..Leg::default()
    };
    BoardingPass { passenger_name: name.to_owned(), electronic_ticket: None, unique: None, legs: vec![leg], security: None }
}

fn claims(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

fn latin(family: &str, given: &str) -> Value {
    json!({"latin_family_name": family, "latin_given_name": given})
}

fn differences(name: &str, disclosed: Value) -> Vec<String> {
    compare(&pass(name), &claims(disclosed), None, Timestamp::from_unix(NOW)).0.reasons
}

/// Runs a table: case, name on the pass, card, differences.
fn check(cases: &[(&str, &str, Value, &[&str])]) {
    for (case, name, disclosed, expected) in cases {
        assert!(name.len() <= 20, "{case}: a pass has room for 20 characters");
        assert_eq!(differences(name, disclosed.clone()), *expected, "{case}: {name} and {disclosed}");
    }
}

#[test]
fn names_that_agree() {
    check(&[
        ("plain", "ZHANG/WEI", latin("ZHANG", "WEI"), &[]),
        ("lower case on the card", "ZHANG/WEI", latin("Zhang", "Wei"), &[]),
        ("two syllables joined", "ZHANG/SHIYUAN", latin("ZHANG", "SHI YUAN"), &[]),
        ("two syllables apart", "ZHANG/SHI YUAN", latin("ZHANG", "SHIYUAN"), &[]),
        ("two syllables with a hyphen", "ZHANG/SHI-YUAN", latin("ZHANG", "SHIYUAN"), &[]),
        ("a hyphen on the card", "ZHANG/SHIYUAN", latin("ZHANG", "SHI-YUAN"), &[]),
        ("an apostrophe on the card", "LI/XIAN", latin("LI", "XI'AN"), &[]),
        ("a compound family name joined", "OUYANG/MEILING", latin("OU YANG", "MEI-LING"), &[]),
        ("an apostrophe in a family name", "OBRIEN/SEAN", latin("O'BRIEN", "SEÁN"), &[]),
        ("marks that fall", "DVORAK/JIRI", latin("Dvořák", "Jiří"), &[]),
        ("an umlaut as two letters", "MUELLER/JUERGEN", latin("Müller", "Jürgen"), &[]),
        ("a sharp s", "WEISS/HANS", latin("Weiß", "Hans"), &[]),
        ("a stroke as two letters", "SOERENSEN/KJELD", latin("Sørensen", "Kjeld"), &[]),
        ("marks that stand by themselves", "MUELLER/ANDRE", latin("Mu\u{308}ller", "Andre\u{301}"), &[]),
        ("a title glued on", "ZHANG/WEIMR", latin("ZHANG", "WEI"), &[]),
        ("a title apart", "ZHANG/WEI MR", latin("ZHANG", "WEI"), &[]),
        ("a woman's title", "OUYANG/MEILINGMS", latin("OUYANG", "MEILING"), &[]),
        ("a long title is not a short one and an S", "LI/NAMISS", latin("LI", "NA"), &[]),
        ("two titles", "LI/NADR MS", latin("LI", "NA"), &[]),
        ("a child", "LI/NAMSTR CHD", latin("LI", "NA"), &[]),
        ("an infant", "LI/NAINF", latin("LI", "NA"), &[]),
        ("a title in front", "SMITH/DR JOHN", latin("SMITH", "JOHN"), &[]),
        ("a name that ends like a title", "SMITH/ADAMS", latin("SMITH", "ADAMS"), &[]),
        ("several given names", "SMITH/JOHN MICHAEL", latin("SMITH", "JOHN MICHAEL"), &[]),
        ("a given name that looks like none", "NGUYEN/FNU", latin("NGUYEN", "FNU"), &[]),
        ("no given name on either side", "SUKARNO/", latin("SUKARNO", ""), &[]),
        ("no given name, said so", "SUKARNO/FNU", latin("SUKARNO", "-"), &[]),
        ("no given name, repeated", "SUKARNO/SUKARNO", latin("SUKARNO", ""), &[]),
        ("no given name and no slash", "SUKARNO MR", latin("SUKARNO", ""), &[]),
    ]);
}

#[test]
fn names_that_agree_in_part() {
    check(
        &[
            ("a given name cut", "CHRISTODOULOPOULOS/AL", latin("CHRISTODOULOPOULOS", "ALEXANDROS"), &["name_truncated"]),
            ("cut before a title", "PAPADOPOULOS/ALEXAMR", latin("PAPADOPOULOS", "ALEXANDROS"), &["name_truncated"]),
        ]
        .map(|(case, name, card, expected)| (case, &name[..name.len().min(20)], card, expected as &[&str])),
    );
    check(&[
        ("a family name cut", "WOLFESCHLEGELSTEIN/J", latin("WOLFESCHLEGELSTEINHAUSEN", "JOHN"), &["name_truncated"]),
        (
            "nothing but the family name",
            "WOLFESCHLEGELSTEINHA",
            latin("WOLFESCHLEGELSTEINHAUSEN", "JOHN"),
            &["name_truncated", "given_name_missing"],
        ),
        ("a title cut", "PAPADOPOULOS/ALEXANM", latin("PAPADOPOULOS", "ALEXAN"), &["title_ambiguous"]),
        ("one initial", "SMITH/J", latin("SMITH", "JOHN"), &["only_initials"]),
        ("initials of two names", "SMITH/J M", latin("SMITH", "JOHN MICHAEL"), &["only_initials"]),
        ("initials joined with a title", "SMITH/JMMR", latin("SMITH", "JOHN MICHAEL"), &["only_initials"]),
        ("a name and an initial", "SMITH/JOHN M", latin("SMITH", "JOHN MICHAEL"), &["only_initials"]),
        ("the first of two names", "SMITH/JOHN", latin("SMITH", "JOHN MICHAEL"), &["given_names_left_out"]),
        ("the middle name left out", "SMITH/JOHN PAUL", latin("SMITH", "JOHN ADAM PAUL"), &["given_names_left_out"]),
        ("two of three joined", "SMITH/JOHNADAM", latin("SMITH", "JOHN ADAM PAUL"), &["given_names_left_out"]),
        ("no given name", "ZHANG/", latin("ZHANG", "WEI"), &["given_name_missing"]),
        ("no slash", "ZHANG", latin("ZHANG", "WEI"), &["given_name_missing"]),
        ("a title only", "ZHANG/MR", latin("ZHANG", "WEI"), &["given_name_missing"]),
        ("first name unknown", "ZHANG/FNU", latin("ZHANG", "WEI"), &["given_name_missing"]),
        ("a short name or a title", "HASSAN/AMR", latin("HASSAN", "A"), &["title_ambiguous"]),
        ("a name like one with a title", "SMITH/ADAMS", latin("SMITH", "ADA"), &["title_ambiguous"]),
        ("an umlaut as one letter", "MULLER/JURGEN", latin("Müller", "Jürgen"), &["alternative_transliteration"]),
        ("an umlaut lost on the pass", "MULLER/ANNA", latin("MUELLER", "ANNA"), &["alternative_transliteration"]),
        ("an umlaut lost on the card", "MUELLER/ANNA", latin("MULLER", "ANNA"), &["alternative_transliteration"]),
        ("a stroke as one letter", "SORENSEN/KJELD", latin("Sørensen", "Kjeld"), &["alternative_transliteration"]),
        ("LV for LYU", "LV/NING", latin("LYU", "NING"), &["alternative_transliteration"]),
        ("LU for LYU", "LU/NING", latin("LYU", "NING"), &["alternative_transliteration"]),
        ("LYU for LV", "LYU/NING", latin("LV", "NING"), &["alternative_transliteration"]),
        ("NVER for NYUER", "LI/NVER", latin("LI", "NYUER"), &["alternative_transliteration"]),
        ("swapped", "WEI/ZHANG", latin("ZHANG", "WEI"), &["names_swapped"]),
        ("swapped, with a title", "SHIYUAN/ZHANGMR", latin("ZHANG", "SHI YUAN"), &["names_swapped"]),
        ("not separated", "ZHANG WEI", latin("ZHANG", "WEI"), &["name_not_separated"]),
        ("not separated and turned", "WEI ZHANG MR", latin("ZHANG", "WEI"), &["names_swapped", "name_not_separated"]),
        ("only the family name disclosed", "ZHANG/WEI", json!({"latin_family_name": "ZHANG"}), &["given_name_not_disclosed"]),
        ("nothing disclosed", "ZHANG/WEI", json!({"age_equal_or_over": {"18": true}}), &["name_not_disclosed"]),
        ("letters of another script", "IVANOV/PETR", latin("Иванов", "Пётр"), &["name_not_comparable"]),
    ]);
}

#[test]
fn names_of_other_people() {
    for (case, name, disclosed) in [
        ("another family name", "WANG/WEI", latin("ZHANG", "WEI")),
        ("another given name", "ZHANG/MIN", latin("ZHANG", "WEI")),
        ("a syllable more", "ZHANG/XIAOMING", latin("ZHANG", "XIAO")),
        ("a syllable less", "ZHANG/XIAO", latin("ZHANG", "XIAOMING")),
        ("syllables turned", "ZHANG/YUANSHI", latin("ZHANG", "SHI YUAN")),
        ("a short family name that begins a longer one", "LI/ALEXANDROSMAXIMOSX", latin("LIU", "ALEXANDROSMAXIMOSXY")),
        ("half of a compound family name", "OU/MEILING", latin("OUYANG", "MEILING")),
        ("XU is not XUE", "XU/WEI", latin("XUE", "WEI")),
        ("the second of two given names alone", "SMITH/MICHAEL", latin("SMITH", "JOHN MICHAEL")),
        ("another initial", "SMITH/K", latin("SMITH", "JOHN")),
        ("a given name where the card says there is none", "SUKARNO/JOKO", latin("SUKARNO", "")),
        ("cut, but there was room", "SMITH/JO", latin("SMITH", "JOHN")),
        ("nothing in common", "DESMARAIS/LUC", json!({"name": "张伟"})),
    ] {
        let name = &name[..name.len().min(20)];
        assert_eq!(differences(name, disclosed), ["other_name"], "{case}");
    }
}

#[test]
fn names_in_chinese() {
    let whole = |name: &str| json!({"name": name});
    let parts = |family: &str, given: &str| json!({"family_name": family, "given_name": given});
    check(&[
        ("plain", "ZHANG/WEI", whole("张伟"), &[]),
        ("two syllables apart", "LI/XIAO MING", whole("李小明"), &[]),
        ("in parts", "OUYANG/MEILINGMS", parts("欧阳", "美玲"), &[]),
        ("a compound family name in a whole one", "SIMA/QIAN", whole("司马迁"), &[]),
        ("a compound family name in old characters", "OUYANG/XIU", whole("歐陽修"), &[]),
        ("单 is SHAN", "SHAN/XIONGXIN", whole("单雄信"), &[]),
        ("曾 is ZENG", "ZENG/GUOFAN", whole("曾国藩"), &[]),
        ("仇 is QIU", "QIU/YING", whole("仇英"), &[]),
        ("解 is XIE", "XIE/JIN", whole("解缙"), &[]),
        ("查 is ZHA", "ZHA/LIANGYONG", whole("查良镛"), &[]),
        ("任 is REN", "REN/FEI", whole("任飞"), &[]),
        ("区 is OU", "OU/MIN", whole("区敏"), &[]),
        ("尉迟 is YU CHI", "YUCHI/GONG", whole("尉迟恭"), &[]),
        ("万俟 is MO QI", "MOQI/YONG", whole("万俟咏"), &[]),
        ("翟 is ZHAI or DI", "DI/MIN", whole("翟敏"), &[]),
        ("吕 is LYU", "LYU/NING", whole("吕宁"), &[]),
        ("吕 is LV to booking systems", "LV/NING", whole("吕宁"), &["alternative_transliteration"]),
        ("曾 as it usually is", "CENG/GUOFAN", whole("曾国藩"), &["alternative_reading"]),
        ("a given name in another reading", "LI/LE", whole("李乐"), &[]),
        ("a given name in its rarer reading", "LI/YUE", whole("李乐"), &["alternative_reading"]),
        ("initials of syllables", "LI/XM", whole("李小明"), &["only_initials"]),
        ("a syllable missing", "LI/XIAO", whole("李小明"), &["other_name"]),
        ("only the family name", "LI/NA", json!({"family_name": "李"}), &["given_name_not_disclosed"]),
        ("the given name from the whole one", "LI/NA", json!({"family_name": "李", "name": "李娜"}), &[]),
        ("the family name from the whole one", "OUYANG/NA", json!({"given_name": "娜", "name": "欧阳娜"}), &[]),
        (
            "the card's Latin name is another reading",
            "DAN/WEI",
            json!({"latin_family_name": "SHAN", "latin_given_name": "WEI", "name": "单伟"}),
            &["alternative_reading"],
        ),
        (
            "both names are another's",
            "WANG/WEI",
            json!({"latin_family_name": "SHAN", "latin_given_name": "WEI", "name": "单伟"}),
            &["other_name"],
        ),
    ]);
}

fn leg(flight: &str, day_of_year: u16, seat: &str) -> Leg {
    Leg {
        carrier: flight[..2].to_owned(),
        flight_number: Some(flight[2..].to_owned()),
        day_of_year: Some(day_of_year),
        seat: Some(seat.to_owned()),
        ..pass("A/B").legs[0].clone()
    }
}

fn with_legs(legs: Vec<Leg>, expected: &ExpectedFlight, now: &str) -> BoardingPart {
    let pass = BoardingPass { legs, ..pass("ZHANG/WEI") };
    let now = Timestamp::parse_rfc3339(now).expect("a time");
    compare(&pass, &claims(latin("ZHANG", "WEI")), Some(expected), now).0
}

fn expected(flight: Option<&str>, date: Option<&str>, seat: Option<&str>) -> ExpectedFlight {
    ExpectedFlight {
        carrier: flight.map(|flight| flight[..2].to_owned()),
        number: flight.map(|flight| flight[2..].to_owned()),
        date: date.map(|date| Date::parse(date).expect("a date")),
        seat: seat.map(str::to_owned),
    }
}

#[test]
fn flight_day_and_seat() {
    let now = "2026-11-24T14:00:00+08:00";
    for (case, own, expected, now, differences) in [
        ("all agree", leg("CZ3456", 328, "12A"), expected(Some("CZ3456"), Some("2026-11-24"), Some("12A")), now, &[][..]),
        ("nothing expected", leg("CZ3456", 328, "12A"), ExpectedFlight::default(), now, &[]),
        ("zeros and case", leg("CZ34", 328, "1A"), expected(Some("cz0034"), None, Some("001a")), now, &[]),
        ("another number", leg("CZ3456", 328, "12A"), expected(Some("CZ3457"), None, None), now, &["other_flight"]),
        ("another carrier", leg("CZ3456", 328, "12A"), expected(Some("CA3456"), None, None), now, &["other_flight"]),
        ("a suffix is another flight", leg("CZ3456A", 328, "1A"), expected(Some("CZ3456"), None, None), now, &["other_flight"]),
        ("another seat", leg("CZ3456", 328, "12A"), expected(None, None, Some("12B")), now, &["other_seat"]),
        ("another day expected", leg("CZ3456", 328, "12A"), expected(None, Some("2026-11-25"), None), now, &["other_date"]),
        ("yesterday's", leg("CZ3456", 327, "12A"), expected(None, None, None), now, &["other_date"]),
        ("tomorrow's", leg("CZ3456", 329, "12A"), expected(None, None, None), now, &["other_date"]),
        ("a year ago to the day is today to a pass", leg("CZ3456", 328, "1A"), ExpectedFlight::default(), now, &[]),
        ("late, after midnight", leg("CZ1", 328, "1A"), ExpectedFlight::default(), "2026-11-25T05:59:59+08:00", &[]),
        ("too late", leg("CZ1", 328, "1A"), ExpectedFlight::default(), "2026-11-25T06:00:00+08:00", &["other_date"]),
        ("leaves after midnight", leg("CZ1", 329, "1A"), ExpectedFlight::default(), "2026-11-24T18:00:00+08:00", &[]),
        ("too early", leg("CZ1", 329, "1A"), ExpectedFlight::default(), "2026-11-24T17:59:59+08:00", &["other_date"]),
        ("the day in China, not in UTC", leg("CZ1", 329, "1A"), ExpectedFlight::default(), "2026-11-24T20:00:00Z", &[]),
        ("over the year's end", leg("CZ1", 1, "1A"), ExpectedFlight::default(), "2026-12-31T23:30:00+08:00", &[]),
        ("late over the year's end", leg("CZ1", 365, "1A"), ExpectedFlight::default(), "2027-01-01T00:30:00+08:00", &[]),
        ("the end of a leap year", leg("CZ1", 366, "1A"), ExpectedFlight::default(), "2029-01-01T00:30:00+08:00", &[]),
        ("no leap year near", leg("CZ1", 366, "1A"), ExpectedFlight::default(), "2026-12-31T12:00:00+08:00", &["other_date"]),
    ] {
        assert_eq!(with_legs(vec![own], &expected, now).reasons, differences, "{case}");
    }
}

#[test]
fn what_a_pass_leaves_blank_is_for_the_officer() {
    let blank = Leg { flight_number: None, day_of_year: None, seat: None, ..leg("CZ3456", 328, "12A") };
    let part = with_legs(vec![blank], &expected(Some("CZ3456"), None, Some("12A")), "2026-11-24T14:00:00+08:00");
    assert_eq!(part.reasons, ["flight_not_named", "date_not_named", "other_seat"]);
    assert_eq!((part.result, part.date, part.seat), (BoardingMatch::Partial, None, None));
    assert_eq!(part.flight, "CZ");
}

#[test]
fn of_several_legs_the_one_that_fits_is_meant() {
    let legs = || vec![leg("CZ3456", 328, "12A"), leg("CZ303", 329, "31K"), leg("CZ303", 330, "32K")];
    let chosen = |expected: &ExpectedFlight, now: &str| {
        let part = with_legs(legs(), expected, now);
        (part.flight, part.date.unwrap_or_default(), part.seat.unwrap_or_default(), part.result)
    };
    let of = |flight: &str, date: &str, seat: &str, result| (flight.to_owned(), date.to_owned(), seat.to_owned(), result);
    let now = "2026-11-24T14:00:00+08:00";
    let first = of("CZ3456", "2026-11-24", "12A", BoardingMatch::Match);
    assert_eq!(chosen(&ExpectedFlight::default(), now), first);
    assert_eq!(chosen(&expected(Some("CZ3456"), None, None), now), first);
    let second = of("CZ303", "2026-11-25", "31K", BoardingMatch::Match);
    assert_eq!(chosen(&ExpectedFlight::default(), "2026-11-25T14:00:00+08:00"), second);
    assert_eq!(chosen(&expected(Some("CZ303"), Some("2026-11-25"), None), now), second);
    let third = of("CZ303", "2026-11-26", "32K", BoardingMatch::Match);
    assert_eq!(chosen(&expected(Some("CZ303"), Some("2026-11-26"), Some("32K")), now), third);
    let none = of("CZ3456", "2026-11-24", "12A", BoardingMatch::Mismatch);
    assert_eq!(chosen(&expected(Some("CA1"), None, None), now), none);
    let empty = with_legs(Vec::new(), &ExpectedFlight::default(), now);
    assert_eq!((empty.result, empty.reasons), (BoardingMatch::Mismatch, vec!["other_flight".to_owned()]));
}

#[test]
fn the_result_is_the_worst_difference_and_gives_the_reason() {
    let now = Timestamp::from_unix(NOW);
    let outcome = |name: &str, seat: &str| {
        let expected = expected(Some("CZ3456"), None, Some(seat));
        let (part, reason) = compare(&pass(name), &claims(latin("ZHANG", "WEI")), Some(&expected), now);
        (part.matches, part.result, reason)
    };
    let (partial, mismatch) = (ReasonCode::BoardingPassPartialMatch, ReasonCode::BoardingPassMismatch);
    assert_eq!(outcome("ZHANG/WEI", "12A"), (true, BoardingMatch::Match, None));
    assert_eq!(outcome("ZHANG/WEI", "12B"), (false, BoardingMatch::Partial, Some(partial)));
    assert_eq!(outcome("ZHANG/W", "12A"), (false, BoardingMatch::Partial, Some(partial)));
    assert_eq!(outcome("WANG/WEI", "12B"), (false, BoardingMatch::Mismatch, Some(mismatch)));
    let (part, _) = compare(&pass("ZHANG/W"), &claims(latin("ZHANG", "WEI")), None, now);
    assert_eq!(
        serde_json::to_value(part).expect("JSON"),
        json!({
            "match": false, "result": "partial", "reasons": ["only_initials"], "passenger": "ZHANG/W", "flight": "CZ3456",
            "date": "2026-11-24", "from": "KWE", "to": "CAN", "seat": "12A",
        })
    );
}

proptest::proptest! {
    #[test]
    fn no_name_makes_it_panic(printed in "[A-Z /'.-]{0,20}", family in ".{0,30}", given in ".{0,30}", name in "\\PC{0,8}") {
        let disclosed = json!({"latin_family_name": family, "latin_given_name": given, "name": name, "given_name": given});
        let _ = differences(&printed, disclosed);
    }

    #[test]
    fn a_name_agrees_with_itself(family in "[A-Z]{2,8}", given in "[A-Z]{2,9}") {
        let printed = format!("{family}/{given}");
        proptest::prop_assert_eq!(differences(&printed, latin(&family, &given)), Vec::<String>::new());
    }
}

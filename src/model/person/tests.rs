use serde_json::{Map, Value, json};

use super::PORTRAIT_BYTES;
use crate::{
    base::time::{Date, Timestamp},
    model::{
        id_number::IdNumberError,
        person::{
            FieldError, Person, PersonState, Problem, civil_date,
            tests_support::{json as good, person, today},
        },
    },
};

fn errors(object: &Map<String, Value>) -> Vec<(String, Problem)> {
    let errors = Person::read(object, today()).expect_err("a bad person");
    errors.into_iter().map(|FieldError { field, problem }| (field, problem)).collect()
}

fn with(path: &str, value: Value) -> Map<String, Value> {
    let mut whole = Value::Object(good());
    match whole.pointer_mut(path) {
        Some(place) => *place = value,
        None => whole[path.trim_start_matches('/')] = value,
    }
    whole.as_object().cloned().expect("an object")
}

#[test]
fn a_good_person_is_read_and_kept_alike() {
    let person = person();
    assert_eq!(person.name, "欧阳美玲");
    assert_eq!(person.state, PersonState::Active);
    assert_eq!(format!("{person:?}"), "Person(..)");
    let text = serde_json::to_vec(&person).expect("a person can be written");
    assert_eq!(serde_json::from_slice::<Person>(&text).expect("and read"), person);
    // What the API gives out, it takes back.
    let again: Value = serde_json::from_slice(&text).expect("JSON");
    assert_eq!(Person::read(again.as_object().expect("an object"), today()), Ok(person));
}

#[test]
fn every_bad_field_is_named_with_its_problem() {
    let jpeg = "data:image/jpeg;base64,/9j/4AAQ";
    let long = |n: usize| Value::String("长".repeat(n));
    let cases = [
        ("/id_number", json!("110105194912310020"), "id_number", Problem::IdNumber(IdNumberError::CheckCharacter)),
        ("/id_number", json!(11), "id_number", Problem::WrongType("text")),
        ("/id_number", Value::Null, "id_number", Problem::Missing),
        ("/name", json!(""), "name", Problem::Empty),
        ("/name", json!(" 欧阳"), "name", Problem::BadCharacters),
        ("/family_name", long(65), "family_name", Problem::TooLong(64)),
        ("/given_name", json!("美\u{0}玲"), "given_name", Problem::BadCharacters),
        ("/given_name", json!("美\u{202e}玲"), "given_name", Problem::BadCharacters),
        ("/given_name", json!("\u{3000}"), "given_name", Problem::Empty),
        ("/latin_family_name", json!("欧阳"), "latin_family_name", Problem::NotLatin),
        ("/latin_given_name", json!("M3I"), "latin_given_name", Problem::NotLatin),
        ("/latin_given_name", json!("-"), "latin_given_name", Problem::NotLatin),
        ("/sex", json!("f"), "sex", Problem::NotOneOf("male, female")),
        ("/sex", json!("male"), "sex", Problem::DisagreesWithIdNumber),
        ("/birth_date", json!("1949-12-30"), "birth_date", Problem::DisagreesWithIdNumber),
        ("/birth_date", json!("1949-02-29"), "birth_date", Problem::NotADate),
        ("/address", json!("Guiyang"), "address", Problem::WrongType("an object")),
        ("/address/region", json!(["x"]), "address.region", Problem::WrongType("text")),
        ("/address/street_address", long(129), "address.street_address", Problem::TooLong(128)),
        ("/portrait", json!("https://example.com/me.jpg"), "portrait", Problem::NotAnImage),
        ("/portrait", json!(jpeg.replace("jpeg", "png")), "portrait", Problem::NotAnImage),
        ("/portrait", json!("data:image/svg+xml;base64,PHN2Zy8+"), "portrait", Problem::NotAnImage),
        ("/portrait", json!(format!("{jpeg}{}", "A".repeat(PORTRAIT_BYTES))), "portrait", Problem::TooLong(PORTRAIT_BYTES)),
        ("/state", json!("dead"), "state", Problem::NotOneOf("active, deceased, moved_away")),
        ("/cards_need_approval", json!("yes"), "cards_need_approval", Problem::WrongType("true or false")),
        ("/qualifications", json!({}), "qualifications", Problem::WrongType("a list")),
        ("/qualifications", json!(vec![json!({}); 17]), "qualifications", Problem::TooLong(16)),
        ("/qualifications", json!([7]), "qualifications[0]", Problem::WrongType("an object")),
        ("/qualifications/0/valid_until", json!("2023-12-31"), "qualifications[0].valid_until", Problem::EndsBeforeItBegins),
        ("/qualifications/0/valid_from", json!("soon"), "qualifications[0].valid_from", Problem::NotADate),
        ("/qualifications/0/number", Value::Null, "qualifications[0].number", Problem::Missing),
        ("/qualifications/0/data", json!("x"), "qualifications[0].data", Problem::WrongType("an object")),
        ("/qualifications/0/data", json!({"x": "y".repeat(4096)}), "qualifications[0].data", Problem::TooLong(4096)),
        ("/qualifications/0/data", json!({"x": {"_sd": []}}), "qualifications[0].data", Problem::NotClaims),
        ("/qualifications/0/data", json!({"x": [[[[1]]]]}), "qualifications[0].data", Problem::NotClaims),
        ("/surname", json!("x"), "surname", Problem::Unknown),
    ];
    for (path, value, field, problem) in cases {
        assert_eq!(errors(&with(path, value)), vec![(field.to_owned(), problem)], "{path}");
    }
    assert!(Person::read(&with("/portrait", json!(jpeg)), today()).is_ok());
}

#[test]
fn everything_wrong_is_told_at_once() {
    let missing: Vec<_> =
        errors(&Map::new()).into_iter().map(|(field, problem)| (field, problem == Problem::Missing)).collect();
    let required = [
        "id_number",
        "family_name",
        "given_name",
        "latin_family_name",
        "latin_given_name",
        "sex",
        "ethnicity",
        "birth_date",
        "address",
    ];
    assert_eq!(missing, required.map(|field| (field.to_owned(), true)));
}

#[test]
fn nobody_is_born_tomorrow_or_before_1850() {
    let mut born = good();
    born.insert("birth_date".to_owned(), json!("1949-12-31"));
    let before = Date::new(1949, 12, 30).expect("a day");
    let errors = Person::read(&born, before).expect_err("not born yet");
    assert_eq!(errors, vec![FieldError { field: "birth_date".to_owned(), problem: Problem::InFuture }]);
    born.insert("birth_date".to_owned(), json!("1849-12-31"));
    born.remove("id_number");
    let errors = Person::read(&born, today()).expect_err("long dead");
    assert_eq!(errors[1], FieldError { field: "birth_date".to_owned(), problem: Problem::TooLongAgo });
}

#[test]
fn the_civil_day_turns_at_midnight_in_china() {
    let at = |text: &str| civil_date(Timestamp::parse_rfc3339(text).expect("a time")).map(|date| date.to_string());
    assert_eq!(at("2026-11-23T15:59:59Z").as_deref(), Some("2026-11-23"));
    assert_eq!(at("2026-11-23T16:00:00Z").as_deref(), Some("2026-11-24"));
}

#[test]
fn the_longest_valid_qualification_counts() {
    let mut person = person();
    let mut other = person.qualifications[0].clone();
    other.number = "520100000002".to_owned();
    other.valid_until = Date::new(2035, 1, 1).expect("a day");
    person.qualifications.push(other);
    let number = |day: (i32, u8, u8)| {
        let day = Date::new(day.0, day.1, day.2).expect("a day");
        person.qualification("transport-qualification", day).map(|q| q.number.as_str())
    };
    assert_eq!(number((2026, 11, 24)), Some("520100000002"));
    assert_eq!(number((2023, 12, 31)), None);
    assert_eq!(number((2035, 1, 1)), Some("520100000002"));
    assert_eq!(number((2035, 1, 2)), None);
    assert!(person.qualification("resident-id", today()).is_none());
}

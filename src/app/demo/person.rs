//! A made-up person: a region, a date and a number that no register gave anyone.

use serde_json::{Value, json};

use crate::base::random::Random;

/// Weights of the check character (GB 11643-1999, ISO 7064 MOD 11-2).
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/// A driver of Guiyang who does not exist, with the qualification of a road freight driver. `today` is `YYYY-MM-DD`.
pub fn made_up(random: &dyn Random, this_year: i32) -> Value {
    let [a, b, c, d] = random.array::<4>().map(i32::from);
    let (year, month, day) = (1960 + a % 40, 1 + b % 12, 1 + c % 28);
    // An even sequence number: female.
    let sequence = 800 + (d * 2) % 200;
    fields((year, month, day), sequence, this_year)
}

/// The n-th of as many people who do not exist, born before those of [`made_up`]: no two have one number. Their name says
/// that they are samples.
pub fn sample(number: u32, this_year: i32) -> Value {
    let (day, rest) = (1 + number % 28, number / 28);
    let (month, rest) = (1 + rest % 12, rest / 12);
    let (year, sequence) = (1900 + rest % 60, rest / 60 * 2 % 1000);
    let part = |value: u32| i32::try_from(value).unwrap_or_default();
    let mut person = fields((part(year), part(month), part(day)), part(sequence), this_year);
    let name = [("name", "合成样本"), ("family_name", "合成"), ("given_name", "样本")];
    let latin = [("latin_family_name", "HECHENG"), ("latin_given_name", "YANGBEN")];
    for (field, text) in name.into_iter().chain(latin) {
        person[field] = text.into();
    }
    person
}

/// How many people [`sample`] tells apart.
pub const SAMPLES: u32 = 28 * 12 * 60 * 500;

fn fields((year, month, day): (i32, i32, i32), sequence: i32, this_year: i32) -> Value {
    let seventeen = format!("520102{year:04}{month:02}{day:02}{sequence:03}");
    json!({
        "id_number": format!("{seventeen}{}", check_character(&seventeen)),
        "name": "演示鱼符",
        "family_name": "演示",
        "given_name": "鱼符",
        "latin_family_name": "YANSHI",
        "latin_given_name": "YUFU",
        "sex": "female",
        "ethnicity": "布依族",
        "birth_date": format!("{year:04}-{month:02}-{day:02}"),
        "address": {"region": "贵州省", "locality": "贵阳市南明区", "street_address": "示例路1号"},
        "qualifications": [{
            "type": "transport-qualification",
            "number": format!("5201{year:04}{sequence:03}"),
            "valid_from": format!("{}-01-01", this_year - 1),
            "valid_until": format!("{}-12-31", this_year + 4),
        }],
    })
}

fn check_character(seventeen: &str) -> char {
    let sum: u32 = seventeen.chars().zip(WEIGHTS).filter_map(|(digit, weight)| Some(digit.to_digit(10)? * weight)).sum();
    char::from(b"10X98765432"[(sum % 11) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_differ_and_are_people_that_the_register_takes() {
        use std::collections::BTreeSet;

        use crate::{base::time::Date, model::person::Person};

        let some = [0, 1, 27, 28, 335, 336, 20_159, 20_160, SAMPLES - 1];
        let people = some.map(|number| sample(number, 2026));
        let today = Date::parse("2026-11-24").unwrap();
        for person in &people {
            assert!(Person::read(person.as_object().unwrap(), today).is_ok(), "{person}");
        }
        let numbers: BTreeSet<_> = people.iter().map(|person| person["id_number"].to_string()).collect();
        assert_eq!(numbers.len(), some.len());
    }

    #[test]
    fn the_check_character_follows_the_standard() {
        // The worked example that GB 11643-1999 gives.
        assert_eq!(check_character("11010519491231002"), 'X');
    }
}

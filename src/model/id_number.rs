//! The citizen's identity number of 18 characters (GB 11643-1999).
//!
//! Six digits of the place of registration (GB/T 2260), eight of the birth date, three of a sequence whose parity tells
//! the sex, and a check character (ISO 7064 MOD 11-2), `X` standing for ten.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::time::Date;

/// Characters of an identity number.
pub const LENGTH: usize = 18;

/// Province-level codes of GB/T 2260: the mainland's provinces, Taiwan (71 and the residence permits' 83), Hong Kong
/// (81) and Macao (82).
const PROVINCES: [u8; 35] = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63, 64, 65,
    71, 81, 82, 83,
];

/// Check characters by the weighted sum modulo 11 (GB 11643-1999 table 2).
const CHECK_CHARACTERS: [u8; 11] = *b"10X98765432";

/// Sex, as registered.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Sex {
    Male,
    Female,
}

impl Sex {
    /// The name in the API and in claims.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Male => "male",
            Self::Female => "female",
        }
    }

    /// Reads the name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Male, Self::Female].into_iter().find(|sex| sex.name() == name)
    }
}

/// Why a text is no identity number. Says nothing of its content, so that it can be shown and logged.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IdNumberError {
    /// Not 18 characters.
    #[error("an ID number has 18 characters")]
    Length,
    /// Not 17 digits and a digit or `X`.
    #[error("an ID number is 17 digits and a digit or X")]
    Characters,
    /// The first two digits are no province-level code.
    #[error("the first two digits are no province")]
    Region,
    /// Digits 7 to 14 are no day of the calendar.
    #[error("digits 7 to 14 are no date")]
    BirthDate,
    /// The last character does not follow from the others: a digit was mistyped.
    #[error("the check character does not fit: a digit was mistyped")]
    CheckCharacter,
}

/// An identity number whose form and check character are good. `Debug` does not show it.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(into = "String", try_from = "String")]
pub struct IdNumber {
    text: String,
    birth_date: Date,
}

impl IdNumber {
    /// Reads 18 characters exactly; a lower-case `x` is taken for `X`, nothing else is forgiven.
    pub fn parse(text: &str) -> Result<Self, IdNumberError> {
        if text.chars().count() != LENGTH {
            return Err(IdNumberError::Length);
        }
        let text = text.to_ascii_uppercase();
        let (body, check) = text.split_at_checked(LENGTH - 1).ok_or(IdNumberError::Characters)?;
        if !body.bytes().all(|c| c.is_ascii_digit()) || !check.bytes().all(|c| c.is_ascii_digit() || c == b'X') {
            return Err(IdNumberError::Characters);
        }
        let number = |from: usize, to: usize| body.get(from..to).and_then(|part| part.parse::<u16>().ok()).unwrap_or_default();
        if !PROVINCES.iter().any(|code| u16::from(*code) == number(0, 2)) {
            return Err(IdNumberError::Region);
        }
        let (month, day) = (u8::try_from(number(10, 12)), u8::try_from(number(12, 14)));
        let birth_date = match (month, day) {
            (Ok(month), Ok(day)) => Date::new(i32::from(number(6, 10)), month, day),
            _ => None,
        };
        let birth_date = birth_date.ok_or(IdNumberError::BirthDate)?;
        match check_character(body) {
            Some(expected) if check.starts_with(expected) => Ok(Self { text, birth_date }),
            _ => Err(IdNumberError::CheckCharacter),
        }
    }

    /// The 18 characters, `X` in upper case.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The six digits of the place of first registration.
    pub fn region(&self) -> &str {
        self.text.get(..6).unwrap_or_default()
    }

    /// The birth date in it.
    pub fn birth_date(&self) -> Date {
        self.birth_date
    }

    /// The sex in it: the 17th digit is odd for men and even for women.
    pub fn sex(&self) -> Sex {
        match self.text.as_bytes().get(LENGTH - 2) {
            Some(digit) if digit % 2 == 1 => Sex::Male,
            _ => Sex::Female,
        }
    }
}

/// The check character that belongs to 17 digits; none for any other text.
///
/// The weight of the i-th digit from the left is 2^(18-i) modulo 11 (GB 11643-1999 section 5).
pub fn check_character(body: &str) -> Option<char> {
    if body.len() != LENGTH - 1 || !body.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    // Horner's rule: doubling before each digit gives the powers of two.
    let sum = body.bytes().fold(0, |sum, digit| (sum + u32::from(digit - b'0')) * 2 % 11);
    CHECK_CHARACTERS.get(sum as usize).map(|c| char::from(*c))
}

impl fmt::Debug for IdNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdNumber(..)")
    }
}

impl From<IdNumber> for String {
    fn from(number: IdNumber) -> Self {
        number.text
    }
}

impl TryFrom<String> for IdNumber {
    type Error = IdNumberError;

    fn try_from(text: String) -> Result<Self, IdNumberError> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn good_numbers_tell_region_birth_date_and_sex() {
        // The two examples printed in GB 11643-1999 itself, a woman born in 1949 and a man born in 1880.
        for (text, region, born, sex) in [
            ("11010519491231002X", "110105", "1949-12-31", Sex::Female),
            ("11010519491231002x", "110105", "1949-12-31", Sex::Female),
            ("440524188001010014", "440524", "1880-01-01", Sex::Male),
        ] {
            let number = IdNumber::parse(text).expect("a good number");
            assert_eq!(number.as_str(), text.to_uppercase());
            assert_eq!((number.region(), number.birth_date().to_string().as_str(), number.sex()), (region, born, sex));
            assert_eq!(format!("{number:?}"), "IdNumber(..)");
        }
    }

    #[test]
    fn bad_numbers_are_refused_with_their_reason() {
        for (text, error) in [
            ("", IdNumberError::Length),
            ("11010519491231002", IdNumberError::Length),
            ("11010519491231002XX", IdNumberError::Length),
            (" 1010519491231002X", IdNumberError::Characters),
            ("1101051949123100XX", IdNumberError::Characters),
            ("1101051949123100２X", IdNumberError::Characters),
            ("１１０１０５１９４９１２３１００２Ｘ", IdNumberError::Characters),
            ("-10105194912310020", IdNumberError::Characters),
            ("00010519491231002X", IdNumberError::Region),
            ("16010519491231002X", IdNumberError::Region),
            ("91010519491231002X", IdNumberError::Region),
            ("11010519490229002X", IdNumberError::BirthDate),
            ("11010519491331002X", IdNumberError::BirthDate),
            ("11010519490031002X", IdNumberError::BirthDate),
            ("110105194912310020", IdNumberError::CheckCharacter),
            ("11010519491231003X", IdNumberError::CheckCharacter),
        ] {
            assert_eq!(IdNumber::parse(text), Err(error), "{text}");
        }
    }

    fn body() -> impl Strategy<Value = String> {
        (0..PROVINCES.len(), 0..10_000_u32, 1850..2100_u32, 1..13_u32, 1..29_u32, 0..1000_u32)
            .prop_map(|(p, place, y, m, d, seq)| format!("{}{place:04}{y:04}{m:02}{d:02}{seq:03}", PROVINCES[p]))
    }

    proptest! {
        #[test]
        fn exactly_one_check_character_fits(body in body()) {
            let fitting: Vec<_> =
                "0123456789X".chars().filter(|check| IdNumber::parse(&format!("{body}{check}")).is_ok()).collect();
            prop_assert_eq!(fitting, vec![check_character(&body).expect("17 digits")]);
        }

        /// ISO 7064 MOD 11-2 finds every single wrong digit and every exchange of neighbours.
        #[test]
        fn one_slip_of_the_pen_is_found(body in body(), at in 0..17_usize, digit in 0..10_u8) {
            let check = check_character(&body);
            let mut wrong = body.clone().into_bytes();
            wrong[at] = b'0' + digit;
            let wrong = String::from_utf8(wrong).expect("digits");
            prop_assert_eq!(check_character(&wrong) == check, wrong == body);
            let mut swapped = body.clone().into_bytes();
            swapped.swap(at.min(15), at.min(15) + 1);
            let swapped = String::from_utf8(swapped).expect("digits");
            prop_assert_eq!(check_character(&swapped) == check, swapped == body);
        }

        #[test]
        fn any_text_is_answered_without_a_panic(text in "\\PC{0,20}") {
            let _ = IdNumber::parse(&text);
            prop_assert_eq!(check_character(&text).is_some(), text.len() == 17 && text.bytes().all(|c| c.is_ascii_digit()));
        }
    }
}

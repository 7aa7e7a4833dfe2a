//! The forms of codes. Digits only: they are read to people over the telephone and typed on a keypad of ten keys.

use zeroize::Zeroizing;

use crate::base::{random::Random, secret::Secret};

/// Digits of an activation code. Guessing is bounded by delays: a million tries find one in a million such codes.
const ACTIVATION_DIGITS: usize = 12;
/// Digits of a recovery code, which lies in a drawer for years.
const RECOVERY_DIGITS: usize = 20;
/// Digits written together.
const GROUP: usize = 4;

/// What a code is for; its length says it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    /// For the first sign-in.
    Activation,
    /// For the day on which the phone is gone.
    Recovery,
}

impl Form {
    const fn digits(self) -> usize {
        match self {
            Self::Activation => ACTIVATION_DIGITS,
            Self::Recovery => RECOVERY_DIGITS,
        }
    }

    /// A new code, as it is shown: in groups.
    pub(super) fn draw(self, random: &dyn Random) -> Secret<String> {
        let mut code = String::with_capacity(self.digits() + self.digits() / GROUP);
        let mut drawn = 0;
        while drawn < self.digits() {
            let [byte] = random.array::<1>();
            // Bytes beyond the last whole ten are drawn again, so that every digit is equally likely.
            if byte >= 250 {
                continue;
            }
            if drawn > 0 && drawn % GROUP == 0 {
                code.push('-');
            }
            code.push(char::from(b'0' + byte % 10));
            drawn += 1;
        }
        Secret::new(code)
    }

    /// Reads what somebody typed: the digits alone, and what they are by their number.
    pub(super) fn read(typed: &str) -> Option<(Self, Zeroizing<String>)> {
        let digits = Zeroizing::new(plain(typed));
        let form = [Self::Activation, Self::Recovery].into_iter().find(|form| form.digits() == digits.len())?;
        digits.bytes().all(|c| c.is_ascii_digit()).then_some((form, digits))
    }
}

/// Without what people put between the groups, and with full-width characters, as Chinese keyboards type them, as their ASCII
/// twins.
pub(super) fn plain(typed: &str) -> String {
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    };
    typed.chars().map(narrow).filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{2013}' | '\u{2014}')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;

    #[test]
    fn a_code_is_digits_in_groups_and_read_however_it_is_typed() {
        let code = Form::Activation.draw(&SeededRandom::new(1));
        let groups: Vec<&str> = code.expose().split('-').collect();
        assert!(groups.len() == 3 && groups.iter().all(|group| group.len() == 4 && group.parse::<u16>().is_ok()), "{groups:?}");
        assert_eq!(Form::Recovery.draw(&SeededRandom::new(1)).expose().len(), 24);
        let digits = code.expose().replace('-', "");
        let wide: String = digits.chars().filter_map(|c| char::from_u32(u32::from(c) + 0xfee0)).collect();
        for typed in [code.expose().clone(), digits.clone(), groups.join(" "), format!(" {} ", groups.join(" – ")), wide] {
            let (form, read) = Form::read(&typed).expect("a code");
            assert_eq!((form, read.as_str()), (Form::Activation, digits.as_str()), "{typed}");
        }
        for bad in ["", "1", "12345678901", "1234567890123", "12345678901x", "x2345678901234567890", "١٢٣٤٥٦٧٨٩٠١٢"]
        {
            assert!(Form::read(bad).is_none(), "{bad}");
        }
        assert!(matches!(Form::read(&"1".repeat(20)), Some((Form::Recovery, _))));
    }
}

//! What a person is found by, and what a search asks for: the same normalised tokens on both sides, so that keyed
//! hashes of them meet.

use std::collections::BTreeSet;

use crate::model::{
    id_number::{IdNumber, LENGTH},
    person::Person,
};

/// Shortest prefix of a Latin name that finds it: one letter would find a fortieth of the country.
const LATIN_PREFIX: usize = 2;

/// One token: the kind of field, which separates the hashes, and the normalised text.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Token {
    /// `id_number` or `name`.
    pub field: &'static str,
    /// The normalised text.
    pub text: String,
}

impl Token {
    /// The token of an identity number; no two people share it.
    pub fn id_number(number: &IdNumber) -> Self {
        Self { field: "id_number", text: normalise(number.as_str()) }
    }

    fn name(text: impl Into<String>) -> Self {
        Self { field: "name", text: text.into() }
    }
}

impl Person {
    /// Every token this person is found by: the whole identity number, each beginning of the name, and each beginning of
    /// two letters or more of the Latin names, of their parts and of both written as one word.
    pub fn tokens(&self) -> BTreeSet<Token> {
        let mut tokens = BTreeSet::from([Token::id_number(&self.id_number)]);
        prefixes(&squeezed(&self.name), 1, &mut tokens);
        let (family, given) = (squeezed(&self.latin_family_name), squeezed(&self.latin_given_name));
        for whole in [format!("{family}{given}"), family, given] {
            prefixes(&whole, LATIN_PREFIX, &mut tokens);
        }
        for part in words(&self.latin_family_name).chain(words(&self.latin_given_name)) {
            prefixes(&part, LATIN_PREFIX, &mut tokens);
        }
        tokens
    }
}

/// The tokens a person has to have, all of them, to be found by `query`: an identity number, or words of a name.
pub fn search_tokens(query: &str) -> BTreeSet<Token> {
    let token = |word: String| {
        let is_number = word.len() == LENGTH && word.bytes().take(LENGTH - 1).all(|c| c.is_ascii_digit());
        if is_number { Token { field: "id_number", text: word } } else { Token::name(word) }
    };
    words(query).map(token).collect()
}

/// Lower case, full-width letters and digits as their ASCII twins (what NFKC does to them), ideographic space as space.
fn normalise(text: &str) -> String {
    let narrow = |c: char| match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    };
    text.trim().chars().map(narrow).flat_map(char::to_lowercase).collect()
}

/// What stands between the words of a name: space, hyphen, apostrophe, and the dots of transliterated names.
fn separates(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '\'' | '\u{2019}' | '\u{b7}' | '\u{2022}' | '\u{30fb}')
}

fn words(text: &str) -> impl Iterator<Item = String> {
    normalise(text).split(separates).filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>().into_iter()
}

fn squeezed(text: &str) -> String {
    words(text).collect()
}

fn prefixes(text: &str, shortest: usize, into: &mut BTreeSet<Token>) {
    let mut prefix = String::new();
    for (length, c) in (1..).zip(text.chars()) {
        prefix.push(c);
        if length >= shortest {
            into.insert(Token::name(prefix.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::person::tests_support::person;

    fn finds(query: &str) -> bool {
        let tokens = person().tokens();
        let asked = search_tokens(query);
        !asked.is_empty() && asked.iter().all(|token| tokens.contains(token))
    }

    #[test]
    fn a_person_is_found_by_number_name_and_pinyin() {
        for query in [
            "11010519491231002X",
            " 11010519491231002x ",
            "１１０１０５１９４９１２３１００２Ｘ",
            "欧",
            "欧阳",
            "欧阳美玲",
            "ouyang",
            "OU YANG",
            "Ouyang Mei-Ling",
            "ling",
            "ouyangmei",
            "meiling",
            "ＭＥＩ",
            "欧阳 mei",
        ] {
            assert!(finds(query), "{query}");
        }
    }

    #[test]
    fn nothing_else_finds_a_person() {
        for query in ["", " ", "阳", "美玲", "o", "wang", "ouyang wang", "1101051949123100", "110105194912310020", "meilingx"]
        {
            assert!(!finds(query), "{query}");
        }
    }
}

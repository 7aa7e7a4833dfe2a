//! Given names of a pass against those of a card.

use std::collections::BTreeSet;

use crate::verification::boarding::{
    difference::Difference,
    spelling::{Fit, Spelling, Unit, beginning, whole},
};

/// What airlines write where there is no given name: "first name unknown" and the like.
const NO_GIVEN_NAME: &[&str] = &["FNU", "LNU", "XXX"];

/// The given name of the card.
#[derive(Clone, Debug)]
pub enum Given {
    /// As spelled.
    Known(Spelling),
    /// The person has none.
    Without,
    /// The card did not disclose it.
    NotDisclosed,
}

/// How the words of a pass differ from the given name; none when they are another name. `full` when the pass has no room
/// for more.
pub fn compare(given: &Given, words: &[String], full: bool) -> Option<BTreeSet<Difference>> {
    let text = words.concat();
    let absent = text.is_empty() || NO_GIVEN_NAME.contains(&text.as_str());
    match given {
        Given::NotDisclosed => Some(BTreeSet::from([Difference::GivenNameNotDisclosed])),
        Given::Without => absent.then(BTreeSet::new),
        Given::Known(spelling) => known(spelling, words, &text, full).or_else(|| {
            let truncated = full.then_some(Difference::NameTruncated);
            absent.then(|| truncated.into_iter().chain([Difference::GivenNameMissing]).collect())
        }),
    }
}

fn known(spelling: &Spelling, words: &[String], text: &str, full: bool) -> Option<BTreeSet<Difference>> {
    let units = spelling.units();
    if text.is_empty() {
        return None;
    }
    if let Some(fit) = whole(&units, text) {
        return Some(with(fit, None));
    }
    if full && let Some(fit) = beginning(&units, text) {
        return Some(with(fit, Some(Difference::NameTruncated)));
    }
    if let Some(fit) = first_words(spelling, text) {
        return Some(with(fit, Some(Difference::GivenNamesLeftOut)));
    }
    if are_initials(spelling, text) {
        return Some(BTreeSet::from([Difference::OnlyInitials]));
    }
    word_by_word(spelling, words)
}

fn with(fit: Fit, difference: Option<Difference>) -> BTreeSet<Difference> {
    difference.into_iter().chain(fit.difference()).collect()
}

/// The first of several given names, but not all.
fn first_words(spelling: &Spelling, text: &str) -> Option<Fit> {
    (1..spelling.words.len()).find_map(|number| {
        let units: Vec<&Unit> = spelling.words[..number].iter().flatten().collect();
        whole(&units, text)
    })
}

/// The initials of the words, or of the syllables where the units are syllables; of all or of the first.
fn are_initials(spelling: &Spelling, text: &str) -> bool {
    let begins = |unit: &Unit, letter: char| unit.spellings().any(|(spelling, _)| spelling.starts_with(letter));
    let fits = |units: &[&Unit]| text.len() <= units.len() && text.chars().zip(units).all(|(c, unit)| begins(unit, c));
    let of_words: Vec<&Unit> = spelling.words.iter().filter_map(|word| word.first()).collect();
    fits(&of_words) || spelling.syllables && fits(&spelling.units())
}

/// Each word of the pass is a given name of the card or its initial, in their order, beginning with the first.
fn word_by_word(spelling: &Spelling, words: &[String]) -> Option<BTreeSet<Difference>> {
    let mut differences = BTreeSet::new();
    let mut names = spelling.words.iter().enumerate();
    let mut left_out = words.len() < spelling.words.len();
    for (number, word) in words.iter().enumerate() {
        let (place, fit) = names.find_map(|(place, name)| {
            let units: Vec<&Unit> = name.iter().collect();
            let initial = || (word.len() == 1).then(|| beginning(&units, word)).flatten().map(|_| Difference::OnlyInitials);
            match whole(&units, word) {
                Some(fit) => Some((place, fit.difference())),
                None => initial().map(|difference| (place, Some(difference))),
            }
        })?;
        if number == 0 && place != 0 {
            return None;
        }
        left_out |= place != number;
        differences.extend(fit);
    }
    differences.extend(left_out.then_some(Difference::GivenNamesLeftOut));
    Some(differences)
}

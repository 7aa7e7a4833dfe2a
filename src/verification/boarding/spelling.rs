//! A name as the spellings it may have in the letters A to Z (ICAO 9303 part 3 section 6), and how a text fits it.
//!
//! A name is a row of units, each with the spellings that are usual and those that are met. A text is laid along the row;
//! with 20 characters against a few dozen units this is a small table and no search.

use crate::{base::limits::BOARDING_NAME_CHARACTERS, verification::boarding::difference::Difference};

/// A letter or a syllable.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Unit {
    /// The spellings that are right without a second look.
    pub usual: Vec<String>,
    /// Spellings of the same sound that are met.
    pub other: Vec<String>,
    /// Spellings of other readings of a character.
    pub readings: Vec<String>,
}

/// Words of units: given names, or parts of a family name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Spelling {
    /// The words; never empty ones.
    pub words: Vec<Vec<Unit>>,
    /// Whether each unit is a syllable of its own meaning, as in a Chinese name.
    pub syllables: bool,
}

/// How a text fits a row of units: as its worst unit does.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Fit {
    /// Every unit is spelled in a usual way.
    Usual,
    /// Some unit is spelled in another way.
    Spelling,
    /// Some character is read in another way.
    Reading,
}

impl Fit {
    /// What is to be said of it.
    pub fn difference(self) -> Option<Difference> {
        match self {
            Self::Usual => None,
            Self::Spelling => Some(Difference::AlternativeTransliteration),
            Self::Reading => Some(Difference::AlternativeReading),
        }
    }
}

/// A letter that cannot be spelled here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unknown;

impl Spelling {
    /// The spellings of a name in Latin letters, with or without marks.
    pub fn latin(name: &str) -> Result<Self, Unknown> {
        let letters: Vec<char> = name.chars().take(BOARDING_NAME_CHARACTERS).flat_map(char::to_uppercase).collect();
        let words = letters.split(|c| is_space(*c)).map(word).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { words: words.into_iter().filter(|word| !word.is_empty()).collect(), syllables: false })
    }

    /// All units in a row.
    pub fn units(&self) -> Vec<&Unit> {
        self.words.iter().flatten().collect()
    }

    /// Whether it says anything.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

/// What separates words in names.
fn is_space(c: char) -> bool {
    c.is_whitespace() || "·,/".contains(c)
}

/// What stands within a word and is left out in machine-readable names.
fn is_joiner(c: char) -> bool {
    "-'’‘ʼ`´.‐‑".contains(c)
}

fn word(letters: &[char]) -> Result<Vec<Unit>, Unknown> {
    let mut units: Vec<Unit> = Vec::new();
    let mut before = ' ';
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        let next = letters.get(at + 1).copied();
        let (unit, used) = unit(before, letter, next)?;
        if let Some(unit) = unit {
            units.push(unit);
            before = letter;
        }
        at += used;
    }
    Ok(units)
}

/// The unit at a letter, and how many letters it takes.
fn unit(before: char, letter: char, next: Option<char>) -> Result<(Option<Unit>, usize), Unknown> {
    if is_joiner(letter) {
        return Ok((None, 1));
    }
    // The sound of LÜ and NÜ is YU in passports since 2012, V and U in older ones and in booking systems.
    let pinyin = matches!(before, 'L' | 'N');
    // XU and XUE, JU and JUE are different names.
    let umlaut = !matches!(before, 'J' | 'L' | 'N' | 'Q' | 'X' | 'Y');
    Ok(match (letter, next) {
        ('Y', Some('U')) if pinyin => (spelled(&["YU"], &["V", "U"]), 2),
        ('V', _) if pinyin => (spelled(&["V"], &["YU", "U"]), 1),
        // A mark of its own after its letter.
        ('U', Some('\u{308}')) => (u_umlaut(pinyin), 2),
        ('A', Some('\u{308}')) => (spelled(&["AE"], &["A"]), 2),
        ('O', Some('\u{308}')) => (spelled(&["OE"], &["O"]), 2),
        ('\u{300}'..='\u{36F}', _) => (None, 1),
        ('U', Some('E')) if umlaut => (spelled(&["UE"], &["U"]), 2),
        ('A', Some('E')) => (spelled(&["AE"], &["A"]), 2),
        ('O', Some('E')) => (spelled(&["OE"], &["O"]), 2),
        ('U', _) if pinyin => (spelled(&["U"], &["YU", "V"]), 1),
        ('U', _) if umlaut => (spelled(&["U"], &["UE"]), 1),
        ('A', _) => (spelled(&["A"], &["AE"]), 1),
        ('O', _) => (spelled(&["O"], &["OE"]), 1),
        ('A'..='Z', _) => (spelled(&[letter.encode_utf8(&mut [0; 4])], &[]), 1),
        ('Ü' | 'Ǖ' | 'Ǘ' | 'Ǚ' | 'Ǜ', _) => (u_umlaut(pinyin), 1),
        _ => (Some(marked(letter).ok_or(Unknown)?), 1),
    })
}

fn u_umlaut(pinyin: bool) -> Option<Unit> {
    if pinyin { spelled(&["YU", "UE"], &["V", "U", "UXX"]) } else { spelled(&["UE"], &["U", "UXX", "YU", "V"]) }
}

fn spelled(usual: &[&str], other: &[&str]) -> Option<Unit> {
    let own = |spellings: &[&str]| spellings.iter().map(|&s| s.to_owned()).collect();
    Some(Unit { usual: own(usual), other: own(other), readings: Vec::new() })
}

/// A letter with a mark, or one of its own: the spellings that ICAO 9303 part 3 section 6 recommends and those it allows.
fn marked(letter: char) -> Option<Unit> {
    const TABLE: &[(&str, &[&str], &[&str])] = &[
        ("ÀÁÂÃĀĂĄǍ", &["A"], &[]),
        ("Ä", &["AE"], &["A"]),
        ("Å", &["AA"], &["A"]),
        ("Æ", &["AE"], &["A"]),
        ("ÇĆĈĊČ", &["C"], &[]),
        ("ĎĐÐ", &["D"], &[]),
        ("ÈÉÊËĒĔĖĘĚ", &["E"], &[]),
        ("ĜĞĠĢ", &["G"], &[]),
        ("ĤĦ", &["H"], &[]),
        ("ÌÍÎÏĨĪĬĮİıǏ", &["I"], &[]),
        ("Ĳ", &["IJ"], &[]),
        ("Ĵ", &["J"], &[]),
        ("Ķ", &["K"], &[]),
        ("ĹĻĽĿŁ", &["L"], &[]),
        ("Ñ", &["N"], &["NXX"]),
        ("ŃŅŇŊ", &["N"], &[]),
        ("ÒÓÔÕŌŎŐǑƠ", &["O"], &[]),
        ("Ö", &["OE"], &["O"]),
        ("Ø", &["OE"], &["O"]),
        ("Œ", &["OE"], &["O"]),
        ("ŔŖŘ", &["R"], &[]),
        ("ŚŜŞŠȘ", &["S"], &[]),
        ("ẞ", &["SS"], &["S"]),
        ("ŢŤŦȚ", &["T"], &[]),
        ("Þ", &["TH"], &[]),
        ("ÙÚÛŨŪŬŮŰŲǓƯ", &["U"], &[]),
        ("Ŵ", &["W"], &[]),
        ("ÝŶŸ", &["Y"], &[]),
        ("ŹŻŽ", &["Z"], &[]),
    ];
    let (_, usual, other) = TABLE.iter().find(|(letters, ..)| letters.contains(letter))?;
    spelled(usual, other)
}

impl Unit {
    /// Every spelling, and how it fits.
    pub fn spellings(&self) -> impl Iterator<Item = (&str, Fit)> {
        let rows = [(&self.usual, Fit::Usual), (&self.other, Fit::Spelling), (&self.readings, Fit::Reading)];
        rows.into_iter().flat_map(|(spellings, fit)| spellings.iter().map(move |spelling| (spelling.as_str(), fit)))
    }
}

/// Whether a text is exactly these units.
pub fn whole(units: &[&Unit], text: &str) -> Option<Fit> {
    let table = lay(units, text);
    table.last()?.get(text.len()).copied().flatten()
}

/// Whether a text is where these units begin, and more follows; it may end within a unit.
pub fn beginning(units: &[&Unit], text: &str) -> Option<Fit> {
    let table = lay(units, text);
    let mut best = None;
    for (row, unit) in table.iter().zip(units) {
        let between = row.get(text.len()).copied().flatten();
        let within = row.iter().enumerate().filter_map(|(at, fit)| {
            let (fit, rest) = ((*fit)?, text.get(at..).filter(|rest| !rest.is_empty())?);
            let cut = |(spelling, own): (&str, Fit)| (spelling.len() > rest.len() && spelling.starts_with(rest)).then_some(own);
            Some(fit.max(unit.spellings().filter_map(cut).min()?))
        });
        best = best.into_iter().chain(within).chain(between).min();
    }
    best
}

/// For each number of units and of characters: how those units are spelled by those characters, if they are.
fn lay(units: &[&Unit], text: &str) -> Vec<Vec<Option<Fit>>> {
    let mut table = vec![vec![None; text.len() + 1]; units.len() + 1];
    table[0][0] = Some(Fit::Usual);
    for (number, unit) in units.iter().enumerate() {
        for at in 0..=text.len() {
            let (Some(fit), Some(rest)) = (table[number][at], text.get(at..)) else { continue };
            for (spelling, own) in unit.spellings().filter(|(spelling, _)| rest.starts_with(spelling)) {
                let place = &mut table[number + 1][at + spelling.len()];
                let fit = fit.max(own);
                *place = Some(place.map_or(fit, |best: Fit| best.min(fit)));
            }
        }
    }
    table
}

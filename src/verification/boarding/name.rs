//! The name on a pass against the names on a card.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::verification::boarding::{
    chinese,
    difference::Difference,
    given::{self, Given},
    spelling::{Fit, Spelling, Unit, Unknown, beginning, whole},
    title,
};

/// The width of the name on a pass, with the slash (Resolution 792).
const WIDTH: usize = 20;
/// A family name that is cut leaves at most six characters to slash, given name and title, so it has at least these many.
/// A short one that is only the beginning of a longer one is another name.
const SHORTEST_CUT_FAMILY_NAME: usize = WIDTH - 7;

/// The names of a card in one script.
pub struct Names {
    pub family: Spelling,
    pub given: Given,
}

/// The name on a pass, taken apart.
struct Printed {
    family: Vec<String>,
    /// None without a slash.
    given: Option<Vec<String>>,
    /// Whether there is no room for more.
    full: bool,
}

/// How the name on the pass differs from what the card disclosed.
pub fn compare(printed: &str, claims: &Map<String, Value>) -> BTreeSet<Difference> {
    let printed = Printed::read(printed);
    let latin = latin_names(claims);
    let chinese = chinese::names(claims);
    if latin.is_none() && chinese.is_none() {
        return BTreeSet::from([Difference::NameNotDisclosed]);
    }
    let by_latin = latin.as_ref().and_then(|names| names.as_ref().ok()).and_then(|names| printed.fits(names));
    if let Some(differences) = by_latin {
        return differences;
    }
    if let Some(mut differences) = chinese.as_ref().and_then(|names| printed.fits(names)) {
        // The card's own Latin name is another: someone read the characters differently.
        if latin.is_some() {
            differences.insert(Difference::AlternativeReading);
        }
        return differences;
    }
    // Nothing here can say that a name in unknown letters is another.
    let comparable = chinese.is_some() || !matches!(latin, Some(Err(Unknown)));
    BTreeSet::from([if comparable { Difference::OtherName } else { Difference::NameNotComparable }])
}

/// The Latin names; none when no family name was disclosed.
fn latin_names(claims: &Map<String, Value>) -> Option<Result<Names, Unknown>> {
    let family = claims.get("latin_family_name").and_then(Value::as_str)?;
    let given = claims.get("latin_given_name").and_then(Value::as_str);
    Some(spelled(family, given))
}

fn spelled(family: &str, given: Option<&str>) -> Result<Names, Unknown> {
    let family = Spelling::latin(family)?;
    let given = match given.map(Spelling::latin).transpose()? {
        None => Given::NotDisclosed,
        Some(given) if given.is_empty() => Given::Without,
        Some(given) => Given::Known(given),
    };
    if family.is_empty() { Err(Unknown) } else { Ok(Names { family, given }) }
}

impl Printed {
    fn read(name: &str) -> Self {
        let (family, given) = match name.split_once('/') {
            Some((family, given)) => (family, Some(words(given))),
            None => (name, None),
        };
        Self { family: words(family), given, full: name.len() >= WIDTH }
    }

    /// How this name differs from those, in the reading with the fewest differences; none when it is another.
    fn fits(&self, names: &Names) -> Option<BTreeSet<Difference>> {
        let words = self.given.as_ref().unwrap_or(&self.family);
        let readings = title::readings(words, self.full).into_iter().filter_map(|reading| {
            let mut differences = match self.given {
                Some(_) => self.in_parts(names, &reading.words),
                None => self.in_one(names, &reading.words),
            }?;
            differences.extend(reading.ambiguous.then_some(Difference::TitleAmbiguous));
            Some(differences)
        });
        readings.min_by_key(BTreeSet::len)
    }

    fn in_parts(&self, names: &Names, given: &[String]) -> Option<BTreeSet<Difference>> {
        let family = self.family.concat();
        let units = names.family.units();
        if names.given_is_family(&family, given) {
            return Some(BTreeSet::new());
        }
        let mut differences = BTreeSet::new();
        if let Some(fit) = whole(&units, &family) {
            differences.extend(fit.difference());
        } else if let Some(fit) = self.cut_family(&units, &family) {
            differences.extend([Difference::NameTruncated].into_iter().chain(fit.difference()));
        } else {
            return self.swapped(names, given);
        }
        differences.extend(given::compare(&names.given, given, self.full)?);
        Some(differences)
    }

    /// A family name that is long and ends where there was no room for more.
    fn cut_family(&self, units: &[&Unit], family: &str) -> Option<Fit> {
        if self.full && family.len() >= SHORTEST_CUT_FAMILY_NAME { beginning(units, family) } else { None }
    }

    /// Family name and given name in each other's place, both whole.
    fn swapped(&self, names: &Names, given: &[String]) -> Option<BTreeSet<Difference>> {
        let Given::Known(spelling) = &names.given else { return None };
        let fits = [whole(&spelling.units(), &self.family.concat())?, whole(&names.family.units(), &given.concat())?];
        let worst = fits.into_iter().max().and_then(Fit::difference);
        Some([Difference::NamesSwapped].into_iter().chain(worst).collect())
    }

    /// A name without a slash: the family name alone, or both in either order.
    fn in_one(&self, names: &Names, words: &[String]) -> Option<BTreeSet<Difference>> {
        let text = words.concat();
        let family = names.family.units();
        let Given::Known(given) = &names.given else {
            let fit = whole(&family, &text)?;
            let hidden = matches!(names.given, Given::NotDisclosed).then_some(Difference::GivenNameNotDisclosed);
            return Some(hidden.into_iter().chain(fit.difference()).collect());
        };
        let given = given.units();
        let in_order = [family.clone(), given.clone()].concat();
        let turned = [given, family.clone()].concat();
        let (fit, differences) = if let Some(fit) = whole(&in_order, &text) {
            (fit, vec![Difference::NameNotSeparated])
        } else if let Some(fit) = whole(&turned, &text) {
            (fit, vec![Difference::NameNotSeparated, Difference::NamesSwapped])
        } else if let Some(fit) = whole(&family, &text) {
            (fit, vec![Difference::GivenNameMissing])
        } else {
            let cut = |units: &[_], other| Some((beginning(units, &text).filter(|_| self.full)?, other));
            cut(&family, Difference::GivenNameMissing)
                .or_else(|| cut(&in_order, Difference::NameNotSeparated))
                .map(|(fit, other)| (fit, vec![Difference::NameTruncated, other]))?
        };
        Some(differences.into_iter().chain(fit.difference()).collect())
    }
}

impl Names {
    /// A person with one name only whose pass repeats it in both places.
    fn given_is_family(&self, family: &str, given: &[String]) -> bool {
        let only = matches!(self.given, Given::Without) && given.concat() == family;
        only && whole(&self.family.units(), family).is_some_and(|fit| fit == Fit::Usual)
    }
}

/// The words of a printed name: letters only, upper case. Hyphens and apostrophes join.
fn words(text: &str) -> Vec<String> {
    let letters = |word: &str| word.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()).collect();
    text.split(' ').map(letters).filter(|word: &String| !word.is_empty()).collect()
}

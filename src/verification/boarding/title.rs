//! Titles at the ends of given names. Booking systems glue them on: `JOHNMR`, `MEILINGMSTR CHD`.

/// Titles that systems add, longest first where one ends with another.
const TITLES: &[&str] = &["MISS", "MSTR", "MRS", "MR", "MS", "CHD", "INF", "DR"];

/// Most titles on one name: `DR`, `MR`, `CHD`.
const MOST_TITLES: usize = 3;

/// Given names and family names that end like a name with a title glued to it.
const NAMES_LIKE_TITLED: &[&str] = &["ABRAMS", "ADAMS", "ALEXANDR", "AMR", "OMR", "PEDR", "SIMS", "WILLEMS", "WILLIAMS"];

/// One way to read the words of a name: without the titles that may be among them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reading {
    /// The words that remain.
    pub words: Vec<String>,
    /// Whether what was taken for a title may be a part of the name.
    pub ambiguous: bool,
}

/// Every way to read the words, as they stand first. Where the pass is `full`, its last letters may be a title cut off.
pub fn readings(words: &[String], full: bool) -> Vec<Reading> {
    let mut readings = vec![Reading { words: words.to_vec(), ambiguous: false }];
    let mut newest = 0..1;
    for _ in 0..MOST_TITLES {
        let found: Vec<Reading> = readings[newest.clone()].iter().flat_map(without_a_title).collect();
        newest = readings.len()..readings.len() + found.len();
        readings.extend(found);
    }
    if full {
        readings.extend(words.split_last().into_iter().flat_map(|(last, before)| cut_title(before, last)));
    }
    readings
}

/// The readings with one title fewer: at the end, glued to the end, or in front.
fn without_a_title(reading: &Reading) -> Vec<Reading> {
    let mut found = Vec::new();
    let Some((last, before)) = reading.words.split_last() else { return found };
    if TITLES.contains(&last.as_str()) {
        found.push(Reading { words: before.to_vec(), ambiguous: reading.ambiguous });
        return found;
    }
    for rest in TITLES.iter().filter_map(|title| last.strip_suffix(title)) {
        let ambiguous = reading.ambiguous || rest.len() == 1 || NAMES_LIKE_TITLED.contains(&last.as_str());
        found.push(Reading { words: [before, &[rest.to_owned()]].concat(), ambiguous });
    }
    if let [first, rest @ ..] = reading.words.as_slice()
        && !rest.is_empty()
        && TITLES.contains(&first.as_str())
    {
        found.push(Reading { words: rest.to_vec(), ambiguous: reading.ambiguous });
    }
    found
}

/// The readings where the last letters are the beginning of a title that did not fit any more.
fn cut_title(before: &[String], last: &str) -> Vec<Reading> {
    let lengths = 1..=3.min(last.len());
    let cut = lengths.filter_map(|length| last.split_at_checked(last.len() - length));
    cut.filter(|(_, end)| TITLES.iter().any(|title| title.len() > end.len() && title.starts_with(end)))
        .map(|(rest, _)| {
            let rest = (!rest.is_empty()).then(|| rest.to_owned());
            Reading { words: before.iter().cloned().chain(rest).collect(), ambiguous: true }
        })
        .collect()
}

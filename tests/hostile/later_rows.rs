//! Holds later.toml to its word: a line whose feature has come must move into a table.

use std::{collections::BTreeMap, path::Path};

/// What lines of later.toml wait for, and the files or folders below `src/` that show that it has come.
const SIGNS: &[(&str, &[&str])] = &[("mdoc", &["format/mdoc", "format/mdoc.rs"]), ("cwt", &["crypto/cose", "crypto/cose.rs"])];

#[test]
fn a_line_that_waits_cannot_run_yet() {
    for (feature, ids) in waiting() {
        let (_, signs) = SIGNS.iter().find(|(name, _)| *name == feature).unwrap_or_else(|| panic!("no sign for `{feature}`"));
        for sign in *signs {
            assert!(!shows(sign), "{feature} has come, so these lines of later.toml could run: {ids:?}");
        }
    }
}

#[test]
fn every_sign_has_lines_that_wait_for_it() {
    let waiting = waiting();
    for (feature, _) in SIGNS {
        assert!(waiting.contains_key(*feature), "nothing waits for {feature} any more; its sign can go");
    }
}

#[test]
fn signs_are_looked_for_where_they_would_be() {
    assert!(shows("base/limits.rs"));
    assert!(!shows("base/no_such_file.rs"));
}

/// The lists of lines in reach, and how many each has: every one is in a table or waits, and nothing else waits.
#[test]
fn every_line_of_every_list_is_tested_or_waits() {
    let lists = [
        ("NT-SDJ-", 24),
        ("NT-SVC-", 10),
        ("NT-TSL-", 15),
        ("NT-VCI-", 13),
        ("NT-VP-", 16),
        ("NT-HAIP-", 10),
        ("NT-DPOP-", 14),
        ("NT-ABCA-", 15),
        ("X-", 8),
        ("JH-", 14),
        ("SG-", 11),
        ("SD-", 18),
        ("KB-", 11),
        ("NR-", 9),
        ("SL-", 17),
        ("OV-", 12),
        ("HT-", 17),
    ];
    lists.iter().for_each(|(prefix, last)| super::assert_complete(prefix, *last));
    for row in super::later() {
        let known = lists.iter().any(|(prefix, last)| {
            let number = row.id.strip_prefix(prefix).and_then(|number| number.parse::<u32>().ok());
            number.is_some_and(|number| (1..=*last).contains(&number))
        });
        assert!(known, "{} of later.toml is a line of no list", row.id);
    }
}

fn shows(sign: &str) -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(sign).exists()
}

/// The lines of later.toml by what they wait for.
fn waiting() -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in super::later() {
        found.entry(row.waits_for).or_default().push(row.id);
    }
    found
}

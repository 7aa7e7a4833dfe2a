//! Holds later.toml to its word: a line whose feature has come must move into a table.

use std::{collections::BTreeMap, fs, path::Path};

/// By which sign a feature shows.
enum Sign {
    /// A file or folder below `src/`.
    Source(&'static str),
    /// A path of the API description.
    Route(&'static str),
}

/// What lines of later.toml wait for, and how it shows that it has come.
const SIGNS: &[(&str, &[Sign])] = &[
    ("mdoc", &[Sign::Source("format/mdoc"), Sign::Source("format/mdoc.rs")]),
    ("cwt", &[Sign::Source("crypto/cose"), Sign::Source("crypto/cose.rs")]),
    ("notification", &[Sign::Route("/notification")]),
    ("deferred_issuance", &[Sign::Route("/deferred_credential")]),
    ("key_attestation", &[Sign::Source("issuance/attestation.rs"), Sign::Source("issuance/key_attestation.rs")]),
];

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
    assert!(shows(&Sign::Source("base/limits.rs")));
    assert!(!shows(&Sign::Source("base/no_such_file.rs")));
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

fn shows(sign: &Sign) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    match sign {
        Sign::Source(path) => root.join("src").join(path).exists(),
        Sign::Route(path) => {
            let description = fs::read_to_string(root.join("docs/openapi.json"));
            description.is_ok_and(|text| text.contains(&format!("\"{path}\"")))
        }
    }
}

/// The lines of later.toml by what they wait for.
fn waiting() -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in super::later() {
        found.entry(row.waits_for).or_default().push(row.id);
    }
    found
}

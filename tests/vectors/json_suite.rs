//! JSONTestSuite by Nicolas Seriot, against the parser of everything a stranger sends as JSON.

use yufu::base::json;

use crate::exceptions::{Outcomes, implementation_defined};

pub const SUITE: &str = "JSONTestSuite";

#[test]
fn every_text_that_must_pass_passes_and_none_that_must_fail() {
    let Some(files) = crate::files("JSONTestSuite/test_parsing") else { return };
    let mut outcomes = Outcomes::of(SUITE);
    let mut open = Vec::new();
    for (name, text) in files {
        let accepted = json::parse(&text).is_ok();
        match name.as_bytes().first() {
            Some(b'y') => outcomes.record(name, true, accepted),
            Some(b'n') => outcomes.record(name, false, accepted),
            _ if accepted => open.push(name),
            _ => {}
        }
    }
    println!("{SUITE}: of the cases left open, accepted are {open:?}");
    assert_eq!(open, implementation_defined(SUITE), "the recorded behaviour changed");
    outcomes.assert(95 - 2, 188 + 2);
}

#[test]
fn what_is_kept_of_a_value_is_the_value() {
    let Some(files) = crate::files("JSONTestSuite/test_transform") else { return };
    let (mut refused, mut kept) = (Vec::new(), 0);
    for (name, text) in files {
        match json::parse(&text) {
            // What is written from what was read is read as the same again.
            Ok(value) => {
                let written = serde_json::to_vec(&value).expect("a value is written");
                assert_eq!(json::parse(&written), Ok(value), "{name}");
                kept += 1;
            }
            Err(_) => refused.push(name),
        }
    }
    println!("{SUITE}: {kept} values kept");
    // A key twice, and surrogates that stand alone or bytes that are no text: nothing that could be kept.
    assert!(
        refused.iter().all(|name| name.starts_with("object_same_key") || name.contains("invalid_codepoint")),
        "{refused:?}"
    );
    assert_eq!((kept, refused.len()), (13, 9));
}

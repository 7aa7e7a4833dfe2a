//! Where we differ from a suite, on purpose: `exceptions.toml`. A case that differs and is not listed fails, and so does a
//! listed case that differs no longer.

use std::collections::BTreeMap;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Exceptions {
    #[serde(default)]
    case: Vec<Case>,
    implementation_defined: BTreeMap<String, Vec<String>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    suite: String,
    name: String,
    /// What we do: `accepted` or `refused`; the suite says the other.
    ours: String,
    why: String,
}

fn exceptions() -> Exceptions {
    toml::from_str(include_str!("exceptions.toml")).expect("exceptions.toml has the form it states")
}

/// Outcomes of one suite: each case with whether it should be accepted and whether it was.
pub struct Outcomes {
    suite: &'static str,
    differing: BTreeMap<String, &'static str>,
    accepted: usize,
    refused: usize,
}

impl Outcomes {
    pub fn of(suite: &'static str) -> Self {
        Self { suite, differing: BTreeMap::new(), accepted: 0, refused: 0 }
    }

    pub fn record(&mut self, name: impl ToString, should_be_accepted: bool, was_accepted: bool) {
        let count = if was_accepted { &mut self.accepted } else { &mut self.refused };
        *count += 1;
        if should_be_accepted != was_accepted {
            self.differing.insert(name.to_string(), if was_accepted { "accepted" } else { "refused" });
        }
    }

    /// Prints the counts, and fails unless they are these and the differences are exactly the listed ones.
    pub fn assert(self, accepted: usize, refused: usize) {
        let Self { suite, .. } = self;
        println!("{suite}: {} accepted, {} refused, {} of them exceptions", self.accepted, self.refused, self.differing.len());
        let listed: BTreeMap<_, _> =
            exceptions().case.into_iter().filter(|case| case.suite == suite).map(|case| (case.name.clone(), case)).collect();
        for (name, ours) in &self.differing {
            let case = listed.get(name).unwrap_or_else(|| panic!("{suite} {name}: {ours}, and not in exceptions.toml"));
            assert_eq!(&case.ours, ours, "{suite} {name}");
            assert!(case.why.len() > 20, "{suite} {name}: say why");
        }
        for name in listed.keys() {
            assert!(self.differing.contains_key(name), "{suite} {name} is as the suite wants: take it out of exceptions.toml");
        }
        assert_eq!((self.accepted, self.refused), (accepted, refused), "{suite}: counts of accepted and refused cases");
    }
}

/// The cases that a suite leaves to the implementation and that we accept, sorted.
pub fn implementation_defined(suite: &str) -> Vec<String> {
    exceptions().implementation_defined.remove(suite).unwrap_or_default()
}

#[test]
fn every_exception_is_of_a_suite_that_runs() {
    let suites = [
        crate::json_suite::SUITE,
        crate::jwe::ECDH,
        crate::jwe::JWE,
        crate::speccheck::SUITE,
        crate::wycheproof::ECDSA,
        crate::wycheproof::ED25519,
        crate::wycheproof::JWS,
    ];
    for case in exceptions().case {
        assert!(suites.contains(&case.suite.as_str()), "{}: no such suite", case.suite);
    }
}

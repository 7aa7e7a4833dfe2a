//! ed25519-speccheck (Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs", SSR 2020).

use yufu::crypto::PublicKey;

use crate::exceptions::Outcomes;

pub const SUITE: &str = "ed25519-speccheck";

/// Strict verification: of the twelve only the one with mixed-order points that satisfies the cofactorless equation.
const STRICT: &str = "XXXVXXXXXXXX";

#[test]
fn only_what_every_strict_verifier_accepts_is_accepted() {
    let Some(cases) = crate::json("ed25519-speccheck/cases.json") else { return };
    let mut outcomes = Outcomes::of(SUITE);
    let mut letters = String::new();
    for (number, (case, expected)) in cases.as_array().expect("a list").iter().zip(STRICT.chars()).enumerate() {
        let bytes = |member: &str| crate::hex(case[member].as_str().expect("a text"));
        let key = PublicKey::ed25519(&bytes("pub_key"));
        let accepted = key.is_ok_and(|key| key.verify(&bytes("message"), &bytes("signature")).is_ok());
        letters.push(if accepted { 'V' } else { 'X' });
        outcomes.record(number, expected == 'V', accepted);
    }
    assert_eq!(letters, STRICT);
    outcomes.assert(1, 11);
}

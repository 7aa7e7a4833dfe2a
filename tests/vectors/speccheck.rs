//! ed25519-speccheck (Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs", SSR 2020).

use yufu::{
    base::random::SeededRandom,
    crypto::{
        Algorithm, PublicKey, Signer, SoftwareKey,
        public_key::{Claimed, verify_all},
    },
};

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

/// Times that each case stands among good signatures.
const TIMES: usize = 1_000;

/// Of them in one call, and as many good ones under two keys beside them.
const IN_CALL: usize = 25;

#[test]
fn among_good_signatures_each_is_decided_as_it_is_alone() {
    let Some(cases) = crate::json("ed25519-speccheck/cases.json") else { return };
    let signers: Vec<_> = (1..3).map(|seed| SoftwareKey::generate(Algorithm::Ed25519, &SeededRandom::new(seed))).collect();
    let keys: Vec<_> = signers.iter().map(|signer| signer.public_key().clone().prepared()).collect();
    let message = b"a card of somebody".as_slice();
    let good: Vec<_> = signers.iter().map(|signer| signer.sign(message).expect("a software key signs")).collect();
    let mut met = 0;
    for case in cases.as_array().expect("a list") {
        let bytes = |member: &str| crate::hex(case[member].as_str().expect("a text"));
        let (its_message, its_signature) = (bytes("message"), bytes("signature"));
        // A key that is not taken checks nothing, alone or among others.
        let Ok(key) = PublicKey::ed25519(&bytes("pub_key")).map(PublicKey::prepared) else { continue };
        met += 1;
        let alone = key.verify(&its_message, &its_signature);
        let own = Claimed { key: &key, message: &its_message, signature: &its_signature };
        // The same signature said to be an issuer's, whose key is prepared, and the issuer's beside it.
        let borrowed = Claimed { key: &keys[0], ..own };
        for call in 0..TIMES / IN_CALL {
            let honest = |n: usize| Claimed { key: &keys[n % 2], message, signature: &good[n % 2] };
            let members: Vec<_> = (0..3 * IN_CALL)
                .map(|n| match (n + call) % 3 {
                    0 => own,
                    1 => borrowed,
                    _ => honest(n),
                })
                .collect();
            for (n, held) in verify_all(&members).into_iter().enumerate() {
                match (n + call) % 3 {
                    0 => assert_eq!(held, alone),
                    1 => assert!(held.is_err()),
                    _ => assert_eq!(held, Ok(())),
                }
            }
        }
    }
    assert!(met >= 7, "keys of large order, in one encoding: {met}");
}

//! What every [`Signer`] promises, whether its key lies in memory or in a hardware module: a new implementation adds one
//! test here that calls [`holds`].

use std::{sync::Arc, thread};

use yufu::{
    base::{base64url, random::SeededRandom},
    crypto::{
        Algorithm, PublicKey, Signer, SoftwareKey,
        jws::{self, Unverified},
    },
};

/// Fails unless `signer` keeps the contract.
fn holds(signer: Arc<dyn Signer>) {
    names_its_key(&*signer);
    signs_any_message(&*signer);
    signs_tokens_that_read_back(&*signer);
    signs_on_many_threads_at_once(&signer);
}

fn names_its_key(signer: &dyn Signer) {
    assert_eq!(signer.key_id(), base64url::encode(signer.public_key().thumbprint()), "the identifier is the thumbprint");
    assert_eq!(signer.algorithm(), signer.public_key().algorithm(), "the algorithm is the key's");
    let jwk = signer.public_key().to_jwk();
    let read = PublicKey::from_jwk(jwk.as_object().expect("a JWK is an object"));
    assert_eq!(read.as_ref(), Ok(signer.public_key()), "the public key reads back from its JWK");
}

fn signs_any_message(signer: &dyn Signer) {
    for length in [0, 1, 32, 63, 64, 65, 1000, 1 << 20] {
        let message = vec![0x5a; length];
        let signature = signer.sign(&message).expect("it signs");
        assert_eq!(signature.len(), 64, "a signature is 64 raw bytes, for {length} bytes");
        assert_eq!(signer.public_key().verify(&message, &signature), Ok(()), "it verifies, for {length} bytes");
        let other = [message.as_slice(), &[0]].concat();
        assert!(signer.public_key().verify(&other, &signature).is_err(), "not for another message, for {length} bytes");
    }
}

fn signs_tokens_that_read_back(signer: &dyn Signer) {
    let header = serde_json::Map::from_iter([("typ".to_owned(), "at+jwt".into())]);
    let claims = serde_json::Map::from_iter([("姓名".to_owned(), "张三".into())]);
    let text = jws::sign(header, &claims, signer).expect("it signs");
    let unverified = Unverified::parse(&text, &["at+jwt"]).expect("a JWS");
    assert_eq!(unverified.header().kid.as_deref(), Some(signer.key_id()));
    assert_eq!(unverified.header().algorithm, signer.algorithm());
    assert_eq!(unverified.verify(signer.public_key()).expect("its own signature").claims, claims);
}

fn signs_on_many_threads_at_once(signer: &Arc<dyn Signer>) {
    thread::scope(|threads| {
        for number in 0..4_u8 {
            threads.spawn(move || {
                for _ in 0..16 {
                    let signature = signer.sign(&[number]).expect("it signs");
                    assert_eq!(signer.public_key().verify(&[number], &signature), Ok(()));
                }
            });
        }
    });
}

#[test]
fn a_software_key_of_p256_keeps_the_contract() {
    holds(Arc::new(SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(21))));
}

#[test]
fn a_software_key_of_ed25519_keeps_the_contract() {
    holds(Arc::new(SoftwareKey::generate(Algorithm::Ed25519, &SeededRandom::new(22))));
}

#[test]
fn the_keys_of_a_keyring_keep_the_contract() {
    use yufu::{
        base::{clock::ManualClock, time::Timestamp},
        keyring::{Keyring, Purpose},
    };
    let clock = ManualClock::at(Timestamp::from_unix(1_795_500_000));
    let keyring = Keyring::in_memory("http://127.0.0.1:8080", Algorithm::Es256, &clock, &SeededRandom::new(23));
    let keyring = keyring.expect("keys in memory");
    for purpose in [Purpose::Issuer, Purpose::StatusList, Purpose::Log, Purpose::AccessToken, Purpose::Request] {
        holds(keyring.signer(purpose));
    }
}

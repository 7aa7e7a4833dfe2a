use super::*;
use crate::{base::random::SeededRandom, crypto::KeyError};

const MOST: usize = 1 << 16;

fn pair() -> (DecryptionKey, EncryptionKey) {
    let key = DecryptionKey::generate(&SeededRandom::new(1));
    let public = EncryptionKey::from_jwk(&key.public_jwk("ours")).expect("a good key");
    (key, public)
}

#[test]
fn what_is_encrypted_to_a_key_that_key_decrypts_and_no_other() {
    let (key, public) = pair();
    let other = DecryptionKey::generate(&SeededRandom::new(2));
    for encryption in Encryption::ALL {
        let text = encrypt(b"a presentation", &public, encryption, &SeededRandom::new(3)).expect("it encrypts");
        let read = decrypt(&text, &key, "ours", MOST).expect("it decrypts");
        assert_eq!((read.encryption, read.plaintext.expose().as_slice()), (encryption, b"a presentation".as_slice()));
        assert_eq!(decrypt(&text, &other, "ours", MOST).err(), Some(JweError::NotDecrypted));
        assert_eq!(decrypt(&text, &key, "theirs", MOST).err(), Some(JweError::OtherKey));
        assert_eq!(decrypt(&text, &key, "ours", text.len() - 1).err(), Some(JweError::TooLong));
        let again = encrypt(b"a presentation", &public, encryption, &SeededRandom::new(4)).expect("it encrypts");
        assert_ne!(text, again);
    }
}

#[test]
fn keys_are_written_as_wallets_read_them() {
    let (key, public) = pair();
    let jwk = key.public_jwk("ours");
    assert_eq!(
        (public.kid(), &jwk["kid"], &jwk["use"], &jwk["alg"]),
        (Some("ours"), &"ours".into(), &"enc".into(), &"ECDH-ES".into())
    );
    assert_eq!(jwk.keys().collect::<Vec<_>>(), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!(key.thumbprint(), public.public().thumbprint());
    assert_eq!(format!("{key:?}"), format!("DecryptionKey({})", base64url::encode(key.thumbprint())));
    assert_ne!(key.thumbprint(), DecryptionKey::generate(&SeededRandom::new(2)).thumbprint());
    for scalar in [[0; 32], [0xff; 32]] {
        assert_eq!(DecryptionKey::from_secret(&scalar).err(), Some(KeyError::Malformed));
    }
}

#[test]
fn a_key_to_encrypt_to_is_for_that() {
    let (key, _) = pair();
    let with = |member: &str, value: Option<serde_json::Value>| {
        let mut jwk = key.public_jwk("ours");
        jwk.remove(member);
        jwk.extend(value.map(|value| (member.to_owned(), value)));
        EncryptionKey::from_jwk(&jwk).err()
    };
    assert_eq!(with("use", None), None);
    for (member, value, error) in [
        ("use", Some("sig".into()), KeyError::Unsupported),
        ("alg", None, KeyError::Unsupported),
        ("alg", Some("ES256".into()), KeyError::Unsupported),
        ("crv", Some("P-384".into()), KeyError::Unsupported),
        ("kty", Some("OKP".into()), KeyError::Unsupported),
        ("kid", None, KeyError::Malformed),
        ("y", None, KeyError::Malformed),
        ("y", Some(base64url::encode([1; 32]).into()), KeyError::Malformed),
        ("d", Some(base64url::encode([1; 32]).into()), KeyError::Private),
    ] {
        assert_eq!(with(member, value), Some(error), "{member}");
    }
}

#[test]
fn compressed_content_is_taken_where_a_bound_is_given_and_no_larger_than_that() {
    let (key, public) = pair();
    let content = vec![b'0'; 100_000];
    for encryption in Encryption::ALL {
        let text = encrypt_deflated(&content, &public, encryption, &SeededRandom::new(3)).expect("it encrypts");
        assert!(text.len() < 1000, "{}", text.len());
        assert_eq!(decrypt(&text, &key, "ours", MOST).err(), Some(JweError::HeaderNotAccepted("zip")));
        let within = |most| decrypt_inflating(&text, &key, "ours", (MOST, most)).map(|read| read.plaintext.expose().len());
        assert_eq!((within(100_000), within(99_999)), (Ok(100_000), Err(JweError::NotInflated)));
        let plain = encrypt(b"short", &public, encryption, &SeededRandom::new(3)).expect("it encrypts");
        let read = decrypt_inflating(&plain, &key, "ours", (MOST, 3)).expect("content as it is has the bound of the text");
        assert_eq!(read.plaintext.expose().as_slice(), b"short");
    }
}

#[test]
fn a_key_without_a_name_is_encrypted_to_without_one() {
    let (key, _) = pair();
    let mut jwk = key.public_jwk("ours");
    jwk.remove("kid");
    assert_eq!(EncryptionKey::from_jwk(&jwk).err(), Some(KeyError::Malformed));
    let unnamed = EncryptionKey::from_unnamed_jwk(&jwk).expect("a good key");
    let text = encrypt(b"x", &unnamed, Encryption::A256Gcm, &SeededRandom::new(3)).expect("it encrypts");
    let header = base64url::decode(text.split('.').next().expect("a header")).expect("base64url");
    let header = crate::base::json::parse_object(&header).expect("JSON");
    assert_eq!(header.keys().collect::<Vec<_>>(), ["alg", "enc", "epk"]);
    assert_eq!(decrypt(&text, &key, "ours", MOST).err(), Some(JweError::OtherKey));
    jwk.insert("kid".to_owned(), 7.into());
    assert_eq!(EncryptionKey::from_unnamed_jwk(&jwk).err(), Some(KeyError::Malformed));
}

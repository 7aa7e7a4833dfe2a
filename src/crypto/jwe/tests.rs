use super::*;
use crate::base::random::SeededRandom;

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

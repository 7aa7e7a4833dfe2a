//! Codes that people type, as they are kept: Argon2id (RFC 9106) in the PHC string format, with a key that does not lie
//! beside them, so that whoever has the store alone cannot begin to guess.

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::{Error, phc::PasswordHash},
};

use crate::base::{random::Random, secret::SecretKey};

/// Memory of one hash in KiB, passes and lanes: the first choice of OWASP's password storage page, 2026. A server that
/// looks at eight codes at once needs 150 MiB for it.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Bytes of salt (RFC 9106 section 3.1).
const SALT_BYTES: usize = 16;

/// A code could not be hashed: the library refuses its parameters, which are fixed here.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the code cannot be hashed")]
pub struct NotHashed;

/// The hash of a code with a salt of its own.
pub fn hash(code: &str, key: &SecretKey, random: &dyn Random) -> Result<String, NotHashed> {
    let salt = random.array::<SALT_BYTES>();
    let hashed = argon2(key)?.hash_password_with_salt(code.as_bytes(), &salt).map_err(|_| NotHashed)?;
    Ok(hashed.to_string())
}

/// Whether this is the code of the hash. Where there is no hash the same work is done and the answer is no: the time does
/// not tell whether there is one.
pub fn verify(code: &str, hash: Option<&str>, key: &SecretKey) -> Result<bool, NotHashed> {
    let argon2 = argon2(key)?;
    let Some(hash) = hash else {
        // Nothing depends on the outcome but the time it takes.
        let _ = argon2.hash_password_with_salt(code.as_bytes(), &[0; SALT_BYTES]).map_err(|_| NotHashed)?;
        return Ok(false);
    };
    let hash = PasswordHash::new(hash).map_err(|_| NotHashed)?;
    match argon2.verify_password(code.as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(Error::PasswordInvalid) => Ok(false),
        Err(_) => Err(NotHashed),
    }
}

fn argon2(key: &SecretKey) -> Result<Argon2<'_>, NotHashed> {
    let parameters = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| NotHashed)?;
    Argon2::new_with_secret(key.expose(), Algorithm::Argon2id, Version::V0x13, parameters).map_err(|_| NotHashed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;

    #[test]
    fn a_code_is_known_by_its_hash_under_its_key_only() {
        let (key, other, random) = (SecretKey::new([1; 32]), SecretKey::new([2; 32]), SeededRandom::new(1));
        let kept = hash("482109375526", &key, &random).expect("it hashes");
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert_eq!(verify("482109375526", Some(&kept), &key), Ok(true));
        assert_eq!(verify("482109375527", Some(&kept), &key), Ok(false));
        assert_eq!(verify("", Some(&kept), &key), Ok(false));
        assert_eq!(verify("482109375526", Some(&kept), &other), Ok(false));
        assert_eq!(verify("482109375526", None, &key), Ok(false));
        assert_eq!(verify("482109375526", Some("$argon2id$"), &key), Err(NotHashed));
        assert_ne!(hash("482109375526", &key, &random).expect("it hashes"), kept, "equal codes do not look equal");
    }

    #[test]
    fn old_hashes_are_read_with_the_parameters_that_stand_in_them() {
        let (key, random) = (SecretKey::new([1; 32]), SeededRandom::new(1));
        let small = Params::new(8 * 1024, 1, 1, None).expect("parameters");
        let salt = (&random as &dyn Random).array::<SALT_BYTES>();
        let hasher = Argon2::new_with_secret(key.expose(), Algorithm::Argon2id, Version::V0x13, small).expect("a hasher");
        let kept = hasher.hash_password_with_salt(b"x", &salt).expect("it hashes").to_string();
        assert!(kept.contains("m=8192,t=1"));
        assert_eq!(verify("x", Some(&kept), &key), Ok(true));
    }
}

//! Compact JWE (RFC 7516) for what strangers encrypt to this service: ECDH-ES directly agreed on P-256 (RFC 7518 section
//! 4.6), with AES-GCM (section 5.3). Nothing else of JWE is spoken.
//!
//! The text chooses nothing but which of the two ciphers: `alg` has to be exactly `ECDH-ES`, `kid` the one of the key at
//! hand, and a header member that is not on the list is refused, so that no password count and no other place's key hides
//! in it. Compressed content is taken only where the caller says how large it may become. Whatever fails once a key was agreed on is one error: a stranger learns nothing by trying.

mod agreement;
mod header;
mod key;
mod zip;

use aes_gcm::{
    Aes128Gcm, Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};

use crate::base::{base64url, random::Random, secret::Secret};
use agreement::Derivation;
use header::Header;
pub use key::{DecryptionKey, EncryptionKey};

/// The one `alg` spoken: direct agreement (RFC 7518 section 4.6).
pub const ECDH_ES: &str = "ECDH-ES";

/// The one compression (RFC 7516 section 4.1.3).
pub const DEFLATE: &str = "DEF";

/// Sizes of AES-GCM in JWE (RFC 7518 section 5.3).
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// Why a JWE is not read or not made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JweError {
    /// Longer than the caller allows.
    #[error("longer than allowed")]
    TooLong,
    /// Not five parts of base64url with an empty second one, an initialisation vector or tag of another size, or a header
    /// that is no JSON object. A JWS ends here.
    #[error("not a compact JWE")]
    Malformed,
    /// `alg` is not `ECDH-ES`, or `enc` is none of [`Encryption::ALL`].
    #[error("algorithm not allowed")]
    AlgorithmNotAllowed,
    /// A header member that is refused or of the wrong form; named where it is a known one.
    #[error("header member {0} not accepted")]
    HeaderNotAccepted(&'static str),
    /// `kid` is missing or names another key.
    #[error("encrypted to another key")]
    OtherKey,
    /// Anything cryptographic: a point off the curve, a tag that does not fit. Nothing more is said.
    #[error("does not decrypt")]
    NotDecrypted,
    /// The content is not DEFLATE as `zip` says, or larger than allowed when inflated.
    #[error("the content does not inflate to an allowed size")]
    NotInflated,
}

/// A content encryption (RFC 7518 section 5.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Encryption {
    /// AES-GCM with a key of 128 bits.
    A128Gcm,
    /// AES-GCM with a key of 256 bits.
    A256Gcm,
}

impl Encryption {
    /// Both, the one to prefer first (HAIP 1.0 section 5).
    pub const ALL: [Self; 2] = [Self::A256Gcm, Self::A128Gcm];

    /// The name in `enc`.
    pub const fn jose_name(self) -> &'static str {
        match self {
            Self::A128Gcm => "A128GCM",
            Self::A256Gcm => "A256GCM",
        }
    }

    /// Reads `enc`, case-sensitively.
    pub fn from_jose_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encryption| encryption.jose_name() == name)
    }

    const fn key_bytes(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A256Gcm => 32,
        }
    }
}

/// What a JWE held.
#[derive(Clone, Debug)]
pub struct Decrypted {
    /// How it was encrypted.
    pub encryption: Encryption,
    /// The content, wiped when it is dropped. Whoever knew the public key may have written it.
    pub plaintext: Secret<Vec<u8>>,
}

/// Decrypts a compact JWE of at most `most_bytes` that names `key` by `kid`. Compressed content is refused.
pub fn decrypt(text: &str, key: &DecryptionKey, kid: &str, most_bytes: usize) -> Result<Decrypted, JweError> {
    open(text, key, kid, (most_bytes, None))
}

/// As [`decrypt`], and content that was compressed (`zip` `DEF`, RFC 7516 section 4.1.3) is inflated to at most
/// `most_inflated` bytes: never more is allocated, whatever a few bytes would become (RFC 8725 section 3.6).
pub fn decrypt_inflating(
    text: &str,
    key: &DecryptionKey,
    kid: &str,
    (most_bytes, most_inflated): (usize, usize),
) -> Result<Decrypted, JweError> {
    open(text, key, kid, (most_bytes, Some(most_inflated)))
}

fn open(
    text: &str,
    key: &DecryptionKey,
    kid: &str,
    (most_bytes, most_inflated): (usize, Option<usize>),
) -> Result<Decrypted, JweError> {
    if text.len() > most_bytes {
        return Err(JweError::TooLong);
    }
    let mut parts = text.split('.');
    let mut part = || parts.next().ok_or(JweError::Malformed);
    let (protected, encrypted_key, iv, ciphertext, tag) = (part()?, part()?, part()?, part()?, part()?);
    // Direct agreement has no encrypted key (RFC 7516 section 5.2 step 10).
    if parts.next().is_some() || protected.is_empty() || !encrypted_key.is_empty() {
        return Err(JweError::Malformed);
    }
    let header = Header::read(protected, most_inflated.is_some())?;
    if header.kid != kid {
        return Err(JweError::OtherKey);
    }
    let iv: [u8; NONCE_BYTES] = base64url::decode_array(iv).map_err(|_| JweError::Malformed)?;
    let tag: [u8; TAG_BYTES] = base64url::decode_array(tag).map_err(|_| JweError::Malformed)?;
    let mut sealed = base64url::decode(ciphertext).map_err(|_| JweError::Malformed)?;
    sealed.extend_from_slice(&tag);
    let content_key = key.agree(&header.epk, &header.derivation())?;
    let payload = Payload { msg: &sealed, aad: protected.as_bytes() };
    let plaintext = match header.encryption {
        Encryption::A128Gcm => cipher::<Aes128Gcm>(content_key.expose())?.decrypt(&Nonce::from(iv), payload),
        Encryption::A256Gcm => cipher::<Aes256Gcm>(content_key.expose())?.decrypt(&Nonce::from(iv), payload),
    };
    let plaintext = Secret::new(plaintext.map_err(|_| JweError::NotDecrypted)?);
    let plaintext = match most_inflated {
        Some(most) if header.deflated => Secret::new(zip::inflate(plaintext.expose(), most).ok_or(JweError::NotInflated)?),
        _ => plaintext,
    };
    Ok(Decrypted { encryption: header.encryption, plaintext })
}

/// Encrypts `plaintext` to `recipient`, under an ephemeral key and an initialisation vector from `random`.
pub fn encrypt(
    plaintext: &[u8],
    recipient: &EncryptionKey,
    encryption: Encryption,
    random: &dyn Random,
) -> Result<String, JweError> {
    seal(plaintext, recipient, (encryption, false), random)
}

/// As [`encrypt`], with the content compressed before (`zip` `DEF`).
pub fn encrypt_deflated(
    plaintext: &[u8],
    recipient: &EncryptionKey,
    encryption: Encryption,
    random: &dyn Random,
) -> Result<String, JweError> {
    let deflated = Secret::new(zip::deflate(plaintext).ok_or(JweError::TooLong)?);
    seal(deflated.expose(), recipient, (encryption, true), random)
}

fn seal(
    content: &[u8],
    recipient: &EncryptionKey,
    (encryption, deflated): (Encryption, bool),
    random: &dyn Random,
) -> Result<String, JweError> {
    let ephemeral = DecryptionKey::generate(random);
    let protected = header::write(encryption, recipient.kid(), ephemeral.public(), deflated);
    let derivation = Derivation { encryption, apu: &[], apv: &[] };
    let content_key = ephemeral.agree(recipient.public().as_bytes(), &derivation)?;
    let iv: [u8; NONCE_BYTES] = random.array();
    let payload = Payload { msg: content, aad: protected.as_bytes() };
    let sealed = match encryption {
        Encryption::A128Gcm => cipher::<Aes128Gcm>(content_key.expose())?.encrypt(&Nonce::from(iv), payload),
        Encryption::A256Gcm => cipher::<Aes256Gcm>(content_key.expose())?.encrypt(&Nonce::from(iv), payload),
    };
    let sealed = sealed.map_err(|_| JweError::TooLong)?;
    let (ciphertext, tag) = sealed.split_at(sealed.len().saturating_sub(TAG_BYTES));
    let [iv, ciphertext, tag] = [&iv, ciphertext, tag].map(base64url::encode);
    Ok(format!("{protected}..{iv}.{ciphertext}.{tag}"))
}

fn cipher<C: KeyInit>(key: &[u8]) -> Result<C, JweError> {
    C::new_from_slice(key).map_err(|_| JweError::NotDecrypted)
}

#[cfg(test)]
mod tests;

//! Encryption to a public key in the age format (age-encryption.org/v1, recipients of type X25519): what the `age` command
//! of every distribution opens and makes.
//!
//! A random file key is wrapped for each recipient by a fresh X25519 agreement; the header is authenticated by the file key
//! and the payload encrypted under it. Nothing says who encrypted: who wants to know has to sign what is inside.

mod bech32;
mod stream;

use std::io::{self, BufRead, BufReader, Read, Write};

use aws_lc_rs::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    agreement::{PrivateKey, UnparsedPublicKey, X25519, agree},
    hkdf, hmac,
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use zeroize::Zeroizing;

use crate::{
    base::{random::Random, secret::SecretKey},
    crypto::age::stream::Chunks,
};

pub use stream::{DecryptingReader, EncryptingWriter};

const VERSION: &str = "age-encryption.org/v1";
const STANZA: &str = "X25519";
const WRAP_INFO: &[u8] = b"age-encryption.org/v1/X25519";
const PUBLIC_PREFIX: &str = "age";
/// In small letters, as Bech32 is computed; written in capitals.
const SECRET_PREFIX: &str = "age-secret-key-";
const FILE_KEY: usize = 16;
const TAG: usize = 16;
const PAYLOAD_NONCE: usize = 16;
/// Longest header that is read: hundreds of recipients.
const HEADER_BYTES: u64 = 64 * 1024;

/// Why a key in the age form is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyTextError {
    /// Not a public key.
    #[error("not an age public key (age1...)")]
    Recipient,
    /// Not a secret key.
    #[error("not an age secret key (AGE-SECRET-KEY-1...)")]
    Identity,
}

/// Why a file does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It does not begin as a file of this format does.
    #[error("not a file in the age format")]
    NotAge,
    /// None of the keys opens it.
    #[error("it was not encrypted to this key")]
    NoKey,
    /// The key fits, and the header was altered.
    #[error("the header was altered")]
    Altered,
}

/// A public key to encrypt to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Recipient([u8; 32]);

/// A secret key.
#[derive(Clone, Debug)]
pub struct Identity(SecretKey);

impl Recipient {
    /// Reads `age1...`.
    pub fn parse(text: &str) -> Result<Self, KeyTextError> {
        let bytes = bech32::decode(PUBLIC_PREFIX, text.trim()).ok_or(KeyTextError::Recipient)?;
        Ok(Self(bytes.try_into().map_err(|_| KeyTextError::Recipient)?))
    }

    /// Reads a file of recipients: one a line, empty lines and those that begin with `#` left out.
    pub fn parse_file(text: &str) -> Result<Vec<Self>, KeyTextError> {
        lines(text).map(Self::parse).collect()
    }
}

impl std::fmt::Display for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&bech32::encode(PUBLIC_PREFIX, &self.0))
    }
}

impl Identity {
    /// A new key.
    pub fn generate(random: &dyn Random) -> Self {
        Self(SecretKey::new(random.array()))
    }

    /// Reads `AGE-SECRET-KEY-1...`.
    pub fn parse(text: &str) -> Result<Self, KeyTextError> {
        let text = Zeroizing::new(text.trim().to_ascii_lowercase());
        let bytes = Zeroizing::new(bech32::decode(SECRET_PREFIX, &text).ok_or(KeyTextError::Identity)?);
        Ok(Self(SecretKey::new(bytes.as_slice().try_into().map_err(|_| KeyTextError::Identity)?)))
    }

    /// Reads a file of identities, as `age-keygen` writes them; at least one.
    pub fn parse_file(text: &str) -> Result<Vec<Self>, KeyTextError> {
        let identities: Vec<_> = lines(text).map(Self::parse).collect::<Result<_, _>>()?;
        if identities.is_empty() { Err(KeyTextError::Identity) } else { Ok(identities) }
    }

    /// The text of the secret key.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(bech32::encode(SECRET_PREFIX, self.0.expose()).to_ascii_uppercase())
    }

    /// The public key that belongs to it.
    pub fn recipient(&self) -> Result<Recipient, KeyTextError> {
        Ok(Recipient(public(&private(self.0.expose())?)?))
    }

    /// The file key of a stanza that was made for this key.
    fn unwrap(&self, share: &[u8; 32], body: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let private = private(self.0.expose()).ok()?;
        let own = public(&private).ok()?;
        let key = wrapping_key(&private, share, share, &own)?;
        let mut body = body.to_vec();
        let opened = cipher(&key)?.open_in_place(zero_nonce(), Aad::empty(), &mut body).ok()?.len();
        body.truncate(opened);
        (opened == FILE_KEY).then(|| Zeroizing::new(body))
    }
}

/// Begins a file for everyone in `recipients`, at least one; what is written to the answer is encrypted into `to`.
pub fn encrypt<W: Write>(recipients: &[Recipient], random: &dyn Random, mut to: W) -> io::Result<EncryptingWriter<W>> {
    let refused = || io::Error::from(io::ErrorKind::InvalidInput);
    let file_key = Zeroizing::new(random.array::<FILE_KEY>());
    let mut header = format!("{VERSION}\n");
    for recipient in recipients {
        let (share, body) = wrap(&*file_key, recipient, random).ok_or_else(refused)?;
        header += &format!("-> {STANZA} {}\n{}\n", BASE64.encode(share), BASE64.encode(body));
    }
    header += "---";
    let mac = BASE64.encode(header_mac(&*file_key, header.as_bytes()).ok_or_else(refused)?);
    let nonce: [u8; PAYLOAD_NONCE] = random.array();
    to.write_all(format!("{header} {mac}\n").as_bytes())?;
    to.write_all(&nonce)?;
    let chunks = payload_key(&*file_key, &nonce).and_then(|key| Chunks::new(&key)).filter(|_| !recipients.is_empty());
    Ok(EncryptingWriter::new(to, chunks.ok_or_else(refused)?))
}

/// Opens a file with one of the keys. What is read from the answer is authentic as far as it was read, and whole once it
/// has ended.
pub fn decrypt<R: Read>(identities: &[Identity], from: R) -> Result<DecryptingReader<BufReader<R>>, OpenError> {
    let mut from = BufReader::new(from);
    let header = Header::read(&mut from)?;
    let keys = header.stanzas.iter().flat_map(|(share, body)| identities.iter().map(move |key| key.unwrap(share, body)));
    let file_key = keys.flatten().next().ok_or(OpenError::NoKey)?;
    let mac_key = derived(&file_key, &[], b"header").ok_or(OpenError::Altered)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &*mac_key);
    hmac::verify(&key, header.authenticated.as_bytes(), &header.mac).map_err(|_| OpenError::Altered)?;
    let mut nonce = [0; PAYLOAD_NONCE];
    from.read_exact(&mut nonce)?;
    let key = payload_key(&file_key, &nonce).ok_or(OpenError::Altered)?;
    Ok(DecryptingReader::new(from, Chunks::new(&key).ok_or(OpenError::Altered)?))
}

/// The header of a file: what concerns recipients of type X25519.
struct Header {
    stanzas: Vec<([u8; 32], Vec<u8>)>,
    /// All of it up to the three dashes.
    authenticated: String,
    mac: Vec<u8>,
}

impl Header {
    fn read(from: &mut impl BufRead) -> Result<Self, OpenError> {
        let mut from = from.take(HEADER_BYTES);
        let mut header = Self { stanzas: Vec::new(), authenticated: String::new(), mac: Vec::new() };
        if line(&mut from, &mut header.authenticated)? != VERSION {
            return Err(OpenError::NotAge);
        }
        loop {
            let first = line(&mut from, &mut header.authenticated)?;
            if let Some(mac) = first.strip_prefix("--- ") {
                header.mac = BASE64.decode(mac).map_err(|_| OpenError::NotAge)?;
                let length = header.authenticated.len() - first.len() - 1 + "---".len();
                header.authenticated.truncate(length);
                return Ok(header);
            }
            let arguments = first.strip_prefix("-> ").ok_or(OpenError::NotAge)?;
            let mut body = String::new();
            // A body ends with the first line that is shorter than 64 characters.
            loop {
                let part = line(&mut from, &mut header.authenticated)?;
                body += &part;
                if part.len() < 64 {
                    break;
                }
            }
            if let Some(share) = arguments.strip_prefix(STANZA).and_then(|rest| rest.strip_prefix(' ')) {
                let share = BASE64.decode(share).ok().and_then(|share| share.try_into().ok()).ok_or(OpenError::NotAge)?;
                let body = BASE64.decode(body).map_err(|_| OpenError::NotAge)?;
                header.stanzas.extend((body.len() == FILE_KEY + TAG).then_some((share, body)));
            }
        }
    }
}

/// The next line without its end; with it, it is added to `all`.
fn line(from: &mut impl BufRead, all: &mut String) -> Result<String, OpenError> {
    let mut bytes = Vec::new();
    from.read_until(b'\n', &mut bytes)?;
    let text = std::str::from_utf8(&bytes).ok().and_then(|text| text.strip_suffix('\n')).ok_or(OpenError::NotAge)?;
    all.push_str(text);
    all.push('\n');
    Ok(text.to_owned())
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn wrap(file_key: &[u8], to: &Recipient, random: &dyn Random) -> Option<([u8; 32], Vec<u8>)> {
    let ephemeral = private(&Zeroizing::new(random.array::<32>())).ok()?;
    let share = public(&ephemeral).ok()?;
    let key = wrapping_key(&ephemeral, &to.0, &share, &to.0)?;
    let mut body = file_key.to_vec();
    cipher(&key)?.seal_in_place_append_tag(zero_nonce(), Aad::empty(), &mut body).ok()?;
    Some((share, body))
}

fn private(secret: &[u8; 32]) -> Result<PrivateKey, KeyTextError> {
    PrivateKey::from_private_key(&X25519, secret).map_err(|_| KeyTextError::Identity)
}

fn public(private: &PrivateKey) -> Result<[u8; 32], KeyTextError> {
    let public = private.compute_public_key().map_err(|_| KeyTextError::Identity)?;
    public.as_ref().try_into().map_err(|_| KeyTextError::Identity)
}

/// The key that wraps the file key for `recipient`. The library refuses an agreement that gives zeros.
fn wrapping_key(own: &PrivateKey, other: &[u8; 32], share: &[u8; 32], recipient: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
    let salt = [share.as_slice(), recipient].concat();
    agree(own, UnparsedPublicKey::new(&X25519, other), (), |agreed| derived(agreed, &salt, WRAP_INFO).ok_or(())).ok()
}

fn payload_key(file_key: &[u8], nonce: &[u8; PAYLOAD_NONCE]) -> Option<Zeroizing<[u8; 32]>> {
    derived(file_key, nonce, b"payload")
}

fn header_mac(file_key: &[u8], header: &[u8]) -> Option<hmac::Tag> {
    Some(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &*derived(file_key, &[], b"header")?), header))
}

/// HKDF with SHA-256 (RFC 5869), 32 bytes.
fn derived(secret: &[u8], salt: &[u8], info: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    extracted.expand(&[info], hkdf::HKDF_SHA256).and_then(|expanded| expanded.fill(&mut *key)).ok()?;
    Some(key)
}

fn cipher(key: &[u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, key).ok().map(LessSafeKey::new)
}

/// A wrapping key is used once.
fn zero_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

#[cfg(test)]
mod tests;

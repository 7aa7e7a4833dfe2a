//! Signed notes and the checkpoints of a transparency log, as the C2SP specifications `signed-note` and
//! `tlog-checkpoint` write them: what witnesses, monitors and other people's auditors read already.
//!
//! A checkpoint states the size and root of the log under the log's name (its origin); the note around it carries an
//! Ed25519 signature by the key of that name. Signatures by other keys stand beside it and are ignored, so that a
//! witness can add its own.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    base::limits::SIGNED_NOTE_BYTES,
    crypto::{Algorithm, PublicKey, SignError, Signer, sha256},
    format::merkle::Hash,
};

/// Why a note or checkpoint is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoteError {
    /// Longer than [`SIGNED_NOTE_BYTES`].
    #[error("longer than allowed")]
    TooLong,
    /// Not a text, an empty line and signature lines of the one allowed form.
    #[error("not a signed note")]
    Malformed,
    /// No signature by the expected key.
    #[error("not signed by the expected key")]
    NotSigned,
    /// A signature that names the expected key and does not verify.
    #[error("the signature does not verify")]
    BadSignature,
    /// The text is not origin, size and root, each on a line of its own and in its one spelling.
    #[error("not a checkpoint")]
    NotACheckpoint,
    /// The checkpoint of another log.
    #[error("the checkpoint of another log")]
    OtherOrigin,
}

/// Why a key cannot sign or verify notes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoteKeyError {
    /// An empty name, or one with white space, control characters or a plus sign.
    #[error("not a key name")]
    Name,
    /// Only Ed25519 keys are used (signature type 0x01).
    #[error("not an Ed25519 key")]
    Algorithm,
    /// Not of the form `name+hash+key`.
    #[error("not a verifier key")]
    Malformed,
}

/// Why nothing was signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoteSignError {
    /// The name or the key does not fit.
    #[error(transparent)]
    Key(#[from] NoteKeyError),
    /// The text cannot stand in a note: empty, without a final newline, or with control characters.
    #[error("a text that cannot stand in a note")]
    Text,
    /// The signer failed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// A key by its name, as verifiers are given it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoteKey {
    name: String,
    id: [u8; 4],
    key: PublicKey,
}

/// Signature type of plain Ed25519 signatures over the note text.
const ED25519: u8 = 1;

impl NoteKey {
    /// The key `name`; its id is the start of SHA-256(name || 0x0A || 0x01 || key).
    pub fn new(name: &str, key: PublicKey) -> Result<Self, NoteKeyError> {
        if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+') {
            return Err(NoteKeyError::Name);
        }
        if key.algorithm() != Algorithm::Ed25519 {
            return Err(NoteKeyError::Algorithm);
        }
        let digest = sha256([name.as_bytes(), &[b'\n', ED25519], key.as_bytes()].concat());
        let [a, b, c, d, ..] = digest;
        Ok(Self { name: name.to_owned(), id: [a, b, c, d], key })
    }

    /// Reads `name+hash+key`, the form in which verifier keys are handed around.
    pub fn parse(text: &str) -> Result<Self, NoteKeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteKeyError::Malformed);
        };
        let bytes = STANDARD.decode(key).map_err(|_| NoteKeyError::Malformed)?;
        let key = match bytes.split_first() {
            Some((&ED25519, key)) => PublicKey::ed25519(key).map_err(|_| NoteKeyError::Malformed)?,
            _ => return Err(NoteKeyError::Algorithm),
        };
        let read = Self::new(name, key)?;
        if format!("{:08x}", u32::from_be_bytes(read.id)) == id { Ok(read) } else { Err(NoteKeyError::Malformed) }
    }

    /// The name, which for a log is its origin.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for NoteKey {
    /// `name+hash+key`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode([&[ED25519], self.key.as_bytes()].concat());
        write!(f, "{}+{:08x}+{key}", self.name, u32::from_be_bytes(self.id))
    }
}

/// A note whose signatures nobody has checked.
#[derive(Clone, Debug)]
pub struct Unverified<'a> {
    text: &'a str,
    signatures: Vec<Signature<'a>>,
}

#[derive(Clone, Debug)]
struct Signature<'a> {
    name: &'a str,
    id: [u8; 4],
    bytes: Vec<u8>,
}

impl<'a> Unverified<'a> {
    /// Takes a note apart.
    pub fn parse(note: &'a str) -> Result<Self, NoteError> {
        if note.len() > SIGNED_NOTE_BYTES {
            return Err(NoteError::TooLong);
        }
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteError::Malformed);
        }
        // The text keeps its own newline; the empty line after it is the last one of the note.
        let split = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
        let (text, rest) = note.split_at_checked(split + 1).ok_or(NoteError::Malformed)?;
        let lines = rest.strip_prefix('\n').and_then(|rest| rest.strip_suffix('\n')).ok_or(NoteError::Malformed)?;
        let signatures = lines.split('\n').map(Signature::parse).collect::<Option<_>>().ok_or(NoteError::Malformed)?;
        Ok(Self { text, signatures })
    }

    /// The text before any signature was checked: good for looking at, and for nothing else.
    pub fn dangerous_unverified_text(&self) -> &'a str {
        self.text
    }

    /// The text, once a signature by `key` verifies and none that names it fails to.
    pub fn verify(self, key: &NoteKey) -> Result<&'a str, NoteError> {
        let mut signed = false;
        for signature in self.signatures.iter().filter(|signature| signature.name == key.name && signature.id == key.id) {
            key.key.verify(self.text.as_bytes(), &signature.bytes).map_err(|_| NoteError::BadSignature)?;
            signed = true;
        }
        if signed { Ok(self.text) } else { Err(NoteError::NotSigned) }
    }
}

impl<'a> Signature<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (name, signature) = line.strip_prefix("— ")?.split_once(' ')?;
        let bytes = STANDARD.decode(signature).ok()?;
        let (id, bytes) = bytes.split_first_chunk::<4>()?;
        let named = !name.is_empty() && !name.contains('+') && !name.contains(char::is_whitespace);
        (named && !bytes.is_empty()).then(|| Self { name, id: *id, bytes: bytes.to_vec() })
    }
}

/// Signs `text`, which ends with a newline, as the key `name`.
pub fn sign(text: &str, name: &str, signer: &dyn Signer) -> Result<String, NoteSignError> {
    let key = NoteKey::new(name, signer.public_key().clone())?;
    if !text.ends_with('\n') || text.chars().any(|c| c < ' ' && c != '\n') {
        return Err(NoteSignError::Text);
    }
    let signature = signer.sign(text.as_bytes())?;
    Ok(format!("{text}\n— {name} {}\n", STANDARD.encode([&key.id[..], &signature].concat())))
}

/// Size and root of a log, under the log's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    /// The log's name: a URL without its scheme.
    pub origin: String,
    /// How many leaves the tree has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Origin, size in decimal and root in base64, a line each.
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// Reads what [`to_text`](Self::to_text) writes. Extension lines are refused: our log writes none, and nobody
    /// could audit what stands in them.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let lines: Vec<_> = text.strip_suffix('\n').ok_or(NoteError::NotACheckpoint)?.split('\n').collect();
        let [origin, size, root] = lines[..] else { return Err(NoteError::NotACheckpoint) };
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok()).ok_or(NoteError::NotACheckpoint)?;
        let read = Self { origin: origin.to_owned(), size: size.parse().map_err(|_| NoteError::NotACheckpoint)?, root };
        // What is written back alike was in its one spelling: no sign, no leading zeros.
        if origin.is_empty() || read.to_text() != text { Err(NoteError::NotACheckpoint) } else { Ok(read) }
    }

    /// A signed note around it; the key has the name of the origin.
    pub fn sign(&self, signer: &dyn Signer) -> Result<String, NoteSignError> {
        sign(&self.to_text(), &self.origin, signer)
    }

    /// Reads a signed note that has to be signed by `key` and to speak of the log that `key` is named after.
    pub fn open(note: &str, key: &NoteKey) -> Result<Self, NoteError> {
        let read = Self::parse(Unverified::parse(note)?.verify(key)?)?;
        if read.origin == key.name { Ok(read) } else { Err(NoteError::OtherOrigin) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{base::random::SeededRandom, crypto::SoftwareKey, format::merkle};

    fn signer(seed: u64) -> SoftwareKey {
        SoftwareKey::generate(Algorithm::Ed25519, &SeededRandom::new(seed))
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint { origin: "id.example/log".to_owned(), size: 1, root: merkle::leaf_hash(b"entry") }
    }

    fn key(seed: u64) -> NoteKey {
        NoteKey::new("id.example/log", signer(seed).public_key().clone()).expect("a good name")
    }

    /// The example of the Go package `sumdb/note`, where the format comes from.
    const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\
        \n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn the_example_of_the_reference_implementation_verifies() {
        let key = NoteKey::parse(GO_KEY).expect("a verifier key");
        assert_eq!((key.name(), key.to_string()), ("PeterNeumann", GO_KEY.to_owned()));
        let text = Unverified::parse(GO_NOTE).and_then(|note| note.verify(&key));
        assert_eq!(text.map(|text| text.lines().count()), Ok(2));
        let altered = GO_NOTE.replace("answer", "remedy");
        assert_eq!(Unverified::parse(&altered).and_then(|note| note.verify(&key)).err(), Some(NoteError::BadSignature));
    }

    #[test]
    fn a_signed_checkpoint_opens_with_its_key_only() {
        let note = checkpoint().sign(&signer(1)).expect("a software key signs");
        assert_eq!(Checkpoint::open(&note, &key(1)), Ok(checkpoint()));
        assert_eq!(Checkpoint::open(&note, &key(2)), Err(NoteError::NotSigned));
        let other_log = NoteKey::new("other.example/log", signer(1).public_key().clone()).expect("a good name");
        assert_eq!(Checkpoint::open(&note, &other_log), Err(NoteError::NotSigned));
        let foreign = sign(&checkpoint().to_text(), other_log.name(), &signer(1)).expect("a software key signs");
        assert_eq!(Checkpoint::open(&foreign, &other_log), Err(NoteError::OtherOrigin));
    }

    #[test]
    fn signatures_of_others_are_ignored_and_a_bad_one_of_the_key_is_not() {
        let note = checkpoint().sign(&signer(1)).expect("a software key signs");
        let line = |note: &str| note.lines().last().map(str::to_owned).unwrap_or_default();
        let witness = line(&sign(&checkpoint().to_text(), "witness.example/w", &signer(2)).expect("a software key signs"));
        assert_eq!(Checkpoint::open(&format!("{note}{witness}\n"), &key(1)), Ok(checkpoint()));
        let other = Checkpoint { size: 2, ..checkpoint() }.sign(&signer(1)).expect("a software key signs");
        assert_eq!(Checkpoint::open(&format!("{note}{}\n", line(&other)), &key(1)), Err(NoteError::BadSignature));
    }

    #[test]
    fn a_note_has_one_form() {
        let note = checkpoint().sign(&signer(1)).expect("a software key signs");
        let last = note.lines().last().unwrap_or_default().to_owned();
        let malformed = [
            String::new(),
            "\n".to_owned(),
            note.trim_end().to_owned(),
            format!("{note}\n"),
            note.replace("\n\n", "\n"),
            note.replace("— ", "-- "),
            note.replace("— ", "—  "),
            note.replace('=', ""),
            note.replace('\n', "\r\n"),
            format!("{note}{last}"),
            format!("{note}— nameless\n"),
            format!("{note}— a+b AAAAAAAA\n"),
            format!("{note}— short AAAAAA==\n"),
        ];
        for bad in malformed {
            assert_eq!(Checkpoint::open(&bad, &key(1)), Err(NoteError::Malformed), "{bad:?}");
        }
        assert_eq!(Checkpoint::open(&"x".repeat(SIGNED_NOTE_BYTES + 1), &key(1)), Err(NoteError::TooLong));
    }

    #[test]
    fn a_checkpoint_has_one_spelling() {
        let root = STANDARD.encode([7; 32]);
        assert!(Checkpoint::parse(&format!("o\n0\n{root}\n")).is_ok());
        let bad = [
            format!("o\n0\n{root}"),
            format!("\n0\n{root}\n"),
            format!("o\n00\n{root}\n"),
            format!("o\n+1\n{root}\n"),
            format!("o\n-1\n{root}\n"),
            format!("o\n18446744073709551616\n{root}\n"),
            format!("o\n1\n{root}\nextension\n"),
            format!("o\n1\n{}\n", STANDARD.encode([7; 31])),
            format!("o\n1\n{}\n", root.trim_end_matches('=')),
            "o\n1\n".to_owned(),
        ];
        for text in bad {
            assert_eq!(Checkpoint::parse(&text), Err(NoteError::NotACheckpoint), "{text:?}");
        }
    }

    #[test]
    fn keys_that_cannot_sign_notes_are_refused() {
        let public = signer(1).public_key().clone();
        for name in ["", "a b", "a+b", "a\nb", "a\u{3000}b"] {
            assert_eq!(NoteKey::new(name, public.clone()), Err(NoteKeyError::Name), "{name:?}");
        }
        let p256 = SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(1));
        assert_eq!(sign("text\n", "name", &p256), Err(NoteSignError::Key(NoteKeyError::Algorithm)));
        for text in ["", "no newline", "tab\t\n"] {
            assert_eq!(sign(text, "name", &signer(1)), Err(NoteSignError::Text), "{text:?}");
        }
        for text in ["", "a+b", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"] {
            assert_eq!(NoteKey::parse(text), Err(NoteKeyError::Malformed), "{text}");
        }
        let ecdsa = "PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        assert_eq!(NoteKey::parse(ecdsa), Err(NoteKeyError::Algorithm));
    }
}

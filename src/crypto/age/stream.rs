//! The payload of the age format: chunks of 64 KiB under ChaCha20-Poly1305, each with its number and whether it is the
//! last, so that none can be left out, swapped or added (the STREAM construction).

use std::io::{self, Read, Write};

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;

/// The key of one payload, and how many chunks it was used for.
pub(super) struct Chunks {
    key: LessSafeKey,
    next: u64,
}

impl Chunks {
    pub(super) fn new(key: &[u8; 32]) -> Option<Self> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key).ok()?;
        Some(Self { key: LessSafeKey::new(key), next: 0 })
    }

    /// Eleven bytes of counter and one that says whether this is the last.
    fn nonce(&mut self, last: bool) -> Nonce {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&self.next.to_be_bytes());
        nonce[11] = u8::from(last);
        self.next = self.next.saturating_add(1);
        Nonce::assume_unique_for_key(nonce)
    }
}

/// Encrypts what is written to it. Nothing of it can be read before [`finish`](Self::finish).
pub struct EncryptingWriter<W: Write> {
    to: W,
    chunks: Chunks,
    plain: Vec<u8>,
}

impl<W: Write> EncryptingWriter<W> {
    pub(super) fn new(to: W, chunks: Chunks) -> Self {
        Self { to, chunks, plain: Vec::with_capacity(CHUNK + TAG) }
    }

    /// Writes the last chunk; gives back what it was written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        let nonce = self.chunks.nonce(last);
        let sealed = self.chunks.key.seal_in_place_append_tag(nonce, Aad::empty(), &mut self.plain);
        sealed.map_err(|_| io::ErrorKind::InvalidInput)?;
        self.to.write_all(&self.plain)?;
        self.plain.clear();
        Ok(())
    }
}

impl<W: Write> Write for EncryptingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits for what follows: only then is it known not to be the last.
        if self.plain.len() == CHUNK && !bytes.is_empty() {
            self.seal(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.plain.len());
        self.plain.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Decrypts what is read through it; an end that is not the end of the payload is an error.
pub struct DecryptingReader<R: Read> {
    from: R,
    chunks: Chunks,
    /// Encrypted bytes read ahead.
    ahead: Vec<u8>,
    plain: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<R: Read> DecryptingReader<R> {
    pub(super) fn new(from: R, chunks: Chunks) -> Self {
        Self { from, chunks, ahead: Vec::new(), plain: Vec::new(), at: 0, ended: false }
    }

    fn open(&mut self) -> io::Result<()> {
        // One byte more than a chunk tells whether it is the last.
        let whole = CHUNK + TAG;
        let wanted = (whole + 1).saturating_sub(self.ahead.len()) as u64;
        (&mut self.from).take(wanted).read_to_end(&mut self.ahead)?;
        let last = self.ahead.len() <= whole;
        let rest = self.ahead.split_off(self.ahead.len().min(whole));
        let first = self.chunks.next == 0;
        let nonce = self.chunks.nonce(last);
        let altered = || io::Error::new(io::ErrorKind::InvalidData, "the encrypted data were cut off or altered");
        let opened = self.chunks.key.open_in_place(nonce, Aad::empty(), &mut self.ahead).map_err(|_| altered())?.len();
        if opened == 0 && !first {
            return Err(altered());
        }
        std::mem::swap(&mut self.plain, &mut self.ahead);
        self.plain.truncate(opened);
        (self.ahead, self.at, self.ended) = (rest, 0, last);
        Ok(())
    }
}

impl<R: Read> Read for DecryptingReader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.at == self.plain.len() && !self.ended {
            self.open()?;
        }
        let rest = self.plain.get(self.at..).unwrap_or_default();
        let given = rest.len().min(to.len());
        to.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        self.at += given;
        Ok(given)
    }
}

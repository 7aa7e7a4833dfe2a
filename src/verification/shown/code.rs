//! The code that a gate shows: what a wallet takes as nonce and audience before it shows a presentation as QR codes.
//!
//! It is a keyed hash of gate, use case and half minute. Nothing is kept, so a restart changes nothing, and nobody
//! without the key can tell the next one.

use std::sync::Arc;

use crate::{
    base::{base64url, limits::SHOWN_CODE_SECONDS, time::Timestamp},
    crypto::keyed_hash,
    keyring::Keyring,
    model::ids::TokenId,
};

/// How the text of the code begins: the format and its version.
const MARK: &str = "YG1";

/// Bytes of a nonce: 128 bits, as OpenID4VP 1.0 section 14.1 asks of a fresh one.
const NONCE_BYTES: usize = 16;

/// A code, as a gate shows it now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ShownCode {
    /// The nonce in it.
    pub code: String,
    /// The gate's identifier in it: the audience of a presentation made with it.
    pub audience: String,
    /// The text of its QR code (`docs/PRESENTATION-QR.md`).
    pub qr_text: String,
    /// From when on the gate shows another.
    pub valid_until: Timestamp,
}

/// Makes codes.
pub(super) struct Codes {
    pub keyring: Arc<Keyring>,
    pub public_url: String,
}

impl Codes {
    /// The code of a gate for a use case at a time.
    pub(super) fn at(&self, gate: TokenId, use_case: &str, now: Timestamp) -> ShownCode {
        let window = window(now);
        let (code, audience) = (self.nonce(gate, use_case, window), self.audience(gate));
        let qr_text = format!("{MARK}:{code}:{use_case}:{audience}");
        let valid_until = Timestamp::from_unix(window.saturating_add(1).saturating_mul(SHOWN_CODE_SECONDS));
        ShownCode { code, audience, qr_text, valid_until }
    }

    /// The nonces that are good: the one shown now, and the one before it.
    pub(super) fn good(&self, gate: TokenId, use_case: &str, now: Timestamp) -> [String; 2] {
        let window = window(now);
        [self.nonce(gate, use_case, window), self.nonce(gate, use_case, window.saturating_sub(1))]
    }

    /// A gate's identifier.
    pub(super) fn audience(&self, gate: TokenId) -> String {
        format!("{}/checkpoint#{gate}", self.public_url)
    }

    fn nonce(&self, gate: TokenId, use_case: &str, window: i64) -> String {
        let data = [gate.as_bytes().as_slice(), &window.to_be_bytes(), use_case.as_bytes()].concat();
        let hash = keyed_hash(self.keyring.code_key(), "shown code", &data);
        base64url::encode(&hash[..NONCE_BYTES])
    }
}

fn window(now: Timestamp) -> i64 {
    now.unix().div_euclid(SHOWN_CODE_SECONDS)
}

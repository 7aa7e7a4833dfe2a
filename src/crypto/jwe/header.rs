//! The protected header of a JWE, read by a list of what may stand in it.

use serde_json::{Map, Value, json};

use super::{ECDH_ES, Encryption, JweError, agreement::Derivation, key};
use crate::{
    base::{base64url, json, limits::JWE_HEADER_BYTES},
    crypto::PublicKey,
};

/// Members that are read, or that say nothing a receiver acts on. All others are refused: `crit`, `p2c`, `jku`, `jwk`,
/// `x5c` and their like would lead elsewhere.
const KNOWN: [&str; 8] = ["alg", "enc", "kid", "epk", "apu", "apv", "typ", "cty"];

/// Members that are refused by their name, so that whoever sends them learns which. `zip` is for a profile that inflates
/// under a bound of its own; no response of a wallet is compressed.
const REFUSED: [&str; 12] = ["crit", "zip", "p2c", "p2s", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "b64", "iv"];

pub(super) struct Header {
    pub(super) encryption: Encryption,
    pub(super) kid: String,
    /// The sender's ephemeral key, nothing checked but its form.
    pub(super) epk: [u8; 65],
    apu: Vec<u8>,
    apv: Vec<u8>,
}

impl Header {
    /// Reads the first part of a compact JWE.
    pub(super) fn read(protected: &str) -> Result<Self, JweError> {
        if protected.len() > JWE_HEADER_BYTES {
            return Err(JweError::TooLong);
        }
        let bytes = base64url::decode(protected).map_err(|_| JweError::Malformed)?;
        let members = json::parse_object(&bytes).map_err(|_| JweError::Malformed)?;
        if let Some(refused) = REFUSED.into_iter().find(|member| members.contains_key(*member)) {
            return Err(JweError::HeaderNotAccepted(refused));
        }
        let text = |member: &str| members.get(member).and_then(Value::as_str);
        // A JWS stands out here at the latest: its `alg` is no key agreement.
        if text("alg") != Some(ECDH_ES) {
            return Err(JweError::AlgorithmNotAllowed);
        }
        let encryption = text("enc").and_then(Encryption::from_jose_name).ok_or(JweError::AlgorithmNotAllowed)?;
        if members.keys().any(|member| !KNOWN.contains(&member.as_str())) {
            return Err(JweError::HeaderNotAccepted("of an unknown name"));
        }
        for member in ["typ", "cty"] {
            if members.get(member).is_some_and(|value| !value.is_string()) {
                return Err(JweError::HeaderNotAccepted(member));
            }
        }
        let epk = members.get("epk").and_then(Value::as_object).ok_or(JweError::HeaderNotAccepted("epk"))?;
        Ok(Self {
            encryption,
            kid: text("kid").ok_or(JweError::OtherKey)?.to_owned(),
            epk: key::point_of_jwk(epk).ok_or(JweError::HeaderNotAccepted("epk"))?,
            apu: party(&members, "apu")?,
            apv: party(&members, "apv")?,
        })
    }

    pub(super) fn derivation(&self) -> Derivation<'_> {
        Derivation { encryption: self.encryption, apu: &self.apu, apv: &self.apv }
    }
}

/// The first part of a compact JWE from the owner of `epk`, and with it the authenticated data.
pub(super) fn write(encryption: Encryption, kid: &str, epk: &PublicKey) -> String {
    let header = json!({"alg": ECDH_ES, "enc": encryption.jose_name(), "kid": kid, "epk": epk.to_jwk()});
    base64url::encode(header.to_string())
}

/// `apu` or `apv`: base64url, and nothing when it is missing (RFC 7518 section 4.6.1).
fn party(members: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, JweError> {
    let Some(value) = members.get(name) else { return Ok(Vec::new()) };
    let text = value.as_str().ok_or(JweError::HeaderNotAccepted(name))?;
    base64url::decode(text).map_err(|_| JweError::HeaderNotAccepted(name))
}

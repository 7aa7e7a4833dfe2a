//! The protected header of a JWE, read by a list of what may stand in it.

use serde_json::{Map, Value, json};

use super::{DEFLATE, ECDH_ES, Encryption, JweError, agreement::Derivation, key};
use crate::{
    base::{base64url, json, limits::JWE_HEADER_BYTES},
    crypto::PublicKey,
};

/// Members that are read, or that say nothing a receiver acts on. All others are refused: `crit`, `p2c`, `jku`, `jwk`,
/// `x5c` and their like would lead elsewhere.
const KNOWN: [&str; 9] = ["alg", "enc", "kid", "epk", "apu", "apv", "typ", "cty", "zip"];

/// Members that are refused by their name, so that whoever sends them learns which.
const REFUSED: [&str; 11] = ["crit", "p2c", "p2s", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "b64", "iv"];

pub(super) struct Header {
    pub(super) encryption: Encryption,
    pub(super) kid: String,
    /// The sender's ephemeral key, nothing checked but its form.
    pub(super) epk: [u8; 65],
    /// Whether the content was compressed before it was encrypted.
    pub(super) deflated: bool,
    apu: Vec<u8>,
    apv: Vec<u8>,
}

impl Header {
    /// Reads the first part of a compact JWE. Without `inflates`, compressed content is refused.
    pub(super) fn read(protected: &str, inflates: bool) -> Result<Self, JweError> {
        if protected.len() > JWE_HEADER_BYTES {
            return Err(JweError::TooLong);
        }
        let bytes = base64url::decode(protected).map_err(|_| JweError::Malformed)?;
        let members = json::parse_object(&bytes).map_err(|_| JweError::Malformed)?;
        if let Some(refused) = REFUSED.into_iter().find(|member| members.contains_key(*member)) {
            return Err(JweError::HeaderNotAccepted(refused));
        }
        let text = |member: &str| members.get(member).and_then(Value::as_str);
        let deflated = match members.get("zip") {
            None => false,
            Some(zip) if inflates && zip == DEFLATE => true,
            Some(_) => return Err(JweError::HeaderNotAccepted("zip")),
        };
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
            deflated,
            apu: party(&members, "apu")?,
            apv: party(&members, "apv")?,
        })
    }

    pub(super) fn derivation(&self) -> Derivation<'_> {
        Derivation { encryption: self.encryption, apu: &self.apu, apv: &self.apv }
    }
}

/// The first part of a compact JWE from the owner of `epk`, and with it the authenticated data. A `kid` stands in it as the
/// recipient gave it, or not at all (OpenID4VCI 1.0 section 10).
pub(super) fn write(encryption: Encryption, kid: Option<&str>, epk: &PublicKey, deflated: bool) -> String {
    let mut header = json!({"alg": ECDH_ES, "enc": encryption.jose_name(), "epk": epk.to_jwk()});
    if let Some(kid) = kid {
        header["kid"] = kid.into();
    }
    if deflated {
        header["zip"] = DEFLATE.into();
    }
    base64url::encode(header.to_string())
}

/// `apu` or `apv`: base64url, and nothing when it is missing (RFC 7518 section 4.6.1).
fn party(members: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, JweError> {
    let Some(value) = members.get(name) else { return Ok(Vec::new()) };
    let text = value.as_str().ok_or(JweError::HeaderNotAccepted(name))?;
    base64url::decode(text).map_err(|_| JweError::HeaderNotAccepted(name))
}

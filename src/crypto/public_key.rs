//! Public keys that were checked when they were read.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use serde_json::{Map, Value, json};

use crate::{
    base::base64url,
    crypto::{
        Algorithm,
        ed25519::{self, Ed25519Key},
        sha256,
    },
};

/// Why a public key is not accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// Key type or curve that is not spoken here.
    #[error("key type or curve not supported")]
    Unsupported,
    /// Wrong length, not a point of the curve, or a member missing or of the wrong type.
    #[error("not a valid public key")]
    Malformed,
    /// An Ed25519 key of small order: a constant signature would verify anything (THREATS F7).
    #[error("weak key")]
    Weak,
    /// A JWK with a private or symmetric member.
    #[error("a private key where a public one is due")]
    Private,
}

/// The signature does not belong to this message and key. Nothing more is said.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

/// A public key: a point of its curve, and for Ed25519 not of small order.
#[derive(Clone)]
pub enum PublicKey {
    /// Ed25519.
    Ed25519(Ed25519Key),
    /// P-256, with the 65 bytes of its uncompressed point.
    P256(P256Key),
}

/// A parsed P-256 point.
#[derive(Clone)]
pub struct P256Key {
    point: [u8; 65],
    parsed: ParsedPublicKey,
}

/// JWK members that only private or symmetric keys have (RFC 7518 section 6, RFC 8037 section 2).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl PublicKey {
    /// An Ed25519 key from its 32 bytes (RFC 8032 section 5.1.5), in the one encoding its point has: with two of them one
    /// key would have two thumbprints.
    pub fn ed25519(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes: &[u8; 32] = bytes.try_into().map_err(|_| KeyError::Malformed)?;
        Ed25519Key::from_bytes(bytes).map(Self::Ed25519)
    }

    /// A P-256 key from its 65 bytes: 4, x, y (SEC 1 section 2.3.3).
    pub fn p256(point: &[u8]) -> Result<Self, KeyError> {
        let point: [u8; 65] = point.try_into().map_err(|_| KeyError::Malformed)?;
        if point[0] != 4 {
            return Err(KeyError::Malformed);
        }
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| KeyError::Malformed)?;
        Ok(Self::P256(P256Key { point, parsed }))
    }

    /// The same key, made ready for many signatures: an Ed25519 key then checks one in half the time, for some 220 kB of
    /// memory. Which signatures hold under it stays the same; so does a P-256 key.
    #[must_use]
    pub fn prepared(self) -> Self {
        match self {
            Self::Ed25519(key) => Self::Ed25519(key.prepared()),
            other => other,
        }
    }

    /// Reads a JWK (RFC 7517) of type `EC`/`P-256` or `OKP`/`Ed25519`. An `alg` that names another algorithm than the
    /// key's, a `use` other than `sig`, or `key_ops` without `verify` is refused; other members are ignored.
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyError> {
        if PRIVATE_MEMBERS.iter().any(|member| jwk.contains_key(*member)) {
            return Err(KeyError::Private);
        }
        let text = |member: &str| jwk.get(member).and_then(Value::as_str);
        let coordinate = |member: &str| -> Result<[u8; 32], KeyError> {
            base64url::decode_array(text(member).ok_or(KeyError::Malformed)?).map_err(|_| KeyError::Malformed)
        };
        let key = match (text("kty"), text("crv")) {
            (Some("OKP"), Some("Ed25519")) => Self::ed25519(&coordinate("x")?)?,
            (Some("EC"), Some("P-256")) => {
                let mut point = [4; 65];
                point[1..33].copy_from_slice(&coordinate("x")?);
                point[33..].copy_from_slice(&coordinate("y")?);
                Self::p256(&point)?
            }
            _ => return Err(KeyError::Unsupported),
        };
        let alg_fits = |alg: &Value| alg.as_str().and_then(Algorithm::from_jose_name) == Some(key.algorithm());
        let verifies = |operations: &Value| operations.as_array().is_some_and(|all| all.iter().any(|one| one == "verify"));
        let fits = jwk.get("alg").is_none_or(alg_fits)
            && jwk.get("use").is_none_or(|purpose| purpose == "sig")
            && jwk.get("key_ops").is_none_or(verifies);
        if fits { Ok(key) } else { Err(KeyError::Unsupported) }
    }

    /// The JWK with its required members only, as used in `cnf` and for the thumbprint.
    pub fn to_jwk(&self) -> Value {
        match self {
            Self::Ed25519(key) => json!({"crv": "Ed25519", "kty": "OKP", "x": base64url::encode(key.as_bytes())}),
            Self::P256(key) => json!({
                "crv": "P-256",
                "kty": "EC",
                "x": base64url::encode(&key.point[1..33]),
                "y": base64url::encode(&key.point[33..]),
            }),
        }
    }

    /// The SHA-256 thumbprint of the JWK (RFC 7638; for `OKP` RFC 8037 appendix A.3).
    pub fn thumbprint(&self) -> [u8; 32] {
        // Members in lexicographic order, no white space: what serde_json writes for a sorted map.
        sha256(self.to_jwk().to_string())
    }

    /// The one algorithm this key is used with.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::Ed25519,
            Self::P256(_) => Algorithm::Es256,
        }
    }

    /// The bare key: 32 bytes for Ed25519, the 65 of the uncompressed point for P-256.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Ed25519(key) => key.as_bytes(),
            Self::P256(key) => &key.point,
        }
    }

    /// Verifies a raw 64-byte signature. Ed25519 strictly (RFC 8032 without the cofactor, small orders refused); for
    /// P-256 both values of s are accepted, so a signature never serves as an identifier.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        match self {
            Self::Ed25519(key) => {
                let signature: &[u8; 64] = signature.try_into().map_err(|_| BadSignature)?;
                if key.verify(message, signature) { Ok(()) } else { Err(BadSignature) }
            }
            Self::P256(key) => key.parsed.verify_sig(message, signature).map_err(|_| BadSignature),
        }
    }
}

/// A signature that is to be checked among others.
#[derive(Clone, Copy, Debug)]
pub struct Claimed<'a> {
    /// Whose it is said to be.
    pub key: &'a PublicKey,
    /// What it is said to be of.
    pub message: &'a [u8],
    /// Its raw 64 bytes.
    pub signature: &'a [u8],
}

impl<'a> Claimed<'a> {
    /// The same as Ed25519 takes it; none of another algorithm or length.
    fn ed25519(&self) -> Option<ed25519::Claim<'a>> {
        match self.key {
            PublicKey::Ed25519(key) => {
                Some(ed25519::Claim { key, message: self.message, signature: self.signature.try_into().ok()? })
            }
            PublicKey::P256(_) => None,
        }
    }
}

/// Checks many signatures and answers for each, in their order, exactly as [`PublicKey::verify`] does. Those under Ed25519
/// keys that are [`prepared`](PublicKey::prepared) are cheaper together than one by one.
pub fn verify_all(claimed: &[Claimed<'_>]) -> Vec<Result<(), BadSignature>> {
    let together = claimed.iter().enumerate().filter_map(|(at, one)| Some((at, one.ed25519()?)));
    let (places, claims): (Vec<_>, Vec<_>) = together.unzip();
    let mut held = vec![None; claimed.len()];
    for (at, holds) in places.into_iter().zip(ed25519::verify_all(&claims)) {
        if let Some(place) = held.get_mut(at) {
            *place = Some(if holds { Ok(()) } else { Err(BadSignature) });
        }
    }
    let alone = |(one, held): (&Claimed<'_>, Option<_>)| held.unwrap_or_else(|| one.key.verify(one.message, one.signature));
    claimed.iter().zip(held).map(alone).collect()
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm() == other.algorithm() && self.as_bytes() == other.as_bytes()
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.algorithm(), base64url::encode(self.thumbprint()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwk(text: &str) -> Map<String, Value> {
        crate::base::json::parse_object(text.as_bytes()).expect("a JSON object")
    }

    #[test]
    fn thumbprints_follow_the_standards() {
        // RFC 8037 appendix A.3.
        let key =
            PublicKey::from_jwk(&jwk(r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#));
        let print = base64url::encode(key.expect("a good key").thumbprint());
        assert_eq!(print, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn bad_keys_are_refused_with_their_reason() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let identity = base64url::encode([[1].as_slice(), &[0; 31]].concat());
        let cases = [
            (r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#.to_owned(), KeyError::Malformed),
            (r#"{"kty":"OKP","crv":"Ed25519","x":""}"#.to_owned(), KeyError::Malformed),
            (r#"{"kty":"OKP","crv":"Ed25519","x":7}"#.to_owned(), KeyError::Malformed),
            (format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{identity}"}}"#), KeyError::Weak),
            (format!(r#"{{"kty":"OKP","crv":"X25519","x":"{x}"}}"#), KeyError::Unsupported),
            (format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","alg":"ES256"}}"#), KeyError::Unsupported),
            (format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","use":"enc"}}"#), KeyError::Unsupported),
            (format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","d":"{x}"}}"#), KeyError::Private),
            (format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{x}"}}"#), KeyError::Malformed),
            (r#"{"kty":"oct","k":"AAAA"}"#.to_owned(), KeyError::Private),
            (r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#.to_owned(), KeyError::Unsupported),
        ];
        for (text, error) in cases {
            assert_eq!(PublicKey::from_jwk(&jwk(&text)), Err(error), "{text}");
        }
    }
}

//! DPoP proofs (RFC 9449 section 4.2): text to what it says. Whether that fits a request is not judged here.

use serde_json::{Map, Value};

use crate::{
    base::{limits::DPOP_PROOF_BYTES, time::Timestamp},
    crypto::{
        KeyError, PublicKey,
        jws::{JwsError, Unverified},
    },
    format::sdjwt::numeric_date,
};

/// `typ` of a proof.
pub const DPOP_TYPE: &str = "dpop+jwt";

/// What a proof says, signed with the key in its header.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DpopProof {
    /// The key, which signed the proof.
    pub key: PublicKey,
    /// Its identifier, which stands in one proof only.
    pub jti: String,
    /// The method of the request.
    pub htm: String,
    /// The address of the request.
    pub htu: String,
    /// When it was made.
    pub iat: Timestamp,
    /// The hash of the access token beside it, base64url.
    pub ath: Option<String>,
    /// The nonce of the server.
    pub nonce: Option<String>,
}

/// Why a text is no proof.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DpopFormError {
    /// Its form, header or signature.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// No `jwk` in the header.
    #[error("the key is not given as jwk")]
    KeyNotGiven,
    /// The key itself.
    #[error("jwk: {0}")]
    Key(#[from] KeyError),
    /// A claim is missing or of another type.
    #[error("claim {0} is missing or malformed")]
    Claim(&'static str),
}

impl DpopProof {
    /// Takes a proof apart and checks its signature with the key it carries.
    pub fn read(text: &str) -> Result<Self, DpopFormError> {
        let unverified = Unverified::parse_within(text, &[DPOP_TYPE], DPOP_PROOF_BYTES)?;
        let key = PublicKey::from_jwk(unverified.header().jwk.as_ref().ok_or(DpopFormError::KeyNotGiven)?)?;
        let claims = unverified.verify(&key)?.claims;
        Ok(Self {
            key,
            jti: required(&claims, "jti")?,
            htm: required(&claims, "htm")?,
            htu: required(&claims, "htu")?,
            iat: claims.get("iat").and_then(numeric_date).ok_or(DpopFormError::Claim("iat"))?,
            ath: optional(&claims, "ath")?,
            nonce: optional(&claims, "nonce")?,
        })
    }
}

fn required(claims: &Map<String, Value>, name: &'static str) -> Result<String, DpopFormError> {
    optional(claims, name)?.filter(|text| !text.is_empty()).ok_or(DpopFormError::Claim(name))
}

fn optional(claims: &Map<String, Value>, name: &'static str) -> Result<Option<String>, DpopFormError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(DpopFormError::Claim(name)),
    }
}

/// Whether `htu` names this endpoint: equal after normalisation by syntax and scheme, query and fragment left aside
/// (RFC 9449 section 4.3, RFC 3986 sections 6.2.2 and 6.2.3).
pub fn names_endpoint(htu: &str, endpoint: &str) -> bool {
    normal(htu).is_some_and(|htu| normal(endpoint).is_some_and(|endpoint| htu == endpoint))
}

/// An `https` or `http` address without query and fragment, in the one spelling it has. Segments `.` and `..` stay as they
/// are: no endpoint has any.
fn normal(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let own_port = match scheme.as_str() {
        "https" => "443",
        "http" => "80",
        _ => return None,
    };
    let rest = rest.split(['?', '#']).next()?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let authority = authority.to_ascii_lowercase();
    if authority.is_empty() || authority.contains('@') {
        return None;
    }
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.is_empty() || port == own_port => host,
        _ => &authority,
    };
    let path = if path.is_empty() { "/".to_owned() } else { unescaped(path)? };
    Some(format!("{scheme}://{host}{path}"))
}

/// A path whose unreserved characters are not escaped, and whose other escapes are in upper case.
fn unescaped(path: &str) -> Option<String> {
    let mut normal = String::with_capacity(path.len());
    let mut rest = path.chars();
    while let Some(character) = rest.next() {
        if character != '%' {
            normal.push(character);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| digit.to_digit(16));
        let byte = u8::try_from(digit()? * 16 + digit()?).ok()?;
        match char::from(byte) {
            free if free.is_ascii_alphanumeric() || "-._~".contains(free) => normal.push(free),
            _ => normal.push_str(&format!("%{byte:02X}")),
        }
    }
    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 9449, from the folder of vectors.
    fn published() -> Option<Vec<String>> {
        let folder =
            std::env::var("YUFU_VECTORS").unwrap_or_else(|_| format!("{}/../shared/vectors", env!("CARGO_MANIFEST_DIR")));
        let Ok(text) = std::fs::read_to_string(format!("{folder}/dpop/examples.json")) else {
            println!("vectors absent: {folder}/dpop");
            return None;
        };
        let examples: Vec<Value> = serde_json::from_str(&text).expect("JSON");
        Some(examples.iter().filter_map(|example| example["dpop"].as_str().map(str::to_owned)).collect())
    }

    #[test]
    fn the_published_proofs_are_read() {
        let Some(texts) = published() else { return };
        let proofs: Vec<_> = texts.iter().map(|text| DpopProof::read(text).expect("a good proof")).collect();
        assert_eq!(proofs.len(), 4);
        for proof in &proofs {
            let print = crate::base::base64url::encode(proof.key.thumbprint());
            assert_eq!(print, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        }
        let (first, last) = (&proofs[0], &proofs[3]);
        assert_eq!((first.htm.as_str(), first.htu.as_str()), ("POST", "https://server.example.com/token"));
        assert_eq!((first.jti.as_str(), first.iat), ("-BwC3ESc6acc2lTc", Timestamp::from_unix(1_562_262_616)));
        assert_eq!((&first.ath, &first.nonce), (&None, &None));
        let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
        let hash = crate::base::base64url::encode(crate::crypto::sha256(token));
        assert_eq!(last.ath.as_deref(), Some(hash.as_str()));
        assert_eq!(hash, "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    }

    #[test]
    fn an_address_has_one_spelling() {
        let endpoint = "https://id.example/token";
        for same in [
            "https://id.example/token",
            "HTTPS://ID.example/token",
            "https://id.example:443/token",
            "https://id.example:/token",
            "https://id.example/token?a=b",
            "https://id.example/token#part",
            "https://id.example/%74oken",
        ] {
            assert!(names_endpoint(same, endpoint), "{same}");
        }
        for other in [
            "http://id.example/token",
            "https://id.example:8443/token",
            "https://id.example:80/token",
            "https://id.example/Token",
            "https://id.example/token/",
            "https://id.example//token",
            "https://id.example/%2Ftoken",
            "https://id.example/%",
            "https://id.example/%7",
            "https://id.example@evil.example/token",
            "https://evil.example/?https://id.example/token",
            "https://id.example",
            "/token",
            "",
            "javascript://id.example/token",
        ] {
            assert!(!names_endpoint(other, endpoint), "{other}");
        }
        assert!(names_endpoint("http://127.0.0.1:8080/token", "http://127.0.0.1:8080/token"));
        assert!(names_endpoint("http://[::1]:80/token", "http://[::1]/token"));
        assert!(!names_endpoint("http://[::1]:8080/token", "http://[::1]/token"));
        assert!(names_endpoint("https://id.example", "https://id.example/"));
    }
}

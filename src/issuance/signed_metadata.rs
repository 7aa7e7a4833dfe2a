//! The issuer's metadata as a signed document (OpenID4VCI 1.0 section 12.2.3, HAIP 1.0 section 4).

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use serde_json::{Map, Value};

use crate::{
    base::time::Timestamp,
    crypto::{
        SignError, jws,
        x509::{check_own_chain, x5c_header},
    },
    format::openid::{languages, metadata::SIGNED_METADATA_TYPE},
    issuance::{Fault, Ground, metadata::Metadata},
    keyring::Purpose,
};

/// How long one signed document is given to everybody, in seconds. Whoever asks without end makes one signature an hour.
const KEPT_SECONDS: i64 = 3600;

/// How long a signed document is good, in seconds: what it says can change with the next start of the service.
const GOOD_SECONDS: i64 = 24 * 3600;

/// Languages of the metadata.
pub const LANGUAGES: [&str; 2] = ["zh-CN", "en"];

/// The signed metadata.
///
/// The key for requests signs it and not the one for credentials: nothing this signature stands under passes for a card,
/// and its certificate is what tells wallets who speaks to them here and when they are asked for a presentation alike. It
/// is always ES256, which every wallet has to know (HAIP 1.0 section 7).
pub struct SignedMetadata {
    ground: Ground,
    kept: Mutex<BTreeMap<String, Kept>>,
}

struct Kept {
    at: Timestamp,
    token: String,
}

impl SignedMetadata {
    /// On this ground.
    pub fn new(ground: Ground) -> Self {
        Self { ground, kept: Mutex::default() }
    }

    /// The document as a compact JWS, with display in these of the [`LANGUAGES`] only, or in all when there are none.
    pub fn token(&self, languages: &[&str]) -> Result<String, Fault> {
        let now = self.ground.clock.now();
        let name = languages.join(",");
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Kept { at, token }) = kept.get(&name)
            && (*at..at.plus_seconds(KEPT_SECONDS)).contains(&now)
        {
            return Ok(token.clone());
        }
        let token = self.sign(languages, now)?;
        kept.insert(name, Kept { at: now, token: token.clone() });
        Ok(token)
    }

    fn sign(&self, languages: &[&str], now: Timestamp) -> Result<String, Fault> {
        let keyring = &self.ground.keyring;
        let chain = keyring.x5c(Purpose::Request);
        // Past its certificate nobody would believe the document; the plain one is still there.
        let leaf = check_own_chain(chain, now).map_err(|_| SignError::Unavailable)?;
        let mut claims = document(&Metadata::new(self.ground.clone()).issuer(), languages)?;
        claims.insert("sub".to_owned(), self.ground.public_url.as_ref().into());
        claims.insert("iat".to_owned(), now.unix().into());
        claims.insert("exp".to_owned(), now.plus_seconds(GOOD_SECONDS).min(leaf.not_after).unix().into());
        let header = [("typ", SIGNED_METADATA_TYPE.into()), ("x5c", x5c_header(chain))];
        let header = header.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(jws::sign(header, &claims, &*keyring.signer(Purpose::Request))?)
    }
}

/// A metadata document as JSON, with display in these languages only.
pub fn document(metadata: &impl serde::Serialize, languages: &[&str]) -> Result<Map<String, Value>, Fault> {
    let unwritable = || Fault::Make("the metadata cannot be written as JSON".to_owned());
    let mut document = serde_json::to_value(metadata).map_err(|_| unwritable())?;
    if !languages.is_empty() {
        languages::keep(&mut document, languages);
    }
    match document {
        Value::Object(members) => Ok(members),
        _ => Err(unwritable()),
    }
}

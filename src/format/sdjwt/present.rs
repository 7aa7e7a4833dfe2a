//! The holder's side: choosing what to disclose, and proving possession of the key (RFC 9901 sections 4.2.6 and 4.3).

use serde_json::{Map, Value, json};

use crate::{
    base::time::Timestamp,
    crypto::{SignError, Signer, jws},
    format::sdjwt::{
        SdJwtError, Unverified,
        disclosure::{self, Content, DigestText, digest},
        key_binding::{self, KEY_BINDING_TYPE},
        parse::Parts,
        process::{DIGESTS, PLACEHOLDER, process},
    },
};

/// Why nothing was presented.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PresentError {
    /// The SD-JWT is not one a holder may keep.
    #[error(transparent)]
    SdJwt(#[from] SdJwtError),
    /// It carries a key binding already: an issuer never sends one (RFC 9901 section 7.2).
    #[error("the credential already carries a key binding")]
    AlreadyBound,
    /// The key binding was not signed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// One step on the way to a disclosable claim.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PathPart {
    /// The member of an object with this name.
    Name(String),
    /// The element of an array, counted from 0 in the array as issued, undisclosed elements included.
    Element(usize),
}

/// What the holder proves possession with.
#[derive(Clone, Copy)]
pub struct HolderProof<'a> {
    /// The key the credential is bound to.
    pub signer: &'a dyn Signer,
    /// The nonce the verifier gave.
    pub nonce: &'a str,
    /// The verifier's identifier.
    pub audience: &'a str,
    /// The time of presenting.
    pub issued_at: Timestamp,
}

/// Presents a credential as received from its issuer: with those disclosures whose path `disclose` answers `true` for,
/// every disclosure one of them stands in, and a key binding JWT when a `proof` is to be given. The issuer's signature is
/// not checked, for a holder may not know the issuer's key.
pub fn present(
    sd_jwt: &str,
    disclose: &dyn Fn(&[PathPart]) -> bool,
    proof: Option<HolderProof<'_>>,
) -> Result<String, PresentError> {
    let payload = Unverified::parse(sd_jwt)?.dangerous_unverified_claims()?;
    let parts = Parts::split(sd_jwt)?;
    if parts.key_binding.is_some() {
        return Err(PresentError::AlreadyBound);
    }
    // Refuses what a verifier would refuse, so the walk below meets only what is in order.
    process(&mut payload.clone(), &parts.disclosures)?;
    let kept = choose(&payload, &parts.disclosures, disclose);

    let mut text = format!("{}~", parts.issuer_jwt);
    for (disclosure, _) in parts.disclosures.iter().zip(kept).filter(|(_, kept)| *kept) {
        text.push_str(disclosure);
        text.push('~');
    }
    if let Some(HolderProof { signer, nonce, audience, issued_at }) = proof {
        let header = Map::from_iter([("typ".to_owned(), KEY_BINDING_TYPE.into())]);
        let claims = Map::from_iter([
            ("iat".to_owned(), json!(issued_at)),
            ("aud".to_owned(), audience.into()),
            ("nonce".to_owned(), nonce.into()),
            ("sd_hash".to_owned(), key_binding::hash(&text).into()),
        ]);
        text.push_str(&jws::sign(header, &claims, signer)?);
    }
    Ok(text)
}

/// For each disclosure whether it is kept.
fn choose(payload: &Map<String, Value>, texts: &[&str], disclose: &dyn Fn(&[PathPart]) -> bool) -> Vec<bool> {
    let mut choice =
        Choice { digests: texts.iter().map(|text| digest(text)).collect(), texts, disclose, kept: vec![false; texts.len()] };
    choice.object(payload, &mut Vec::new(), &mut Vec::new());
    choice.kept
}

struct Choice<'a> {
    digests: Vec<DigestText>,
    texts: &'a [&'a str],
    disclose: &'a dyn Fn(&[PathPart]) -> bool,
    kept: Vec<bool>,
}

impl Choice<'_> {
    /// Walks what stands at `path`, inside the disclosures `around`.
    fn value(&mut self, value: &Value, path: &mut Vec<PathPart>, around: &mut Vec<usize>) {
        match value {
            Value::Object(map) => self.object(map, path, around),
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    path.push(PathPart::Element(at));
                    match item.get(PLACEHOLDER) {
                        Some(digest) => self.disclosure(digest, path, around),
                        None => self.value(item, path, around),
                    }
                    path.pop();
                }
            }
            _ => {}
        }
    }

    fn object(&mut self, map: &Map<String, Value>, path: &mut Vec<PathPart>, around: &mut Vec<usize>) {
        for (name, value) in map {
            if name == DIGESTS {
                value.as_array().into_iter().flatten().for_each(|digest| self.disclosure(digest, path, around));
            } else {
                path.push(PathPart::Name(name.clone()));
                self.value(value, path, around);
                path.pop();
            }
        }
    }

    /// Follows a digest, if a disclosure stands behind it; `path` is that of the array element, or of the object a claim
    /// belongs to.
    fn disclosure(&mut self, digest: &Value, path: &mut Vec<PathPart>, around: &mut Vec<usize>) {
        let digest = digest.as_str().unwrap_or_default().as_bytes();
        let Some(index) = self.digests.iter().position(|known| known == digest) else { return };
        let Some(Ok(content)) = self.texts.get(index).map(|text| disclosure::read(text)) else { return };
        let (name, value) = match content {
            Content::Claim(name, value) => (Some(name), value),
            Content::Element(value) => (None, value),
        };
        let depth = path.len();
        path.extend(name.map(PathPart::Name));
        around.push(index);
        if (self.disclose)(path) {
            for around in around.iter() {
                self.kept.get_mut(*around).into_iter().for_each(|kept| *kept = true);
            }
        }
        self.value(&value, path, around);
        around.pop();
        path.truncate(depth);
    }
}

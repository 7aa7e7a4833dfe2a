//! From the signed payload and the disclosures to the claims (RFC 9901 section 7.1, steps 3 to 5): one walk that puts
//! each disclosed value in its place and takes every digest away.

use serde_json::{Map, Value};

use crate::{
    base::limits::JSON_DEPTH,
    format::sdjwt::{
        DisclosureError, SdJwtError,
        disclosure::{self, Content, DigestText},
        registered::registered,
    },
};

/// The key of the digests of an object's claims.
pub(super) const DIGESTS: &str = "_sd";
/// The one key of an array element that stands for a digest.
pub(super) const PLACEHOLDER: &str = "...";
/// The key that names the hash function.
pub(super) const HASH_ALGORITHM: &str = "_sd_alg";
/// The hash function, as the IANA registry of named information writes it.
pub(super) const SHA_256: &str = "sha-256";

/// Processes `payload` with the texts of `disclosures`. Each is hashed once, and read only when something refers to it.
pub(super) fn process(payload: &mut Map<String, Value>, disclosures: &[&str]) -> Result<(), SdJwtError> {
    match payload.remove(HASH_ALGORITHM) {
        None => {}
        Some(Value::String(name)) if name == SHA_256 => {}
        Some(_) => return Err(SdJwtError::HashAlgorithmNotAccepted),
    }
    let mut walk = Walk { disclosures: Received::new(disclosures)?, met: Vec::new() };
    walk.object(payload, 1, Place::Top)?;
    walk.finish()
}

/// The disclosures of one text, found by digest.
struct Received<'a> {
    /// Sorted by digest.
    entries: Vec<Entry<'a>>,
}

struct Entry<'a> {
    digest: DigestText,
    index: usize,
    text: &'a str,
    used: bool,
}

impl<'a> Received<'a> {
    fn new(texts: &[&'a str]) -> Result<Self, SdJwtError> {
        let entry = |(index, text): (usize, &&'a str)| Entry { digest: disclosure::digest(text), index, text, used: false };
        let mut entries: Vec<_> = texts.iter().enumerate().map(entry).collect();
        entries.sort_unstable_by_key(|entry| entry.digest);
        if entries.windows(2).any(|pair| matches!(pair, [one, other] if one.digest == other.digest)) {
            return Err(SdJwtError::DuplicateDisclosure);
        }
        Ok(Self { entries })
    }

    /// What stands behind `digest`, with its index; `None` for a decoy or a withheld claim.
    fn take(&mut self, digest: &str) -> Result<Option<(usize, Content)>, SdJwtError> {
        let found = self.entries.binary_search_by(|entry| entry.digest.as_slice().cmp(digest.as_bytes()));
        let Some(entry) = found.ok().and_then(|at| self.entries.get_mut(at)) else {
            return Ok(None);
        };
        if std::mem::replace(&mut entry.used, true) {
            return Err(SdJwtError::DuplicateDigest);
        }
        match disclosure::read(entry.text) {
            Ok(content) => Ok(Some((entry.index, content))),
            Err(problem) => Err(SdJwtError::Disclosure { index: entry.index, problem }),
        }
    }
}

/// Where an object or array stands.
#[derive(Clone, Copy)]
enum Place {
    /// The payload itself.
    Top,
    /// Inside a claim that may hold digests.
    Open,
    /// Inside this registered claim, which may not.
    Registered(&'static str),
}

struct Walk<'a> {
    disclosures: Received<'a>,
    /// Every digest met, to find one that stands twice.
    met: Vec<String>,
}

impl Walk<'_> {
    fn value(&mut self, value: &mut Value, depth: usize, place: Place) -> Result<(), SdJwtError> {
        match value {
            Value::Object(map) => self.object(map, depth, place),
            Value::Array(items) => self.array(items, depth, place),
            _ => Ok(()),
        }
    }

    fn object(&mut self, map: &mut Map<String, Value>, depth: usize, place: Place) -> Result<(), SdJwtError> {
        if depth > JSON_DEPTH {
            return Err(SdJwtError::TooDeep);
        }
        let digests = map.remove(DIGESTS);
        for (name, value) in map.iter_mut() {
            match name.as_str() {
                HASH_ALGORITHM => return Err(SdJwtError::HashAlgorithmMisplaced),
                PLACEHOLDER => return Err(SdJwtError::MalformedPlaceholder),
                _ => {}
            }
            let inside = match place {
                Place::Top => registered(name).map_or(Place::Open, Place::Registered),
                below => below,
            };
            self.value(value, depth + 1, inside)?;
        }
        match (digests, place) {
            (None, _) => Ok(()),
            (Some(_), Place::Registered(claim)) => Err(SdJwtError::RegisteredClaimHidden(claim)),
            (Some(Value::Array(digests)), _) => self.insert_claims(map, digests, depth, place),
            (Some(_), _) => Err(SdJwtError::MalformedDigest),
        }
    }

    fn insert_claims(
        &mut self,
        map: &mut Map<String, Value>,
        digests: Vec<Value>,
        depth: usize,
        place: Place,
    ) -> Result<(), SdJwtError> {
        for digest in digests {
            let Value::String(digest) = digest else {
                return Err(SdJwtError::MalformedDigest);
            };
            let (name, mut value) = match self.disclosures.take(&digest)? {
                None => {
                    self.met.push(digest);
                    continue;
                }
                Some((_, Content::Claim(name, value))) => (name, value),
                Some((index, Content::Element(_))) => {
                    return Err(SdJwtError::Disclosure { index, problem: DisclosureError::ClaimDue });
                }
            };
            match name.as_str() {
                DIGESTS | PLACEHOLDER => return Err(SdJwtError::ReservedClaimName),
                HASH_ALGORITHM => return Err(SdJwtError::HashAlgorithmMisplaced),
                _ => {}
            }
            // A claim that stands in clear is reported as such, also when it is a registered one.
            if map.contains_key(&name) {
                return Err(SdJwtError::ClaimAlreadyPresent);
            }
            if let (Place::Top, Some(claim)) = (place, registered(&name)) {
                return Err(SdJwtError::RegisteredClaimHidden(claim));
            }
            self.value(&mut value, depth + 1, Place::Open)?;
            map.insert(name, value);
        }
        Ok(())
    }

    fn array(&mut self, items: &mut Vec<Value>, depth: usize, place: Place) -> Result<(), SdJwtError> {
        if depth > JSON_DEPTH {
            return Err(SdJwtError::TooDeep);
        }
        let mut failure = None;
        // Placeholders of withheld elements and decoys go, the others keep their order.
        items.retain_mut(|item| {
            failure.is_none()
                && self.element(item, depth, place).unwrap_or_else(|error| {
                    failure = Some(error);
                    false
                })
        });
        failure.map_or(Ok(()), Err)
    }

    /// Processes one array element; `false` when it stands for something that was not disclosed.
    fn element(&mut self, item: &mut Value, depth: usize, place: Place) -> Result<bool, SdJwtError> {
        let Some(placeholder) = item.as_object_mut().filter(|map| map.contains_key(PLACEHOLDER)) else {
            self.value(item, depth + 1, place)?;
            return Ok(true);
        };
        if let Place::Registered(claim) = place {
            return Err(SdJwtError::RegisteredClaimHidden(claim));
        }
        let digest = match (placeholder.remove(PLACEHOLDER), placeholder.is_empty()) {
            (Some(Value::String(digest)), true) => digest,
            (_, true) => return Err(SdJwtError::MalformedDigest),
            (_, false) => return Err(SdJwtError::MalformedPlaceholder),
        };
        match self.disclosures.take(&digest)? {
            None => {
                self.met.push(digest);
                Ok(false)
            }
            Some((_, Content::Element(mut value))) => {
                self.value(&mut value, depth + 1, Place::Open)?;
                *item = value;
                Ok(true)
            }
            Some((index, Content::Claim(..))) => Err(SdJwtError::Disclosure { index, problem: DisclosureError::ElementDue }),
        }
    }

    fn finish(mut self) -> Result<(), SdJwtError> {
        let unused = self.disclosures.entries.iter().filter(|entry| !entry.used).map(|entry| entry.index).min();
        if let Some(index) = unused {
            return Err(SdJwtError::UnreferencedDisclosure(index));
        }
        // Digests with a disclosure were held apart when they were taken; these are the ones without.
        self.met.sort_unstable();
        if self.met.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            return Err(SdJwtError::DuplicateDigest);
        }
        Ok(())
    }
}

//! Making a credential: which claims are hidden behind digests, and the signature over the rest (RFC 9901 section 4).

use serde_json::{Map, Value, json};

use crate::{
    base::{
        base64url,
        limits::{DISCLOSURES, JSON_DEPTH, JWS_BYTES, SD_JWT_BYTES},
        random::Random,
    },
    crypto::{SignError, Signer, jws, sha256},
    format::sdjwt::{
        ClaimFormError,
        disclosure::{self, digest},
        parse::CREDENTIAL_TYPE,
        process::{DIGESTS, HASH_ALGORITHM, PLACEHOLDER, SHA_256},
        registered::{check_forms, registered},
    },
};

/// Why no credential was made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IssueError {
    /// The claims do not form a credential.
    #[error(transparent)]
    Claim(#[from] ClaimFormError),
    /// A path would hide a claim that has to stand in clear, or a part of it.
    #[error("claim {0} may not be selectively disclosable")]
    RegisteredClaim(&'static str),
    /// The claims use one of the names that SD-JWT keeps for itself: `_sd`, `_sd_alg` or `...`.
    #[error("a claim has a reserved name")]
    ReservedName,
    /// The empty path: the credential as a whole cannot be hidden.
    #[error("an empty path")]
    EmptyPath,
    /// The result would be longer, deeper or of more disclosures than [`Unverified::parse`](super::Unverified::parse)
    /// accepts.
    #[error("the credential would be larger than verifiers accept")]
    TooLarge,
    /// The claims cannot be written as JSON.
    #[error("the claims cannot be written")]
    Unwritable,
    /// Nothing was signed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// One step of a path to a claim.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Step {
    /// The member of an object with this name.
    Name(String),
    /// The element of an array at this position, from 0.
    Element(usize),
    /// Every element of an array.
    Every,
}

/// What a credential is made from.
#[derive(Debug)]
pub struct Issuance<'a> {
    /// Header members such as `x5c`; `typ` and `alg` are set here, `kid` when there is no `x5c`.
    pub header: Map<String, Value>,
    /// All claims in clear, `iss`, `vct`, `cnf`, `status` and the times included.
    pub claims: Map<String, Value>,
    /// The paths that become selectively disclosable. A path below another makes a recursive disclosure (RFC 9901
    /// section 4.2.6); one that leads nowhere is passed over, for claims are optional.
    pub disclosable: &'a [Vec<Step>],
    /// Decoy digests put beside the true ones in each object and array that has any (RFC 9901 section 4.2.5).
    pub decoys: usize,
}

/// Makes and signs a credential: the compact SD-JWT with all disclosures, ending in a tilde. Each salt is 128 fresh
/// random bits (section 9.3); digests are sorted, so the order of the claims does not show (section 4.2.4.1).
pub fn issue(issuance: Issuance<'_>, signer: &dyn Signer, random: &dyn Random) -> Result<String, IssueError> {
    let Issuance { mut header, mut claims, disclosable, decoys } = issuance;
    check_forms(&claims)?;
    // One level is kept for the digests that an innermost object may get.
    check_names(&claims, JSON_DEPTH - 1)?;
    for path in disclosable {
        match path.first() {
            None => return Err(IssueError::EmptyPath),
            Some(Step::Name(name)) => registered(name).map_or(Ok(()), |claim| Err(IssueError::RegisteredClaim(claim)))?,
            Some(_) => {}
        }
    }
    let paths: Vec<&[Step]> = disclosable.iter().map(Vec::as_slice).collect();
    let mut veil = Veil { random, decoys, disclosures: Vec::new() };
    veil.object(&mut claims, &paths)?;
    if !veil.disclosures.is_empty() {
        claims.insert(HASH_ALGORITHM.to_owned(), SHA_256.into());
    }
    header.insert("typ".to_owned(), CREDENTIAL_TYPE.into());
    let mut text = jws::sign(header, &claims, signer)?;
    if text.len() > JWS_BYTES || veil.disclosures.len() > DISCLOSURES {
        return Err(IssueError::TooLarge);
    }
    text.push('~');
    for disclosure in &veil.disclosures {
        text.push_str(disclosure);
        text.push('~');
    }
    if text.len() > SD_JWT_BYTES { Err(IssueError::TooLarge) } else { Ok(text) }
}

/// No reserved name at any depth, and no deeper than `depth` objects or arrays.
fn check_names(map: &Map<String, Value>, depth: usize) -> Result<(), IssueError> {
    let below = depth.checked_sub(1).ok_or(IssueError::TooLarge)?;
    for (name, value) in map {
        if [DIGESTS, HASH_ALGORITHM, PLACEHOLDER].contains(&name.as_str()) {
            return Err(IssueError::ReservedName);
        }
        check_names_in(value, below)?;
    }
    Ok(())
}

fn check_names_in(value: &Value, depth: usize) -> Result<(), IssueError> {
    match value {
        Value::Object(map) => check_names(map, depth),
        Value::Array(items) => {
            let below = depth.checked_sub(1).ok_or(IssueError::TooLarge)?;
            items.iter().try_for_each(|item| check_names_in(item, below))
        }
        _ => Ok(()),
    }
}

/// Hides claims and keeps their disclosures.
struct Veil<'a> {
    random: &'a dyn Random,
    decoys: usize,
    disclosures: Vec<String>,
}

impl Veil<'_> {
    /// Hides inside `value` what `paths`, relative to it, lead to: the deepest first, so that a disclosure holds the
    /// digests of those below it.
    fn value(&mut self, value: &mut Value, paths: &[&[Step]]) -> Result<(), IssueError> {
        match value {
            Value::Object(map) => self.object(map, paths),
            Value::Array(items) => self.array(items, paths),
            _ => Ok(()),
        }
    }

    fn object(&mut self, map: &mut Map<String, Value>, paths: &[&[Step]]) -> Result<(), IssueError> {
        let mut hidden = Vec::new();
        for (name, value) in map.iter_mut() {
            let (hide, deeper) = below(paths, |step| matches!(step, Step::Name(step) if step == name));
            self.value(value, &deeper)?;
            if hide {
                hidden.push((name.clone(), self.disclose(Some(name), value)?));
            }
        }
        if hidden.is_empty() {
            return Ok(());
        }
        let mut digests: Vec<String> = (0..self.decoys).map(|_| self.decoy()).collect();
        for (name, digest) in hidden {
            map.remove(&name);
            digests.push(digest);
        }
        digests.sort_unstable();
        map.insert(DIGESTS.to_owned(), digests.into());
        Ok(())
    }

    fn array(&mut self, items: &mut Vec<Value>, paths: &[&[Step]]) -> Result<(), IssueError> {
        let mut any = false;
        for (at, item) in items.iter_mut().enumerate() {
            let (hide, deeper) = below(paths, |step| *step == Step::Every || *step == Step::Element(at));
            self.value(item, &deeper)?;
            if hide {
                any = true;
                *item = json!({ PLACEHOLDER: self.disclose(None, item)? });
            }
        }
        for _ in 0..if any { self.decoys } else { 0 } {
            // Anywhere between the elements, whose own order is theirs to keep: at the end decoys would show.
            let at = u32::from_be_bytes(self.random.array()) as usize % (items.len() + 1);
            items.insert(at, json!({ PLACEHOLDER: self.decoy() }));
        }
        Ok(())
    }

    fn disclose(&mut self, name: Option<&str>, value: &Value) -> Result<String, IssueError> {
        let text = disclosure::write(&self.random.array(), name, value).map_err(|_| IssueError::Unwritable)?;
        let digest = String::from_utf8_lossy(&digest(&text)).into_owned();
        self.disclosures.push(text);
        Ok(digest)
    }

    /// The digest of random bytes, which no disclosure can have (RFC 9901 section 4.2.5).
    fn decoy(&self) -> String {
        base64url::encode(sha256(self.random.array::<32>()))
    }
}

/// Of `paths`, those whose first step `matches`: whether one ends there, and the remainders of the others.
fn below<'p>(paths: &[&'p [Step]], matches: impl Fn(&Step) -> bool) -> (bool, Vec<&'p [Step]>) {
    let (mut ends, mut deeper) = (false, Vec::new());
    for path in paths {
        match path.split_first() {
            Some((step, [])) if matches(step) => ends = true,
            Some((step, rest)) if matches(step) => deeper.push(rest),
            _ => {}
        }
    }
    (ends, deeper)
}

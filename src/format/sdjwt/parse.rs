//! Taking an SD-JWT apart, and the two states it is in: nobody has checked it, or its issuer's signature holds.

use serde_json::{Map, Value};

use crate::{
    base::limits::{DISCLOSURES, SD_JWT_BYTES},
    crypto::{
        PublicKey,
        jws::{self, Header, JwsError},
    },
    format::sdjwt::{
        SdJwtError,
        disclosure::{self, Content},
        key_binding::{self, KeyBinding, KeyBindingError, KeyBindingExpectation},
        process::process,
        registered,
    },
};

/// `typ` of a credential (SD-JWT VC section 2.2.1). `vc+sd-jwt`, as it was before November 2024, is not accepted.
pub const CREDENTIAL_TYPE: &str = "dc+sd-jwt";

/// An SD-JWT, with or without key binding, of which only the outer form was checked.
#[derive(Clone, Debug)]
pub struct Unverified<'a> {
    jws: jws::Unverified<'a>,
    parts: Parts<'a>,
    is_credential: bool,
}

/// The text without its issuer-signed JWT. Everything borrows from what was received: digests are taken of it, never of
/// something written anew.
#[derive(Clone, Debug)]
pub(super) struct Parts<'a> {
    /// From the start through the last tilde: what a key binding JWT signs the hash of.
    pub(super) bound: &'a str,
    pub(super) issuer_jwt: &'a str,
    pub(super) disclosures: Vec<&'a str>,
    pub(super) key_binding: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// Splits `jwt~d1~..~dn~[kb-jwt]` (RFC 9901 section 4).
    pub(super) fn split(text: &'a str) -> Result<Self, SdJwtError> {
        if text.len() > SD_JWT_BYTES {
            return Err(SdJwtError::TooLong);
        }
        let last = text.rfind('~').ok_or(SdJwtError::LastTildeMissing)?;
        let (bound, key_binding) = text.split_at_checked(last + 1).ok_or(SdJwtError::LastTildeMissing)?;
        // A disclosure has no dot; one that stands last without its tilde is not mistaken for a key binding JWT.
        if !key_binding.is_empty() && !key_binding.contains('.') {
            return Err(SdJwtError::LastTildeMissing);
        }
        let key_binding = Some(key_binding).filter(|text| !text.is_empty());
        let tildes = bound.bytes().filter(|byte| *byte == b'~').count();
        if tildes > DISCLOSURES + 1 {
            return Err(SdJwtError::TooManyDisclosures);
        }
        let mut parts = bound.split_terminator('~');
        let issuer_jwt = parts.next().unwrap_or_default();
        let mut disclosures = Vec::with_capacity(tildes);
        for part in parts {
            if part.is_empty() {
                return Err(SdJwtError::EmptyDisclosure);
            }
            disclosures.push(part);
        }
        Ok(Self { bound, issuer_jwt, disclosures, key_binding })
    }
}

impl<'a> Unverified<'a> {
    /// Takes a credential (`typ` [`CREDENTIAL_TYPE`]) apart; whether a key binding JWT is there is not judged here.
    pub fn parse(text: &'a str) -> Result<Self, SdJwtError> {
        Self::read(text, &[CREDENTIAL_TYPE], true)
    }

    /// Takes an SD-JWT of another use apart, whose `typ` is exactly one of `types`; the claims of the credential profile
    /// (`vct` and the forms of the others) are then not asked for.
    pub fn parse_with_types(text: &'a str, types: &[&str]) -> Result<Self, SdJwtError> {
        Self::read(text, types, false)
    }

    fn read(text: &'a str, types: &[&str], is_credential: bool) -> Result<Self, SdJwtError> {
        let parts = Parts::split(text)?;
        let jws = jws::Unverified::parse(parts.issuer_jwt, types)?;
        Ok(Self { jws, parts, is_credential })
    }

    /// The header of the issuer-signed JWT, which nothing vouches for yet: good for finding the key.
    pub fn header(&self) -> &Header {
        self.jws.header()
    }

    /// The payload before signature and disclosures were checked, digests and all: good for finding the issuer's key, and
    /// for nothing else.
    pub fn dangerous_unverified_claims(&self) -> Result<Map<String, Value>, SdJwtError> {
        Ok(self.jws.dangerous_unverified_claims()?)
    }

    /// Whether a claim of this name is shown, at the top in clear or in a disclosure at any depth, before anything was
    /// checked: good for refusing, and for nothing else. What cannot be read shows none; [`verify`](Self::verify) says so.
    pub fn dangerous_unverified_shows(&self, claim: &str) -> bool {
        let disclosed = |text: &&str| matches!(disclosure::read(text), Ok(Content::Claim(name, _)) if name == claim);
        self.parts.disclosures.iter().any(disclosed)
            || self.dangerous_unverified_claims().is_ok_and(|claims| claims.contains_key(claim))
    }

    /// Checks the issuer's signature with `key`, then every digest, and gives the claims (RFC 9901 section 7.1). Nothing
    /// is hashed or inserted for a signature that does not hold.
    ///
    /// Left to the caller: that the key is this issuer's, that the times hold, whether key binding is required, and
    /// whether a claim that policy needs was disclosed.
    pub fn verify(self, key: &PublicKey) -> Result<Verified<'a>, SdJwtError> {
        Self::signed(self.jws.verify(key), &self.parts, self.is_credential)
    }

    /// Checks several, each with its key, and answers as [`verify`](Self::verify) does, in their order. The signatures are
    /// checked together, which costs less under keys that are [`prepared`](PublicKey::prepared).
    pub fn verify_all(all: Vec<(Self, &PublicKey)>) -> Vec<Result<Verified<'a>, SdJwtError>> {
        let (jws, rest): (Vec<_>, Vec<_>) =
            all.into_iter().map(|(one, key)| ((one.jws, key), (one.parts, one.is_credential))).unzip();
        let signed = jws::Unverified::verify_all(jws).into_iter().zip(rest);
        signed.map(|(jws, (parts, is_credential))| Self::signed(jws, &parts, is_credential)).collect()
    }

    fn signed(
        jws: Result<jws::Verified, JwsError>,
        parts: &Parts<'a>,
        is_credential: bool,
    ) -> Result<Verified<'a>, SdJwtError> {
        let jws::Verified { header, mut claims } = jws?;
        process(&mut claims, &parts.disclosures)?;
        if is_credential {
            registered::check_forms(&claims)?;
        }
        Ok(Verified { header, claims, bound: parts.bound, key_binding: parts.key_binding })
    }
}

/// An SD-JWT whose issuer signature and digests hold. Its key binding, if there is one, is not checked yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified<'a> {
    header: Header,
    claims: Map<String, Value>,
    bound: &'a str,
    key_binding: Option<&'a str>,
}

impl Verified<'_> {
    /// The header of the issuer-signed JWT.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The processed payload: what the issuer left in clear and what the holder disclosed, without any trace of the rest.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// [`claims`](Self::claims), given away.
    pub fn into_claims(self) -> Map<String, Value> {
        self.claims
    }

    /// The key binding JWT as received, unchecked. Whether one is needed is decided by policy before looking here
    /// (RFC 9901 section 9.5); a credential fresh from its issuer has none (section 7.2).
    pub fn key_binding(&self) -> Option<&str> {
        self.key_binding
    }

    /// Checks that the holder of the credential's key made this presentation, for this verifier, now (RFC 9901
    /// section 7.3). A missing key binding JWT is an error.
    pub fn verify_key_binding(&self, expected: &KeyBindingExpectation<'_>) -> Result<KeyBinding, KeyBindingError> {
        let proof = self.key_binding.ok_or(KeyBindingError::Missing)?;
        key_binding::verify(proof, self.bound, &self.claims, expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_at_its_tildes() {
        let split = |text| Parts::split(text).map(|parts| (parts.issuer_jwt, parts.disclosures, parts.key_binding));
        assert_eq!(split("a.b.c~"), Ok(("a.b.c", vec![], None)));
        assert_eq!(split("a.b.c~d~e~"), Ok(("a.b.c", vec!["d", "e"], None)));
        assert_eq!(split("a.b.c~d~x.y.z"), Ok(("a.b.c", vec!["d"], Some("x.y.z"))));
        assert_eq!(split("a.b.c"), Err(SdJwtError::LastTildeMissing));
        assert_eq!(split("a.b.c~d~e"), Err(SdJwtError::LastTildeMissing));
        assert_eq!(split("a.b.c~~"), Err(SdJwtError::EmptyDisclosure));
        assert_eq!(split("a.b.c~d~~x.y.z"), Err(SdJwtError::EmptyDisclosure));
    }

    #[test]
    fn length_and_number_are_bounded() {
        let many = |n: usize| format!("a.b.c~{}", "d~".repeat(n));
        assert!(Parts::split(&many(DISCLOSURES)).is_ok());
        assert_eq!(Parts::split(&many(DISCLOSURES + 1)).err(), Some(SdJwtError::TooManyDisclosures));
        assert_eq!(Parts::split(&format!("a.b.c~{}~", "d".repeat(SD_JWT_BYTES))).err(), Some(SdJwtError::TooLong));
    }
}

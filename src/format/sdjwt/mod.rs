//! SD-JWT (RFC 9901) and the credential profile on it, SD-JWT VC (draft-ietf-oauth-sd-jwt-vc).
//!
//! Three parties, three doors: an issuer calls [`issue`], a holder [`present`], and a verifier takes a text apart with
//! [`Unverified::parse`], checks it with [`Unverified::verify`] and its holder with
//! [`Verified::verify_key_binding`]. All are pure functions of text, keys and time.
//!
//! Stricter than the standard, on purpose:
//! - SHA-256 is the only hash function (`_sd_alg` is `sha-256` or absent, RFC 9901 section 4.1.1);
//! - the claims a decision rests on ([`REGISTERED`]) never come from a disclosure, whole or in part, and no
//!   digest may stand inside them (SD-JWT VC section 2.2.2.3 asks this of issuers; here it is held on input too);
//! - the keys `_sd` and `...` are never data: `{"...": digest, "x": 1}` is refused rather than kept as a claim, and so is
//!   a `...` that is not an array element;
//! - JSON with a key that stands twice is refused, in the payload and in every disclosure.

mod disclosure;
mod issue;
pub mod json_form;
mod key_binding;
mod parse;
mod present;
mod process;
mod registered;

pub use disclosure::DisclosureError;
pub use issue::{Issuance, IssueError, Step, issue};
pub use key_binding::{KEY_BINDING_TYPE, KeyBinding, KeyBindingError, KeyBindingExpectation};
pub use parse::{CREDENTIAL_TYPE, Unverified, Verified};
pub use present::{HolderProof, PathPart, PresentError, present};
pub use registered::{ClaimFormError, REGISTERED, numeric_date};

use crate::crypto::jws::JwsError;

/// Why an SD-JWT is refused. Nothing in it quotes the text, which may hold personal data.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SdJwtError {
    /// Longer than [`SD_JWT_BYTES`](crate::base::limits::SD_JWT_BYTES).
    #[error("longer than allowed")]
    TooLong,
    /// No tilde at all, or text after the last tilde that is not a JWT (RFC 9901 section 4).
    #[error("the tilde after the last disclosure is missing")]
    LastTildeMissing,
    /// Two tildes with nothing between them.
    #[error("an empty disclosure")]
    EmptyDisclosure,
    /// More than [`DISCLOSURES`](crate::base::limits::DISCLOSURES).
    #[error("more disclosures than allowed")]
    TooManyDisclosures,
    /// The issuer-signed JWT is refused.
    #[error("issuer-signed JWT: {0}")]
    Issuer(#[from] JwsError),
    /// `_sd_alg` is not the text `sha-256` (RFC 9901 section 4.1.1).
    #[error("hash algorithm not accepted")]
    HashAlgorithmNotAccepted,
    /// `_sd_alg` stands below the top level, or in a disclosure.
    #[error("the hash algorithm stands where it may not")]
    HashAlgorithmMisplaced,
    /// `_sd` is not an array of strings, or `...` not a string (RFC 9901 section 7.1).
    #[error("a digest is not a string in its place")]
    MalformedDigest,
    /// `...` beside another key, or in an object that is not an array element.
    #[error("an array placeholder with other content, or outside an array")]
    MalformedPlaceholder,
    /// One digest stands in two places, decoys included (RFC 9901 section 7.1).
    #[error("a digest stands twice")]
    DuplicateDigest,
    /// The same disclosure was sent twice.
    #[error("a disclosure stands twice")]
    DuplicateDisclosure,
    /// No digest refers to this disclosure, counted from 0.
    #[error("disclosure {0} belongs to nothing in the credential")]
    UnreferencedDisclosure(usize),
    /// A disclosure that something refers to cannot be read.
    #[error("disclosure {index}: {problem}")]
    Disclosure {
        /// Its position in the text, from 0.
        index: usize,
        /// What is wrong with it.
        problem: DisclosureError,
    },
    /// A disclosed claim named `_sd` or `...`.
    #[error("a disclosure with a reserved claim name")]
    ReservedClaimName,
    /// A disclosed claim whose name the object has already.
    #[error("a disclosure would replace a claim")]
    ClaimAlreadyPresent,
    /// A claim that may not be selectively disclosable, or a part of one, is.
    #[error("claim {0} may not be selectively disclosable")]
    RegisteredClaimHidden(&'static str),
    /// Nested deeper than [`JSON_DEPTH`](crate::base::limits::JSON_DEPTH) after insertion.
    #[error("nested too deeply")]
    TooDeep,
    /// A claim of the credential profile is missing or of the wrong form.
    #[error(transparent)]
    Claim(#[from] ClaimFormError),
}

#[cfg(test)]
mod tests;

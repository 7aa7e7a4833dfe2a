//! What the issuing of a type asks for beside what stands in it.

use serde::Deserialize;

/// Most decoys at each level: RFC 9901 section 9.7 wants the number of claims hidden, not the credential made of chaff.
const DECOYS: u8 = 16;

/// Most levels of one list, and the longest name of one.
const LEVELS: usize = 8;
const LEVEL_BYTES: usize = 128;

/// How a type is issued.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Issuing {
    /// Whether an officer looks at each request for a new card before it is issued.
    pub approval: bool,
    /// How many digests without a claim stand at each level beside those of the claims (RFC 9901 section 4.2.5).
    pub decoys: usize,
    /// What keys of wallets have to be attested to be.
    pub key_attestation: KeyAttestationRule,
}

/// What a key attestation has to say (OpenID4VCI 1.0 appendix D.2): one of the levels of each list; an empty list asks for
/// none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeyAttestationRule {
    /// Against whom the store of the keys holds.
    pub key_storage: Vec<String>,
    /// Against whom the unlocking of the keys holds.
    pub user_authentication: Vec<String>,
}

/// The keys of a type's file that say so.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct IssuingText {
    approval: Option<ApprovalText>,
    decoys: u8,
    key_attestation: KeyAttestationText,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ApprovalText {
    Officer,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct KeyAttestationText {
    key_storage: Vec<String>,
    user_authentication: Vec<String>,
}

/// Reads them; the key that makes no sense, and why.
pub(super) fn issuing(text: IssuingText) -> Result<Issuing, (&'static str, &'static str)> {
    if text.decoys > DECOYS {
        return Err(("issuing.decoys", "must be from 0 to 16"));
    }
    let KeyAttestationText { key_storage, user_authentication } = text.key_attestation;
    let is_level =
        |level: &String| !level.is_empty() && level.len() <= LEVEL_BYTES && level.bytes().all(|b| b.is_ascii_graphic());
    for (key, levels) in [
        ("issuing.key_attestation.key_storage", &key_storage),
        ("issuing.key_attestation.user_authentication", &user_authentication),
    ] {
        if levels.len() > LEVELS || !levels.iter().all(is_level) {
            return Err((key, "must be a list of at most 8 names of levels, such as iso_18045_high"));
        }
    }
    Ok(Issuing {
        approval: matches!(text.approval, Some(ApprovalText::Officer)),
        decoys: usize::from(text.decoys),
        key_attestation: KeyAttestationRule { key_storage, user_authentication },
    })
}

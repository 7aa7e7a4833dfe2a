//! The first step: everything that can be told from the bytes, the trust anchors and the time.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value};

use super::{
    answer::{check_query, check_transaction_data},
    authenticate::{Opened, authenticated},
    checks::Checks,
    expectations::{AcceptedTypes, Expectations, HolderBinding},
    lookup::Wanted,
    trust::Trust,
};
use crate::{
    base::{limits::CLOCK_SKEW_SECONDS, time::Timestamp},
    crypto::{
        jws,
        x509::{AuthorityId, Leaf},
    },
    format::{
        dcql::Candidate,
        sdjwt::{
            CREDENTIAL_TYPE, ClaimFormError, KeyBinding, KeyBindingError, KeyBindingExpectation, SdJwtError, Unverified,
            Verified, numeric_date,
        },
        status::{ReferenceError, StatusReference},
    },
    model::{
        reason::{Decision, ReasonCode},
        statement::{CheckName, CredentialPart},
    },
};

/// Claims that serve the protocol and say nothing of the holder, or that a statement gives in a place of their own.
const TECHNICAL_CLAIMS: [&str; 10] =
    ["iss", "iat", "nbf", "exp", "vct", "vct#integrity", "aka_vcts", "cnf", "status", "_sd_alg"];

/// What a credential says of its status.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum StatusClaim {
    /// Nothing.
    None,
    /// Where it stands.
    Named(StatusReference),
    /// Something that is no reference we can read (checklist NT-TSL-14).
    NotUnderstood(ReferenceError),
}

/// A presentation that was examined. Only what its issuer's signature vouches for is in it.
#[derive(Clone, Debug)]
pub struct Examined {
    pub(super) checks: Checks,
    pub(super) credential: Option<CredentialPart>,
    pub(super) status: StatusClaim,
    pub(super) is_own: bool,
    /// Who vouches for the issuer; none when nobody does.
    pub(super) vouching: Option<Vouching>,
    /// The entries of `transaction_data` that its holder confirmed.
    pub(super) confirmed: BTreeSet<String>,
}

/// What is known of the certificates behind a credential.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Vouching {
    pub(super) authority: AuthorityId,
    pub(super) key_ids: Vec<Vec<u8>>,
    pub(super) lists: Vec<String>,
}

impl Examined {
    /// Nothing in it is vouched for.
    fn unread(checks: Checks) -> Self {
        let (status, confirmed) = (StatusClaim::None, BTreeSet::new());
        Self { checks, credential: None, status, is_own: false, vouching: None, confirmed }
    }

    /// Why it is refused already; none when it passed, and none for a doubt: a card that is doubtful may be revoked too,
    /// and whoever may let it pass has to know.
    pub fn refused(&self) -> Option<ReasonCode> {
        self.checks.reason().filter(|reason| reason.decision() == Decision::Refused)
    }

    /// Whether its holder confirmed this entry of `transaction_data`.
    pub fn confirms(&self, entry: &str) -> bool {
        self.confirmed.contains(entry)
    }

    /// The status to look up before deciding; none when it names none or did not pass.
    pub fn wanted_status(&self) -> Option<Wanted> {
        match (&self.status, &self.credential, &self.vouching, self.refused()) {
            (StatusClaim::Named(reference), Some(credential), Some(vouching), None) => Some(Wanted {
                reference: reference.clone(),
                issuer: credential.issuer.clone(),
                credential_type: credential.credential_type.clone(),
                authority: vouching.authority,
            }),
            _ => None,
        }
    }

    /// The authority key identifiers of the issuer's certificates, leaf first (`aki` of a query).
    pub fn authority_key_ids(&self) -> &[Vec<u8>] {
        self.vouching.as_ref().map_or(&[], |vouching| &vouching.key_ids)
    }

    /// The trust lists in which the authority behind the issuer stands (`etsi_tl` of a query).
    pub fn trusted_lists(&self) -> &[String] {
        self.vouching.as_ref().map_or(&[], |vouching| &vouching.lists)
    }
}

/// Examines a presentation in the format `dc+sd-jwt` at a time. Never fetches, never panics; every check that can be
/// made is made, and one that cannot, after an earlier one failed, is left unchecked.
pub fn examine(presentation: &str, trust: &Trust, expectations: &Expectations, at: Timestamp) -> Examined {
    let mut checks = Checks::new();
    let Some(Opened { unverified, leaf }) = Opened::read(presentation, trust, at, &mut checks) else {
        return Examined::unread(checks);
    };
    let verified = unverified.verify(&leaf.public_key);
    conclude(verified, &leaf, trust, expectations, at, checks)
}

/// Examines several presentations, each as [`examine`] does and with the same outcome. The issuers' signatures are checked
/// together, which costs less under Ed25519; each holder's is checked on its own.
pub fn examine_all<'a>(asked: &[(&'a str, &Expectations)], trust: &Trust, at: Timestamp) -> Vec<Examined> {
    let open = |(text, _): &(&'a str, &Expectations)| {
        let mut checks = Checks::new();
        let opened = Opened::read(text, trust, at, &mut checks);
        (checks, opened)
    };
    let (checks, opened): (Vec<_>, Vec<_>) = asked.iter().map(open).unzip();
    let leaves: Vec<_> = opened.iter().map(|one| one.as_ref().map(|one| Arc::clone(&one.leaf))).collect();
    let unverified = opened.into_iter().zip(&leaves);
    let unverified = unverified.filter_map(|(one, leaf)| Some((one?.unverified, &leaf.as_ref()?.public_key)));
    let mut verified = Unverified::verify_all(unverified.collect()).into_iter();
    let mut examined = Vec::with_capacity(asked.len());
    for (((_, expectations), checks), leaf) in asked.iter().zip(checks).zip(&leaves) {
        examined.push(match leaf.as_ref().and_then(|leaf| Some((leaf, verified.next()?))) {
            Some((leaf, verified)) => conclude(verified, leaf, trust, expectations, at, checks),
            None => Examined::unread(checks),
        });
    }
    examined
}

/// Everything that is asked once it is settled whether the issuer signed.
fn conclude(
    verified: Result<Verified<'_>, SdJwtError>,
    leaf: &Leaf,
    trust: &Trust,
    expectations: &Expectations,
    at: Timestamp,
    mut checks: Checks,
) -> Examined {
    let Some((credential, issuer)) = authenticated(verified, leaf, trust, &mut checks) else {
        return Examined::unread(checks);
    };
    let vouching = |authority| {
        let key_ids = leaf.authority_key_ids.clone();
        Vouching { authority, key_ids, lists: trust.trusted_lists(authority) }
    };
    let vouching = leaf.authority.map(vouching);
    let claims = credential.claims();
    check_type(claims, &issuer, trust, expectations, &mut checks);
    check_times(claims, expectations, at, &mut checks);
    let proof = check_holder(&credential, expectations, at, &mut checks);
    let candidate = Candidate {
        format: CREDENTIAL_TYPE,
        credential_type: text(claims, "vct"),
        claims,
        authority_key_ids: vouching.as_ref().map_or(&[], |vouching| &vouching.key_ids),
        trusted_lists: vouching.as_ref().map_or(&[], |vouching| &vouching.lists),
        holder_bound: proof.is_some(),
    };
    check_query(&candidate, expectations, &mut checks);
    let confirmed = proof.map(|proof| check_transaction_data(&proof.claims, expectations, &mut checks)).unwrap_or_default();
    let shown = [CheckName::HolderBinding, CheckName::Nonce, CheckName::Audience].iter().all(|name| !checks.failed(*name));
    let (is_own, status) = (trust.is_own(&issuer), status_claim(claims));
    let mut credential = describe(credential.into_claims(), issuer, shown);
    if let Some(query) = &expectations.query {
        // What nobody asked for is not read further, although the wallet showed it.
        credential.claims = query.asked_for(&credential.claims);
    }
    Examined { checks, credential: Some(credential), status, is_own, vouching, confirmed }
}

fn check_type(claims: &Map<String, Value>, issuer: &str, trust: &Trust, expectations: &Expectations, checks: &mut Checks) {
    let vct = text(claims, "vct");
    let issued = trust.own().is_none_or(|own| own.url != issuer || own.types.contains(vct));
    let accepted = match &expectations.types {
        AcceptedTypes::All => true,
        AcceptedTypes::Only(types) => types.contains(vct),
    };
    match (issued, accepted) {
        (true, true) => checks.pass(CheckName::Type),
        (false, _) => checks.fail_with(CheckName::Type, ReasonCode::TypeNotAccepted, "the issuer has no such type"),
        (true, false) => checks.fail_with(CheckName::Type, ReasonCode::TypeNotAccepted, "not a type that is accepted here"),
    }
}

/// `nbf` and `exp` with the one skew allowed to clocks, and `iat` not in the future (RFC 7519 section 4.1). The form of
/// each was checked with the disclosures.
fn check_times(claims: &Map<String, Value>, expectations: &Expectations, at: Timestamp, checks: &mut Checks) {
    let name = CheckName::ValidityPeriod;
    let begin = ["nbf", "iat"].into_iter().filter_map(|claim| time(claims, claim)).max();
    match (begin, time(claims, "exp")) {
        (Some(begin), _) if at.plus_seconds(CLOCK_SKEW_SECONDS) < begin => {
            checks.fail(name, ReasonCode::CredentialNotYetValid);
            checks.note(name, "valid_from", begin.to_string());
        }
        (_, Some(end)) if at.plus_seconds(-CLOCK_SKEW_SECONDS) >= end => {
            checks.fail(name, ReasonCode::CredentialExpired);
            checks.note(name, "valid_until", end.to_string());
        }
        (_, None) if expectations.requires_expiry => {
            checks.fail_with(name, ReasonCode::ClaimInvalid, ClaimFormError::Missing("exp"));
        }
        _ => checks.pass(name),
    }
}

/// The holder's proof, when it holds.
fn check_holder(
    credential: &Verified<'_>,
    expectations: &Expectations,
    at: Timestamp,
    checks: &mut Checks,
) -> Option<KeyBinding> {
    let (nonce, audience) = match &expectations.holder_binding {
        HolderBinding::NotRequired => {
            if credential.key_binding().is_some() {
                checks.fail(CheckName::HolderBinding, ReasonCode::HolderBindingUnexpected);
            }
            return None;
        }
        HolderBinding::Required { nonce, audience } => (nonce.as_deref(), audience.as_str()),
    };
    let max_age_seconds = expectations.max_proof_age_seconds;
    let expected = KeyBindingExpectation { nonce, audience, max_age_seconds, now: at };
    let error = match credential.verify_key_binding(&expected) {
        Ok(proof) => {
            checks.pass(CheckName::HolderBinding);
            checks.pass(CheckName::Audience);
            if nonce.is_some() {
                checks.pass(CheckName::Nonce);
            }
            return Some(proof);
        }
        Err(error) => error,
    };
    match error {
        KeyBindingError::WrongNonce | KeyBindingError::WrongAudience => tell_apart(credential, &expected, checks),
        _ => checks.fail_with(CheckName::HolderBinding, holder_reason(&error), error),
    }
    None
}

/// A proof for another request or checkpoint: whether it is a good proof otherwise, and which of the two is wrong.
fn tell_apart(credential: &Verified<'_>, expected: &KeyBindingExpectation<'_>, checks: &mut Checks) {
    let claims = credential.key_binding().and_then(|proof| jws::Unverified::parse(proof, &["kb+jwt"]).ok());
    let claims = claims.and_then(|proof| proof.dangerous_unverified_claims().ok()).unwrap_or_default();
    let (its_nonce, its_audience) = (text(&claims, "nonce"), text(&claims, "aud"));
    let itself = KeyBindingExpectation { nonce: None, audience: its_audience, ..*expected };
    match credential.verify_key_binding(&itself) {
        Ok(_) => checks.pass(CheckName::HolderBinding),
        Err(error) => checks.fail_with(CheckName::HolderBinding, holder_reason(&error), error),
    }
    match expected.nonce {
        Some(nonce) if nonce == its_nonce => checks.pass(CheckName::Nonce),
        Some(_) => checks.fail(CheckName::Nonce, ReasonCode::NonceMismatch),
        None => {}
    }
    if expected.audience == its_audience {
        checks.pass(CheckName::Audience);
    } else {
        checks.fail(CheckName::Audience, ReasonCode::AudienceMismatch);
    }
}

fn holder_reason(error: &KeyBindingError) -> ReasonCode {
    match error {
        KeyBindingError::Missing => ReasonCode::HolderBindingMissing,
        KeyBindingError::TooOld { .. } | KeyBindingError::InFuture { .. } | KeyBindingError::Expired { .. } => {
            ReasonCode::HolderBindingExpired
        }
        _ => ReasonCode::HolderBindingInvalid,
    }
}

fn status_claim(claims: &Map<String, Value>) -> StatusClaim {
    match StatusReference::read(claims) {
        Ok(None) => StatusClaim::None,
        Ok(Some(reference)) => StatusClaim::Named(reference),
        Err(error) => StatusClaim::NotUnderstood(error),
    }
}

fn describe(mut claims: Map<String, Value>, issuer: String, shown: bool) -> CredentialPart {
    let credential_type = text(&claims, "vct").to_owned();
    let valid_from = time(&claims, "nbf").or_else(|| time(&claims, "iat"));
    let valid_until = time(&claims, "exp");
    if shown {
        claims.retain(|name, _| !TECHNICAL_CLAIMS.contains(&name.as_str()));
    } else {
        claims.clear();
    }
    CredentialPart { format: CREDENTIAL_TYPE.to_owned(), credential_type, issuer, valid_from, valid_until, claims }
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> &'a str {
    claims.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn time(claims: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    claims.get(name).and_then(numeric_date)
}

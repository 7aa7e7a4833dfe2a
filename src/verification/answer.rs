//! Whether a verified credential is what the query asked for, and whether its holder confirmed the transaction.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{checks::Checks, expectations::Expectations};
use crate::{
    format::{
        dcql::{Candidate, Mismatch},
        openid::presentation::{HashAlgorithm, TransactionData},
    },
    model::{reason::ReasonCode, statement::CheckName},
};

/// Checks the query again. The wallet has done so, or says it has (OpenID4VP 1.0 sections 6.4.1 and 14.11).
pub(super) fn check_query(candidate: &Candidate<'_>, expectations: &Expectations, checks: &mut Checks) {
    let name = CheckName::Query;
    let Some(query) = &expectations.query else { return };
    match query.check(candidate) {
        Ok(()) => checks.pass(name),
        Err(mismatch) => {
            let reason = match &mismatch {
                Mismatch::Format | Mismatch::Type => ReasonCode::TypeNotAccepted,
                Mismatch::HolderBinding => ReasonCode::HolderBindingMissing,
                Mismatch::Authority => ReasonCode::IssuerNotAskedFor,
                Mismatch::ClaimMissing(_) => ReasonCode::ClaimsMissing,
                Mismatch::ClaimValue(_) => ReasonCode::ClaimValueMismatch,
            };
            checks.fail_with(name, reason, mismatch);
        }
    }
}

/// Checks the hashes in the holder's proof (OpenID4VP 1.0 appendix B.3.3) and gives the entries that they confirm. Which
/// entries have to be confirmed by which credential is for the answer as a whole to see: one may do for several.
pub(super) fn check_transaction_data(
    proof: &Map<String, Value>,
    expectations: &Expectations,
    checks: &mut Checks,
) -> BTreeSet<String> {
    let name = CheckName::TransactionData;
    if expectations.transaction_data.is_empty() {
        return BTreeSet::new();
    }
    let Some(hashes) = proof.get("transaction_data_hashes") else { return BTreeSet::new() };
    let hash = HashAlgorithm::default();
    if proof.get("transaction_data_hashes_alg").is_none_or(|named| named != hash.name()) {
        checks.fail_with(name, ReasonCode::TransactionDataMismatch, "the hash algorithm is not the one that was asked for");
        return BTreeSet::new();
    }
    let entry = |hashed: &Value| {
        let mut entries = expectations.transaction_data.iter();
        entries.find(|entry| *hashed == TransactionData::hash(entry, hash)).cloned()
    };
    let confirmed: Option<BTreeSet<_>> = hashes.as_array().map(|hashes| hashes.iter().map(entry).collect()).unwrap_or_default();
    match confirmed {
        Some(confirmed) if !confirmed.is_empty() => {
            checks.pass(name);
            confirmed
        }
        _ => {
            checks.fail_with(name, ReasonCode::TransactionDataMismatch, "a hash is of no transaction data of this request");
            BTreeSet::new()
        }
    }
}

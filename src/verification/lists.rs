//! Statuses from signed status lists at hand: files on the command line, what an offline checkpoint carries.

use crate::{
    base::time::Timestamp,
    format::status::{Expectation, StatusListError, Unverified, Verified},
    model::statement::StatusSource,
    verification::{
        lookup::{Finding, StatusAnswer, Wanted},
        trust::Trust,
    },
};

/// Looks a reference up in the lists at hand, each a status list token (draft-ietf-oauth-status-list section 5.1); the
/// newest that may be believed counts. `None` when no list is the one that is wanted.
///
/// A list is believed when its certificates lead to an anchor and name the issuer of the credential (checklist TSL-22):
/// one that is trusted for its own credentials says nothing of another's.
pub fn in_lists(wanted: &Wanted, lists: &[&str], trust: &Trust, at: Timestamp) -> Option<StatusAnswer> {
    let (mut newest, mut why_not) = (None::<Verified>, None);
    for list in lists {
        match read(list, wanted, trust, at, None) {
            Ok(list) if newest.as_ref().is_none_or(|newest| newest.claims.iat < list.claims.iat) => newest = Some(list),
            Ok(_) => {}
            Err(ListRefused::List(StatusListError::OtherSubject)) => {}
            Err(refused) => why_not = Some(refused.to_string()),
        }
    }
    let finding = match (newest, why_not) {
        (Some(list), _) => find(&list, wanted.reference.index),
        (None, Some(why)) => Finding::Unavailable(why),
        (None, None) => return None,
    };
    Some(StatusAnswer { reference: wanted.reference.clone(), finding })
}

/// Why a list says nothing of the credential.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum ListRefused {
    /// Not signed by the issuer of the credential.
    #[error("the status list is not signed by the issuer of the credential, under a trusted root")]
    Signer,
    /// The list itself.
    #[error("status list: {0}")]
    List(#[from] StatusListError),
}

/// Reads and verifies one list; `newest_seen` is the `iat` of the newest one of its URI so far.
pub(super) fn read(
    token: &str,
    wanted: &Wanted,
    trust: &Trust,
    at: Timestamp,
    newest_seen: Option<Timestamp>,
) -> Result<Verified, ListRefused> {
    let unverified = Unverified::parse(token.trim_ascii())?;
    let x5c = unverified.header().x5c.as_ref().ok_or(ListRefused::Signer)?;
    let leaf = trust.verify_chain(x5c, at).map_err(|_| ListRefused::Signer)?;
    // Which list it is, is asked first: another issuer's list is not a bad one, only not the one that is wanted.
    let names_issuer = leaf.uris.contains(&wanted.issuer);
    let speaks_for_issuer = names_issuer && trust.allows_status_lists(&wanted.issuer, leaf.authority);
    let list = unverified.verify(&leaf.public_key, &Expectation { uri: &wanted.reference.uri, at, newest_seen })?;
    if speaks_for_issuer { Ok(list) } else { Err(ListRefused::Signer) }
}

/// What a list says of an index.
pub(super) fn find(list: &Verified, index: u64) -> Finding {
    match list.list.value(index) {
        None => Finding::IndexOutOfRange,
        Some(value) => Finding::Known { value, known_since: list.claims.iat, source: StatusSource::List, issued_by_us: None },
    }
}

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
        match read(list, wanted, trust, at) {
            Ok(list) if newest.as_ref().is_none_or(|newest| newest.claims.iat < list.claims.iat) => newest = Some(list),
            Ok(_) => {}
            Err(Refused::List(StatusListError::OtherSubject)) => {}
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

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
enum Refused {
    #[error("the status list is not signed by the issuer of the credential, under a trusted root")]
    Signer,
    #[error("status list: {0}")]
    List(#[from] StatusListError),
}

fn read(token: &str, wanted: &Wanted, trust: &Trust, at: Timestamp) -> Result<Verified, Refused> {
    let unverified = Unverified::parse(token.trim_ascii())?;
    let x5c = unverified.header().x5c.as_ref().ok_or(Refused::Signer)?;
    let leaf = trust.verify_chain(x5c, at).map_err(|_| Refused::Signer)?;
    // Which list it is, is asked first: another issuer's list is not a bad one, only not the one that is wanted.
    let speaks_for_issuer = leaf.uris.contains(&wanted.issuer);
    let list = unverified.verify(&leaf.public_key, &Expectation { uri: &wanted.reference.uri, at, newest_seen: None })?;
    if speaks_for_issuer { Ok(list) } else { Err(Refused::Signer) }
}

fn find(list: &Verified, index: u64) -> Finding {
    match list.list.value(index) {
        None => Finding::IndexOutOfRange,
        Some(value) => Finding::Known { value, known_since: list.claims.iat, source: StatusSource::List, issued_by_us: None },
    }
}

//! What is known of a status, as data; and the answers for our own lists.

use crate::{
    base::time::Timestamp,
    crypto::x509::AuthorityId,
    format::status::StatusReference,
    model::{card::StatusRef, ids::ListId, statement::StatusSource},
    store::status_board::{Entry, StatusBoard},
};

/// A status that has to be known before a decision: only a credential that passed its examination names one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// Where it stands.
    pub reference: StatusReference,
    /// The issuer of the credential. A list speaks for the credentials of its own issuer and no others.
    pub issuer: String,
    /// The type of the credential (`vct`).
    pub credential_type: String,
    /// The authority that the issuer's certificates lead to.
    pub authority: AuthorityId,
}

/// What was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Finding {
    /// A value.
    Known {
        /// The value of the list (draft-ietf-oauth-status-list section 7.1).
        value: u8,
        /// When it was so.
        known_since: Timestamp,
        /// Where it was read.
        source: StatusSource,
        /// Whether we have a record of issuing; `None` for credentials of others.
        issued_by_us: Option<bool>,
    },
    /// There is a list, and the index lies beyond its end: the credential is refused (section 8.3).
    IndexOutOfRange,
    /// Nothing: no such list here, not reachable, or not trusted. The text says which, without naming the credential.
    Unavailable(String),
}

/// The answer for one reference.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StatusAnswer {
    /// The reference that was looked up.
    pub reference: StatusReference,
    /// What was found.
    pub finding: Finding,
}

/// Looks a reference up on our own board; `None` when it is not ours to answer, because the credential or the list is
/// another's. The board shows every change that was answered for up to `as_of`: with one node that is now, with several
/// it is when this one last heard of all the others (`Store::lag`). After a loss of events it does not, and then "valid"
/// is not known.
pub fn on_own_board(wanted: &Wanted, board: &StatusBoard, public_url: &str, as_of: Timestamp) -> Option<StatusAnswer> {
    if wanted.issuer != public_url {
        return None;
    }
    let list: ListId = wanted.reference.uri.strip_prefix(public_url)?.strip_prefix("/status-lists/")?.parse().ok()?;
    let finding = match board.list(list) {
        None => Finding::Unavailable("no such status list".to_owned()),
        Some(packed) => {
            match u32::try_from(wanted.reference.index).ok().and_then(|index| board.entry(StatusRef { list, index })) {
                None => Finding::IndexOutOfRange,
                Some(Entry { value: 0, .. }) if !board.is_complete() => {
                    Finding::Unavailable("events were lost, and a revocation may be among them".to_owned())
                }
                Some(Entry { value, given }) => {
                    // Lists are opened for one type: a card of another type was never given an index of this one.
                    let of_its_type = is_type(&wanted.credential_type, public_url, packed.credential_type());
                    let issued_by_us = Some(given && of_its_type);
                    Finding::Known { value, known_since: as_of, source: StatusSource::Local, issued_by_us }
                }
            }
        }
    };
    Some(StatusAnswer { reference: wanted.reference.clone(), finding })
}

fn is_type(vct: &str, public_url: &str, name: &str) -> bool {
    vct.strip_prefix(public_url).and_then(|rest| rest.strip_prefix("/credential-types/")) == Some(name)
}

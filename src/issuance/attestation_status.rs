//! Whether a wallet attestation was revoked: its attester says so in a status list, which others fetch and read for us.

use crate::{crypto::x509::AuthorityId, format::status::StatusReference};

/// Where an attestation that is good otherwise says whether it was revoked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NamedStatus {
    /// The list, and the place in it.
    pub reference: StatusReference,
    /// Who keeps the list: the address that the attester's certificate names, or the attestation.
    pub attester: String,
    /// The authority that the attester's certificates lead to, and those of the list have to.
    pub authority: AuthorityId,
}

/// Looks up statuses of attestations.
pub trait AttestationStatuses: Send + Sync {
    /// Whether the list says valid; none when that cannot be told. It may wait for the list.
    fn is_valid(&self, named: &NamedStatus) -> Option<bool>;
}

/// Nobody to ask: nothing can be told.
#[derive(Clone, Copy, Debug, Default)]
pub struct NobodyToAsk;

impl AttestationStatuses for NobodyToAsk {
    fn is_valid(&self, _: &NamedStatus) -> Option<bool> {
        None
    }
}

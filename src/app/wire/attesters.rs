//! The status lists of those who attest wallets and their keys: read as those of other issuers are, under trust of their own.

use std::sync::Arc;

use crate::{
    base::clock::Clock,
    issuance::attestation_status::{AttestationStatuses, NamedStatus},
    keyring::Keyring,
    outbound::FetchForeign,
    store::Store,
    verification::{Finding, Statuses, Trust, lookup::Wanted},
};

/// The lists, and who may sign them.
struct AttesterLists {
    statuses: Statuses,
    trust: Trust,
}

/// Looks statuses up in the lists of trusted attesters.
pub(super) fn attestation_statuses(
    keyring: &Keyring,
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
    fetch: Arc<dyn FetchForeign>,
) -> Arc<dyn AttestationStatuses> {
    let statuses = Statuses::new(Arc::clone(store), Arc::clone(clock), fetch);
    // A list counts only under the authority that the attestation itself leads to, so both kinds can stand side by side.
    let anchors = keyring.wallet_attesters().iter().chain(keyring.key_attesters()).cloned().collect();
    Arc::new(AttesterLists { statuses, trust: Trust::new(anchors) })
}

impl AttestationStatuses for AttesterLists {
    fn is_valid(&self, named: &NamedStatus) -> Option<bool> {
        let wanted = Wanted {
            reference: named.reference.clone(),
            issuer: named.attester.clone(),
            credential_type: String::new(),
            authority: named.authority,
        };
        match self.statuses.look_up(&wanted, &self.trust)?.finding {
            // Suspended is not valid now either.
            Finding::Known { value, .. } => Some(value == 0),
            Finding::IndexOutOfRange => Some(false),
            Finding::Unavailable(why) => {
                tracing::warn!(%why, "the status of a wallet attestation cannot be told");
                None
            }
        }
    }
}

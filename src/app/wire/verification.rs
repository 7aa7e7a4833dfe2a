//! The parts of a service that verify: whom it believes, what it shows of itself, and the presentations it asks for.

use std::sync::Arc;

use crate::{
    app::wire::Materials,
    base::time::Timestamp,
    keyring::{Keyring, Purpose},
    model::credential_type::CredentialTypes,
    verification::{
        Trust,
        evidence::Evidence,
        presentation::{Ground, Presentations},
        request_object::RequestSigner,
        shown::{Ground as ShownGround, ShownPresentations},
        signed_statement::StatementSigner,
    },
};

impl Materials {
    pub(super) fn evidence(&self) -> Evidence {
        let (store, clock, random) = (Arc::clone(&self.store), Arc::clone(&self.clock), Arc::clone(&self.random));
        Evidence::new(store, clock, random, self.evidence_keys.clone())
    }

    /// The presentations that checkpoints ask for; requests are signed by `signer`.
    pub(super) fn presentations(&self, signer: RequestSigner) -> Presentations {
        Presentations::new(Ground {
            use_cases: Arc::clone(&self.use_cases),
            signer,
            statements: StatementSigner::new(&self.keyring, &self.public_url),
            evidence: self.evidence(),
            trust: Arc::clone(&self.trust),
            store: Arc::clone(&self.store),
            statuses: Arc::clone(&self.statuses),
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
            public_url: self.origin.clone(),
        })
    }

    /// The decisions on what wallets show as QR codes.
    pub(super) fn shown(&self) -> ShownPresentations {
        ShownPresentations::new(ShownGround {
            use_cases: Arc::clone(&self.use_cases),
            trust: Arc::clone(&self.trust),
            statuses: Arc::clone(&self.statuses),
            evidence: self.evidence(),
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            keyring: Arc::clone(&self.keyring),
            public_url: self.public_url.clone(),
        })
    }
}

/// Whom the service believes: the anchors and lists in its folder of keys, and itself by its own rules.
pub(super) fn trust(keyring: &Keyring, types: &CredentialTypes, public_url: &str, at: Timestamp) -> Trust {
    let own_types = types.iter().map(|of| of.vct(public_url)).collect();
    let trust = Trust::new(keyring.anchors().to_vec());
    // Our own anchors are settled first: no list can make another authority speak for us.
    let trust = trust.with_own_issuer(public_url.to_owned(), own_types, keyring.x5c(Purpose::Issuer), at);
    trust.with_lists(keyring.trust_lists())
}

/// The certificates that others meet, by what they are for.
pub(super) fn certificates(keyring: &Keyring) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let of = |name, purpose| (name, keyring.x5c(purpose).to_vec());
    vec![of("credentials", Purpose::Issuer), of("status_lists", Purpose::StatusList), of("requests", Purpose::Request)]
}

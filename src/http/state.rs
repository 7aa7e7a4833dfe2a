//! What handlers work with: the services, put together by `app`.

use std::sync::Arc;

use crate::{
    audit::{openings::Openings, seal::Seal},
    base::{clock::Clock, random::Random},
    http::{auth::tokens::OperatorTokens, call::Door, checkpoint::follow::Followers, metrics::Metrics},
    issuance::{
        approval::Approvals, authorize::Authorizations, credential::Credentials, freshness::Freshness, metadata::Metadata,
        nonce::Nonces, notification::Notifications, offer::Offers, people::People, self_service::SelfService, sign_in::SignIns,
        signed_metadata::SignedMetadata, token::Tokens, wallets::Wallets,
    },
    model::{credential_type::CredentialTypes, use_case::UseCases},
    revocation::{lifecycle::Lifecycle, publication::Publisher},
    store::{Mode, Store},
    verification::{
        Trust, admission::Admissions, evidence::Evidence, presentation::Presentations, service::Verifier,
        shown::ShownPresentations,
    },
};

/// Everything handlers work with.
pub struct State {
    /// The public URL of the service, without a slash at the end.
    pub public_url: String,
    /// How much wallets have to prove.
    pub profile: crate::model::profile::Profile,
    /// The credential types that are issued.
    pub types: Arc<CredentialTypes>,
    /// What checkpoints may ask for.
    pub use_cases: Arc<UseCases>,
    /// Records, log, board and roster.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The register of people.
    pub people: People,
    /// Offers of cards.
    pub offers: Offers,
    /// The authorisation code flow.
    pub authorizations: Authorizations,
    /// The register of wallets.
    pub wallets: Wallets,
    /// Citizens' sign-in and sessions.
    pub sign_ins: SignIns,
    /// The way in by the province's login, when there is one.
    pub province: Option<crate::issuance::sign_in::province::ProvinceLogin>,
    /// People and offers for makers of wallets, when this is a test issuer.
    pub test_issuer: Option<crate::issuance::test_issuer::TestIssuer>,
    /// The token endpoint for wallets.
    pub access_tokens: Tokens,
    /// Nonces for DPoP proofs, and challenges for wallet attestations.
    pub freshness: Freshness,
    /// Nonces for proofs.
    pub nonces: Nonces,
    /// The credential endpoint.
    pub credentials: Credentials,
    /// What wallets say became of cards.
    pub notifications: Notifications,
    /// What officers say to cards that wait.
    pub approvals: Approvals,
    /// What wallets and verifiers read first.
    pub metadata: Metadata,
    /// The issuer's metadata as a signed document.
    pub signed_metadata: SignedMetadata,
    /// What citizens do for themselves.
    pub self_service: SelfService,
    /// The events of cards, opened for their holders.
    pub openings: Openings,
    /// Suspend, reinstate, revoke.
    pub lifecycle: Lifecycle,
    /// Whom this service believes.
    pub trust: Arc<Trust>,
    /// Its own certificates as DER, leaf first, by what they are for.
    pub certificates: Vec<(&'static str, Vec<Vec<u8>>)>,
    /// Verifies presentations.
    pub verifier: Verifier,
    /// Presentations that checkpoints asked for.
    pub presentations: Presentations,
    /// Decisions on what wallets show as QR codes.
    pub shown: ShownPresentations,
    /// What was shown to checkpoints, and admitted by hand.
    pub admissions: Admissions,
    /// Who follows a presentation.
    pub followers: Followers,
    /// Evidence of decisions.
    pub evidence: Evidence,
    /// The signed status lists.
    pub publisher: Arc<Publisher>,
    /// The signed heads of the log.
    pub seal: Arc<Seal>,
    /// Tokens of operators and checkpoints.
    pub operator_tokens: OperatorTokens,
    /// What became of the wall clock.
    pub clock_watch: crate::base::clock::ClockWatch,
    /// The connections that are open.
    pub connections: Arc<crate::http::connections::Connections>,
    /// The way into the blocking pool.
    pub door: Door,
    /// How often who may come.
    pub limits: Arc<crate::http::limits::RateLimits>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl State {
    /// Whether the store lost data and only what the log proves is served.
    pub fn is_guarded(&self) -> bool {
        matches!(self.store.health().mode, Mode::Guarded(_))
    }
}

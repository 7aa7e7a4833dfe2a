//! From a person in the register to a card in a wallet: people, offers, tokens, nonces, proofs, credentials, metadata.
//!
//! ```text
//! administrator: People::register -> Offers::create
//! browser:       Authorizations::open -> Authorizations::agree
//! wallet:        Offers::object | Authorizations::push -> Tokens::redeem -> Nonces::issue -> Credentials::issue
//! ```
//!
//! Each service is a view on the one [`Ground`]. What must happen once is decided by a guard inside a commit, never by a
//! look before it.

pub mod approval;
pub mod attestation_status;
pub mod authorize;
pub mod caller;
pub mod client_attestation;
pub mod credential;
pub mod dpop;
pub mod freshness;
mod grant;
pub mod limits;
pub mod metadata;
pub mod nonce;
pub mod notification;
pub mod offer;
pub mod people;
pub mod proof;
mod register;
pub mod self_service;
pub mod sign_in;
pub mod signed_metadata;
pub mod test_issuer;
pub mod token;
pub mod wallets;

use std::sync::Arc;

use crate::{
    base::{
        clock::Clock,
        random::Random,
        time::{Date, Timestamp},
    },
    crypto::{SealError, SignError},
    issuance::{attestation_status::AttestationStatuses, limits::Limits},
    keyring::Keyring,
    model::{credential_type::CredentialTypes, person::civil_date, profile::Profile},
    store::{CommitError, ReadError, Store},
};

pub use grant::AccessError;
pub use register::{Registered, seal_person};

/// What every service here stands on.
#[derive(Clone)]
pub struct Ground {
    /// Records and log.
    pub store: Arc<dyn Store>,
    /// Keys.
    pub keyring: Arc<Keyring>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// What is issued.
    pub types: Arc<CredentialTypes>,
    /// How much wallets have to prove.
    pub profile: Profile,
    /// Whether attestations of wallets were revoked.
    pub attestation_statuses: Arc<dyn AttestationStatuses>,
    /// How often who may come.
    pub limits: Arc<dyn Limits>,
    /// Whether requests and answers at the credential endpoint have to be encrypted.
    pub encryption_required: bool,
    /// The issuer's identifier, and the beginning of every address: no slash at its end.
    pub public_url: Arc<str>,
}

impl Ground {
    /// Now, and the civil day that is.
    fn today(&self) -> Result<(Timestamp, Date), Fault> {
        let now = self.clock.now();
        Ok((now, civil_date(now).ok_or(Fault::Clock)?))
    }
}

/// What went wrong on our side. Nothing of it is for the caller's eyes but whether and when to try again.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The store did not commit.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The store did not read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A sealed record does not open: its key is missing, or it was changed.
    #[error("a sealed record does not open: {0}")]
    Sealed(#[from] SealError),
    /// A record is not what its key says, or lacks what was written with it.
    #[error("a record of {0} is not what it should be")]
    Record(&'static str),
    /// Nothing was signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The credential could not be made of its claims; the reason names no content.
    #[error("the credential could not be made: {0}")]
    Make(String),
    /// The clock stands outside the years 0 to 9999.
    #[error("the clock is out of range")]
    Clock,
    /// One too many.
    #[error(transparent)]
    TooOften(#[from] limits::TooOften),
    /// Others changed the same record again and again.
    #[error("the record is in constant change")]
    Busy,
}

#[cfg(test)]
mod tests;

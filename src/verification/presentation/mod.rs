//! Presentations from wallets (OpenID4VP 1.0): a checkpoint orders one, a wallet fetches a signed request and answers it,
//! and the checkpoint reads one statement.
//!
//! Sessions live in memory only. Nothing about a presentation reaches the disk, a restart forgets them all, and the
//! officer shows a new code. A presentation has one or more requests in turn, since a QR code is replaced while it waits;
//! one wallet fetches one of them, once, and answers it, once.

mod error;
mod ids;
mod order;
mod view;

use tokio::sync::watch;

pub use error::{BeginError, FetchError, LookError, ResponseError};
pub use ids::{PresentationId, RequestId, ResponseId};
pub use order::{Account, ExpectedFlight, Flow, Order};
pub use view::{Counted, Invitation, Outcome, Phase, View};

use crate::{base::time::Timestamp, model::ids::TokenId};

/// The presentations of this service.
#[derive(Default)]
pub struct Presentations {}

impl Presentations {
    /// Begins a presentation; what it gives is what [`look`](Self::look) would give right after.
    pub fn begin(&self, _order: Order) -> Result<View, BeginError> {
        Err(BeginError::UseCaseUnknown)
    }

    /// A presentation as its checkpoint sees it now. `response_code` is the one that the wallet's device came back with
    /// (same device); a wrong one is counted, and the fifth destroys the result.
    pub fn look(&self, _who: TokenId, _id: PresentationId, _response_code: Option<&str>) -> Result<View, LookError> {
        Err(LookError::NotFound)
    }

    /// Tells of changes: the value grows with each, and the channel closes when the presentation is gone. Look after
    /// subscribing, not before.
    pub fn changes(&self, _who: TokenId, _id: PresentationId) -> Result<watch::Receiver<u64>, LookError> {
        Err(LookError::NotFound)
    }

    /// Adds the boarding pass of a presentation that has none, or replaces it, until an answer came.
    pub fn add_boarding_pass(&self, _who: TokenId, _id: PresentationId, _text: &str) -> Result<View, LookError> {
        Err(LookError::NotFound)
    }

    /// Ends a presentation and forgets its result.
    pub fn forget(&self, _who: TokenId, _id: PresentationId) -> Result<(), LookError> {
        Err(LookError::NotFound)
    }

    /// Takes the answer of a browser (OpenID4VP 1.0 appendix A.4): `data` is the JSON text of the member `data` of the
    /// `DigitalCredential`, such as `{"response":"<JWE>"}`. The first answer is the only one,
    /// whatever is in it; the view has the statement.
    pub fn respond_dc_api(&self, _who: TokenId, _id: PresentationId, _data: &[u8]) -> Result<View, LookError> {
        Err(LookError::NotFound)
    }

    /// Replaces codes that are due, ends what is past its time and forgets results whose time is over. To be called every
    /// second or so; every other call does what is due for the presentation it is about.
    pub fn sweep(&self, _now: Timestamp) {}
}

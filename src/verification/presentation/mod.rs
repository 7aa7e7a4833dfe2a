//! Presentations from wallets (OpenID4VP 1.0): a checkpoint orders one, a wallet fetches a signed request and answers it,
//! and the checkpoint reads one statement.
//!
//! Sessions live in memory only. Nothing about a presentation reaches the disk, a restart forgets them all, and the
//! officer shows a new code. A presentation has one or more requests in turn, since a QR code is replaced while it waits;
//! one wallet fetches one of them, once, and answers it, once.
//!
//! Names, secrets and keys of a request are drawn when it is fetched, so nothing that is photographed on a screen helps to
//! answer for somebody else.

mod error;
mod ids;
mod order;
mod plan;
mod request;
mod response;
mod service;
mod session;
mod sessions;
mod view;

pub use error::{BeginError, FetchError, LookError, ResponseError};
pub use ids::{PresentationId, RequestId, ResponseId};
pub use order::{Account, Flow, Order, SERVICE};
pub use service::{Answered, Ground, Presentations};
pub use view::{Counted, Invitation, Outcome, Phase, View};

pub use crate::verification::boarding::ExpectedFlight;

#[cfg(test)]
mod tests;

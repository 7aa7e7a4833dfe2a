//! A presentation as its checkpoint sees it.

use serde::Serialize;
use serde_json::Value;

use super::{ids::PresentationId, order::Flow};
use crate::{
    base::time::Timestamp,
    model::{
        reason::{Decision, ReasonCode},
        statement::Statement,
    },
};

/// How far a presentation has come.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// No wallet has fetched the request. A QR code changes while this lasts.
    Waiting,
    /// A wallet has the request. The QR code is spent: show no other.
    Fetched,
    /// There is a result.
    Answered,
    /// Nobody answered in time.
    Expired,
}

/// What a wallet is invited with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Invitation {
    /// `openid4vp://?client_id=..&request_uri=..&request_uri_method=post`: the link of a page on the same device, and the
    /// text of the QR code (OpenID4VP 1.0 section 5.10 and 13.1).
    pub authorization_request: String,
    /// The same under the scheme of HAIP 1.0 section 5.1, `haip-vp://`.
    pub haip_request: String,
    /// Where the request itself is fetched, once; none where the link holds it whole (client identifiers of the prefix
    /// `redirect_uri`, which are for trying out).
    pub request_uri: Option<String>,
    /// When the invitation is replaced by another; none where it is not (same device).
    pub rotates_at: Option<Timestamp>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// There is a result, and it is shown to whoever brings the response code that the wallet's device was sent back with
    /// (OpenID4VP 1.0 section 8.2 and 14.3): same device only.
    Withheld,
    /// The statement.
    Decided {
        /// The statement.
        statement: Box<Statement>,
        /// The same as a JWS, where it was ordered.
        signed: Option<String>,
    },
}

/// A presentation as its checkpoint sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Its name.
    pub id: PresentationId,
    /// How far it has come.
    pub phase: Phase,
    /// How the wallet gets the request.
    pub flow: Flow,
    /// The use case, if one was named.
    pub use_case: Option<String>,
    /// What to show to the wallet now; none unless waiting, and none for the Digital Credentials API.
    pub invitation: Option<Invitation>,
    /// The argument of `navigator.credentials.get({digital: ..})` while no answer came: `{"requests":[{"protocol",
    /// "data"}]}`; for the Digital Credentials API only.
    pub digital: Option<Value>,
    /// Whether a boarding pass is at hand.
    pub has_boarding_pass: bool,
    /// When this ends: the request while nobody answered, the result afterwards.
    pub expires_at: Timestamp,
    /// What came of it.
    pub outcome: Option<Outcome>,
}

/// A decision, for whoever counts them: nothing personal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Counted {
    /// The use case, if one was named.
    pub use_case: Option<String>,
    /// What was decided.
    pub decision: Decision,
    /// Why.
    pub reason: ReasonCode,
}

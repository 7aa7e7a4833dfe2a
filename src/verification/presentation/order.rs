//! What a checkpoint orders.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{model::ids::TokenId, verification::boarding::ExpectedFlight};

/// The service itself, where it asks citizens who sign in. No checkpoint has this identifier: theirs are random UUIDs, which
/// say so in two places.
pub const SERVICE: TokenId = TokenId::from_bytes([0; 16]);

/// The checkpoint that asks, as its account stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// Its token. Only this token reads the result.
    pub token: TokenId,
    /// The use cases it may ask for; none: all, and queries of its own.
    pub use_cases: Option<Vec<String>>,
    /// Where a wallet may be told to send the person back to (same device), compared whole.
    pub redirect_uris: Vec<String>,
    /// Origins of web pages that may ask by the Digital Credentials API, besides the origin of the public URL.
    pub origins: Vec<String>,
}

/// How the wallet gets the request.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// The wallet scans a QR code, on another device than the one that shows it.
    CrossDevice,
    /// A page on the wallet's own device follows a link, and the wallet sends the person back.
    SameDevice,
    /// A page asks the browser (OpenID4VP 1.0 appendix A).
    DcApi,
}

/// One request for a presentation. A use case, a query, or both: then the query asks for no more than the use case
/// registers.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Who asks.
    pub account: Account,
    /// The use case, by its name.
    pub use_case: Option<String>,
    /// A DCQL query (OpenID4VP 1.0 section 6).
    pub query: Option<Value>,
    /// How the wallet gets the request.
    pub flow: Flow,
    /// The text of the bar code on a boarding pass (IATA Resolution 792). It may come later:
    /// [`Presentations::add_boarding_pass`](super::Presentations::add_boarding_pass).
    pub boarding_pass: Option<String>,
    /// The flight that is boarded here, where the gate knows.
    pub expected_flight: Option<ExpectedFlight>,
    /// Where the wallet sends the person back to. Needed for [`Flow::SameDevice`], and for no other.
    pub redirect_uri: Option<String>,
    /// The origin of the page that asks, for [`Flow::DcApi`]; none: the origin of the public URL.
    pub origin: Option<String>,
    /// What the holder is to confirm (OpenID4VP 1.0 section 8.4): each an object with `type` and `credential_ids`.
    pub transaction_data: Vec<Map<String, Value>>,
    /// Whether the answer may come unencrypted (`direct_post`): for trying out, where the public URL is this machine itself.
    pub in_the_clear: bool,
    /// Whether the statement is wanted as a JWS too, for somebody who checks it later.
    pub signed_statement: bool,
}

impl Order {
    /// The service's own order: a citizen signs in, on the wallet's own device when there is somewhere to send them back.
    pub fn sign_in(redirect_uri: Option<String>) -> Self {
        let flow = if redirect_uri.is_some() { Flow::SameDevice } else { Flow::CrossDevice };
        let redirect_uris = redirect_uri.iter().cloned().collect();
        let account = Account { token: SERVICE, use_cases: None, redirect_uris, origins: Vec::new() };
        Self { redirect_uri, ..Self::of_use_case(account, "sign-in".to_owned(), flow) }
    }

    /// An order for a use case and nothing else.
    pub const fn of_use_case(account: Account, use_case: String, flow: Flow) -> Self {
        Self {
            account,
            use_case: Some(use_case),
            query: None,
            flow,
            boarding_pass: None,
            expected_flight: None,
            redirect_uri: None,
            origin: None,
            transaction_data: Vec::new(),
            in_the_clear: false,
            signed_statement: false,
        }
    }
}

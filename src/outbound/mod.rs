//! The only place that names an HTTP client. Calls are bounded in time and size.
//!
//! Three clients: [`Client`] for addresses that the person at the keyboard or the operator names (`yufu demo --url`,
//! `--login-issuer`), which follows no redirects; [`ForeignClient`] for those that strangers name, under [`AddressRules`] on
//! the resolved address; [`KeptClient`], which keeps one connection to one service and measures it (`yufu bench`).

mod addresses;
mod foreign;
mod kept;
mod login;
mod names;
mod roots;
mod wire_format;

pub use addresses::{AddressRules, Cidr, NotACidr, Refusal};
pub use foreign::{FetchForeign, ForeignClient, ForeignError, ForeignRequest};
pub use kept::{Destination, KeptClient, NotAService};
pub use login::{Login, LoginClient, LoginError, LoginIssuer, LoginSecrets, NotAnIssuer, OpenIdLogin};
pub use names::{Names, SystemNames};

use std::{sync::Arc, time::Duration};

/// Longest wait for a whole call, connection included.
const CALL_SECONDS: u64 = 30;

/// Largest body read, in bytes: a status list of 2^20 entries stays under a quarter of it.
const BODY_BYTES: u64 = 2 * 1024 * 1024;

/// What is sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// `GET`, `POST`, ...
    pub method: &'static str,
    /// The whole address.
    pub url: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

impl Request {
    /// A `GET` without headers of its own.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: "GET", url: url.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// A `POST` of `body` as `content_type`.
    pub fn post(url: impl Into<String>, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { method: "POST", url: url.into(), headers, body: body.into() }
    }

    /// The same request with a bearer token.
    #[must_use]
    pub fn bearer(mut self, token: &str) -> Self {
        self.headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        self
    }
}

/// What came back, whatever its status.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The media type without parameters, lower case; empty when there is none.
    pub content_type: String,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FetchError {
    /// The request itself cannot be written: a bad address or header.
    #[error("not a request that can be sent")]
    BadRequest,
    /// No connection, or no whole answer in time.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The answer is larger than allowed.
    #[error("the answer is larger than {BODY_BYTES} bytes")]
    TooLarge,
}

/// Sends one request and reads the whole answer.
pub trait Fetch: Send + Sync {
    /// An answer of any status is `Ok`.
    fn send(&self, request: Request) -> Result<Response, FetchError>;
}

/// The client of the operating system's network.
pub struct Client {
    agent: ureq::Agent,
}

impl Client {
    /// A client with the bounds of this module, that believes the roots of the web.
    pub fn new() -> Arc<Self> {
        Self::with_roots(&[], Duration::from_secs(CALL_SECONDS))
    }

    /// The same with roots of one's own beside them (DER), such as that of a closed network, and a longest wait.
    pub fn with_roots(own_roots: &[Vec<u8>], within: Duration) -> Arc<Self> {
        let config = ureq::Agent::config_builder()
            .tls_config(roots::tls_config(own_roots))
            .timeout_global(Some(within))
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        Arc::new(Self { agent: config.into() })
    }
}

impl Fetch for Client {
    fn send(&self, request: Request) -> Result<Response, FetchError> {
        let mut builder = ureq::http::Request::builder().method(request.method).uri(request.url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let sent = builder.body(request.body).map_err(|_| FetchError::BadRequest)?;
        let mut answer = self.agent.run(sent).map_err(|error| FetchError::NoAnswer(error.to_string()))?;
        let content_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let content_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let body = answer.body_mut().with_config().limit(BODY_BYTES).read_to_vec().map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => FetchError::TooLarge,
            other => FetchError::NoAnswer(other.to_string()),
        })?;
        Ok(Response { status: answer.status().as_u16(), content_type, body })
    }
}

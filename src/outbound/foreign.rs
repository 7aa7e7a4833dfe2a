//! Fetching what a stranger names, such as the status list of a credential: bounded in every way and to public hosts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ureq::{
    Agent, Error,
    http::{HeaderMap, Request, Response},
    unversioned::transport::{Connector, RustlsConnector, TcpConnector},
};
use url::Url;

use crate::{
    base::{
        clock::{Clock, SystemClock},
        limits::{FOREIGN_CONNECT_SECONDS, FOREIGN_FETCHES, FOREIGN_HEADER_BYTES, FOREIGN_REDIRECTS},
    },
    outbound::{
        addresses::{AddressRules, Refusal},
        names::{Checked, Names, SystemNames},
        roots::tls_config,
    },
};

/// What is wanted from a stranger's address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ForeignRequest<'a> {
    /// The address, as the stranger wrote it.
    pub url: &'a str,
    /// The one media type that is accepted.
    pub media_type: &'static str,
    /// Largest body.
    pub most_bytes: usize,
    /// Longest time for the whole call.
    pub within: Duration,
}

/// Why nothing usable came back. None of these names the address: they stand in statements.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ForeignError {
    /// The address, or one that it redirects to, may not be asked.
    #[error("{0} is not fetched from")]
    NotAllowed(Refusal),
    /// No address for the name.
    #[error("the name of the host is not known")]
    NameUnknown,
    /// No connection, or one that broke off.
    #[error("the host does not answer")]
    NoAnswer,
    /// The certificate is not for this host or not under a known root, or no common way to speak TLS.
    #[error("no TLS connection that can be trusted")]
    Tls,
    /// Not all of it in time.
    #[error("the host did not answer in time")]
    TimedOut,
    /// An answer that is not HTTP as it should be, or with headers beyond bounds.
    #[error("the host does not answer in HTTP")]
    NotHttp,
    /// Another status than 200.
    #[error("the host answers with status {0}")]
    Status(u16),
    /// More redirects than are followed, or a circle.
    #[error("too many redirects")]
    TooManyRedirects,
    /// A redirect that does not say where.
    #[error("a redirect to nowhere")]
    RedirectToNowhere,
    /// Another media type than the one that was asked for.
    #[error("the answer is of another media type")]
    MediaType,
    /// Compressed, though nobody asked for it.
    #[error("the answer is in an encoding that was not asked for")]
    Encoding,
    /// Larger than allowed.
    #[error("the answer is larger than allowed")]
    TooLarge,
    /// As many fetches as are allowed at once are under way.
    #[error("too many fetches at once")]
    Busy,
}

/// Fetches from strangers' addresses.
pub trait FetchForeign: Send + Sync {
    /// The body of the answer with status 200 and the media type asked for. Ends within the time, holds at most the bytes
    /// that the request states, and opens connections only to addresses that the rules allow.
    fn fetch(&self, request: &ForeignRequest<'_>) -> Result<Vec<u8>, ForeignError>;
}

/// The client for strangers' addresses: no proxy, no cookies, no credentials, no connection kept for the next call.
pub struct ForeignClient {
    agent: Agent,
    elapsed: SystemClock,
    under_way: AtomicUsize,
}

impl ForeignClient {
    /// A client under these rules. In TLS it believes the roots of the web (Mozilla's, as `webpki-root-certs` has them) and
    /// those of `own_roots` (DER), such as that of a closed network.
    pub fn new(rules: AddressRules, own_roots: &[Vec<u8>]) -> Self {
        Self::with_names(rules, own_roots, Arc::new(SystemNames))
    }

    /// The same with names from elsewhere.
    pub fn with_names(rules: AddressRules, own_roots: &[Vec<u8>], names: Arc<dyn Names>) -> Self {
        let config = Agent::config_builder()
            .tls_config(tls_config(own_roots))
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_response_header_size(FOREIGN_HEADER_BYTES)
            .max_idle_connections(0)
            .user_agent("yufu")
            .build();
        let connector = ().chain(TcpConnector::default()).chain(RustlsConnector::default());
        let agent = Agent::with_parts(config, connector, Checked::new(names, rules));
        // Sockets wait in real time, so the whole call is measured in it as well, also where a test sets the clock.
        Self { agent, elapsed: SystemClock::new(), under_way: AtomicUsize::new(0) }
    }

    fn follow(&self, request: &ForeignRequest<'_>) -> Result<Vec<u8>, ForeignError> {
        let end = self.elapsed.monotonic() + request.within;
        let mut url = read(request.url)?;
        for _ in 0..=FOREIGN_REDIRECTS {
            let left =
                end.checked_sub(self.elapsed.monotonic()).filter(|left| !left.is_zero()).ok_or(ForeignError::TimedOut)?;
            let mut answer = self.ask(&url, request.media_type, left)?;
            match answer.status().as_u16() {
                200 => return body(&mut answer, request),
                301 | 302 | 303 | 307 | 308 => url = redirected(&url, answer.headers())?,
                status => return Err(ForeignError::Status(status)),
            }
        }
        Err(ForeignError::TooManyRedirects)
    }

    fn ask(&self, url: &Url, media_type: &str, left: Duration) -> Result<Response<ureq::Body>, ForeignError> {
        let request = Request::get(url.as_str()).header("accept", media_type).header("accept-encoding", "identity");
        let request = request.body(()).map_err(|_| ForeignError::NotAllowed(Refusal::NotAUrl))?;
        let connect = Duration::from_secs(FOREIGN_CONNECT_SECONDS).min(left);
        let request = self.agent.configure_request(request).timeout_global(Some(left)).timeout_connect(Some(connect)).build();
        self.agent.run(request).map_err(why)
    }
}

impl FetchForeign for ForeignClient {
    fn fetch(&self, request: &ForeignRequest<'_>) -> Result<Vec<u8>, ForeignError> {
        let _place = Place::take(&self.under_way).ok_or(ForeignError::Busy)?;
        self.follow(request)
    }
}

/// One of the fetches that may run at once; given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(under_way: &'a AtomicUsize) -> Option<Self> {
        let place = Self(under_way);
        (under_way.fetch_add(1, Ordering::AcqRel) < FOREIGN_FETCHES).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What can be told of an address before its name is looked up.
fn read(text: &str) -> Result<Url, ForeignError> {
    let url = Url::parse(text).map_err(|_| ForeignError::NotAllowed(Refusal::NotAUrl))?;
    check(url)
}

fn check(mut url: Url) -> Result<Url, ForeignError> {
    let refusal = match url.scheme() {
        "https" | "http" if url.host_str().is_none_or(str::is_empty) => Refusal::NotAUrl,
        "https" | "http" if !url.username().is_empty() || url.password().is_some() => Refusal::Credentials,
        "https" | "http" => {
            url.set_fragment(None);
            return Ok(url);
        }
        _ => Refusal::Scheme,
    };
    Err(ForeignError::NotAllowed(refusal))
}

/// Where a redirect leads (RFC 9110 section 10.2.2), once more under all the rules.
fn redirected(from: &Url, headers: &HeaderMap) -> Result<Url, ForeignError> {
    let location = headers.get("location").and_then(|location| location.to_str().ok());
    let to = location.and_then(|location| from.join(location).ok()).ok_or(ForeignError::RedirectToNowhere)?;
    match check(to)? {
        to if from.scheme() == "https" && to.scheme() == "http" => Err(ForeignError::NotAllowed(Refusal::Downgrade)),
        to => Ok(to),
    }
}

fn body(answer: &mut Response<ureq::Body>, request: &ForeignRequest<'_>) -> Result<Vec<u8>, ForeignError> {
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = header("content-type").split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case(request.media_type) {
        return Err(ForeignError::MediaType);
    }
    if !matches!(header("content-encoding").to_ascii_lowercase().as_str(), "" | "identity") {
        return Err(ForeignError::Encoding);
    }
    // The bound lets exactly its own number of bytes pass, and one more is an error.
    answer.body_mut().with_config().limit(request.most_bytes as u64).read_to_vec().map_err(why)
}

fn why(error: Error) -> ForeignError {
    match error {
        Error::Other(error) => error.downcast::<ForeignError>().map_or(ForeignError::NoAnswer, |error| *error),
        Error::Timeout(_) => ForeignError::TimedOut,
        Error::HostNotFound => ForeignError::NameUnknown,
        Error::Tls(_) | Error::Rustls(_) | Error::TlsRequired => ForeignError::Tls,
        Error::BodyExceedsLimit(_) => ForeignError::TooLarge,
        Error::LargeResponseHeader(..) | Error::Protocol(_) | Error::Http(_) => ForeignError::NotHttp,
        Error::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => ForeignError::Tls,
        Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => ForeignError::TimedOut,
        _ => ForeignError::NoAnswer,
    }
}

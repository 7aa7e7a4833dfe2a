//! A client with one connection that it keeps, for one service: for measuring, where the client has to cost less than the
//! server does.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName},
};
use url::Url;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

use crate::{
    base::clock::{Clock, SystemClock},
    crypto::tls,
    outbound::{
        BODY_BYTES, Fetch, FetchError, Request, Response,
        wire_format::{Head, chunked_body, write_request},
    },
};

/// Largest head of an answer, in bytes.
const HEAD_BYTES: usize = 64 * 1024;

/// A connection that has rested for so long is looked at before it is used: servers close what rests.
const RESTED: Duration = Duration::from_secs(1);

/// Why there is no client for an address.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotAService {
    /// Not an address of a service.
    #[error("http://HOST:PORT or https://HOST:PORT is expected")]
    Address,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// Where a service is, and whom to believe there. Clones share it.
#[derive(Clone)]
pub struct Destination {
    /// Scheme, host and port, as requests to it begin.
    origin: String,
    host: String,
    port: u16,
    /// What goes into `host`.
    authority: String,
    tls: Option<Arc<ClientConfig>>,
    /// Longest wait for a part of an answer.
    within: Duration,
}

impl Destination {
    /// The service at `url`, `http` or `https` under the roots of the web and `own_roots` (DER); every wait for it ends
    /// after `within`.
    pub fn new(url: &str, own_roots: &[Vec<u8>], within: Duration) -> Result<Self, NotAService> {
        let parsed = Url::parse(url).map_err(|_| NotAService::Address)?;
        let host = parsed.host_str().filter(|host| !host.is_empty()).ok_or(NotAService::Address)?;
        let port = parsed.port_or_known_default().ok_or(NotAService::Address)?;
        let tls = match parsed.scheme() {
            "http" => None,
            "https" => Some(believing(own_roots)?),
            _ => return Err(NotAService::Address),
        };
        let authority = parsed.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let origin = format!("{}://{authority}", parsed.scheme());
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { origin, host, port, authority, tls, within })
    }

    fn connect(&self) -> io::Result<Stream> {
        let mut addresses = (self.host.as_str(), self.port).to_socket_addrs()?;
        let address = addresses.next().ok_or_else(|| io::Error::from(ErrorKind::NotFound))?;
        let tcp = TcpStream::connect_timeout(&address, self.within)?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(self.within))?;
        tcp.set_write_timeout(Some(self.within))?;
        let Some(config) = &self.tls else { return Ok(Stream::Plain(tcp)) };
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        let session = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        Ok(Stream::Tls(Box::new(StreamOwned::new(session, tcp))))
    }
}

fn believing(own_roots: &[Vec<u8>]) -> Result<Arc<ClientConfig>, NotAService> {
    let why = |error: rustls::Error| NotAService::Tls(error.to_string());
    let mut roots = RootCertStore::empty();
    let own = own_roots.iter().map(|der| CertificateDer::from(der.as_slice()));
    for root in TLS_SERVER_ROOT_CERTS.iter().cloned().chain(own) {
        roots.add(root).map_err(why)?;
    }
    let config = ClientConfig::builder_with_provider(tls::provider()).with_safe_default_protocol_versions().map_err(why)?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref(),
        }
    }

    /// Whether the other side has ended it, or has said something that nobody asked for.
    fn is_spent(&self) -> bool {
        let socket = self.socket();
        let looked = socket.set_nonblocking(true).and_then(|()| socket.peek(&mut [0]));
        let resting = matches!(&looked, Err(error) if error.kind() == ErrorKind::WouldBlock);
        !resting || socket.set_nonblocking(false).is_err()
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

/// A connection that is open, and what it used last.
struct Line {
    stream: Stream,
    used: Duration,
}

/// The client. Calls of several threads follow one another: one client a thread is meant.
pub struct KeptClient {
    destination: Destination,
    line: Mutex<Option<Line>>,
    clock: SystemClock,
}

impl KeptClient {
    /// A client that will connect when it is used first.
    pub fn new(destination: Destination) -> Self {
        Self { destination, line: Mutex::new(None), clock: SystemClock::new() }
    }

    /// Connects now, so that no call has to wait for it. What fails here fails again in the call, which tells.
    pub fn connect(&self) {
        let mut kept = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none() {
            *kept = self.destination.connect().ok().map(|stream| Line { stream, used: self.clock.monotonic() });
        }
    }

    fn line(&self, kept: Option<Line>) -> Result<Line, FetchError> {
        let now = self.clock.monotonic();
        match kept.filter(|line| now.saturating_sub(line.used) < RESTED || !line.stream.is_spent()) {
            Some(line) => Ok(line),
            None => Ok(Line { stream: self.destination.connect().map_err(no_answer)?, used: now }),
        }
    }
}

impl Fetch for KeptClient {
    /// Addresses of another service than this client's are not requests that it can send.
    fn send(&self, request: Request) -> Result<Response, FetchError> {
        let path = request.url.strip_prefix(&self.destination.origin).ok_or(FetchError::BadRequest)?;
        let path = if path.is_empty() { "/" } else { path };
        if !path.starts_with('/') {
            return Err(FetchError::BadRequest);
        }
        let bytes = write_request(&request, path, &self.destination.authority).ok_or(FetchError::BadRequest)?;
        let mut kept = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = self.line(kept.take())?;
        line.stream.write_all(&bytes).and_then(|()| line.stream.flush()).map_err(no_answer)?;
        let (response, reusable) = read_response(&mut line.stream)?;
        if reusable {
            line.used = self.clock.monotonic();
            *kept = Some(line);
        }
        Ok(response)
    }
}

/// The whole answer, and whether the connection can be used again.
fn read_response(stream: &mut Stream) -> Result<(Response, bool), FetchError> {
    let mut bytes = Vec::with_capacity(4096);
    let head = loop {
        if let Some(head) = Head::read(&bytes).map_err(|()| FetchError::NoAnswer("not an answer in HTTP".to_owned()))? {
            break head;
        }
        if bytes.len() > HEAD_BYTES {
            return Err(FetchError::NoAnswer("not an answer in HTTP".to_owned()));
        }
        more(stream, &mut bytes)?;
    };
    let mut rest = bytes.split_off(head.length);
    let body = if head.chunked {
        loop {
            match chunked_body(&rest).map_err(|()| FetchError::NoAnswer("not an answer in HTTP".to_owned()))? {
                Some(body) => break body,
                None if rest.len() as u64 > BODY_BYTES => return Err(FetchError::TooLarge),
                None => more(stream, &mut rest)?,
            }
        }
    } else {
        if head.body_bytes > BODY_BYTES {
            return Err(FetchError::TooLarge);
        }
        while (rest.len() as u64) < head.body_bytes {
            more(stream, &mut rest)?;
        }
        rest
    };
    Ok((Response { status: head.status, content_type: head.content_type, body }, !head.closes))
}

fn more(stream: &mut Stream, bytes: &mut Vec<u8>) -> Result<(), FetchError> {
    let mut buffer = [0; 16 * 1024];
    match stream.read(&mut buffer).map_err(no_answer)? {
        0 => Err(FetchError::NoAnswer("connection closed".to_owned())),
        read => {
            bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
            Ok(())
        }
    }
}

/// One of few words, so that failures can be counted by kind.
fn no_answer(error: io::Error) -> FetchError {
    let why = match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "timed out",
        ErrorKind::ConnectionRefused => "connection refused",
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof
        | ErrorKind::NotConnected => "connection closed",
        ErrorKind::NotFound => "the name of the host is not known",
        _ if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => "no TLS connection that can be trusted",
        _ => "no connection",
    };
    FetchError::NoAnswer(why.to_owned())
}

#[cfg(test)]
mod tests;

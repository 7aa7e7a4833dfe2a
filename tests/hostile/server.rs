//! The service as a stranger meets it: the binary in a process of its own, and bytes on a socket.

use std::{
    collections::BTreeMap,
    fs,
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use yufu::base::clock::{Clock, SystemClock};

/// Longest wait for anything on a socket: over every deadline that the service itself sets.
const PATIENCE: Duration = Duration::from_secs(20);

/// A service of its own, gone when it is dropped.
pub struct Server {
    child: Child,
    folder: TempDir,
    pub port: u16,
    pub token: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Server {
    /// Starts the binary on a free port of loopback and waits until it is ready.
    pub fn start() -> Self {
        (0..5).find_map(|_| Self::try_start()).expect("the service starts on one of five free ports")
    }

    fn try_start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("its address").port();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let log = fs::File::create(folder.path().join("server.log")).expect("a file for the log");
        let child = Command::new(env!("CARGO_BIN_EXE_yufu"))
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--metrics-listen", "off", "--log-level", "debug"])
            .args(["--data", &at("data"), "--keys", &at("keys")])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the binary starts");
        let mut server = Self { child, folder, port, token: String::new() };
        let began = SystemClock::new();
        while server.child.try_wait().expect("the process can be asked").is_none() {
            assert!(began.monotonic() < Duration::from_secs(60), "not ready after a minute: {}", server.log());
            if server.try_send(&request("GET", "/health/ready", &[], b"")).is_some_and(|answer| answer.status == 200) {
                let token = fs::read_to_string(server.folder.path().join("data/administrator.token")).expect("the first token");
                server.token = token.trim().to_owned();
                return Some(server);
            }
            std::thread::yield_now();
        }
        None
    }

    /// What the service wrote to its log.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.path().join("server.log")).unwrap_or_default()).into_owned()
    }

    /// The public URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A connection.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the service takes connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }

    /// Sends bytes and reads what comes back until the other side closes. A service that turns a request away may close
    /// before it has read all of it.
    pub fn send(&self, bytes: &[u8]) -> Answer {
        self.try_send(bytes)
            .unwrap_or_else(|| panic!("no answer to {}", String::from_utf8_lossy(&bytes[..bytes.len().min(200)])))
    }

    fn try_send(&self, bytes: &[u8]) -> Option<Answer> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.set_write_timeout(Some(PATIENCE)).ok()?;
        let _ = stream.write_all(bytes);
        read_answer(&mut stream)
    }

    /// A JSON request of the administrator; the answer has to have this status.
    pub fn admin(&self, method: &str, path: &str, body: &Value, status: u16) -> Value {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let answer = self.send(&request(method, &format!("/admin/api/v1{path}"), &headers, body.to_string().as_bytes()));
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        answer.json()
    }

    /// The service still answers, and nothing in it panicked.
    pub fn assert_well(&self) {
        assert_eq!(self.send(&request("GET", "/health/live", &[], b"")).status, 200);
        assert!(!self.log().contains("panicked"), "{}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bytes of a request on a connection that closes after it.
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        text.push_str("Host: 127.0.0.1\r\n");
    }
    headers.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
    if !body.is_empty() || method == "POST" {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    [text.as_bytes(), body].concat()
}

/// Reads an answer until the connection ends; none when there is none.
pub fn read_answer(stream: &mut TcpStream) -> Option<Answer> {
    let mut bytes = Vec::new();
    let mut part = [0; 16 * 1024];
    loop {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(&part[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // What was answered before a reset counts.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(_) => return None,
        }
    }
    Answer::parse(&bytes)
}

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers =
            lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let mut answer = Self { status, headers: headers.collect(), body: bytes[end + 4..].to_vec() };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = unchunked(&answer.body)?;
        }
        Some(answer)
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The stable code of a refusal: `code` of a problem document, `error` of the OAuth family.
    pub fn code(&self) -> String {
        let body = self.json();
        ["code", "error"].iter().find_map(|member| body[*member].as_str()).unwrap_or_default().to_owned()
    }
}

fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        rest = &rest[line + 2..];
        if size == 0 {
            return Some(whole);
        }
        whole.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

/// How often each outcome came.
pub fn tally(outcomes: impl IntoIterator<Item = (u16, String)>) -> BTreeMap<(u16, String), usize> {
    outcomes.into_iter().fold(BTreeMap::new(), |mut tally, outcome| {
        *tally.entry(outcome).or_default() += 1;
        tally
    })
}

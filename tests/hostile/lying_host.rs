//! A web server that does whatever a test wants: lies, waits, redirects, and never stops sending. It counts who comes.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// The start line and headers of a request, as they came.
#[derive(Clone, Debug)]
pub struct Head {
    pub text: String,
}

impl Head {
    /// The target of the request.
    pub fn path(&self) -> &str {
        self.text.split(' ').nth(1).unwrap_or_default()
    }

    /// The value of a header, its name in lower case.
    pub fn header(&self, name: &str) -> Option<String> {
        let lines = self.text.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
    }
}

/// What the server does with one request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// These bytes, then the connection closes.
    Bytes(Vec<u8>),
    /// This head, then one byte of body a second.
    Drip(String),
    /// This head, then as many bytes of body as are taken.
    Flood(String, u64),
    /// Nothing for so long, then these bytes.
    After(Duration, Vec<u8>),
    /// Header after header, without an end.
    Headers,
}

impl Reply {
    /// An answer with status 200.
    pub fn good(media_type: &str, body: impl AsRef<[u8]>) -> Self {
        Self::status(200, &[("content-type", media_type)], body)
    }

    /// Any answer.
    pub fn status(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        Self::Bytes([head.as_bytes(), b"\r\n", body].concat())
    }

    /// A redirect.
    pub fn redirect(to: &str) -> Self {
        Self::status(302, &[("location", to)], b"")
    }
}

type Answering = dyn Fn(&Head) -> Reply + Send + Sync;

struct Inner {
    answering: Mutex<Arc<Answering>>,
    connections: AtomicUsize,
    sent: AtomicU64,
    heads: Mutex<Vec<Head>>,
    stopped: AtomicBool,
}

/// The server; it stops when it is dropped.
pub struct LyingHost {
    inner: Arc<Inner>,
    address: SocketAddr,
}

impl LyingHost {
    /// A server on a free port of loopback.
    pub fn start(answering: impl Fn(&Head) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let inner = Arc::new(Inner {
            answering: Mutex::new(Arc::new(answering)),
            connections: AtomicUsize::new(0),
            sent: AtomicU64::new(0),
            heads: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let serving = Arc::clone(&inner);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (one, Ok(stream)) = (Arc::clone(&serving), stream) else { continue };
                one.connections.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || one.serve(stream));
            }
        });
        Self { inner, address }
    }

    /// Does something else from now on.
    pub fn now(&self, answering: impl Fn(&Head) -> Reply + Send + Sync + 'static) {
        *self.inner.answering.lock().expect("nobody panicked") = Arc::new(answering);
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address as http.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections were opened.
    pub fn connections(&self) -> usize {
        self.inner.connections.load(Ordering::SeqCst)
    }

    /// How many bytes of floods were taken.
    pub fn sent(&self) -> u64 {
        self.inner.sent.load(Ordering::SeqCst)
    }

    /// Every request so far.
    pub fn heads(&self) -> Vec<Head> {
        self.inner.heads.lock().expect("nobody panicked").clone()
    }
}

impl Drop for LyingHost {
    fn drop(&mut self) {
        self.inner.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

impl Inner {
    /// One request a connection. That the other side goes away early is what these tests are about.
    fn serve(&self, mut stream: TcpStream) {
        let Some(head) = read_head(&mut stream) else { return };
        let answering = Arc::clone(&self.answering.lock().expect("nobody panicked"));
        self.heads.lock().expect("nobody panicked").push(head.clone());
        let reply = answering(&head);
        let _ = self.answer(&mut stream, reply);
    }

    fn answer(&self, stream: &mut TcpStream, reply: Reply) -> std::io::Result<()> {
        match reply {
            Reply::Bytes(bytes) => stream.write_all(&bytes),
            Reply::After(wait, bytes) => {
                thread::sleep(wait);
                stream.write_all(&bytes)
            }
            Reply::Drip(head) => {
                stream.write_all(head.as_bytes())?;
                loop {
                    stream.write_all(b"e")?;
                    thread::sleep(Duration::from_secs(1));
                }
            }
            Reply::Flood(head, length) => {
                stream.write_all(head.as_bytes())?;
                let part = [b'e'; 64 * 1024];
                while self.sent.load(Ordering::SeqCst) < length {
                    let sent = stream.write(&part)?;
                    self.sent.fetch_add(sent as u64, Ordering::SeqCst);
                }
                Ok(())
            }
            Reply::Headers => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
                loop {
                    stream.write_all(b"x-more: eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee\r\n")?;
                    self.sent.fetch_add(50, Ordering::SeqCst);
                }
            }
        }
    }
}

pub fn read_head(stream: &mut impl Read) -> Option<Head> {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => bytes.push(byte[0]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            _ => return None,
        }
    }
    Some(Head { text: String::from_utf8_lossy(&bytes).into_owned() })
}

//! The load generator: prepared requests over kept connections, either as fast as they are answered, or at times drawn
//! beforehand, so that a slow answer does not hold back the ones after it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use yufu::base::{
    clock::{Clock, SystemClock},
    random::{Random, SeededRandom},
};

/// Where requests go.
pub struct Target {
    address: String,
    /// What stands for the path in prepared requests, if it is to be replaced.
    path: Option<&'static str>,
}

impl Target {
    /// The service, whose paths stand in the requests.
    pub fn of(url: &str) -> Self {
        Self { address: url.trim_start_matches("http://").to_owned(), path: None }
    }

    /// A server that answers at `/`.
    pub fn at(address: String) -> Self {
        Self { address, path: Some("/") }
    }
}

/// A prepared request.
pub struct Prepared {
    pub path: String,
    /// Header lines beside host and length, each with its end.
    pub headers: String,
    pub body: String,
}

impl Prepared {
    pub fn len(&self) -> usize {
        self.body.len()
    }

    fn bytes(&self, target: &Target) -> Vec<u8> {
        let (path, host) = (target.path.unwrap_or(&self.path), &target.address);
        format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\n{}content-length: {}\r\n\r\n{}",
            self.headers,
            self.body.len(),
            self.body
        )
        .into_bytes()
    }
}

/// A kept connection.
struct Connection {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Connection {
    fn open(target: &Target) -> Self {
        let stream = TcpStream::connect(&target.address).expect("the server takes connections");
        stream.set_nodelay(true).expect("a socket");
        let reader = BufReader::new(stream.try_clone().expect("a socket"));
        Self { stream, reader }
    }

    /// Sends a request and reads the whole answer, which has to be good.
    fn call(&mut self, request: &[u8]) {
        self.stream.write_all(request).expect("the request is sent");
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("an answer");
        assert!(line.starts_with("HTTP/1.1 200 "), "{line}");
        let mut length = 0;
        loop {
            line.clear();
            self.reader.read_line(&mut line).expect("a header");
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        self.reader.by_ref().take(length).read_to_end(&mut Vec::new()).expect("the body");
    }
}

/// Sends all as fast as they are answered; how many a second.
pub fn closed(target: &Target, answers: &[Prepared], connections: usize) -> f64 {
    let requests: Vec<_> = answers.iter().map(|answer| answer.bytes(target)).collect();
    let (next, clock) = (AtomicUsize::new(0), SystemClock::new());
    thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let mut connection = Connection::open(target);
                while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    connection.call(request);
                }
            });
        }
    });
    requests.len() as f64 / clock.monotonic().as_secs_f64()
}

/// How long answers took, in order.
pub struct Latencies(Vec<Duration>);

impl Latencies {
    pub fn quantile(&self, quantile: f64) -> Duration {
        let last = self.0.len().saturating_sub(1);
        self.0.get((last as f64 * quantile).round() as usize).copied().unwrap_or_default()
    }
}

/// Sends all at times drawn beforehand, `rate` a second in the mean with exponential gaps; each answer's time counts from
/// when its request was due, not from when a connection was free for it.
pub fn open(target: &Target, answers: &[Prepared], rate: f64, connections: usize, seed: u64) -> Latencies {
    let requests: Vec<_> = answers.iter().map(|answer| answer.bytes(target)).collect();
    let random: &dyn Random = &SeededRandom::new(seed);
    let mut due = Vec::with_capacity(requests.len());
    let mut at = 0.0;
    for _ in &requests {
        let uniform = (u64::from_be_bytes(random.array()) >> 11) as f64 / (1_u64 << 53) as f64;
        at -= (1.0 - uniform).ln() / rate;
        due.push(Duration::from_secs_f64(at));
    }
    let (next, clock) = (AtomicUsize::new(0), SystemClock::new());
    let (requests, due, next, clock) = (&requests, &due, &next, &clock);
    let mut all: Vec<Duration> = thread::scope(|scope| {
        // More connections than in the closed run: whoever is due has to find a free one.
        let threads: Vec<_> = (0..4 * connections)
            .map(|_| {
                scope.spawn(move || {
                    let (mut connection, mut own) = (Connection::open(target), Vec::new());
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let (Some(request), Some(due)) = (requests.get(number), due.get(number)) else { return own };
                        thread::sleep(due.saturating_sub(clock.monotonic()));
                        connection.call(request);
                        own.push(clock.monotonic().saturating_sub(*due));
                    }
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("it ends")).collect()
    });
    all.sort();
    Latencies(all)
}

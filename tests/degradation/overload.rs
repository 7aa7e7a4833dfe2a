//! More callers than can be served (FT-15, HT-01, HT-03): those beyond are told or closed early, who stalls is cut off, nothing
//! grows, and afterwards all is as before.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use serde_json::json;
use yufu::{
    app::{config::MetricsListen, wire::Between},
    base::{
        clock::{Clock, SystemClock},
        random::SeededRandom,
    },
};

use crate::support::{TestService, User, person};

/// Longest wait for anything on a socket.
const PATIENCE: Duration = Duration::from_secs(20);

fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).expect("the system takes the connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Asks on a connection that is kept; gives the head of the answer, empty when it was closed.
fn ask(stream: &mut TcpStream, path: &str) -> String {
    let asked = write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut head = String::new();
    let mut reader = BufReader::new(stream);
    while asked.is_ok() && reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_ok() { head } else { String::new() }
}

fn service(change: impl FnOnce(&mut yufu::app::config::Config), between: Between) -> TestService {
    let random = Arc::new(SeededRandom::new(7));
    let with_metrics = |config: &mut yufu::app::config::Config| {
        config.listen.metrics_listen = MetricsListen::At("127.0.0.1:0".parse().expect("an address"));
        change(config);
    };
    TestService::start_between(random, with_metrics, between)
}

/// A number of the metrics.
fn metric(service: &TestService, name: &str) -> f64 {
    let metrics = User::at(&format!("http://{}", service.service().metrics_address().expect("metrics are served")));
    let page = metrics.get("/metrics").text();
    page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or_default()
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let clock = SystemClock::new();
    while !is_so() {
        assert!(clock.monotonic() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn beyond_the_last_connection_a_few_are_told_and_the_rest_is_closed_and_the_open_ones_are_served() {
    let service = service(|config| config.limits.limit_connections = 2, Between::default());
    let at = service.service().address().expect("it listens");
    let mut served: Vec<_> = (0..2).map(|_| connect(at)).collect();
    for stream in &mut served {
        assert!(ask(stream, "/health/live").starts_with("http/1.1 200"));
    }
    let mut told: Vec<_> = (0..16).map(|_| connect(at)).collect();
    until("all of them are counted", || metric(&service, "yufu_connections") == 18.0);
    let mut unheard = connect(at);
    assert_eq!(ask(&mut unheard, "/trust-list"), "", "there is no room to tell everybody");
    let head = ask(&mut told[0], "/health/live");
    assert!(head.starts_with("http/1.1 200"), "who looks whether it lives is answered: {head}");
    let head = ask(&mut told[1], "/trust-list");
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert!(head.contains("retry-after: 1\r") && head.contains("connection: close\r"), "{head}");
    assert!(ask(&mut served[1], "/credential-types").starts_with("http/1.1 200"), "who is in stays in");
    assert!(metric(&service, "yufu_shed_total{by=\"connections\"}") >= 17.0);
    drop((served, told, unheard));
    until("those who left are forgotten", || metric(&service, "yufu_connections") == 0.0);
    assert!(ask(&mut connect(at), "/credential-types").starts_with("http/1.1 200"));
}

#[test]
fn who_takes_nothing_of_an_answer_is_cut_off() {
    let service = service(|_| {}, Between { stalled: Duration::from_secs(1), ..Between::default() });
    let mut stalled = connect(service.service().address().expect("it listens"));
    // More than the buffers of both sides hold; none of it is read.
    stalled.set_nonblocking(true).expect("it can be set");
    for _ in 0..400 {
        let _ = stalled.write(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    until("it is there", || metric(&service, "yufu_connections") == 1.0);
    until("it is cut off", || metric(&service, "yufu_connections") == 0.0);
}

/// The program in a process of its own, with this many files.
struct Program {
    child: Child,
    at: SocketAddr,
    folder: tempfile::TempDir,
}

impl Program {
    fn start(files: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
        let script = format!(
            "ulimit -n {files} && exec '{}' serve --listen 127.0.0.1:{port} --metrics-listen off --log-level error",
            env!("CARGO_BIN_EXE_yufu")
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]).current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let program = Self { child: command.spawn().expect("it starts"), at: SocketAddr::from(([127, 0, 0, 1], port)), folder };
        until("it is ready", || program.user().try_get("/health/ready") == Some(200));
        program
    }

    fn user(&self) -> User {
        User::at(&format!("http://{}", self.at))
    }

    fn admin(&self) -> User {
        let token = fs::read_to_string(self.folder.path().join("data/administrator.token")).expect("the first token");
        self.user().bearing(token.trim())
    }

    /// Memory that is in use (VmRSS of proc_pid_status(5)), in KiB.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory is told");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn with_few_files_a_flood_of_connections_is_shed_and_afterwards_changes_are_made() {
    let program = Program::start(128);
    for round in 0..3 {
        let flood: Vec<_> = (0..400).map(|_| connect(program.at)).collect();
        let heads: Vec<String> = thread::scope(|scope| {
            let asked: Vec<_> =
                flood.into_iter().map(|mut stream| scope.spawn(move || ask(&mut stream, "/credential-types"))).collect();
            asked.into_iter().map(|asked| asked.join().expect("it ends")).collect()
        });
        let told = |start: &str| heads.iter().filter(|head| head.starts_with(start)).count();
        let (served, shed, closed) =
            (told("http/1.1 200"), told("http/1.1 503"), heads.iter().filter(|head| head.is_empty()).count());
        assert_eq!(served + shed + closed, 400, "nothing else comes back");
        assert!(served >= 40, "round {round}: {served} served, {shed} told, {closed} closed");
        assert!(closed > 0, "round {round}");
    }
    let made = program.admin().post("/admin/api/v1/people", &person(1));
    assert_eq!(made.status, 201, "the store had its files all the time: {}", made.text());
    assert_eq!(program.user().try_get("/health/ready"), Some(200));
}

#[test]
fn a_burst_leaves_no_memory_behind() {
    const LEFT: u64 = 32 * 1024;
    let program = Program::start(4096);
    let gate = program.admin().post("/admin/api/v1/tokens", &json!({"name": "gate", "role": "checkpoint"})).good(201);
    let gate = program.user().bearing(gate["token"].as_str().expect("shown once"));
    let big = json!({"presentation": "x".repeat(400_000), "nonce": "n", "audience": "a"});
    let burst = |rounds: usize| {
        thread::scope(|scope| {
            for _ in 0..32 {
                let (gate, big) = (program.user().bearing(gate.token.as_deref().expect("a token")), &big);
                scope.spawn(move || {
                    for _ in 0..rounds {
                        let status = gate.try_post("/checkpoint/api/v1/verifications", big);
                        assert!(matches!(status, Some(200 | 503)), "{status:?}");
                    }
                });
            }
        });
    };
    // Threads, buffers and the allocator's own stock are there after the first one.
    burst(8);
    let before = program.memory();
    burst(24);
    let mut trickles: Vec<_> = (0..1500).map(|_| connect(program.at)).collect();
    trickles.iter_mut().for_each(|stream| {
        let _ = stream.write_all(b"POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16000\r\n");
    });
    let during = program.memory();
    drop(trickles);
    assert_eq!(program.user().try_get("/health/ready"), Some(200));
    let after = program.memory();
    eprintln!("memory in KiB: {before} before, {during} during, {after} after");
    assert!(during < before + 2 * LEFT && after < before + LEFT, "{before} before, {during} during, {after} after");
}

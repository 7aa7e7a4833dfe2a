//! What is fetched when a stranger names an address, and what is not: hosts that lie, wait, redirect and never stop.

use std::{
    io::{self, Write},
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use yufu::{
    base::{
        clock::{Clock, SystemClock},
        random::SeededRandom,
        time::Timestamp,
    },
    crypto::{
        Algorithm, Signer, SoftwareKey, pkcs8, tls,
        x509::{self, Issuer, Request, Role, Validity},
    },
    outbound::{AddressRules, FetchForeign, ForeignClient, ForeignError, ForeignRequest, Names, Refusal},
};

use super::{
    gate::subject,
    lying_host::{LyingHost, Reply, read_head},
};

pub const TESTED: &[&str] = &["NT-SVC-07", "NT-TSL-13", "SL-12"];

const MEDIA_TYPE: &str = "application/x-list";
/// What a body may have here.
const MOST: usize = 100_000;
/// Longest call here, and how much later than that its end may be seen on a busy machine.
const WITHIN: Duration = Duration::from_secs(2);
const SLACK: Duration = Duration::from_secs(2);

fn on_loopback() -> ForeignClient {
    ForeignClient::new(AddressRules::new(vec!["127.0.0.0/8".parse().expect("a block")]), &[])
}

fn get(client: &ForeignClient, url: &str) -> Result<Vec<u8>, ForeignError> {
    client.fetch(&ForeignRequest { url, media_type: MEDIA_TYPE, most_bytes: MOST, within: WITHIN })
}

fn refused(refusal: Refusal) -> Result<Vec<u8>, ForeignError> {
    Err(ForeignError::NotAllowed(refusal))
}

fn good() -> Reply {
    Reply::good(MEDIA_TYPE, "a list")
}

/// Names that say what a test wants, each answer in turn and the last one again; counts how often it was asked.
struct Told {
    answers: Vec<Vec<SocketAddr>>,
    asked: AtomicUsize,
    of: Mutex<Vec<String>>,
}

impl Told {
    fn new(answers: &[&[SocketAddr]]) -> Arc<Self> {
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        Arc::new(Self { answers, asked: AtomicUsize::new(0), of: Mutex::default() })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Names for Told {
    fn addresses(&self, host: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        self.of.lock().expect("nobody panicked").push(host.to_owned());
        let turn = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        Ok(self.answers[turn].clone())
    }
}

fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

#[test]
fn what_was_asked_for_comes_and_nothing_of_us_is_told() {
    let host = LyingHost::start(|head| match head.path() {
        "/lists/1?a=b" => {
            Reply::status(200, &[("content-type", "Application/X-List; v=1"), ("set-cookie", "track=1")], "a list")
        }
        _ => Reply::status(404, &[], ""),
    });
    let client = on_loopback();
    for _ in 0..2 {
        assert_eq!(get(&client, &format!("{}/lists/1?a=b#part", host.url())), Ok(b"a list".to_vec()));
    }
    let heads = host.heads();
    assert_eq!(host.connections(), 2, "a connection for each call, none is kept");
    for head in heads {
        let mut names: Vec<String> =
            head.text.lines().skip(1).filter_map(|line| line.split_once(": ")).map(|(name, _)| name.to_lowercase()).collect();
        names.sort();
        assert_eq!(names, ["accept", "accept-encoding", "host", "user-agent"]);
        assert!(head.text.starts_with("GET /lists/1?a=b HTTP/1.1\r\n"), "{}", head.text);
        assert_eq!(head.header("accept").as_deref(), Some(MEDIA_TYPE));
        assert_eq!(head.header("user-agent").as_deref(), Some("yufu"));
    }
}

#[test]
fn addresses_of_another_form_are_refused_before_anyone_is_asked() {
    let (host, told) = (LyingHost::start(|_| good()), Told::new(&[&[at("127.0.0.1:1")]]));
    let rules = AddressRules::new(vec!["127.0.0.0/8".parse().expect("a block")]);
    let client = ForeignClient::with_names(rules, &[], Arc::clone(&told) as Arc<dyn Names>);
    for (url, refusal) in [
        ("", Refusal::NotAUrl),
        ("/lists/1", Refusal::NotAUrl),
        ("//id.example/1", Refusal::NotAUrl),
        ("https://", Refusal::NotAUrl),
        ("https://[::1", Refusal::NotAUrl),
        ("file:///etc/passwd", Refusal::Scheme),
        ("ftp://id.example/1", Refusal::Scheme),
        ("data:text/plain,x", Refusal::Scheme),
        ("gopher://id.example/", Refusal::Scheme),
        ("https://user@id.example/", Refusal::Credentials),
        ("https://:secret@id.example/", Refusal::Credentials),
        ("http://user:secret@127.0.0.1/", Refusal::Credentials),
    ] {
        assert_eq!(get(&client, url), refused(refusal), "{url}");
    }
    assert_eq!((told.asked(), host.connections()), (0, 0));
}

#[test]
fn without_leave_nothing_on_this_machine_or_its_network_is_asked() {
    let host = LyingHost::start(|_| good());
    let strict = ForeignClient::new(AddressRules::default(), &[]);
    let port = host.address().port();
    assert_eq!(get(&strict, &host.url()), refused(Refusal::PlainHttp));
    for name in
        ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"]
    {
        assert_eq!(get(&strict, &format!("https://{name}:{port}/")), refused(Refusal::NotPublic), "{name}");
    }
    // Leave for loopback is no leave for anything else.
    for name in ["10.0.0.1", "169.254.169.254", "192.168.1.1", "[fe80::1]", "[fd00:ec2::254]", "0.0.0.0", "[::ffff:127.0.0.1]"]
    {
        assert_eq!(get(&on_loopback(), &format!("https://{name}/")), refused(Refusal::NotPublic), "{name}");
        assert_eq!(get(&on_loopback(), &format!("http://{name}/")), refused(Refusal::PlainHttp), "{name}");
    }
    assert_eq!(host.connections(), 0);
}

/// NT-SVC-07: the name is harmless, its address is not.
#[test]
fn a_name_that_leads_to_an_inner_address_is_refused_and_one_such_address_is_enough() {
    let host = LyingHost::start(|_| good());
    for answer in [
        &[at("10.1.2.3:443")][..],
        &[at("1.1.1.1:443"), at("10.1.2.3:443")],
        &[at("[2606:4700::1111]:443"), host.address()],
        &[at("169.254.169.254:443")],
        &[at("[64:ff9b::a01:203]:443")],
    ] {
        let told = Told::new(&[answer]);
        let client = ForeignClient::with_names(AddressRules::default(), &[], Arc::clone(&told) as Arc<dyn Names>);
        assert_eq!(get(&client, "https://id.example/lists/1"), refused(Refusal::NotPublic), "{answer:?}");
        assert_eq!(told.asked(), 1);
    }
    let other_port = Told::new(&[&[at("1.1.1.1:8443")]]);
    let client = ForeignClient::with_names(AddressRules::default(), &[], other_port);
    assert_eq!(get(&client, "https://id.example:8443/"), refused(Refusal::Port));
    let unknown = ForeignClient::with_names(AddressRules::default(), &[], Told::new(&[&[]]));
    assert_eq!(get(&unknown, "https://id.example/"), Err(ForeignError::NameUnknown));
    assert_eq!(host.connections(), 0);
}

/// DNS rebinding: the address that was checked is the one that is connected to; a second answer is never asked for.
#[test]
fn a_name_is_looked_up_once_a_connection() {
    let (host, inner) = (LyingHost::start(|_| good()), LyingHost::start(|_| good()));
    let told = Told::new(&[&[host.address()], &[at("10.0.0.1:80")], &[inner.address()]]);
    let rules = AddressRules::new(vec!["127.0.0.0/8".parse().expect("a block")]);
    let client = ForeignClient::with_names(rules, &[], Arc::clone(&told) as Arc<dyn Names>);
    assert_eq!(get(&client, "http://id.example/"), Ok(b"a list".to_vec()));
    assert_eq!((told.asked(), host.connections(), inner.connections()), (1, 1, 0));
    // The next call asks anew, and is judged anew.
    assert_eq!(get(&client, "http://id.example/"), refused(Refusal::PlainHttp));
    assert_eq!((told.asked(), host.connections()), (2, 1));
    assert_eq!(*told.of.lock().expect("nobody panicked"), ["id.example", "id.example"]);
}

/// NT-TSL-13, SL-12: each hop is checked like the first, and there are three at most.
#[test]
fn redirects_are_few_and_each_is_checked_anew() {
    let inner = LyingHost::start(|_| good());
    let port = inner.address().port();
    let host = LyingHost::start(move |head| match head.path() {
        "/0" => good(),
        "/circle" => Reply::redirect("/circle"),
        "/up" => Reply::redirect("../0"),
        "/nowhere" => Reply::status(302, &[], ""),
        "/bad" => Reply::redirect("http://["),
        "/file" => Reply::redirect("file:///etc/passwd"),
        "/user" => Reply::redirect("http://a:b@127.0.0.1/"),
        "/private" => Reply::redirect("https://10.0.0.1/"),
        "/metadata" => Reply::redirect("http://169.254.169.254/latest/meta-data/"),
        "/mapped" => Reply::redirect(&format!("https://[::ffff:127.0.0.1]:{port}/")),
        "/six" => Reply::redirect(&format!("https://[::1]:{port}/")),
        "/zero" => Reply::redirect(&format!("//0.0.0.0:{port}/")),
        "/plain" => Reply::redirect("http://1.1.1.1/"),
        path => match path[1..].parse::<u32>() {
            Ok(left) => Reply::redirect(&format!("/{}", left - 1)),
            Err(_) => Reply::status(404, &[], ""),
        },
    });
    let (client, url) = (on_loopback(), host.url());
    let outcome = |path: &str| get(&client, &format!("{url}{path}"));
    for path in ["/0", "/1", "/3", "/up"] {
        assert_eq!(outcome(path), Ok(b"a list".to_vec()), "{path}");
    }
    let before = host.connections();
    assert_eq!(outcome("/4"), Err(ForeignError::TooManyRedirects));
    assert_eq!(outcome("/circle"), Err(ForeignError::TooManyRedirects));
    assert_eq!(host.connections() - before, 8);
    for path in ["/nowhere", "/bad"] {
        assert_eq!(outcome(path), Err(ForeignError::RedirectToNowhere), "{path}");
    }
    for (path, refusal) in [
        ("/file", Refusal::Scheme),
        ("/user", Refusal::Credentials),
        ("/private", Refusal::NotPublic),
        ("/metadata", Refusal::PlainHttp),
        ("/mapped", Refusal::NotPublic),
        ("/six", Refusal::NotPublic),
        ("/zero", Refusal::PlainHttp),
        ("/plain", Refusal::PlainHttp),
    ] {
        assert_eq!(outcome(path), refused(refusal), "{path}");
    }
    assert_eq!(inner.connections(), 0);
}

#[test]
fn only_the_answer_that_was_asked_for_is_one() {
    let host = LyingHost::start(|head| match head.path() {
        "/html" => Reply::good("text/html", "<html>"),
        "/none" => Reply::status(200, &[], "a list"),
        "/gzip" => Reply::status(200, &[("content-type", MEDIA_TYPE), ("content-encoding", "gzip")], "a list"),
        "/empty" => Reply::good(MEDIA_TYPE, ""),
        "/cut" => Reply::Bytes(format!("HTTP/1.1 200 OK\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: 9\r\n\r\na").into()),
        "/not-http" => Reply::Bytes(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        "/silent" => Reply::Bytes(Vec::new()),
        path => Reply::status(path[1..].parse().expect("a status"), &[("content-type", MEDIA_TYPE)], "a list"),
    });
    let outcome = |path: &str| get(&on_loopback(), &format!("{}{path}", host.url()));
    for status in [201, 204, 206, 304, 400, 401, 404, 410, 429, 500, 503] {
        assert_eq!(outcome(&format!("/{status}")), Err(ForeignError::Status(status)));
    }
    assert_eq!(outcome("/html"), Err(ForeignError::MediaType));
    assert_eq!(outcome("/none"), Err(ForeignError::MediaType));
    assert_eq!(outcome("/gzip"), Err(ForeignError::Encoding));
    assert_eq!(outcome("/empty"), Ok(Vec::new()));
    assert_eq!(outcome("/cut"), Err(ForeignError::NoAnswer));
    assert_eq!(outcome("/not-http"), Err(ForeignError::NotHttp));
    assert_eq!(outcome("/silent"), Err(ForeignError::NoAnswer));
    let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("its address").port();
    assert_eq!(get(&on_loopback(), &format!("http://127.0.0.1:{port}/")), Err(ForeignError::NoAnswer));
}

#[test]
fn the_bound_on_a_body_is_exact_and_holds_while_it_is_read() {
    let host = LyingHost::start(|head| match head.path() {
        "/most" => Reply::good(MEDIA_TYPE, vec![b'e'; MOST]),
        "/more" => Reply::good(MEDIA_TYPE, vec![b'e'; MOST + 1]),
        "/stated" => Reply::Flood(
            format!("HTTP/1.1 200 OK\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: 1073741824\r\n\r\n"),
            1 << 30,
        ),
        _ => Reply::Flood(format!("HTTP/1.1 200 OK\r\ncontent-type: {MEDIA_TYPE}\r\n\r\n"), 1 << 30),
    });
    let outcome = |path: &str| get(&on_loopback(), &format!("{}{path}", host.url()));
    assert_eq!(outcome("/most").map(|body| body.len()), Ok(MOST));
    for path in ["/more", "/stated", "/unstated"] {
        assert_eq!(outcome(path), Err(ForeignError::TooLarge), "{path}");
    }
    // What the two sockets hold between them, and not a hundredth of what was offered.
    assert!(host.sent() < 16 * 1024 * 1024, "{} bytes were taken", host.sent());
}

#[test]
fn headers_without_an_end_are_not_read_to_their_end() {
    let host = LyingHost::start(|_| Reply::Headers);
    assert_eq!(get(&on_loopback(), &host.url()), Err(ForeignError::NotHttp));
    assert!(host.sent() < 16 * 1024 * 1024, "{} bytes were taken", host.sent());
}

#[test]
fn what_comes_before_and_between_the_parts_of_an_answer_is_bounded_too() {
    let interim = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(10_000);
    let chunked = format!("HTTP/1.1 200 OK\r\ncontent-type: {MEDIA_TYPE}\r\ntransfer-encoding: chunked\r\n\r\n");
    let extension = format!("{chunked}1;");
    let chunks = format!("{chunked}{}", "1\r\ne\r\n".repeat(MOST + 1));
    let host = LyingHost::start(move |head| match head.path() {
        "/interim" => Reply::Bytes(interim.clone().into()),
        "/extension" => Reply::Flood(extension.clone(), 1 << 30),
        "/chunks" => Reply::Bytes(chunks.clone().into()),
        "/redirect" => Reply::Flood("HTTP/1.1 302 X\r\nlocation: /good\r\n\r\n".to_owned(), 1 << 30),
        _ => good(),
    });
    let clock = SystemClock::new();
    let outcome = |path: &str| get(&on_loopback(), &format!("{}{path}", host.url()));
    assert_eq!(outcome("/redirect"), Ok(b"a list".to_vec()));
    assert!(host.sent() < 16 * 1024 * 1024, "the body of a redirect was read: {} bytes", host.sent());
    assert_eq!(outcome("/chunks"), Err(ForeignError::TooLarge));
    for path in ["/interim", "/extension"] {
        assert!(outcome(path).is_err(), "{path}");
    }
    assert!(clock.monotonic() < 4 * WITHIN, "{:?}", clock.monotonic());
}

#[test]
fn however_slow_the_other_side_is_a_call_ends_in_its_time() {
    let host = LyingHost::start(|head| match head.path() {
        "/drip" => Reply::Drip(format!("HTTP/1.1 200 OK\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: 1000\r\n\r\n")),
        "/drip-head" => Reply::Drip("HTTP/1.1 200 OK\r\nx: ".to_owned()),
        // Each hop alone is in time.
        "/1" | "/2" | "/3" => Reply::After(Duration::from_millis(900), redirect_bytes(head.path())),
        _ => Reply::After(Duration::from_secs(60), Vec::new()),
    });
    let clock = SystemClock::new();
    thread::scope(|scope| {
        for path in ["/drip", "/drip-head", "/3", "/silent"] {
            let (host, clock) = (&host, &clock);
            scope.spawn(move || {
                let began = clock.monotonic();
                assert_eq!(get(&on_loopback(), &format!("{}{path}", host.url())), Err(ForeignError::TimedOut), "{path}");
                let took = clock.monotonic() - began;
                assert!(took >= WITHIN - Duration::from_millis(100) && took < WITHIN + SLACK, "{path}: {took:?}");
            });
        }
    });
}

fn redirect_bytes(path: &str) -> Vec<u8> {
    let left: u32 = path[1..].parse().expect("a number");
    match Reply::redirect(&format!("/{}", left - 1)) {
        Reply::Bytes(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_name_server_that_does_not_answer_holds_nobody_longer() {
    struct Stuck;
    impl Names for Stuck {
        fn addresses(&self, _: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
            thread::sleep(Duration::from_secs(60));
            Ok(Vec::new())
        }
    }
    let client = ForeignClient::with_names(AddressRules::default(), &[], Arc::new(Stuck));
    let clock = SystemClock::new();
    assert_eq!(get(&client, "https://id.example/"), Err(ForeignError::TimedOut));
    assert!(clock.monotonic() < WITHIN + SLACK);
}

#[test]
fn more_calls_at_once_than_are_allowed_are_turned_away_at_once() {
    let host = LyingHost::start(|_| Reply::After(Duration::from_secs(60), Vec::new()));
    let client = on_loopback();
    let outcomes: Vec<_> = thread::scope(|scope| {
        let calls: Vec<_> = (0..24).map(|_| scope.spawn(|| get(&client, &host.url()))).collect();
        calls.into_iter().map(|call| call.join().expect("no panic")).collect()
    });
    let busy = outcomes.iter().filter(|outcome| **outcome == Err(ForeignError::Busy)).count();
    let timed_out = outcomes.iter().filter(|outcome| **outcome == Err(ForeignError::TimedOut)).count();
    assert_eq!((busy, timed_out), (8, 16));
    host.now(|_| good());
    assert_eq!(get(&client, &host.url()), Ok(b"a list".to_vec()));
}

/// A TLS server with a certificate for a name under a root; answers every request with what it is given.
struct TlsHost {
    address: SocketAddr,
    root: Vec<u8>,
}

impl TlsHost {
    fn start(name: &str, reply: Vec<u8>) -> Self {
        let random = SeededRandom::new(3);
        let (root_key, key) =
            (SoftwareKey::generate(Algorithm::Es256, &random), SoftwareKey::generate(Algorithm::Es256, &random));
        // TLS looks at the machine's own clock.
        let now = SystemClock::new().now();
        let validity = Validity { not_before: day(now, -1), not_after: day(now, 30) };
        let root = x509::root(subject("tls root"), validity, &root_key, &random).expect("a root");
        let request = Request {
            subject: subject(name),
            public_key: key.public_key(),
            validity,
            role: Role::Leaf,
            uris: &[],
            dns_names: &[name],
            extended_key_usages: &["1.3.6.1.5.5.7.3.1"],
        };
        let issuer = Issuer { certificate: Some(&root), signer: &root_key };
        let leaf = x509::issue(&request, issuer, &random).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8::encode(Algorithm::Es256, key.secret()).to_vec()));
        let config = ServerConfig::builder_with_provider(tls::provider()).with_safe_default_protocol_versions();
        let config = config.expect("versions").with_no_client_auth();
        let config =
            Arc::new(config.with_single_cert(vec![CertificateDer::from(leaf)], key).expect("a key and its certificate"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
                let mut stream = StreamOwned::new(connection, stream);
                // A client that does not trust the certificate goes away.
                if read_head(&mut stream).is_some() {
                    let _ = stream.write_all(&reply);
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                }
            }
        });
        Self { address, root }
    }

    fn client(&self, roots: &[Vec<u8>]) -> ForeignClient {
        let rules = AddressRules::new(vec!["127.0.0.0/8".parse().expect("a block")]);
        ForeignClient::with_names(rules, roots, Told::new(&[&[self.address]]))
    }
}

fn day(now: Timestamp, days: i64) -> Timestamp {
    now.plus_seconds(days * 24 * 3600)
}

fn bytes(reply: Reply) -> Vec<u8> {
    match reply {
        Reply::Bytes(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn https_is_believed_for_the_right_name_under_a_known_root_only() {
    let host = TlsHost::start("lists.example", bytes(good()));
    let own = [host.root.clone()];
    assert_eq!(get(&host.client(&own), "https://lists.example/1"), Ok(b"a list".to_vec()));
    assert_eq!(get(&host.client(&own), "https://other.example/1"), Err(ForeignError::Tls));
    assert_eq!(get(&host.client(&[]), "https://lists.example/1"), Err(ForeignError::Tls));
    assert_eq!(get(&host.client(&own), &format!("http://lists.example:{}/1", host.address.port())), Err(ForeignError::NotHttp));
}

/// SL-12, NT-SVC-07: what began as https does not go on as http, even where http alone would be allowed.
#[test]
fn a_redirect_from_https_to_http_is_refused() {
    let plain = LyingHost::start(|_| good());
    assert_eq!(get(&on_loopback(), &plain.url()), Ok(b"a list".to_vec()));
    let host = TlsHost::start("lists.example", bytes(Reply::redirect(&plain.url())));
    assert_eq!(get(&host.client(std::slice::from_ref(&host.root)), "https://lists.example/1"), refused(Refusal::Downgrade));
    assert_eq!(plain.connections(), 1);
}

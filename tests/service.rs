//! The service as a whole: its first start, its lists and pages, a panic, a store that lost data, and its end.

mod support;

use std::{
    fs,
    io::Read,
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::json;
use support::{TestService, User};
use yufu::{
    app::{
        config::{Config, MetricsListen, StartRefusal},
        wire::{Service, StartError},
    },
    base::random::{Random, SeededRandom},
    crypto::Algorithm,
    http::server::EndsBy,
    keyring::Keyring,
    model::party::Role,
};

#[test]
fn the_first_start_writes_one_token_for_its_owner_only_and_later_starts_keep_it() {
    let mut service = TestService::start();
    let file = yufu::app::wire::token_file(&service.data());
    assert_eq!(fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
    let token = fs::read_to_string(&file).expect("it can be read");
    let admin = service.admin();
    admin.get("/admin/api/v1/tokens").good(200);
    service.restart();
    assert_eq!(fs::read_to_string(&file).expect("it can be read"), token);
    fs::remove_file(&file).expect("an operator puts it away");
    service.restart();
    assert!(!file.exists(), "no second one is made");
    admin.get("/admin/api/v1/tokens").good(200);
}

#[test]
fn a_data_folder_belongs_to_one_public_url_until_a_move_is_announced() {
    const NEW: &str = "http://localhost:1";
    let mut service = TestService::start();
    let (old, data, keys) = (service.url(), service.data(), service.folder_for("new keys"));
    service.stop();
    // Certificates name the public URL, so a move needs new ones first; the log keeps its key.
    let random = SeededRandom::new(9);
    Keyring::open_or_create(&keys, NEW, Algorithm::Es256, &service.clock, &random).expect("keys of the new name");
    fs::copy(service.keys().join("log.key.pem"), keys.join("log.key.pem")).expect("the key of the log is taken along");
    let start = |url: &str, also: Option<&str>| {
        let mut config = Config::alone_in(data.clone(), keys.clone());
        config.identity.public_url = Some(url.parse().expect("a URL"));
        config.identity.also_public_url = also.map(|old| old.parse().expect("a URL"));
        let clock = Arc::new(service.clock.clone());
        Service::start(&config, clock, Arc::new(random.clone()), EndsBy::Call).map(|started| started.public_url().to_owned())
    };
    match start(NEW, None) {
        Err(StartError::Refused(refusal)) => {
            assert_eq!(refusal, StartRefusal::AnotherPublicUrl { pinned: old.clone(), given: NEW.to_owned() });
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(start(NEW, Some(&old)).expect("the move was announced"), NEW);
    assert_eq!(start(NEW, None).expect("and is remembered"), NEW);
}

#[test]
fn the_start_page_speaks_both_languages() {
    let service = TestService::start();
    let anon = service.anon();
    let page = |path: &str, accepts: &str| {
        let answer = anon.send("GET", path, &[("accept-language", accepts)], b"");
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/html; charset=utf-8"));
        (answer.header("content-language").to_owned(), answer.text())
    };
    let (language, chinese) = page("/", "zh-CN,zh;q=0.9");
    assert!(language == "zh-CN" && chinese.contains("居民电子身份证") && chinese.contains("运行正常"));
    let (language, english) = page("/?lang=en", "zh-CN");
    assert!(language == "en" && english.contains("Resident ID") && english.contains("All is well"));
    let links = english.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).filter(|link| link.starts_with('/'));
    let images = english.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next());
    for link in links.chain(images) {
        let answer = anon.get(link);
        assert!([200, 308].contains(&answer.status), "{link}: {}", answer.status);
    }
}

#[test]
fn caches_keep_what_is_everyone_s_and_nothing_else() {
    let service = TestService::start();
    let (anon, admin) = (service.anon(), service.admin());
    let private = [
        anon.send("POST", "/nonce", &[], b""),
        anon.post_form("/token", "grant_type=x"),
        anon.get("/offers/x"),
        admin.get("/admin/api/v1/people"),
        admin.get("/admin/api/v1/tokens"),
        anon.get("/admin/api/v1/people"),
    ];
    for answer in &private {
        assert_eq!(answer.header("cache-control"), "no-store", "X-07: {answer:?}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    for answer in &private[3..] {
        assert_eq!(answer.header("access-control-allow-origin"), "", "HT-17: no other site reads what depends on who asks");
    }
    for path in ["/status-lists", "/.well-known/jwks.json", "/credential-types", "/credential-types/resident-id"] {
        let answer = anon.get(path);
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert!(answer.header("cache-control").starts_with("public, max-age="), "{path}");
        let again = anon.send("GET", path, &[("if-none-match", answer.header("etag"))], b"");
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, answer.header("etag")), "{path}");
    }
    let page = anon.get("/");
    assert_eq!((page.header("cache-control"), page.header("vary")), ("no-store", "Accept-Language"), "HT-17");
}

#[test]
fn a_store_that_lost_data_serves_what_the_log_proves_and_nothing_else() {
    let mut service = TestService::start();
    let (checkpoint, auditor, anon, admin) =
        (service.checkpoint(), service.user(Role::Auditor), service.anon(), service.admin());
    service.stop();
    fs::remove_dir_all(service.data().join("store")).expect("the records are taken away");
    service.start_again();
    let ready = anon.get("/health/ready");
    assert_eq!((ready.status, ready.json()["status"].as_str()), (503, Some("guarded")));
    assert!(ready.text().contains("yufu repair"));
    for path in [
        "/",
        "/health/live",
        "/status-lists",
        "/log/checkpoint",
        "/openapi.json",
        "/docs/",
        "/.well-known/jwks.json",
        "/trust-list",
    ] {
        assert_eq!(anon.get(path).status, 200, "{path}");
    }
    let verify = json!({"presentation": "x", "nonce": "n", "audience": "a"});
    let statement = checkpoint.post("/checkpoint/api/v1/verifications", &verify).good(200);
    assert_eq!(statement["decision"], "refused");
    for user in [&anon, &admin, &auditor, &checkpoint] {
        for path in ["/admin/api/v1/people", "/admin/api/v1/events", "/offers/x", "/.well-known/openid-credential-issuer"] {
            let problem = user.get(path).problem(503, "guarded");
            assert!(problem["message"]["en"].as_str().is_some_and(|words| words.contains("yufu repair")), "{path}");
        }
        user.post_form("/token", "").problem(503, "guarded");
    }
    admin.post("/checkpoint/api/v1/verifications", &verify).problem(503, "guarded");
    let page = anon.get("/?lang=en").text();
    assert!(page.contains("Guarded: the store lost data"));
}

fn yufu(folder: &std::path::Path, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yufu"));
    command.args(args).current_dir(folder).env_clear().envs(variables.iter().copied());
    command.output().expect("the command runs")
}

#[test]
fn flags_outrank_the_environment_and_that_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("yufu.toml"), "workers = 2\nlog-level = 'warn'\ndata = 'in-file'\n").expect("written");
    let said = |args: &[&str], variables: &[(&str, &str)]| {
        let output = yufu(folder.path(), args, variables);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let environment = [("YUFU_WORKERS", "3"), ("YUFU_LOG_LEVEL", "debug")];
    let shown = said(&["serve", "--check", "--workers", "4"], &environment);
    for line in ["workers = 4", "log-level = \"debug\"", "data = \"in-file\"", "signing = \"ES256\""] {
        assert!(shown.lines().any(|shown| shown == line), "{line} in\n{shown}");
    }
    assert!(said(&["--check"], &[]).contains("workers = 2"));
    assert!(!folder.path().join("in-file").exists(), "a check touches nothing");
}

#[test]
fn a_start_that_is_refused_says_what_to_do_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows: [(&[&str], &str); 5] = [
        (&["serve", "--public-url", "http://id.example"], "--allow-plain-http"),
        (&["serve", "--listen", "0.0.0.0:0"], "--public-url"),
        (&["serve", "--lisen", "127.0.0.1:0"], "--listen"),
        (&["serve", "--config", "nowhere.toml"], "nowhere.toml"),
        (&["serve", "--public-url", "https://id.example/"], "no slash at the end"),
    ];
    for (args, hint) in rows {
        let output = yufu(folder.path(), args, &[]);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{args:?}: {errors}");
        assert!(errors.contains(hint), "{args:?}: {errors}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 0);
    let args = ["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "off", "--public-url", "https://id.example"];
    let output = yufu(folder.path(), &args, &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--allow-development-keys"), "{output:?}");
}

#[test]
fn requests_under_way_are_answered_when_the_service_stops() {
    let mut service = TestService::start();
    let admin = service.admin();
    let address = service.service().address().expect("it listens");
    let started = Arc::new(AtomicBool::new(false));
    let working = {
        let (admin, started) = (admin.clone(), Arc::clone(&started));
        std::thread::spawn(move || tokens_until_refused(&admin, &started))
    };
    while !started.load(Ordering::SeqCst) {
        std::thread::yield_now();
    }
    service.stop();
    let made = working.join().expect("the client ends");
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
    service.start_again();
    let mut kept = 0;
    let mut path = "/admin/api/v1/tokens".to_owned();
    loop {
        let page = admin.get(&path).good(200);
        kept += page["tokens"].as_array().expect("tokens").len();
        match page["next"].as_str() {
            Some(next) => path = format!("/admin/api/v1/tokens?cursor={next}"),
            None => break,
        }
    }
    assert!(kept > made, "{made} were answered for, {kept} are there with the first administrator's");
}

/// Makes tokens until the service is gone; gives how many were answered with 201. Whatever was answered was that.
fn tokens_until_refused(admin: &User, started: &AtomicBool) -> usize {
    let mut made = 0;
    while let Some(status) = admin.try_post("/admin/api/v1/tokens", &json!({"name": "x", "role": "auditor"})) {
        assert_eq!(status, 201, "an accepted request is answered in full");
        made += 1;
        started.store(true, Ordering::SeqCst);
    }
    made
}

/// The text that a plain client gets.
fn fetched(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it is answered");
    answer
}

/// Randomness that breaks when it is asked for a secret, as a generator would that fails under load.
struct Breaking {
    good: SeededRandom,
    armed: AtomicBool,
}

impl Random for Breaking {
    fn fill(&self, buffer: &mut [u8]) {
        // Numbers of requests have 8 bytes, nonces 16, codes 32.
        assert!(buffer.len() == 8 || !self.armed.load(Ordering::SeqCst), "the generator is broken");
        self.good.fill(buffer);
    }
}

#[test]
fn a_panic_ends_one_request_with_500_and_is_counted() {
    let random = Arc::new(Breaking { good: SeededRandom::new(1), armed: AtomicBool::new(false) });
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let service = TestService::start_on(Arc::clone(&random) as Arc<dyn Random>, |config| {
        config.listen.metrics_listen = MetricsListen::At(any)
    });
    let (anon, admin) = (service.anon(), service.admin());
    let metrics = service.service().metrics_address().expect("metrics are served");
    let panics = || {
        let page = fetched(metrics, "/metrics");
        page.lines().find_map(|line| line.strip_prefix("yufu_panics_total ")?.parse::<u32>().ok()).expect("it is counted")
    };
    assert_eq!(panics(), 0);
    random.armed.store(true, Ordering::SeqCst);
    let broken = anon.send("POST", "/nonce", &[], b"");
    broken.problem(500, "internal");
    assert_eq!(broken.header("x-request-id").len(), 16, "the log line can be found");
    assert!(!broken.text().contains("generator"), "nothing of the inside is told");
    let in_the_pool = json!({"name": "x", "role": "auditor"});
    admin.post("/admin/api/v1/tokens", &in_the_pool).problem(500, "internal");
    assert_eq!(panics(), 2);
    random.armed.store(false, Ordering::SeqCst);
    anon.send("POST", "/nonce", &[], b"").good(200);
    admin.post("/admin/api/v1/tokens", &in_the_pool).good(201);
    assert_eq!(panics(), 2);
}

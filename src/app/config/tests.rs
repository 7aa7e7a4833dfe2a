use std::{ffi::OsString, fs};

use super::*;

const EXAMPLE: &str = include_str!("../../../yufu.example.toml");

fn serve(args: &[&str]) -> Result<Config, String> {
    let args = std::iter::once("yufu").chain(args.iter().copied()).map(OsString::from).collect();
    let cli = read(args).map_err(|error| error.to_string())?;
    let options = match cli.command {
        Some(Command::Serve(options)) => *options,
        Some(other) => panic!("not serve: {other:?}"),
        None => cli.serve,
    };
    Config::try_from(options).map_err(|error| error.to_string())
}

/// Settings from a file and a command line.
fn with_file(text: &str, args: &[&str]) -> Result<Config, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("yufu.toml");
    fs::write(&file, text).expect("the file is written");
    let named = ["--config", file.to_str().expect("the path is text")];
    serve(&[args, &named].concat())
}

fn defaults() -> Config {
    Config {
        identity: IdentityOptions::default(),
        listen: ListenOptions::default(),
        storage: StorageOptions::default(),
        login: LoginOptions::default(),
        outbound: OutboundOptions::default(),
        limits: LimitOptions::default(),
        report: ReportOptions::default(),
    }
}

#[test]
fn serve_is_what_happens_without_a_command() {
    assert_eq!(serve(&[]), Ok(defaults()));
    assert_eq!(serve(&["serve"]), Ok(defaults()));
    assert_eq!(serve(&["--workers", "3"]), serve(&["serve", "--workers", "3"]));
}

#[test]
fn the_example_says_what_holds_without_it() {
    assert_eq!(with_file(EXAMPLE, &[]), Ok(defaults()));
}

#[test]
fn the_example_explains_every_option_and_each_of_its_lines_is_one() {
    let lines: Vec<&str> = EXAMPLE.lines().map(|line| line.trim_start_matches("# ")).collect();
    for option in reading::options() {
        let mention = format!("{option} = ");
        assert_eq!(lines.iter().filter(|line| line.starts_with(&mention)).count(), 1, "{option} stands once");
    }
    let everything: String = lines
        .iter()
        .filter(|line| line.split(" = ").count() == 2 && !line.contains(": "))
        // Only a database has replicas.
        .map(|line| format!("{line}\n").replace("\"sled\"", "\"postgres://127.0.0.1/yufu\""))
        .collect();
    let config = with_file(&everything, &[]).expect("with every line uncommented it is still good");
    assert!(config.identity.public_url.is_some() && config.listen.admin_listen.is_some());
}

#[test]
fn a_flag_outranks_the_file() {
    let config = with_file("workers = 2\nsigning = 'Ed25519'", &["--workers", "5"]).expect("good settings");
    assert_eq!(config.listen.workers, 5);
    assert_eq!(config.identity.signing, crate::crypto::Algorithm::Ed25519);
    let named = with_file("workers = 2", &["serve", "--workers=5"]).expect("good settings");
    assert_eq!(named.listen.workers, 5);
}

#[test]
fn wallets_nobody_registered_are_admitted_under_the_open_profile_only() {
    let admit = ["--admit-redirect-uris", "http://127.0.0.1:*,com.example.wallet:/back"];
    let config = serve(&admit).expect("a public URL that is left out is this machine's own");
    let admitted: Vec<String> = config.identity.admit_redirect_uris.iter().map(ToString::to_string).collect();
    assert_eq!(admitted, ["http://127.0.0.1:*", "com.example.wallet:/back"]);
    assert_eq!(with_file(&config.to_toml(), &[]), Ok(config));
    let refusal = StartRefusal::UnregisteredWallets.to_string();
    for more in [&["--profile", "haip"][..], &["--public-url", "https://id.example"]] {
        assert_eq!(serve(&[&admit, more].concat()), Err(refusal.clone()), "{more:?}");
    }
    assert!(serve(&[&admit[..], &["--public-url", "https://id.example", "--profile", "open"]].concat()).is_ok());
    assert!(serve(&["--admit-redirect-uris", "http://wallet.example/"]).is_err());
}

#[cfg(feature = "postgres")]
#[test]
fn the_password_of_the_database_is_never_printed() {
    let config = serve(&["--store", "postgres://yufu:s3cret@127.0.0.1/yufu", "--store-replica", "postgres://u:s3cret@[::1]/d"]);
    let config = config.expect("good settings");
    let shown = format!("{}{config:?}", config.to_toml());
    assert!(shown.contains("store = \"postgres://yufu@127.0.0.1/yufu\"\nstore-replica = \"postgres://u@[::1]/d\""), "{shown}");
    assert!(!shown.contains("s3cret"));
    for wrong in
        ["postgres://yufu:s3cret@db.example/yufu?sslmode=require", "mysql://yufu:s3cret@h/d", "postgres://u:s3cret@h:x/d"]
    {
        let error = serve(&["--store", wrong]).expect_err(wrong);
        assert!(error.starts_with("--store: ") && !error.contains("s3cret"), "{error}");
        let error = with_file(&format!("store = '{wrong}'"), &[]).expect_err(wrong);
        assert!(error.starts_with("--store: ") && !error.contains("s3cret"), "{error}");
    }
    for (store, replica) in
        [("sled", "postgres://h/d?sslmode=disable"), ("postgres://[::1]/d", "sled"), ("postgres://[::1]/d", "x")]
    {
        let error = serve(&["--store", store, "--store-replica", replica]).expect_err(replica);
        assert!(error.starts_with("--store-replica: "), "{error}");
    }
    let pooled = ["--store", "postgres://[::1]:6432/d", "--store-listen", "postgres://u:s3cret@[::1]/d"];
    let shown = serve(&pooled).expect("good settings").to_toml();
    assert!(shown.contains("store-listen = \"postgres://u@[::1]/d\"\n"), "{shown}");
    assert!(serve(&["--store", "postgres://[::1]/d", "--store-listen", "off"]).is_ok());
    for (store, listen) in [("sled", "off"), ("postgres://[::1]/d", "sled"), ("postgres://[::1]/d", "x")] {
        let error = serve(&["--store", store, "--store-listen", listen]).expect_err(listen);
        assert!(error.starts_with("--store-listen: "), "{error}");
    }
}

#[test]
fn what_is_printed_can_be_read_back() {
    let config = with_file("public-url = 'https://id.example'\nadmin-listen = '10.0.0.1:1'\nlog-format = 'json'", &[]);
    let config = config.expect("good settings");
    assert_eq!(with_file(&config.to_toml(), &[]), Ok(config));
}

#[test]
fn bad_settings_are_refused_with_their_place() {
    let error = |text: &str| with_file(text, &[]).expect_err("it is refused");
    assert!(error("lisen = '127.0.0.1:1'").ends_with("unknown key `lisen`; do you mean `listen`?"));
    let value = error("listen = 'everywhere'");
    assert!(value.contains("yufu.toml: ") && value.contains("--listen <ADDR>"), "{value}");
    assert!(error("public-url = 'https://id.example/'").contains("no slash at the end"));
    assert!(error("signing = 'HS256'").contains("ES256 or Ed25519 is expected"));
    assert!(serve(&["--config", "/nowhere/yufu.toml"]).expect_err("no such file").starts_with("/nowhere/yufu.toml: "));
}

#[test]
fn plain_http_beyond_this_machine_has_to_be_asked_for() {
    let url: PublicUrl = "http://id.example".parse().expect("a URL");
    let refusal = StartRefusal::PlainHttp(url).to_string();
    assert_eq!(serve(&["--public-url", "http://id.example"]), Err(refusal));
    assert!(serve(&["--public-url", "http://id.example", "--allow-plain-http"]).is_ok());
    assert!(serve(&["--public-url", "http://localhost:8080"]).is_ok());
    assert!(serve(&["--public-url", "https://id.example"]).is_ok());
}

#[test]
fn unsigned_requests_stay_on_this_machine() {
    let unsigned = |url: &str| serve(&["--client-id-prefix", "redirect_uri", "--public-url", url]);
    let url = "https://id.example".parse().expect("a URL");
    assert_eq!(unsigned("https://id.example"), Err(StartRefusal::UnsignedRequests(url).to_string()));
    assert!(unsigned("http://127.0.0.1:8080").is_ok());
    assert!(serve(&["--client-id-prefix", "redirect_uri"]).is_ok());
    for prefix in ["x509_hash", "x509_san_dns", "verifier_attestation"] {
        assert!(serve(&["--client-id-prefix", prefix, "--public-url", "https://id.example"]).is_ok(), "{prefix}");
    }
    for prefix in ["", "x509", "X509_HASH", "did", "origin", "x509_hash:"] {
        assert!(serve(&["--client-id-prefix", prefix]).is_err(), "{prefix}");
    }
}

#[test]
fn a_service_that_listens_everywhere_needs_a_name() {
    let address = "0.0.0.0:80".parse().expect("an address");
    assert_eq!(serve(&["--listen", "0.0.0.0:80"]), Err(StartRefusal::PublicUrlUnknown(address).to_string()));
    assert!(serve(&["--listen", "0.0.0.0:80", "--public-url", "https://id.example"]).is_ok());
    assert!(serve(&["--listen", "0.0.0.0:80", "--wallet-listen", "127.0.0.1:81"]).is_ok());
}

#[test]
fn development_keys_stay_on_this_machine() {
    let keys = |args: &[&str]| serve(args).expect("good settings").check_keys(true);
    assert_eq!(keys(&[]), Ok(()));
    assert_eq!(keys(&["--public-url", "https://id.example"]), Err(StartRefusal::DevelopmentKeys));
    assert_eq!(keys(&["--admin-listen", "10.0.0.1:1"]), Err(StartRefusal::DevelopmentKeys));
    assert_eq!(keys(&["--public-url", "https://id.example", "--allow-development-keys"]), Ok(()));
    assert_eq!(serve(&["--public-url", "https://id.example"]).expect("good settings").check_keys(false), Ok(()));
}

#[test]
fn the_store_remembers_the_public_url() {
    let config = serve(&["--also-public-url", "https://old.example"]).expect("good settings");
    assert_eq!(config.check_pinned("https://new.example", "https://new.example"), Ok(()));
    assert_eq!(config.check_pinned("https://old.example", "https://new.example"), Ok(()));
    let refusal = StartRefusal::AnotherPublicUrl { pinned: "https://x.example".into(), given: "https://new.example".into() };
    assert_eq!(config.check_pinned("https://x.example", "https://new.example"), Err(refusal));
}

#[test]
fn inner_addresses_are_fetched_from_where_it_is_said() {
    let blocks = |config: Config| config.outbound.allow_fetch.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(serve(&[]).map(blocks), Ok(vec![]));
    let both = vec!["10.20.0.0/16".to_owned(), "127.0.0.0/8".to_owned()];
    for args in
        [&["--allow-fetch", "10.20.0.0/16,127.0.0.0/8"][..], &["--allow-fetch=10.20.0.0/16", "--allow-fetch=127.0.0.0/8"]]
    {
        assert_eq!(serve(args).map(blocks).as_ref(), Ok(&both));
    }
    assert_eq!(with_file("allow-fetch = '10.20.0.0/16,127.0.0.0/8'", &[]).map(blocks), Ok(both));
    let config = serve(&["--allow-fetch", "10.20.0.0/16,fd12::/16"]).expect("good settings");
    assert_eq!(with_file(&config.to_toml(), &[]), Ok(config));
    for bad in ["10.0.0.0", "0.0.0.0/0", "169.254.0.0/16", "10.0.0.0/8,"] {
        assert!(serve(&["--allow-fetch", bad]).is_err(), "{bad}");
    }
}

#[test]
fn a_service_that_others_reach_does_not_fetch_from_its_own_machine() {
    let refusal = |block: &str| Err(StartRefusal::FetchFromOwnMachine(block.parse().expect("a block")).to_string());
    for (block, covers) in [("127.0.0.0/8", true), ("::1/128", true), ("64.0.0.0/2", true), ("10.0.0.0/8", false)] {
        assert!(serve(&["--allow-fetch", block]).is_ok(), "{block}");
        let reached = serve(&["--allow-fetch", block, "--public-url", "https://id.example"]);
        let expected = if covers { refusal(block) } else { reached.clone() };
        assert_eq!((reached.is_ok(), &reached), (!covers, &expected), "{block}");
    }
}

#[test]
fn the_province_s_login_is_named_whole_or_not_at_all() {
    let incomplete = |needs| Err(StartRefusal::LoginIncomplete(needs).to_string());
    let issuer = ["--login-issuer", "https://login.example/province"];
    let client = ["--login-client-id", "yufu"];
    assert_eq!(serve(&issuer), incomplete("--login-client-id"));
    assert_eq!(serve(&[&issuer[..], &["--login-client-id", ""]].concat()), incomplete("--login-client-id"));
    assert_eq!(serve(&client), incomplete("--login-issuer"));
    assert_eq!(serve(&["--login-client-secret-file", "secret"]), incomplete("--login-issuer"));
    let whole = serve(&[&issuer[..], &client, &["--login-scopes", "identity,profile"]].concat()).expect("good settings");
    assert_eq!(whole.login.login_scopes, ["identity", "profile"]);
    assert_eq!(whole.login.login_id_number_claim, "id_number");
    assert_eq!(with_file(&whole.to_toml(), &[]), Ok(whole));
    for bad in ["login.example", "http://login.example", "https://login.example?x"] {
        assert!(serve(&["--login-issuer", bad, "--login-client-id", "yufu"]).is_err(), "{bad}");
    }
}

#[test]
fn a_test_issuer_has_development_keys() {
    let check = |args: &[&str], development| serve(args).expect("good settings").check_test_issuer(development);
    assert_eq!(check(&["--test-issuer"], true), Ok(()));
    assert_eq!(check(&["--test-issuer"], false), Err(StartRefusal::TestIssuerKeys));
    assert_eq!(check(&[], false), Ok(()));
}

//! The checkpoint page as it is served: what a browser may do with it, what it loads, and what is left when data were lost.

mod support;

use std::{fs, io::Read};

use flate2::read::GzDecoder;
use support::{Answer, TestService};

/// The value of a directive of the answer's content security policy.
fn directive<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let policy = answer.header("content-security-policy");
    policy.split(';').map(str::trim).find_map(|part| part.strip_prefix(name)?.strip_prefix(' '))
}

#[test]
fn the_page_may_use_the_camera_and_its_own_files_and_nothing_else() {
    let service = TestService::start();
    let page = service.anon().get("/checkpoint");
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(page.header("permissions-policy"), "camera=(self), microphone=(), geolocation=()");
    assert_eq!((page.header("cache-control"), page.header("vary")), ("no-store", "Accept-Language"));
    assert_eq!((page.header("referrer-policy"), page.header("x-content-type-options")), ("no-referrer", "nosniff"));
    let is = |name: &str, value: &str| assert_eq!(directive(&page, name), Some(value), "{name}");
    for name in ["default-src", "base-uri", "form-action", "frame-ancestors"] {
        is(name, "'none'");
    }
    for name in ["script-src", "worker-src", "style-src", "connect-src"] {
        is(name, "'self'");
    }
    is("img-src", "'self' data:");
    is("require-trusted-types-for", "'script'");
    is("trusted-types", "yufu-worker");
}

#[test]
fn the_page_comes_in_the_language_asked_for_and_in_chinese_otherwise() {
    let service = TestService::start();
    for (path, language) in [("/checkpoint", "zh-CN"), ("/checkpoint?lang=en", "en"), ("/checkpoint?lang=xx&a", "zh-CN")] {
        let page = service.anon().get(path);
        assert_eq!((page.status, page.header("content-language")), (200, language), "{path}");
        assert!(page.text().contains(&format!("<html lang=\"{language}\">")), "{path}");
    }
}

#[test]
fn every_file_that_the_page_names_is_served_and_the_worker_alone_may_run_a_program() {
    let service = TestService::start();
    let anon = service.anon();
    let page = anon.get("/checkpoint").text();
    let named: Vec<&str> = page.split('"').filter(|text| text.starts_with("/assets/")).collect();
    assert!(named.contains(&"/assets/checkpoint/main.js") && named.contains(&"/assets/checkpoint/base.css"));
    for path in named {
        let file = anon.get(path);
        assert_eq!(file.status, 200, "{path}");
        let again = anon.send("GET", path, &[("if-none-match", file.header("etag"))], b"");
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        assert_eq!(directive(&file, "default-src"), Some("'none'"), "{path}");
        assert_eq!(directive(&file, "script-src"), None, "{path}");
    }
    let worker = anon.get("/assets/checkpoint/scan-worker.js");
    assert_eq!((worker.status, worker.header("content-type")), (200, "text/javascript; charset=utf-8"));
    assert_eq!(directive(&worker, "script-src"), Some("'self' 'wasm-unsafe-eval'"));
    assert_eq!(directive(&worker, "connect-src"), Some("'self'"));
    anon.get("/assets/checkpoint/page.html").problem(404, "not_found");
    anon.get("/assets/checkpoint/../base.css").problem(404, "not_found");
}

#[test]
fn the_bar_code_reader_is_served_packed_to_those_who_take_it() {
    let service = TestService::start();
    let anon = service.anon();
    let worker = anon.get("/assets/checkpoint/scan-worker.js").text();
    let program = worker.split('\'').find(|text| text.ends_with(".wasm")).expect("the worker names its program");
    let path = format!("/assets/checkpoint/{}", program.trim_start_matches("./"));
    let plain = anon.send("GET", &path, &[("accept-encoding", "identity")], b"");
    let packed = anon.send("GET", &path, &[("accept-encoding", "gzip")], b"");
    assert_eq!((plain.status, plain.header("content-type")), (200, "application/wasm"));
    assert_eq!((plain.header("content-encoding"), packed.header("content-encoding")), ("", "gzip"));
    assert_ne!(plain.header("etag"), packed.header("etag"));
    assert_eq!(packed.header("vary"), "Accept-Encoding");
    let mut unpacked = Vec::new();
    GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).expect("gzip");
    assert!(unpacked == plain.body && plain.body.starts_with(b"\0asm"));
}

#[test]
fn the_page_and_its_checks_are_there_when_data_were_lost_and_new_devices_are_not() {
    let mut service = TestService::start();
    let checkpoint = service.checkpoint();
    service.stop();
    fs::remove_dir_all(service.data().join("store")).expect("the records are taken away");
    service.start_again();
    assert_eq!(checkpoint.get("/checkpoint").status, 200);
    assert_eq!(checkpoint.get("/assets/checkpoint/main.js").status, 200);
    checkpoint.get("/checkpoint/pair").problem(503, "guarded");
    assert_eq!(checkpoint.get("/checkpoint/api/v1/use-cases").status, 200);
}

//! HT: what a stranger can do with HTTP itself. Over a socket, against the binary.

use std::{io::Write, time::Duration};

use serde_json::json;
use yufu::base::clock::{Clock, SystemClock};

use crate::server::{Answer, Server, read_answer, request};

/// The lines that are tested here.
pub const TESTED: &[&str] = &[
    "HT-01", "HT-02", "HT-03", "HT-04", "HT-05", "HT-06", "HT-07", "HT-08", "HT-09", "HT-10", "HT-11", "HT-12", "HT-13",
    "HT-14", "HT-15", "HT-16", "HT-17", "X-07",
];

const TOKENS: &str = "/admin/api/v1/tokens";

fn to_tokens(server: &Server, content_type: &str, body: &[u8]) -> Answer {
    let bearer = format!("Bearer {}", server.token);
    server.send(&request("POST", TOKENS, &[("Authorization", &bearer), ("Content-Type", content_type)], body))
}

#[test]
fn bodies_that_are_no_good_json_are_refused_before_they_mean_anything() {
    let server = Server::start();
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let many = format!("{{{}}}", (0..12_000).map(|n| format!("\"k{n}\":0")).collect::<Vec<_>>().join(","));
    let long_key = format!("{{\"{}\":1}}", "k".repeat(1 << 20));
    let collide = format!(
        "{{{}}}",
        (0..8_000).map(|n| format!("\"{}\":0", "\\u0000".repeat(n % 5) + &n.to_string())).collect::<Vec<_>>().join(",")
    );
    let utf16: Vec<u8> = r#"{"name":"x","role":"auditor"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (row, body, status, code) in [
        ("HT-05 depth", deep.as_bytes(), 400, "invalid_json"),
        ("HT-05 many keys", many.as_bytes(), 400, "invalid_request"),
        ("HT-05 long key", long_key.as_bytes(), 413, "body_too_large"),
        ("HT-05 number", br#"{"name":1e999999,"role":"auditor"}"#, 400, "invalid_json"),
        ("HT-05 surrogate", br#"{"name":"\ud800","role":"auditor"}"#, 400, "invalid_json"),
        ("HT-05 doubled", br#"{"name":"x","role":"auditor","role":"administrator"}"#, 400, "invalid_json"),
        ("HT-05 mark", b"\xef\xbb\xbf{\"name\":\"x\",\"role\":\"auditor\"}", 400, "invalid_json"),
        ("HT-05 UTF-16", &utf16, 400, "invalid_json"),
        ("HT-05 not UTF-8", b"{\"name\":\"\xff\",\"role\":\"auditor\"}", 400, "invalid_json"),
        ("HT-05 wrong type", br#"{"name":["x"],"role":"auditor"}"#, 400, "invalid_request"),
        ("HT-06 colliding keys", collide.as_bytes(), 400, "invalid_request"),
    ] {
        let began = SystemClock::new();
        let answer = to_tokens(&server, "application/json", body);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{row}: {}", answer.text());
        assert!(began.monotonic() < Duration::from_secs(2), "{row} took {:?}", began.monotonic());
    }
    let listed = server.admin("GET", "/tokens", &json!(null), 200);
    assert!(!listed.to_string().contains("\"auditor\""), "nothing was half done: {listed}");
    server.assert_well();
}

#[test]
fn a_body_has_a_media_type_and_no_encoding() {
    let server = Server::start();
    let body = br#"{"name":"x","role":"auditor"}"#;
    let bearer = format!("Bearer {}", server.token);
    let auth = ("Authorization", bearer.as_str());
    for (row, target, headers) in [
        ("HT-15 none", TOKENS, vec![auth]),
        ("HT-15 text", TOKENS, vec![auth, ("Content-Type", "text/plain")]),
        ("HT-15 form", TOKENS, vec![auth, ("Content-Type", "application/x-www-form-urlencoded")]),
        ("HT-15 json as form", "/token", vec![("Content-Type", "application/json")]),
        ("HT-12 gzip", TOKENS, vec![auth, ("Content-Type", "application/json"), ("Content-Encoding", "gzip")]),
    ] {
        let answer = server.send(&request("POST", target, &headers, body));
        assert_eq!(answer.status, 415, "{row}: {}", answer.text());
    }
    server.assert_well();
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let server = Server::start();
    for target in [TOKENS, "/token", "/credential", "/checkpoint/api/v1/verifications"] {
        let mut stream = server.connect();
        let media = if target == "/token" { "application/x-www-form-urlencoded" } else { "application/json" };
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer {}\r\nContent-Type: {media}\r\nContent-Length: 67108864\r\n\r\n",
            server.token
        );
        stream.write_all(head.as_bytes()).expect("the head is taken");
        let answer = read_answer(&mut stream).expect("an answer without the body");
        // The administrator's token is none of a wallet's or a checkpoint's: who asks is looked at before what is sent.
        let status = match target {
            "/credential" => 401,
            "/checkpoint/api/v1/verifications" => 403,
            _ => 413,
        };
        assert_eq!(answer.status, status, "HT-04 {target}: {}", answer.text());
    }
    server.assert_well();
}

#[test]
fn who_sends_slowly_is_let_go_and_others_do_not_wait() {
    let server = Server::start();
    let half: Vec<_> = (0..200)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: ").expect("half a header");
            stream
        })
        .collect();
    let mut slow = server.connect();
    let head = "POST /token HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ng";
    slow.write_all(head.as_bytes()).expect("the head and one byte");
    // Those who ask for something large and do not read it.
    let _unread: Vec<_> = (0..50)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n").expect("a request");
            stream
        })
        .collect();
    let began = SystemClock::new();
    assert_eq!(server.send(&request("GET", "/health/live", &[], b"")).status, 200, "HT-03");
    assert!(began.monotonic() < Duration::from_secs(2), "HT-01: a good request waited {:?}", began.monotonic());
    for mut stream in half {
        let status = read_answer(&mut stream).map(|answer| answer.status);
        assert!(matches!(status, None | Some(408)), "HT-01: {status:?}");
    }
    assert!(began.monotonic() < Duration::from_secs(8), "HT-01: half a header was kept {:?}", began.monotonic());
    let answer = read_answer(&mut slow).expect("an answer to the slow body");
    assert_eq!((answer.status, answer.code().as_str()), (408, "invalid_request"), "HT-02");
    assert!(began.monotonic() < Duration::from_secs(14), "HT-02: a slow body was kept {:?}", began.monotonic());
    server.assert_well();
}

#[test]
fn one_request_has_one_length_and_one_reading() {
    let server = Server::start();
    let form = "Content-Type: application/x-www-form-urlencoded";
    for (row, bytes) in [
        (
            "HT-07 both lengths",
            format!(
                "POST /token HTTP/1.1\r\nHost: x\r\n{form}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
        ),
        (
            "HT-07 two lengths",
            format!("POST /token HTTP/1.1\r\nHost: x\r\n{form}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde"),
        ),
        ("HT-07 signed length", format!("POST /token HTTP/1.1\r\nHost: x\r\n{form}\r\nContent-Length: +5\r\n\r\nabcde")),
        (
            "HT-07 unknown coding",
            format!("POST /token HTTP/1.1\r\nHost: x\r\n{form}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ),
        ("HT-07 space before colon", "GET /health/live HTTP/1.1\r\nHost : x\r\n\r\n".to_owned()),
        ("HT-07 folding", "GET /health/live HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n".to_owned()),
        ("HT-13 HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
    ] {
        let mut stream = server.connect();
        stream.write_all(bytes.as_bytes()).expect("the bytes are taken");
        stream.shutdown(std::net::Shutdown::Write).expect("half a close");
        let status = read_answer(&mut stream).map(|answer| answer.status);
        assert!(matches!(status, None | Some(400)), "{row}: {status:?}");
    }
    server.assert_well();
}

#[test]
fn a_path_leads_nowhere_but_to_its_resource() {
    let server = Server::start();
    for path in [
        "/status-lists/../keys/issuer.key.pem",
        "/status-lists/%2e%2e%2fkeys%2fissuer.key.pem",
        "/status-lists/%252e%252e%252fkeys",
        "/status-lists/..\\keys",
        "/status-lists/1%00",
        "/status-lists/18446744073709551616",
        "/credential-types/..%2f..%2fCargo.toml",
        "/credential-types/resident-id%00.toml",
        "/assets/..%2f..%2fetc%2fpasswd",
        "/docs/..%2f..%2fetc%2fpasswd",
        "/offers/..%2f..%2fx",
    ] {
        let answer = server.send(&request("GET", path, &[], b""));
        assert!([400, 404].contains(&answer.status), "HT-08 {path}: {} {}", answer.status, answer.text());
        assert!(!answer.text().contains("PRIVATE KEY") && !answer.text().contains("root:"), "HT-08 {path}");
    }
    server.assert_well();
}

#[test]
fn what_comes_in_does_not_go_out_as_something_else() {
    let server = Server::start();
    let split = server.send(&request(
        "GET",
        "/nowhere%0d%0aSet-Cookie:%20x=1?a=%0d%0aSet-Cookie:%20x=1",
        &[("X-Request-Id", "mine")],
        b"",
    ));
    assert_eq!(split.status, 404, "HT-09");
    assert!(
        split.header("set-cookie").is_none() && !split.headers.iter().any(|(_, value)| value.contains("x=1")),
        "HT-09: {:?}",
        split.headers
    );
    assert_ne!(split.header("x-request-id"), Some("mine"), "HT-09: the number is ours");

    let spoof = [
        ("Host", "evil.example"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "https"),
        ("Forwarded", "host=evil.example"),
    ];
    for path in [
        "/.well-known/openid-credential-issuer",
        "/.well-known/oauth-authorization-server",
        "/.well-known/jwt-vc-issuer",
        "/status-lists",
    ] {
        let plain = server.send(&request("GET", path, &[], b""));
        let spoofed = server.send(&request("GET", path, &spoof, b""));
        assert_eq!((plain.status, plain.text()), (spoofed.status, spoofed.text()), "HT-10 {path}");
        assert!(!spoofed.text().contains("evil.example"), "HT-10 {path}");
    }

    server.send(&request("GET", "/x%0a%1b[31mERROR%20forged", &[("User-Agent", "a\x1b[31mb")], b""));
    let log = server.log();
    assert!(
        !log.contains("\x1b[31m")
            && !log.lines().any(|line| line.starts_with("ERROR forged") || line.contains("\x1b[31mERROR")),
        "HT-16: {log}"
    );
    server.assert_well();
}

#[test]
fn a_method_is_what_the_request_line_says() {
    let server = Server::start();
    let bearer = format!("Bearer {}", server.token);
    for (row, method, path) in [
        ("HT-11 trace", "TRACE", "/health/live"),
        ("HT-11 put", "PUT", "/token"),
        ("HT-11 get for post", "GET", "/nonce"),
        ("HT-11 delete", "DELETE", "/.well-known/openid-credential-issuer"),
    ] {
        let answer = server.send(&request(method, path, &[], b""));
        assert_eq!((answer.status, answer.code().as_str()), (405, "method_not_allowed"), "{row}: {}", answer.text());
        assert!(answer.header("allow").is_some(), "{row}");
    }
    let made = server.admin("POST", "/tokens", &json!({"name": "kept", "role": "auditor"}), 201);
    let id = made["token_id"].as_str().or(made["id"].as_str()).unwrap_or_default().to_owned();
    let overridden = server.send(&request(
        "GET",
        &format!("{TOKENS}/{id}"),
        &[("Authorization", &bearer), ("X-HTTP-Method-Override", "DELETE")],
        b"",
    ));
    assert_eq!(overridden.status, 200, "HT-11 override: {}", overridden.text());
    let secret = format!("Bearer {}", made["token"].as_str().expect("a secret"));
    assert_eq!(
        server.send(&request("GET", "/admin/api/v1/events", &[("Authorization", &secret)], b"")).status,
        200,
        "HT-11: still good"
    );
    server.assert_well();
}

#[test]
fn ranges_are_not_served_and_private_answers_are_not_kept() {
    let server = Server::start();
    let ranges = format!("bytes={}", (0..1000).map(|n| format!("{n}-{n}")).collect::<Vec<_>>().join(","));
    let answer = server.send(&request("GET", "/openapi.json", &[("Range", &ranges)], b""));
    assert_eq!(answer.status, 200, "HT-14");
    assert!(answer.json().is_object(), "HT-14: the whole of it");

    let bearer = format!("Bearer {}", server.token);
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    for (row, answer) in [
        ("X-07 nonce", server.send(&request("POST", "/nonce", &[], b""))),
        ("X-07 token", server.send(&request("POST", "/token", &[form], b"grant_type=x"))),
        ("X-07 credential", server.send(&request("POST", "/credential", &[("Content-Type", "application/json")], b"{}"))),
        ("HT-17 people", server.send(&request("GET", "/admin/api/v1/people?query=x", &[("Authorization", &bearer)], b""))),
        ("HT-17 refusal", server.send(&request("GET", "/admin/api/v1/people?query=x", &[], b""))),
    ] {
        assert!(answer.header("cache-control").is_some_and(|value| value.contains("no-store")), "{row}: {:?}", answer.headers);
    }
    let page = server.send(&request("GET", "/", &[], b""));
    assert!(
        page.header("vary").is_some_and(|value| value.to_lowercase().contains("accept-language")),
        "HT-17: {:?}",
        page.headers
    );
    server.assert_well();
}

#[test]
fn every_line_about_http_is_tested() {
    crate::assert_complete("HT-", 17);
}

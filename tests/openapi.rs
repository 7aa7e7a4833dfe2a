//! The description of the interface, held as a snapshot: a change of a route is seen in review, not by those who call it.
//!
//! `UPDATE=1 cargo test --test openapi` writes the snapshot anew.

mod support;

use std::{fs, path::Path};

use support::TestService;

#[test]
fn the_committed_description_is_the_one_the_code_gives() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let now = format!("{}\n", yufu::http::openapi::text());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&file, &now).expect("the snapshot is written");
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == now, "the interface has changed: run `UPDATE=1 cargo test --test openapi` and review docs/openapi.json");
}

#[test]
fn the_service_serves_its_description_and_pages_to_browse_it_without_help_from_outside() {
    let service = TestService::start();
    let anon = service.anon();
    let served = anon.get("/openapi.json").good(200);
    assert_eq!(served, serde_json::from_str::<serde_json::Value>(yufu::http::openapi::text()).expect("JSON"));
    assert_eq!(anon.get("/docs").header("location"), "/docs/");
    let page = anon.get("/docs/");
    assert_eq!((page.status, page.header("content-type")), (200, "text/html"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'; "));
    let page = page.text();
    let parts = page.split('"').filter_map(|part| part.strip_prefix("./").or((part == "index.css").then_some(part)));
    let parts: Vec<_> = parts.collect();
    assert!(parts.len() >= 6, "{parts:?}");
    for part in parts {
        assert_eq!(anon.get(&format!("/docs/{part}")).status, 200, "{part}");
    }
    assert!(!page.contains("//unpkg") && !page.contains("https://"), "nothing comes from elsewhere");
    let start = anon.get("/docs/swagger-initializer.js").text();
    assert!(start.contains("/openapi.json") && !start.contains("https://"), "{start}");
    anon.get("/docs/nothing.js").problem(404, "not_found");
}

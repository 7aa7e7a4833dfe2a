//! Limits over HTTP: the answer in the words of who asks, when to come again, and whom it does not touch.

mod support;

use support::{Answer, TestService, User};

/// A service behind a proxy on this machine that lets two requests a minute of one address pass.
fn service() -> TestService {
    TestService::start_with(|config| {
        config.limits.limit_address = 2;
        config.limits.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a block")];
    })
}

fn ask(user: &User, client: &str, method: &str, path: &str) -> Answer {
    user.send(method, path, &[("x-forwarded-for", client)], b"")
}

#[test]
fn a_wallet_that_comes_too_often_reads_it_in_its_protocol_and_when_to_come_again() {
    let service = service();
    let anon = service.anon();
    for _ in 0..2 {
        assert_eq!(ask(&anon, "192.0.2.1", "POST", "/nonce").status, 200);
    }
    let refused = ask(&anon, "192.0.2.1", "POST", "/nonce");
    refused.oauth(429, "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), "31");
    let page = ask(&anon, "192.0.2.1", "GET", "/offers/00000000-0000-4000-8000-000000000000");
    page.problem(429, "too_often");
    assert_eq!(page.header("retry-after"), "31");
    // Another client behind the same proxy, and what is kept ready, are not touched.
    assert_eq!(ask(&anon, "192.0.2.2", "POST", "/nonce").status, 200);
    assert_eq!(ask(&anon, "192.0.2.1", "GET", "/.well-known/openid-credential-issuer").status, 200);
    assert_eq!(ask(&service.admin(), "192.0.2.1", "GET", "/admin/api/v1/people?id_number=none").status, 400);
    service.clock.advance(31);
    assert_eq!(ask(&anon, "192.0.2.1", "POST", "/nonce").status, 200);
}

#[test]
fn what_a_client_writes_of_itself_gives_it_no_other_bucket() {
    let service = service();
    let anon = service.anon();
    let told: Vec<u16> = (0..4).map(|n| ask(&anon, &format!("198.51.100.{n}, 192.0.2.1"), "POST", "/nonce").status).collect();
    assert_eq!(told, [200, 200, 429, 429]);
}

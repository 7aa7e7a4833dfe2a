use std::net::IpAddr;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::{
    base::{clock::ManualClock, time::Timestamp},
    model::client::WalletInstance,
};

const TOKEN: (&str, &str) = ("POST", "/token");

struct Stand {
    limits: RateLimits,
    clock: ManualClock,
}

fn stand(quotas: Quotas) -> Stand {
    let clock = ManualClock::at(Timestamp::from_unix(1_795_500_000));
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    Stand { limits: RateLimits::new(&quotas, &shared, Arc::default()), clock }
}

fn none() -> Quotas {
    Quotas { address: 0, sign_in: 0, client: 0, wallet: 0, person: 0, code: 0, trusted_proxies: Vec::new() }
}

fn forwarded(values: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        let value = HeaderValue::from_str(value).expect("a value");
        headers.append(HeaderName::from_static("x-forwarded-for"), value);
    }
    headers
}

impl Stand {
    fn from(&self, peer: &str, headers: &HeaderMap, (method, path): (&str, &str)) -> Result<(), u32> {
        let peer: IpAddr = peer.parse().expect("an address");
        self.limits.request(Some(peer), headers, method, path).map_err(|often| often.seconds)
    }

    fn ask(&self, peer: &str) -> Result<(), u32> {
        self.from(peer, &HeaderMap::new(), TOKEN)
    }

    /// How many of one kind come in at once.
    fn goes(&self, what: Counted<'_>) -> usize {
        (0..100).take_while(|_| self.limits.count(what).is_ok()).count()
    }
}

#[test]
fn an_address_comes_so_often_and_again_when_its_bucket_fills() {
    let stand = stand(Quotas { address: 3, ..none() });
    for _ in 0..3 {
        assert_eq!(stand.ask("192.0.2.1"), Ok(()));
    }
    // One in twenty seconds: the part of a second is waited for too.
    assert_eq!(stand.ask("192.0.2.1"), Err(21));
    assert_eq!(stand.ask("192.0.2.2"), Ok(()), "another address has its own bucket");
    stand.clock.advance(19);
    assert_eq!(stand.ask("192.0.2.1"), Err(2));
    stand.clock.advance(1);
    assert_eq!(stand.ask("192.0.2.1"), Ok(()));
    assert_eq!(stand.ask("192.0.2.1"), Err(21));
    assert!(stand.limits.metrics.counted().contains("yufu_limited_total{by=\"address\"} 3"));
}

#[test]
fn one_network_of_ipv6_is_one_and_ipv4_is_the_same_however_it_is_written() {
    let stand = stand(Quotas { address: 1, ..none() });
    assert_eq!(stand.ask("2001:db8:1:2::1"), Ok(()));
    assert_eq!(stand.ask("2001:db8:1:2:ffff:ffff:ffff:ffff"), Err(61));
    assert_eq!(stand.ask("2001:db8:1:3::1"), Ok(()));
    assert_eq!(stand.ask("192.0.2.1"), Ok(()));
    assert_eq!(stand.ask("::ffff:192.0.2.1"), Err(61));
}

#[test]
fn what_is_kept_ready_is_not_counted_and_a_new_route_is() {
    let stand = stand(Quotas { address: 1, ..none() });
    let none = HeaderMap::new();
    for path in ["/", "/status-lists/1", "/.well-known/openid-credential-issuer", "/health/ready", "/admin/api/v1/people"] {
        for _ in 0..3 {
            assert_eq!(stand.from("192.0.2.1", &none, ("GET", path)), Ok(()), "{path}");
        }
    }
    assert_eq!(stand.from("192.0.2.1", &none, ("GET", "/of-tomorrow")), Ok(()));
    assert_eq!(stand.from("192.0.2.1", &none, ("GET", "/of-tomorrow")), Err(61));
}

#[test]
fn tries_to_sign_in_have_a_smaller_bucket_beside_the_large_one() {
    let stand = stand(Quotas { address: 10, sign_in: 2, ..none() });
    let none = HeaderMap::new();
    let sign_in = ("POST", "/sign-in");
    assert_eq!([(); 3].map(|()| stand.from("192.0.2.1", &none, sign_in)), [Ok(()), Ok(()), Err(31)]);
    assert_eq!(stand.from("192.0.2.1", &none, ("GET", "/sign-in")), Ok(()), "the page itself is shown");
    assert_eq!(stand.ask("192.0.2.1"), Ok(()));
}

#[test]
fn what_a_client_says_of_its_address_counts_only_as_far_as_trusted_proxies_wrote_it() {
    let trusted = vec!["10.0.0.0/8".parse().expect("a block"), "127.0.0.1/32".parse().expect("a block")];
    let stand = stand(Quotas { address: 1, trusted_proxies: trusted, ..none() });
    let ask = |peer: &str, headers: &[&str]| stand.from(peer, &forwarded(headers), TOKEN);
    // Through a proxy each client has its own bucket.
    assert_eq!(ask("10.0.0.1", &["192.0.2.1"]), Ok(()));
    assert_eq!(ask("10.0.0.1", &["192.0.2.2"]), Ok(()));
    assert_eq!(ask("10.0.0.1", &["192.0.2.1"]), Err(61));
    // Whatever the client wrote before the proxy did changes nothing; nor does a second proxy, a port, a second header.
    assert_eq!(ask("10.0.0.1", &["198.51.100.7, 192.0.2.1"]), Err(61));
    assert_eq!(ask("127.0.0.1", &["198.51.100.7, 192.0.2.1, 10.2.2.2"]), Err(61));
    assert_eq!(ask("10.0.0.1", &["198.51.100.7", "192.0.2.1:50123"]), Err(61));
    // A client that is no proxy is believed nothing.
    assert_eq!(ask("198.51.100.1", &["192.0.2.200"]), Ok(()));
    assert_eq!(ask("198.51.100.1", &["192.0.2.201"]), Err(61));
    // What is no address ends the reading at the proxy that passed it on.
    assert_eq!(ask("10.9.9.9", &["nobody"]), Ok(()));
    assert_eq!(ask("10.9.9.9", &["nobody else"]), Err(61));
    assert_eq!(ask("10.9.9.9", &["[2001:db8::1]:443"]), Ok(()));
    assert_eq!(ask("10.9.9.9", &["2001:db8::2"]), Err(61));
}

#[test]
fn this_machine_itself_is_not_counted_unless_it_is_a_proxy() {
    let alone = stand(Quotas { address: 1, ..none() });
    for peer in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.0.0.1"] {
        assert_eq!(alone.from(peer, &forwarded(&["192.0.2.1"]), TOKEN), Ok(()), "{peer}");
    }
    assert!(alone.limits.request(None, &HeaderMap::new(), TOKEN.0, TOKEN.1).is_ok());
    let proxied = stand(Quotas { address: 1, trusted_proxies: vec!["127.0.0.1/32".parse().expect("a block")], ..none() });
    assert_eq!(proxied.ask("127.0.0.1"), Ok(()));
    assert_eq!(proxied.ask("127.0.0.1"), Err(61));
}

#[test]
fn clients_wallets_people_and_codes_are_counted_one_by_one() {
    let stand = stand(Quotas { client: 5, wallet: 4, person: 3, code: 2, ..none() });
    let (one, other) = (WalletInstance::of_hash([1; 32]), WalletInstance::of_hash([2; 32]));
    assert_eq!(stand.goes(Counted::Client("wallet.example")), 5);
    assert_eq!(stand.goes(Counted::Client("other.example")), 5);
    assert_eq!(stand.goes(Counted::Wallet(&one)), 4);
    assert_eq!(stand.goes(Counted::Wallet(&other)), 4);
    assert_eq!(stand.goes(Counted::Person(PersonId::from_bytes([1; 16]))), 3);
    assert_eq!(stand.goes(Counted::Person(PersonId::from_bytes([2; 16]))), 3);
    assert_eq!(stand.goes(Counted::Code(&[1; 32])), 2);
    assert_eq!(stand.goes(Counted::Code(&[2; 32])), 2);
    assert_eq!(stand.goes(Counted::Code(&[2; 32])), 0);
}

#[test]
fn nothing_is_counted_where_no_limit_is_set() {
    let stand = stand(none());
    assert_eq!(stand.goes(Counted::Client("wallet.example")), 100);
    assert_eq!((0..100).filter(|_| stand.ask("192.0.2.1").is_ok()).count(), 100);
}

#[test]
fn who_has_not_come_for_long_is_forgotten() {
    let stand = stand(Quotas { address: 60, ..none() });
    for last in 0..200 {
        assert_eq!(stand.ask(&format!("192.0.2.{last}")), Ok(()));
    }
    let kept = || stand.limits.address.limiter.as_ref().map(RateLimiter::len);
    stand.limits.upkeep();
    assert_eq!(kept(), Some(200));
    stand.clock.advance(2);
    stand.limits.upkeep();
    assert_eq!(kept(), Some(0));
}

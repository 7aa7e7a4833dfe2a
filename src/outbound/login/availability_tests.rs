//! A provider that changes its keys, is slow, or is down.

use serde_json::json;

use super::{
    tests::{ISSUER, NOW, Peer, login, secrets},
    *,
};
use crate::{
    base::random::SeededRandom,
    crypto::{Algorithm, SoftwareKey},
    outbound::{FetchError, Request, Response},
};

#[test]
fn a_key_that_is_not_published_is_asked_for_once_in_half_a_minute() {
    let peer = Peer::new();
    let (login, clock) = login(&peer);
    let number = |login: &OpenIdLogin| login.id_number(&secrets(), "c", Some(ISSUER)).map(|number| number.expose().clone());
    assert!(number(&login).is_ok());
    *peer.key.lock().expect("a lock") = SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(2));
    assert_eq!(number(&login), Err(LoginError::Token("no key of the login service made its signature")));
    assert_eq!(peer.asked("/keys").len(), 1, "asked a moment ago");
    clock.advance(30);
    assert!(number(&login).is_ok(), "a changed key is found");
    assert_eq!(peer.asked("/keys").len(), 2);
    clock.advance(599 - 30);
    peer.claim("iat", json!(NOW + 600));
    peer.claim("exp", json!(NOW + 900));
    assert!(number(&login).is_ok());
    assert_eq!(peer.asked("/keys").len(), 2);
    clock.advance(31);
    assert!(number(&login).is_ok());
    assert_eq!(peer.asked("/keys").len(), 3, "what was heard is kept ten minutes");
}

#[test]
fn a_provider_that_is_down_is_left_alone_for_a_while_and_what_was_heard_serves_on() {
    const DOWN: LoginError = LoginError::Unusable("it does not answer");
    let peer = Peer::new();
    let (login, clock) = login(&peer);
    let address = |login: &OpenIdLogin| login.address(&secrets(), "en").map(|_| ());
    let set = |down| *peer.is_down.lock().expect("a lock") = down;
    let asked = || peer.asked("/.well-known/openid-configuration").len();
    set(true);
    assert_eq!((address(&login), address(&login), asked()), (Err(DOWN), Err(DOWN), 1));
    clock.advance(9);
    assert_eq!((address(&login), asked()), (Err(DOWN), 1));
    set(false);
    clock.advance(1);
    assert_eq!((address(&login), asked()), (Ok(()), 2));
    set(true);
    clock.advance(600);
    assert_eq!((address(&login), address(&login), asked()), (Ok(()), Ok(()), 3));
    clock.advance(3000);
    assert_eq!((address(&login), asked()), (Err(DOWN), 4));
}

/// A provider that answers once it is let go.
struct Slow(Arc<Peer>, std::sync::Barrier);

impl Fetch for Slow {
    fn send(&self, request: Request) -> Result<Response, FetchError> {
        if request.url.ends_with("/token") {
            self.1.wait();
        }
        self.0.send(request)
    }
}

#[test]
fn those_who_wait_for_a_slow_provider_are_bounded() {
    let peer = Peer::new();
    let OpenIdLogin { client, clock, .. } = login(&peer).0;
    let slow = Arc::new(Slow(peer, std::sync::Barrier::new(AT_ONCE + 1)));
    let fetch: Arc<dyn Fetch> = Arc::<Slow>::clone(&slow);
    let login = OpenIdLogin::new(client, fetch, clock);
    std::thread::scope(|scope| {
        let number = || login.id_number(&secrets(), "c", Some(ISSUER)).map(|number| number.expose().clone());
        let waiting: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(number)).collect();
        while login.waiting.load(Ordering::Acquire) < AT_ONCE {
            std::thread::yield_now();
        }
        assert_eq!(number(), Err(LoginError::Unusable("too many wait for it")));
        assert_eq!(login.address(&secrets(), "en"), Err(LoginError::Unusable("too many wait for it")));
        slow.1.wait();
        assert!(waiting.into_iter().all(|thread| thread.join().expect("an answer").is_ok()));
        assert_eq!(login.waiting.load(Ordering::Acquire), 0);
    });
}

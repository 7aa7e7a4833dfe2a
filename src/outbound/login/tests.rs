//! A provider in memory, that answers as it is told to.

use serde_json::{Value, json};

use super::*;
use crate::{
    base::{base64url, clock::ManualClock, random::SeededRandom, time::Timestamp},
    crypto::{Algorithm, Signer, SoftwareKey, jws, sha256},
    outbound::{FetchError, Request, Response},
};

pub(super) const ISSUER: &str = "https://login.example/province";
pub(super) const NOW: i64 = 1_795_500_000;

/// The provider, with what its token says and what it saw.
pub(super) struct Peer {
    pub(super) key: Mutex<SoftwareKey>,
    claims: Mutex<Value>,
    header: Mutex<Value>,
    metadata: Mutex<Value>,
    info: Mutex<Value>,
    token_error: Mutex<Option<&'static str>>,
    pub(super) is_down: Mutex<bool>,
    asked: Mutex<Vec<Request>>,
}

impl Peer {
    pub(super) fn new() -> Arc<Self> {
        let metadata = json!({
            "issuer": ISSUER,
            "authorization_endpoint": format!("{ISSUER}/authorize"),
            "token_endpoint": format!("{ISSUER}/token"),
            "userinfo_endpoint": format!("{ISSUER}/userinfo"),
            "jwks_uri": format!("{ISSUER}/keys"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256", "RS256", "HS256", "none"],
            "authorization_response_iss_parameter_supported": true,
        });
        let claims = json!({
            "iss": ISSUER, "sub": "a", "aud": "yufu", "nonce": "the nonce", "iat": NOW, "exp": NOW + 300,
            "id_number": "52010219900307001X",
        });
        Arc::new(Self {
            key: Mutex::new(SoftwareKey::generate(Algorithm::Es256, &SeededRandom::new(1))),
            claims: Mutex::new(claims),
            header: Mutex::new(json!({"typ": "JWT"})),
            metadata: Mutex::new(metadata),
            info: Mutex::new(json!({"sub": "a", "id_number": "from userinfo"})),
            token_error: Mutex::default(),
            is_down: Mutex::default(),
            asked: Mutex::default(),
        })
    }

    fn token(&self) -> String {
        let members = |value: &Mutex<Value>| value.lock().expect("a lock").as_object().cloned().expect("members");
        jws::sign(members(&self.header), &members(&self.claims), &*self.key.lock().expect("a lock")).expect("signed")
    }

    pub(super) fn claim(&self, name: &str, value: Value) {
        self.claims.lock().expect("a lock")[name] = value;
    }

    fn without(&self, name: &str) {
        self.claims.lock().expect("a lock").as_object_mut().expect("claims").remove(name);
    }

    pub(super) fn asked(&self, end: &str) -> Vec<Request> {
        let asked = self.asked.lock().expect("a lock");
        asked.iter().filter(|request| request.url == format!("{ISSUER}{end}")).cloned().collect()
    }
}

impl Fetch for Peer {
    fn send(&self, request: Request) -> Result<Response, FetchError> {
        self.asked.lock().expect("a lock").push(request.clone());
        if *self.is_down.lock().expect("a lock") {
            return Err(FetchError::NoAnswer("down".to_owned()));
        }
        let json = |status, body: &Value| {
            Ok(Response { status, content_type: "application/json".to_owned(), body: body.to_string().into_bytes() })
        };
        match request.url.strip_prefix(ISSUER) {
            Some("/.well-known/openid-configuration") => json(200, &self.metadata.lock().expect("a lock")),
            Some("/keys") => {
                let key = self.key.lock().expect("a lock");
                let mut jwk = key.public_key().to_jwk();
                jwk["kid"] = key.key_id().into();
                json(200, &json!({"keys": [jwk]}))
            }
            Some("/token") => match *self.token_error.lock().expect("a lock") {
                Some(error) => json(400, &json!({"error": error})),
                None => json(200, &json!({"access_token": "the token", "token_type": "Bearer", "id_token": self.token()})),
            },
            Some("/userinfo") => json(200, &self.info.lock().expect("a lock")),
            _ => Err(FetchError::NoAnswer("nobody".to_owned())),
        }
    }
}

pub(super) fn login(peer: &Arc<Peer>) -> (OpenIdLogin, ManualClock) {
    let clock = ManualClock::at(Timestamp::from_unix(NOW));
    let client = LoginClient {
        issuer: ISSUER.parse().expect("an issuer"),
        client_id: "yufu".to_owned(),
        client_secret: Some(Secret::new("the secret".to_owned())),
        id_number_claim: "id_number".to_owned(),
        scopes: vec!["identity".to_owned()],
        redirect_uri: "https://id.example/sign-in/province/callback".to_owned(),
    };
    let fetch: Arc<dyn Fetch> = Arc::<Peer>::clone(peer);
    (OpenIdLogin::new(client, fetch, Arc::new(clock.clone())), clock)
}

pub(super) fn secrets() -> LoginSecrets {
    let verifier = Secret::new("the-verifier-of-forty-three-characters-or-so".to_owned());
    LoginSecrets { state: "the state".to_owned(), nonce: "the nonce".to_owned(), verifier }
}

/// What comes of a login whose provider was changed so.
fn after(change: impl FnOnce(&Peer)) -> Result<String, LoginError> {
    let peer = Peer::new();
    change(&peer);
    let number = login(&peer).0.id_number(&secrets(), "the code", Some(ISSUER));
    number.map(|number| number.expose().clone())
}

#[test]
fn the_browser_is_sent_with_state_nonce_and_a_challenge_and_never_with_the_verifier() {
    let address = login(&Peer::new()).0.address(&secrets(), "zh-CN").expect("an address");
    let url = url::Url::parse(&address).expect("a URL");
    assert_eq!(address.split('?').next(), Some("https://login.example/province/authorize"));
    let mut parameters: Vec<_> = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    parameters.sort();
    let challenge = base64url::encode(sha256(secrets().verifier.expose()));
    let expected = [
        ("client_id", "yufu"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("nonce", "the nonce"),
        ("redirect_uri", "https://id.example/sign-in/province/callback"),
        ("response_type", "code"),
        ("scope", "openid identity"),
        ("state", "the state"),
        ("ui_locales", "zh-CN"),
    ];
    assert_eq!(parameters, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn a_good_answer_says_who_it_is_and_the_code_goes_with_verifier_and_secret() {
    let peer = Peer::new();
    let number = login(&peer).0.id_number(&secrets(), "the code", Some(ISSUER)).expect("a number");
    assert_eq!(number.expose(), "52010219900307001X");
    let [token] = &peer.asked("/token")[..] else { panic!("asked once") };
    let body = String::from_utf8(token.body.clone()).expect("a form");
    assert!(
        body.contains("code=the+code") && body.contains(&format!("code_verifier={}", secrets().verifier.expose())),
        "{body}"
    );
    assert!(!body.contains("secret"), "{body}");
    let authorization = token.headers.iter().find(|(name, _)| name == "authorization").map(|(_, value)| value.as_str());
    assert_eq!(authorization, Some("Basic eXVmdTp0aGUrc2VjcmV0"));
    assert_eq!(peer.asked("/userinfo"), [], "not asked for what the token says");
}

#[test]
fn a_provider_that_takes_no_basic_gets_the_secret_in_the_form() {
    let peer = Peer::new();
    peer.metadata.lock().expect("a lock")["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    login(&peer).0.id_number(&secrets(), "c", Some(ISSUER)).expect("a number");
    let token = peer.asked("/token").remove(0);
    let body = String::from_utf8(token.body).expect("a form");
    assert!(body.contains("client_secret=the+secret") && body.contains("client_id=yufu"), "{body}");
    assert!(!token.headers.iter().any(|(name, _)| name == "authorization"));
}

#[test]
fn the_number_comes_from_userinfo_of_the_same_subject_when_the_token_has_none() {
    assert_eq!(after(|peer| peer.without("id_number")), Ok("from userinfo".to_owned()));
    let of_another = after(|peer| {
        peer.without("id_number");
        *peer.info.lock().expect("a lock") = json!({"sub": "b", "id_number": "somebody's"});
    });
    assert_eq!(of_another, Err(LoginError::Token("userinfo speaks of somebody else")));
    for nothing in [
        json!({"sub": "a"}),
        json!({"sub": "a", "id_number": ""}),
        json!({"sub": "a", "id_number": 5}),
        json!({"sub": "a", "id_number": null}),
    ] {
        let none = after(|peer| {
            peer.without("id_number");
            *peer.info.lock().expect("a lock") = nothing;
        });
        assert_eq!(none, Err(LoginError::NoIdNumber));
    }
    let without_endpoint = after(|peer| {
        peer.without("id_number");
        peer.metadata.lock().expect("a lock").as_object_mut().expect("members").remove("userinfo_endpoint");
    });
    assert_eq!(without_endpoint, Err(LoginError::NoIdNumber));
}

#[test]
fn an_id_token_of_another_issuer_client_login_or_time_is_refused() {
    let token = LoginError::Token;
    for (name, value, why) in [
        ("iss", json!("https://login.example"), token("it is another issuer's")),
        ("iss", json!("https://login.example/province/"), token("it is another issuer's")),
        ("aud", json!("another"), token("it was made for another client")),
        ("aud", json!(["yufu", "another"]), token("it was made for another client")),
        ("azp", json!("another"), token("it was made for another client")),
        ("nonce", json!("another"), token("it was made for another login")),
        ("exp", json!(NOW - 60), token("it is past its time")),
        ("iat", json!(NOW - 301), token("it was not made just now")),
        ("iat", json!(NOW + 61), token("it was not made just now")),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"), token("the access token is not the one it was made with")),
    ] {
        assert_eq!(after(|peer| peer.claim(name, value)), Err(why), "{name}");
    }
    assert_eq!(after(|peer| peer.without("nonce")), Err(token("it was made for another login")));
    for (name, value) in [("exp", json!(NOW - 59)), ("iat", json!(NOW - 300)), ("aud", json!(["yufu"])), ("azp", json!("yufu"))]
    {
        assert!(after(|peer| peer.claim(name, value)).is_ok(), "{name}");
    }
    let half = base64url::encode(&sha256("the token")[..16]);
    assert!(after(|peer| peer.claim("at_hash", json!(half))).is_ok());
}

/// A token whose header is written over, under the signature it had.
struct Forged(Arc<Peer>, &'static str);

impl Fetch for Forged {
    fn send(&self, request: Request) -> Result<Response, FetchError> {
        let is_token = request.url.ends_with("/token");
        let mut answer = self.0.send(request)?;
        if is_token {
            let mut body: Value = serde_json::from_slice(&answer.body).expect("JSON");
            let token = body["id_token"].as_str().expect("a token").to_owned();
            let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
            match self.1 {
                "none" => {
                    parts[0] = base64url::encode(r#"{"alg":"none"}"#);
                    parts[2] = String::new();
                }
                "HS256" => {
                    let input = format!("{}.{}", base64url::encode(r#"{"alg":"HS256"}"#), parts[1]);
                    let mut block = [0; 32];
                    block[..10].copy_from_slice(b"the secret");
                    parts[0] = base64url::encode(r#"{"alg":"HS256"}"#);
                    parts[2] = base64url::encode(hmac(&block, input.as_bytes()));
                }
                _ => {
                    let mut claims: Value =
                        serde_json::from_slice(&base64url::decode(&parts[1]).expect("base64url")).expect("JSON");
                    claims["id_number"] = json!("another's");
                    parts[1] = base64url::encode(claims.to_string());
                }
            }
            body["id_token"] = parts.join(".").into();
            answer.body = body.to_string().into_bytes();
        }
        Ok(answer)
    }
}

/// HMAC-SHA-256 by its definition (RFC 2104 section 2).
fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let pad = |with: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect() };
    let inner = sha256([&pad(0x36), message].concat());
    sha256([&pad(0x5c), &inner[..]].concat())
}

#[test]
fn a_token_without_a_signature_by_a_published_key_is_refused() {
    for (how, why) in [
        ("none", "its signature is not of an allowed kind"),
        ("HS256", "its signature is not of an allowed kind"),
        ("payload", "no key of the login service made its signature"),
    ] {
        let peer = Peer::new();
        let OpenIdLogin { client, clock, .. } = login(&peer).0;
        let login = OpenIdLogin::new(client, Arc::new(Forged(peer, how)), clock);
        let refused = login.id_number(&secrets(), "c", Some(ISSUER)).map(|number| number.expose().clone());
        assert_eq!(refused, Err(LoginError::Token(why)), "{how}");
    }
}

#[test]
fn an_answer_of_another_provider_is_refused_before_its_code_is_shown() {
    let peer = Peer::new();
    let (named, _) = login(&peer);
    for iss in [None, Some("https://login.example"), Some(""), Some("https://evil.example")] {
        assert_eq!(named.id_number(&secrets(), "c", iss).err(), Some(LoginError::OtherIssuer), "{iss:?}");
    }
    assert_eq!(peer.asked("/token"), []);
    let silent = Peer::new();
    silent
        .metadata
        .lock()
        .expect("a lock")
        .as_object_mut()
        .expect("m")
        .remove("authorization_response_iss_parameter_supported");
    let (unnamed, _) = login(&silent);
    assert!(unnamed.id_number(&secrets(), "c", None).is_ok());
    assert_eq!(unnamed.id_number(&secrets(), "c", Some("https://evil.example")).err(), Some(LoginError::OtherIssuer));
}

#[test]
fn errors_of_the_provider_are_told_apart() {
    for (error, expected) in [
        ("invalid_grant", LoginError::CodeRefused),
        ("invalid_request", LoginError::CodeRefused),
        ("invalid_client", LoginError::Unusable("it does not know this client, or not by this secret")),
    ] {
        assert_eq!(after(|peer| *peer.token_error.lock().expect("a lock") = Some(error)), Err(expected), "{error}");
    }
    let set = |name: &'static str, value: Value| after(move |peer| peer.metadata.lock().expect("a lock")[name] = value);
    for (name, value, why) in [
        ("issuer", json!("https://evil.example"), "its metadata name another issuer"),
        ("authorization_endpoint", json!("http://login.example/authorize"), "its authorization endpoint is not https"),
        ("authorization_endpoint", json!("javascript:alert(1)"), "its authorization endpoint is not https"),
        ("jwks_uri", json!("http://login.example/keys"), "it does not answer"),
        ("jwks_uri", json!("http://127.0.0.1:1/keys"), "it does not answer"),
        ("token_endpoint", json!("http://login.example/token"), "its token endpoint does not answer"),
        ("token_endpoint", Value::Null, "it has no token endpoint"),
    ] {
        assert_eq!(set(name, value.clone()), Err(LoginError::Unusable(why)), "{name} {value}");
    }
}

#[test]
fn an_issuer_is_https_or_on_this_machine() {
    for good in ["https://login.example", "https://login.example/realms/x", "http://127.0.0.1:3000", "http://localhost:3000/x"]
    {
        assert_eq!(good.parse::<LoginIssuer>().map(|issuer| issuer.to_string()), Ok(good.to_owned()));
    }
    for bad in ["", "login.example", "http://login.example", "https://login.example?x=1", "https://login.example#x", "ftp://a"]
    {
        assert_eq!(bad.parse::<LoginIssuer>(), Err(NotAnIssuer), "{bad}");
    }
}

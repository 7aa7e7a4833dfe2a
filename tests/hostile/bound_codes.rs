//! Codes and pushed requests that are bound to a key (RFC 9449 section 10, draft-ietf-oauth-attestation-based-client-auth
//! section 9): whoever else has the code gets nothing.

use serde_json::{Value, json};
use yufu::{
    base::{base64url, clock::Clock, random::SeededRandom},
    crypto::{Algorithm, Signer, SoftwareKey, sha256},
    format::openid::{
        offer::AUTHORIZATION_CODE,
        token::{TokenRequest, TokenResponse},
    },
    issuance::{
        AccessError,
        authorize::{AuthorizationError, Authorizations},
        caller::{CallerError, Shown},
        client_attestation::AttestationError,
        credential::CredentialError,
        dpop::DpopError,
        freshness::{Freshness, Server},
        token::TokenError,
        wallets::{WalletOrder, Wallets},
    },
    model::{
        ids::PersonId,
        party::Role,
        profile::Profile,
        sign_in::{CitizenSession, SignInMethod},
    },
};

use super::{
    office::{Office, URL, authority},
    support::{
        attester::{Attester, Jwt, WALLET_ATTESTATION_POP},
        haip::form_of,
    },
};

pub const TESTED: &[&str] = &["NT-DPOP-13", "NT-DPOP-14"];

const CLIENT: &str = "wallet.example";
const BACK: &str = "https://wallet.example/back";
const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more";

/// An office under HAIP whose person wants to fetch.
struct Flow {
    office: Office,
    attester: Attester,
    authorizations: Authorizations,
    person: PersonId,
}

/// The keys of one installation of the wallet.
struct Keys {
    instance: SoftwareKey,
    dpop: SoftwareKey,
}

impl Keys {
    fn new(seed: u64) -> Self {
        let random = SeededRandom::new(0xB0DE + seed);
        let new = || SoftwareKey::generate(Algorithm::Es256, &random);
        Self { instance: new(), dpop: new() }
    }

    fn jkt(&self) -> String {
        base64url::encode(self.dpop.public_key().thumbprint())
    }
}

impl Flow {
    fn new() -> Self {
        let attester = Attester::new(1);
        let office = Office::trusting(Profile::Haip, &[&attester.root]);
        let order =
            WalletOrder { client_id: CLIENT.to_owned(), name: "A wallet".to_owned(), redirect_uris: vec![BACK.to_owned()] };
        Wallets::new(office.ground.clone()).register(&authority(Role::Administrator), &order).expect("registered");
        let (authorizations, person) = (Authorizations::new(office.ground.clone(), Vec::new()), office.register());
        Self { office, attester, authorizations, person }
    }

    /// The headers of a request by these keys; a DPoP proof among them or not.
    fn shown(&self, path: &'static str, keys: &Keys, with_dpop: bool) -> Shown {
        let now = self.office.clock.now();
        let jti = || base64url::encode(self.office.ground.random.array::<16>());
        let attestation = self.attester.wallet_attestation(CLIENT, keys.instance.public_key(), now);
        let pop = Jwt::new(json!({"typ": WALLET_ATTESTATION_POP}), json!({"aud": URL, "jti": jti(), "iat": now.unix()}));
        let nonce = Freshness::new(self.office.ground.clone()).nonce(Server::Authorization);
        let htu = format!("{URL}{path}");
        let claims: Value = json!({"jti": jti(), "htm": "POST", "htu": htu, "iat": now.unix(), "nonce": nonce});
        let proof = Jwt::new(json!({"typ": "dpop+jwt", "jwk": keys.dpop.public_key().to_jwk()}), claims).sign(&keys.dpop);
        Shown {
            method: "POST",
            path,
            dpop: with_dpop.then_some(proof).into_iter().collect(),
            attestation: vec![self.attester.sign(attestation)],
            attestation_pop: vec![pop.sign(&keys.instance)],
            authorization: Vec::new(),
        }
    }

    fn push(&self, shown: &Shown, dpop_jkt: Option<&str>) -> Result<String, AuthorizationError> {
        let challenge = base64url::encode(sha256(VERIFIER));
        let mut form = vec![
            ("client_id", CLIENT),
            ("response_type", "code"),
            ("redirect_uri", BACK),
            ("scope", "resident-id"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        form.extend(dpop_jkt.map(|jkt| ("dpop_jkt", jkt)));
        self.authorizations.push(shown, form_of(&form).as_bytes()).map(|pushed| pushed.request_uri)
    }

    /// The code that a person's agreement to a pushed request gives.
    fn code(&self, request_uri: &str) -> String {
        let query = form_of(&[("client_id", CLIENT), ("request_uri", request_uri)]);
        let opened = self.authorizations.open(&query, None).expect("opened");
        let signed_in_at = self.office.clock.now();
        let session = CitizenSession { person: self.person, method: SignInMethod::ActivationCode, signed_in_at };
        let back = self.authorizations.agree(opened.id, opened.browser.expose(), &session).expect("agreed");
        let (_, query) = back.location.split_once('?').expect("a query");
        yufu::format::openid::form::parse(query.as_bytes()).expect("a query").remove("code").expect("a code")
    }

    /// Whether an access token opens the credential endpoint to these keys.
    fn is_good(&self, keys: &Keys, token: &TokenResponse) -> bool {
        let claims = json!({
            "jti": base64url::encode(self.office.ground.random.array::<16>()),
            "htm": "POST",
            "htu": format!("{URL}/credential"),
            "iat": self.office.clock.now().unix(),
            "nonce": Freshness::new(self.office.ground.clone()).nonce(Server::Resource),
            "ath": base64url::encode(sha256(&token.access_token)),
        });
        let proof = Jwt::new(json!({"typ": "dpop+jwt", "jwk": keys.dpop.public_key().to_jwk()}), claims).sign(&keys.dpop);
        let authorization = vec![format!("DPoP {}", token.access_token)];
        let shown = Shown { method: "POST", path: "/credential", dpop: vec![proof], authorization, ..Shown::default() };
        match self.office.credentials.accepts(&shown) {
            Ok(()) => true,
            Err(CredentialError::Access(AccessError::InvalidToken)) => false,
            Err(other) => panic!("{other}"),
        }
    }

    fn redeem(&self, shown: &Shown, code: &str) -> Result<TokenResponse, TokenError> {
        let form = form_of(&[
            ("grant_type", AUTHORIZATION_CODE),
            ("client_id", CLIENT),
            ("code", code),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
        ]);
        self.office.tokens.redeem(shown, &TokenRequest::parse(form.as_bytes()).expect("a form"))
    }
}

#[test]
fn a_pushed_request_names_the_key_that_it_proves() {
    // NT-DPOP-13
    let flow = Flow::new();
    let (own, other) = (Keys::new(1), Keys::new(2));
    let push = |with_dpop, jkt: Option<&str>| flow.push(&flow.shown("/par", &own, with_dpop), jkt);
    assert_eq!(push(true, Some(&other.jkt())), Err(AuthorizationError::DpopKey));
    assert_eq!(AuthorizationError::DpopKey.code(), Some("invalid_request"));
    assert!(push(true, Some(&own.jkt())).is_ok());
    assert!(push(true, None).is_ok());
    assert!(push(false, Some(&own.jkt())).is_ok());
    // A proof for the token endpoint, and one that was shown before.
    let mut shown = flow.shown("/par", &own, true);
    shown.dpop = flow.shown("/token", &own, true).dpop;
    assert_eq!(flow.push(&shown, None), Err(AuthorizationError::Caller(DpopError::Target.into())));
    let shown = flow.shown("/par", &own, true);
    assert!(flow.push(&shown, None).is_ok());
    assert_eq!(flow.push(&shown, None), Err(AuthorizationError::Caller(DpopError::Replayed.into())));
    let again = Shown { dpop: flow.shown("/par", &own, true).dpop, ..shown };
    assert_eq!(flow.push(&again, None), Err(AuthorizationError::Caller(AttestationError::Replayed.into())));
}

#[test]
fn a_code_is_redeemed_by_the_keys_that_pushed_its_request() {
    // NT-DPOP-14
    let flow = Flow::new();
    let own = Keys::new(1);
    for (with_dpop, jkt) in [(true, None), (false, Some(own.jkt())), (true, Some(own.jkt()))] {
        let code = flow.code(&flow.push(&flow.shown("/par", &own, with_dpop), jkt.as_deref()).expect("pushed"));
        let other = Keys { dpop: Keys::new(2).dpop, ..Keys::new(1) };
        assert_eq!(flow.redeem(&flow.shown("/token", &other, true), &code), Err(TokenError::GrantNotGood));
        let other = Keys { instance: Keys::new(2).instance, ..Keys::new(1) };
        assert_eq!(flow.redeem(&flow.shown("/token", &other, true), &code), Err(TokenError::GrantNotGood));
        let without = flow.redeem(&flow.shown("/token", &own, false), &code);
        assert_eq!(without, Err(TokenError::Caller(CallerError::Dpop(DpopError::Missing))));
        let shown = flow.shown("/token", &own, true);
        let token = flow.redeem(&shown, &code).expect("a token");
        assert_eq!((token.token_type.as_str(), token.expires_in), ("DPoP", 900));
        // The whole request once more, from a client that tries again or a thief of it, gets nothing and ends nothing. The
        // code once more, with proofs of its own, means that two have it.
        assert_eq!(flow.redeem(&shown, &code), Err(TokenError::Caller(DpopError::Replayed.into())));
        assert!(flow.is_good(&own, &token));
        assert_eq!(flow.redeem(&flow.shown("/token", &own, true), &code), Err(TokenError::GrantNotGood));
        assert!(!flow.is_good(&own, &token));
    }
    // A code of a request without a named key belongs to the wallet instance, whichever key it binds the tokens to.
    let code = flow.code(&flow.push(&flow.shown("/par", &own, false), None).expect("pushed"));
    let later = Keys { dpop: Keys::new(3).dpop, ..Keys::new(1) };
    assert_eq!(flow.redeem(&flow.shown("/token", &later, true), &code).map(|token| token.token_type).as_deref(), Ok("DPoP"));
}

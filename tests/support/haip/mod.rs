//! A wallet for tests that fetches cards as OpenID4VCI 1.0 and HAIP 1.0 ask: with an attestation of itself, DPoP, PAR and
//! PKCE, key attestations. Every step can be taken by itself, and what it signs changed before it is signed.

pub mod cards;

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use yufu::{
    base::{
        base64url,
        clock::{Clock, ManualClock},
        random::{Random, SeededRandom},
        time::Timestamp,
    },
    crypto::{Algorithm, Signer, SoftwareKey, sha256},
    format::openid::form,
    model::profile::Profile,
};

use super::{
    Answer, TestService, User,
    attester::{Attester, Jwt, WALLET_ATTESTATION_POP},
};

/// `sub` of the attestation, and `client_id` everywhere.
pub const CLIENT_ID: &str = "wallet.example";
/// Where the wallet waits for the answer of the authorisation endpoint.
pub const REDIRECT_URI: &str = "https://wallet.example/back";

const PRE_AUTHORIZED: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";

/// A wallet that can prove what it is.
pub struct HaipWallet {
    pub user: User,
    pub clock: ManualClock,
    pub random: Arc<dyn Random>,
    pub attester: Arc<Attester>,
    pub client_id: String,
    /// The key that the wallet attestation names.
    pub instance: SoftwareKey,
    /// The key of its DPoP proofs.
    pub dpop: SoftwareKey,
    heard: Mutex<Heard>,
}

/// What the service last gave to be said back to it.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// `DPoP-Nonce` of the authorisation server.
    pub server_nonce: Option<String>,
    /// `DPoP-Nonce` of the credential endpoints.
    pub resource_nonce: Option<String>,
    /// The attestation challenge.
    pub challenge: Option<String>,
}

/// A PKCE pair (RFC 7636).
#[derive(Clone, Debug)]
pub struct Pkce {
    pub verifier: String,
    pub challenge: String,
}

/// A good answer of the token endpoint.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub access_token: String,
    pub token_type: String,
    pub refresh_token: Option<String>,
    pub body: Value,
}

impl Tokens {
    /// Reads a good answer.
    pub fn read(answer: &Answer) -> Self {
        let body = answer.good(200);
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        Self {
            access_token: text("access_token").expect("an access token"),
            token_type: text("token_type").expect("its type"),
            refresh_token: text("refresh_token"),
            body: body.clone(),
        }
    }

    /// The credential identifiers of a configuration.
    pub fn identifiers(&self, configuration: &str) -> Vec<String> {
        let details = self.body["authorization_details"].as_array().cloned().unwrap_or_default();
        let of_it = details.iter().filter(|detail| detail["credential_configuration_id"] == configuration);
        let all = of_it.flat_map(|detail| detail["credential_identifiers"].as_array().cloned().unwrap_or_default());
        all.filter_map(|one| one.as_str().map(str::to_owned)).collect()
    }
}

impl TestService {
    /// A service of the profile `haip` that trusts this attester for wallets and for keys.
    pub fn start_haip(attester: &Attester) -> Self {
        Self::start_with(|config| {
            config.identity.profile = Some(Profile::Haip);
            trust(attester, &config.storage.keys);
        })
    }

    /// A service of the profile `open` that trusts this attester for wallets and for keys.
    pub fn start_trusting(attester: &Attester) -> Self {
        Self::start_with(|config| trust(attester, &config.storage.keys))
    }

    /// A new wallet that this attester vouches for; the seed makes wallets differ.
    pub fn haip_wallet(&self, attester: &Arc<Attester>, seed: u64) -> HaipWallet {
        HaipWallet::new(self.anon(), self.clock.clone(), attester, seed)
    }
}

impl HaipWallet {
    /// A wallet that this attester vouches for, at a service that a user speaks to.
    pub fn new(user: User, clock: ManualClock, attester: &Arc<Attester>, seed: u64) -> Self {
        let random = SeededRandom::new(0x4A1B_0000 + seed);
        Self {
            user,
            clock,
            attester: Arc::clone(attester),
            client_id: CLIENT_ID.to_owned(),
            instance: SoftwareKey::generate(Algorithm::Es256, &random),
            dpop: SoftwareKey::generate(Algorithm::Es256, &random),
            random: Arc::new(random),
            heard: Mutex::default(),
        }
    }
}

/// Trusts an attester for wallets and for keys; before the start.
pub fn trust(attester: &Attester, keys: &Path) {
    attester.trusted_for_wallets(keys);
    attester.trusted_for_keys(keys);
}

impl HaipWallet {
    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Text that nobody guesses.
    pub fn token(&self) -> String {
        base64url::encode(self.random.array::<32>())
    }

    /// A new holder key.
    pub fn new_key(&self) -> SoftwareKey {
        SoftwareKey::generate(Algorithm::Es256, &*self.random)
    }

    /// What the service last gave to be said back.
    pub fn heard(&self) -> Heard {
        self.heard.lock().expect("no test panicked here").clone()
    }

    /// Forgets what the service gave.
    pub fn forget(&self) {
        *self.heard.lock().expect("no test panicked here") = Heard::default();
    }

    /// Keeps the nonces and the challenge of an answer, as a wallet does.
    fn hear(&self, answer: &Answer, at_resource: bool) {
        let given = |name: &str| Some(answer.header(name).to_owned()).filter(|value| !value.is_empty());
        let mut heard = self.heard.lock().expect("no test panicked here");
        if let Some(nonce) = given("dpop-nonce") {
            *(if at_resource { &mut heard.resource_nonce } else { &mut heard.server_nonce }) = Some(nonce);
        }
        if let Some(challenge) = given("oauth-client-attestation-challenge") {
            heard.challenge = Some(challenge);
        }
    }

    // ---- What it signs

    /// Its attestation, not signed yet: `attester.sign(..)` does.
    pub fn attestation(&self) -> Jwt {
        self.attester.wallet_attestation(&self.client_id, self.instance.public_key(), self.now())
    }

    /// The proof beside the attestation, with the last challenge, not signed yet: the instance key does.
    pub fn attestation_pop(&self) -> Jwt {
        let made = Jwt::new(
            json!({"typ": WALLET_ATTESTATION_POP}),
            json!({"iss": self.client_id, "aud": self.user.url, "jti": self.token(), "iat": self.now().unix()}),
        );
        made.claim("challenge", self.heard().challenge)
    }

    /// A DPoP proof for a POST to this path of the service, not signed yet: the DPoP key does.
    pub fn proof(&self, path: &str, nonce: Option<&str>, access_token: Option<&str>) -> Jwt {
        let made = Jwt::new(
            json!({"typ": "dpop+jwt", "jwk": self.dpop.public_key().to_jwk()}),
            json!({
                "jti": self.token(), "htm": "POST", "htu": format!("{}{path}", self.user.url), "iat": self.now().unix(),
            }),
        );
        made.claim("nonce", nonce).claim("ath", access_token.map(|token| base64url::encode(sha256(token))))
    }

    /// The headers of a good request to the authorisation server.
    pub fn server_headers(&self, path: &str) -> Vec<(&'static str, String)> {
        let nonce = self.heard().server_nonce;
        vec![
            ("oauth-client-attestation", self.attester.sign(self.attestation())),
            ("oauth-client-attestation-pop", self.attestation_pop().sign(&self.instance)),
            ("dpop", self.proof(path, nonce.as_deref(), None).sign(&self.dpop)),
        ]
    }

    /// The headers of a good request to a credential endpoint.
    pub fn resource_headers(&self, path: &str, access_token: &str) -> Vec<(&'static str, String)> {
        let nonce = self.heard().resource_nonce;
        vec![
            ("authorization", format!("DPoP {access_token}")),
            ("dpop", self.proof(path, nonce.as_deref(), Some(access_token)).sign(&self.dpop)),
        ]
    }

    // ---- What it sends

    /// Posts with exactly these headers.
    pub fn post_with(&self, path: &str, media_type: &str, headers: &[(&'static str, String)], body: &[u8]) -> Answer {
        let mut all: Vec<(&str, &str)> = vec![("content-type", media_type)];
        all.extend(headers.iter().map(|(name, value)| (*name, value.as_str())));
        self.user.send("POST", path, &all, body)
    }

    /// Posts a form to the authorisation server once, with good headers and what was heard before.
    pub fn post_form_once(&self, path: &str, form: &str) -> Answer {
        let headers = self.server_headers(path);
        let answer = self.post_with(path, "application/x-www-form-urlencoded", &headers, form.as_bytes());
        self.hear(&answer, false);
        answer
    }

    /// Posts a form to the authorisation server; asked for a nonce or a challenge, it comes again with it, as the
    /// standards ask (RFC 9449 section 8).
    pub fn post_form(&self, path: &str, form: &str) -> Answer {
        let mut answer = self.post_form_once(path, form);
        for _ in 0..2 {
            if !asks_again(&answer) {
                break;
            }
            answer = self.post_form_once(path, form);
        }
        answer
    }

    /// Posts to a credential endpoint once, with good headers and what was heard before.
    pub fn post_resource_once(&self, path: &str, access_token: &str, media_type: &str, body: &[u8]) -> Answer {
        let answer = self.post_with(path, media_type, &self.resource_headers(path, access_token), body);
        self.hear(&answer, true);
        answer
    }

    /// Posts to a credential endpoint; asked for a nonce, it comes again with it (RFC 9449 section 9).
    pub fn post_resource(&self, path: &str, access_token: &str, media_type: &str, body: &[u8]) -> Answer {
        let answer = self.post_resource_once(path, access_token, media_type, body);
        if asks_again(&answer) { self.post_resource_once(path, access_token, media_type, body) } else { answer }
    }

    /// Asks for an attestation challenge, and keeps it (draft-10 section 8).
    pub fn ask_challenge(&self) -> String {
        let body = self.user.send("POST", "/challenge", &[], b"").good(200);
        let challenge = body["attestation_challenge"].as_str().expect("a challenge").to_owned();
        self.heard.lock().expect("no test panicked here").challenge = Some(challenge.clone());
        challenge
    }

    // ---- Authorisation

    /// A new PKCE pair.
    pub fn pkce(&self) -> Pkce {
        let verifier = self.token();
        let challenge = base64url::encode(sha256(&verifier));
        Pkce { verifier, challenge }
    }

    /// The form of a good pushed authorisation request, and more parameters, or others: a value that is empty takes one
    /// away.
    pub fn push_form(&self, pkce: &Pkce, scope: &str, more: &[(&str, &str)]) -> String {
        let mut all = vec![
            ("response_type", "code"),
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", REDIRECT_URI),
            ("scope", scope),
            ("state", "a state of the wallet"),
            ("code_challenge", pkce.challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        all.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        all.extend(more.iter().filter(|(_, value)| !value.is_empty()));
        form_of(&all)
    }

    /// Pushes a good request for a scope; gives the `request_uri`.
    pub fn push(&self, pkce: &Pkce, scope: &str, more: &[(&str, &str)]) -> String {
        let pushed = self.post_form("/par", &self.push_form(pkce, scope, more)).good(201);
        pushed["request_uri"].as_str().expect("a request_uri").to_owned()
    }

    /// Path and query of the authorisation endpoint for a pushed request.
    pub fn authorize_path(&self, request_uri: &str) -> String {
        format!("/authorize?{}", form_of(&[("client_id", &self.client_id), ("request_uri", request_uri)]))
    }

    // ---- Tokens

    /// The form that redeems a code.
    pub fn code_form(&self, code: &str, pkce: &Pkce) -> String {
        form_of(&[
            ("grant_type", "authorization_code"),
            ("client_id", &self.client_id),
            ("code", code),
            ("code_verifier", &pkce.verifier),
            ("redirect_uri", REDIRECT_URI),
        ])
    }

    /// Redeems a code.
    pub fn redeem_code(&self, code: &str, pkce: &Pkce) -> Answer {
        self.post_form("/token", &self.code_form(code, pkce))
    }

    /// The form that redeems the pre-authorised code of an offer (the `credential_offer` object).
    pub fn offer_form(&self, offer: &Value, tx_code: Option<&str>) -> String {
        let code = offer["grants"][PRE_AUTHORIZED]["pre-authorized_code"].as_str().expect("a code");
        let mut all =
            vec![("grant_type", PRE_AUTHORIZED), ("client_id", self.client_id.as_str()), ("pre-authorized_code", code)];
        all.extend(tx_code.map(|code| ("tx_code", code)));
        form_of(&all)
    }

    /// Redeems the pre-authorised code of an offer.
    pub fn redeem_offer(&self, offer: &Value, tx_code: Option<&str>) -> Answer {
        self.post_form("/token", &self.offer_form(offer, tx_code))
    }

    /// The form that renews.
    pub fn refresh_form(&self, refresh_token: &str) -> String {
        form_of(&[("grant_type", "refresh_token"), ("client_id", &self.client_id), ("refresh_token", refresh_token)])
    }

    /// Renews.
    pub fn refresh(&self, refresh_token: &str) -> Answer {
        self.post_form("/token", &self.refresh_form(refresh_token))
    }
}

/// A form, or a query.
pub fn form_of(parameters: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| format!("{}={}", form::encode(name), form::encode(value));
    parameters.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Whether the service wants the same again with a nonce or a challenge of its own.
fn asks_again(answer: &Answer) -> bool {
    let asks = ["use_dpop_nonce", "use_attestation_challenge"];
    let code = serde_json::from_slice::<Value>(&answer.body).ok().and_then(|body| body["error"].as_str().map(str::to_owned));
    code.is_some_and(|code| asks.contains(&code.as_str()))
        || asks.iter().any(|code| answer.header("www-authenticate").contains(&format!("\"{code}\"")))
}

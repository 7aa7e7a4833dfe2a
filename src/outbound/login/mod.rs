//! The province's login: an OpenID provider that knows citizens already (OpenID Connect Core 1.0 section 3.1, with PKCE of
//! RFC 7636 and `iss` of RFC 9207).
//!
//! `openidconnect` is named in this folder only. It speaks through [`Fetch`], so what it does is bounded like every other
//! call; it reads no clock and draws no random numbers here. Its checks of time are left to [`token`], by our clock.

mod provider;
mod token;

use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use openidconnect::{
    AuthenticationFlow, AuthorizationCode, CsrfToken, LanguageTag, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    PkceCodeVerifier, Scope, TokenResponse, core::CoreResponseType,
};

use crate::{
    base::{clock::Clock, origin::is_safe_address, secret::Secret},
    outbound::Fetch,
};
use provider::{Provider, Through, Tokens};

/// How long what the provider says of itself is kept, keys included.
const KEPT: Duration = Duration::from_secs(600);

/// How old it has to be before an unknown key is reason to ask again: a stranger's token cannot make us ask without end.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// How long what was heard serves on while the provider cannot be asked.
const SERVES_ON: Duration = Duration::from_secs(3600);

/// How long nobody asks again after the provider did not answer.
const LEFT_ALONE: Duration = Duration::from_secs(10);

/// Callers that wait for the provider at one time. It may be slow or gone: the others are told so at once, and the service has
/// threads left for everything else.
const AT_ONCE: usize = 16;

/// The issuer identifier of a provider: an `https` URL without query and fragment, or `http` on this machine itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LoginIssuer(String);

/// A text is no issuer identifier.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("an https:// URL without query and fragment is expected (or http:// on this machine itself)")]
pub struct NotAnIssuer;

impl FromStr for LoginIssuer {
    type Err = NotAnIssuer;

    fn from_str(text: &str) -> Result<Self, NotAnIssuer> {
        if is_safe_address(text) && !text.contains('?') { Ok(Self(text.to_owned())) } else { Err(NotAnIssuer) }
    }
}

impl fmt::Display for LoginIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What this service is at the provider.
#[derive(Clone, Debug)]
pub struct LoginClient {
    /// The provider.
    pub issuer: LoginIssuer,
    /// Our name there.
    pub client_id: String,
    /// Our secret there; a client without one is public, and PKCE alone binds the code to it.
    pub client_secret: Option<Secret<String>>,
    /// The claim that holds the number of a person's identity card.
    pub id_number_claim: String,
    /// What is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// Where browsers come back.
    pub redirect_uri: String,
}

/// What binds one login to one browser. Whoever makes it knows it again when the browser comes back.
#[derive(Clone, Debug)]
pub struct LoginSecrets {
    /// `state`: comes back in the address.
    pub state: String,
    /// `nonce`: comes back in the ID token.
    pub nonce: String,
    /// The code verifier of PKCE: goes to the provider with the code.
    pub verifier: Secret<String>,
}

/// Why nobody is logged in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LoginError {
    /// The provider does not answer, or says of itself what cannot be used.
    #[error("the login service cannot be used: {0}")]
    Unusable(&'static str),
    /// The answer names another issuer, or none where this one always does (RFC 9207 section 2.4).
    #[error("the answer is not this login service's")]
    OtherIssuer,
    /// The provider gave nothing for the code: used up, too old, or not of this login.
    #[error("the login service does not take the code")]
    CodeRefused,
    /// The ID token is missing or not good; which check failed is named.
    #[error("the login service's ID token is not good: {0}")]
    Token(&'static str),
    /// Neither ID token nor userinfo hold the claim.
    #[error("the login service does not say the ID number")]
    NoIdNumber,
}

/// Logs citizens in.
pub trait Login: Send + Sync {
    /// Where the browser is sent, for pages in this language.
    fn address(&self, secrets: &LoginSecrets, language: &str) -> Result<String, LoginError>;

    /// The ID number of the person whom the provider logged in. `iss` is that of the answer in the address.
    fn id_number(&self, secrets: &LoginSecrets, code: &str, iss: Option<&str>) -> Result<Secret<String>, LoginError>;
}

/// A provider that is found by its issuer identifier (OpenID Connect Discovery 1.0).
pub struct OpenIdLogin {
    client: LoginClient,
    fetch: Arc<dyn Fetch>,
    clock: Arc<dyn Clock>,
    heard: Mutex<Heard>,
    waiting: AtomicUsize,
}

/// What came of asking the provider.
#[derive(Clone, Default)]
struct Heard {
    known: Option<(Duration, Arc<Provider>)>,
    failed: Option<(Duration, LoginError)>,
}

/// One of the places for those who wait; given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl OpenIdLogin {
    /// A login at this provider. Nothing is asked before the first citizen comes: a provider that is down stops no start.
    pub fn new(client: LoginClient, fetch: Arc<dyn Fetch>, clock: Arc<dyn Clock>) -> Self {
        Self { client, fetch, clock, heard: Mutex::default(), waiting: AtomicUsize::new(0) }
    }

    fn through(&self) -> Through<'_> {
        Through { fetch: &*self.fetch, only_https: self.client.issuer.0.starts_with("https://") }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self) -> Result<Place<'_>, LoginError> {
        let place = Place(&self.waiting);
        let is_free = self.waiting.fetch_add(1, Ordering::AcqRel) < AT_ONCE;
        is_free.then_some(place).ok_or(LoginError::Unusable("too many wait for it"))
    }

    /// What is known of the provider, if it was heard within this time; otherwise it is asked. While it cannot be, what was
    /// heard serves on.
    fn provider(&self, within: Duration) -> Result<Arc<Provider>, LoginError> {
        let now = self.clock.monotonic();
        let Heard { known, failed } = self.heard().clone();
        let known_for = |time: Duration| {
            known.as_ref().filter(|(at, _)| now.saturating_sub(*at) < time).map(|(_, provider)| Arc::clone(provider))
        };
        if let Some(provider) = known_for(within) {
            return Ok(provider);
        }
        let asked = match failed {
            Some((at, error)) if now.saturating_sub(at) < LEFT_ALONE => Err(error),
            // Asked without the lock: one slow answer does not hold up those who still know enough.
            _ => Provider::discover(&self.client, &self.through()).map(Arc::new).inspect_err(|error| {
                self.heard().failed = Some((self.clock.monotonic(), error.clone()));
            }),
        };
        match asked {
            Ok(provider) => {
                *self.heard() = Heard { known: Some((now, Arc::clone(&provider))), failed: None };
                Ok(provider)
            }
            Err(error) => known_for(SERVES_ON).ok_or(error),
        }
    }

    fn tokens(&self, provider: &Provider, secrets: &LoginSecrets, code: &str) -> Result<Tokens, LoginError> {
        let request = provider.client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let request = request.map_err(|_| LoginError::Unusable("it has no token endpoint"))?;
        let verifier = PkceCodeVerifier::new(secrets.verifier.expose().clone());
        request.set_pkce_verifier(verifier).request(&self.through()).map_err(provider::why_no_token)
    }
}

impl Login for OpenIdLogin {
    fn address(&self, secrets: &LoginSecrets, language: &str) -> Result<String, LoginError> {
        let _place = self.place()?;
        let provider = self.provider(KEPT)?;
        let (state, nonce) = (secrets.state.clone(), secrets.nonce.clone());
        let verifier = PkceCodeVerifier::new(secrets.verifier.expose().clone());
        let request = provider
            .client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .add_scopes(self.client.scopes.iter().cloned().map(Scope::new))
            .add_ui_locale(LanguageTag::new(language.to_owned()));
        Ok(request.url().0.into())
    }

    fn id_number(&self, secrets: &LoginSecrets, code: &str, iss: Option<&str>) -> Result<Secret<String>, LoginError> {
        let _place = self.place()?;
        let mut provider = self.provider(KEPT)?;
        // Before the code is shown to anyone: it may be another provider's (RFC 9700 section 4.4).
        let is_this = |iss: &str| iss == self.client.issuer.0;
        if !iss.map_or(!provider.names_itself, is_this) {
            return Err(LoginError::OtherIssuer);
        }
        let tokens = self.tokens(&provider, secrets, code)?;
        let id_token = tokens.id_token().ok_or(LoginError::Token("there is none"))?;
        let access_token = tokens.access_token();
        let now = self.clock.now();
        let nonce = Nonce::new(secrets.nonce.clone());
        let mut checked = token::check(&provider, id_token, access_token, &nonce, now);
        if checked.as_ref().is_err_and(token::may_be_a_new_key) {
            provider = self.provider(ASKED_AGAIN_AFTER)?;
            checked = token::check(&provider, id_token, access_token, &nonce, now);
        }
        let claims = checked?;
        let claim = &self.client.id_number_claim;
        match token::text(&claims, claim) {
            Some(number) => Ok(number),
            None => token::user_info(&provider, &self.through(), access_token, &claims)?
                .and_then(|info| token::text(&info, claim))
                .ok_or(LoginError::NoIdNumber),
        }
    }
}

#[cfg(test)]
mod availability_tests;
#[cfg(test)]
mod tests;

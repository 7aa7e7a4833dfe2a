//! Signing in by the province's login: what binds its answer to the browser that asked, and whom it means here.
//!
//! `state` needs no store until it comes back: random bytes, an end, the way back, and a keyed hash over these and the secret
//! of the browser. Nonce and code verifier are keyed hashes of the same, so they are known again and never leave by the
//! browser.

use std::sync::Arc;

use subtle::ConstantTimeEq;

use crate::{
    base::{base64url, secret::Secret, time::Timestamp},
    crypto::{keyed_hash, sha256},
    issuance::{
        Fault, Ground,
        sign_in::{SignInError, SignIns, SignedIn},
    },
    model::{
        record::{Commit, Guard, Key, LeadsTo, OneTime, OneTimeKey, Record, Write},
        sign_in::SignInMethod,
    },
    outbound::{Login, LoginError, LoginSecrets},
    store::CommitError,
};

/// The page that browsers come back to: with the public URL before it, the redirect URI to register at the login.
pub const CALLBACK: &str = "/sign-in/province/callback";

/// How long a person has at the login, in seconds.
pub const LOGIN_SECONDS: i64 = 900;

const RANDOM_BYTES: usize = 16;
const TIME_BYTES: usize = 8;
const HASH_BYTES: usize = 32;

/// Longest `state` looked at, in bytes: ours with the longest way back.
const MOST_STATE_BYTES: usize = 1024;

/// What the login answers in the address of the page that browsers come back to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LoginAnswer {
    /// `state`.
    pub state: String,
    /// `code`, when somebody is logged in.
    pub code: Option<String>,
    /// `iss` (RFC 9207).
    pub iss: Option<String>,
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum ProvinceError {
    /// The answer is to no question of this browser, or to one of long ago, or it was used.
    #[error("the answer belongs to no login of this browser")]
    Stale,
    /// The person, or the login, did not want to.
    #[error("nobody was logged in")]
    Refused,
    /// The login.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// Nobody of the register, or our side.
    #[error(transparent)]
    SignIn(#[from] SignInError),
}

impl From<Fault> for ProvinceError {
    fn from(fault: Fault) -> Self {
        Self::SignIn(fault.into())
    }
}

/// Somebody who came back from the login.
#[derive(Debug)]
pub struct CameBack {
    /// The page that wanted somebody signed in; known whenever the answer is to a question of this browser.
    pub back: Option<String>,
    /// Who they are.
    pub signed_in: Result<SignedIn, ProvinceError>,
}

/// The way in by the province's login.
pub struct ProvinceLogin {
    ground: Ground,
    login: Arc<dyn Login>,
}

/// A question of ours that was answered.
struct Asked {
    secrets: LoginSecrets,
    back: Option<String>,
    used: OneTimeKey,
    expires_at: Timestamp,
}

impl ProvinceLogin {
    /// At this login.
    pub fn new(ground: Ground, login: Arc<dyn Login>) -> Self {
        Self { ground, login }
    }

    /// Where the browser with this secret is sent, to come `back` to a page of ours afterwards. Writes nothing.
    pub fn begin(&self, browser: &str, back: Option<&str>, language: &str) -> Result<String, LoginError> {
        let expires_at = self.ground.clock.now().plus_seconds(LOGIN_SECONDS);
        let random: [u8; RANDOM_BYTES] = self.ground.random.array();
        let body = [&random, &expires_at.unix().to_be_bytes()[..], back.unwrap_or_default().as_bytes()].concat();
        self.login.address(&self.secrets(browser, &body), language)
    }

    /// Signs in whom the login names. Of any number of calls with one answer at one time at most one goes on to the login.
    pub fn finish(&self, sign_ins: &SignIns, browser: &str, answer: &LoginAnswer) -> CameBack {
        let Some(asked) = self.asked(browser, &answer.state) else {
            return CameBack { back: None, signed_in: Err(ProvinceError::Stale) };
        };
        let signed_in = self.sign_in(sign_ins, &asked, answer);
        CameBack { back: asked.back, signed_in }
    }

    fn sign_in(&self, sign_ins: &SignIns, asked: &Asked, answer: &LoginAnswer) -> Result<SignedIn, ProvinceError> {
        let code = answer.code.as_deref().ok_or(ProvinceError::Refused)?;
        self.spend(asked)?;
        let number = self.login.id_number(&asked.secrets, code, answer.iss.as_deref())?;
        Ok(sign_ins.by_id_number(number.expose(), SignInMethod::Province)?)
    }

    /// The question that this `state` was, if it was this browser's and is not too old.
    fn asked(&self, browser: &str, state: &str) -> Option<Asked> {
        let bytes = (state.len() <= MOST_STATE_BYTES).then(|| base64url::decode(state).ok()).flatten()?;
        let (body, hash) = bytes.split_at_checked(bytes.len().checked_sub(HASH_BYTES)?)?;
        if !bool::from(self.hash("province login", browser, body).ct_eq(hash)) {
            return None;
        }
        let (_, rest) = body.split_at_checked(RANDOM_BYTES)?;
        let (time, back) = rest.split_first_chunk::<TIME_BYTES>()?;
        let expires_at = Timestamp::from_unix(i64::from_be_bytes(*time));
        let back = std::str::from_utf8(back).ok().filter(|back| !back.is_empty()).map(str::to_owned);
        let now = self.ground.clock.now();
        // A clock that was set back must not lengthen its life.
        let is_fresh = now < expires_at && expires_at <= now.plus_seconds(LOGIN_SECONDS);
        let used = self.hash("province login used", browser, body);
        is_fresh.then(|| Asked { secrets: self.secrets(browser, body), back, used, expires_at })
    }

    fn spend(&self, asked: &Asked) -> Result<(), ProvinceError> {
        let used = OneTime { key: asked.used, leads_to: LeadsTo::Used, expires_at: asked.expires_at };
        let guards = vec![Guard::Absent(Key::OneTime(asked.used))];
        let writes = vec![Write::Put(Record::OneTime(used))];
        match self.ground.store.commit(Commit { guards, writes, ..Commit::default() }) {
            Ok(_) => Ok(()),
            Err(CommitError::GuardFailed(_)) => Err(ProvinceError::Stale),
            Err(error) => Err(Fault::from(error).into()),
        }
    }

    fn secrets(&self, browser: &str, body: &[u8]) -> LoginSecrets {
        let text = |domain| base64url::encode(self.hash(domain, browser, body));
        LoginSecrets {
            state: base64url::encode([body, &self.hash("province login", browser, body)].concat()),
            nonce: text("province login nonce"),
            verifier: Secret::new(text("province login verifier")),
        }
    }

    /// The browser's secret is hashed to a length of its own, so that no pair reads as another.
    fn hash(&self, domain: &str, browser: &str, body: &[u8]) -> [u8; HASH_BYTES] {
        keyed_hash(self.ground.keyring.code_key(), domain, &[&sha256(browser), body].concat())
    }
}

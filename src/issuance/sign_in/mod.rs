//! Citizens show who they are: by a code that was handed out to them, or by a way that others establish (the province's
//! login, a card that is presented). What comes of it is a session of one browser.
//!
//! ```text
//! counter:  SignIns::make_activation_code      -> a code by letter or by hand
//! citizen:  SignIns::with_code | by_id_number | by_person -> SignedIn -> session
//! ```

mod codes;
mod forms;
pub mod province;
mod seats;
mod tries;
mod with_code;

#[cfg(test)]
mod tests;

use crate::{
    base::{base64url, secret::Secret, time::Timestamp},
    crypto::{keyed_hash, password::NotHashed},
    issuance::{Fault, Ground, Registered},
    model::{
        id_number::{IdNumber, IdNumberError},
        ids::PersonId,
        person::PersonState,
        record::{Commit, Guard, Key, LeadsTo, OneTime, OneTimeKey, Record, Write},
        sign_in::{CitizenSession, SignInMethod},
    },
};

pub use codes::{BulkLine, CodeMade, CodesError, LineProblem, MOST_LINES};
use seats::Seats;

/// How long a session lasts, in seconds: the time to fetch cards and to look at one's own, on a machine that may be shared.
pub const SESSION_SECONDS: i64 = 30 * 60;

/// Bytes of randomness in the secret of a browser.
const SECRET_BYTES: usize = 32;

/// Longest secret looked at, in bytes: ours have 43 characters.
const MOST_SECRET_BYTES: usize = 64;

/// Somebody who has just signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// For the browser's cookie.
    pub secret: Secret<String>,
    /// The session.
    pub session: CitizenSession,
    /// A new recovery code in place of the one that was used up; shown once.
    pub recovery_code: Option<Secret<String>>,
}

/// Why nobody was signed in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignInError {
    /// The ID number cannot be anybody's: a digit was mistyped.
    #[error(transparent)]
    IdNumber(#[from] IdNumberError),
    /// The code has another form than those that are handed out.
    #[error("a code has 12 or 20 digits")]
    CodeForm,
    /// Number and code do not belong together, or the code was used or is past its time, or nobody has the number.
    #[error("number and code do not belong together")]
    Wrong,
    /// Too many tries: no code is looked at before this time.
    #[error("no code is looked at before {0}")]
    NotBefore(Timestamp),
    /// Nobody here has this ID number, or the person died. For ways whose own answer is no secret.
    #[error("nobody has this ID number")]
    Unknown,
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<NotHashed> for Fault {
    fn from(_: NotHashed) -> Self {
        Self::Record("sign-in codes")
    }
}

/// Signing in, sessions, and the codes for both.
pub struct SignIns {
    ground: Ground,
    seats: Seats,
}

impl SignIns {
    /// On this ground.
    pub fn new(ground: Ground) -> Self {
        Self { ground, seats: Seats::default() }
    }

    /// Signs in the person with this ID number, on the word of a login that established it.
    pub fn by_id_number(&self, id_number: &str, method: SignInMethod) -> Result<SignedIn, SignInError> {
        let number = IdNumber::parse(&forms::plain(id_number))?;
        let person = self.ground.id_of_number(&number)?.ok_or(SignInError::Unknown)?;
        self.by_person(person, method)
    }

    /// Signs in a person whose own card was presented.
    pub fn by_person(&self, person: PersonId, method: SignInMethod) -> Result<SignedIn, SignInError> {
        let person = self.ground.person(person)?.filter(lives).ok_or(SignInError::Unknown)?;
        Ok(self.begin(person.id, method)?)
    }

    /// The session of the browser that shows this secret; none when it ended or there never was one.
    pub fn session(&self, secret: &str) -> Result<Option<CitizenSession>, Fault> {
        if secret.len() > MOST_SECRET_BYTES {
            return Ok(None);
        }
        let record = self.ground.store.get(&Key::OneTime(self.session_key(secret)))?.map(|record| record.value);
        let Some(Record::OneTime(OneTime { leads_to: LeadsTo::Session(session), expires_at, .. })) = record else {
            return Ok(None);
        };
        // A person whose data were erased has no session any more.
        let is_there = self.ground.clock.now() < expires_at && self.ground.store.get(&Key::Person(session.person))?.is_some();
        Ok(is_there.then_some(session))
    }

    /// Ends a session.
    pub fn end(&self, secret: &str) -> Result<(), Fault> {
        let writes = vec![Write::Remove(Key::OneTime(self.session_key(secret)))];
        self.ground.store.commit(Commit { writes, ..Commit::default() })?;
        Ok(())
    }

    /// Who signed in, as the register has them; none when they were erased meanwhile.
    pub fn person(&self, session: &CitizenSession) -> Result<Option<Registered>, Fault> {
        self.ground.person(session.person)
    }

    /// A new secret by which a browser is known before anybody signed in: forms and authorisations are bound to it.
    pub fn browser_secret(&self) -> Secret<String> {
        Secret::new(base64url::encode(self.ground.random.array::<SECRET_BYTES>()))
    }

    /// What the forms shown to the browser with this secret carry. No other site can know it.
    pub fn form_token(&self, browser: &str) -> String {
        base64url::encode(keyed_hash(self.ground.keyring.code_key(), "citizen form", browser.as_bytes()))
    }

    fn begin(&self, person: PersonId, method: SignInMethod) -> Result<SignedIn, Fault> {
        let (signed_in, guard, write) = self.new_session(person, method);
        self.ground.store.commit(Commit { guards: vec![guard], writes: vec![write], ..Commit::default() })?;
        Ok(signed_in)
    }

    /// A session, with what the commit that begins it has to hold and write.
    fn new_session(&self, person: PersonId, method: SignInMethod) -> (SignedIn, Guard, Write) {
        let now = self.ground.clock.now();
        let secret = Secret::new(base64url::encode(self.ground.random.array::<SECRET_BYTES>()));
        let session = CitizenSession { person, method, signed_in_at: now };
        let key = self.session_key(secret.expose());
        let leads_to = LeadsTo::Session(session.clone());
        let one_time = OneTime { key, leads_to, expires_at: now.plus_seconds(SESSION_SECONDS) };
        let signed_in = SignedIn { secret, session, recovery_code: None };
        (signed_in, Guard::Absent(Key::OneTime(key)), Write::Put(Record::OneTime(one_time)))
    }

    fn session_key(&self, secret: &str) -> OneTimeKey {
        keyed_hash(self.ground.keyring.code_key(), "citizen session", secret.as_bytes())
    }
}

/// Nobody signs in as a person who died.
fn lives(registered: &Registered) -> bool {
    registered.person.state != PersonState::Deceased
}

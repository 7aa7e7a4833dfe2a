//! Making the codes with which people sign in: one by one, in bulk for letters, and the recovery code of somebody who has just
//! picked up a card.

use std::collections::BTreeSet;

use crate::{
    base::{secret::Secret, time::Timestamp},
    crypto::password,
    issuance::{
        Fault,
        sign_in::{SignIns, forms, forms::Form, lives},
    },
    model::{
        event::{EventDraft, What},
        id_number::IdNumber,
        ids::PersonId,
        party::{Actor, Authority, Capability, NotAllowed},
        record::{Commit, Guard, Key, Record, Versioned, Write},
        sign_in::{CitizenSession, HashedCode, SignInCodes},
    },
    store::CommitError,
};

/// How long an activation code is good, in seconds: a letter arrives, and lies for some weeks.
const ACTIVATION_SECONDS: i64 = 30 * 24 * 3600;
/// How long a recovery code is good, in seconds: ten years, as an identity card is.
const RECOVERY_SECONDS: i64 = 3653 * 24 * 3600;
/// How often it is tried again when others change the same codes at that moment.
const ATTEMPTS: usize = 8;
/// Most lines of one bulk order: each costs a hash of some hundredths of a second.
pub const MOST_LINES: usize = 1000;
/// Codes that are kept in one commit.
const AT_ONCE: usize = 100;

/// A code just made. The only time it is shown.
#[derive(Debug)]
pub struct CodeMade {
    /// The code, in groups of digits.
    pub code: Secret<String>,
    /// When it dies.
    pub expires_at: Timestamp,
}

/// Why no code was made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CodesError {
    /// The authority does not reach that far.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such person, or they died.
    #[error("there is no such person")]
    NotFound,
    /// A bulk order names nobody.
    #[error("no ID number is named")]
    NoLines,
    /// More lines than one order may have.
    #[error("at most {MOST_LINES} ID numbers in one order")]
    TooManyLines,
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What came of one line of a bulk order.
#[derive(Debug)]
pub struct BulkLine {
    /// The ID number, or the line as it was given where it is none.
    pub id_number: String,
    /// The code, or why there is none.
    pub made: Result<CodeMade, LineProblem>,
}

/// Why a line of a bulk order got no code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LineProblem {
    /// It is no ID number.
    NotAnIdNumber,
    /// Nobody living has it.
    UnknownPerson,
    /// It stood in an earlier line.
    Doubled,
}

impl LineProblem {
    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAnIdNumber => "not_an_id_number",
            Self::UnknownPerson => "unknown_person",
            Self::Doubled => "doubled",
        }
    }
}

impl SignIns {
    /// Makes an activation code for a person, in place of the one before.
    pub fn make_activation_code(&self, authority: &Authority, person: PersonId) -> Result<CodeMade, CodesError> {
        self.make(authority, person, Form::Activation)
    }

    /// Makes a recovery code for a person who stands at a counter, in place of the one before.
    pub fn make_recovery_code(&self, authority: &Authority, person: PersonId) -> Result<CodeMade, CodesError> {
        self.make(authority, person, Form::Recovery)
    }

    /// Makes a recovery code for who is signed in, in place of the one before.
    pub fn renew_recovery_code(&self, session: &CitizenSession) -> Result<CodeMade, Fault> {
        let made = self.keep(session.person, Form::Recovery, Actor::Holder, |_| true)?;
        made.ok_or(Fault::Busy)
    }

    /// Makes a recovery code for who is signed in, unless they have a good one.
    pub fn first_recovery_code(&self, session: &CitizenSession) -> Result<Option<CodeMade>, Fault> {
        let now = self.ground.clock.now();
        let needs_one = |codes: &SignInCodes| codes.recovery.as_ref().is_none_or(|code| now >= code.expires_at);
        self.keep(session.person, Form::Recovery, Actor::Holder, needs_one)
    }

    /// Makes an activation code for each ID number. Every line is answered; one that is no good stops no other.
    pub fn make_activation_codes(&self, authority: &Authority, lines: &[String]) -> Result<Vec<BulkLine>, CodesError> {
        authority.require(Capability::MakeSignInCodes)?;
        match lines.len() {
            0 => return Err(CodesError::NoLines),
            1..=MOST_LINES => {}
            _ => return Err(CodesError::TooManyLines),
        }
        let mut answered = Vec::with_capacity(lines.len());
        let mut seen = BTreeSet::new();
        for chunk in lines.chunks(AT_ONCE) {
            let mut kept = Vec::new();
            for line in chunk {
                let made = match self.person_of_line(line, &mut seen)? {
                    Err(problem) => Err(problem),
                    Ok(person) => {
                        let (code, hashed) = self.draw(Form::Activation)?;
                        let expires_at = hashed.expires_at;
                        kept.push((person, hashed));
                        Ok(CodeMade { code, expires_at })
                    }
                };
                let id_number = IdNumber::parse(&forms::plain(line)).map_or_else(|_| line.clone(), String::from);
                answered.push(BulkLine { id_number, made });
            }
            self.keep_all(&kept, authority.actor())?;
        }
        Ok(answered)
    }

    /// Keeps activation codes of several people in one commit, whatever else each of them has.
    fn keep_all(&self, kept: &[(PersonId, HashedCode)], actor: Actor) -> Result<(), Fault> {
        let Some(count) = u32::try_from(kept.len()).ok().filter(|count| *count > 0) else { return Ok(()) };
        for _ in 0..ATTEMPTS {
            let mut commit = Commit { events: vec![made(count, actor, self.ground.clock.now())], ..Commit::default() };
            for (person, hashed) in kept {
                let (guard, codes) = self.codes_and_guard(*person)?;
                commit.guards.push(guard);
                commit.writes.push(Write::Put(Record::SignInCodes(replaced(codes, Form::Activation, hashed.clone()))));
            }
            match self.ground.store.commit(commit) {
                Ok(_) => return Ok(()),
                // One of them signed in meanwhile.
                Err(CommitError::GuardFailed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::Busy)
    }

    /// Whom a line names, once.
    fn person_of_line(&self, line: &str, seen: &mut BTreeSet<PersonId>) -> Result<Result<PersonId, LineProblem>, Fault> {
        let Ok(number) = IdNumber::parse(&forms::plain(line)) else { return Ok(Err(LineProblem::NotAnIdNumber)) };
        let Some(person) = self.ground.id_of_number(&number)? else { return Ok(Err(LineProblem::UnknownPerson)) };
        if !self.ground.person(person)?.as_ref().is_some_and(lives) {
            return Ok(Err(LineProblem::UnknownPerson));
        }
        Ok(if seen.insert(person) { Ok(person) } else { Err(LineProblem::Doubled) })
    }

    fn make(&self, authority: &Authority, person: PersonId, form: Form) -> Result<CodeMade, CodesError> {
        authority.require(Capability::MakeSignInCodes)?;
        if !self.ground.person(person)?.as_ref().is_some_and(lives) {
            return Err(CodesError::NotFound);
        }
        self.keep(person, form, authority.actor(), |_| true)?.ok_or(CodesError::Fault(Fault::Busy))
    }

    /// Makes a code of a form if the codes there are `need` one.
    fn keep(
        &self,
        person: PersonId,
        form: Form,
        actor: Actor,
        need: impl Fn(&SignInCodes) -> bool,
    ) -> Result<Option<CodeMade>, Fault> {
        let mut drawn = None;
        for _ in 0..ATTEMPTS {
            let (guard, codes) = self.codes_and_guard(person)?;
            if !need(&codes) {
                return Ok(None);
            }
            let (code, kept) = match drawn.take() {
                Some(drawn) => drawn,
                None => self.draw(form)?,
            };
            let writes = vec![Write::Put(Record::SignInCodes(replaced(codes, form, kept.clone())))];
            let events = vec![made(1, actor, self.ground.clock.now())];
            match self.ground.store.commit(Commit { guards: vec![guard], writes, events, ..Commit::default() }) {
                Ok(_) => return Ok(Some(CodeMade { code, expires_at: kept.expires_at })),
                Err(CommitError::GuardFailed(_)) => drawn = Some((code, kept)),
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::Busy)
    }

    /// Keeps this activation code for a person who has none, or another: the test issuer's are good again after each use.
    pub(in crate::issuance) fn keep_test_code(&self, person: PersonId, code: &HashedCode) -> Result<(), Fault> {
        let (guard, codes) = self.codes_and_guard(person)?;
        if codes.activation.as_ref() == Some(code) {
            return Ok(());
        }
        let writes = vec![Write::Put(Record::SignInCodes(replaced(codes, Form::Activation, code.clone())))];
        let events = vec![made(1, Actor::Service, self.ground.clock.now())];
        match self.ground.store.commit(Commit { guards: vec![guard], writes, events, ..Commit::default() }) {
            // Somebody signed in at this moment; the next round finds out.
            Ok(_) | Err(CommitError::GuardFailed(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A new code, and how it is kept.
    pub(super) fn draw(&self, form: Form) -> Result<(Secret<String>, HashedCode), Fault> {
        let code = form.draw(&*self.ground.random);
        let digits = zeroize::Zeroizing::new(forms::plain(code.expose()));
        let key = self.ground.keyring.code_key();
        let hash = self.seats.with(|| password::hash(&digits, key, &*self.ground.random))??;
        let made_at = self.ground.clock.now();
        let seconds = match form {
            Form::Activation => ACTIVATION_SECONDS,
            Form::Recovery => RECOVERY_SECONDS,
        };
        Ok((code, HashedCode { hash, made_at, expires_at: made_at.plus_seconds(seconds) }))
    }

    /// The codes of a person, with the condition that nobody changes them meanwhile.
    fn codes_and_guard(&self, person: PersonId) -> Result<(Guard, SignInCodes), Fault> {
        let key = Key::SignInCodes(person);
        Ok(match self.sign_in_codes(person)? {
            None => (Guard::Absent(key), SignInCodes { person, activation: None, recovery: None }),
            Some(Versioned { version, value }) => (Guard::Version(key, version), value),
        })
    }

    /// The codes kept for a person.
    pub(super) fn sign_in_codes(&self, person: PersonId) -> Result<Option<Versioned<SignInCodes>>, Fault> {
        match self.ground.store.get(&Key::SignInCodes(person))? {
            None => Ok(None),
            Some(Versioned { version, value: Record::SignInCodes(value) }) => Ok(Some(Versioned { version, value })),
            Some(_) => Err(Fault::Record("sign-in codes")),
        }
    }
}

fn replaced(mut codes: SignInCodes, form: Form, kept: HashedCode) -> SignInCodes {
    match form {
        Form::Activation => codes.activation = Some(kept),
        Form::Recovery => codes.recovery = Some(kept),
    }
    codes
}

/// What the log says of codes that were made.
pub(super) fn made(count: u32, actor: Actor, at: Timestamp) -> EventDraft {
    EventDraft { at, actor, what: What::SignInCodesMade { count } }
}

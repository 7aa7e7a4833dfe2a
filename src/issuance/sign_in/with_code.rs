//! Signing in with an ID number and a code.

use crate::{
    base::time::Timestamp,
    crypto::password,
    issuance::{
        Fault,
        sign_in::{SignInError, SignIns, SignedIn, codes::made, forms, forms::Form, lives},
    },
    model::{
        id_number::IdNumber,
        ids::PersonId,
        party::Actor,
        record::{Commit, Guard, Key, Record, Versioned, Write},
        sign_in::{HashedCode, SignInCodes, SignInMethod},
    },
    store::CommitError,
};

impl SignIns {
    /// Signs in with an activation or recovery code, which is used up by it. `network` says from where, as far as that is
    /// known, so that tries from elsewhere delay this one little.
    ///
    /// Whether somebody has the ID number, has a code, or had it and used it, is told neither by the words nor by the time:
    /// in every case one try is counted and one hash is made.
    pub fn with_code(&self, id_number: &str, code: &str, network: Option<&str>) -> Result<SignedIn, SignInError> {
        let number = IdNumber::parse(&forms::plain(id_number))?;
        let (form, digits) = Form::read(code).ok_or(SignInError::CodeForm)?;
        let counted = self.count(&number, network)?;
        let now = self.ground.clock.now();
        let (person, codes) = self.codes_of(&number)?;
        let kept = codes.as_ref().and_then(|codes| live(&codes.value, form, now)).map(|kept| kept.hash.as_str());
        let key = self.ground.keyring.code_key();
        let fits = self.seats.with(|| password::verify(&digits, kept, key))?.map_err(Fault::from)?;
        let Some(Versioned { version, value: codes }) = codes.filter(|_| fits) else { return Err(SignInError::Wrong) };
        if !self.ground.person(person)?.as_ref().is_some_and(lives) {
            return Err(SignInError::Wrong);
        }
        let method = match form {
            Form::Activation => SignInMethod::ActivationCode,
            Form::Recovery => SignInMethod::RecoveryCode,
        };
        let (mut signed_in, begins, session) = self.new_session(person, method);
        let mut left = codes;
        let mut events = Vec::new();
        match form {
            Form::Activation => left.activation = None,
            Form::Recovery => {
                let (code, kept) = self.draw(Form::Recovery)?;
                (left.recovery, signed_in.recovery_code) = (Some(kept), Some(code));
                events.push(made(1, Actor::Holder, now));
            }
        }
        let guards = vec![Guard::Version(Key::SignInCodes(person), version), begins];
        let mut writes = vec![Write::Put(Record::SignInCodes(left)), session];
        writes.extend(counted.forgotten());
        match self.ground.store.commit(Commit { guards, writes, events, ..Commit::default() }) {
            Ok(_) => Ok(signed_in),
            // The same code was used at this moment, or replaced.
            Err(CommitError::GuardFailed(_)) => Err(SignInError::Wrong),
            Err(error) => Err(Fault::from(error).into()),
        }
    }

    /// Who has this number, and the codes kept for them. For a number that nobody has the same is looked up, under a name
    /// that nobody has either. The person is not unsealed before the code was good: that takes longer the larger a portrait.
    fn codes_of(&self, number: &IdNumber) -> Result<(PersonId, Option<Versioned<SignInCodes>>), Fault> {
        let person = self.ground.id_of_number(number)?.unwrap_or_else(|| PersonId::random(&*self.ground.random));
        Ok((person, self.sign_in_codes(person)?))
    }
}

/// The code of this form, unless it is past its time.
fn live(codes: &SignInCodes, form: Form, now: Timestamp) -> Option<&HashedCode> {
    let code = match form {
        Form::Activation => codes.activation.as_ref(),
        Form::Recovery => codes.recovery.as_ref(),
    };
    code.filter(|code| now < code.expires_at)
}

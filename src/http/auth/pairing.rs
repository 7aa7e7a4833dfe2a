//! Pairing: a device gets the token of a checkpoint by a code that an administrator shows to it, instead of a secret that
//! somebody copies.
//!
//! A code works once, within five minutes, and only while the administrator's own token is good. The store holds its
//! hash. Guessing is bounded by the code's 128 random bits: at a million guesses a second the chance within its time is
//! below one in 10^30. There is no count of wrong codes, since strangers could use it up and keep officers out.

use crate::{
    base::{base64url, secret::Secret, time::Timestamp},
    crypto::sha256,
    http::auth::tokens::{OperatorTokens, TokensError},
    model::{
        checkpoint::CheckpointAccount,
        ids::TokenId,
        party::{Actor, Authority, Capability, NotAllowed, Role},
        record::{Commit, Guard, Key, LeadsTo, OneTime, OneTimeKey, Pairing, Record, Token, Versioned, Write},
    },
    store::CommitError,
};

/// How long a pairing code can be redeemed, in seconds: somebody stands with the device before the screen that shows it.
pub const PAIRING_SECONDS: i64 = 5 * 60;

/// Random bytes of a code: RFC 6749 section 10.10 asks for 128 bits of what must not be guessed. More would only make
/// the QR code finer.
const CODE_BYTES: usize = 16;

/// A pairing just made. The only time its code is shown.
#[derive(Debug)]
pub struct Offered {
    /// The identifier that the token will have: it can be looked up once a device was paired, and switched off.
    pub token: TokenId,
    /// The code.
    pub code: Secret<String>,
    /// When it dies.
    pub expires_at: Timestamp,
}

impl OperatorTokens {
    /// Makes a code that a device redeems for the token of a checkpoint with this name and account.
    pub fn offer_pairing(&self, authority: &Authority, name: &str, account: CheckpointAccount) -> Result<Offered, TokensError> {
        authority.require(Capability::ManageTokens)?;
        let Authority::Operator(by) = authority else { return Err(NotAllowed.into()) };
        self.check(name, Role::Checkpoint, &account)?;
        let code = Secret::new(base64url::encode(self.random.array::<CODE_BYTES>()));
        let expires_at = self.clock.now().plus_seconds(PAIRING_SECONDS);
        let pairing = Pairing { token: TokenId::random(&*self.random), name: name.to_owned(), account, by: by.token() };
        let token = pairing.token;
        let one_time = OneTime { key: key_of(code.expose()), leads_to: LeadsTo::Pairing(pairing), expires_at };
        self.store.commit(Commit {
            guards: vec![Guard::Absent(Key::OneTime(one_time.key))],
            writes: vec![Write::Put(Record::OneTime(one_time))],
            ..Commit::default()
        })?;
        Ok(Offered { token, code, expires_at })
    }

    /// Redeems a code: the token comes to be in the one commit that uses up the code, on the word of the administrator
    /// who made the code. Of devices that come with the same code, exactly one gets a token.
    pub fn redeem_pairing(&self, code: &str) -> Result<(Token, Secret<String>), TokensError> {
        // What has another form is no code, and not worth a look into the store.
        if base64url::decode_array::<CODE_BYTES>(code).is_err() {
            return Err(TokensError::PairingNotOpen);
        }
        let key = Key::OneTime(key_of(code));
        let Some(Versioned { version, value: Record::OneTime(one_time) }) = self.store.get(&key)? else {
            return Err(TokensError::PairingNotOpen);
        };
        let LeadsTo::Pairing(pairing) = one_time.leads_to else { return Err(TokensError::PairingNotOpen) };
        let by = self.read(pairing.by)?;
        let now = self.clock.now();
        if now >= one_time.expires_at || by.value.switched_off_at.is_some() {
            return Err(TokensError::PairingNotOpen);
        }
        let (secret, Pairing { token: id, name, account, .. }) = (self.secret(), pairing);
        let token = Token { id, name, role: Role::Checkpoint, created_at: now, switched_off_at: None, account };
        let mut commit = Self::making(Actor::Operator { token: by.value.id }, &token, &secret);
        commit.guards.extend([Guard::Version(key.clone(), version), Guard::Version(Key::Token(by.value.id), by.version)]);
        commit.writes.push(Write::Remove(key));
        match self.store.commit(commit) {
            Ok(_) => Ok((token, secret)),
            // Another device was faster, or the administrator was switched off meanwhile.
            Err(CommitError::GuardFailed(_)) => Err(TokensError::PairingNotOpen),
            Err(error) => Err(error.into()),
        }
    }
}

fn key_of(code: &str) -> OneTimeKey {
    sha256([b"yufu-pairing-v1:", code.as_bytes()].concat())
}

//! Tokens of operators and checkpoints: made, listed, switched off.
//!
//! A secret is shown once, when it is made; the log and the store hold its SHA-256, which for 256 random bits is as good
//! as any slower hash. Whether a token is good is said by the log's roster and by nothing else.

use std::sync::Arc;

use crate::{
    base::{base64url, clock::Clock, random::Random, secret::Secret},
    crypto::sha256,
    model::{
        checkpoint::{AccountError, CheckpointAccount},
        event::{EventDraft, What},
        ids::TokenId,
        party::{Actor, Authority, Capability, NotAllowed, Role},
        record::{Commit, Guard, Key, Query, Record, Token, Versioned, Write},
        use_case::UseCases,
    },
    store::{CommitError, ReadError, Store},
};

/// How the secret of a token begins, so that one that leaked is recognised.
const PREFIX: &str = "yufu_";

/// Longest name of a token, in characters.
const NAME_CHARACTERS: usize = 100;

/// Each attempt that fails means that another administrator was switched off, and there are few of them.
const ATTEMPTS: usize = 16;

/// Tokens read at once.
const PAGE: usize = 100;

/// Why a token was not made, shown or switched off.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokensError {
    /// The authority does not reach that far.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The name is empty, too long, or holds control characters.
    #[error("the name is not between 1 and {NAME_CHARACTERS} visible characters")]
    Name,
    /// The account is not one, or not of this role.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// A pairing code is unknown, used, past its time, or of an administrator who is switched off: the same answer.
    #[error("there is no such pairing code")]
    PairingNotOpen,
    /// There is no such token.
    #[error("there is no such token")]
    NotFound,
    /// It is the last good token of an administrator.
    #[error("this is the last administrator's token")]
    LastAdministrator,
    /// The store did not commit.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The store did not read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Makes and switches off tokens.
#[derive(Clone)]
pub struct OperatorTokens {
    /// Records and log.
    pub store: Arc<dyn Store>,
    /// Dates them.
    pub clock: Arc<dyn Clock>,
    /// Draws secrets.
    pub random: Arc<dyn Random>,
    /// What a checkpoint can be limited to.
    pub use_cases: Arc<UseCases>,
}

impl OperatorTokens {
    /// Makes a token; the secret is shown here and never again. Only a checkpoint has an account.
    pub fn create(
        &self,
        authority: &Authority,
        name: &str,
        role: Role,
        account: CheckpointAccount,
    ) -> Result<(Token, Secret<String>), TokensError> {
        authority.require(Capability::ManageTokens)?;
        self.check(name, role, &account)?;
        let secret = self.secret();
        Ok((self.make(authority.actor(), name, role, account, &secret)?, secret))
    }

    /// Passes when a token can have this name and account.
    pub(super) fn check(&self, name: &str, role: Role, account: &CheckpointAccount) -> Result<(), TokensError> {
        let visible = !name.trim().is_empty() && !name.chars().any(char::is_control);
        if !visible || name.chars().count() > NAME_CHARACTERS {
            return Err(TokensError::Name);
        }
        match role {
            Role::Checkpoint => account.check(|name| self.use_cases.get(name).is_some())?,
            _ => account.check_absent()?,
        }
        Ok(())
    }

    /// Makes the first administrator's token when there never was a token; gives whether it did. `keep` puts the secret
    /// where it is found, before the token is good, and says whether it could; if it could not, no token is made.
    pub fn first_administrator(&self, keep: impl FnOnce(&Secret<String>) -> bool) -> Result<bool, TokensError> {
        let is_first = self.store.roster().entries().is_empty() && self.store.find(&Query::Tokens, None, 1)?.records.is_empty();
        if !is_first {
            return Ok(false);
        }
        let secret = self.secret();
        if !keep(&secret) {
            return Ok(false);
        }
        self.make(Actor::Service, "first administrator", Role::Administrator, CheckpointAccount::default(), &secret)?;
        Ok(true)
    }

    /// A page of tokens, good ones and others; `after` is what the page before gave.
    pub fn list(&self, authority: &Authority, after: Option<&[u8]>) -> Result<(Vec<Token>, Option<Vec<u8>>), TokensError> {
        authority.require(Capability::ManageTokens)?;
        let page = self.store.find(&Query::Tokens, after, PAGE)?;
        let tokens = page.records.into_iter().filter_map(|record| match record.value {
            Record::Token(token) => Some(token),
            _ => None,
        });
        Ok((tokens.collect(), page.next))
    }

    /// One token.
    pub fn get(&self, authority: &Authority, id: TokenId) -> Result<Token, TokensError> {
        authority.require(Capability::ManageTokens)?;
        self.read(id).map(|token| token.value)
    }

    /// Switches a token off, at once and for good. A token that is off stays as it is, without a second event.
    pub fn switch_off(&self, authority: &Authority, id: TokenId) -> Result<(), TokensError> {
        authority.require(Capability::ManageTokens)?;
        for _ in 0..ATTEMPTS {
            let Versioned { version, value: token } = self.read(id)?;
            if token.switched_off_at.is_some() {
                return Ok(());
            }
            let mut guards = vec![Guard::Version(Key::Token(id), version)];
            if token.role == Role::Administrator {
                guards.push(self.another_administrator(id)?);
            }
            let now = self.clock.now();
            let off = Token { switched_off_at: Some(now), ..token };
            let commit = Commit {
                guards,
                writes: vec![Write::Put(Record::Token(off))],
                issue: Vec::new(),
                events: vec![EventDraft { at: now, actor: authority.actor(), what: What::TokenSwitchedOff { token: id } }],
            };
            match self.store.commit(commit) {
                Ok(_) => return Ok(()),
                // This token or the other was switched off meanwhile: what is left decides.
                Err(CommitError::GuardFailed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(CommitError::GuardFailed(0).into())
    }

    /// Holds as long as one administrator other than `id` keeps a good token: of two who switch each other off at one
    /// time, one has to stay.
    fn another_administrator(&self, id: TokenId) -> Result<Guard, TokensError> {
        for (_, other, role) in self.store.roster().entries() {
            if role != Role::Administrator || other == id {
                continue;
            }
            match self.read(other) {
                Ok(Versioned { version, value }) if value.switched_off_at.is_none() => {
                    return Ok(Guard::Version(Key::Token(other), version));
                }
                Ok(_) | Err(TokensError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Err(TokensError::LastAdministrator)
    }

    pub(super) fn secret(&self) -> Secret<String> {
        Secret::new(format!("{PREFIX}{}", base64url::encode(self.random.array::<32>())))
    }

    fn make(
        &self,
        actor: Actor,
        name: &str,
        role: Role,
        account: CheckpointAccount,
        secret: &Secret<String>,
    ) -> Result<Token, TokensError> {
        let (id, created_at) = (TokenId::random(&*self.random), self.clock.now());
        let token = Token { id, name: name.to_owned(), role, created_at, switched_off_at: None, account };
        self.store.commit(Self::making(actor, &token, secret))?;
        Ok(token)
    }

    /// The commit that makes `token` good for who shows `secret`.
    pub(super) fn making(actor: Actor, token: &Token, secret: &Secret<String>) -> Commit {
        let hash = base64url::encode(sha256(secret.expose()));
        let what = What::TokenCreated { token: token.id, role: token.role, hash, account: token.account.clone() };
        Commit {
            guards: vec![Guard::Absent(Key::Token(token.id))],
            writes: vec![Write::Put(Record::Token(token.clone()))],
            issue: Vec::new(),
            events: vec![EventDraft { at: token.created_at, actor, what }],
        }
    }

    pub(super) fn read(&self, id: TokenId) -> Result<Versioned<Token>, TokensError> {
        match self.store.get(&Key::Token(id))? {
            Some(Versioned { version, value: Record::Token(value) }) => Ok(Versioned { version, value }),
            _ => Err(TokensError::NotFound),
        }
    }
}

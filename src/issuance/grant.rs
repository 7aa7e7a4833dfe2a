//! Grants, and the access tokens that stand for them.

use crate::{
    base::{base64url, secret::Secret, time::Timestamp},
    crypto::{
        access_token::{self, Claims, Confirmation, Expectation},
        keyed_hash,
    },
    issuance::{
        Fault, Ground,
        caller::{Caller, CallerError, Shown, Spending},
        dpop::DpopError,
        freshness::Server,
    },
    keyring::Purpose,
    model::{
        grant::{Grant, Refresh},
        ids::{GrantId, OfferId, PersonId},
        record::{Commit, Guard, Key, LeadsTo, OneTime, OneTimeKey, Record, Versioned, Write},
    },
    store::CommitError,
};

/// A grant is written a few times by its wallet: a loop longer than that is not ours to wait for.
const ATTEMPTS: usize = 32;

/// Life of an access token that whoever has it can use, in seconds: no longer without binding it to a sender (OpenID4VCI
/// 1.0 section 13.10).
const ACCESS_TOKEN_SECONDS: i64 = 300;

/// Life of an access token that is bound to a key, in seconds: the user unlocks many keys meanwhile, and perhaps looks for
/// the phone's code first.
const BOUND_ACCESS_TOKEN_SECONDS: i64 = 900;

/// Life of an access token of a grant that is bound to this key, or to none, in seconds.
pub(super) const fn access_token_seconds(dpop_jkt: Option<&String>) -> i64 {
    if dpop_jkt.is_some() { BOUND_ACCESS_TOKEN_SECONDS } else { ACCESS_TOKEN_SECONDS }
}

/// Life of a refresh token and of all that replace it, in seconds, from the day a person agreed: half a year, then the
/// person is asked again (HAIP 1.0 section 4.1 advises against lives beyond a year).
pub(super) const REFRESH_SECONDS: i64 = 180 * 24 * 3600;

/// What begins a credential identifier. No configuration has a colon in its name, so neither is taken for the other.
const IDENTIFIER: &str = "card:";

/// The credential identifier of a configuration (OpenID4VCI 1.0 section 6.2). A grant has one card of each.
pub(super) fn credential_identifier(configuration: &str) -> String {
    format!("{IDENTIFIER}{configuration}")
}

/// The configuration of a credential identifier.
pub(super) fn configuration(identifier: &str) -> Option<&str> {
    identifier.strip_prefix(IDENTIFIER)
}

/// What a new grant is for.
#[derive(Clone, Debug)]
pub(super) struct Terms<'a> {
    /// Whose cards.
    pub person: PersonId,
    /// From which offer.
    pub offer: Option<OfferId>,
    /// Which configurations.
    pub configurations: Vec<String>,
    /// Whether they are fetched by identifier.
    pub by_identifier: bool,
    /// By whom.
    pub caller: &'a Caller,
}

/// A new grant, before the commit that makes it.
#[derive(Debug)]
pub(super) struct Begun {
    /// The grant.
    pub grant: Grant,
    /// What has to hold.
    pub guards: Vec<Guard>,
    /// What is written.
    pub writes: Vec<Write>,
    /// The refresh token, shown once.
    pub refresh_token: Option<Secret<String>>,
}

/// What an access token that was shown stands for.
#[derive(Clone, Debug)]
pub(super) struct Access {
    /// The grant, live.
    pub grant: Versioned<Grant>,
    /// Which refreshing of it the token belongs to.
    pub generation: u32,
    /// What was shown with it that must not be shown again.
    pub spending: Spending,
}

/// The access token is not ours, past its time, bound to another key, or its grant is over (RFC 6750 section 3.1).
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AccessError {
    /// Not good, whichever way.
    #[error("the access token is not good")]
    InvalidToken,
    /// The proof of the key that it is bound to.
    #[error(transparent)]
    Dpop(#[from] DpopError),
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<CallerError> for AccessError {
    fn from(error: CallerError) -> Self {
        match error {
            CallerError::Dpop(error) => Self::Dpop(error),
            CallerError::Fault(fault) => Self::Fault(fault),
            _ => Self::InvalidToken,
        }
    }
}

impl AccessError {
    /// The code (RFC 6750 section 3.1, RFC 9449 section 7.1); none when the fault is ours.
    pub const fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::InvalidToken => "invalid_token",
            Self::Dpop(error) => error.code(),
            Self::Fault(_) => return None,
        })
    }
}

impl Access {
    /// Whether it is good for exactly this configuration.
    pub(super) fn covers(&self, configuration: &str) -> bool {
        self.grant.value.configurations.iter().any(|granted| granted == configuration)
    }
}

impl Ground {
    /// A grant by these terms, with what the commit that makes it has to hold and write. Who proved a key gets a refresh
    /// token, which is good with that key only; for anybody else the grant ends with its access token.
    pub(super) fn begin_grant(&self, terms: Terms<'_>) -> Begun {
        let now = self.clock.now();
        let Terms { person, offer, configurations, by_identifier, caller } = terms;
        let refresh_token = caller.instance.as_ref().map(|_| Secret::new(base64url::encode(self.random.array::<32>())));
        let current = refresh_token.as_ref().map(|token| self.refresh_token_hash(token.expose()));
        let life = match refresh_token {
            Some(_) => REFRESH_SECONDS,
            None => access_token_seconds(caller.dpop_jkt.as_ref()),
        };
        let grant = Grant {
            id: GrantId::random(&*self.random),
            person,
            offer,
            client_id: caller.client_id.clone(),
            instance: caller.instance.clone(),
            attested: caller.attested,
            dpop_jkt: caller.dpop_jkt.clone(),
            configurations,
            by_identifier,
            generation: 0,
            fetched: Vec::new(),
            refresh: current.map(|current| Refresh { current, previous: None }),
            awaited: Vec::new(),
            given_at: now,
            ended_at: None,
            stopped_at: None,
            expires_at: now.plus_seconds(life),
        };
        let guards = vec![Guard::Absent(Key::Grant(grant.id))];
        let to_grant = current.map(|key| leads_to_grant(key, &grant));
        let writes = [Write::Put(Record::Grant(grant.clone()))].into_iter().chain(to_grant).collect();
        Begun { grant, guards, writes, refresh_token }
    }

    /// The key under which the store finds the grant of a refresh token.
    pub(super) fn refresh_token_hash(&self, token: &str) -> OneTimeKey {
        keyed_hash(self.keyring.code_key(), "refresh token", token.as_bytes())
    }

    /// Signs an access token for a grant; gives it with its life in seconds.
    pub(super) fn access_token(&self, grant: &Grant) -> Result<(String, i64), Fault> {
        let now = self.clock.now();
        let seconds = access_token_seconds(grant.dpop_jkt.as_ref());
        let claims = Claims {
            iss: self.public_url.to_string(),
            aud: self.public_url.to_string(),
            sub: grant.id.to_string(),
            client_id: grant.client_id.clone(),
            jti: base64url::encode(self.random.array::<16>()),
            iat: now,
            exp: now.plus_seconds(seconds),
            cnf: grant.dpop_jkt.clone().map(|jkt| Confirmation { jkt }),
            generation: grant.generation,
            configurations: grant.configurations.clone(),
        };
        Ok((access_token::sign(&claims, &self.keyring.signer(Purpose::AccessToken))?, seconds))
    }

    /// What the access token of a request stands for: ours, of a live grant, and shown by the one it is bound to.
    pub(super) fn access(&self, shown: &Shown) -> Result<Access, AccessError> {
        let [authorization] = shown.authorization.as_slice() else { return Err(AccessError::InvalidToken) };
        let (scheme, token) = authorization.split_once(' ').ok_or(AccessError::InvalidToken)?;
        let token = token.trim_start_matches(' ');
        let now = self.clock.now();
        let claims = self.access_claims(token, now).ok_or(AccessError::InvalidToken)?;
        let id: GrantId = claims.sub.parse().map_err(|_| AccessError::InvalidToken)?;
        let grant = self.grant(id)?.filter(|grant| grant.value.is_live(now)).ok_or(AccessError::InvalidToken)?;
        let bound_to = claims.cnf.map(|cnf| cnf.jkt);
        if bound_to != grant.value.dpop_jkt || claims.generation != grant.value.generation {
            return Err(AccessError::InvalidToken);
        }
        let mut spending = Spending::default();
        match bound_to {
            // A token of before the profile was chosen is bound to nobody, and refused.
            None if scheme.eq_ignore_ascii_case("Bearer") && !self.profile.is_haip() => {}
            Some(jkt) if scheme.eq_ignore_ascii_case("DPoP") => {
                let proven = self.dpop(shown, Server::Resource, Some(token))?.ok_or(DpopError::Missing)?;
                if proven.jkt() != jkt {
                    return Err(DpopError::OtherKey.into());
                }
                spending.add_dpop(&proven);
            }
            // A bound token without its key, as Bearer too, is a stolen one (RFC 9449 section 7.2).
            _ => return Err(AccessError::InvalidToken),
        }
        Ok(Access { grant, generation: claims.generation, spending })
    }

    /// Uses up what was shown with an access token, for an answer that changes nothing else.
    pub(super) fn spend_access(&self, access: &Access) -> Result<(), AccessError> {
        Ok(self.spend(&access.spending)?)
    }

    fn access_claims(&self, text: &str, now: Timestamp) -> Option<Claims> {
        let expected = Expectation { issuer: &self.public_url, audience: &self.public_url, now };
        let signer = self.keyring.signer(Purpose::AccessToken);
        access_token::verify(text, signer.public_key(), &expected).ok()
    }

    /// Ends a grant, at once and for good: no token of it is good any more.
    pub(super) fn end_grant(&self, id: GrantId) -> Result<(), Fault> {
        for _ in 0..ATTEMPTS {
            let Some(Versioned { version, value: grant }) = self.grant(id)? else { return Ok(()) };
            if grant.ended_at.is_some() {
                return Ok(());
            }
            let ended = Grant { ended_at: Some(self.clock.now()), ..grant };
            let guards = vec![Guard::Version(Key::Grant(id), version)];
            let commit = Commit { guards, writes: vec![Write::Put(Record::Grant(ended))], ..Commit::default() };
            match self.store.commit(commit) {
                Ok(_) => return Ok(()),
                Err(CommitError::GuardFailed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::Busy)
    }

    /// The grant of this identifier.
    pub(super) fn grant(&self, id: GrantId) -> Result<Option<Versioned<Grant>>, Fault> {
        match self.store.get(&Key::Grant(id))? {
            None => Ok(None),
            Some(Versioned { version, value: Record::Grant(value) }) => Ok(Some(Versioned { version, value })),
            Some(_) => Err(Fault::Record("a grant")),
        }
    }
}

/// A refresh token stays known for as long as its grant: when it is shown again after it was replaced, that is noticed.
pub(super) fn leads_to_grant(key: OneTimeKey, grant: &Grant) -> Write {
    Write::Put(Record::OneTime(OneTime { key, leads_to: LeadsTo::Grant(grant.id), expires_at: grant.expires_at }))
}

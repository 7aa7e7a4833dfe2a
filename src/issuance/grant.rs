//! Grants, and the access tokens that stand for them.

use crate::{
    base::{base64url, secret::Secret, time::Timestamp},
    crypto::access_token::{self, Claims, Confirmation, Expectation},
    issuance::{
        Fault, Ground,
        caller::{Caller, Shown, Spending},
    },
    keyring::Purpose,
    model::{
        grant::Grant,
        ids::{GrantId, OfferId, PersonId},
        record::{Commit, Guard, Key, Record, Versioned, Write},
    },
    store::CommitError,
};

/// A grant is written a few times by its wallet: a loop longer than that is not ours to wait for.
const ATTEMPTS: usize = 32;

/// Life of an access token, in seconds: no longer without binding it to a sender (OpenID4VCI 1.0 section 13.10).
pub(super) const ACCESS_TOKEN_SECONDS: i64 = 300;

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
    #[expect(dead_code, reason = "DPoP at the credential endpoint is next")]
    pub spending: Spending,
}

/// The access token is not ours, past its time, bound to another key, or its grant is over (RFC 6750 section 3.1).
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AccessError {
    /// Not good, whichever way.
    #[error("the access token is not good")]
    InvalidToken,
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Access {
    /// Whether it is good for exactly this configuration.
    pub(super) fn covers(&self, configuration: &str) -> bool {
        self.grant.value.configurations.iter().any(|granted| granted == configuration)
    }
}

impl Ground {
    /// A grant by these terms, with what the commit that makes it has to hold and write.
    pub(super) fn begin_grant(&self, terms: Terms<'_>) -> Begun {
        let now = self.clock.now();
        let Terms { person, offer, configurations, by_identifier, caller } = terms;
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
            refresh: None,
            given_at: now,
            ended_at: None,
            expires_at: now.plus_seconds(ACCESS_TOKEN_SECONDS),
        };
        let guards = vec![Guard::Absent(Key::Grant(grant.id))];
        let writes = vec![Write::Put(Record::Grant(grant.clone()))];
        Begun { grant, guards, writes, refresh_token: None }
    }

    /// Signs an access token for a grant; gives it with its life in seconds.
    pub(super) fn access_token(&self, grant: &Grant) -> Result<(String, i64), Fault> {
        let now = self.clock.now();
        let claims = Claims {
            iss: self.public_url.to_string(),
            aud: self.public_url.to_string(),
            sub: grant.id.to_string(),
            client_id: grant.client_id.clone(),
            jti: base64url::encode(self.random.array::<16>()),
            iat: now,
            exp: now.plus_seconds(ACCESS_TOKEN_SECONDS),
            cnf: grant.dpop_jkt.clone().map(|jkt| Confirmation { jkt }),
            generation: grant.generation,
            configurations: grant.configurations.clone(),
        };
        Ok((access_token::sign(&claims, &self.keyring.signer(Purpose::AccessToken))?, ACCESS_TOKEN_SECONDS))
    }

    /// What the access token of a request stands for: ours, of a live grant, and shown by the one it is bound to.
    pub(super) fn access(&self, shown: &Shown) -> Result<Access, AccessError> {
        let [authorization] = shown.authorization.as_slice() else { return Err(AccessError::InvalidToken) };
        let (scheme, token) = authorization.split_once(' ').ok_or(AccessError::InvalidToken)?;
        if !scheme.eq_ignore_ascii_case("Bearer") {
            return Err(AccessError::InvalidToken);
        }
        let now = self.clock.now();
        let claims = self.access_claims(token.trim_start_matches(' '), now).ok_or(AccessError::InvalidToken)?;
        let id: GrantId = claims.sub.parse().map_err(|_| AccessError::InvalidToken)?;
        let grant = self.grant(id)?.filter(|grant| grant.value.is_live(now)).ok_or(AccessError::InvalidToken)?;
        if claims.cnf.is_some() || claims.generation != grant.value.generation {
            return Err(AccessError::InvalidToken);
        }
        Ok(Access { grant, generation: claims.generation, spending: Spending::default() })
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

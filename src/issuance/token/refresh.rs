//! The grant of a refresh token (RFC 6749 section 6): good with the key it was given to, and replaced at each use.
//!
//! What replaces a token follows from it by a keyed hash. So a wallet that lost the answer can ask once more, when nobody
//! is being answered any more, and is told the same: the grant moves on once. Later, or after it was replaced again, the
//! same token in the same hands means that there are two of them, and the grant ends (RFC 9700 section 4.14.2).

use std::collections::BTreeSet;

use crate::{
    base::{base64url, secret::Secret},
    crypto::keyed_hash,
    format::openid::token::{AuthorizationDetail, TokenRequest},
    issuance::{
        Fault,
        caller::Caller,
        grant::leads_to_grant,
        token::{ATTEMPTS, Given, MOST_BYTES, TokenError, Tokens, narrowed},
    },
    model::{
        grant::{Grant, Refresh},
        ids::GrantId,
        record::{Commit, Guard, Key, LeadsTo, OneTimeKey, Record, Versioned, Write},
    },
    store::CommitError,
};

/// For so long a wallet that lost the answer may show the token again that it showed before.
const ANSWERED_ANEW_SECONDS: i64 = 60;

/// For so long after a token was replaced the answer that says so is still on its way: who shows it meanwhile is one of
/// several at one time, of whom one is answered.
const UNDER_WAY_SECONDS: i64 = 2;

/// What becomes of a grant whose token is shown.
enum Standing {
    /// It stands like this after the commit, and this token comes next.
    Next(Secret<String>, Box<Grant>),
    /// Somebody is being answered.
    UnderWay,
    /// The token was replaced before, and not just now.
    Reused,
}

/// A refresh token that was shown.
struct ShownToken<'a> {
    text: &'a str,
    hash: OneTimeKey,
}

impl Tokens {
    /// Redeems a refresh token. Of any number of calls with one token at one time exactly one succeeds; the others may come
    /// again in a moment.
    pub(super) fn redeem_refresh_token(&self, caller: &Caller, request: &TokenRequest) -> Result<Given, TokenError> {
        let text = request.refresh_token.as_deref().ok_or(TokenError::Missing("refresh_token"))?;
        let details = request.authorization_details.as_deref().map(AuthorizationDetail::parse_list).transpose()?;
        if text.len() > MOST_BYTES {
            return Err(TokenError::GrantNotGood);
        }
        let token = ShownToken { text, hash: self.ground.refresh_token_hash(text) };
        for _ in 0..ATTEMPTS {
            let Versioned { version, value: grant } = self.grant_of(token.hash)?.ok_or(TokenError::GrantNotGood)?;
            // Who has the token without its key can do nothing with it: neither use it nor end its grant.
            if !grant.is_live(self.ground.clock.now()) || !is_bound_to(&grant, caller) {
                return Err(TokenError::GrantNotGood);
            }
            // A wallet that does not name itself now did so when it was given the grant.
            self.check_client_is_on(grant.client_id.as_deref())?;
            is_what_was_granted(request.scope.as_deref(), details.as_deref(), &grant)?;
            let by_identifier = grant.by_identifier || details.is_some();
            let grant = Grant { by_identifier, dpop_jkt: caller.dpop_jkt.clone(), ..grant };
            let (next, grant) = match self.standing(&token, grant) {
                Standing::Next(next, grant) => (next, *grant),
                Standing::UnderWay => return Err(Fault::Busy.into()),
                Standing::Reused => {
                    // The very request that was answered before ends nothing: it has no proof of its own.
                    self.ground.spend(&caller.spending)?;
                    self.end(&token)?;
                    return Err(TokenError::GrantNotGood);
                }
            };
            let guards = [Guard::Version(Key::Grant(grant.id), version)].into_iter().chain(caller.spending.guards());
            let writes = [leads_to_grant(self.ground.refresh_token_hash(next.expose()), &grant)];
            let writes = writes.into_iter().chain(caller.spending.writes()).chain([Write::Put(Record::Grant(grant.clone()))]);
            let commit = Commit { guards: guards.collect(), writes: writes.collect(), ..Commit::default() };
            match self.ground.store.commit(commit) {
                Ok(_) => return Ok(Given { grant, refresh_token: Some(next) }),
                // Another call was faster: what it left decides.
                Err(CommitError::GuardFailed(0)) => {}
                Err(CommitError::GuardFailed(place)) => return Err(caller.spending.replayed(place - 1).into()),
                Err(error) => return Err(Fault::from(error).into()),
            }
        }
        Err(Fault::Busy.into())
    }

    fn grant_of(&self, token: OneTimeKey) -> Result<Option<Versioned<Grant>>, Fault> {
        match self.ground.store.get(&Key::OneTime(token))?.map(|record| record.value) {
            Some(Record::OneTime(one_time)) => match one_time.leads_to {
                LeadsTo::Grant(id) => self.ground.grant(id),
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }

    fn standing(&self, token: &ShownToken<'_>, grant: Grant) -> Standing {
        let next = self.next(grant.id, token.text);
        let now = self.ground.clock.now();
        let Some(refresh) = &grant.refresh else { return Standing::Reused };
        if refresh.current == token.hash {
            let until = now.plus_seconds(ANSWERED_ANEW_SECONDS);
            let current = self.ground.refresh_token_hash(next.expose());
            let refresh = Some(Refresh { current, previous: Some((token.hash, until)) });
            let generation = grant.generation.saturating_add(1);
            let moved_on = Grant { refresh, generation, fetched: Vec::new(), ..grant };
            return Standing::Next(next, Box::new(moved_on));
        }
        match refresh.previous {
            Some((previous, until)) if previous == token.hash && now < until => {
                let answered_at = until.plus_seconds(UNDER_WAY_SECONDS - ANSWERED_ANEW_SECONDS);
                if now < answered_at { Standing::UnderWay } else { Standing::Next(next, Box::new(grant)) }
            }
            _ => Standing::Reused,
        }
    }

    /// Its successor can be told from a token by nobody but us.
    fn next(&self, grant: GrantId, token: &str) -> Secret<String> {
        let data = [grant.as_bytes().as_slice(), token.as_bytes()].concat();
        Secret::new(base64url::encode(keyed_hash(self.ground.keyring.code_key(), "next refresh token", &data)))
    }

    fn end(&self, token: &ShownToken<'_>) -> Result<(), Fault> {
        match self.grant_of(token.hash)? {
            Some(grant) => self.ground.end_grant(grant.value.id),
            None => Ok(()),
        }
    }
}

/// Whether the caller is who the grant was given to (RFC 9449 section 5, draft-ietf-oauth-attestation-based-client-auth
/// section 9). An attested wallet may take a new DPoP key; a grant that was bound to one is never loosed.
fn is_bound_to(grant: &Grant, caller: &Caller) -> bool {
    grant.instance.is_some()
        && grant.instance == caller.instance
        && (!grant.attested || caller.attested)
        && (grant.dpop_jkt.is_none() || caller.dpop_jkt.is_some())
        && (caller.client_id.is_none() || caller.client_id == grant.client_id)
}

/// What is granted is neither widened nor narrowed: the answer would have to say so, and no wallet asks for it.
fn is_what_was_granted(scope: Option<&str>, details: Option<&[AuthorizationDetail]>, grant: &Grant) -> Result<(), TokenError> {
    let granted: BTreeSet<&str> = grant.configurations.iter().map(String::as_str).collect();
    if scope.is_some_and(|scope| scope.split(' ').filter(|name| !name.is_empty()).collect::<BTreeSet<_>>() != granted) {
        return Err(TokenError::Scope);
    }
    let Some(details) = details else { return Ok(()) };
    let narrowed = narrowed(details, &grant.configurations)?;
    if narrowed.len() == granted.len() { Ok(()) } else { Err(TokenError::Scope) }
}

#[cfg(test)]
mod tests;

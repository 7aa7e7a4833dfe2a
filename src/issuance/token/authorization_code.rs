//! The grant of an authorisation code (RFC 6749 section 4.1.3, RFC 7636 section 4.6, OpenID4VCI 1.0 section 6.1).

use subtle::ConstantTimeEq;

use crate::{
    base::base64url,
    crypto::sha256,
    format::openid::token::{AuthorizationDetail, TokenRequest},
    issuance::{
        Fault,
        authorize::REPLAY_SECONDS,
        caller::Caller,
        grant::{Begun, Terms},
        token::{ATTEMPTS, Given, MOST_BYTES, TokenError, Tokens, narrowed},
    },
    model::{
        authorization::{Authorization, Step},
        ids::OfferId,
        record::{Commit, Guard, Key, LeadsTo, Offer, OneTime, OneTimeKey, Record, Versioned, Write},
    },
    store::CommitError,
};

/// Lengths of a verifier (RFC 7636 section 4.1).
const VERIFIER_BYTES: std::ops::RangeInclusive<usize> = 43..=128;

/// What a token request shows beside the code.
struct Shows<'a> {
    client_id: &'a str,
    redirect_uri: &'a str,
    verifier: &'a str,
}

impl Tokens {
    /// Redeems an authorisation code. Of any number of calls with one code at one time exactly one succeeds; every other
    /// that knows as much as the first ends what the first was given (RFC 6749 section 4.1.2).
    pub(super) fn redeem_authorization_code(&self, caller: &Caller, request: &TokenRequest) -> Result<Given, TokenError> {
        let code = request.code.as_deref().ok_or(TokenError::Missing("code"))?;
        let shows = Shows {
            client_id: caller.client_id.as_deref().ok_or(TokenError::Missing("client_id"))?,
            redirect_uri: request.redirect_uri.as_deref().ok_or(TokenError::Missing("redirect_uri"))?,
            verifier: request.code_verifier.as_deref().ok_or(TokenError::Missing("code_verifier"))?,
        };
        let details = request.authorization_details.as_deref().map(AuthorizationDetail::parse_list).transpose()?;
        if code.len() > MOST_BYTES {
            return Err(TokenError::GrantNotGood);
        }
        let key = self.ground.authorization_code_hash(code);
        for _ in 0..ATTEMPTS {
            let found = self.ground.authorization_by(key)?.ok_or(TokenError::GrantNotGood)?;
            // Who has the code alone, from a log or a history, can do nothing with it: neither get a token nor end one.
            if !knows(&shows, &found.value) {
                return Err(TokenError::GrantNotGood);
            }
            if let Step::Redeemed { grant, .. } = found.value.step {
                // The very request that was answered before ends nothing: it has no proof of its own.
                self.ground.spend(&caller.spending)?;
                self.ground.end_grant(grant)?;
                return Err(TokenError::GrantNotGood);
            }
            if let Some(given) = self.redeem_agreed(caller, details.as_deref(), key, found)? {
                return Ok(given);
            }
            // Another call was faster: what it left decides.
        }
        Err(Fault::Busy.into())
    }

    /// Makes the grant of an authorisation that was agreed to; none when its record or its offer's changed meanwhile.
    fn redeem_agreed(
        &self,
        caller: &Caller,
        details: Option<&[AuthorizationDetail]>,
        key: OneTimeKey,
        found: Versioned<Authorization>,
    ) -> Result<Option<Given>, TokenError> {
        let Versioned { version, value: authorization } = found;
        let Step::Agreed { person, .. } = authorization.step else { return Err(TokenError::GrantNotGood) };
        let now = self.ground.clock.now();
        if now >= authorization.expires_at || !is_bound_to(&authorization, caller) {
            return Err(TokenError::GrantNotGood);
        }
        let configurations = match details {
            Some(wanted) => narrowed(wanted, &authorization.configurations)?,
            None => authorization.configurations.clone(),
        };
        let by_identifier = authorization.by_identifier || details.is_some();
        let terms = Terms { person, offer: authorization.offer, configurations, by_identifier, caller };
        let Begun { grant, guards, writes, refresh_token } = self.ground.begin_grant(terms);
        let expires_at = now.plus_seconds(REPLAY_SECONDS);
        let (guard, one_time) = (
            Guard::Version(Key::Authorization(authorization.id), version),
            OneTime { key, leads_to: LeadsTo::Authorization(authorization.id), expires_at },
        );
        let used_offer = authorization.offer.map(|id| self.use_offer(id)).transpose()?.flatten();
        let step = Step::Redeemed { grant: grant.id, code: key };
        let redeemed = Authorization { step, expires_at, ..authorization };
        let (offer_guard, offer_write) = used_offer.unzip();
        let of_records = 1 + usize::from(offer_guard.is_some());
        let mut guards: Vec<Guard> = [guard].into_iter().chain(offer_guard).chain(guards).collect();
        let own = guards.len();
        guards.extend(caller.spending.guards());
        let own_writes = [Write::Put(Record::Authorization(redeemed)), Write::Put(Record::OneTime(one_time))];
        let writes = own_writes.into_iter().chain(offer_write).chain(writes).chain(caller.spending.writes()).collect();
        match self.ground.store.commit(Commit { guards, writes, ..Commit::default() }) {
            Ok(_) => Ok(Some(Given { grant, refresh_token })),
            Err(CommitError::GuardFailed(at)) if at < of_records => Ok(None),
            Err(CommitError::GuardFailed(at)) if at >= own => Err(caller.spending.replayed(at - own).into()),
            Err(CommitError::GuardFailed(_)) => Err(TokenError::GrantNotGood),
            Err(error) => Err(Fault::from(error).into()),
        }
    }

    /// What uses up the offer of an authorisation; none when its record is gone, which was open when the request was pushed.
    fn use_offer(&self, id: OfferId) -> Result<Option<(Guard, Write)>, TokenError> {
        match self.ground.store.get(&Key::Offer(id)).map_err(Fault::from)? {
            Some(Versioned { value: Record::Offer(offer), .. }) if offer.redeemed => Err(TokenError::GrantNotGood),
            Some(Versioned { version, value: Record::Offer(offer) }) => Ok(Some((
                Guard::Version(Key::Offer(id), version),
                Write::Put(Record::Offer(Offer { redeemed: true, ..offer })),
            ))),
            _ => Ok(None),
        }
    }
}

/// Whether a request comes from who pushed it, as far as knowledge shows it.
fn knows(shows: &Shows<'_>, authorization: &Authorization) -> bool {
    shows.client_id == authorization.client_id
        && shows.redirect_uri == authorization.redirect_uri
        && VERIFIER_BYTES.contains(&shows.verifier.len())
        && bool::from(base64url::encode(sha256(shows.verifier)).as_bytes().ct_eq(authorization.code_challenge.as_bytes()))
}

/// Whether the caller proved the keys that the code is bound to: that of DPoP (RFC 9449 section 10), and the wallet
/// instance that pushed the request.
fn is_bound_to(authorization: &Authorization, caller: &Caller) -> bool {
    let bound = |due: Option<&str>, proved: Option<&str>| due.is_none() || due == proved;
    bound(authorization.dpop_jkt.as_deref(), caller.dpop_jkt.as_deref())
        && (!authorization.attested || caller.attested)
        && (authorization.instance.is_none() || authorization.instance == caller.instance)
}

//! The grant of a pre-authorised code (OpenID4VCI 1.0 section 6.1).

use subtle::ConstantTimeEq;

use crate::{
    format::openid::token::{AuthorizationDetail, TokenRequest},
    issuance::{
        Fault,
        caller::Caller,
        grant::{Begun, Terms},
        limits::Counted,
        offer::{WRONG_TX_CODES, is_over},
        token::{ATTEMPTS, Given, MOST_BYTES, TokenError, Tokens, narrowed},
    },
    model::record::{Commit, Guard, Key, LeadsTo, Offer, Record, Versioned, Write},
    store::CommitError,
};

impl Tokens {
    /// Redeems a pre-authorised code. Of any number of calls with one code at one time exactly one succeeds; each wrong
    /// transaction code is counted on disk before it is answered.
    pub(super) fn redeem_pre_authorized(&self, caller: &Caller, request: &TokenRequest) -> Result<Given, TokenError> {
        let code = request.pre_authorized_code.as_deref().ok_or(TokenError::Missing("pre-authorized_code"))?;
        self.ground.limits.count(Counted::Code(&self.ground.code_hash(code))).map_err(Fault::from)?;
        let details = request.authorization_details.as_deref().map(AuthorizationDetail::parse_list).transpose()?;
        for _ in 0..ATTEMPTS {
            let Versioned { version, value: offer } = self.offer(code)?.ok_or(TokenError::GrantNotGood)?;
            if offer.redeemed || is_over(&offer, self.ground.clock.now()) {
                return Err(TokenError::GrantNotGood);
            }
            let guard = Guard::Version(Key::Offer(offer.id), version);
            if !self.tx_code_is_good(&offer, request.tx_code.as_deref())? {
                let next = Write::Put(Record::Offer(with_wrong_try(&offer)));
                let commit = Commit { guards: vec![guard], writes: vec![next], ..Commit::default() };
                match self.ground.store.commit(commit) {
                    Ok(_) => return Err(TokenError::GrantNotGood),
                    Err(CommitError::GuardFailed(_)) => continue,
                    Err(error) => return Err(Fault::from(error).into()),
                }
            }
            let configurations = match &details {
                Some(wanted) => narrowed(wanted, &offer.credential_types)?,
                None => offer.credential_types.clone(),
            };
            let (person, by_identifier) = (offer.person, details.is_some());
            let terms = Terms { person, offer: Some(offer.id), configurations, by_identifier, caller };
            let Begun { grant, mut guards, mut writes, refresh_token } = self.ground.begin_grant(terms);
            guards.insert(0, guard);
            let own = guards.len();
            guards.extend(caller.spending.guards());
            writes.push(Write::Put(Record::Offer(Offer { redeemed: true, ..offer })));
            writes.extend(caller.spending.writes());
            match self.ground.store.commit(Commit { guards, writes, ..Commit::default() }) {
                Ok(_) => return Ok(Given { grant, refresh_token }),
                // Another call was faster: what it left decides.
                Err(CommitError::GuardFailed(0)) => {}
                Err(CommitError::GuardFailed(place)) if place >= own => {
                    return Err(caller.spending.replayed(place - own).into());
                }
                Err(CommitError::GuardFailed(_)) => return Err(TokenError::GrantNotGood),
                Err(error) => return Err(Fault::from(error).into()),
            }
        }
        Err(Fault::Busy.into())
    }

    fn offer(&self, code: &str) -> Result<Option<Versioned<Offer>>, Fault> {
        if code.len() > MOST_BYTES {
            return Ok(None);
        }
        let store = &self.ground.store;
        let id = match store.get(&Key::OneTime(self.ground.code_hash(code)))?.map(|record| record.value) {
            Some(Record::OneTime(one_time)) => match one_time.leads_to {
                LeadsTo::Offer(id) => id,
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        match store.get(&Key::Offer(id))? {
            Some(Versioned { version, value: Record::Offer(value) }) => Ok(Some(Versioned { version, value })),
            _ => Ok(None),
        }
    }

    fn tx_code_is_good(&self, offer: &Offer, given: Option<&str>) -> Result<bool, TokenError> {
        match (&offer.tx_code_hash, given) {
            (None, None) => Ok(true),
            (None, Some(_)) => Err(TokenError::TxCodeUnexpected),
            (Some(_), None) => Err(TokenError::Missing("tx_code")),
            (Some(hash), Some(given)) => {
                let given = given.get(..given.len().min(MOST_BYTES)).unwrap_or_default();
                Ok(self.ground.tx_code_hash(offer.id, given).ct_eq(hash).into())
            }
        }
    }
}

fn with_wrong_try(offer: &Offer) -> Offer {
    Offer { wrong_tries: offer.wrong_tries.saturating_add(1).min(WRONG_TX_CODES), ..offer.clone() }
}

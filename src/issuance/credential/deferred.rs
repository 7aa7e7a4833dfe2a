//! Cards that an officer has to agree to first, and the endpoint where they are fetched then (OpenID4VCI 1.0 section 9).
//!
//! What is waited for stands in a record of its own: whose card, of which type, for which keys. The transaction id follows
//! from its identifier under a keyed hash, so a wallet that lost the answer is given the same one again, and nothing in the
//! store gives it away. The card is issued when it is fetched, of what the register says then, in one commit that ends the
//! transaction.

use super::{ATTEMPTS, Asked, Body, CredentialError, Credentials, Denial, Draft, NotCommitted, Ordered, Reply, with_card};
use crate::{
    base::{
        base64url,
        limits::{DEFERRED_INTERVAL_SECONDS, DEFERRED_SECONDS},
        time::Timestamp,
    },
    crypto::{PublicKey, keyed_hash},
    format::openid::credential::{CredentialResponse, Deferred, DeferredRequest},
    issuance::{Fault, Ground, Registered, caller::Shown, grant::Access},
    model::{
        credential_type::CredentialType,
        deferred::{DeferredIssuance, Word},
        grant::{Awaited, Grant},
        ids::DeferredId,
        record::{Guard, Key, LeadsTo, OneTime, OneTimeKey, Record, Versioned, Write},
    },
};

/// Longest transaction id looked at, in bytes; ours have 43.
const TRANSACTION_BYTES: usize = 256;

impl Credentials {
    /// Answers a request at the deferred credential endpoint that is made with the access token that is shown.
    pub fn fetch_deferred(&self, shown: &Shown, body: Body<'_>) -> Result<Reply, CredentialError> {
        let access = self.ground.access(shown)?;
        let request = DeferredRequest::parse(self.ground.open_request(body)?.expose())?;
        self.ground.may_answer(body, request.encryption.as_ref())?;
        let response = self.deferred(&access, &request.transaction_id)?;
        Ok(self.ground.reply(response, request.encryption.as_ref())?)
    }

    fn deferred(&self, access: &Access, transaction_id: &str) -> Result<CredentialResponse, CredentialError> {
        for _ in 0..ATTEMPTS {
            let deferred = self.ground.transaction(transaction_id, access)?.ok_or(CredentialError::UnknownTransaction)?;
            match deferred.value.word {
                Word::Delivered { .. } => return Err(CredentialError::UnknownTransaction),
                Word::Waiting => {
                    self.ground.spend_access(access)?;
                    return Ok(waiting(transaction_id.to_owned()));
                }
                Word::Denied { .. } => {
                    self.ground.spend_access(access)?;
                    return Err(Denial::NotApproved.into());
                }
                Word::Approved { .. } => match self.deliver(access, &deferred) {
                    Ok(response) => return Ok(response),
                    Err(NotCommitted::Anew) => {}
                    Err(NotCommitted::Failed(error)) => return Err(error),
                },
            }
        }
        Err(Fault::Busy.into())
    }

    /// Issues what was approved, and ends the transaction with it.
    fn deliver(&self, access: &Access, deferred: &Versioned<DeferredIssuance>) -> Result<CredentialResponse, NotCommitted> {
        let Versioned { version, value: waited } = deferred;
        let grant = self.grant_now(access)?;
        let person = self.ground.person(waited.person)?.ok_or(Denial::NotEligible(None))?;
        let credential_type = self.ground.types.get(&waited.configuration).ok_or(CredentialError::UnknownConfiguration)?;
        let keys = holder_keys(waited)?;
        let at = self.ground.clock.now();
        let ordered = self.ground.order_of(credential_type, &grant.value, &person, (&keys, at))?;
        let card = ordered.card;
        let delivered = DeferredIssuance { word: Word::Delivered { card }, ..waited.clone() };
        let fetched = with_card(&grant.value, &waited.configuration, (card, at), waited.request);
        let draft = Draft::over(&grant, &person)
            .holding([Guard::Version(Key::Deferred(waited.id), *version)])
            .writing([
                Write::Put(Record::Deferred(delivered)),
                Write::Remove(Key::OneTime(waited.transaction)),
                Write::Put(Record::Grant(fetched)),
            ])
            .ordering(ordered)
            .spending(&access.spending);
        let issued = self.ground.commit(draft)?.into_iter().next().ok_or(Fault::Record("an issued card"))?;
        Ok(self.response(credential_type, (&issued, at), &person, &keys)?)
    }
}

/// Whether an officer has to agree: the type or the person asks for it, and this is a card that the wallet has not got.
/// One that was agreed to is renewed without asking again.
pub(super) fn needs_approval(credential_type: &CredentialType, person: &Registered, ordered: &Ordered) -> bool {
    (credential_type.issuing.approval || person.person.cards_need_approval) && !ordered.issue.renews
}

impl Ground {
    /// What is written when a request has to wait, and the answer to it.
    pub(super) fn defer(&self, asked: &Asked<'_>, grant: &Grant, at: Timestamp) -> (Vec<Write>, CredentialResponse) {
        let id = DeferredId::random(&*self.random);
        let transaction_id = self.transaction_id(id);
        let transaction = self.transaction_hash(&transaction_id);
        let expires_at = at.plus_seconds(DEFERRED_SECONDS).min(grant.expires_at);
        let configuration = asked.credential_type.name.clone();
        let deferred = DeferredIssuance {
            id,
            transaction,
            grant: grant.id,
            person: grant.person,
            configuration: configuration.clone(),
            holder_keys: asked.proved.keys().iter().map(PublicKey::to_jwk).collect(),
            request: asked.hash,
            word: Word::Waiting,
            asked_at: at,
            expires_at,
        };
        let mut grant = grant.clone();
        grant.awaited.retain(|awaited| awaited.configuration != configuration);
        grant.awaited.push(Awaited { configuration, deferred: id, request: asked.hash });
        let one_time = OneTime { key: transaction, leads_to: LeadsTo::Deferred(id), expires_at };
        let records = [Record::Grant(grant), Record::Deferred(deferred), Record::OneTime(one_time)];
        (records.map(Write::Put).into(), waiting(transaction_id))
    }

    /// What a request is told whose configuration is waited for already; nothing when that is over.
    pub(super) fn still_awaited(
        &self,
        awaited: &Awaited,
        hash: &OneTimeKey,
    ) -> Result<Option<CredentialResponse>, CredentialError> {
        let Some(deferred) = self.deferred(awaited.deferred)? else { return Ok(None) };
        match deferred.value.word {
            Word::Denied { .. } => Err(Denial::NotApproved.into()),
            _ if self.clock.now() >= deferred.value.expires_at => Ok(None),
            _ if *hash != awaited.request => Err(Denial::AlreadyAwaited.into()),
            _ => Ok(Some(waiting(self.transaction_id(awaited.deferred)))),
        }
    }

    /// The issuance of this identifier that waits, or waited.
    pub(in crate::issuance) fn deferred(&self, id: DeferredId) -> Result<Option<Versioned<DeferredIssuance>>, Fault> {
        match self.store.get(&Key::Deferred(id))? {
            None => Ok(None),
            Some(Versioned { version, value: Record::Deferred(value) }) => Ok(Some(Versioned { version, value })),
            Some(_) => Err(Fault::Record("an issuance that waits")),
        }
    }

    /// The issuance that a transaction id leads to; none when it is another grant's, or over.
    fn transaction(&self, text: &str, access: &Access) -> Result<Option<Versioned<DeferredIssuance>>, Fault> {
        if text.len() > TRANSACTION_BYTES {
            return Ok(None);
        }
        let found = self.store.get(&Key::OneTime(self.transaction_hash(text)))?.map(|record| record.value);
        let Some(Record::OneTime(OneTime { leads_to: LeadsTo::Deferred(id), .. })) = found else { return Ok(None) };
        let now = self.clock.now();
        let is_own = |deferred: &Versioned<DeferredIssuance>| {
            deferred.value.grant == access.grant.value.id && now < deferred.value.expires_at
        };
        Ok(self.deferred(id)?.filter(is_own))
    }

    fn transaction_id(&self, id: DeferredId) -> String {
        base64url::encode(keyed_hash(self.keyring.code_key(), "transaction id", id.as_bytes()))
    }

    fn transaction_hash(&self, transaction_id: &str) -> OneTimeKey {
        keyed_hash(self.keyring.code_key(), "transaction", transaction_id.as_bytes())
    }
}

fn waiting(transaction_id: String) -> CredentialResponse {
    CredentialResponse::Deferred(Deferred { transaction_id, interval: DEFERRED_INTERVAL_SECONDS })
}

fn holder_keys(deferred: &DeferredIssuance) -> Result<Vec<PublicKey>, Fault> {
    let key = |jwk: &serde_json::Value| jwk.as_object().and_then(|jwk| PublicKey::from_jwk(jwk).ok());
    let keys = deferred.holder_keys.iter().map(key).collect::<Option<_>>();
    keys.ok_or(Fault::Record("an issuance that waits"))
}

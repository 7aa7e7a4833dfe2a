//! The credential endpoint: an access token and proofs of keys for a card, once (OpenID4VCI 1.0 section 8).
//!
//! One commit takes the nonces, writes the card into the grant and issues it; guards on the grant and on the person
//! decide between calls at one time. Copies are signed after it. A wallet that lost the answer repeats its request
//! word for word and gets the same card signed again, with the indices it has. Where an officer has to agree first, the
//! commit writes what is waited for instead, and `deferred` goes on from there.

mod commit;
mod copies;
mod deferred;
mod envelope;
mod error;
mod order;

use crate::{
    base::time::Timestamp,
    crypto::{PublicKey, sha256},
    format::openid::credential::{CredentialRequest, CredentialResponse, Issued, Proofs, Wanted},
    issuance::{
        Fault, Ground, Registered,
        caller::Shown,
        grant::{Access, AccessError, configuration},
        limits::Counted,
        proof::{Attestations, Proved},
    },
    model::{
        card::{Card, State},
        credential_type::CredentialType,
        grant::{Fetched, Grant},
        ids::CardId,
        person::civil_date,
        record::{Key, OneTimeKey, Record, Versioned, Write},
    },
};
use commit::{Draft, NotCommitted};
use copies::claim_set;
pub use envelope::{Body, Content, Reply};
pub use error::{CredentialError, Denial};
use order::{Order, Ordered};

/// Grant and person change a few times at most; a longer loop is not ours to wait for.
const ATTEMPTS: usize = 16;

/// The credential endpoint, and the one for what was deferred.
#[derive(Clone)]
pub struct Credentials {
    ground: Ground,
}

/// A request whose token and target are good.
struct Asked<'a> {
    access: Access,
    credential_type: &'a CredentialType,
    proved: Proved<'a>,
    hash: OneTimeKey,
}

/// What a request leads to.
enum Outcome {
    /// A card, with the time at which its batch was ordered.
    Card(Box<Card>, Timestamp, Box<Registered>),
    /// Nothing yet.
    Deferred(CredentialResponse),
}

impl Credentials {
    /// On this ground.
    pub fn new(ground: Ground) -> Self {
        Self { ground }
    }

    /// Passes when the access token that is shown is good now: known before a body is taken from the one who shows it.
    pub fn accepts(&self, shown: &Shown) -> Result<(), CredentialError> {
        self.ground.access(shown)?;
        Ok(())
    }

    /// Answers a request that is made with the access token that is shown.
    pub fn issue(&self, shown: &Shown, body: Body<'_>) -> Result<Reply, CredentialError> {
        let access = self.ground.access(shown)?;
        self.ground.limits.count(Counted::Person(access.grant.value.person)).map_err(Fault::from)?;
        let request = CredentialRequest::parse(self.ground.open_request(body)?.expose())?;
        self.ground.may_answer(body, request.encryption.as_ref())?;
        let credential_type = self.wanted(&access, &request.wanted)?;
        let hash = request_hash(&credential_type.name, &request.proofs);
        let attestations = Attestations::of(&request.proofs)?;
        let proved = Proved::read(&request.proofs, &attestations)?;
        let asked = Asked { access, credential_type, proved, hash };
        let response = match self.answer(&asked)? {
            Outcome::Deferred(response) => response,
            Outcome::Card(card, at, person) => self.response(credential_type, (&card, at), &person, asked.proved.keys())?,
        };
        Ok(self.ground.reply(response, request.encryption.as_ref())?)
    }

    fn response(
        &self,
        credential_type: &CredentialType,
        (card, at): (&Card, Timestamp),
        person: &Registered,
        keys: &[PublicKey],
    ) -> Result<CredentialResponse, CredentialError> {
        let credentials = self.ground.sign_copies(credential_type, (card, at), person, keys)?;
        let notification_id = Some(self.ground.notification_id(card.id));
        Ok(CredentialResponse::Issued(Issued { credentials, notification_id }))
    }

    fn wanted(&self, access: &Access, wanted: &Wanted) -> Result<&CredentialType, CredentialError> {
        let types = &self.ground.types;
        let by_identifier = access.grant.value.by_identifier;
        match wanted {
            Wanted::Configuration(name) => {
                let found = types.get(name).ok_or(CredentialError::UnknownConfiguration)?;
                match access.covers(name) {
                    true if by_identifier => Err(CredentialError::IdentifierNeeded),
                    true => Ok(found),
                    false => Err(Denial::NotOffered.into()),
                }
            }
            Wanted::Identifier(identifier) => {
                let name = configuration(identifier).filter(|name| by_identifier && access.covers(name));
                let found = name.and_then(|name| types.get(name));
                found.map(|found| &**found).ok_or(CredentialError::UnknownIdentifier)
            }
        }
    }

    /// The grant as it is now.
    fn grant_now(&self, access: &Access) -> Result<Versioned<Grant>, CredentialError> {
        let now = self.ground.clock.now();
        let grant = self.ground.grant(access.grant.value.id)?;
        let is_good = |grant: &Versioned<Grant>| grant.value.is_live(now) && grant.value.generation == access.generation;
        grant.filter(is_good).ok_or(CredentialError::Access(AccessError::InvalidToken))
    }

    /// The card this request issues, or the one it issued when it was made before; or what it waits for.
    fn answer(&self, asked: &Asked<'_>) -> Result<Outcome, CredentialError> {
        let mut grant = asked.access.grant.clone();
        for _ in 0..ATTEMPTS {
            let person = self.ground.person(grant.value.person)?.ok_or(Denial::NotEligible(None))?;
            if let Some(outcome) = self.answered_before(asked, &grant.value, &person)? {
                self.ground.spend_access(&asked.access)?;
                return Ok(outcome);
            }
            let client_id = grant.value.client_id.as_deref();
            let nonces = asked.proved.check(&self.ground, asked.credential_type, client_id)?;
            let at = self.ground.clock.now();
            let ordered = self.order(asked, &grant.value, &person, at)?;
            let draft = Draft::over(&grant, &person);
            let (draft, deferred) = match deferred::needs_approval(asked.credential_type, &person, &ordered) {
                true => {
                    let (writes, response) = self.ground.defer(asked, &grant.value, at);
                    (draft.writing(writes), Some(response))
                }
                false => {
                    let fetched = with_card(&grant.value, &asked.credential_type.name, (ordered.card, at), asked.hash);
                    (draft.writing([Write::Put(Record::Grant(fetched))]).ordering(ordered), None)
                }
            };
            match (self.ground.commit(draft.using(&nonces).spending(&asked.access.spending)), deferred) {
                (Ok(_), Some(response)) => return Ok(Outcome::Deferred(response)),
                (Ok(issued), None) => {
                    let card = issued.into_iter().next().ok_or(Fault::Record("an issued card"))?;
                    return Ok(Outcome::Card(Box::new(card), at, Box::new(person)));
                }
                // Another request of this grant, or a change of the person, was faster: what it left decides.
                (Err(NotCommitted::Anew), _) => grant = self.grant_now(&asked.access)?,
                (Err(NotCommitted::Failed(error)), _) => return Err(error),
            }
        }
        Err(Fault::Busy.into())
    }

    /// What the grant says of this configuration already: a repeated request is answered alike, another one is refused.
    fn answered_before(
        &self,
        asked: &Asked<'_>,
        grant: &Grant,
        person: &Registered,
    ) -> Result<Option<Outcome>, CredentialError> {
        let name = &asked.credential_type.name;
        if let Some(fetched) = grant.fetched.iter().find(|fetched| fetched.configuration == *name) {
            let card = self.fetched_before(asked, fetched.card, &fetched.request)?;
            return Ok(Some(Outcome::Card(Box::new(card), fetched.at, Box::new(person.clone()))));
        }
        let awaited = grant.awaited.iter().find(|awaited| awaited.configuration == *name);
        let response = awaited.map(|awaited| self.ground.still_awaited(awaited, &asked.hash)).transpose()?.flatten();
        Ok(response.map(Outcome::Deferred))
    }

    fn order(&self, asked: &Asked<'_>, grant: &Grant, person: &Registered, at: Timestamp) -> Result<Ordered, CredentialError> {
        self.ground.order_of(asked.credential_type, grant, person, (asked.proved.keys(), at))
    }

    /// A repeated request gets its card; another one, or one for a card that was revoked since, does not.
    fn fetched_before(&self, asked: &Asked<'_>, card: CardId, hash: &OneTimeKey) -> Result<Card, CredentialError> {
        if *hash != asked.hash {
            return Err(Denial::AlreadyFetched.into());
        }
        match self.ground.store.get(&Key::Card(card)).map_err(Fault::from)?.map(|record| record.value) {
            Some(Record::Card(card)) if card.state == State::Revoked => {
                Err(Denial::Revoked(card.history.last().and_then(|last| last.reason)).into())
            }
            Some(Record::Card(card)) => Ok(card),
            _ => Err(Fault::Record("a card").into()),
        }
    }
}

impl Ground {
    /// Orders copies for these keys at this time, of what the register says of the person now.
    fn order_of(
        &self,
        credential_type: &CredentialType,
        grant: &Grant,
        person: &Registered,
        (keys, at): (&[PublicKey], Timestamp),
    ) -> Result<Ordered, CredentialError> {
        let day = civil_date(at).ok_or(Fault::Clock)?;
        let set = claim_set(credential_type, person, at, day)?;
        let holder_keys = keys.iter().map(thumbprint).collect();
        self.order_copies(Order { grant, person, credential_type, set: &set, holder_keys, at })
    }
}

/// The grant with a card that was fetched with it; nothing of its configuration is waited for any more.
fn with_card(grant: &Grant, configuration: &str, (card, at): (CardId, Timestamp), request: OneTimeKey) -> Grant {
    let mut grant = grant.clone();
    grant.awaited.retain(|awaited| awaited.configuration != configuration);
    grant.fetched.push(Fetched { configuration: configuration.to_owned(), card, request, at });
    grant
}

/// Hash of what a request asks for: the configuration and its proofs in any order. Texts are prefixed with their lengths,
/// so no two requests read alike.
fn request_hash(configuration: &str, proofs: &Proofs) -> OneTimeKey {
    let (proof_type, mut sorted): (&str, Vec<&str>) = match proofs {
        Proofs::Jwt(texts) => ("jwt", texts.iter().map(String::as_str).collect()),
        Proofs::Attestation(text) => ("attestation", vec![text]),
    };
    sorted.sort_unstable();
    let texts = [configuration, proof_type].into_iter().chain(sorted);
    sha256(texts.fold(Vec::new(), |mut bytes, text| {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }))
}

fn thumbprint(key: &PublicKey) -> String {
    crate::base::base64url::encode(key.thumbprint())
}

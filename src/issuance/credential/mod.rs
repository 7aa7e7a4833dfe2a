//! The credential endpoint: an access token and proofs of keys for a card, once (OpenID4VCI 1.0 section 8).
//!
//! One commit takes the nonces, writes the card into the grant and issues it; guards on the grant and on the person
//! decide between calls at one time. Copies are signed after it. A wallet that lost the answer repeats its request
//! word for word and gets the same card signed again, with the indices it has.

mod copies;
mod error;
mod order;

use crate::{
    base::time::Timestamp,
    crypto::{PublicKey, sha256},
    format::openid::credential::{CredentialRequest, CredentialResponse, Wanted},
    issuance::{
        Fault, Ground, Registered,
        caller::Shown,
        grant::{Access, AccessError, configuration},
        nonce::FreshNonce,
        proof::{self, Proof, ProofError},
    },
    model::{
        card::{Card, State},
        credential_type::CredentialType,
        grant::{Fetched, Grant},
        ids::CardId,
        person::civil_date,
        record::{Commit, Guard, Key, LeadsTo, OneTime, OneTimeKey, Record, Versioned, Write},
    },
    store::CommitError,
};
use copies::claim_set;
pub use error::{CredentialError, Denial};
use order::{Order, Ordered};

/// Grant and person change a few times at most; a longer loop is not ours to wait for.
const ATTEMPTS: usize = 16;

/// The credential endpoint.
#[derive(Clone)]
pub struct Credentials {
    ground: Ground,
}

/// A request whose token and target are good.
struct Asked<'a> {
    access: Access,
    credential_type: &'a CredentialType,
    proofs: Vec<Proof>,
    hash: OneTimeKey,
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

    /// Answers the request in `body`, made with the access token that is shown.
    pub fn issue(&self, shown: &Shown, body: &[u8]) -> Result<CredentialResponse, CredentialError> {
        let access = self.ground.access(shown)?;
        let request = CredentialRequest::parse(body)?;
        let credential_type = self.wanted(&access, &request.wanted)?;
        let hash = request_hash(&credential_type.name, &request.proofs);
        let proofs = proof::read_all(&request.proofs)?;
        let asked = Asked { access, credential_type, proofs, hash };
        let (card, at, person) = self.card(&asked)?;
        let keys: Vec<PublicKey> = asked.proofs.iter().map(|proof| proof.key.clone()).collect();
        let credentials = self.ground.sign_copies(credential_type, (&card, at), &person, &keys)?;
        Ok(CredentialResponse { credentials })
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
    fn grant_now(&self, asked: &Asked<'_>) -> Result<Versioned<Grant>, CredentialError> {
        let now = self.ground.clock.now();
        let grant = self.ground.grant(asked.access.grant.value.id)?;
        let is_good = |grant: &Versioned<Grant>| grant.value.is_live(now) && grant.value.generation == asked.access.generation;
        grant.filter(is_good).ok_or(CredentialError::Access(AccessError::InvalidToken))
    }

    /// The card this request issues, or the one it issued when it was made before, with the time of that; and whose it is.
    fn card(&self, asked: &Asked<'_>) -> Result<(Card, Timestamp, Registered), CredentialError> {
        let mut grant = asked.access.grant.clone();
        for _ in 0..ATTEMPTS {
            let person = self.ground.person(grant.value.person)?.ok_or(Denial::NotEligible(None))?;
            let name = &asked.credential_type.name;
            if let Some(fetched) = grant.value.fetched.iter().find(|fetched| fetched.configuration == *name) {
                let card = self.fetched_before(asked, fetched.card, &fetched.request)?;
                self.ground.spend_access(&asked.access)?;
                return Ok((card, fetched.at, person));
            }
            let nonces = self.check_proofs(asked)?;
            let at = self.ground.clock.now();
            let ordered = self.order(asked, &grant.value, &person, at)?;
            let (commit, settled) = commit(asked, &grant, &person, &nonces, (ordered, at));
            let nonces_end = settled + nonces.len();
            match self.ground.store.commit(commit) {
                Ok(receipt) => {
                    let card = receipt.issued.into_iter().next().ok_or(Fault::Record("an issued card"))?;
                    return Ok((card, at, person));
                }
                Err(CommitError::GuardFailed(guard)) if guard >= nonces_end => {
                    return Err(asked.access.replayed(guard - nonces_end).into());
                }
                Err(CommitError::GuardFailed(guard)) if guard >= settled => return Err(ProofError::NonceNotGood.into()),
                // Another request of this grant, or a change of the person, was faster: what it left decides.
                Err(CommitError::GuardFailed(_)) => grant = self.grant_now(asked)?,
                Err(error) => return Err(Fault::from(error).into()),
            }
        }
        Err(Fault::Busy.into())
    }

    fn order(&self, asked: &Asked<'_>, grant: &Grant, person: &Registered, at: Timestamp) -> Result<Ordered, CredentialError> {
        let day = civil_date(at).ok_or(Fault::Clock)?;
        let credential_type = asked.credential_type;
        let set = claim_set(credential_type, person, at, day)?;
        let holder_keys = asked.proofs.iter().map(|proof| thumbprint(&proof.key)).collect();
        self.ground.order_copies(Order { grant, person, credential_type, set: &set, holder_keys, at })
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

    /// The nonces of the proofs, each once: a batch may share one.
    fn check_proofs(&self, asked: &Asked<'_>) -> Result<Vec<FreshNonce>, ProofError> {
        let now = self.ground.clock.now();
        let mut nonces = Vec::with_capacity(asked.proofs.len());
        for proof in &asked.proofs {
            proof.check(&self.ground.public_url, asked.access.grant.value.client_id.as_deref(), now)?;
            nonces.push(self.ground.fresh_nonce(&proof.nonce).ok_or(ProofError::NonceNotGood)?);
        }
        nonces.sort_unstable();
        nonces.dedup();
        Ok(nonces)
    }
}

/// The commit that answers, and how many of its guards are settled by beginning anew; the others are on nonces, and on what
/// the request shows once.
fn commit(
    asked: &Asked<'_>,
    grant: &Versioned<Grant>,
    person: &Registered,
    nonces: &[FreshNonce],
    (ordered, at): (Ordered, Timestamp),
) -> (Commit, usize) {
    let mut with_card = grant.value.clone();
    let configuration = asked.credential_type.name.clone();
    with_card.fetched.push(Fetched { configuration, card: ordered.card, request: asked.hash, at });
    let mut guards =
        vec![Guard::Version(Key::Grant(grant.value.id), grant.version), Guard::Version(Key::Person(person.id), person.version)];
    guards.extend(ordered.guards);
    let settled = guards.len();
    guards.extend(nonces.iter().map(|nonce| Guard::Absent(Key::OneTime(nonce.key))));
    let mut writes = vec![Write::Put(Record::Grant(with_card))];
    writes.extend(ordered.writes);
    writes.extend(nonces.iter().map(|nonce| {
        let used = OneTime { key: nonce.key, leads_to: LeadsTo::Used, expires_at: nonce.expires_at };
        Write::Put(Record::OneTime(used))
    }));
    guards.extend(asked.access.spending.guards());
    writes.extend(asked.access.spending.writes());
    (Commit { guards, writes, issue: vec![ordered.issue], events: ordered.events }, settled)
}

/// Hash of what a request asks for: the configuration and its proofs in any order. Texts are prefixed with their lengths,
/// so no two requests read alike.
fn request_hash(configuration: &str, proofs: &[String]) -> OneTimeKey {
    let mut sorted: Vec<&str> = proofs.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let texts = std::iter::once(configuration).chain(sorted);
    sha256(texts.fold(Vec::new(), |mut bytes, text| {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }))
}

fn thumbprint(key: &PublicKey) -> String {
    crate::base::base64url::encode(key.thumbprint())
}

//! The credential endpoint: an access token and proofs of keys for a card, once (OpenID4VCI 1.0 section 8).
//!
//! One commit takes the nonces, writes the card into the grant and issues it; guards on the grant and on the person
//! decide between calls at one time. Copies are signed after it. A wallet that lost the answer repeats its request
//! word for word and gets the same card signed again, with the indices it has.

use serde_json::{Map, Value, json};

use crate::{
    base::time::{Date, Timestamp},
    crypto::{PublicKey, sha256},
    format::{
        openid::credential::{CredentialRequest, CredentialRequestError, CredentialResponse, IssuedCredential, Wanted},
        sdjwt::{self, Issuance, Step},
    },
    issuance::{
        Fault, Ground, Registered,
        caller::Shown,
        grant::{Access, AccessError, configuration},
        nonce::FreshNonce,
        proof::{self, Proof, ProofError},
    },
    keyring::Purpose,
    model::{
        card::{Card, Copy, IssueOrder, State},
        credential_type::{ClaimSet, CredentialType, Ineligible, PathStep},
        grant::{Fetched, Grant},
        ids::CardId,
        party::Actor,
        person::civil_date,
        record::{Commit, Guard, Key, LeadsTo, OneTime, OneTimeKey, Record, Versioned, Write},
    },
    store::CommitError,
};

/// Grant and person change a few times at most; a longer loop is not ours to wait for.
const ATTEMPTS: usize = 16;
/// The guards on grant and person stand before those on nonces.
const NONCE_GUARDS_FROM: usize = 2;

/// Why there is no credential.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CredentialError {
    /// The access token: 401 (RFC 6750 section 3.1).
    #[error(transparent)]
    Access(AccessError),
    /// The form of the request.
    #[error(transparent)]
    Request(#[from] CredentialRequestError),
    /// There is no such configuration.
    #[error("the credential configuration is not known")]
    UnknownConfiguration,
    /// The token response gave no such identifier.
    #[error("the credential identifier is not known")]
    UnknownIdentifier,
    /// The token response gave identifiers, so they have to be used (section 8.2).
    #[error("the credential has to be asked for by credential_identifier")]
    IdentifierNeeded,
    /// A proof.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The request is understood and will not be granted.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why a request that is understood is not granted. A wallet is told no more than that.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Denial {
    /// The configuration is not part of the offer.
    #[error("this credential was not offered")]
    NotOffered,
    /// The card was fetched already, by another request than this.
    #[error("this credential was fetched already")]
    AlreadyFetched,
    /// The card was revoked since.
    #[error("this credential was revoked")]
    Revoked,
    /// The person is not eligible any more, or is gone.
    #[error("the holder is not eligible for this credential")]
    NotEligible(Option<Ineligible>),
}

impl From<AccessError> for CredentialError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Fault(fault) => Self::Fault(fault),
            refused => Self::Access(refused),
        }
    }
}

impl CredentialError {
    /// The code (OpenID4VCI 1.0 section 8.3.1.2; RFC 6750 section 3.1); none when the fault is ours.
    pub const fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::Access(_) => "invalid_token",
            Self::Request(error) => error.code(),
            Self::UnknownConfiguration => "unknown_credential_configuration",
            Self::UnknownIdentifier => "unknown_credential_identifier",
            Self::IdentifierNeeded => "invalid_credential_request",
            Self::Proof(error) => error.code(),
            Self::Denied(_) => "credential_request_denied",
            Self::Fault(_) => return None,
        })
    }
}

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
        let (card, person) = self.card(&asked)?;
        self.copies(&asked, &card, &person)
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

    /// The card this request issues, or the one it issued when it was made before; and whose it is.
    fn card(&self, asked: &Asked<'_>) -> Result<(Card, Registered), CredentialError> {
        let mut grant = asked.access.grant.clone();
        for _ in 0..ATTEMPTS {
            let denied = || Denial::NotEligible(None);
            let person = self.ground.person(grant.value.person)?.ok_or_else(denied)?;
            let name = &asked.credential_type.name;
            if let Some(fetched) = grant.value.fetched.iter().find(|fetched| fetched.configuration == *name) {
                return Ok((self.fetched_before(asked, fetched.card, &fetched.request)?, person));
            }
            let nonces = self.check_proofs(asked)?;
            let now = self.ground.clock.now();
            let day = civil_date(now).ok_or(Fault::Clock)?;
            let set = claim_set(asked.credential_type, &person, now, day)?;
            let commit = self.commit(asked, &grant, &person, &nonces, &set);
            match self.ground.store.commit(commit) {
                Ok(receipt) => {
                    let card = receipt.issued.into_iter().next().ok_or(Fault::Record("an issued card"))?;
                    return Ok((card, person));
                }
                Err(CommitError::GuardFailed(at)) if at >= NONCE_GUARDS_FROM => {
                    return Err(ProofError::NonceNotGood.into());
                }
                // Another request of this grant, or a change of the person, was faster: what it left decides.
                Err(CommitError::GuardFailed(_)) => grant = self.grant_now(asked)?,
                Err(error) => return Err(Fault::from(error).into()),
            }
        }
        Err(Fault::Busy.into())
    }

    /// A repeated request gets its card; another one, or one for a card that was revoked since, does not.
    fn fetched_before(&self, asked: &Asked<'_>, card: CardId, hash: &OneTimeKey) -> Result<Card, CredentialError> {
        if *hash != asked.hash {
            return Err(Denial::AlreadyFetched.into());
        }
        match self.ground.store.get(&Key::Card(card)).map_err(Fault::from)?.map(|record| record.value) {
            Some(Record::Card(card)) if card.state == State::Revoked => Err(Denial::Revoked.into()),
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

    fn commit(
        &self,
        asked: &Asked<'_>,
        grant: &Versioned<Grant>,
        person: &Registered,
        nonces: &[FreshNonce],
        set: &ClaimSet,
    ) -> Commit {
        let id = CardId::random(&*self.ground.random);
        let name = &asked.credential_type.name;
        let at = self.ground.clock.now();
        let mut with_card = grant.value.clone();
        with_card.fetched.push(Fetched { configuration: name.clone(), card: id, request: asked.hash, at });
        let mut guards = vec![
            Guard::Version(Key::Grant(grant.value.id), grant.version),
            Guard::Version(Key::Person(person.id), person.version),
        ];
        guards.extend(nonces.iter().map(|nonce| Guard::Absent(Key::OneTime(nonce.key))));
        let used = nonces.iter().map(|nonce| {
            let used = OneTime { key: nonce.key, leads_to: LeadsTo::Used, expires_at: nonce.expires_at };
            Write::Put(Record::OneTime(used))
        });
        let writes = std::iter::once(Write::Put(Record::Grant(with_card))).chain(used).collect();
        let order = IssueOrder {
            id,
            person: person.id,
            credential_type: name.clone(),
            offer: grant.value.offer,
            instance: grant.value.instance.clone(),
            grant: Some(grant.value.id),
            holder_keys: asked.proofs.iter().map(|proof| thumbprint(&proof.key)).collect(),
            valid_from: set.valid_from,
            valid_until: set.valid_until,
            at,
            by: Actor::Wallet,
        };
        Commit { guards, writes, issue: vec![order], events: Vec::new() }
    }

    /// One signed copy a proof, in the order of the proofs, each with the index of its key.
    fn copies(&self, asked: &Asked<'_>, card: &Card, person: &Registered) -> Result<CredentialResponse, CredentialError> {
        let issued_at = card.history.first().map_or_else(|| self.ground.clock.now(), |change| change.at);
        let day = civil_date(issued_at).ok_or(Fault::Clock)?;
        let mut set = claim_set(asked.credential_type, person, issued_at, day)?;
        (set.valid_from, set.valid_until) = (card.valid_from, card.valid_until);
        let sign = |proof: &Proof| {
            let key = thumbprint(&proof.key);
            let copy = card.copies.iter().find(|copy| copy.holder_key == key).ok_or(Fault::Record("a card"))?;
            Ok(IssuedCredential { credential: self.sign(asked.credential_type, &set, copy, &proof.key)? })
        };
        let credentials = asked.proofs.iter().map(sign).collect::<Result<_, Fault>>()?;
        Ok(CredentialResponse { credentials })
    }

    fn sign(&self, wanted: &CredentialType, set: &ClaimSet, copy: &Copy, key: &PublicKey) -> Result<String, Fault> {
        let ground = &self.ground;
        let mut claims = set.claims.clone();
        let list_uri = copy.status.list.uri(&ground.public_url);
        for (name, value) in [
            ("iss", json!(&*ground.public_url)),
            ("vct", json!(wanted.vct(&ground.public_url))),
            // The beginning of the day, as `nbf`: copies fetched at different hours look alike.
            ("iat", json!(set.valid_from.unix())),
            ("nbf", json!(set.valid_from.unix())),
            ("exp", json!(set.valid_until.unix())),
            ("cnf", json!({"jwk": key.to_jwk()})),
            ("status", json!({"status_list": {"idx": copy.status.index, "uri": list_uri}})),
        ] {
            claims.insert(name.to_owned(), value);
        }
        let header = Map::from_iter([("x5c".to_owned(), x5c(ground.keyring.x5c(Purpose::Issuer)))]);
        let disclosable: Vec<Vec<Step>> = set.disclosable.iter().map(|path| path.iter().map(step).collect()).collect();
        let issuance = Issuance { header, claims, disclosable: &disclosable, decoys: 0 };
        sdjwt::issue(issuance, &*ground.keyring.signer(Purpose::Issuer), &*ground.random)
            .map_err(|error| Fault::Make(error.to_string()))
    }
}

fn claim_set(wanted: &CredentialType, person: &Registered, now: Timestamp, day: Date) -> Result<ClaimSet, Denial> {
    wanted.claim_set(&person.person, now, day).map_err(|reason| Denial::NotEligible(Some(reason)))
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

/// `x5c`: standard base64 with padding (RFC 7515 section 4.1.6).
fn x5c(chain: &[Vec<u8>]) -> Value {
    use base64::{Engine, engine::general_purpose::STANDARD};
    chain.iter().map(|der| STANDARD.encode(der)).collect()
}

fn step(step: &PathStep) -> Step {
    match step {
        PathStep::Name(name) => Step::Name(name.clone()),
        PathStep::Every => Step::Every,
    }
}

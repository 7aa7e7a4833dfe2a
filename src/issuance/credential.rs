//! The credential endpoint: an access token and proofs of keys for a card, once (OpenID4VCI 1.0 section 8).
//!
//! One commit takes the nonces, writes the card into the offer and issues it; guards on the offer and on the person
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
        grant::{Grant, configuration, credential_identifier},
        nonce::FreshNonce,
        offer::is_over,
        proof::{self, Proof, ProofError},
    },
    keyring::Purpose,
    model::{
        card::{Card, Copy, IssueOrder, State},
        credential_type::{ClaimSet, CredentialType, Ineligible, PathStep},
        ids::CardId,
        party::Actor,
        person::civil_date,
        record::{Commit, Guard, Key, LeadsTo, Offer, OneTime, OneTimeKey, Record, Versioned, Write},
    },
    store::CommitError,
};

/// Offer and person change a few times at most; a longer loop is not ours to wait for.
const ATTEMPTS: usize = 16;
/// The guards on offer and person stand before those on nonces.
const NONCE_GUARDS_FROM: usize = 2;

/// Why there is no credential.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CredentialError {
    /// The access token is not ours, past its time, or its offer is gone: 401 (RFC 6750 section 3.1).
    #[error("the access token is not good")]
    InvalidToken,
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

impl CredentialError {
    /// The code (OpenID4VCI 1.0 section 8.3.1.2; RFC 6750 section 3.1); none when the fault is ours.
    pub const fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::InvalidToken => "invalid_token",
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
    grant: Grant,
    credential_type: &'a CredentialType,
    proofs: Vec<Proof>,
    hash: OneTimeKey,
}

impl Credentials {
    /// On this ground.
    pub fn new(ground: Ground) -> Self {
        Self { ground }
    }

    /// Whether an access token is ours and good now: known before a body is taken from the one who shows it.
    pub fn accepts(&self, access_token: &str) -> bool {
        self.ground.grant(access_token).is_some()
    }

    /// Answers the request in `body`, made with `access_token`.
    pub fn issue(&self, access_token: &str, body: &[u8]) -> Result<CredentialResponse, CredentialError> {
        let grant = self.ground.grant(access_token).ok_or(CredentialError::InvalidToken)?;
        let request = CredentialRequest::parse(body)?;
        let credential_type = self.wanted(&grant, &request.wanted)?;
        let offer = self.offer(&grant)?;
        let hash = request_hash(&credential_type.name, &request.proofs);
        let proofs = proof::read_all(&request.proofs)?;
        let asked = Asked { grant, credential_type, proofs, hash };
        let (card, person) = self.card(&asked, offer)?;
        self.copies(&asked, &card, &person)
    }

    fn wanted(&self, grant: &Grant, wanted: &Wanted) -> Result<&CredentialType, CredentialError> {
        let types = &self.ground.types;
        match wanted {
            Wanted::Configuration(name) => {
                let found = types.get(name).ok_or(CredentialError::UnknownConfiguration)?;
                match grant.covers(name) {
                    true => Ok(found),
                    false if grant.covers(&credential_identifier(name)) => Err(CredentialError::IdentifierNeeded),
                    false => Err(Denial::NotOffered.into()),
                }
            }
            Wanted::Identifier(identifier) => {
                let name = configuration(identifier).filter(|_| grant.covers(identifier));
                let found = name.and_then(|name| types.get(name));
                found.map(|found| &**found).ok_or(CredentialError::UnknownIdentifier)
            }
        }
    }

    /// The offer of a grant, which has to be redeemed and still there.
    fn offer(&self, grant: &Grant) -> Result<Versioned<Offer>, CredentialError> {
        match self.ground.store.get(&Key::Offer(grant.offer)).map_err(Fault::from)? {
            Some(Versioned { version, value: Record::Offer(value) }) if value.redeemed => {
                if is_over(&value, self.ground.clock.now()) {
                    return Err(CredentialError::InvalidToken);
                }
                Ok(Versioned { version, value })
            }
            _ => Err(CredentialError::InvalidToken),
        }
    }

    /// The card this request issues, or the one it issued when it was made before; and whose it is.
    fn card(&self, asked: &Asked<'_>, mut offer: Versioned<Offer>) -> Result<(Card, Registered), CredentialError> {
        for _ in 0..ATTEMPTS {
            let denied = || Denial::NotEligible(None);
            let person = self.ground.person(offer.value.person)?.ok_or_else(denied)?;
            let name = &asked.credential_type.name;
            if let Some((_, card, hash)) = offer.value.cards.iter().find(|(fetched, ..)| fetched == name) {
                return Ok((self.fetched_before(asked, *card, hash)?, person));
            }
            let nonces = self.check_proofs(asked)?;
            let now = self.ground.clock.now();
            let day = civil_date(now).ok_or(Fault::Clock)?;
            let set = claim_set(asked.credential_type, &person, now, day)?;
            let commit = self.commit(asked, &offer, &person, &nonces, &set);
            match self.ground.store.commit(commit) {
                Ok(receipt) => {
                    let card = receipt.issued.into_iter().next().ok_or(Fault::Record("an issued card"))?;
                    return Ok((card, person));
                }
                Err(CommitError::GuardFailed(at)) if at >= NONCE_GUARDS_FROM => {
                    return Err(ProofError::NonceNotGood.into());
                }
                // Another request of this grant, or a change of the person, was faster: what it left decides.
                Err(CommitError::GuardFailed(_)) => offer = self.offer(&asked.grant)?,
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
            proof.check(&self.ground.public_url, asked.grant.client_id.as_deref(), now)?;
            nonces.push(self.ground.fresh_nonce(&proof.nonce).ok_or(ProofError::NonceNotGood)?);
        }
        nonces.sort_unstable();
        nonces.dedup();
        Ok(nonces)
    }

    fn commit(
        &self,
        asked: &Asked<'_>,
        offer: &Versioned<Offer>,
        person: &Registered,
        nonces: &[FreshNonce],
        set: &ClaimSet,
    ) -> Commit {
        let id = CardId::random(&*self.ground.random);
        let name = &asked.credential_type.name;
        let mut with_card = offer.value.clone();
        with_card.cards.push((name.clone(), id, asked.hash));
        let mut guards = vec![
            Guard::Version(Key::Offer(offer.value.id), offer.version),
            Guard::Version(Key::Person(person.id), person.version),
        ];
        guards.extend(nonces.iter().map(|nonce| Guard::Absent(Key::OneTime(nonce.key))));
        let used = nonces.iter().map(|nonce| {
            let used = OneTime { key: nonce.key, leads_to: LeadsTo::Used, expires_at: nonce.expires_at };
            Write::Put(Record::OneTime(used))
        });
        let writes = std::iter::once(Write::Put(Record::Offer(with_card))).chain(used).collect();
        let order = IssueOrder {
            id,
            person: person.id,
            credential_type: name.clone(),
            offer: offer.value.id,
            holder_keys: asked.proofs.iter().map(|proof| thumbprint(&proof.key)).collect(),
            valid_from: set.valid_from,
            valid_until: set.valid_until,
            at: self.ground.clock.now(),
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

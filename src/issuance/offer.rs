//! Offers: which cards a person may fetch, with a code that works once and soon.

use crate::{
    base::{base64url, secret::Secret, time::Timestamp},
    crypto::keyed_hash,
    format::openid::offer::{AuthorizationCode, CredentialOffer, Grants, PreAuthorizedCode, TxCode},
    issuance::{Fault, Ground, register::shard},
    model::{
        credential_type::Ineligible,
        ids::{OfferId, PersonId},
        party::{Authority, Capability, NotAllowed},
        record::{Commit, Guard, Key, LeadsTo, Offer, OneTime, OneTimeKey, Record, Write},
    },
};

/// How long an offer can be redeemed, in seconds: the time to scan a code at a counter, or to open a message.
pub const OFFER_SECONDS: i64 = 15 * 60;
/// Digits of a transaction code. With five tries one guess in 200,000 succeeds.
pub const TX_CODE_DIGITS: u8 = 6;
/// Wrong transaction codes after which an offer is dead (OpenID4VCI 1.0 section 13.6.3).
pub const WRONG_TX_CODES: u8 = 5;

/// What is to be offered to whom.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OfferOrder {
    /// To whom.
    pub person: PersonId,
    /// Which types, each once.
    pub credential_types: Vec<String>,
    /// Whether the wallet's user has to type a code that came another way.
    pub tx_code: bool,
    /// By which grants.
    pub grants: OfferedGrants,
}

/// By which grants an offer is redeemed. Whichever comes first, the other is over with it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OfferedGrants {
    /// By a pre-authorised code: whoever has the offer gets the cards.
    #[default]
    PreAuthorized,
    /// By the authorisation code flow: the person signs in.
    AuthorizationCode,
    /// By either.
    Both,
}

impl OfferedGrants {
    const fn has_code(self) -> bool {
        matches!(self, Self::PreAuthorized | Self::Both)
    }

    const fn has_state(self) -> bool {
        matches!(self, Self::AuthorizationCode | Self::Both)
    }
}

/// An offer just made. The only time its codes are shown.
#[derive(Clone, Debug)]
pub struct Offered {
    /// Its identifier.
    pub id: OfferId,
    /// The offer.
    pub offer: CredentialOffer,
    /// Where the offer is to be had by reference.
    pub uri: String,
    /// The transaction code.
    pub tx_code: Option<Secret<String>>,
    /// When it dies.
    pub expires_at: Timestamp,
}

/// Why nothing was offered.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OfferError {
    /// The authority does not reach that far.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such person.
    #[error("there is no such person")]
    UnknownPerson,
    /// A transaction code belongs to a pre-authorised code, which is not offered.
    #[error("a transaction code goes with a pre-authorized code only")]
    TxCodeWithoutCode,
    /// No type was named.
    #[error("an offer names at least one credential type")]
    NoTypes,
    /// There is no such type; its place in the list.
    #[error("credential_types[{0}] is not a credential type")]
    UnknownType(usize),
    /// A type stands twice; the later place in the list.
    #[error("credential_types[{0}] stands twice")]
    TypeTwice(usize),
    /// The person cannot be issued a type.
    #[error("{credential_type}: {reason}")]
    NotEligible {
        /// The type.
        credential_type: String,
        /// Why.
        reason: Ineligible,
    },
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The offers.
#[derive(Clone)]
pub struct Offers {
    ground: Ground,
}

impl Offers {
    /// On this ground.
    pub fn new(ground: Ground) -> Self {
        Self { ground }
    }

    /// Offers cards to a person who is eligible for each of them today.
    pub fn create(&self, authority: &Authority, order: &OfferOrder) -> Result<Offered, OfferError> {
        authority.require(Capability::OfferCards)?;
        self.make(order, None)
    }

    /// The same on nobody's word, for the test issuer, whose transaction code everybody knows.
    pub(super) fn make(&self, order: &OfferOrder, known_tx_code: Option<&str>) -> Result<Offered, OfferError> {
        let ground = &self.ground;
        self.check(order)?;
        let code = Secret::new(base64url::encode(ground.random.array::<32>()));
        let issuer_state = order.grants.has_state().then(|| base64url::encode(ground.random.array::<32>()));
        let tx_code =
            order.tx_code.then(|| known_tx_code.map_or_else(|| self.tx_code(), |known| Secret::new(known.to_owned())));
        let id = OfferId::random(&*ground.random);
        let expires_at = ground.clock.now().plus_seconds(OFFER_SECONDS);
        let by_code = || PreAuthorizedCode { code: code.expose().clone(), tx_code: tx_code_shape(&tx_code) };
        let offer = CredentialOffer {
            credential_issuer: ground.public_url.to_string(),
            credential_configuration_ids: order.credential_types.clone(),
            grants: Grants {
                pre_authorized_code: order.grants.has_code().then(by_code),
                authorization_code: issuer_state.clone().map(|state| AuthorizationCode { issuer_state: Some(state) }),
            },
        };
        let text = serde_json::to_vec(&offer).map_err(|_| Fault::Record("an offer"))?;
        let sealed = ground.keyring.sealer().seal(shard(id.as_bytes()), &context(id), &text, &*ground.random);
        let code_hash = ground.code_hash(code.expose());
        let issuer_state_hash = issuer_state.as_deref().map(|state| ground.issuer_state_hash(state));
        let record = Offer {
            id,
            person: order.person,
            credential_types: order.credential_types.clone(),
            code_hash,
            tx_code_hash: tx_code.as_ref().map(|code| ground.tx_code_hash(id, code.expose())),
            tx_code_length: tx_code.as_ref().map(|_| TX_CODE_DIGITS),
            wrong_tries: 0,
            redeemed: false,
            issuer_state_hash,
            expires_at,
            sealed_offer: base64url::encode(sealed),
        };
        // A code that is not offered leads nowhere.
        let keys = order.grants.has_code().then_some(code_hash).into_iter().chain(issuer_state_hash);
        let one_times: Vec<_> = keys.map(|key| OneTime { key, leads_to: LeadsTo::Offer(id), expires_at }).collect();
        let absent = one_times.iter().map(|one_time| Guard::Absent(Key::OneTime(one_time.key)));
        let commit = Commit {
            guards: std::iter::once(Guard::Absent(Key::Offer(id))).chain(absent).collect(),
            writes: std::iter::once(Record::Offer(record))
                .chain(one_times.iter().cloned().map(Record::OneTime))
                .map(Write::Put)
                .collect(),
            ..Commit::default()
        };
        ground.store.commit(commit).map_err(Fault::from)?;
        let uri = format!("{}/offers/{id}", ground.public_url);
        Ok(Offered { id, offer, uri, tx_code, expires_at })
    }

    /// The types that a person can be issued today.
    pub(super) fn possible(&self, person: PersonId) -> Result<Vec<String>, Fault> {
        let (_, today) = self.ground.today()?;
        let Some(registered) = self.ground.person(person)? else { return Ok(Vec::new()) };
        let possible = self.ground.types.iter().filter(|of| of.eligible(&registered.person, today).is_ok());
        Ok(possible.map(|of| of.name.clone()).collect())
    }

    /// The offer as a wallet fetches it by reference; none when there is none, or it is past its time, redeemed or dead.
    pub fn object(&self, id: OfferId) -> Result<Option<CredentialOffer>, Fault> {
        let Some(record) = self.ground.store.get(&Key::Offer(id))? else { return Ok(None) };
        let Record::Offer(offer) = record.value else { return Err(Fault::Record("an offer")) };
        if offer.redeemed || is_over(&offer, self.ground.clock.now()) {
            return Ok(None);
        }
        let sealed = base64url::decode(&offer.sealed_offer).map_err(|_| Fault::Record("an offer"))?;
        let text = self.ground.keyring.sealer().open(shard(id.as_bytes()), &context(id), &sealed)?;
        serde_json::from_slice(text.expose()).map(Some).map_err(|_| Fault::Record("an offer"))
    }

    fn check(&self, order: &OfferOrder) -> Result<(), OfferError> {
        let (_, today) = self.ground.today()?;
        if order.credential_types.is_empty() {
            return Err(OfferError::NoTypes);
        }
        if order.tx_code && !order.grants.has_code() {
            return Err(OfferError::TxCodeWithoutCode);
        }
        let person = self.ground.person(order.person)?.ok_or(OfferError::UnknownPerson)?.person;
        for (at, name) in order.credential_types.iter().enumerate() {
            let wanted = self.ground.types.get(name).ok_or(OfferError::UnknownType(at))?;
            if order.credential_types.iter().take(at).any(|earlier| earlier == name) {
                return Err(OfferError::TypeTwice(at));
            }
            wanted
                .eligible(&person, today)
                .map_err(|reason| OfferError::NotEligible { credential_type: name.clone(), reason })?;
        }
        Ok(())
    }

    fn tx_code(&self) -> Secret<String> {
        const CODES: u32 = 1_000_000;
        // Draws beyond the last whole million are drawn again, so that every code is equally likely.
        loop {
            let drawn = u32::from_be_bytes(self.ground.random.array());
            if drawn < u32::MAX - u32::MAX % CODES {
                return Secret::new(format!("{:06}", drawn % CODES));
            }
        }
    }
}

/// Past its time, or dead of wrong transaction codes.
pub(super) fn is_over(offer: &Offer, now: Timestamp) -> bool {
    now >= offer.expires_at || offer.wrong_tries >= WRONG_TX_CODES
}

fn tx_code_shape(tx_code: &Option<Secret<String>>) -> Option<TxCode> {
    tx_code.as_ref().map(|_| TxCode {
        input_mode: Some("numeric".to_owned()),
        length: Some(TX_CODE_DIGITS),
        description: Some("请输入办事窗口告知的验证码 / Enter the code you were given by the office".to_owned()),
    })
}

/// What a sealed offer is bound to.
fn context(id: OfferId) -> Vec<u8> {
    [b"offer:", id.as_bytes().as_slice()].concat()
}

impl Ground {
    /// The key under which the store finds the offer of a pre-authorised code.
    pub(super) fn code_hash(&self, code: &str) -> OneTimeKey {
        keyed_hash(self.keyring.code_key(), "pre-authorized code", code.as_bytes())
    }

    fn issuer_state_hash(&self, issuer_state: &str) -> OneTimeKey {
        keyed_hash(self.keyring.code_key(), "issuer state", issuer_state.as_bytes())
    }

    /// The offer that gave this `issuer_state`. A pre-authorised code is none.
    pub(super) fn offer_by_state(&self, issuer_state: &str) -> Result<Option<Offer>, Fault> {
        let hash = self.issuer_state_hash(issuer_state);
        let id = match self.store.get(&Key::OneTime(hash))?.map(|record| record.value) {
            Some(Record::OneTime(OneTime { leads_to: LeadsTo::Offer(id), .. })) => id,
            _ => return Ok(None),
        };
        match self.store.get(&Key::Offer(id))?.map(|record| record.value) {
            Some(Record::Offer(offer)) if offer.issuer_state_hash == Some(hash) => Ok(Some(offer)),
            _ => Ok(None),
        }
    }

    /// Hash of a transaction code, bound to its offer: equal codes of two offers do not show as equal.
    pub(super) fn tx_code_hash(&self, offer: OfferId, code: &str) -> OneTimeKey {
        keyed_hash(self.keyring.code_key(), "transaction code", &[offer.as_bytes().as_slice(), code.as_bytes()].concat())
    }
}

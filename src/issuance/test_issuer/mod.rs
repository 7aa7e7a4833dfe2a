//! A test issuer: made-up people whose codes are good again after each use, and offers that are there whenever they are asked
//! for. For makers of wallets; only where the keys are development keys, which no verifier believes.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    crypto::password,
    issuance::{
        Fault, Ground,
        offer::{OfferError, OfferOrder, Offered, OfferedGrants, Offers},
        people::{People, PeopleError},
        sign_in::SignIns,
    },
    model::{credential_type::Bilingual, id_number::IdNumber, ids::PersonId, sign_in::HashedCode},
};

/// The people.
const PEOPLE: &str = include_str!("people.toml");

/// How long a code is good, in seconds; it is made anew long before.
const CODE_SECONDS: i64 = 10 * 365 * 24 * 3600;

/// The transaction code of every offer that asks for one.
pub const TX_CODE: &str = "123456";

/// Somebody who does not exist.
#[derive(Clone, Debug)]
pub struct TestPerson {
    /// A word for them in addresses.
    pub name: String,
    /// The code they sign in with, time and again.
    pub activation_code: String,
    /// What they are good for.
    pub what: Bilingual,
    /// The number of their identity card.
    pub id_number: String,
    /// What the register says of them.
    fields: Map<String, Value>,
}

impl TestPerson {
    /// Whether they live here, and so are offered cards.
    pub fn is_offered_cards(&self) -> bool {
        !self.fields.contains_key("state")
    }
}

#[derive(Deserialize)]
struct PeopleText {
    people: Vec<PersonText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonText {
    name: String,
    activation_code: String,
    what: WhatText,
    fields: Map<String, Value>,
}

#[derive(Deserialize)]
struct WhatText {
    #[serde(rename = "zh-CN")]
    zh_cn: String,
    en: String,
}

/// What a test offer is redeemed with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TestOffer {
    /// A pre-authorised code alone.
    Code,
    /// A pre-authorised code and the transaction code.
    TxCode,
    /// The person signs in.
    SignIn,
}

impl TestOffer {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Code, Self::TxCode, Self::SignIn];

    /// A word for it in addresses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::TxCode => "tx-code",
            Self::SignIn => "sign-in",
        }
    }

    /// The one of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|offer| offer.name() == name)
    }
}

/// Why a test issuer does not start.
#[derive(Debug, thiserror::Error)]
pub enum TestIssuerError {
    /// The file of the people is not good.
    #[error("the people of the test issuer: {0}")]
    People(String),
    /// One of them is not taken by the register.
    #[error("the people of the test issuer: {0}: {1}")]
    Person(String, PeopleError),
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The test issuer.
pub struct TestIssuer {
    sign_ins: SignIns,
    offers: Offers,
    people: Vec<Known>,
}

/// A test person in the register.
struct Known {
    person: Arc<TestPerson>,
    id: PersonId,
    code: HashedCode,
}

impl TestIssuer {
    /// Registers whoever is missing and gives everybody their code.
    pub fn open(ground: &Ground) -> Result<Self, TestIssuerError> {
        let mut people = Vec::new();
        for person in read(PEOPLE)? {
            let of_person = |error| TestIssuerError::Person(person.name.clone(), error);
            let number = IdNumber::parse(&person.id_number).map_err(|error| TestIssuerError::People(error.to_string()))?;
            let id = match ground.id_of_number(&number)? {
                Some(id) => id,
                None => People::new(ground.clone()).register_for_tests(&person.fields).map_err(of_person)?,
            };
            let hash = password::hash(&person.activation_code, ground.keyring.code_key(), &*ground.random);
            let made_at = ground.clock.now();
            let code = HashedCode { hash: hash.map_err(Fault::from)?, made_at, expires_at: made_at.plus_seconds(CODE_SECONDS) };
            people.push(Known { person: Arc::new(person), id, code });
        }
        let issuer = Self { sign_ins: SignIns::new(ground.clone()), offers: Offers::new(ground.clone()), people };
        issuer.restore()?;
        Ok(issuer)
    }

    /// Gives everybody who used their code the same code again.
    pub fn restore(&self) -> Result<(), Fault> {
        self.people.iter().try_for_each(|known| self.sign_ins.keep_test_code(known.id, &known.code))
    }

    /// The people, in the order of the file.
    pub fn people(&self) -> impl Iterator<Item = &TestPerson> {
        self.people.iter().map(|known| &*known.person)
    }

    /// A new offer of everything that this person can have today; none when there is no such person.
    pub fn offer(&self, person: &str, offer: TestOffer) -> Result<Option<Offered>, OfferError> {
        let Some(known) = self.people.iter().find(|known| known.person.name == person) else { return Ok(None) };
        let order = OfferOrder {
            person: known.id,
            credential_types: self.offers.possible(known.id)?,
            tx_code: offer == TestOffer::TxCode,
            grants: if offer == TestOffer::SignIn { OfferedGrants::AuthorizationCode } else { OfferedGrants::PreAuthorized },
        };
        self.offers.make(&order, Some(TX_CODE)).map(Some)
    }
}

fn read(text: &str) -> Result<Vec<TestPerson>, TestIssuerError> {
    let bad = |why: String| TestIssuerError::People(why);
    let read: PeopleText = toml::from_str(text).map_err(|error| bad(error.to_string()))?;
    let person = |PersonText { name, activation_code, what, fields }| {
        let id_number = fields.get("id_number").and_then(Value::as_str).map(str::to_owned);
        let id_number = id_number.ok_or_else(|| bad(format!("{name}: no id_number")))?;
        let what = Bilingual { zh_cn: what.zh_cn, en: what.en };
        Ok(TestPerson { name, activation_code, what, id_number, fields })
    };
    read.people.into_iter().map(person).collect()
}

//! People in the store: sealed, found by blind indexes.

use std::collections::BTreeSet;

use crate::{
    base::{base64url, random::Random},
    crypto::Sealer,
    issuance::{Fault, Ground},
    model::{
        id_number::IdNumber,
        ids::PersonId,
        person::{Person, Token},
        record::{BlindIndex, Key, Query, Record, SealedPerson, Versioned},
    },
};

/// A person of the register.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registered {
    /// The identifier.
    pub id: PersonId,
    /// Counts changes: give it back to change what was seen and nothing newer.
    pub version: u64,
    /// The person.
    pub person: Person,
}

/// The shard whose key seals a record: by the first byte of its identifier, which is random.
pub(super) fn shard(id: &[u8; 16]) -> u8 {
    id[0] & 0x0f
}

/// What a sealed person is bound to: another person's record does not open in its place.
fn context(id: PersonId) -> Vec<u8> {
    [b"person:", id.as_bytes().as_slice()].concat()
}

pub(super) fn blind_index(sealer: &Sealer, token: &Token) -> BlindIndex {
    sealer.blind_index(token.field, &token.text)
}

/// Seals a person for the store.
pub fn seal_person(sealer: &Sealer, id: PersonId, person: &Person, random: &dyn Random) -> Result<SealedPerson, Fault> {
    let text = zeroize::Zeroizing::new(serde_json::to_vec(person).map_err(|_| Fault::Record("a person"))?);
    let sealed = sealer.seal(shard(id.as_bytes()), &context(id), &text, random);
    let blind_indexes: BTreeSet<_> = person.tokens().iter().map(|token| blind_index(sealer, token)).collect();
    Ok(SealedPerson { id, sealed: base64url::encode(sealed), blind_indexes })
}

impl Ground {
    /// Seals a person for the store.
    pub(super) fn seal_person(&self, id: PersonId, person: &Person) -> Result<SealedPerson, Fault> {
        seal_person(self.keyring.sealer(), id, person, &*self.random)
    }

    /// Opens a record that has to be a person's.
    pub(super) fn open_person(&self, record: Versioned<Record>) -> Result<Registered, Fault> {
        let Record::Person(SealedPerson { id, sealed, .. }) = record.value else { return Err(Fault::Record("a person")) };
        let sealed = base64url::decode(sealed).map_err(|_| Fault::Record("a person"))?;
        let text = self.keyring.sealer().open(shard(id.as_bytes()), &context(id), &sealed)?;
        let person = serde_json::from_slice(text.expose()).map_err(|_| Fault::Record("a person"))?;
        Ok(Registered { id, version: record.version, person })
    }

    /// The identifier of the person who has this identity number.
    pub(super) fn id_of_number(&self, number: &IdNumber) -> Result<Option<PersonId>, Fault> {
        let index = blind_index(self.keyring.sealer(), &Token::id_number(number));
        let found = self.store.find(&Query::People(vec![index]), None, 1)?;
        match found.records.into_iter().next().map(|record| record.value) {
            None => Ok(None),
            Some(Record::Person(person)) => Ok(Some(person.id)),
            Some(_) => Err(Fault::Record("a person")),
        }
    }

    /// The person of this identifier.
    pub(super) fn person(&self, id: PersonId) -> Result<Option<Registered>, Fault> {
        self.store.get(&Key::Person(id))?.map(|record| self.open_person(record)).transpose()
    }
}

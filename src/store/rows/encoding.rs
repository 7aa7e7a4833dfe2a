//! Records as bytes: one tree of keys whose first byte says what stands under them.
//!
//! A value is one byte of schema, eight bytes of version, and the record as JSON. Secondary indexes are keys without a
//! value, derived from the record in the same batch that writes it, so they cannot disagree with it.

use crate::{
    base::time::Timestamp,
    model::{
        card::State,
        ids::{PersonId, StoreId},
        record::{BlindIndex, Key, Record, Versioned},
    },
    store::ReadError,
};

/// The form of the records. Another one is refused at the start.
pub(in crate::store) const SCHEMA: u8 = 1;

/// The one key under which the store says which it is and how far it is.
pub(in crate::store) const IDENTITY: &[u8] = b"i";

pub(in crate::store) const PERSON: u8 = b'p';
pub(in crate::store) const CARD: u8 = b'c';
pub(in crate::store) const TOKEN: u8 = b't';
const OFFER: u8 = b'o';
const ONE_TIME: u8 = b'n';
pub(in crate::store) const EVIDENCE: u8 = b'e';
pub(in crate::store) const SETTING: u8 = b's';
const AUTHORIZATION: u8 = b'a';
const GRANT: u8 = b'g';
pub(in crate::store) const DEFERRED: u8 = b'd';
pub(in crate::store) const WALLET: u8 = b'w';
const SIGN_IN_CODES: u8 = b'k';
const INDEX: u8 = b'x';

/// What is not believed once the records were restored from a backup: it may have been used up or taken back since.
pub(in crate::store) const VOID_AFTER_RESTORE: [u8; 6] = [OFFER, ONE_TIME, AUTHORIZATION, GRANT, DEFERRED, SIGN_IN_CODES];

/// Which store the records are, and the number of the last event whose changes they hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::store) struct Identity {
    pub(in crate::store) store: StoreId,
    pub(in crate::store) sequence: u64,
}

/// Why an identity is not one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::store) enum NoIdentity {
    /// Written by another version of yufu, whose schema this is.
    UnknownSchema(u8),
    /// Not readable.
    Malformed,
}

impl Identity {
    pub(in crate::store) fn encode(&self) -> Vec<u8> {
        [&[SCHEMA][..], self.store.as_bytes(), &self.sequence.to_be_bytes()].concat()
    }

    pub(in crate::store) fn decode(bytes: &[u8]) -> Result<Self, NoIdentity> {
        let (schema, rest) = bytes.split_first().ok_or(NoIdentity::Malformed)?;
        if *schema != SCHEMA {
            return Err(NoIdentity::UnknownSchema(*schema));
        }
        let (store, sequence) = rest.split_first_chunk().ok_or(NoIdentity::Malformed)?;
        let sequence = sequence.try_into().map_err(|_| NoIdentity::Malformed)?;
        Ok(Self { store: StoreId::from_bytes(*store), sequence: u64::from_be_bytes(sequence) })
    }
}

/// The key of a record.
pub(in crate::store) fn key_bytes(key: &Key) -> Vec<u8> {
    let (tag, rest): (u8, &[u8]) = match key {
        Key::Person(id) => (PERSON, id.as_bytes()),
        Key::Card(id) => (CARD, id.as_bytes()),
        Key::Offer(id) => (OFFER, id.as_bytes()),
        Key::OneTime(key) => (ONE_TIME, key),
        Key::Token(id) => (TOKEN, id.as_bytes()),
        Key::Evidence(id) => (EVIDENCE, id.as_bytes()),
        Key::Authorization(id) => (AUTHORIZATION, id.as_bytes()),
        Key::Grant(id) => (GRANT, id.as_bytes()),
        Key::Deferred(id) => (DEFERRED, id.as_bytes()),
        Key::Wallet(id) => (WALLET, id.as_bytes()),
        Key::SignInCodes(person) => (SIGN_IN_CODES, person.as_bytes()),
        Key::Setting(name) => (SETTING, name.as_bytes()),
    };
    [&[tag], rest].concat()
}

/// The record's value.
pub(in crate::store) fn encode(version: u64, record: &Record) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::with_capacity(256);
    bytes.push(SCHEMA);
    bytes.extend(version.to_be_bytes());
    serde_json::to_writer(&mut bytes, record).map_err(|_| ReadError::Damaged("the store"))?;
    Ok(bytes)
}

/// Reads the value that stands under `key`.
pub(in crate::store) fn decode(key: &[u8], value: &[u8]) -> Result<Versioned<Record>, ReadError> {
    let damaged = ReadError::Damaged(kind(key));
    let (version, json) =
        value.strip_prefix(&[SCHEMA]).and_then(|rest| rest.split_first_chunk()).ok_or_else(|| damaged.clone())?;
    let record: Record = serde_json::from_slice(json).map_err(|_| damaged.clone())?;
    if key_bytes(&record.key()) != key {
        return Err(damaged);
    }
    Ok(Versioned { version: u64::from_be_bytes(*version), value: record })
}

fn kind(key: &[u8]) -> &'static str {
    match key.first() {
        Some(&PERSON) => "people",
        Some(&CARD) => "cards",
        Some(&OFFER) => "offers",
        Some(&ONE_TIME) => "one-time things",
        Some(&TOKEN) => "tokens",
        Some(&EVIDENCE) => "evidence",
        Some(&AUTHORIZATION) => "authorisations",
        Some(&GRANT) => "grants",
        Some(&DEFERRED) => "waiting issuances",
        Some(&WALLET) => "wallets",
        Some(&SIGN_IN_CODES) => "sign-in codes",
        Some(&SETTING) => "settings",
        _ => "the store",
    }
}

/// People by blind index; followed by the person.
pub(in crate::store) fn people_with(index: &BlindIndex) -> Vec<u8> {
    [&[INDEX, b'b'][..], index].concat()
}

/// Cards by person; followed by the card.
pub(in crate::store) fn cards_of(person: PersonId) -> Vec<u8> {
    [&[INDEX, b'p'][..], person.as_bytes()].concat()
}

/// Grants by person; followed by the grant.
pub(in crate::store) fn grants_of(person: PersonId) -> Vec<u8> {
    [&[INDEX, b'g'][..], person.as_bytes()].concat()
}

/// Offers, one-time things and what else ends by itself, by their end; followed by the end and the record's key.
pub(in crate::store) const EXPIRING: [u8; 2] = [INDEX, b'e'];

/// Suspended cards by the end of the suspension; followed by the end and the card.
pub(in crate::store) const SUSPENDED: [u8; 2] = [INDEX, b'u'];

/// Evidence by its end; followed by the end and the evidence.
pub(in crate::store) const EVIDENCE_ENDING: [u8; 2] = [INDEX, b'v'];

/// Bytes that sort as the times do.
pub(in crate::store) fn time_bytes(at: Timestamp) -> [u8; 8] {
    (at.unix() as u64 ^ 1 << 63).to_be_bytes()
}

/// Every key of a secondary index under which the record is found.
pub(in crate::store) fn index_keys(record: &Record) -> Vec<Vec<u8>> {
    let expiring = |at: Timestamp| [&EXPIRING[..], &time_bytes(at), &key_bytes(&record.key())].concat();
    match record {
        Record::Person(person) => {
            person.blind_indexes.iter().map(|index| [&people_with(index)[..], person.id.as_bytes()].concat()).collect()
        }
        Record::Card(card) => {
            let of_person = card.person.map(|person| [&cards_of(person)[..], card.id.as_bytes()].concat());
            let ends = card.suspended_until.filter(|_| card.state == State::Suspended);
            let suspended = ends.map(|end| [&SUSPENDED[..], &time_bytes(end), card.id.as_bytes()].concat());
            of_person.into_iter().chain(suspended).collect()
        }
        Record::Offer(offer) => vec![expiring(offer.expires_at)],
        Record::OneTime(one_time) => vec![expiring(one_time.expires_at)],
        Record::Authorization(authorization) => vec![expiring(authorization.expires_at)],
        Record::Grant(grant) => {
            vec![expiring(grant.expires_at), [&grants_of(grant.person)[..], grant.id.as_bytes()].concat()]
        }
        Record::Deferred(deferred) => vec![expiring(deferred.expires_at)],
        Record::Evidence(evidence) => {
            vec![[&EVIDENCE_ENDING[..], &time_bytes(evidence.ends_at()), evidence.id.as_bytes()].concat()]
        }
        Record::Token(_) | Record::Wallet(_) | Record::SignInCodes(_) | Record::Setting { .. } => Vec::new(),
    }
}

/// The record's key at the end of an index key.
pub(in crate::store) fn indexed_key(index_key: &[u8]) -> Option<Vec<u8>> {
    let tail = |tag: u8, skip: usize| Some([&[tag], index_key.get(skip..)?].concat());
    match index_key.get(..2)? {
        [INDEX, b'b'] => tail(PERSON, 2 + 16),
        [INDEX, b'p'] => tail(CARD, 2 + 16),
        [INDEX, b'g'] => tail(GRANT, 2 + 16),
        [INDEX, b'u'] => tail(CARD, 2 + 8),
        [INDEX, b'v'] => tail(EVIDENCE, 2 + 8),
        [INDEX, b'e'] => Some(index_key.get(2 + 8..)?.to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::{LeadsTo, OneTime};

    #[test]
    fn times_sort_as_their_bytes() {
        let times = [i64::MIN, -2, -1, 0, 1, 1_795_500_000, i64::MAX].map(|at| time_bytes(Timestamp::from_unix(at)));
        assert!(times.is_sorted());
    }

    #[test]
    fn a_record_is_read_only_under_its_own_key_and_schema() {
        let record = Record::OneTime(OneTime { key: [3; 32], leads_to: LeadsTo::Used, expires_at: Timestamp::from_unix(9) });
        let (key, mut value) = (key_bytes(&record.key()), encode(7, &record).expect("it is written"));
        assert_eq!(decode(&key, &value), Ok(Versioned { version: 7, value: record.clone() }));
        assert_eq!(decode(&[&[ONE_TIME][..], &[4; 32]].concat(), &value), Err(ReadError::Damaged("one-time things")));
        assert_eq!(index_keys(&record).iter().map(|index| indexed_key(index)).collect::<Vec<_>>(), [Some(key.clone())]);
        value[0] = 2;
        assert_eq!(decode(&key, &value), Err(ReadError::Damaged("one-time things")));
        assert_eq!(decode(&key, &[]), Err(ReadError::Damaged("one-time things")));
    }

    #[test]
    fn an_identity_of_another_schema_is_told_from_a_malformed_one() {
        let identity = Identity { store: StoreId::from_bytes([5; 16]), sequence: 1 << 40 };
        let mut bytes = identity.encode();
        assert_eq!(Identity::decode(&bytes), Ok(identity));
        assert_eq!(Identity::decode(&bytes[..24]), Err(NoIdentity::Malformed));
        bytes[0] = 9;
        assert_eq!(Identity::decode(&bytes), Err(NoIdentity::UnknownSchema(9)));
    }
}

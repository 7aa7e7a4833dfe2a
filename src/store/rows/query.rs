//! Searches over records, page by page.

use crate::{
    base::time::Timestamp,
    model::{
        deferred::Word,
        record::{Query, Record, Versioned},
    },
    store::{
        Page, ReadError,
        rows::{Rows, encoding},
    },
};

/// Records that answer `query`; see [`Store::find`](crate::store::Store::find). A cursor is the key of the last row
/// that was given; one that comes from elsewhere is only another place to begin in the same search.
pub(in crate::store) fn find(records: &dyn Rows, query: &Query, after: Option<&[u8]>, limit: usize) -> Result<Page, ReadError> {
    let mut page = Page::default();
    if limit == 0 {
        return Ok(page);
    }
    let (prefix, end) = range(query);
    let mut last = None;
    for row in records.scan(&prefix, after) {
        let (key, value) = row?;
        if end.as_ref().is_some_and(|end| key >= *end) {
            break;
        }
        let Some(record) = load(records, &key, &value)? else { continue };
        if !answers(query, &record.value) {
            continue;
        }
        if page.records.len() == limit {
            page.next = last;
            break;
        }
        page.records.push(record);
        last = Some(key);
    }
    Ok(page)
}

/// Which keys are read: those with the prefix, below the end if there is one.
fn range(query: &Query) -> (Vec<u8>, Option<Vec<u8>>) {
    let until = |prefix: &[u8], at| {
        // Keys go on behind the time, so the end is the next second.
        let end = Timestamp::plus_seconds(at, 1);
        (prefix.to_vec(), Some([prefix, &encoding::time_bytes(end)].concat()))
    };
    match query {
        Query::People(indexes) => match indexes.first() {
            Some(index) => (encoding::people_with(index), None),
            None => (vec![encoding::PERSON], None),
        },
        Query::Cards { person: Some(person), .. } => (encoding::cards_of(*person), None),
        Query::Cards { .. } => (vec![encoding::CARD], None),
        Query::Tokens => (vec![encoding::TOKEN], None),
        Query::Wallets => (vec![encoding::WALLET], None),
        Query::Deferred => (vec![encoding::DEFERRED], None),
        Query::Grants(person) => (encoding::grants_of(*person), None),
        Query::Expired(at) => until(&encoding::EXPIRING, *at),
        Query::SuspensionsEnded(at) => until(&encoding::SUSPENDED, *at),
        Query::EvidenceEnded(at) => until(&encoding::EVIDENCE_ENDING, *at),
    }
}

/// The record of a row, or the one an index row leads to; none when it was removed in between.
fn load(records: &dyn Rows, key: &[u8], value: &[u8]) -> Result<Option<Versioned<Record>>, ReadError> {
    match encoding::indexed_key(key) {
        None => encoding::decode(key, value).map(Some),
        Some(key) => records.raw(&key)?.map(|value| encoding::decode(&key, &value)).transpose(),
    }
}

/// The whole condition, over the record itself: an index row may be older than the record it leads to.
fn answers(query: &Query, record: &Record) -> bool {
    match (query, record) {
        (Query::People(indexes), Record::Person(found)) => indexes.iter().all(|index| found.blind_indexes.contains(index)),
        (Query::Cards { person, state, credential_type }, Record::Card(card)) => {
            person.is_none_or(|person| card.person == Some(person))
                && state.is_none_or(|state| card.state == state)
                && credential_type.as_ref().is_none_or(|credential_type| card.credential_type == *credential_type)
        }
        (Query::Tokens, Record::Token(_)) | (Query::Wallets, Record::Wallet(_)) => true,
        (Query::Deferred, Record::Deferred(deferred)) => deferred.word == Word::Waiting,
        (Query::Grants(person), Record::Grant(grant)) => grant.person == *person,
        (Query::Expired(at), Record::Offer(offer)) => offer.expires_at <= *at,
        (Query::Expired(at), Record::Authorization(authorization)) => authorization.expires_at <= *at,
        (Query::Expired(at), Record::Grant(grant)) => grant.expires_at <= *at,
        (Query::Expired(at), Record::Deferred(deferred)) => deferred.expires_at <= *at,
        (Query::Expired(at), Record::OneTime(one_time)) => one_time.expires_at <= *at,
        (Query::SuspensionsEnded(at), Record::Card(card)) => card.suspended_until.is_some_and(|until| until <= *at),
        (Query::EvidenceEnded(at), Record::Evidence(evidence)) => evidence.ends_at() <= *at,
        _ => false,
    }
}

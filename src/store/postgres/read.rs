//! Reads: over shared connections, each bounded in time, and from the replica where no commit depends on them.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use deadpool_postgres::{Object, Pool, PoolError};
use tokio_postgres::Client;

use crate::{
    model::{
        event::LoggedEvent,
        record::{Key, Query, Record, Versioned},
    },
    store::{
        Page, ReadError, TreeHead,
        postgres::{
            commit::PAGE,
            connect::Link,
            failure::Failure,
            rows::{Fetch, FetchedRows},
            runtime::Runtime,
            shared::Shared,
            sql::{self, Range},
        },
        rows::{Row, Rows, encoding, query},
    },
};

/// Attempts at a read whose connection turns out to have ended: as many as a restart of the server can have left in the
/// pool one after another without being noticed.
const ATTEMPTS: usize = 3;
/// Longest that the server is asked to give up a read that took too long.
const CANCELLING: Duration = Duration::from_secs(1);

/// A database to read from.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) pool: Pool,
    pub(super) link: Link,
}

/// What is done with a connection, as often as needed.
type Work<T> = dyn for<'a> Fn(&'a Client) -> Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>> + Send + Sync;

/// Reads for everybody.
pub(super) struct Reader {
    pub(super) runtime: Arc<Runtime>,
    pub(super) shared: Arc<Shared>,
    pub(super) primary: Source,
    pub(super) replica: Option<Source>,
    pub(super) patience: Duration,
}

impl Reader {
    /// The record under a key: from the primary, because what it says may decide by itself.
    pub(super) fn get(&self, key: &Key) -> Result<Option<Versioned<Record>>, ReadError> {
        let key = encoding::key_bytes(key);
        let rows = self.rows(&self.primary);
        rows.raw(&key)?.map(|value| encoding::decode(&key, &value)).transpose()
    }

    /// See [`Store::find`](crate::store::Store::find).
    pub(super) fn find(&self, asked: &Query, after: Option<&[u8]>, limit: usize) -> Result<Page, ReadError> {
        if let Some(replica) = self.replica.as_ref().filter(|_| may_be_a_little_old(asked))
            && let Ok(page) = query::find(&self.rows(replica), asked, after, limit)
        {
            return Ok(page);
        }
        query::find(&self.rows(&self.primary), asked, after, limit)
    }

    /// Events from number `from` on, at most `limit`, none beyond what this node has taken up.
    pub(super) fn events(&self, from: u64, limit: usize) -> Result<Vec<LoggedEvent>, ReadError> {
        let (mut next, TreeHead { size, .. }) = (from.max(1), self.shared.head());
        let last = size.min(next.saturating_add(limit as u64).saturating_sub(1));
        let mut found = Vec::new();
        while limit > 0 && next <= last {
            let page = self.page_of_events(next, last)?;
            // The head says that they are there.
            next = page.last().ok_or(ReadError::Damaged("the events"))?.event.number.saturating_add(1);
            found.extend(page);
        }
        Ok(found)
    }

    /// Some events, at least one: what the replica does not have yet, the primary has.
    fn page_of_events(&self, from: u64, to: u64) -> Result<Vec<LoggedEvent>, ReadError> {
        if let Some(replica) = &self.replica
            && let Ok(page) = self.events_at(replica, from, to)
            && !page.is_empty()
        {
            return Ok(page);
        }
        self.events_at(&self.primary, from, to)
    }

    fn events_at(&self, source: &Source, from: u64, to: u64) -> Result<Vec<LoggedEvent>, ReadError> {
        self.ask(source, move |client| Box::pin(sql::events(client, from, to, PAGE)))
    }

    fn rows<'a>(&'a self, source: &'a Source) -> FetchedRows<FromPool<'a>> {
        FetchedRows::new(FromPool { reader: self, source })
    }

    /// Does something with one of the connections, again on another one when it has ended meanwhile.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        source: &Source,
        work: impl for<'a> Fn(&'a Client) -> Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>> + Send + Sync + 'static,
    ) -> Result<T, ReadError> {
        let (source, patience) = (source.clone(), self.patience);
        // The bound inside answers first; the one outside is for a runtime that has no thread left.
        let done = self.runtime.ask(patience + CANCELLING, async move { attempts(&source, &work, patience).await });
        let done = done.unwrap_or(Err(Failure::Silent));
        done.map_err(|failure| {
            if let Failure::Damaged(what) = failure {
                return ReadError::Damaged(what);
            }
            tracing::warn!(%failure, "the database did not answer a read");
            ReadError::Unavailable
        })
    }
}

async fn attempts<T>(source: &Source, work: &Work<T>, patience: Duration) -> Result<T, Failure> {
    let until = tokio::time::Instant::now() + patience;
    let mut last = Failure::Silent;
    for _ in 0..ATTEMPTS {
        let object = match tokio::time::timeout_at(until, source.pool.get()).await {
            Ok(Ok(object)) => object,
            Ok(Err(PoolError::Backend(error))) => return Err(error.into()),
            _ => return Err(Failure::Silent),
        };
        let outcome = tokio::time::timeout_at(until, work(&object)).await;
        match outcome {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(failure)) if object.is_closed() => last = failure,
            Ok(Err(failure)) => return Err(failure),
            Err(_) => {
                give_up(object, &source.link);
                return Err(Failure::Silent);
            }
        }
    }
    Err(last)
}

/// Ends a connection that is still busy with something nobody waits for.
fn give_up(object: Object, link: &Link) {
    let (token, link) = (object.cancel_token(), link.clone());
    drop(Object::take(object));
    drop(tokio::spawn(async move { link.cancel(token, CANCELLING).await }));
}

/// Lists for people to read. A search by one index decides who somebody is, the cards and grants of one person are all
/// changed together, and what is past its time is removed: those are asked of the primary.
fn may_be_a_little_old(asked: &Query) -> bool {
    match asked {
        Query::People(indexes) => indexes.len() != 1,
        Query::Cards { person, .. } => person.is_none(),
        Query::Wallets | Query::Deferred => true,
        Query::Tokens | Query::Grants(_) | Query::Expired(_) | Query::SuspensionsEnded(_) | Query::EvidenceEnded(_) => false,
    }
}

/// Asks over shared connections, on any thread.
struct FromPool<'a> {
    reader: &'a Reader,
    source: &'a Source,
}

impl Fetch for FromPool<'_> {
    fn values(&self, keys: Vec<Vec<u8>>) -> Result<Vec<Row>, ReadError> {
        let keys = Arc::<[Vec<u8>]>::from(keys);
        self.reader.ask(self.source, move |client| {
            let keys = Arc::clone(&keys);
            Box::pin(async move { sql::values(client, &keys).await })
        })
    }

    fn range(&self, range: Range, limit: usize) -> Result<Vec<Row>, ReadError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.reader.ask(self.source, move |client| {
            let range = range.clone();
            Box::pin(async move { sql::range(client, &range, limit).await })
        })
    }
}

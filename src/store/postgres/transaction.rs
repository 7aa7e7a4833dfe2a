//! One transaction: what it reads in advance, what it writes, and what its end means.

use std::{cell::RefCell, collections::BTreeSet, future::Future, time::Duration};

use tokio_postgres::Client;

use crate::{
    model::{
        event::LoggedEvent,
        record::{Commit, Guard, Key, Write},
    },
    store::{
        ReadError, TreeHead,
        postgres::{
            failure::Failure,
            rows::{Fetch, FetchedRows},
            runtime::Runtime,
            sql::{self, Head, Range},
        },
        rows::{Change, Row, encoding},
    },
};

/// The channel on which other nodes are told of the number of the last event.
pub(super) const CHANNEL: &str = "yufu_events";
/// Longest that a transaction may lie idle between two statements before the server ends it: less than the time in which
/// a lost COMMIT is settled, which waits for that end.
const IDLE: Duration = Duration::from_secs(2);
/// Most rows that are read in advance for one prefix. A person has far fewer cards.
const PREFIX_ROWS: i64 = 1_000;

/// The rows that a group of commits will ask for.
pub(super) struct Touched {
    keys: Vec<Vec<u8>>,
    prefixes: Vec<Vec<u8>>,
}

impl Touched {
    pub(super) fn by(commits: &[Commit]) -> Self {
        let (mut keys, mut prefixes) = (BTreeSet::new(), BTreeSet::new());
        for commit in commits {
            for guard in &commit.guards {
                match guard {
                    Guard::Absent(key) | Guard::Version(key, _) => drop(keys.insert(encoding::key_bytes(key))),
                    Guard::NoPersonWith(index) => drop(prefixes.insert(encoding::people_with(index))),
                    Guard::NoOtherCard { person, .. } => drop(prefixes.insert(encoding::cards_of(*person))),
                }
            }
            keys.extend(commit.writes.iter().map(|write| match write {
                Write::Put(record) => encoding::key_bytes(&record.key()),
                Write::Remove(key) => encoding::key_bytes(key),
            }));
            keys.extend(commit.issue.iter().map(|order| encoding::key_bytes(&Key::Card(order.id))));
        }
        Self { keys: keys.into_iter().collect(), prefixes: prefixes.into_iter().collect() }
    }
}

/// What a transaction finds when it begins.
pub(super) struct Begun {
    pub(super) head: Head,
    values: Vec<Row>,
    prefixes: Vec<(Vec<u8>, Row)>,
}

/// Begins, takes the lock that puts all commits in order, and reads, in one round trip.
pub(super) async fn begin(client: &Client, touched: &Touched, patience: Duration) -> Result<Begun, Failure> {
    let opening = opening(patience);
    let values = async { if touched.keys.is_empty() { Ok(Vec::new()) } else { sql::values(client, &touched.keys).await } };
    let prefixes = async {
        if touched.prefixes.is_empty() { Ok(Vec::new()) } else { sql::prefixes(client, &touched.prefixes, PREFIX_ROWS).await }
    };
    // Sent in this order, without waiting for the answers; each statement sees what was committed before the lock.
    let (begun, head, values, prefixes) =
        tokio::join!(biased; client.batch_execute(&opening), sql::locked_head(client), values, prefixes);
    begun?;
    let head = head?.ok_or(Failure::Damaged("the head"))?;
    Ok(Begun { head, values: values?, prefixes: prefixes? })
}

fn opening(patience: Duration) -> String {
    let (limit, idle) = (patience.as_millis().max(1), IDLE.as_millis());
    format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = {limit}; \
         SET LOCAL idle_in_transaction_session_timeout = {idle}"
    )
}

/// The records as this transaction sees them.
pub(super) fn rows<'a>(
    within: InTransaction<'a>,
    touched: Touched,
    begun: Begun,
) -> Result<FetchedRows<InTransaction<'a>>, Failure> {
    let rows = FetchedRows::new(within);
    rows.know(touched.keys, begun.values);
    rows.know_prefixes(touched.prefixes, begun.prefixes, PREFIX_ROWS as usize);
    let led_to = rows.led_to();
    if !led_to.is_empty() {
        match rows.fetch().values(led_to.clone()) {
            Ok(found) => rows.know(led_to, found),
            Err(_) => return Err(rows.fetch().failure().unwrap_or(Failure::Silent)),
        }
    }
    Ok(rows)
}

/// Asks within a transaction, on the writer's thread. A failure ends the transaction, so it is remembered.
pub(super) struct InTransaction<'a> {
    runtime: &'a Runtime,
    client: &'a Client,
    patience: Duration,
    failure: RefCell<Option<Failure>>,
}

impl<'a> InTransaction<'a> {
    pub(super) fn new(runtime: &'a Runtime, client: &'a Client, patience: Duration) -> Self {
        Self { runtime, client, patience, failure: RefCell::new(None) }
    }

    /// What went wrong, if anything did since this was last asked.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure.borrow_mut().take()
    }

    fn ask<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, ReadError> {
        let done = self.runtime.wait(self.patience, work).unwrap_or(Err(Failure::Silent));
        done.map_err(|failure| {
            self.failure.borrow_mut().get_or_insert(failure);
            ReadError::Unavailable
        })
    }
}

impl Fetch for InTransaction<'_> {
    fn values(&self, keys: Vec<Vec<u8>>) -> Result<Vec<Row>, ReadError> {
        self.ask(sql::values(self.client, &keys))
    }

    fn range(&self, range: Range, limit: usize) -> Result<Vec<Row>, ReadError> {
        self.ask(sql::range(self.client, &range, i64::try_from(limit).unwrap_or(i64::MAX)))
    }
}

/// What a group writes.
pub(super) struct Writing<'a> {
    pub(super) changes: Vec<Change>,
    pub(super) events: &'a [LoggedEvent],
    /// The head with these events.
    pub(super) head: TreeHead,
    pub(super) node: [u8; 16],
    pub(super) group: [u8; 16],
}

/// How a transaction ended.
pub(super) enum Written {
    /// The database has it, and its synchronous standby too if there is one.
    Made,
    /// The database has said that nothing of it stands.
    Refused(Failure),
    /// The answer to COMMIT did not come.
    Unknown,
}

/// Writes and commits in one round trip.
pub(super) async fn write(client: &Client, writing: Writing<'_>) -> Written {
    let (mut puts, mut removals) = (Vec::new(), Vec::new());
    for (key, value) in writing.changes {
        match value {
            Some(value) => puts.push((key, value)),
            None => removals.push(key),
        }
    }
    let lasting = async {
        if writing.events.is_empty() {
            return Ok(());
        }
        // What an event says has to outlive a failover: the standby has it and shows it before anybody is answered.
        let statements = format!("SET LOCAL synchronous_commit = remote_apply; NOTIFY {CHANNEL}, '{}'", writing.head.size);
        Ok(client.batch_execute(&statements).await?)
    };
    let moved = async { if writing.events.is_empty() { Ok(()) } else { sql::move_head(client, writing.head).await } };
    let (lasting, events, put, removed, noted, moved, committed) = tokio::join!(
        biased;
        lasting,
        sql::add_events(client, writing.events),
        sql::put(client, &puts),
        sql::remove(client, &removals),
        sql::note_group(client, &writing.node, &writing.group),
        moved,
        client.batch_execute("COMMIT"),
    );
    let statements: Result<(), Failure> = [lasting, events, put, removed, noted, moved].into_iter().collect();
    match (statements, committed.map_err(Failure::from)) {
        (Ok(()), Ok(())) => Written::Made,
        // A transaction one of whose statements failed is rolled back by COMMIT.
        (Err(failure), Ok(())) => Written::Refused(failure),
        (_, Err(failure)) if failure.is_refusal() => Written::Refused(failure),
        _ => Written::Unknown,
    }
}

/// Whether a node's group was made. When it was, every synchronous standby has it afterwards.
pub(super) async fn was_made(client: &Client, node: &[u8; 16], group: &[u8; 16], patience: Duration) -> Result<bool, Failure> {
    client.batch_execute(&opening(patience)).await?;
    sql::locked_head(client).await?;
    let was_made = sql::last_group(client, node).await?.is_some_and(|last| last == group);
    if was_made {
        // A commit of its own waits for the standby, which the lost one may not have done.
        client.batch_execute("SET LOCAL synchronous_commit = remote_apply").await?;
        sql::note_group(client, node, group).await?;
    }
    client.batch_execute("COMMIT").await?;
    Ok(was_made)
}

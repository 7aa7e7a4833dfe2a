//! Copies a database, and fills an empty one from a copy.
//!
//! A copy is read in one transaction that sees the database as it was when it began (`REPEATABLE READ`), so commits go on
//! beside it. A database is filled in one transaction as well: it holds a whole store, or nothing.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use tokio_postgres::{Client, types::Type};

use crate::{
    format::merkle::{Frontier, leaf_hash},
    model::{event::LoggedEvent, ids::StoreId},
    store::{
        ReadError, TreeHead,
        postgres::{
            PostgresStore,
            address::Address,
            connect::Link,
            failure::Failure,
            runtime::Runtime,
            schema::{self, Migrate},
            settings::Patience,
            sql::{self, Head, Range},
        },
        rows::{Row as Written, encoding},
        transfer::{Digesting, Extent, Row, RowsDigest, Sink, Source, Target, TransferError},
    },
};

/// Rows and events read or written in one statement.
const PAGE: usize = 1_000;

/// How long one statement may take: an index grows while rows are added.
const STATEMENT: Duration = Duration::from_secs(60);

/// A database as something to copy from and into: a connection, not a store.
pub struct PostgresCopy {
    link: Link,
    runtime: Arc<Runtime>,
    connect: Duration,
}

impl PostgresCopy {
    /// Names a database; nothing is connected yet.
    pub fn of(address: &Address) -> Result<Self, TransferError> {
        let link = Link::to(address).map_err(|error| TransferError::Database(error.to_string()))?;
        let runtime = Arc::new(Runtime::start()?);
        Ok(Self { link, runtime, connect: Patience::default().connect })
    }

    /// Begins to fill the database, whose tables are made when there are none. One that holds a store is refused.
    pub fn fill(&self) -> Result<PostgresTarget, TransferError> {
        let client = self.client()?;
        self.asked(schema::migrate(&client))?;
        self.asked(run(&client, "BEGIN; LOCK TABLE migration IN EXCLUSIVE MODE"))?;
        let rows = "SELECT 1 FROM record UNION ALL SELECT 1 FROM event UNION ALL SELECT 1 FROM head LIMIT 1";
        let found = self.asked(async { Ok::<_, Failure>(client.query_typed(rows, &[]).await?) })?;
        if !found.is_empty() {
            return Err(TransferError::NotEmpty);
        }
        let (runtime, tree) = (Arc::clone(&self.runtime), Frontier::new());
        Ok(PostgresTarget { client, runtime, tree })
    }

    /// Notes in the database that its store was moved elsewhere: no node serves it any more.
    pub fn mark_moved(&self, to: &str) -> Result<(), TransferError> {
        let client = self.client()?;
        let insert = "INSERT INTO moved (one, moved_to) VALUES (1, $1) ON CONFLICT (one) DO NOTHING";
        self.asked(async { Ok::<_, Failure>(client.execute_typed(insert, &[(&to, Type::TEXT)]).await?) }).map(drop)
    }

    fn client(&self) -> Result<Client, TransferError> {
        self.asked(self.link.connect(self.connect))
    }

    fn asked<T, E: Into<Migrate>>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, TransferError> {
        asked(&self.runtime, work)
    }

    /// A connection in which everything is as it is now.
    fn as_of_now(&self) -> Result<(Client, Head), TransferError> {
        let client = self.client()?;
        self.asked(run(&client, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))?;
        let head = self.asked(sql::head(&client))?;
        let head = head.ok_or_else(|| TransferError::Database("there is no store in this database".to_owned()))?;
        if head.records_schema != i64::from(encoding::SCHEMA) {
            return Err(TransferError::Database(format!("the records have schema {}", head.records_schema)));
        }
        Ok((client, head))
    }

    /// Every row, in order, page by page.
    fn each_page(
        &self,
        client: &Client,
        take: &mut dyn FnMut(Vec<Written>) -> Result<(), TransferError>,
    ) -> Result<(), TransferError> {
        let mut range = Range { from: Vec::new(), is_behind: false, to: vec![u8::MAX] };
        loop {
            let rows = self.asked(sql::range(client, &range, PAGE as i64))?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            range = Range { from: last.clone(), is_behind: true, to: range.to };
            take(rows)?;
        }
    }
}

impl Source for PostgresCopy {
    fn copy(&self, to: &mut dyn Sink) -> Result<Extent, TransferError> {
        let (client, head) = self.as_of_now()?;
        self.each_page(&client, &mut |rows| to.rows(rows.into_iter().map(|(key, value)| (key, Some(value))).collect()))?;
        let mut tree = Frontier::new();
        while tree.size() < head.tree.size {
            let next = tree.size().saturating_add(1);
            let events = self.asked(sql::events(&client, next, head.tree.size, PAGE))?;
            if events.is_empty() {
                return Err(TransferError::LogNotWhole(next));
            }
            events.iter().for_each(|logged| tree.append(leaf_hash(&logged.commitment())));
            to.events(events)?;
        }
        if tree.root() != head.tree.root {
            return Err(TransferError::Differs("the events and the head"));
        }
        Ok(Extent { store: StoreId::from_bytes(head.store), head: head.tree })
    }

    fn digest(&self) -> Result<RowsDigest, TransferError> {
        let (client, _) = self.as_of_now()?;
        let mut digest = Digesting::default();
        self.each_page(&client, &mut |rows| {
            rows.iter().for_each(|(key, value)| digest.add(key, value));
            Ok(())
        })?;
        Ok(digest.finish())
    }
}

impl Source for PostgresStore {
    fn copy(&self, to: &mut dyn Sink) -> Result<Extent, TransferError> {
        self.copying()?.copy(to)
    }

    fn digest(&self) -> Result<RowsDigest, TransferError> {
        self.copying()?.digest()
    }
}

impl PostgresStore {
    fn copying(&self) -> Result<PostgresCopy, ReadError> {
        self.believed()?;
        let (link, runtime) =
            (self.reader.primary.link.clone(), Arc::new(Runtime::start().map_err(|_| ReadError::Unavailable)?));
        Ok(PostgresCopy { link, runtime, connect: self.patience.connect })
    }
}

/// A database that is being filled. Dropped before the end, it is as empty as it was.
pub struct PostgresTarget {
    client: Client,
    runtime: Arc<Runtime>,
    tree: Frontier,
}

impl Sink for PostgresTarget {
    fn rows(&mut self, rows: Vec<Row>) -> Result<(), TransferError> {
        // One word on each key: a statement may not touch a row twice.
        let newest: BTreeMap<Vec<u8>, Option<Vec<u8>>> = rows.into_iter().collect();
        let (mut put, mut removed) = (Vec::new(), Vec::new());
        for (key, value) in newest {
            match value {
                Some(value) => put.push((key, value)),
                None => removed.push(key),
            }
        }
        asked(&self.runtime, sql::remove(&self.client, &removed))?;
        put.chunks(PAGE).try_for_each(|rows| asked(&self.runtime, sql::put(&self.client, rows)))
    }

    fn events(&mut self, events: Vec<LoggedEvent>) -> Result<(), TransferError> {
        let next = self.tree.size().saturating_add(1);
        if events.first().is_some_and(|first| first.event.number != next) {
            return Err(TransferError::LogNotWhole(next));
        }
        events.iter().for_each(|logged| self.tree.append(leaf_hash(&logged.commitment())));
        events.chunks(PAGE).try_for_each(|events| asked(&self.runtime, sql::add_events(&self.client, events)))
    }
}

impl Target for PostgresTarget {
    fn finish(&mut self, extent: &Extent) -> Result<(), TransferError> {
        let tree = TreeHead { size: self.tree.size(), root: self.tree.root() };
        if tree != extent.head {
            return Err(TransferError::Differs("the events"));
        }
        let head = Head { store: *extent.store.as_bytes(), records_schema: i64::from(encoding::SCHEMA), tree };
        asked(&self.runtime, sql::make_head(&self.client, &head))?;
        asked(&self.runtime, run(&self.client, "COMMIT"))
    }
}

async fn run(client: &Client, statements: &str) -> Result<(), Failure> {
    Ok(client.batch_execute(statements).await?)
}

fn asked<T, E: Into<Migrate>>(runtime: &Runtime, work: impl Future<Output = Result<T, E>>) -> Result<T, TransferError> {
    let failed = |failure: Migrate| {
        TransferError::Database(match failure {
            Migrate::Failed(failure) => failure.to_string(),
            Migrate::Refused(error) => error.to_string(),
        })
    };
    runtime.wait(STATEMENT, work).map_or(Err(failed(Failure::Silent.into())), |done| done.map_err(|error| failed(error.into())))
}

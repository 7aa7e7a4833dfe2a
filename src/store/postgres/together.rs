//! What nodes arrange through the tables `lease`, `shelf` and `tree_head`.
//!
//! Leases and the shelf may be lost in a failover: a lease is taken anew, and a list that another node has published is
//! newer than what lies there and is served on. So they wait for no standby. A tree head that was shown must not be lost
//! and waits as the server says.

use std::{sync::Arc, time::Duration};

use deadpool_postgres::{Object, Pool};
use tokio_postgres::{Client, Row, types::Type};

use crate::{
    base::time::Timestamp,
    model::ids::ListId,
    store::{
        ReadError, TreeHead,
        postgres::{failure::Failure, runtime::Runtime, sql::Parameter},
        together::{Shelved, Together},
    },
};

/// Lists in one answer: a token is up to 350 kB, and one answer is a few megabytes in practice.
const LISTS_AT_ONCE: i64 = 64;

/// Attempts with connections that may have ended.
const ATTEMPTS: usize = 3;

const LEASE: &str = "INSERT INTO lease (name, holder, ends_at) \
    VALUES ($1, $2, clock_timestamp() + $3 * interval '1 millisecond') \
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at \
    WHERE lease.holder = excluded.holder OR lease.ends_at <= clock_timestamp()";

const SHELVE: &str = "INSERT INTO shelf (list, token, signed_at, expires_at, last_change, shown) \
    VALUES ($1, $2, $3, $4, $5, $6) \
    ON CONFLICT (list) DO UPDATE SET token = excluded.token, signed_at = excluded.signed_at, \
    expires_at = excluded.expires_at, last_change = excluded.last_change, shown = excluded.shown \
    WHERE excluded.signed_at >= shelf.signed_at AND excluded.last_change >= shelf.last_change \
    AND (excluded.signed_at > shelf.signed_at OR excluded.last_change > shelf.last_change)";

const SHELVED: &str = "SELECT s.list, s.token, s.signed_at, s.expires_at, s.last_change, s.shown FROM shelf AS s \
    LEFT JOIN unnest($1, $2, $3) AS k (list, signed_at, last_change) ON k.list = s.list \
    WHERE k.list IS NULL OR s.signed_at > k.signed_at OR (s.signed_at = k.signed_at AND s.last_change > k.last_change) \
    ORDER BY s.list LIMIT $4";

const KEEP_HEAD: &str = "INSERT INTO tree_head (size, root) VALUES ($1, $2) ON CONFLICT (size) DO NOTHING";
const KEPT_HEAD: &str = "SELECT root FROM tree_head WHERE size = $1";

/// One node among those of the database.
pub(super) struct Member {
    runtime: Arc<Runtime>,
    pool: Pool,
    node: [u8; 16],
    patience: Duration,
}

impl Member {
    /// The node of this name; each call takes at most `patience`.
    pub(super) const fn new(runtime: Arc<Runtime>, pool: Pool, node: [u8; 16], patience: Duration) -> Self {
        Self { runtime, pool, node, patience }
    }

    /// Does something with a connection, and once more with another one when that had ended unnoticed, as after a restart of
    /// the server. All of it may be done twice.
    fn ask<T, A>(&self, work: impl Fn(Object) -> A + Send + 'static) -> Result<T, ReadError>
    where
        T: Send + 'static,
        A: Future<Output = Result<T, Failure>> + Send,
    {
        let pool = self.pool.clone();
        let asked = self.runtime.ask(self.patience, async move {
            let mut failure = Failure::Silent;
            for _ in 0..ATTEMPTS {
                let Ok(client) = pool.get().await else { break };
                match work(client).await {
                    Err(again) if again.may_pass() => failure = again,
                    done => return done,
                }
            }
            Err(failure)
        });
        match asked {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Failure::Damaged(what))) => Err(ReadError::Damaged(what)),
            Ok(Err(_)) | Err(_) => Err(ReadError::Unavailable),
        }
    }
}

/// Runs one statement that waits for no standby; whether it changed a row.
async fn without_standby(client: &mut Client, statement: &str, parameters: &[Parameter<'_>]) -> Result<bool, Failure> {
    let transaction = client.transaction().await?;
    transaction.batch_execute("SET LOCAL synchronous_commit = off").await?;
    let changed = transaction.execute_typed(statement, parameters).await?;
    transaction.commit().await?;
    Ok(changed > 0)
}

fn number(of: u64) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

impl Together for Member {
    fn lease(&self, name: &str, lasts: Duration) -> Result<bool, ReadError> {
        let (name, node, lasts) = (name.to_owned(), self.node, lasts.as_secs_f64() * 1000.0);
        self.ask(move |mut client| {
            let name = name.clone();
            async move {
                let parameters: [Parameter<'_>; 3] = [(&name, Type::TEXT), (&&node[..], Type::BYTEA), (&lasts, Type::FLOAT8)];
                without_standby(&mut client, LEASE, &parameters).await
            }
        })
    }

    fn shelve(&self, list: &Shelved) -> Result<bool, ReadError> {
        let list = list.clone();
        self.ask(move |mut client| {
            let list = list.clone();
            async move {
                let (id, token) = (i64::from(list.list.0), &*list.token);
                let (signed_at, expires_at) = (list.signed_at.unix(), list.expires_at.unix());
                let (last_change, shown) = (number(list.last_change), number(list.shown));
                let parameters: [Parameter<'_>; 6] = [
                    (&id, Type::INT8),
                    (&token, Type::TEXT),
                    (&signed_at, Type::INT8),
                    (&expires_at, Type::INT8),
                    (&last_change, Type::INT8),
                    (&shown, Type::INT8),
                ];
                without_standby(&mut client, SHELVE, &parameters).await
            }
        })
    }

    fn shelved(&self, than: &[(ListId, Timestamp, u64)]) -> Result<Vec<Shelved>, ReadError> {
        let lists: Vec<i64> = than.iter().map(|(list, ..)| i64::from(list.0)).collect();
        let signed: Vec<i64> = than.iter().map(|(_, at, _)| at.unix()).collect();
        let changed: Vec<i64> = than.iter().map(|(.., change)| number(*change)).collect();
        self.ask(move |client| {
            let (lists, signed, changed) = (lists.clone(), signed.clone(), changed.clone());
            async move {
                let parameters: [Parameter<'_>; 4] = [
                    (&lists, Type::INT8_ARRAY),
                    (&signed, Type::INT8_ARRAY),
                    (&changed, Type::INT8_ARRAY),
                    (&LISTS_AT_ONCE, Type::INT8),
                ];
                client.query_typed(SHELVED, &parameters).await?.iter().map(read).collect()
            }
        })
    }

    fn keep_head(&self, head: TreeHead) -> Result<bool, ReadError> {
        self.ask(move |client| async move {
            let size = number(head.size);
            client.execute_typed(KEEP_HEAD, &[(&size, Type::INT8), (&&head.root[..], Type::BYTEA)]).await?;
            let kept = client.query_typed(KEPT_HEAD, &[(&size, Type::INT8)]).await?;
            let root: &[u8] = kept.first().ok_or(Failure::Damaged("the tree heads"))?.try_get(0)?;
            Ok(root == head.root)
        })
    }
}

fn read(row: &Row) -> Result<Shelved, Failure> {
    let damaged = |_| Failure::Damaged("the shelf of status lists");
    let unsigned = |at: usize| -> Result<u64, Failure> { u64::try_from(row.try_get::<_, i64>(at)?).map_err(damaged) };
    let token: &str = row.try_get(1)?;
    Ok(Shelved {
        list: ListId(u32::try_from(unsigned(0)?).map_err(damaged)?),
        token: token.into(),
        signed_at: Timestamp::from_unix(row.try_get(2)?),
        expires_at: Timestamp::from_unix(row.try_get(3)?),
        last_change: unsigned(4)?,
        shown: unsigned(5)?,
    })
}

//! Tables: numbered migrations, applied forward in one transaction each node waits for.

use tokio_postgres::{Client, types::Type};

use crate::store::postgres::{failure::Failure, settings::OpenError};

/// Every migration by its number, which rises by one. What stands in a released one never changes.
const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("../../../migrations/0001_records_and_events.sql")),
    (2, include_str!("../../../migrations/0002_moved.sql")),
];

/// The newest migration of this version.
fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |(version, _)| *version)
}

/// Brings the tables to this version's form. A database of a newer version is left as it is.
pub(super) async fn migrate(client: &Client) -> Result<(), Migrate> {
    // A node whose user may not make tables can still use those that are there.
    match applied(client).await {
        Ok(found) if found == newest() => return Ok(()),
        Ok(found) if found > newest() => return Err(newer(found)),
        Err(failure) if !failure.is_missing_table() => return Err(failure.into()),
        _ => {}
    }
    let table =
        "CREATE TABLE IF NOT EXISTS migration (version bigint PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())";
    if let Err(error) = client.batch_execute(table).await {
        // Two nodes that make it at one moment can both be told that it was not there; one of them made it.
        applied(client).await.map_err(|_| Failure::from(error))?;
    }
    client.batch_execute("BEGIN; LOCK TABLE migration IN EXCLUSIVE MODE").await.map_err(Failure::from)?;
    let done = apply(client).await;
    let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
    client.batch_execute(end).await.map_err(Failure::from)?;
    done
}

async fn apply(client: &Client) -> Result<(), Migrate> {
    let found = applied(client).await?;
    if found > newest() {
        return Err(newer(found));
    }
    for (version, statements) in MIGRATIONS.iter().filter(|(version, _)| *version > found) {
        let failed =
            |error| Migrate::Refused(OpenError::Migration { version: *version, why: Failure::from(error).to_string() });
        client.batch_execute(statements).await.map_err(failed)?;
        let note = "INSERT INTO migration (version) VALUES ($1)";
        client.execute_typed(note, &[(version, Type::INT8)]).await.map_err(failed)?;
    }
    Ok(())
}

/// The newest migration that was applied; 0 in a new database.
async fn applied(client: &Client) -> Result<i64, Failure> {
    let rows = client.query_typed("SELECT coalesce(max(version), 0) FROM migration", &[]).await?;
    Ok(rows.first().map_or(Ok(0), |row| row.try_get(0))?)
}

fn newer(found: i64) -> Migrate {
    Migrate::Refused(OpenError::NewerSchema { found, known: newest() })
}

/// Why the tables are not there.
#[derive(Debug)]
pub(super) enum Migrate {
    /// The database did not do it now.
    Failed(Failure),
    /// It is not to be done.
    Refused(OpenError),
}

impl From<Failure> for Migrate {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_from_one_without_gaps() {
        assert!(MIGRATIONS.iter().zip(1..).all(|((version, _), number)| *version == number));
    }
}

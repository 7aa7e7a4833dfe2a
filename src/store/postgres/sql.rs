//! The statements, all unnamed, so that a pooler may put each transaction on another connection.

use tokio_postgres::{
    Client, Row as DatabaseRow,
    types::{ToSql, Type},
};

use crate::{
    model::event::LoggedEvent,
    store::{TreeHead, postgres::failure::Failure, rows::Row},
};

/// One parameter of a statement and its type.
pub(super) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// Keys and values as the database takes and gives them.
pub(super) async fn values(client: &Client, keys: &[Vec<u8>]) -> Result<Vec<Row>, Failure> {
    let rows = "SELECT key, value FROM record WHERE key = ANY($1)";
    client.query_typed(rows, &[(&keys, Type::BYTEA_ARRAY)]).await?.iter().map(row).collect()
}

/// Rows from `from` on (or behind it) and below `to`, in order, at most `limit`.
pub(super) async fn range(client: &Client, range: &Range, limit: i64) -> Result<Vec<Row>, Failure> {
    let rows = if range.is_behind {
        "SELECT key, value FROM record WHERE key > $1 AND key < $2 ORDER BY key LIMIT $3"
    } else {
        "SELECT key, value FROM record WHERE key >= $1 AND key < $2 ORDER BY key LIMIT $3"
    };
    let parameters: [Parameter<'_>; 3] = [(&range.from, Type::BYTEA), (&range.to, Type::BYTEA), (&limit, Type::INT8)];
    client.query_typed(rows, &parameters).await?.iter().map(row).collect()
}

/// For each prefix the rows that begin with it, at most `limit`, as `(prefix, key, value)`.
pub(super) async fn prefixes(client: &Client, prefixes: &[Vec<u8>], limit: i64) -> Result<Vec<(Vec<u8>, Row)>, Failure> {
    let ends: Vec<Vec<u8>> = prefixes.iter().map(|prefix| end_of(prefix)).collect();
    let rows = "SELECT p.low, r.key, r.value FROM unnest($1, $2) AS p(low, high) CROSS JOIN LATERAL \
                (SELECT key, value FROM record WHERE key >= p.low AND key < p.high ORDER BY key LIMIT $3) AS r";
    let parameters: [Parameter<'_>; 3] = [(&prefixes, Type::BYTEA_ARRAY), (&ends, Type::BYTEA_ARRAY), (&limit, Type::INT8)];
    let found = client.query_typed(rows, &parameters).await?;
    found.iter().map(|row| Ok((row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?)))).collect()
}

fn row(row: &DatabaseRow) -> Result<Row, Failure> {
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// Which rows of the table.
#[derive(Clone, Debug)]
pub(super) struct Range {
    pub(super) from: Vec<u8>,
    /// Whether the row at `from` is left out.
    pub(super) is_behind: bool,
    pub(super) to: Vec<u8>,
}

/// The first key behind all that begin with `prefix`. No key begins with the byte 255.
pub(super) fn end_of(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return end;
        }
    }
    vec![u8::MAX]
}

/// What the row that puts all commits in order says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Head {
    pub(super) store: [u8; 16],
    pub(super) records_schema: i64,
    pub(super) tree: TreeHead,
}

const HEAD: &str = "SELECT store, records_schema, sequence, root FROM head";
const HEAD_LOCKED: &str = "SELECT store, records_schema, sequence, root FROM head FOR UPDATE";

/// The head; none in a new database.
pub(super) async fn head(client: &Client) -> Result<Option<Head>, Failure> {
    client.query_typed(HEAD, &[]).await?.first().map(read_head).transpose()
}

/// The head, locked until the transaction ends.
pub(super) async fn locked_head(client: &Client) -> Result<Option<Head>, Failure> {
    client.query_typed(HEAD_LOCKED, &[]).await?.first().map(read_head).transpose()
}

fn read_head(row: &DatabaseRow) -> Result<Head, Failure> {
    let damaged = |_| Failure::Damaged("the head");
    let (store, root): (&[u8], &[u8]) = (row.try_get(0)?, row.try_get(3)?);
    let sequence: i64 = row.try_get(2)?;
    let size = u64::try_from(sequence).map_err(|_| Failure::Damaged("the head"))?;
    let tree = TreeHead { size, root: root.try_into().map_err(damaged)? };
    Ok(Head { store: store.try_into().map_err(damaged)?, records_schema: row.try_get(1)?, tree })
}

/// Events from number `from` to `to`, both included, at most `limit`; in order and without gaps.
pub(super) async fn events(client: &Client, from: u64, to: u64, limit: usize) -> Result<Vec<LoggedEvent>, Failure> {
    let rows = "SELECT number, event, salt FROM event WHERE number >= $1 AND number <= $2 ORDER BY number LIMIT $3";
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let (first, last, limit) = (number(from), number(to), number(limit as u64));
    let parameters: [Parameter<'_>; 3] = [(&first, Type::INT8), (&last, Type::INT8), (&limit, Type::INT8)];
    let found = client.query_typed(rows, &parameters).await?;
    found.iter().zip(from..).map(|(row, number)| event(row, number)).collect()
}

/// The event of a row, which has to have this number.
fn event(row: &DatabaseRow, number: u64) -> Result<LoggedEvent, Failure> {
    let damaged = Failure::Damaged("the events");
    let (stands_at, text, salt): (i64, &str, &[u8]) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let (Ok(event), Ok(salt)) = (serde_json::from_str(text), salt.try_into()) else { return Err(damaged) };
    let logged = LoggedEvent { event, salt };
    let numbered = u64::try_from(stands_at) == Ok(number) && logged.event.number == number;
    if numbered { Ok(logged) } else { Err(damaged) }
}

/// Adds events.
pub(super) async fn add_events(client: &Client, events: &[LoggedEvent]) -> Result<(), Failure> {
    if events.is_empty() {
        return Ok(());
    }
    let (mut numbers, mut texts, mut salts) = (Vec::new(), Vec::new(), Vec::new());
    for logged in events {
        numbers.push(i64::try_from(logged.event.number).map_err(|_| Failure::Damaged("the number of an event"))?);
        texts.push(serde_json::to_string(&logged.event).map_err(|_| Failure::Damaged("an event"))?);
        salts.push(logged.salt.to_vec());
    }
    let insert = "INSERT INTO event (number, event, salt) SELECT * FROM unnest($1, $2, $3)";
    let parameters: [Parameter<'_>; 3] =
        [(&numbers, Type::INT8_ARRAY), (&texts, Type::TEXT_ARRAY), (&salts, Type::BYTEA_ARRAY)];
    client.execute_typed(insert, &parameters).await?;
    Ok(())
}

/// Writes rows, over those that are there.
pub(super) async fn put(client: &Client, rows: &[(Vec<u8>, Vec<u8>)]) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    let (keys, values): (Vec<&[u8]>, Vec<&[u8]>) = rows.iter().map(|(key, value)| (&key[..], &value[..])).unzip();
    let insert = "INSERT INTO record (key, value) SELECT * FROM unnest($1, $2) \
                  ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    client.execute_typed(insert, &[(&keys, Type::BYTEA_ARRAY), (&values, Type::BYTEA_ARRAY)]).await?;
    Ok(())
}

/// Removes rows; those that are not there are passed over.
pub(super) async fn remove(client: &Client, keys: &[Vec<u8>]) -> Result<(), Failure> {
    if !keys.is_empty() {
        client.execute_typed("DELETE FROM record WHERE key = ANY($1)", &[(&keys, Type::BYTEA_ARRAY)]).await?;
    }
    Ok(())
}

/// Moves the head on.
pub(super) async fn move_head(client: &Client, to: TreeHead) -> Result<(), Failure> {
    let sequence = i64::try_from(to.size).map_err(|_| Failure::Damaged("the number of events"))?;
    let update = "UPDATE head SET sequence = $1, root = $2";
    client.execute_typed(update, &[(&sequence, Type::INT8), (&&to.root[..], Type::BYTEA)]).await?;
    Ok(())
}

/// Where the store was moved to, if it was.
pub(super) async fn moved_to(client: &Client) -> Result<Option<String>, Failure> {
    Ok(client.query_typed("SELECT moved_to FROM moved", &[]).await?.first().map(|row| row.try_get(0)).transpose()?)
}

/// Makes the head of a new database.
pub(super) async fn make_head(client: &Client, head: &Head) -> Result<(), Failure> {
    let sequence = i64::try_from(head.tree.size).map_err(|_| Failure::Damaged("the number of events"))?;
    let insert = "INSERT INTO head (one, store, records_schema, sequence, root) VALUES (1, $1, $2, $3, $4)";
    let parameters: [Parameter<'_>; 4] = [
        (&&head.store[..], Type::BYTEA),
        (&head.records_schema, Type::INT8),
        (&sequence, Type::INT8),
        (&&head.tree.root[..], Type::BYTEA),
    ];
    client.execute_typed(insert, &parameters).await?;
    Ok(())
}

/// Notes the group that a node makes in this transaction.
pub(super) async fn note_group(client: &Client, node: &[u8; 16], group: &[u8; 16]) -> Result<(), Failure> {
    let insert = "INSERT INTO writer (node, last_group) VALUES ($1, $2) \
                  ON CONFLICT (node) DO UPDATE SET last_group = excluded.last_group, written_at = now()";
    client.execute_typed(insert, &[(&&node[..], Type::BYTEA), (&&group[..], Type::BYTEA)]).await?;
    Ok(())
}

/// The last group that a node made.
pub(super) async fn last_group(client: &Client, node: &[u8; 16]) -> Result<Option<Vec<u8>>, Failure> {
    let rows = client.query_typed("SELECT last_group FROM writer WHERE node = $1", &[(&&node[..], Type::BYTEA)]).await?;
    Ok(rows.first().map(|row| row.try_get(0)).transpose()?)
}

/// Forgets processes that have long ended. One of them would have to be away for a day to be in doubt of its last group.
pub(super) async fn forget_old_writers(client: &Client) -> Result<(), Failure> {
    let delete = "DELETE FROM writer WHERE written_at < now() - interval '1 day'";
    client.execute_typed(delete, &[]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_the_first_key_behind_it() {
        assert_eq!(end_of(b"c"), b"d");
        assert_eq!(end_of(&[1, 255, 255]), [2]);
        assert_eq!(end_of(&[]), [255]);
    }
}

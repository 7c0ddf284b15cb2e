//! What else production does while it is migrated, as statements.

use std::time::Duration;

use tokio_postgres::{Client, Error};

use super::names::quoted;
use crate::schema::RelationName;

/// Begins a transaction that has read these tables. With a snapshot of its own it is one that works on; without,
/// it keeps only its locks, and its `xmin` is let go.
pub async fn read_in_transaction(
    client: &Client,
    tables: &[RelationName],
    keeps_snapshot: bool,
) -> Result<(), Error> {
    let begin = match keeps_snapshot {
        true => "BEGIN ISOLATION LEVEL REPEATABLE READ",
        false => "BEGIN",
    };
    client.batch_execute(begin).await?;
    for table in tables {
        client.batch_execute(&look(table)).await?;
    }
    Ok(())
}

/// Begins what `pg_dump` begins with: one snapshot, and AccessShareLock on each table.
pub async fn begin_dump(client: &Client, tables: &[RelationName]) -> Result<(), Error> {
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
    client.batch_execute(begin).await?;
    for table in tables {
        let lock = format!("LOCK TABLE {} IN ACCESS SHARE MODE", quoted(table));
        client.batch_execute(&lock).await?;
    }
    Ok(())
}

/// Reads every row of a table and throws it away, as a dump reads it to write it elsewhere.
pub async fn dump_table(client: &Client, table: &RelationName) -> Result<(), Error> {
    use futures_util::TryStreamExt;
    let copy = format!("COPY (SELECT * FROM {}) TO STDOUT", quoted(table));
    let rows = client.copy_out(&copy).await?;
    rows.try_for_each(|_| std::future::ready(Ok(()))).await
}

/// Keeps a transaction busy for so long.
pub async fn work(client: &Client, length: Duration) -> Result<(), Error> {
    let sleep = format!("SELECT pg_catalog.pg_sleep({})", length.as_secs_f64());
    client.batch_execute(&sleep).await
}

/// One query over these tables that takes so long.
pub async fn query(
    client: &Client,
    tables: &[RelationName],
    length: Duration,
) -> Result<(), Error> {
    let reads = tables.iter().map(|table| format!("({})", look(table)));
    let columns: Vec<String> = reads.collect();
    let sleep = format!("pg_catalog.pg_sleep({})", length.as_secs_f64());
    let query = format!("SELECT {}", [&columns[..], &[sleep]].concat().join(", "));
    client.batch_execute(&query).await
}

/// Vacuums a table page by page, as slowly as the server lets it. Like the vacuum against the wraparound of
/// transaction numbers, and unlike any other of autovacuum's, it is not cancelled for those who wait for its
/// ShareUpdateExclusiveLock.
pub async fn vacuum(client: &Client, table: &RelationName) -> Result<(), Error> {
    // The longest pause after the fewest pages that the settings allow.
    let slowly = "SET vacuum_cost_delay = '100ms'; SET vacuum_cost_limit = 1; \
                  SET vacuum_cost_page_hit = 10000; SET vacuum_cost_page_miss = 10000";
    client.batch_execute(slowly).await?;
    let vacuum = format!("VACUUM (FREEZE, DISABLE_PAGE_SKIPPING) {}", quoted(table));
    client.batch_execute(&vacuum).await
}

/// Ends the open transaction, if there is one.
pub async fn end_transaction(client: &Client) -> Result<(), Error> {
    client.batch_execute("ROLLBACK").await
}

/// One row of a table at most: AccessShareLock, and hardly any work.
fn look(table: &RelationName) -> String {
    format!("SELECT 1 FROM {} LIMIT 1", quoted(table))
}

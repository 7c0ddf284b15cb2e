//! Tables that write no WAL while they are filled.

use tokio_postgres::{Client, Error};

/// The setting by which a private server says that it is being filled, and will be shut down cleanly
/// before anybody relies on its data.
pub const FILLING: &str = "pgrehearse.filling";

/// A table that the catalog calls unlogged writes no WAL, and its buffers reach the disk with the
/// shutdown's checkpoint only. It has no init fork, which an unlogged table's reset would need.
const SUSPEND: &str = "
    UPDATE pg_catalog.pg_class SET relpersistence = 'u'
    WHERE relpersistence = 'p' AND relkind IN ('r', 't')
      AND (oid = ANY ($1) OR oid IN (
          SELECT reltoastrelid FROM pg_catalog.pg_class WHERE oid = ANY ($1)))
      AND pg_catalog.current_setting($2, true) = 'on'
    RETURNING oid";

const RESUME: &str = "UPDATE pg_catalog.pg_class SET relpersistence = 'p' WHERE oid = ANY ($1)";

/// Stops the writing of WAL for these tables and what they store out of line, and returns which they
/// are: none on a server that is not [`FILLING`]. Only a superuser may. What is written until
/// [`resume`] survives a clean shutdown, and nothing less.
///
/// # Errors
/// What the server says.
pub async fn suspend(client: &Client, tables: &[u32]) -> Result<Vec<u32>, Error> {
    let rows = client.query(SUSPEND, &[&tables, &FILLING]).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Makes tables permanent again that [`suspend`] returned.
///
/// # Errors
/// What the server says.
pub async fn resume(client: &Client, suspended: &[u32]) -> Result<(), Error> {
    client.execute(RESUME, &[&suspended]).await.map(drop)
}

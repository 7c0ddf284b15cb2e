//! The scale of the tables that `pgbench -i` makes.

use tokio_postgres::{Client, Error};

/// Whether the table is there and may be read: a name that the search path does not find is NULL, and of
/// NULL so is the privilege.
const READABLE: &str = "SELECT coalesce(pg_catalog.has_table_privilege(
    pg_catalog.to_regclass('pgbench_branches'), 'SELECT'), false)";

/// What `pgbench` reports as its scale: the rows of `pgbench_branches`. None where there is no such table,
/// or none that may be read.
///
/// # Errors
/// What the server says.
pub async fn pgbench_scale(client: &Client) -> Result<Option<u64>, Error> {
    let readable: bool = client.query_one(READABLE, &[]).await?.try_get(0)?;
    if !readable {
        return Ok(None);
    }
    let count = "SELECT count(*) FROM pgbench_branches";
    let rows: i64 = client.query_one(count, &[]).await?.try_get(0)?;
    Ok(u64::try_from(rows).ok())
}

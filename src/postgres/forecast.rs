//! Makes a server work at a small table as production's would at its large one, with nothing beside it.

use tokio_postgres::{Client, Error};

use super::names;
use crate::schema::RelationName;

const MEMORY: &str = "
SELECT setting::int8, min_val::int8
FROM pg_catalog.pg_settings WHERE name = 'maintenance_work_mem'";

/// What a server gives to one index build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildMemory {
    /// `maintenance_work_mem`, in kB.
    pub kilobytes: i64,
    /// The least that the server takes, in kB.
    pub least: i64,
}

/// What the server gives to one index build.
///
/// # Errors
/// What the server says.
pub async fn build_memory(client: &Client) -> Result<BuildMemory, Error> {
    let row = client.query_one(MEMORY, &[]).await?;
    Ok(BuildMemory {
        kilobytes: row.try_get(0)?,
        least: row.try_get(1)?,
    })
}

/// Gives the sessions that begin from now on so much for an index build.
///
/// # Errors
/// What the server says.
pub async fn set_build_memory(client: &Client, kilobytes: i64) -> Result<(), Error> {
    let database = client.query_one("SELECT pg_catalog.current_database()", &[]);
    let database: String = database.await?.try_get(0)?;
    let statement = format!(
        "ALTER DATABASE {} SET maintenance_work_mem = '{kilobytes}kB'",
        names::quote(&database)
    );
    client.batch_execute(&statement).await
}

/// Workers that the planner would give to an index build on a table of $1 times the size, with `maintenance_work_mem`
/// $2 in kB, as `compute_parallel_worker` and `plan_create_index_workers` in PostgreSQL's source do: one for
/// `min_parallel_table_scan_size`, one more for every three times that, and 32 MB of memory for each and the leader.
const TABLES: &str = "
WITH setting AS (
    SELECT pg_catalog.current_setting('max_parallel_maintenance_workers')::int AS most,
           (SELECT setting::int8 FROM pg_catalog.pg_settings
            WHERE name = 'min_parallel_table_scan_size') AS first)
SELECT n.nspname, c.relname,
       least(setting.most,
             1 + pg_catalog.floor(pg_catalog.log(3, greatest(1, s.pages / greatest(1, setting.first))))::int,
             ($2::int8 / 32768 - 1)::int)
FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($3::float8[])) AS wanted (name, ratio)
JOIN pg_catalog.pg_namespace n ON true
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND n.nspname || '.' || c.relname = wanted.name
CROSS JOIN setting
CROSS JOIN LATERAL (
    SELECT (pg_catalog.pg_relation_size(c.oid)
            / pg_catalog.current_setting('block_size')::int * wanted.ratio)::numeric AS pages) s
WHERE c.relkind = 'r'
  AND s.pages >= setting.first
  AND NOT EXISTS (SELECT FROM pg_catalog.unnest(c.reloptions) AS o (text)
                  WHERE o.text LIKE 'parallel_workers=%')";

/// Gives tables (schema-qualified, each with how many times larger it is in production) the parallel workers that an
/// index build there has with so many kB of `maintenance_work_mem`, though not more than `most`: a small table would
/// have none.
///
/// # Errors
/// What the server says.
pub async fn set_build_workers(
    client: &Client,
    tables: &[(String, f64)],
    (kilobytes, most): (i64, usize),
) -> Result<(), Error> {
    let most = i32::try_from(most).unwrap_or(i32::MAX);
    let (names, ratios): (Vec<String>, Vec<f64>) = tables.iter().cloned().unzip();
    let rows = client.query(TABLES, &[&names, &kilobytes, &ratios]).await?;
    for row in rows {
        let table = RelationName {
            schema: row.try_get(0)?,
            name: row.try_get(1)?,
        };
        let workers = most.min(row.try_get(2)?);
        if workers > 0 {
            let table = names::quoted(&table);
            let statement = format!("ALTER TABLE {table} SET (parallel_workers = {workers})");
            client.batch_execute(&statement).await?;
        }
    }
    Ok(())
}

/// Keeps autovacuum away and writes to disk what is not there yet, so that what is measured next is alone.
///
/// # Errors
/// What the server says.
pub async fn be_alone(client: &Client) -> Result<(), Error> {
    for statement in [
        "ALTER SYSTEM SET autovacuum = off",
        "SELECT pg_catalog.pg_reload_conf()",
        "CHECKPOINT",
    ] {
        client.batch_execute(statement).await?;
    }
    Ok(())
}

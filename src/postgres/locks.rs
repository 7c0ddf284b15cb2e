//! `pg_locks` as the lock sampler reads it.

use std::time::Duration;

use tokio_postgres::{Client, Error, Row, Statement};

use crate::observe::lock_sample::LockRow;

/// Locks waited for, every lock on a relation that is waited for, and the migration's own.
/// `pg_locks` is read once, so that the rows are of one moment; the relation of a wait for a
/// transaction is that of the row whose tuple lock the waiter holds.
const SAMPLE: &str = "
WITH locks AS MATERIALIZED (SELECT * FROM pg_catalog.pg_locks WHERE pid <> pg_catalog.pg_backend_pid()),
     waited AS (SELECT DISTINCT relation FROM locks WHERE NOT granted AND relation IS NOT NULL),
     rows AS (
       SELECT l.pid, l.locktype, l.mode, l.granted, l.{waitstart} AS waitstart,
              coalesce(l.relation, (SELECT t.relation FROM locks t
                                    WHERE NOT l.granted AND t.pid = l.pid AND t.locktype = 'tuple' LIMIT 1)) AS relation
       FROM locks l
       WHERE NOT l.granted
          OR (l.locktype = 'relation' AND l.relation IN (SELECT relation FROM waited))
          OR (l.locktype = 'relation' AND l.pid = $1 AND l.relation >= 16384))
SELECT r.pid, r.locktype, r.mode, r.granted, r.relation,
       n.nspname || '.' || c.relname AS name,
       extract(epoch FROM pg_catalog.clock_timestamp() - r.waitstart)::float8 AS waited,
       CASE WHEN NOT r.granted THEN pg_catalog.pg_blocking_pids(r.pid) END AS blockers
FROM rows r
LEFT JOIN pg_catalog.pg_class c ON c.oid = r.relation
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
-- A relation without a row in pg_class is one that an open transaction made: nobody can wait for it.
WHERE NOT r.granted OR c.oid IS NOT NULL";

/// The lock sampler's query, prepared.
#[derive(Debug)]
pub struct LockQuery(Statement);

impl LockQuery {
    /// Prepares it. `server_version_num` decides whether `pg_locks.waitstart` exists (14).
    pub async fn prepare(client: &Client, server_version_num: i32) -> Result<Self, Error> {
        let text = match server_version_num {
            ..140_000 => SAMPLE.replace("l.{waitstart}", "NULL::timestamptz"),
            _ => SAMPLE.replace("{waitstart}", "waitstart"),
        };
        Ok(Self(client.prepare(&text).await?))
    }

    /// Reads the locks of this moment. `migration` is the migration's backend, 0 if there is none.
    pub async fn read(&self, client: &Client, migration: i32) -> Result<Vec<LockRow>, Error> {
        let rows = client.query(&self.0, &[&migration]).await?;
        rows.iter().map(lock_row).collect()
    }
}

fn lock_row(row: &Row) -> Result<LockRow, Error> {
    let oid: Option<u32> = row.try_get("relation")?;
    let name: Option<String> = row.try_get("name")?;
    let waited: Option<f64> = row.try_get("waited")?;
    let blockers: Option<Vec<i32>> = row.try_get("blockers")?;
    Ok(LockRow {
        pid: row.try_get("pid")?,
        locktype: row.try_get("locktype")?,
        // It may have been dropped since it was waited for.
        relation: oid.map(|oid| (oid, name.unwrap_or_else(|| format!("relation {oid}")))),
        mode: row.try_get("mode")?,
        granted: row.try_get("granted")?,
        waited: waited.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok()),
        blockers: blockers.unwrap_or_default(),
    })
}

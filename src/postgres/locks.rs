//! `pg_locks` as the lock sampler reads it.

use std::time::Duration;

use tokio_postgres::{Client, Error, Row, Statement};

use crate::observe::lock_sample::LockRow;

/// Locks waited for, every lock on a relation that is waited for, and the migration's own.
/// `pg_locks` is read once, so that the rows are of one moment; those of other databases' relations, whose oids may be
/// the same, are not this one's.
///
/// A wait for a row is one for the transaction that has locked it, and names no table. Its table is
/// that of the row whose tuple lock the waiter holds; where it holds none (a unique key that another
/// transaction has just written), the only table that both sessions have locked for writing. One for a
/// virtual transaction is of a `CONCURRENTLY`, and about the only table that the waiter has locked for
/// that. It waits for the snapshot of this very query too, for a moment: that is nobody's.
const SAMPLE: &str = "
WITH locks AS MATERIALIZED (
       SELECT * FROM pg_catalog.pg_locks
       WHERE pid <> pg_catalog.pg_backend_pid()
         AND (database IS NULL OR database = 0 OR database = (
                SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))),
     waited AS (SELECT DISTINCT relation FROM locks WHERE NOT granted AND relation IS NOT NULL),
     written AS (
       SELECT l.pid, l.mode, l.relation
       FROM locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation
       WHERE l.granted AND l.locktype = 'relation' AND c.relkind IN ('r', 'm')
         AND l.mode NOT IN ('AccessShareLock', 'SIReadLock')
         AND EXISTS (SELECT FROM locks w
                     WHERE NOT w.granted AND w.locktype IN ('transactionid', 'spectoken', 'virtualxid'))),
     rows AS (
       SELECT l.pid, l.locktype, l.mode, l.granted, l.{waitstart} AS waitstart,
              coalesce(l.relation,
                CASE WHEN NOT l.granted THEN
                  (SELECT t.relation FROM locks t WHERE t.pid = l.pid AND t.locktype = 'tuple' LIMIT 1) END,
                CASE WHEN NOT l.granted AND l.locktype IN ('transactionid', 'spectoken') THEN
                  (SELECT CASE WHEN count(DISTINCT own.relation) = 1 THEN min(own.relation::int8)::oid END
                   FROM locks holder
                   JOIN written theirs ON theirs.pid = holder.pid
                   JOIN written own ON own.pid = l.pid AND own.relation = theirs.relation
                   WHERE holder.granted AND holder.locktype = l.locktype
                     AND holder.transactionid = l.transactionid) END,
                CASE WHEN NOT l.granted AND l.locktype = 'virtualxid' THEN
                  (SELECT CASE WHEN count(DISTINCT own.relation) = 1 THEN min(own.relation::int8)::oid END
                   FROM written own WHERE own.pid = l.pid AND own.mode = 'ShareUpdateExclusiveLock') END
              ) AS relation
       FROM locks l
       WHERE NOT l.granted
          OR (l.locktype = 'relation' AND l.relation IN (SELECT relation FROM waited))
          OR (l.locktype = 'relation' AND l.pid = $1 AND l.relation >= 16384))
SELECT r.pid, r.locktype, r.mode, r.granted, r.relation,
       n.nspname || '.' || c.relname AS name,
       extract(epoch FROM pg_catalog.clock_timestamp() - r.waitstart)::float8 AS waited,
       CASE WHEN NOT r.granted THEN
         pg_catalog.array_remove(pg_catalog.pg_blocking_pids(r.pid), pg_catalog.pg_backend_pid()) END AS blockers
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

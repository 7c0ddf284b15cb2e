//! Which tables anyone has used, by the server's own counters.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error};

/// Scans and written rows of every user table and materialized view. Partitioned tables have no
/// counters of their own.
const USES: &str = "
SELECT s.schemaname || '.' || s.relname,
       coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0) + s.n_tup_ins + s.n_tup_upd + s.n_tup_del
FROM pg_catalog.pg_stat_user_tables s
JOIN pg_catalog.pg_class c ON c.oid = s.relid
WHERE c.relkind IN ('r', 'm')";

/// How often each table has been used so far, by schema-qualified name. Sessions report what they did
/// up to a second late.
pub async fn table_uses(client: &Client) -> Result<BTreeMap<String, i64>, Error> {
    let rows = client.query(USES, &[]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}

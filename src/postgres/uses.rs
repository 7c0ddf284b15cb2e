//! Which tables anyone has used, by the server's own counters.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error};

/// Scans, and written rows, of every user table and materialized view. Partitioned tables have no
/// counters of their own.
const USES: &str = "
SELECT s.schemaname || '.' || s.relname,
       coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0),
       s.n_tup_ins + s.n_tup_upd + s.n_tup_del
FROM pg_catalog.pg_stat_user_tables s
JOIN pg_catalog.pg_class c ON c.oid = s.relid
WHERE c.relkind IN ('r', 'm')";

/// How often a table was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Uses {
    /// Scans of it or of one of its indexes.
    pub scans: i64,
    /// Rows inserted, updated and deleted.
    pub writes: i64,
}

/// How often each table has been used so far, by schema-qualified name. Sessions report what they did
/// up to a second late.
pub async fn table_uses(client: &Client) -> Result<BTreeMap<String, Uses>, Error> {
    let rows = client.query(USES, &[]).await?;
    let uses = rows.iter().map(|row| {
        let uses = Uses {
            scans: row.try_get(1)?,
            writes: row.try_get(2)?,
        };
        Ok((row.try_get(0)?, uses))
    });
    uses.collect()
}

//! How large tables are.

use tokio_postgres::{Client, Error};

/// Tables with their bytes, indexes, TOAST and partitions included.
const SIZES: &str = "
SELECT n.nspname || '.' || c.relname,
       CASE c.relkind
         WHEN 'r' THEN pg_catalog.pg_total_relation_size(c.oid)
         ELSE (SELECT coalesce(sum(pg_catalog.pg_total_relation_size(t.relid)), 0)::int8
               FROM pg_catalog.pg_partition_tree(c.oid) t) END
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname || '.' || c.relname = ANY ($1)";

/// The sizes of these tables (schema-qualified) in bytes, in no particular order.
pub async fn table_sizes(client: &Client, names: &[String]) -> Result<Vec<(String, i64)>, Error> {
    let rows = client.query(SIZES, &[&names]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}

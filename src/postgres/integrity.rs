//! What a migration may leave behind: the schema's fingerprint, invalid indexes, unvalidated
//! constraints, and the scenario's invariants.

use tokio_postgres::{Client, Error};

/// Everything about user tables that DDL changes, one line an object, digested. Names only, no oids or
/// file numbers, so that two databases of equal schema have equal fingerprints.
const FINGERPRINT: &str = "
WITH tables AS (
  SELECT c.oid, n.nspname || '.' || c.relname AS name, c.relkind
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname NOT LIKE 'pg\\_%'),
lines AS (
  SELECT 'relation ' || name || ' ' || relkind::text AS line FROM tables
  UNION ALL
  SELECT 'column ' || t.name || '.' || a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
         || ' ' || a.attnotnull || ' ' || coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '')
  FROM tables t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  UNION ALL
  SELECT 'constraint ' || t.name || ' ' || c.conname || ' ' || pg_catalog.pg_get_constraintdef(c.oid) || ' ' || c.convalidated
  FROM tables t JOIN pg_catalog.pg_constraint c ON c.conrelid = t.oid
  UNION ALL
  SELECT 'index ' || t.name || ' ' || pg_catalog.pg_get_indexdef(i.indexrelid) || ' ' || i.indisvalid
  FROM tables t JOIN pg_catalog.pg_index i ON i.indrelid = t.oid
  UNION ALL
  SELECT 'trigger ' || t.name || ' ' || pg_catalog.pg_get_triggerdef(g.oid)
  FROM tables t JOIN pg_catalog.pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal)
SELECT pg_catalog.md5(coalesce(pg_catalog.string_agg(line, E'\\n' ORDER BY line COLLATE \"C\"), '')) FROM lines";

const INVALID_INDEXES: &str = "
SELECT n.nspname || '.' || c.relname
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' ORDER BY 1";

const UNVALIDATED_CONSTRAINTS: &str = "
SELECT n.nspname || '.' || t.relname || '.' || c.conname
FROM pg_catalog.pg_constraint c
JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE NOT c.convalidated ORDER BY 1";

/// A digest of the schema of all user relations.
pub async fn fingerprint(client: &Client) -> Result<String, Error> {
    client.query_one(FINGERPRINT, &[]).await?.try_get(0)
}

/// Indexes that queries cannot use.
pub async fn invalid_indexes(client: &Client) -> Result<Vec<String>, Error> {
    names(client, INVALID_INDEXES).await
}

/// Constraints that hold for new rows only.
pub async fn unvalidated_constraints(client: &Client) -> Result<Vec<String>, Error> {
    names(client, UNVALIDATED_CONSTRAINTS).await
}

async fn names(client: &Client, query: &str) -> Result<Vec<String>, Error> {
    client
        .query(query, &[])
        .await?
        .iter()
        .map(|row| row.try_get(0))
        .collect()
}

/// The number that an invariant's query gives; none if it gives no row or not a whole number.
pub async fn invariant(client: &Client, query: &str) -> Result<Option<i64>, Error> {
    // The simple protocol gives text whatever the type, so that count(*), sum() and int4 all do.
    let answers = client.simple_query(query).await?;
    let number = answers.iter().find_map(|answer| match answer {
        tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.try_get(0)),
        _ => None,
    });
    Ok(number
        .transpose()?
        .flatten()
        .and_then(|text| text.parse().ok()))
}

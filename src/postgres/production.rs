//! What production's statements need to know of the shadow: how far its columns reach.

use tokio_postgres::{Client, Error};

/// How far a column's values reach.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnSpan {
    /// The table, schema-qualified.
    pub table: String,
    /// The column.
    pub column: String,
    /// The lowest value, as text.
    pub low: String,
    /// The highest value, as text.
    pub high: String,
    /// From the one to the other: of numbers in units, of dates and times in seconds.
    pub width: f64,
}

/// The outermost bounds of the histograms that ANALYZE made. A column with few different values has none.
/// A partitioned table's own come after those of its rows alone, which are none.
const SPANS: &str = "
    SELECT s.schemaname || '.' || s.tablename AS relation, s.attname::text AS attribute, b.low, b.high,
           CASE WHEN t.typname IN ('date', 'timestamp', 'timestamptz')
                THEN extract(epoch FROM b.high::timestamptz - b.low::timestamptz)::float8
                ELSE b.high::float8 - b.low::float8 END AS width
    FROM pg_catalog.pg_stats AS s
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = s.schemaname
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = s.tablename
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = s.attname
    JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
    CROSS JOIN LATERAL (SELECT s.histogram_bounds::text::text[] AS all_bounds) AS h
    CROSS JOIN LATERAL (SELECT h.all_bounds[1] AS low,
                               h.all_bounds[array_upper(h.all_bounds, 1)] AS high) AS b
    WHERE s.schemaname NOT IN ('pg_catalog', 'information_schema') AND s.histogram_bounds IS NOT NULL
      AND t.typname IN ('int2', 'int4', 'int8', 'numeric', 'float4', 'float8', 'date', 'timestamp',
                        'timestamptz')
      AND b.low NOT IN ('infinity', '-infinity', 'NaN') AND b.high NOT IN ('infinity', 'Infinity', 'NaN')
    ORDER BY s.inherited";

/// How far the columns of all user tables reach, as ANALYZE saw it.
///
/// # Errors
/// What the server says.
pub async fn column_spans(client: &Client) -> Result<Vec<ColumnSpan>, Error> {
    let rows = client.query(SPANS, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(ColumnSpan {
                table: row.try_get("relation")?,
                column: row.try_get("attribute")?,
                low: row.try_get("low")?,
                high: row.try_get("high")?,
                width: row.try_get("width")?,
            })
        })
        .collect()
}

/// Bounds how long a statement that is tried may run, and what it may wait for.
///
/// # Errors
/// What the server says.
pub async fn be_brief(client: &Client) -> Result<(), Error> {
    client
        .batch_execute("SET statement_timeout = '2s'; SET lock_timeout = '2s'")
        .await
}

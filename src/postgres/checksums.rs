//! Checksums of tables' rows, whatever order the rows and columns are in.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error};

use super::names::{quote, quoted};
use crate::schema::RelationName;

/// The tables of users with their columns and the columns of their primary key. A partition's rows are those
/// of its table.
const TABLES: &str = "
SELECT n.nspname, c.relname, pg_catalog.array_agg(a.attname::text ORDER BY a.attname) AS columns,
       coalesce(pg_catalog.array_agg(a.attname::text ORDER BY a.attname)
         FILTER (WHERE a.attnum = ANY (i.indkey::int2[])), '{}') AS key
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp|toast_temp)'
GROUP BY n.nspname, c.relname ORDER BY n.nspname, c.relname";

/// A table's rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableSum {
    /// How many.
    pub rows: u64,
    /// A checksum of each column's values, each with the key of its row.
    pub columns: BTreeMap<String, String>,
}

/// Reads every row of every table.
///
/// # Errors
/// What the server says.
pub async fn sums(client: &Client) -> Result<BTreeMap<String, TableSum>, Error> {
    let mut sums = BTreeMap::new();
    for row in client.query(TABLES, &[]).await? {
        let name = RelationName {
            schema: row.try_get(0)?,
            name: row.try_get(1)?,
        };
        let columns: Vec<String> = row.try_get("columns")?;
        let key: Vec<String> = row.try_get("key")?;
        let sum = sum(client, &name, (columns, &key)).await?;
        sums.insert(name.to_string(), sum);
    }
    Ok(sums)
}

async fn sum(
    client: &Client,
    table: &RelationName,
    (columns, key): (Vec<String>, &[String]),
) -> Result<TableSum, Error> {
    let key: Vec<String> = key.iter().map(|c| format!("{}::text", quote(c))).collect();
    let key = match key.is_empty() {
        true => "''".to_owned(),
        false => key.join(" || ',' || "),
    };
    let sums: Vec<String> = columns
        .iter()
        .map(|column| {
            let value = format!("coalesce('=' || {}::text, '')", quote(column));
            // Its collation says how a hash is taken: one for all, under which only the same bytes are the same.
            format!(
                "sum(pg_catalog.hashtextextended(({key} || {value}) COLLATE \"C\", 0)::numeric)::text"
            )
        })
        .collect();
    let query = format!(
        "SELECT count(*), {} FROM {}",
        sums.join(", "),
        quoted(table)
    );
    let row = client.query_one(&query, &[]).await?;
    let rows: i64 = row.try_get(0)?;
    let read = columns.into_iter().enumerate().map(|(place, column)| {
        let sum: Option<String> = row.try_get(place + 1)?;
        Ok((column, sum.unwrap_or_default()))
    });
    Ok(TableSum {
        rows: u64::try_from(rows).unwrap_or(0),
        columns: read.collect::<Result<_, Error>>()?,
    })
}

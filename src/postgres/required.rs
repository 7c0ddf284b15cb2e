//! The columns that an INSERT must give a value, or fail.

use tokio_postgres::{Client, Error};

use super::names::quote;

/// A column that gets no value unless the INSERT gives it one, and must have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredColumn {
    /// Its table, schema-qualified.
    pub relation: String,
    /// Its name.
    pub name: String,
    /// Its place in the table, from 0; dropped columns do not count.
    pub place: usize,
}

/// Columns of one table that are NOT NULL, be it by their domain or by a CHECK, and have no default, identity
/// or expression of their own. A table with a trigger before each inserted row has none: the trigger may
/// give them values.
const REQUIRED: &str = "
SELECT n.nspname || '.' || c.relname, a.attname,
       (SELECT count(*) FROM pg_catalog.pg_attribute b
        WHERE b.attrelid = a.attrelid AND b.attnum BETWEEN 1 AND a.attnum - 1
          AND NOT b.attisdropped)
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE c.oid = pg_catalog.to_regclass($1) AND c.relkind IN ('r', 'p')
  AND a.attnum > 0 AND NOT a.attisdropped
  AND NOT a.atthasdef AND a.attidentity = '' AND t.typdefault IS NULL
  AND (a.attnotnull OR t.typnotnull
       OR EXISTS (SELECT FROM pg_catalog.pg_constraint k
                  WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]
                    AND pg_catalog.pg_get_expr(k.conbin, k.conrelid)
                        = pg_catalog.format('(%I IS NOT NULL)', a.attname)))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger g
                  WHERE g.tgrelid = c.oid AND g.tgtype & 7 = 7 AND g.tgenabled <> 'D')
ORDER BY a.attnum";

/// The columns that an INSERT into a table must give values; nothing where there is no such table. The name
/// is unquoted, and looked for in the session's search_path where it has no schema.
///
/// # Errors
/// What the server or the connection says.
pub async fn required_columns(
    client: &Client,
    (schema, table): (Option<&str>, &str),
) -> Result<Vec<RequiredColumn>, Error> {
    let name = match schema {
        Some(schema) => format!("{}.{}", quote(schema), quote(table)),
        None => quote(table),
    };
    let rows = client.query(REQUIRED, &[&name]).await?;
    rows.iter()
        .map(|row| {
            let place: i64 = row.try_get(2)?;
            Ok(RequiredColumn {
                relation: row.try_get(0)?,
                name: row.try_get(1)?,
                place: usize::try_from(place).unwrap_or(0),
            })
        })
        .collect()
}

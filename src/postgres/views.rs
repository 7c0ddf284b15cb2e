//! Materialized views, which a schema's files leave empty and production does not.

use tokio_postgres::{Client, Error};

use super::names::quoted;
use crate::schema::RelationName;

/// Views are made after what they read, so mostly this is an order in which they can be refreshed.
const MATERIALIZED: &str = "
    SELECT n.nspname, c.relname
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'm' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
                        AND d.deptype = 'e')
    ORDER BY c.oid";

/// The materialized views of a database, those that others read first.
///
/// # Errors
/// What the server says.
pub async fn materialized(client: &Client) -> Result<Vec<RelationName>, Error> {
    let rows = client.query(MATERIALIZED, &[]).await?;
    let names = rows.iter().map(|row| {
        Ok(RelationName {
            schema: row.try_get(0)?,
            name: row.try_get(1)?,
        })
    });
    names.collect()
}

/// Fills a materialized view and gathers its statistics.
///
/// # Errors
/// What the server says, such as that a view which it reads is not filled itself.
pub async fn refresh(client: &Client, view: &RelationName) -> Result<(), Error> {
    let name = quoted(view);
    client
        .batch_execute(&format!("REFRESH MATERIALIZED VIEW {name}"))
        .await?;
    client.batch_execute(&format!("ANALYZE {name}")).await
}

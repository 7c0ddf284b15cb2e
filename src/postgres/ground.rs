//! What a migration's rewriting must know of the database beside its tables.

use std::collections::BTreeSet;

use tokio_postgres::{Client, Error};

use crate::schema::{RelationName, Schema};
use crate::sql::Ground;

const RELATIONS: &str = "
    SELECT n.nspname, c.relname
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'";

/// Those of domains have no table, but their names are taken as well.
const CONSTRAINTS: &str = "
    SELECT n.nspname, k.conname
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
    WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'";

/// Filled materialized views with a unique index on plain columns of all rows, which is what REFRESH …
/// CONCURRENTLY asks for (`refresh_by_match_merge`).
const REFRESHABLE: &str = "
    SELECT n.nspname, c.relname
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'm' AND c.relispopulated
      AND EXISTS (SELECT FROM pg_catalog.pg_index i
                  WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid
                    AND i.indpred IS NULL AND i.indexprs IS NULL)";

const PARTITIONED_INDEXES: &str = "
    SELECT n.nspname, c.relname
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'I'";

const VERSION: &str = "SELECT current_setting('server_version_num')::int / 10000";

/// Reads what is known of the database for a rewriting; its `lock_timeout` is left to the caller.
///
/// # Errors
/// What the server or the connection says.
pub async fn read_ground(client: &Client, schema: Schema) -> Result<Ground, Error> {
    let major: i32 = client.query_one(VERSION, &[]).await?.try_get(0)?;
    Ok(Ground {
        schema,
        major: major.unsigned_abs(),
        relations: names(client, RELATIONS).await?,
        constraints: names(client, CONSTRAINTS).await?,
        refreshable: names(client, REFRESHABLE).await?,
        partitioned_indexes: names(client, PARTITIONED_INDEXES).await?,
        ..Ground::default()
    })
}

async fn names(client: &Client, query: &str) -> Result<BTreeSet<RelationName>, Error> {
    let rows = client.query(query, &[]).await?;
    let names = rows.iter().map(|row| {
        Ok(RelationName {
            schema: row.try_get(0)?,
            name: row.try_get(1)?,
        })
    });
    names.collect()
}

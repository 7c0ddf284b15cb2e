//! Indexes that stand still while tables are filled.

use tokio_postgres::{Client, Error};

use super::names;
use crate::schema::RelationName;

/// An index of a filled table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// `pg_class.oid`.
    pub oid: u32,
    /// Its name.
    pub name: RelationName,
    /// The table that it belongs to.
    pub table: RelationName,
    /// The table's size in bytes: what there is to read and sort.
    pub table_bytes: u64,
}

/// Indexes that are not ready take no inserts. Sessions that begin afterwards see it, and `REINDEX`
/// sets it back; an index of a partitioned table takes none. `indisvalid` stays, so that a foreign key can still be added meanwhile.
const SUSPEND: &str = "
    UPDATE pg_catalog.pg_index SET indisready = false
    FROM pg_catalog.pg_class x
    WHERE x.oid = indexrelid AND x.relkind = 'i'
      AND indrelid = ANY ($1) AND indislive AND indisready";

/// An index of a partitioned table is those of its partitions, and has nothing of its own to build. The
/// largest tables' first, so that the last to be built is a small one.
const INDEXES: &str = "
    SELECT i.indexrelid, xn.nspname, x.relname, tn.nspname, t.relname,
           pg_catalog.pg_relation_size(t.oid)
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace xn ON xn.oid = x.relnamespace
    JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
    JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
    WHERE i.indrelid = ANY ($1) AND i.indislive AND x.relkind = 'i'
    ORDER BY 6 DESC, x.relname";

/// Stops the maintenance of all indexes of these tables. Only a superuser may.
///
/// # Errors
/// What the server says.
pub async fn suspend(client: &Client, tables: &[u32]) -> Result<u64, Error> {
    client.execute(SUSPEND, &[&tables]).await
}

/// The indexes of these tables, those of the largest table first.
///
/// # Errors
/// What the server says.
pub async fn of_tables(client: &Client, tables: &[u32]) -> Result<Vec<Index>, Error> {
    let rows = client.query(INDEXES, &[&tables]).await?;
    let mut indexes = Vec::with_capacity(rows.len());
    for row in rows {
        indexes.push(Index {
            oid: row.try_get(0)?,
            name: RelationName {
                schema: row.try_get(1)?,
                name: row.try_get(2)?,
            },
            table: RelationName {
                schema: row.try_get(3)?,
                name: row.try_get(4)?,
            },
            table_bytes: u64::try_from(row.try_get::<_, i64>(5)?).unwrap_or(0),
        });
    }
    Ok(indexes)
}

/// `maintenance_work_mem` is what a whole build may take: its processes divide it.
const PARTICIPANTS: &str = "
    SELECT pg_catalog.set_config('max_parallel_maintenance_workers', ($1::bigint - 1)::text, false),
           pg_catalog.set_config('maintenance_work_mem',
               least(reset_val::bigint * $1::bigint, max_val::bigint)::text, false)
    FROM pg_catalog.pg_settings WHERE name = 'maintenance_work_mem'";

/// Lets what this session builds next be built by up to so many processes, each of which may take the
/// server's `maintenance_work_mem`.
///
/// # Errors
/// What the server says.
pub async fn set_participants(client: &Client, participants: u32) -> Result<(), Error> {
    let participants = i64::from(participants.max(1));
    client.query(PARTICIPANTS, &[&participants]).await.map(drop)
}

/// The statement that builds an index anew from its table, which makes it ready again.
pub fn rebuild_statement(index: &Index) -> String {
    format!("REINDEX INDEX {}", names::quoted(&index.name))
}

/// Whether this session's user is a superuser.
///
/// # Errors
/// What the server says.
pub async fn is_superuser(client: &Client) -> Result<bool, Error> {
    let sql = "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user";
    client.query_one(sql, &[]).await?.try_get(0)
}

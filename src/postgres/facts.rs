//! What a statement of the migration did, read on the migration's own connection while its
//! transaction is open: only there are its uncommitted catalog rows and its counters visible.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error, Row};

/// User relations with the number of their file, whether this transaction read them from end to end,
/// and the locks that this backend holds on them. One statement, so that it costs one round trip
/// while the migration's locks are held.
const SNAPSHOT: &str = "
SELECT c.oid, n.nspname || '.' || c.relname AS name, c.relkind::text AS kind, c.relfilenode AS file,
       pg_catalog.pg_stat_get_xact_numscans(c.oid) AS scans, i.indisvalid AS valid, held.modes
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
LEFT JOIN (SELECT l.relation, pg_catalog.array_agg(DISTINCT l.mode) AS modes
           FROM pg_catalog.pg_locks l
           WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted
           GROUP BY l.relation) held ON held.relation = c.oid
WHERE c.relkind IN ('r', 'p', 'm', 'v', 'S', 'i', 'I')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND n.nspname NOT LIKE 'pg\\_temp\\_%' AND n.nspname NOT LIKE 'pg\\_toast\\_temp\\_%'";

/// Locks on relations whose catalog rows this transaction has deleted.
const DROPPED_LOCKS: &str = "
SELECT l.relation AS oid, pg_catalog.array_agg(DISTINCT l.mode) AS modes
FROM pg_catalog.pg_locks l
WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = l.relation)
GROUP BY l.relation";

const WRITTEN: &str = "
SELECT (pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::int8 AS wal,
       pg_catalog.pg_database_size(pg_catalog.current_database()) AS size";

/// What the migration's session sees at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FactSnapshot {
    /// User relations by oid.
    pub relations: BTreeMap<u32, RelationFacts>,
    /// Locks held on relations that this transaction dropped.
    pub dropped_locks: BTreeMap<u32, Vec<String>>,
    /// Bytes of WAL written by the server since its beginning.
    pub wal: i64,
    /// The database's size in bytes.
    pub size: i64,
}

/// One relation as the migration's session sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationFacts {
    /// Schema-qualified name.
    pub name: String,
    /// What it is.
    pub kind: RelationKind,
    /// `pg_class.relfilenode`; 0 where there is no file.
    pub file: u32,
    /// Sequential scans begun in this transaction.
    pub scans: i64,
    /// `pg_index.indisvalid`, of indexes.
    pub valid: bool,
    /// Modes this backend holds on it.
    pub modes: Vec<String>,
}

/// The kinds of relations that matter to the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelationKind {
    /// A table or materialized view: it has rows.
    Table,
    /// An index.
    Index,
    /// A view or sequence.
    Other,
}

impl FactSnapshot {
    /// Reads it. Outside a transaction block the counters and locks are empty.
    pub async fn read(client: &Client) -> Result<Self, Error> {
        let relations = client.query(SNAPSHOT, &[]).await?;
        let dropped = client.query(DROPPED_LOCKS, &[]).await?;
        let written = client.query_one(WRITTEN, &[]).await?;
        Ok(Self {
            relations: relations
                .iter()
                .map(relation)
                .collect::<Result<_, Error>>()?,
            dropped_locks: dropped
                .iter()
                .map(|row| Ok((row.try_get("oid")?, row.try_get("modes")?)))
                .collect::<Result<_, Error>>()?,
            wal: written.try_get("wal")?,
            size: written.try_get("size")?,
        })
    }
}

fn relation(row: &Row) -> Result<(u32, RelationFacts), Error> {
    let kind: String = row.try_get("kind")?;
    let facts = RelationFacts {
        name: row.try_get("name")?,
        kind: match kind.as_str() {
            "r" | "p" | "m" => RelationKind::Table,
            "i" | "I" => RelationKind::Index,
            _ => RelationKind::Other,
        },
        file: row.try_get("file")?,
        scans: row.try_get("scans")?,
        valid: row.try_get::<_, Option<bool>>("valid")?.unwrap_or(true),
        modes: row
            .try_get::<_, Option<Vec<String>>>("modes")?
            .unwrap_or_default(),
    };
    Ok((row.try_get("oid")?, facts))
}

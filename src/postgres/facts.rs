//! What a statement of the migration did, read on the migration's own connection while its
//! transaction is open: only there are its uncommitted catalog rows and its counters visible.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error, Row};

/// What is read of a relation: the number of its file, whether this transaction read it from end to
/// end and which rows it changed, its size, and the locks that this backend holds on it.
const COLUMNS: &str = "
SELECT coalesce(c.oid, l.relation) AS oid, n.nspname || '.' || c.relname AS name,
       c.relkind::text AS kind, c.relfilenode AS file,
       pg_catalog.pg_stat_get_xact_numscans(c.oid) AS scans, l.modes,
       pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) AS inserted,
       pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) AS updated,
       pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) AS deleted, c.reltuples AS rows,
       CASE WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_relation_size(c.oid) END AS heap,
       CASE WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_table_size(c.oid)
            WHEN c.relkind = 'i' THEN pg_catalog.pg_relation_size(c.oid) END AS size, w.wal
FROM (SELECT (pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::int8 AS wal) w";

/// The relations that this backend has locked; oids below 16384 are the system's own.
const LOCKED: &str = "
LEFT JOIN (SELECT relation, pg_catalog.array_agg(DISTINCT mode) AS modes
           FROM pg_catalog.pg_locks
           WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'relation' AND granted
             AND relation >= 16384
           GROUP BY relation) l";

const USERS_OWN: &str = "
c.relkind IN ('r', 'p', 'm', 'v', 'S', 'i', 'I')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND n.nspname NOT LIKE 'pg\\_temp\\_%' AND n.nspname NOT LIKE 'pg\\_toast\\_temp\\_%'";

/// What the migration's session sees at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FactSnapshot {
    /// User relations by oid: all, or those that this backend has locked.
    pub relations: BTreeMap<u32, RelationFacts>,
    /// Locks held on relations that this transaction dropped.
    pub dropped_locks: BTreeMap<u32, Vec<String>>,
    /// Bytes of WAL written by the server since its beginning.
    pub wal: i64,
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
    /// Bytes of a table with its TOAST table, or of an index.
    pub size: i64,
    /// Modes this backend holds on it.
    pub modes: Vec<String>,
    /// Rows of it that this transaction changed.
    pub changed: ChangedRows,
    /// Rows that the planner takes it to have; 0 where it was never analyzed.
    pub rows: u64,
    /// Bytes of a table's rows alone.
    pub heap: i64,
    /// Whether the open transaction has made it: nobody else can wait for it.
    pub is_new: bool,
}

/// Rows that a transaction changed, its undone subtransactions included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangedRows {
    /// New ones.
    pub inserted: i64,
    /// Ones with other values.
    pub updated: i64,
    /// Deleted ones.
    pub deleted: i64,
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
    /// Reads all user relations. It takes some time where there are many, so it is for when no locks
    /// are held.
    pub async fn read(client: &Client) -> Result<Self, Error> {
        let sql = format!(
            "{COLUMNS}
             CROSS JOIN pg_catalog.pg_class c
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace {LOCKED} ON l.relation = c.oid
             WHERE {USERS_OWN}"
        );
        Self::of(&client.query_typed(&sql, &[]).await?)
    }

    /// Reads the relations that this backend has locked: whatever its open transaction did, it did to
    /// these. One round trip, since everybody waits for it who waits for the locks.
    pub async fn read_locked(client: &Client) -> Result<Self, Error> {
        let sql = format!(
            "{COLUMNS} {LOCKED} ON true
             LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
             LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.oid IS NULL OR {USERS_OWN}"
        );
        Self::of(&client.query_typed(&sql, &[]).await?)
    }

    /// The rows of either query. One without a relation tells the WAL alone, one without a name is of a
    /// relation that this transaction dropped.
    fn of(rows: &[Row]) -> Result<Self, Error> {
        let mut snapshot = Self::default();
        for row in rows {
            snapshot.wal = row.try_get("wal")?;
            let Some(oid) = row.try_get::<_, Option<u32>>("oid")? else {
                continue;
            };
            let modes: Option<Vec<String>> = row.try_get("modes")?;
            let modes = modes.unwrap_or_default();
            match row.try_get::<_, Option<String>>("name")? {
                Some(name) => {
                    let facts = relation(row, (name, modes))?;
                    snapshot.relations.insert(oid, facts);
                }
                None => {
                    snapshot.dropped_locks.insert(oid, modes);
                }
            }
        }
        Ok(snapshot)
    }

    /// Brings it up to what a later reading of the locked relations shows.
    pub fn update(&mut self, later: Self) {
        let Self {
            relations,
            dropped_locks,
            wal,
        } = later;
        self.relations
            .retain(|oid, _| !dropped_locks.contains_key(oid));
        for (oid, facts) in relations {
            let then = self.relations.get(&oid);
            let is_new = then.is_none_or(|then| then.is_new);
            self.relations
                .insert(oid, RelationFacts { is_new, ..facts });
        }
        self.dropped_locks = dropped_locks;
        self.wal = wal;
    }
}

fn relation(row: &Row, (name, modes): (String, Vec<String>)) -> Result<RelationFacts, Error> {
    let kind: String = row.try_get("kind")?;
    Ok(RelationFacts {
        name,
        kind: match kind.as_str() {
            "r" | "p" | "m" => RelationKind::Table,
            "i" | "I" => RelationKind::Index,
            _ => RelationKind::Other,
        },
        file: row.try_get("file")?,
        scans: row.try_get("scans")?,
        size: row.try_get::<_, Option<i64>>("size")?.unwrap_or(0),
        modes,
        changed: ChangedRows {
            inserted: row.try_get("inserted")?,
            updated: row.try_get("updated")?,
            deleted: row.try_get("deleted")?,
        },
        // Minus one is a table that was never analyzed.
        rows: row.try_get::<_, f32>("rows")?.max(0.0) as u64,
        heap: row.try_get::<_, Option<i64>>("heap")?.unwrap_or(0),
        is_new: false,
    })
}

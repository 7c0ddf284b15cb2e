//! Indexes, foreign keys and triggers as statements: what takes them away, and what brings them back
//! as they were. With the rights of a table's owner this is the only way to fill it fast.

use tokio_postgres::{Client, Error, Row};

use crate::schema::RelationName;

/// An index, alone or of a constraint, that can be dropped and made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovableIndex {
    /// Its name.
    pub name: RelationName,
    /// The table that it belongs to.
    pub table: RelationName,
    /// Drops it, or the constraint that it is of.
    pub drop: String,
    /// Builds it. Of several indexes of one table at the same time, where the server allows it.
    pub build: String,
    /// Makes the built index its constraint's.
    pub attach: Option<String>,
    /// Sets what a definition does not say: comments, `CLUSTER ON`, replica identity, statistics targets.
    pub afterwards: Vec<String>,
}

/// A foreign key that can be dropped and added again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovableKey {
    /// The constraint's name.
    pub name: String,
    /// The table that references.
    pub table: RelationName,
    /// Drops it.
    pub drop: String,
    /// Adds it, not validated where it can be validated later.
    pub add: String,
    /// Validates it.
    pub validate: Option<String>,
    /// Sets its comment.
    pub afterwards: Vec<String>,
}

/// A trigger or a table's forced row security: off for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// Turns it off.
    pub off: String,
    /// Turns it on as it was.
    pub on: String,
}

/// These tables and all below them in their trees of partitions.
const RELATIONS: &str = "
    WITH relations AS (
      SELECT unnest($1::oid[]) AS oid
      UNION
      SELECT p.relid::oid FROM unnest($1::oid[]) AS r(oid), pg_catalog.pg_partition_tree(r.oid) AS p)";

/// An index that is part of a partitioned one cannot be dropped by itself, and stays; so does one that
/// is not valid, since it could not be made again as it is. What is not btree under a primary or unique
/// key (`WITHOUT OVERLAPS`) cannot be built apart from its constraint; nor can an exclusion constraint.
const INDEXES: &str = "
    SELECT xn.nspname, x.relname, tn.nspname, t.relname,
      CASE WHEN c.oid IS NULL THEN format('DROP INDEX %I.%I', xn.nspname, x.relname)
           ELSE format('ALTER TABLE %I.%I DROP CONSTRAINT %I', tn.nspname, t.relname, c.conname) END,
      format('SET default_tablespace = %L; ', coalesce(s.spcname, '')) ||
      CASE WHEN c.oid IS NULL OR (c.contype <> 'x' AND m.amname = 'btree')
           THEN pg_catalog.pg_get_indexdef(x.oid)
           ELSE format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', tn.nspname, t.relname, c.conname,
                       pg_catalog.pg_get_constraintdef(c.oid)) END,
      CASE WHEN c.contype <> 'x' AND m.amname = 'btree'
           THEN format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s USING INDEX %I%s%s', tn.nspname, t.relname,
                       c.conname, CASE c.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END, x.relname,
                       CASE WHEN c.condeferrable THEN ' DEFERRABLE' ELSE '' END,
                       CASE WHEN c.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END) END,
      array_remove(ARRAY[
        CASE WHEN i.indisclustered
             THEN format('ALTER TABLE %I.%I CLUSTER ON %I', tn.nspname, t.relname, x.relname) END,
        CASE WHEN i.indisreplident
             THEN format('ALTER TABLE %I.%I REPLICA IDENTITY USING INDEX %I', tn.nspname, t.relname, x.relname) END,
        format('COMMENT ON INDEX %I.%I IS ', xn.nspname, x.relname)
          || quote_literal(pg_catalog.obj_description(x.oid, 'pg_class')),
        CASE WHEN c.oid IS NOT NULL
             THEN format('COMMENT ON CONSTRAINT %I ON %I.%I IS ', c.conname, tn.nspname, t.relname)
                  || quote_literal(pg_catalog.obj_description(c.oid, 'pg_constraint')) END], NULL)
      || coalesce((SELECT array_agg(format('ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS %s',
                                           xn.nspname, x.relname, a.attnum, a.attstattarget) ORDER BY a.attnum)
                   FROM pg_catalog.pg_attribute a WHERE a.attrelid = x.oid AND a.attstattarget >= 0), '{}')
    FROM pg_catalog.pg_index i
    JOIN relations r ON r.oid = i.indrelid
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_am m ON m.oid = x.relam
    JOIN pg_catalog.pg_namespace xn ON xn.oid = x.relnamespace
    JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
    JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
    LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = x.reltablespace
    LEFT JOIN pg_catalog.pg_constraint c ON c.conindid = x.oid AND c.contype IN ('p', 'u', 'x')
    WHERE x.relkind = 'i' AND NOT x.relispartition AND i.indislive AND i.indisready AND i.indisvalid
    ORDER BY tn.nspname, t.relname, x.relname";

/// Foreign keys from and to these tables: a key cannot be dropped while something references it. Those
/// of a partitioned table bring their partitions' with them, and cannot be added without validation.
const FOREIGN_KEYS: &str = "
    SELECT c.conname, n.nspname, t.relname,
      format('ALTER TABLE %I.%I DROP CONSTRAINT %I', n.nspname, t.relname, c.conname),
      format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s%s', n.nspname, t.relname, c.conname,
             pg_catalog.pg_get_constraintdef(c.oid),
             CASE WHEN c.convalidated AND t.relkind = 'r' THEN ' NOT VALID' ELSE '' END),
      CASE WHEN c.convalidated AND t.relkind = 'r'
           THEN format('ALTER TABLE %I.%I VALIDATE CONSTRAINT %I', n.nspname, t.relname, c.conname) END,
      array_remove(ARRAY[format('COMMENT ON CONSTRAINT %I ON %I.%I IS ', c.conname, n.nspname, t.relname)
                         || quote_literal(pg_catalog.obj_description(c.oid, 'pg_constraint'))], NULL)
    FROM pg_catalog.pg_constraint c
    JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
    WHERE c.contype = 'f' AND c.conparentid = 0
      AND (c.conrelid IN (SELECT oid FROM relations) OR c.confrelid IN (SELECT oid FROM relations))
    ORDER BY pg_catalog.pg_relation_size(t.oid) DESC, n.nspname, t.relname, c.conname";

/// Triggers that would fire: with `session_replication_role = replica` ($2) only those that ask for it.
/// A partitioned table's come first, because switching them may switch its partitions'.
const TRIGGERS: &str = "
    SELECT format('ALTER TABLE %I.%I DISABLE TRIGGER %I', n.nspname, t.relname, g.tgname),
           format('ALTER TABLE %I.%I ENABLE %sTRIGGER %I', n.nspname, t.relname,
                  CASE g.tgenabled WHEN 'A' THEN 'ALWAYS ' WHEN 'R' THEN 'REPLICA ' ELSE '' END, g.tgname)
    FROM pg_catalog.pg_trigger g
    JOIN relations r ON r.oid = g.tgrelid
    JOIN pg_catalog.pg_class t ON t.oid = g.tgrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
    WHERE NOT g.tgisinternal
      AND CASE WHEN $2 THEN g.tgenabled IN ('A', 'R') ELSE g.tgenabled IN ('O', 'A') END
    ORDER BY t.relispartition, t.oid, g.tgname";

/// Policies bind a table's owner only where they are forced, and COPY refuses tables whose policies bind.
const FORCED: &str = "
    SELECT format('ALTER TABLE %I.%I NO FORCE ROW LEVEL SECURITY', n.nspname, t.relname),
           format('ALTER TABLE %I.%I FORCE ROW LEVEL SECURITY', n.nspname, t.relname)
    FROM relations r
    JOIN pg_catalog.pg_class t ON t.oid = r.oid
    JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
    WHERE t.relrowsecurity AND t.relforcerowsecurity
    ORDER BY 1";

/// Definitions name a schema only where the search path does not lead there.
const QUALIFIED: &str = "SET search_path = ''";

/// The indexes of these tables that can be dropped.
///
/// # Errors
/// What the server says.
pub async fn indexes(client: &Client, tables: &[u32]) -> Result<Vec<RemovableIndex>, Error> {
    let index = |row: &Row| {
        Ok(RemovableIndex {
            name: name(row, 0)?,
            table: name(row, 2)?,
            drop: row.try_get(4)?,
            build: row.try_get(5)?,
            attach: row.try_get(6)?,
            afterwards: row.try_get(7)?,
        })
    };
    let rows = qualified(client, INDEXES, tables).await?;
    rows.iter().map(index).collect()
}

/// The foreign keys from and to these tables, those of the largest table first.
///
/// # Errors
/// What the server says.
pub async fn foreign_keys(client: &Client, tables: &[u32]) -> Result<Vec<RemovableKey>, Error> {
    let key = |row: &Row| {
        Ok(RemovableKey {
            name: row.try_get(0)?,
            table: name(row, 1)?,
            drop: row.try_get(3)?,
            add: row.try_get(4)?,
            validate: row.try_get(5)?,
            afterwards: row.try_get(6)?,
        })
    };
    let rows = qualified(client, FOREIGN_KEYS, tables).await?;
    rows.iter().map(key).collect()
}

/// The triggers of these tables that would fire, where the sessions that fill are replicas or not.
///
/// # Errors
/// What the server says.
pub async fn triggers(
    client: &Client,
    tables: &[u32],
    replica: bool,
) -> Result<Vec<Switch>, Error> {
    let sql = format!("{RELATIONS} {TRIGGERS}");
    switches(&client.query(&sql, &[&tables, &replica]).await?)
}

/// The row security of these tables that would bind their owner.
///
/// # Errors
/// What the server says.
pub async fn forced_policies(client: &Client, tables: &[u32]) -> Result<Vec<Switch>, Error> {
    let sql = format!("{RELATIONS} {FORCED}");
    switches(&client.query(&sql, &[&tables]).await?)
}

fn switches(rows: &[Row]) -> Result<Vec<Switch>, Error> {
    let switch = |row: &Row| {
        Ok(Switch {
            off: row.try_get(0)?,
            on: row.try_get(1)?,
        })
    };
    rows.iter().map(switch).collect()
}

/// Reads definitions with all names in full, and leaves the session's own search path as it was.
async fn qualified(client: &Client, query: &str, tables: &[u32]) -> Result<Vec<Row>, Error> {
    client.batch_execute(QUALIFIED).await?;
    let rows = client
        .query(&format!("{RELATIONS} {query}"), &[&tables])
        .await;
    client.batch_execute("RESET search_path").await?;
    rows
}

fn name(row: &Row, at: usize) -> Result<RelationName, Error> {
    Ok(RelationName {
        schema: row.try_get(at)?,
        name: row.try_get(at + 1)?,
    })
}

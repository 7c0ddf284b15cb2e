//! What the server says of a database that was filled.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Client;

use super::{number, text};

/// The rows of every table by its name, as the server counts them.
pub(crate) async fn rows(client: &Client) -> BTreeMap<String, u64> {
    let mut rows = BTreeMap::new();
    for (name, sql) in tables(client).await {
        let count = number(client, &format!("SELECT count(*) FROM {sql}")).await;
        rows.insert(name, count.try_into().unwrap());
    }
    rows
}

/// A digest of the rows of every table.
pub(crate) async fn checksums(client: &Client) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, sql) in tables(client).await {
        let sql = format!(
            "SELECT coalesce(md5(string_agg(t::text, E'\n' ORDER BY t::text COLLATE \"C\")), '') FROM {sql} AS t"
        );
        all.insert(name, text(client, &sql).await);
    }
    all
}

/// The tables but for partitions: their names, and what a query says for their own rows.
async fn tables(client: &Client) -> Vec<(String, String)> {
    let rows = client.query(TABLES, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Tables of users but for partitions and what belongs to extensions.
const TABLES: &str = "
    SELECT n.nspname || '.' || c.relname,
           CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END || c.oid::regclass
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass
                                                   AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1";

/// One line for everything of the schema that a fill could leave changed.
const CATALOG: &str = "
    SELECT concat_ws(' ', 'relation', c.oid::regclass, c.relkind, c.relpersistence, c.relrowsecurity,
                     c.relforcerowsecurity, c.relreplident, c.reloptions,
                     c.reltablespace, c.relowner::regrole, c.relacl, obj_description(c.oid, 'pg_class'))
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisunique, indisprimary, indisexclusion,
                     indimmediate, indisclustered, indisreplident, indislive, indcheckxmin)
    FROM pg_index JOIN pg_class AS c ON c.oid = indrelid WHERE c.relnamespace <> 'pg_catalog'::regnamespace
    UNION ALL
    SELECT concat_ws(' ', 'constraint', conname, conrelid::regclass, contypid::regtype, pg_get_constraintdef(oid),
                     convalidated, condeferrable, condeferred, obj_description(oid, 'pg_constraint'))
    FROM pg_constraint
    UNION ALL
    SELECT concat_ws(' ', 'trigger', tgname, tgrelid::regclass, tgenabled, pg_get_triggerdef(oid))
    FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT concat_ws(' ', 'system trigger', tgrelid::regclass, tgenabled, count(*))
    FROM pg_trigger WHERE tgisinternal GROUP BY tgrelid, tgenabled
    UNION ALL
    SELECT concat_ws(' ', 'rule', rulename, ev_class::regclass, ev_enabled) FROM pg_rewrite
    UNION ALL
    SELECT concat_ws(' ', 'column', attrelid::regclass, attname, attstattarget, attoptions)
    FROM pg_attribute WHERE attnum > 0 AND attrelid >= 16384";

pub(super) async fn catalog(client: &Client) -> BTreeSet<String> {
    let rows = client.query(CATALOG, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Constraints, indexes, sequences and statistics are as they must be.
pub(crate) async fn assert_sound(client: &Client) {
    assert_constraints_hold(client).await;
    assert_indexes_are_whole(client).await;
    assert_sequences_go_on(client).await;
    assert_analyzed(client).await;
}

/// Constraints that the server checks over all rows when they are added. Domains' are checked with
/// every value; a key that is inherited is its parent's.
const CONSTRAINTS: &str = "
    SELECT format(CASE WHEN convalidated
                       THEN 'ALTER TABLE %1$s DROP CONSTRAINT %2$I; ALTER TABLE %1$s ADD CONSTRAINT %2$I %3$s'
                       ELSE 'ALTER TABLE %1$s VALIDATE CONSTRAINT %2$I' END,
                  conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint
    WHERE contype IN ('f', 'c') AND conrelid <> 0 AND conparentid = 0 AND coninhcount = 0
      AND pg_get_constraintdef(oid) !~ 'NOT ENFORCED'
    ORDER BY conrelid, conname";

/// Has the server check all foreign keys and CHECKs anew, those that are NOT VALID included, on a
/// schema that is left as it was.
async fn assert_constraints_hold(client: &Client) {
    client.batch_execute("BEGIN").await.unwrap();
    for row in client.query(CONSTRAINTS, &[]).await.unwrap() {
        let sql: String = row.get(0);
        let added = client.batch_execute(&sql).await;
        added.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
    client.batch_execute("ROLLBACK").await.unwrap();
}

/// Indexes that hold entries.
const INDEXES: &str = "
    SELECT i.indexrelid::regclass::text, a.amname = 'btree', i.indisunique OR i.indisexclusion
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS a ON a.oid = c.relam
    WHERE c.relkind = 'i' AND i.indrelid >= 16384 ORDER BY 1";

/// B-trees are in order and miss no row, and what is unique is, since a new index is.
async fn assert_indexes_are_whole(client: &Client) {
    let dead = "SELECT count(*) FROM pg_index WHERE NOT (indisvalid AND indisready AND indislive)";
    assert_eq!(number(client, dead).await, 0);
    let extension = "BEGIN; CREATE SCHEMA amcheck; CREATE EXTENSION amcheck SCHEMA amcheck";
    client.batch_execute(extension).await.unwrap();
    for row in client.query(INDEXES, &[]).await.unwrap() {
        let (name, is_btree, is_unique): (String, bool, bool) =
            (row.get(0), row.get(1), row.get(2));
        if is_btree {
            let check = format!(
                "SELECT amcheck.bt_index_check('{}', heapallindexed => true)",
                name.replace('\'', "''")
            );
            let checked = client.batch_execute(&check).await;
            checked.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        }
        if is_unique {
            let rebuilt = client.batch_execute(&format!("REINDEX INDEX {name}")).await;
            rebuilt.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        }
    }
    client.batch_execute("ROLLBACK").await.unwrap();
}

/// Columns of numbers with a sequence of their own or one in their default.
const SEQUENCES: &str = "
    SELECT DISTINCT format('SELECT coalesce(max(%I) < nextval(%L), true) FROM %s',
                           a.attname, s.oid::regclass, a.attrelid::regclass)
    FROM pg_depend AS d
    LEFT JOIN pg_attrdef AS x ON d.classid = 'pg_attrdef'::regclass AND x.oid = d.objid
    JOIN pg_class AS s ON s.relkind = 'S'
     AND s.oid = CASE WHEN x.oid IS NULL THEN d.objid ELSE d.refobjid END
     AND (x.oid IS NULL) = (d.classid = 'pg_class'::regclass)
    JOIN pg_attribute AS a ON a.attrelid = coalesce(x.adrelid, d.refobjid)
     AND a.attnum = coalesce(x.adnum, d.refobjsubid) AND a.attnum > 0
    JOIN pg_type AS t ON t.oid = a.atttypid AND t.typcategory = 'N'
    WHERE d.deptype IN ('n', 'a', 'i')";

/// The next value of a sequence is one that no row has.
async fn assert_sequences_go_on(client: &Client) {
    for row in client.query(SEQUENCES, &[]).await.unwrap() {
        let sql: String = row.get(0);
        let goes_on: bool = client.query_one(&sql, &[]).await.unwrap().get(0);
        assert!(goes_on, "{sql}");
    }
}

/// Columns of tables with rows that the planner knows nothing of. ANALYZE itself passes over virtual
/// generated columns, which hold no values.
const NOT_ANALYZED: &str = "
    SELECT string_agg(a.attrelid::regclass || '.' || a.attname, ', ')
    FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind = 'r'
    WHERE a.attnum > 0 AND NOT a.attisdropped AND coalesce(a.attstattarget, -1) <> 0
      AND a.attgenerated <> 'v'
      AND c.oid >= 16384 AND c.reltuples <> 0
      AND NOT EXISTS (SELECT FROM pg_statistic AS s WHERE s.starelid = c.oid AND s.staattnum = a.attnum)";

/// The planner knows every column.
async fn assert_analyzed(client: &Client) {
    let unknown: Option<String> = client.query_one(NOT_ANALYZED, &[]).await.unwrap().get(0);
    assert_eq!(unknown, None);
}

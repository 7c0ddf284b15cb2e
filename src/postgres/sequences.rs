//! Sequences that go on after the rows that a fill wrote.

use tokio_postgres::{Client, Error};

use super::names::{quote, quoted};
use crate::schema::RelationName;

/// The sequences of identity columns and of defaults, with the column that each numbers.
const SEQUENCES: &str = "
    SELECT DISTINCT sn.nspname, s.relname, tn.nspname, t.relname, a.attname
    FROM (SELECT d.objid AS seq, d.refobjid AS rel, d.refobjsubid AS num
          FROM pg_catalog.pg_depend d
          WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i')
            AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0
          UNION
          SELECT d.refobjid, e.adrelid, e.adnum
          FROM pg_catalog.pg_depend d
          JOIN pg_catalog.pg_attrdef e ON e.oid = d.objid
          WHERE d.classid = 'pg_catalog.pg_attrdef'::regclass
            AND d.refclassid = 'pg_catalog.pg_class'::regclass) AS k
    JOIN pg_catalog.pg_class s ON s.oid = k.seq AND s.relkind = 'S'
    JOIN pg_catalog.pg_namespace sn ON sn.oid = s.relnamespace
    JOIN pg_catalog.pg_class t ON t.oid = k.rel
    JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.rel AND a.attnum = k.num
    WHERE k.rel = ANY ($1) AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
    ORDER BY 1, 2";

/// Sets every sequence that numbers a column of these tables past the column's highest value.
///
/// # Errors
/// What the server says.
pub async fn advance(client: &Client, tables: &[u32]) -> Result<(), Error> {
    for row in client.query(SEQUENCES, &[&tables]).await? {
        let sequence = quoted(&RelationName {
            schema: row.try_get(0)?,
            name: row.try_get(1)?,
        });
        let table = quoted(&RelationName {
            schema: row.try_get(2)?,
            name: row.try_get(3)?,
        });
        let column = quote(row.try_get(4)?);
        // A sequence shared by tables, or set by the schema's own data, never goes back.
        let sql = format!(
            "SELECT pg_catalog.setval($1::text::regclass, m.highest)
             FROM (SELECT max({column})::bigint AS highest FROM {table}) AS m, {sequence} AS s
             WHERE m.highest > s.last_value OR (m.highest = s.last_value AND NOT s.is_called)"
        );
        client.query(&sql, &[&sequence]).await?;
    }
    Ok(())
}

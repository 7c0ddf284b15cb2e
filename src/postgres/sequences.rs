//! Sequences and the columns that they number: that they go on after the rows that a fill wrote, and after
//! those that a migration did.

use tokio_postgres::{Client, Error};

use super::names::{quote, quoted};
use crate::observe::LaggingSequence;
use crate::schema::RelationName;

/// The tables of users, partitions left out: their rows are in the whole table.
const TABLES: &str = "
    SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\\_temp\\_%'";

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

/// A sequence, and a column that it numbers.
struct Numbering {
    sequence: RelationName,
    table: RelationName,
    column: String,
}

async fn numberings(client: &Client, tables: &[u32]) -> Result<Vec<Numbering>, Error> {
    let rows = client.query(SEQUENCES, &[&tables]).await?;
    let read = rows.iter().map(|row| {
        Ok(Numbering {
            sequence: RelationName {
                schema: row.try_get(0)?,
                name: row.try_get(1)?,
            },
            table: RelationName {
                schema: row.try_get(2)?,
                name: row.try_get(3)?,
            },
            column: row.try_get(4)?,
        })
    });
    read.collect()
}

/// Sets every sequence that numbers a column of these tables past the column's highest value, as far as it can go. Those
/// that count down, and those that begin again, are left as they are.
///
/// # Errors
/// What the server says.
pub async fn advance(client: &Client, tables: &[u32]) -> Result<(), Error> {
    for numbering in numberings(client, tables).await? {
        let sequence = quoted(&numbering.sequence);
        let table = quoted(&numbering.table);
        let column = quote(&numbering.column);
        // A sequence shared by tables, or set by the schema's own data, never goes back.
        let sql = format!(
            "SELECT pg_catalog.setval($1::text::regclass, least(m.highest, k.seqmax))
             FROM (SELECT max({column})::bigint AS highest FROM {table}) AS m, {sequence} AS s,
                  pg_catalog.pg_sequence AS k
             WHERE k.seqrelid = $1::text::regclass AND k.seqincrement > 0 AND NOT k.seqcycle
               AND (m.highest > s.last_value OR (m.highest = s.last_value AND NOT s.is_called))"
        );
        client.query(&sql, &[&sequence]).await?;
    }
    Ok(())
}

/// The sequences whose next value their column has already, or has left behind. Those that count down, and
/// those that begin again, are left out.
///
/// # Errors
/// What the server says.
pub async fn lagging(client: &Client) -> Result<Vec<LaggingSequence>, Error> {
    let tables = client.query(TABLES, &[]).await?;
    let tables: Vec<u32> = tables
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?;
    let mut lagging = Vec::new();
    for numbering in numberings(client, &tables).await? {
        let (sequence, table) = (quoted(&numbering.sequence), quoted(&numbering.table));
        let column = quote(&numbering.column);
        let sql = format!(
            "SELECT next, highest
             FROM (SELECT CASE WHEN s.is_called THEN s.last_value + k.seqincrement ELSE s.last_value END AS next
                   FROM {sequence} AS s, pg_catalog.pg_sequence AS k
                   WHERE k.seqrelid = $1::text::regclass AND k.seqincrement > 0 AND NOT k.seqcycle) AS n,
                  (SELECT max({column})::bigint AS highest FROM {table}) AS m
             WHERE highest >= next"
        );
        if let Some(row) = client.query_opt(&sql, &[&sequence]).await? {
            lagging.push(LaggingSequence {
                sequence: numbering.sequence.to_string(),
                column: format!("{}.{}", numbering.table, numbering.column),
                next: row.try_get(0)?,
                highest: row.try_get(1)?,
            });
        }
    }
    Ok(lagging)
}

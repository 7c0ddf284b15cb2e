//! Keys and constraints: what rows must satisfy together or by themselves.

use tokio_postgres::{Client, Error, Row};

use crate::schema::{Check, Exclusion, ForeignKey, Table, UniqueKey};

use super::partitions::partition_mut;
use super::{Ground, relation_name};

/// Unique indexes; expressions among their columns have attribute number 0. Those of a partition that
/// its table has are not repeated. PostgreSQL 15 brought a column that the catalog had not before.
const UNIQUE_KEYS: &str = "
    SELECT i.indrelid, c.relname, i.indisprimary, pg_catalog.pg_get_expr(i.indpred, i.indrelid),
           coalesce((SELECT array_agg(a.attname::text ORDER BY k.place)
            FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k(attnum, place)
            JOIN pg_catalog.pg_attribute a
              ON a.attrelid = i.indrelid AND a.attnum = k.attnum), '{}'),
           coalesce((SELECT array_agg(pg_catalog.pg_get_indexdef(c.oid, k.place::int, false)
                                      ORDER BY k.place)
            FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k(attnum, place)
            WHERE k.attnum = 0), '{}'),
           coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false)
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = ANY ($1) AND i.indisunique AND i.indislive
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhrelid = i.indexrelid)
    ORDER BY i.indrelid, i.indisprimary DESC, c.relname";

const FOREIGN_KEYS: &str = "
    SELECT k.conrelid, k.conname, n.nspname, c.relname, k.convalidated,
           (SELECT array_agg(a.attname::text ORDER BY x.place)
            FROM unnest(k.conkey) WITH ORDINALITY AS x(attnum, place)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.attnum),
           (SELECT array_agg(a.attname::text ORDER BY x.place)
            FROM unnest(k.confkey) WITH ORDINALITY AS x(attnum, place)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = x.attnum)
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class c ON c.oid = k.confrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    -- Not those that a key of or to a partitioned table has for each partition.
    WHERE k.conrelid = ANY ($1) AND k.contype = 'f' AND k.conparentid = 0
    ORDER BY k.conrelid, k.conname";

/// CHECKs of tables, and those of partitions that are not their table's.
const CHECKS: &str = "
    SELECT k.conrelid, k.conname, pg_catalog.pg_get_expr(k.conbin, k.conrelid),
           coalesce((SELECT array_agg(a.attname::text ORDER BY x.place)
            FROM unnest(k.conkey) WITH ORDINALITY AS x(attnum, place)
            JOIN pg_catalog.pg_attribute a
              ON a.attrelid = k.conrelid AND a.attnum = x.attnum), '{}')
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    WHERE k.conrelid = ANY ($1) AND k.contype = 'c'
      AND (k.coninhcount = 0 OR NOT c.relispartition)
    ORDER BY k.conrelid, k.conname";

/// Exclusion constraints, and keys `WITHOUT OVERLAPS` (PostgreSQL 18), which are such too.
const EXCLUSIONS: &str = "
    SELECT k.conrelid, k.conname, pg_catalog.pg_get_expr(i.indpred, i.indrelid),
           (SELECT array_agg(coalesce(a.attname::text,
                             pg_catalog.pg_get_indexdef(i.indexrelid, x.place::int, false))
                             ORDER BY x.place)
            FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS x(attnum, place)
            LEFT JOIN pg_catalog.pg_attribute a
              ON a.attrelid = i.indrelid AND a.attnum = x.attnum AND x.attnum <> 0),
           (SELECT array_agg(o.oprname::text ORDER BY x.place)
            FROM unnest(k.conexclop) WITH ORDINALITY AS x(operator, place)
            JOIN pg_catalog.pg_operator o ON o.oid = x.operator)
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_index i ON i.indexrelid = k.conindid
    WHERE k.conrelid = ANY ($1) AND k.contype IN ('x', 'p', 'u') AND k.conexclop IS NOT NULL
      AND k.conparentid = 0
    ORDER BY k.conrelid, k.conname";

/// Adds keys and constraints to the tables. What a partition has by itself is added to its table, save
/// CHECKs, which may be what tells partitions apart.
pub(super) async fn read_keys(client: &Client, ground: &mut Ground) -> Result<(), Error> {
    let oids: Vec<u32> = ground.places.keys().copied().collect();
    for row in client.query(UNIQUE_KEYS, &[&oids]).await? {
        if let Some(table) = ground.table_of(&row)? {
            let own = table.oid == row.try_get::<_, u32>(0)?;
            let key = unique_key(&row, own)?;
            let same = |other: &UniqueKey| {
                other.columns == key.columns
                    && other.expressions == key.expressions
                    && other.predicate == key.predicate
            };
            if own || !table.unique_keys.iter().any(same) {
                table.unique_keys.push(key);
            }
        }
    }
    for row in client.query(FOREIGN_KEYS, &[&oids]).await? {
        if let Some(table) = ground.table_of(&row)? {
            let key = foreign_key(&row)?;
            let same = |other: &ForeignKey| {
                other.columns == key.columns && other.references == key.references
            };
            if table.oid == row.try_get::<_, u32>(0)? || !table.foreign_keys.iter().any(same) {
                table.foreign_keys.push(key);
            }
        }
    }
    for row in client.query(CHECKS, &[&oids]).await? {
        if let Some(table) = ground.table_of(&row)? {
            add_check(table, &row)?;
        }
    }
    for row in client.query(EXCLUSIONS, &[&oids]).await? {
        if let Some(table) = ground.table_of(&row)? {
            table.exclusions.push(exclusion(&row)?);
        }
    }
    // The tables' own keys before those of their partitions, and the primary key first.
    for table in &mut ground.schema.tables {
        table.unique_keys.sort_by_key(|key| !key.primary);
    }
    Ok(())
}

fn unique_key(row: &Row, own: bool) -> Result<UniqueKey, Error> {
    let predicate: Option<String> = row.try_get(3)?;
    Ok(UniqueKey {
        name: row.try_get(1)?,
        primary: own && row.try_get(2)?,
        partial: predicate.is_some(),
        columns: row.try_get(4)?,
        expressions: row.try_get(5)?,
        predicate,
        nulls_not_distinct: row.try_get(6)?,
    })
}

fn foreign_key(row: &Row) -> Result<ForeignKey, Error> {
    Ok(ForeignKey {
        name: row.try_get(1)?,
        references: relation_name(row, 2)?,
        validated: row.try_get(4)?,
        columns: row.try_get(5)?,
        referenced_columns: row.try_get(6)?,
    })
}

fn add_check(table: &mut Table, row: &Row) -> Result<(), Error> {
    let oid: u32 = row.try_get(0)?;
    let check = Check {
        name: row.try_get(1)?,
        expression: row.try_get(2)?,
        columns: row.try_get(3)?,
    };
    if table.oid == oid {
        table.checks.push(check);
        return Ok(());
    }
    let below = table.partitioning.as_mut();
    if let Some(partition) = below.and_then(|below| partition_mut(below, oid)) {
        partition.checks.push(check);
    }
    Ok(())
}

fn exclusion(row: &Row) -> Result<Exclusion, Error> {
    let predicate: Option<String> = row.try_get(2)?;
    let columns: Vec<String> = row.try_get(3)?;
    let operators: Vec<String> = row.try_get(4)?;
    Ok(Exclusion {
        name: row.try_get(1)?,
        elements: columns.into_iter().zip(operators).collect(),
        partial: predicate.is_some(),
        predicate,
    })
}

//! Partitioned tables and what belongs to each partition.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error, Row};

use crate::schema::{
    Partition, PartitionBound, PartitionStrategy, Partitioning, RelationName, Schema,
};
use crate::sql::parse_partition_bound;

use super::relation_name;

/// How tables are partitioned, by their oid. Expressions have attribute number 0.
const STRATEGIES: &str = "
    SELECT p.partrelid, p.partstrat::text,
           (SELECT array_agg(a.attname::text ORDER BY k.place)
            FROM unnest(p.partattrs) WITH ORDINALITY AS k(attnum, place)
            LEFT JOIN pg_catalog.pg_attribute a
              ON a.attrelid = p.partrelid AND a.attnum = k.attnum AND k.attnum <> 0)
    FROM pg_catalog.pg_partitioned_table p";

/// Partitions by the table above them. Those of one table are in the order of their names, which is
/// mostly that of their bounds.
const PARTITIONS: &str = "
    SELECT i.inhparent, c.oid, n.nspname, c.relname,
           pg_catalog.pg_get_expr(c.relpartbound, c.oid)
    FROM pg_catalog.pg_inherits i
    JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relispartition AND c.relkind IN ('r', 'p', 'f')
    ORDER BY i.inhparent, n.nspname, c.relname";

/// Columns that are NOT NULL in a partition.
const NOT_NULLS: &str = "
    SELECT a.attrelid, a.attname
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND a.attnotnull AND NOT a.attisdropped";

/// How every partitioned table of a database is partitioned.
#[derive(Default)]
pub(super) struct Forest {
    strategies: BTreeMap<u32, (PartitionStrategy, Vec<Option<String>>)>,
    below: BTreeMap<u32, Vec<Found>>,
}

/// A partition as its row tells it.
struct Found {
    oid: u32,
    name: RelationName,
    bound: PartitionBound,
}

/// Reads all partitions of the database.
pub(super) async fn read_forest(client: &Client) -> Result<Forest, Error> {
    let mut forest = Forest::default();
    for row in client.query(STRATEGIES, &[]).await? {
        let strategy: String = row.try_get(1)?;
        let strategy = match strategy.as_str() {
            "l" => PartitionStrategy::List,
            "h" => PartitionStrategy::Hash,
            _ => PartitionStrategy::Range,
        };
        let key = (strategy, row.try_get(2)?);
        forest.strategies.insert(row.try_get(0)?, key);
    }
    for row in client.query(PARTITIONS, &[]).await? {
        let below = forest.below.entry(row.try_get(0)?).or_default();
        below.push(found(&row)?);
    }
    Ok(forest)
}

fn found(row: &Row) -> Result<Found, Error> {
    let text: Option<String> = row.try_get(4)?;
    Ok(Found {
        oid: row.try_get(1)?,
        name: relation_name(row, 2)?,
        // A bound that is not understood takes what no other partition does, as far as is known.
        bound: text
            .and_then(|text| parse_partition_bound(&text))
            .unwrap_or(PartitionBound::Default),
    })
}

impl Forest {
    /// How this table is partitioned; none of an ordinary one.
    pub(super) fn of(&self, table: u32) -> Option<Partitioning> {
        let (strategy, key) = self.strategies.get(&table)?;
        let below = self.below.get(&table).into_iter().flatten();
        let partition = |found: &Found| Partition {
            oid: found.oid,
            name: found.name.clone(),
            bound: found.bound.clone(),
            partitioning: self.of(found.oid).map(Box::new),
            checks: Vec::new(),
        };
        Some(Partitioning {
            strategy: *strategy,
            key: key.clone(),
            partitions: below.map(partition).collect(),
        })
    }
}

/// The table, by its place in the schema, that holds each relation's rows: tables themselves and
/// their partitions at any depth.
pub(super) fn places(schema: &Schema) -> BTreeMap<u32, usize> {
    let mut places = BTreeMap::new();
    for (place, table) in schema.tables.iter().enumerate() {
        places.insert(table.oid, place);
        if let Some(partitioning) = &table.partitioning {
            let below = partitioning.descendants().into_iter();
            places.extend(below.map(|partition| (partition.oid, place)));
        }
    }
    places
}

/// The partition of this oid, at any depth.
pub(super) fn partition_mut(partitioning: &mut Partitioning, oid: u32) -> Option<&mut Partition> {
    for partition in &mut partitioning.partitions {
        if partition.oid == oid {
            return Some(partition);
        }
        let below = partition.partitioning.as_mut();
        if let Some(found) = below.and_then(|below| partition_mut(below, oid)) {
            return Some(found);
        }
    }
    None
}

/// Makes columns NOT NULL that a partition alone does not let be NULL: rows of the table are spread
/// over all of them.
pub(super) async fn add_not_nulls(
    client: &Client,
    schema: &mut Schema,
    places: &BTreeMap<u32, usize>,
) -> Result<(), Error> {
    let partitions: Vec<u32> = places
        .iter()
        .filter(|(oid, place)| schema.tables.get(**place).is_some_and(|t| t.oid != **oid))
        .map(|(oid, _)| *oid)
        .collect();
    if partitions.is_empty() {
        return Ok(());
    }
    for row in client.query(NOT_NULLS, &[&partitions]).await? {
        let (oid, name): (u32, String) = (row.try_get(0)?, row.try_get(1)?);
        let table = places
            .get(&oid)
            .and_then(|&place| schema.tables.get_mut(place));
        let columns = table.map(|table| table.columns.iter_mut());
        if let Some(column) = columns.and_then(|mut all| all.find(|column| column.name == name)) {
            column.not_null = true;
        }
    }
    Ok(())
}

//! Reads the catalog into [`Schema`]: a fixed number of queries, however many tables there are.

mod keys;
mod partitions;
mod types;

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error, Row};

use crate::schema::{Column, DataType, OtherRelation, RelationName, Schema, Table};

use self::types::{Types, read_types};

/// Ordinary and partitioned tables of users: no system's, no extension's, no partitions.
const TABLES: &str = "
    SELECT c.oid, n.nspname, c.relname
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
                        AND d.deptype = 'e')
    ORDER BY n.nspname, c.relname";

/// Relations that a scenario could take for tables, and what they are.
const OTHERS: &str = "
    SELECT n.nspname, c.relname,
           CASE WHEN c.relispartition THEN 'a partition, which is filled with its table'
                WHEN c.relkind = 'v' THEN 'a view' WHEN c.relkind = 'm' THEN 'a materialized view'
                ELSE 'a foreign table' END
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE (c.relkind IN ('v', 'm', 'f') OR c.relkind IN ('r', 'p') AND c.relispartition)
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    ORDER BY n.nspname, c.relname";

const COLUMNS: &str = "
    SELECT a.attrelid, a.attname, a.atttypid, a.atttypmod,
           pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
           a.attgenerated <> '', a.attidentity <> '',
           CASE WHEN a.attgenerated = ''
                THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END
    FROM pg_catalog.pg_attribute a
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attrelid, a.attnum";

/// A schema being read.
struct Ground {
    schema: Schema,
    /// The table, by its place in the schema, of every relation that holds rows of it.
    places: BTreeMap<u32, usize>,
}

impl Ground {
    /// The table of the relation that a row's first column names.
    fn table_of(&mut self, row: &Row) -> Result<Option<&mut Table>, Error> {
        let place = self.places.get(&row.try_get(0)?).copied();
        Ok(place.and_then(|place| self.schema.tables.get_mut(place)))
    }
}

/// Reads all user tables with their columns, keys, constraints and partitions.
///
/// # Errors
/// What the server or the connection says.
pub async fn read_schema(client: &Client) -> Result<Schema, Error> {
    let types = read_types(client).await?;
    let forest = partitions::read_forest(client).await?;
    let mut schema = Schema::default();
    for row in client.query(TABLES, &[]).await? {
        let oid = row.try_get(0)?;
        schema.tables.push(Table {
            oid,
            name: relation_name(&row, 1)?,
            columns: Vec::new(),
            unique_keys: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            exclusions: Vec::new(),
            partitioning: forest.of(oid),
        });
    }
    for row in client.query(OTHERS, &[]).await? {
        schema.others.push(OtherRelation {
            name: relation_name(&row, 0)?,
            kind: row.try_get(2)?,
        });
    }
    let places = partitions::places(&schema);
    let mut ground = Ground { schema, places };
    let roots: Vec<u32> = ground.schema.tables.iter().map(|table| table.oid).collect();
    for row in client.query(COLUMNS, &[&roots]).await? {
        if let Some(table) = ground.table_of(&row)? {
            table.columns.push(column(&row, &types)?);
        }
    }
    let Ground { schema, places } = &mut ground;
    partitions::add_not_nulls(client, schema, places).await?;
    keys::read_keys(client, &mut ground).await?;
    Ok(ground.schema)
}

/// A schema's and a relation's name, in two columns from this one on.
fn relation_name(row: &Row, first: usize) -> Result<RelationName, Error> {
    Ok(RelationName {
        schema: row.try_get(first)?,
        name: row.try_get(first + 1)?,
    })
}

fn column(row: &Row, types: &Types) -> Result<Column, Error> {
    let default: Option<String> = row.try_get(8)?;
    let identity: bool = row.try_get(7)?;
    let serial = default
        .as_ref()
        .is_some_and(|text| text.starts_with("nextval("));
    Ok(Column {
        name: row.try_get(1)?,
        data_type: DataType {
            name: row.try_get(4)?,
            kind: types.kind(row.try_get(2)?, row.try_get(3)?),
        },
        not_null: row.try_get(5)?,
        default,
        generated: row.try_get(6)?,
        sequence: identity || serial,
    })
}

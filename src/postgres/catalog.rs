//! Reads the catalog into [`Schema`]: a fixed number of queries, however many tables there are.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error, Row};

use crate::schema::{
    Check, Column, DataType, ForeignKey, OtherRelation, RelationName, Schema, Table, TypeKind,
    UniqueKey,
};

/// Ordinary tables of users: no system's, no extension's, no partitions.
const TABLES: &str = "
    SELECT c.oid, n.nspname, c.relname
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND NOT c.relispartition AND c.relpersistence <> 't'
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
                        AND d.deptype = 'e')
    ORDER BY n.nspname, c.relname";

/// Relations that a scenario could take for tables, and what they are.
const OTHERS: &str = "
    SELECT n.nspname, c.relname,
           CASE WHEN c.relispartition THEN 'a partition'
                ELSE CASE c.relkind WHEN 'p' THEN 'a partitioned table' WHEN 'v' THEN 'a view'
                                    WHEN 'm' THEN 'a materialized view' ELSE 'a foreign table' END END
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE (c.relkind IN ('p', 'v', 'm', 'f') OR c.relkind = 'r' AND c.relispartition)
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

/// All types but those of the tables themselves.
const TYPES: &str = "
    SELECT t.oid, t.typname, t.typtype::text, t.typcategory::text, t.typelem, t.typbasetype,
           t.typtypmod, t.typnotnull, n.nspname = 'pg_catalog'
    FROM pg_catalog.pg_type t
    JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE t.typtype <> 'c' OR NOT EXISTS (SELECT FROM pg_catalog.pg_class c
                                          WHERE c.oid = t.typrelid AND c.relkind <> 'c')";

const LABELS: &str = "
    SELECT enumtypid, array_agg(enumlabel::text ORDER BY enumsortorder)
    FROM pg_catalog.pg_enum GROUP BY enumtypid";

const DOMAIN_CHECKS: &str = "
    SELECT contypid, array_agg(pg_catalog.pg_get_expr(conbin, 0) ORDER BY conname)
    FROM pg_catalog.pg_constraint WHERE contypid <> 0 AND contype = 'c' GROUP BY contypid";

/// Unique indexes on plain columns; expressions have attribute number 0.
const UNIQUE_KEYS: &str = "
    SELECT i.indrelid, c.relname, i.indisprimary, i.indpred IS NOT NULL,
           (SELECT array_agg(a.attname::text ORDER BY k.place)
            FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k(attnum, place)
            JOIN pg_catalog.pg_attribute a
              ON a.attrelid = i.indrelid AND a.attnum = k.attnum)
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = ANY ($1) AND i.indisunique AND i.indislive
      AND NOT (0 = ANY (i.indkey[0:i.indnkeyatts - 1]))
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
    -- Not those that a key to a partitioned table has for each partition.
    WHERE k.conrelid = ANY ($1) AND k.contype = 'f' AND k.conparentid = 0
    ORDER BY k.conrelid, k.conname";

const CHECKS: &str = "
    SELECT k.conrelid, k.conname, pg_catalog.pg_get_expr(k.conbin, k.conrelid),
           coalesce((SELECT array_agg(a.attname::text ORDER BY x.place)
            FROM unnest(k.conkey) WITH ORDINALITY AS x(attnum, place)
            JOIN pg_catalog.pg_attribute a
              ON a.attrelid = k.conrelid AND a.attnum = x.attnum), '{}')
    FROM pg_catalog.pg_constraint k
    WHERE k.conrelid = ANY ($1) AND k.contype = 'c'
    ORDER BY k.conrelid, k.conname";

/// Reads all user tables with their columns, keys and CHECKs. Of partitioned tables and their
/// partitions only the names are read.
///
/// # Errors
/// What the server or the connection says.
pub async fn read_schema(client: &Client) -> Result<Schema, Error> {
    let types = read_types(client).await?;
    let mut tables = Vec::new();
    for row in client.query(TABLES, &[]).await? {
        tables.push(Table {
            oid: row.try_get(0)?,
            name: relation_name(&row, 1)?,
            columns: Vec::new(),
            unique_keys: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            exclusions: Vec::new(),
            partitioning: None,
        });
    }
    let oids: Vec<u32> = tables.iter().map(|table| table.oid).collect();
    let place: BTreeMap<u32, usize> = oids.iter().copied().zip(0..).collect();
    let table_of = |row: &Row| Ok::<_, Error>(place.get(&row.try_get(0)?).copied());
    for row in client.query(COLUMNS, &[&oids]).await? {
        if let Some(table) = table_of(&row)?.and_then(|index| tables.get_mut(index)) {
            table.columns.push(column(&row, &types)?);
        }
    }
    for row in client.query(UNIQUE_KEYS, &[&oids]).await? {
        if let Some(table) = table_of(&row)?.and_then(|index| tables.get_mut(index)) {
            table.unique_keys.push(UniqueKey {
                name: row.try_get(1)?,
                primary: row.try_get(2)?,
                partial: row.try_get(3)?,
                columns: row.try_get(4)?,
                expressions: Vec::new(),
            });
        }
    }
    for row in client.query(FOREIGN_KEYS, &[&oids]).await? {
        if let Some(table) = table_of(&row)?.and_then(|index| tables.get_mut(index)) {
            table.foreign_keys.push(foreign_key(&row)?);
        }
    }
    for row in client.query(CHECKS, &[&oids]).await? {
        if let Some(table) = table_of(&row)?.and_then(|index| tables.get_mut(index)) {
            table.checks.push(Check {
                name: row.try_get(1)?,
                expression: row.try_get(2)?,
                columns: row.try_get(3)?,
            });
        }
    }
    let mut others = Vec::new();
    for row in client.query(OTHERS, &[]).await? {
        others.push(OtherRelation {
            name: relation_name(&row, 0)?,
            kind: row.try_get(2)?,
        });
    }
    Ok(Schema { tables, others })
}

/// A schema's and a relation's name, in two columns from this one on.
fn relation_name(row: &Row, first: usize) -> Result<RelationName, Error> {
    Ok(RelationName {
        schema: row.try_get(first)?,
        name: row.try_get(first + 1)?,
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

/// `pg_type` with what belongs to it, by oid.
#[derive(Default)]
struct Types {
    types: BTreeMap<u32, PgType>,
    labels: BTreeMap<u32, Vec<String>>,
    checks: BTreeMap<u32, Vec<String>>,
}

struct PgType {
    name: String,
    /// `typtype`: b, d, e, r, …
    class: String,
    category: String,
    element: u32,
    base: u32,
    modifier: i32,
    not_null: bool,
    built_in: bool,
}

async fn read_types(client: &Client) -> Result<Types, Error> {
    let mut types = Types::default();
    for row in client.query(TYPES, &[]).await? {
        types.types.insert(
            row.try_get(0)?,
            PgType {
                name: row.try_get(1)?,
                class: row.try_get(2)?,
                category: row.try_get(3)?,
                element: row.try_get(4)?,
                base: row.try_get(5)?,
                modifier: row.try_get(6)?,
                not_null: row.try_get(7)?,
                built_in: row.try_get(8)?,
            },
        );
    }
    for row in client.query(LABELS, &[]).await? {
        types.labels.insert(row.try_get(0)?, row.try_get(1)?);
    }
    for row in client.query(DOMAIN_CHECKS, &[]).await? {
        types.checks.insert(row.try_get(0)?, row.try_get(1)?);
    }
    Ok(types)
}

impl Types {
    fn kind(&self, oid: u32, modifier: i32) -> TypeKind {
        let Some(found) = self.types.get(&oid) else {
            return TypeKind::Other {
                name: oid.to_string(),
            };
        };
        match found.class.as_str() {
            "e" => TypeKind::Enum {
                labels: self.labels.get(&oid).cloned().unwrap_or_default(),
            },
            "d" => TypeKind::Domain {
                // A domain's modifier is its own: columns of it have none.
                base: Box::new(self.kind(found.base, found.modifier)),
                not_null: found.not_null,
                checks: self.checks.get(&oid).cloned().unwrap_or_default(),
            },
            "b" if found.category == "A" && found.element != 0 => TypeKind::Array {
                // An array's modifier is its elements'.
                element: Box::new(self.kind(found.element, modifier)),
            },
            "b" if found.built_in => TypeKind::Base {
                modifiers: modifiers(&found.name, modifier),
                name: found.name.clone(),
            },
            _ => TypeKind::Other {
                name: found.name.clone(),
            },
        }
    }
}

/// Takes `atttypmod` apart, as the types' `typmodout` functions do.
fn modifiers(name: &str, modifier: i32) -> Vec<i32> {
    if modifier < 0 {
        return Vec::new();
    }
    // Lengths include the 4 bytes of a varlena's header.
    let length = modifier - 4;
    match name {
        "varchar" | "bpchar" => vec![length],
        // The scale is in 11 bits with a sign since PostgreSQL 15; before it was 0 to 1000.
        "numeric" => vec![(length >> 16) & 0xffff, ((length & 0x7ff) ^ 1_024) - 1_024],
        "interval" => match modifier & 0xffff {
            0xffff => Vec::new(),
            precision => vec![precision],
        },
        "time" | "timetz" | "timestamp" | "timestamptz" | "bit" | "varbit" => vec![modifier],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers_are_taken_apart() {
        for (name, modifier, numbers) in [
            ("varchar", 24, vec![20]),
            ("numeric", 655_366, vec![10, 2]),
            // numeric(3,-2)
            ("numeric", (3 << 16 | (-2i32 & 0x7ff)) + 4, vec![3, -2]),
            ("timestamptz", 3, vec![3]),
            ("timestamp", -1, vec![]),
            ("interval", 0x7fff_ffff, vec![]),
            ("int4", -1, vec![]),
        ] {
            assert_eq!(modifiers(name, modifier), numbers, "{name} {modifier}");
        }
    }
}

//! Types as far as generating values needs them.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error};

use crate::schema::TypeKind;

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

/// Ranges and their multiranges, which PostgreSQL has since 14.
const RANGES: &str = "
    SELECT r.rngtypid, r.rngsubtype, (to_jsonb(r) ->> 'rngmultitypid')::oid
    FROM pg_catalog.pg_range r";

/// The fields of composite types, in order.
const FIELDS: &str = "
    SELECT c.reltype, a.attname, a.atttypid, a.atttypmod
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind = 'c' AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY c.reltype, a.attnum";

/// `pg_type` with what belongs to it, by oid.
#[derive(Default)]
pub(super) struct Types {
    types: BTreeMap<u32, PgType>,
    labels: BTreeMap<u32, Vec<String>>,
    checks: BTreeMap<u32, Vec<String>>,
    /// The subtypes of ranges and of multiranges.
    subtypes: BTreeMap<u32, u32>,
    fields: BTreeMap<u32, Vec<Field>>,
}

/// A field of a composite type.
struct Field {
    name: String,
    type_oid: u32,
    modifier: i32,
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

impl PgType {
    /// Whether its text is an array's. `int2vector` and `oidvector` have elements, but no braces.
    fn is_array(&self) -> bool {
        let vector = self.built_in && matches!(self.name.as_str(), "int2vector" | "oidvector");
        self.category == "A" && self.element != 0 && !vector
    }
}

/// Reads all types that a column may have.
pub(super) async fn read_types(client: &Client) -> Result<Types, Error> {
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
    for row in client.query(RANGES, &[]).await? {
        let subtype = row.try_get(1)?;
        types.subtypes.insert(row.try_get(0)?, subtype);
        if let Some(multirange) = row.try_get(2)? {
            types.subtypes.insert(multirange, subtype);
        }
    }
    for row in client.query(FIELDS, &[]).await? {
        let field = Field {
            name: row.try_get(1)?,
            type_oid: row.try_get(2)?,
            modifier: row.try_get(3)?,
        };
        let fields = types.fields.entry(row.try_get(0)?).or_default();
        fields.push(field);
    }
    Ok(types)
}

impl Types {
    /// What a type is, with the modifier of the column that has it.
    pub(super) fn kind(&self, oid: u32, modifier: i32) -> TypeKind {
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
            "b" if found.is_array() => TypeKind::Array {
                // An array's modifier is its elements'.
                element: Box::new(self.kind(found.element, modifier)),
            },
            "b" if found.built_in => TypeKind::Base {
                modifiers: modifiers(&found.name, modifier),
                name: found.name.clone(),
            },
            "r" if self.subtypes.contains_key(&oid) => TypeKind::Range {
                subtype: Box::new(self.subtype(oid)),
            },
            "m" if self.subtypes.contains_key(&oid) => TypeKind::Multirange {
                subtype: Box::new(self.subtype(oid)),
            },
            // PostgreSQL lets no composite type be a field of itself.
            "c" => TypeKind::Composite {
                fields: self.fields(oid),
            },
            _ => TypeKind::Other {
                name: found.name.clone(),
            },
        }
    }

    fn subtype(&self, range: u32) -> TypeKind {
        self.kind(self.subtypes.get(&range).copied().unwrap_or(0), -1)
    }

    fn fields(&self, composite: u32) -> Vec<(String, TypeKind)> {
        let fields = self.fields.get(&composite).into_iter().flatten();
        let kind = |field: &Field| self.kind(field.type_oid, field.modifier);
        fields
            .map(|field| (field.name.clone(), kind(field)))
            .collect()
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
        "interval" => interval_modifiers(modifier),
        "time" | "timetz" | "timestamp" | "timestamptz" | "bit" | "varbit" => vec![modifier],
        _ => Vec::new(),
    }
}

/// The precision of an interval's seconds and, where not all are kept, the mask of its fields
/// (PostgreSQL's `INTERVAL_MASK` in `datetime.h`).
fn interval_modifiers(modifier: i32) -> Vec<i32> {
    match (modifier & 0xffff, modifier >> 16) {
        (0xffff, 0x7fff) => Vec::new(),
        (precision, 0x7fff) => vec![precision],
        (precision, fields) => vec![precision.min(6), fields],
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
            // interval(3), interval year to month
            ("interval", 0x7fff_0003, vec![3]),
            ("interval", 0x0006_ffff, vec![6, 6]),
            ("int4", -1, vec![]),
        ] {
            assert_eq!(modifiers(name, modifier), numbers, "{name} {modifier}");
        }
    }
}

//! Which column of the schema a statement means, and whether its values fit a parameter.

use tokio_postgres::types::{Kind, Type};

use crate::schema::{Column, Schema, Table, TypeKind};
use crate::sql::{ColumnUse, Inserted, TableUse, Target};

/// The first of these that the schema has.
pub(super) fn find<'s, 'u>(
    schema: &'s Schema,
    candidates: &'u [ColumnUse],
) -> Option<(&'s Table, &'s Column, &'u ColumnUse)> {
    candidates.iter().find_map(|candidate| {
        let table = table(schema, &candidate.table)?;
        Some((table, table.column(&candidate.column)?, candidate))
    })
}

/// The table that a new row is of, and the column that a value of it is in.
pub(super) fn inserted<'s>(
    schema: &'s Schema,
    inserted: &Inserted,
) -> Option<(&'s Table, &'s Column)> {
    let table = table(schema, &inserted.table)?;
    let column = match &inserted.column {
        Target::Named(name) => table.column(name)?,
        Target::Place(place) => table.columns.get(*place)?,
    };
    Some((table, column))
}

fn table<'s>(schema: &'s Schema, table: &TableUse) -> Option<&'s Table> {
    schema.table(&table.full_name())
}

/// Whether `\pick` and `\fresh` can name a column: their words end at blanks and commas.
pub(super) fn can_be_named(table: &Table, column: &str) -> bool {
    let is_word = |name: &str| {
        !name.is_empty()
            && !name.contains(|c: char| c.is_whitespace() || matches!(c, ',' | '\\' | '.'))
    };
    is_word(&table.name.name) && is_word(&table.name.schema) && is_word(column)
}

/// Kinds of values that are written alike.
#[derive(Debug, PartialEq, Eq)]
enum Family {
    Number,
    Text,
    Moment,
    Of(String),
}

fn family(name: &str) -> Family {
    match name {
        "int2" | "int4" | "int8" | "numeric" | "float4" | "float8" | "oid" => Family::Number,
        "text" | "varchar" | "bpchar" | "citext" | "name" => Family::Text,
        "date" | "timestamp" | "timestamptz" => Family::Moment,
        other => Family::Of(other.to_owned()),
    }
}

/// Whether a column's values can be a parameter of this type. What the schema does not say more of is
/// left to the server.
pub(super) fn fits(column: &Column, parameter: &Type) -> bool {
    let mut parameter = parameter;
    while let Kind::Domain(base) = parameter.kind() {
        parameter = base;
    }
    match (column.data_type.kind.below_domains(), parameter.kind()) {
        (TypeKind::Base { name, .. } | TypeKind::Other { name }, _) => {
            let (own, asked) = (family(name), family(parameter.name()));
            // Any value can be read as text.
            own == asked || asked == Family::Text
        }
        (TypeKind::Array { .. }, Kind::Array(_)) => true,
        (TypeKind::Range { .. }, Kind::Range(_)) => true,
        (TypeKind::Multirange { .. }, Kind::Multirange(_)) => true,
        (TypeKind::Enum { labels }, Kind::Enum(asked)) => labels == asked,
        (TypeKind::Composite { .. }, Kind::Composite(_)) => true,
        _ => parameter == &Type::TEXT || parameter == &Type::VARCHAR,
    }
}

/// The type of an array's elements; any other type itself.
pub(super) fn element(of: &Type) -> &Type {
    match of.kind() {
        Kind::Array(element) => element,
        _ => of,
    }
}

/// A type's name as SQL.
pub(super) fn type_name(of: &Type) -> String {
    if let Kind::Array(element) = of.kind() {
        return format!("{}[]", type_name(element));
    }
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    match (of.schema(), of.name()) {
        ("pg_catalog", name @ ("bit" | "char")) => format!("pg_catalog.{}", quoted(name)),
        ("pg_catalog", name) => name.to_owned(),
        (schema, name) => format!("{}.{}", quoted(schema), quoted(name)),
    }
}

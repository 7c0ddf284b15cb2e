//! Values of which nothing is known but their type and, perhaps, the function that takes them.

use tokio_postgres::types::{Kind, Type};

use super::column::type_name;
use crate::sql::Role;

/// A plausible value as SQL: one that is read without an error, and that changes little.
pub(super) fn guess(role: &Role, of: &Type) -> String {
    if let Role::Argument(function, place) = role
        && let Some(word) = argument(function, *place, of)
    {
        return format!("'{word}'::{}", type_name(of));
    }
    match of.kind() {
        Kind::Array(_) => format!("'{{}}'::{}", type_name(of)),
        Kind::Enum(labels) => match labels.first() {
            Some(label) => format!("'{}'::{}", label.replace('\'', "''"), type_name(of)),
            None => format!("NULL::{}", type_name(of)),
        },
        Kind::Domain(base) => format!("{}::{}", guess(&Role::Other, base), type_name(of)),
        Kind::Range(_) | Kind::Multirange(_) => {
            let empty = if matches!(of.kind(), Kind::Range(_)) {
                "empty"
            } else {
                "{}"
            };
            format!("'{empty}'::{}", type_name(of))
        }
        _ => simple(of),
    }
}

fn simple(of: &Type) -> String {
    let word = match of.name() {
        "int2" | "int4" | "int8" | "float4" | "float8" | "numeric" | "money" | "oid" => "1",
        "bool" => "true",
        "text" | "varchar" | "bpchar" | "name" | "char" | "citext" | "unknown" => "x",
        "timestamptz" | "timestamp" => "now",
        "date" => "today",
        "time" | "timetz" => "12:00",
        "interval" => "1 day",
        "uuid" => return "gen_random_uuid()".to_owned(),
        "json" | "jsonb" | "hstore" => return empty_object(of),
        "jsonpath" => "$",
        "bytea" => "",
        "inet" | "cidr" => "10.0.0.1",
        "tsquery" | "tsvector" | "ltree" | "lquery" => "x",
        "regclass" => "pg_class",
        "regconfig" | "regdictionary" => "simple",
        "regtype" => "int4",
        "bit" | "varbit" => "0",
        "xml" => "<x/>",
        "pg_lsn" => "0/0",
        "point" => "(0,0)",
        _ => return format!("NULL::{}", type_name(of)),
    };
    format!("'{word}'::{}", type_name(of))
}

fn empty_object(of: &Type) -> String {
    let empty = if of.name() == "hstore" { "" } else { "{}" };
    format!("'{empty}'::{}", type_name(of))
}

/// The words that functions of PostgreSQL and its contrib modules accept, where not any word does.
fn argument(function: &str, place: usize, of: &Type) -> Option<&'static str> {
    if !matches!(of.name(), "text" | "unknown" | "varchar") {
        return None;
    }
    Some(match (function, place) {
        ("date_trunc" | "date_part", 0) => "day",
        ("timezone", 0) | ("at time zone", _) | ("date_trunc", 2) => "UTC",
        ("to_char", 1) => "YYYY-MM-DD",
        ("to_date" | "to_timestamp", 0) => "2026-01-01",
        ("to_date" | "to_timestamp", 1) => "YYYY-MM-DD",
        ("to_number", _) => "9",
        ("encode" | "decode", 1) => "hex",
        ("decode", 0) => "00",
        ("digest" | "hmac", _) => "sha256",
        ("current_setting" | "set_config", 0) => "application_name",
        ("set_config", 1) => "application",
        ("format", 0) => "%s",
        ("normalize", 1) => "NFC",
        _ => return None,
    })
}

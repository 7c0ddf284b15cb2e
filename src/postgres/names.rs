//! Names as SQL.

use crate::schema::RelationName;

/// An identifier in double quotes, whatever it holds.
pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// A relation's name as SQL.
pub fn quoted(relation: &RelationName) -> String {
    format!("{}.{}", quote(&relation.schema), quote(&relation.name))
}

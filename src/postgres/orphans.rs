//! Rows that point nowhere, where a foreign key was not asked while they were written.

use postgres_protocol::escape::escape_literal;

use super::names::{quote, quoted};
use crate::schema::{ForeignKey, RelationName};

/// A statement that fails as the foreign key itself would (SQLSTATE 23503) if a row of the table
/// points nowhere. A row with a NULL among the key's columns does not count, as MATCH SIMPLE has it.
pub fn refusal(table: &RelationName, key: &ForeignKey) -> String {
    let own = |column: &String| format!("c.{}", quote(column));
    let present: Vec<String> = key
        .columns
        .iter()
        .map(|column| format!("{} IS NOT NULL", own(column)))
        .collect();
    let pairs = key.columns.iter().zip(&key.referenced_columns);
    let equal: Vec<String> = pairs
        .map(|(column, referenced)| format!("p.{} = {}", quote(referenced), own(column)))
        .collect();
    let body = format!(
        "BEGIN
           IF EXISTS (SELECT FROM {child} AS c WHERE {present}
                      AND NOT EXISTS (SELECT FROM {parent} AS p WHERE {equal})) THEN
             RAISE foreign_key_violation USING
               MESSAGE = {message}, SCHEMA = {schema}, TABLE = {name}, CONSTRAINT = {constraint};
           END IF;
         END",
        child = quoted(table),
        parent = quoted(&key.references),
        present = present.join(" AND "),
        equal = equal.join(" AND "),
        message = escape_literal(&format!(
            "rows of {table} have values that no row of {} has",
            key.references
        )),
        schema = escape_literal(&table.schema),
        name = escape_literal(&table.name),
        constraint = escape_literal(&key.name),
    );
    format!("DO {}", escape_literal(&body))
}

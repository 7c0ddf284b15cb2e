//! Schema files: DDL, and what `pg_dump` writes.

use super::{SqlError, SqlStatement};

/// One thing that a schema file does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaItem<'a> {
    /// A statement to send.
    Statement(SqlStatement),
    /// Rows to send.
    CopyData {
        /// The `COPY … FROM stdin` statement.
        statement: SqlStatement,
        /// The lines after it, up to but without the `\.`.
        data: &'a str,
    },
}

/// Splits a schema file where a line ends in a semicolon outside of `$$` bodies.
///
/// # Errors
/// Rows without their closing `\.`.
pub fn parse_schema_file<'a>(file: &str, text: &'a str) -> Result<Vec<SchemaItem<'a>>, SqlError> {
    let mut items = Vec::new();
    let mut open: Option<SqlStatement> = None;
    let mut offset = 0;
    let mut number = 0;
    while let Some(line) = text
        .get(offset..)
        .and_then(|rest| rest.split_inclusive('\n').next())
    {
        let begin = offset;
        offset += line.len();
        number += 1;
        let idle = line.trim().is_empty() || line.starts_with("--") || line.starts_with('\\');
        if open.is_none() && idle {
            continue;
        }
        let statement = open.get_or_insert_with(|| SqlStatement {
            text: String::new(),
            line: number,
            offset: begin,
        });
        statement.text.push_str(line);
        let whole = statement.text.matches("$$").count().is_multiple_of(2);
        if !(whole && line.trim_end().ends_with(';')) {
            continue;
        }
        let Some(mut statement) = open.take() else {
            continue;
        };
        statement.text = statement.text.trim_end().trim_end_matches(';').to_owned();
        if !(statement.text.starts_with("COPY ") && statement.text.ends_with("FROM stdin")) {
            items.push(SchemaItem::Statement(statement));
            continue;
        }
        let rest = text.get(offset..).unwrap_or_default();
        let end = match rest.strip_prefix("\\.") {
            Some(_) => 0,
            None => rest.find("\n\\.").map(|end| end + 1).ok_or(SqlError {
                file: file.to_owned(),
                line: statement.line,
                column: 1,
                message: "the rows of this COPY have no closing \\.".to_owned(),
            })?,
        };
        let data = rest.get(..end).unwrap_or_default();
        number += data.lines().count();
        offset += end;
        items.push(SchemaItem::CopyData { statement, data });
    }
    items.extend(open.map(SchemaItem::Statement));
    Ok(items)
}

//! Schema files: plain DDL, and what `pg_dump` writes, its psql lines and `COPY` data included.

use super::scanner::{Fault, Scanned, Scanner};
use super::statement::StatementReader;
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

/// Reads a schema file in one pass, copying no data. Lines that begin with a backslash (`\connect`,
/// `\restrict`, `\set`, …) are psql's and left out.
///
/// # Errors
///
/// An open string, comment, dollar quote or parenthesis; a psql command in the middle of a
/// statement or line; data without their closing `\.`.
pub fn parse_schema_file<'a>(file: &str, text: &'a str) -> Result<Vec<SchemaItem<'a>>, SqlError> {
    read_items(text).map_err(|fault| SqlError::at(file, text, fault.at, fault.message))
}

fn read_items(text: &str) -> Result<Vec<SchemaItem<'_>>, Fault> {
    let mut scanner = Scanner::new(text);
    let mut reader = StatementReader::new(text);
    let mut items = Vec::new();
    while let Some(scanned) = scanner.next()? {
        match scanned {
            Scanned::Backslash {
                at,
                inside_statement: false,
            } if begins_line(text, at) => scanner.skip_line(),
            Scanned::Backslash { at, .. } => {
                return Err(Fault {
                    at,
                    message: "a psql command is understood at the beginning of a line and outside \
                              of statements alone: write it as SQL",
                });
            }
            Scanned::Statement {
                start,
                end,
                copies_from_stdin: false,
            } => items.push(SchemaItem::Statement(reader.read(start..end))),
            Scanned::Statement { start, end, .. } => {
                scanner.skip_line();
                items.push(SchemaItem::CopyData {
                    statement: reader.read(start..end),
                    data: take_data(&mut scanner, start)?,
                });
            }
        }
    }
    Ok(items)
}

fn begins_line(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    before
        .chars()
        .next_back()
        .is_none_or(|last| last == '\n' || last == '\u{feff}')
}

/// The lines up to the one that holds `\.` alone, which is left behind.
fn take_data<'a>(scanner: &mut Scanner<'a>, statement: usize) -> Result<&'a str, Fault> {
    let rest = scanner.rest();
    let begin = scanner.offset();
    loop {
        let line = scanner.rest();
        if line.is_empty() {
            return Err(Fault {
                at: statement,
                message: "the data of this COPY never end: close them with a line that holds `\\.`",
            });
        }
        let data = scanner.offset() - begin;
        scanner.skip_line();
        let length = line.len() - scanner.rest().len();
        if line.get(..length).is_some_and(ends_data) {
            return Ok(rest.get(..data).unwrap_or_default());
        }
    }
}

fn ends_data(line: &str) -> bool {
    line.trim_end_matches(['\r', '\n']) == "\\."
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DUMP: &str = r#"--
-- PostgreSQL database dump
--

\restrict Xy'z
SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);

CREATE FUNCTION public.f() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  -- it's; fine
  RETURN NEW;
END;
$$;

COPY public.t (a, b) FROM stdin;
1	it's; -- not a comment
2	\\.
\N	$$
\.

COPY public.empty (a) FROM stdin;
\.


ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY (a);
\unrestrict Xy'z
"#;

    fn summary(text: &str) -> Vec<String> {
        parse_schema_file("schema.sql", text)
            .unwrap()
            .into_iter()
            .map(|item| match item {
                SchemaItem::Statement(statement) => {
                    let line = statement.text.lines().next().unwrap_or_default();
                    format!("{}: {line}", statement.line)
                }
                SchemaItem::CopyData { statement, data } => {
                    format!("{}: {} {data:?}", statement.line, statement.text)
                }
            })
            .collect()
    }

    #[test]
    fn a_dump_is_read_as_it_comes() {
        insta::assert_debug_snapshot!(summary(DUMP), @r#"
        [
            "6: SET statement_timeout = 0",
            "7: SELECT pg_catalog.set_config('search_path', '', false)",
            "9: CREATE FUNCTION public.f() RETURNS trigger",
            "18: COPY public.t (a, b) FROM stdin \"1\\tit's; -- not a comment\\n2\\t\\\\\\\\.\\n\\\\N\\t$$\\n\"",
            "24: COPY public.empty (a) FROM stdin \"\"",
            "28: ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY (a)",
        ]
        "#);
    }

    #[test]
    fn windows_lines_are_read_too() {
        let items =
            summary("\u{feff}\\connect x\r\nCOPY t FROM stdin;\r\n1\r\n\\.\r\nSELECT 1;\r\n");
        assert_eq!(items, ["2: COPY t FROM stdin \"1\\r\\n\"", "5: SELECT 1"]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let error = |text| parse_schema_file("s.sql", text).unwrap_err().to_string();
        insta::assert_snapshot!(error("SELECT 1;\nCOPY t FROM stdin;\n1\n"), @r"s.sql:2:1: the data of this COPY never end: close them with a line that holds `\.`");
        insta::assert_snapshot!(error("SELECT 1\n\\gset\n"), @"s.sql:2:1: a psql command is understood at the beginning of a line and outside of statements alone: write it as SQL");
        insta::assert_snapshot!(error("CREATE TABLE t (a text DEFAULT 'x);"), @"s.sql:1:32: this string never ends: close it with `'`");
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "(COPY t FROM stdin;\n|\\\\\\.\n|\\\\|'|\\$\\$|\n|;|a|\r|é){0,20}") {
            let _ = parse_schema_file("s.sql", &text);
        }

        #[test]
        fn data_come_out_as_they_went_in(lines in proptest::collection::vec("[a-z'\";\\$\t-]{0,12}", 0..6)) {
            let data: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let text = format!("COPY t FROM stdin;\n{data}\\.\nSELECT 1;");
            let items = parse_schema_file("s.sql", &text).unwrap();
            prop_assert_eq!(items.len(), 2);
            let found = matches!(&items[0], SchemaItem::CopyData { data: found, .. } if *found == data);
            prop_assert!(found);
        }
    }
}

//! What a fill by itself made, for people and as JSON.

use std::io::{self, Write};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Tool;
use super::columns::{Align, Cell, Columns};
use super::page::{BOLD, DIM, Page, Style};
use crate::judge::wording::counted;
use crate::units::{Bytes, Rows, Span, seconds};

/// A filled database: what `pgrehearse fill --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Filled {
    /// The version of this format.
    pub format_version: u32,
    /// The program that filled.
    pub tool: Tool,
    /// The scenario's name.
    pub scenario: String,
    /// The database.
    pub shadow: FilledShadow,
    /// Rows written, of all tables.
    pub rows: Rows,
    /// Bytes of all filled tables, indexes and TOAST included.
    pub bytes: u64,
    /// Rows written per second while copying.
    pub rows_per_second: f64,
    /// Time to copy all rows.
    #[serde(with = "seconds")]
    pub copying: Duration,
    /// Time to build indexes and to validate foreign keys.
    #[serde(with = "seconds")]
    pub indexing: Duration,
    /// Time to set sequences, vacuum and analyze.
    #[serde(with = "seconds")]
    pub settling: Duration,
    /// The filled tables, the largest first.
    pub tables: Vec<FilledTable>,
    /// What the user should know although nothing failed.
    pub notes: Vec<String>,
}

/// Where the rows are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilledShadow {
    /// How to connect, without the password.
    pub url: String,
    /// The database's name.
    pub database: String,
    /// The server's version.
    pub postgres_version: String,
    /// Whether the fill created the database.
    pub created: bool,
    /// What a person types to be rid of it.
    pub drop: String,
}

/// One filled table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilledTable {
    /// Schema-qualified name.
    pub name: String,
    /// Its rows.
    pub rows: Rows,
    /// Its bytes, indexes and TOAST included; none where they could not be read.
    pub bytes: Option<u64>,
}

impl Filled {
    /// The format that this program writes.
    pub const FORMAT_VERSION: u32 = 1;
}

/// Writes it as JSON.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write_json(filled: &Filled, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, filled)?;
    writeln!(out)
}

/// Writes it for a terminal.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(filled: &Filled, out: &mut dyn Write, style: Style) -> io::Result<()> {
    let mut page = Page::new(out, style);
    let heading = page.paint(BOLD, &format!(" {} is filled", filled.shadow.database));
    page.line(&heading)?;
    page.line("")?;
    tables(&mut page, filled)?;
    page.line("")?;
    for note in &filled.notes {
        page.item(("  · ", DIM), note)?;
    }
    if !filled.notes.is_empty() {
        page.line("")?;
    }
    let mut facts = Columns::new(&[Align::Left, Align::Left]);
    let copied = format!(
        "in {}, {} rows/s",
        Span(filled.copying),
        Rows(filled.rows_per_second as u64)
    );
    for (title, text) in [
        ("copied", copied),
        ("indexed", format!("in {}", Span(filled.indexing))),
        ("analyzed", format!("in {}", Span(filled.settling))),
        (
            "server",
            format!("PostgreSQL {}", filled.shadow.postgres_version),
        ),
    ] {
        facts.row(vec![Cell::painted(title, DIM), Cell::new(text)]);
    }
    facts.write(&mut page)?;
    // Not cut to the page's width: they are for copying.
    for (title, text) in [
        ("connect", &filled.shadow.url),
        ("drop", &filled.shadow.drop),
    ] {
        let title = page.paint(DIM, &format!("{title:<8}"));
        page.line(&format!("  {title}  {text}"))?;
    }
    Ok(())
}

fn tables(page: &mut Page<'_>, filled: &Filled) -> io::Result<()> {
    let mut table = Columns::new(&[Align::Left, Align::Right, Align::Right]);
    let head = ["table", "rows", "size"];
    table.row(head.map(|title| Cell::painted(title, DIM)).to_vec());
    for one in &filled.tables {
        table.row(vec![
            Cell::new(one.name.as_str()),
            Cell::new(one.rows.to_string()),
            Cell::new(size(one.bytes)),
        ]);
    }
    table.row(vec![
        Cell::painted(counted(filled.tables.len() as u64, "table"), BOLD),
        Cell::painted(filled.rows.to_string(), BOLD),
        Cell::painted(size(Some(filled.bytes)), BOLD),
    ]);
    table.write(page)
}

fn size(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "–".to_owned(), |bytes| Bytes(bytes).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled() -> Filled {
        let table = |name: &str, rows, bytes| FilledTable {
            name: name.to_owned(),
            rows: Rows(rows),
            bytes,
        };
        Filled {
            format_version: Filled::FORMAT_VERSION,
            tool: Tool {
                name: "pgrehearse".into(),
                version: "0.1.0".into(),
            },
            scenario: "shop".into(),
            shadow: FilledShadow {
                url: "postgres://ann@db.example.org/pgrehearse_shop?sslmode=require".into(),
                database: "pgrehearse_shop".into(),
                postgres_version: "18.4".into(),
                created: true,
                drop: "psql 'postgres://ann@db.example.org/postgres' -c 'DROP DATABASE \"pgrehearse_shop\"'".into(),
            },
            rows: Rows(2_000_200),
            bytes: 300_000_000,
            rows_per_second: 400_040.0,
            copying: Duration::from_secs(5),
            indexing: Duration::from_millis(1500),
            settling: Duration::from_millis(400),
            tables: vec![
                table("public.orders", 2_000_000, Some(299_950_000)),
                table("public.customers", 200, None),
            ],
            notes: vec!["column public.orders.extra is left NULL".into()],
        }
    }

    #[test]
    fn it_shows_what_there_is_and_how_to_get_there() {
        let mut out = Vec::new();
        let style = Style {
            width: 80,
            colour: false,
        };
        write(&filled(), &mut out, style).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
       pgrehearse_shop is filled

        table             rows    size
        public.orders       2M  300 MB
        public.customers   200       –
        2 tables            2M  300 MB

        · column public.orders.extra is left NULL

        copied    in 5.00 s, 400k rows/s
        indexed   in 1.50 s
        analyzed  in 400 ms
        server    PostgreSQL 18.4
        connect   postgres://ann@db.example.org/pgrehearse_shop?sslmode=require
        drop      psql 'postgres://ann@db.example.org/postgres' -c 'DROP DATABASE "pgrehearse_shop"'
        "#);
    }

    #[test]
    fn its_json_is_read_back() {
        let mut out = Vec::new();
        write_json(&filled(), &mut out).unwrap();
        assert_eq!(serde_json::from_slice::<Filled>(&out).unwrap(), filled());
    }
}

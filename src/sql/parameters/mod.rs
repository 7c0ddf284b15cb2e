//! What the parameters of a statement are: compared with a column, inserted, a limit.
//!
//! The statements are those of `pg_stat_statements`, in which each constant is a `$n` too. Names are
//! resolved as far as the text allows, through aliases, joins, common table expressions and subqueries; a
//! column that could be of several tables stays a list, from which the schema chooses.

mod climb;
mod insertion;
mod rewrite;
mod scope;
mod source;
mod target;
#[cfg(test)]
mod tests;
mod whole;

use std::ops::Range;

use squawk_lexer::TokenKind;
use squawk_syntax::ast::{self, AstNode};

use super::scanner::tokens;
use super::syntax;

pub use insertion::{Given, Insertion};

/// A statement and what its parameters are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementUse {
    /// The text, in which what a server cannot prepare is written in a form that it can:
    /// `interval $1` as `($1)::interval`.
    pub text: String,
    /// What it does.
    pub verb: Verb,
    /// The tables that it names, the one that it writes to first.
    pub tables: Vec<TableUse>,
    /// Its parameters, by number.
    pub parameters: Vec<Parameter>,
    /// Whether the rows that it gives are limited.
    pub limited: bool,
    /// What happens to rows that are there already; none where it does not say.
    pub on_conflict: Option<OnConflict>,
    /// Where parameters stand in the text, in order.
    holes: Vec<(Range<usize>, usize)>,
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// `SELECT`, `VALUES`, `TABLE`.
    Select,
    /// `INSERT`.
    Insert,
    /// `UPDATE`.
    Update,
    /// `DELETE`.
    Delete,
    /// `MERGE`.
    Merge,
    /// Anything else: transaction control, settings, DDL, COPY, maintenance.
    Utility,
}

impl Verb {
    /// As names of transactions say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Merge => "merge",
            Self::Utility => "utility",
        }
    }
}

/// What an INSERT does with a row that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// `DO NOTHING`.
    Nothing,
    /// `DO UPDATE`.
    Update,
}

/// A table as a statement names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableUse {
    /// The schema, where it is said.
    pub schema: Option<String>,
    /// The name, unquoted.
    pub name: String,
}

impl TableUse {
    /// `schema.name` or `name`.
    pub fn full_name(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{schema}.{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// A column of a table that stands somewhere in a statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ColumnUse {
    /// Its table.
    pub table: TableUse,
    /// Its name, unquoted.
    pub column: String,
    /// Which mention of the table: columns of one mention are of one row.
    pub mention: usize,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// What it is.
    pub role: Role,
    /// How often it stands in the text.
    pub times: usize,
    /// Whether it stands for a list of any length, which `pg_stat_statements` 18 writes
    /// `$1 /*, ... */`.
    pub squashed: bool,
}

/// What a parameter is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// It is compared with a column: one of these, the likeliest first.
    Compared(Match, Vec<ColumnUse>),
    /// It becomes the value of a column by UPDATE.
    Assigned(ColumnUse),
    /// It becomes the value of a column of a new row.
    Inserted(Inserted),
    /// The number of rows asked for.
    Limit,
    /// The number of rows skipped.
    Offset,
    /// An argument of a function or of an operator that is written as a word, by its place from 0.
    Argument(String, usize),
    /// Anything else, a constant of the text among it.
    Other,
}

/// How a parameter is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// `=`.
    Equal,
    /// An element of a list; the place of the list in the text tells lists apart.
    Listed(usize),
    /// `= ANY (…)`: it is an array.
    Array,
    /// `<>`, or beside the column, as in `coalesce(column, …)`.
    Beside,
    /// The column is above it.
    Above,
    /// The column is below it.
    Below,
    /// `LIKE` and other patterns.
    Pattern,
    /// `@>`, `&&` and other operators of containers.
    Container,
}

/// A value of a new row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inserted {
    /// The table.
    pub table: TableUse,
    /// The column's name, or its place in the table from 0 where the statement names none.
    pub column: Target,
    /// Which of several rows, from 0.
    pub row: usize,
    /// Whether it is an array of the values of many rows (`unnest`).
    pub array: bool,
}

/// A column that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// By name.
    Named(String),
    /// By its place in the table, from 0.
    Place(usize),
}

impl StatementUse {
    /// Reads a statement. What of it is not understood is left [`Role::Other`]: the server is the judge
    /// of what is SQL. None where it is nested too deeply to be parsed.
    pub fn read(text: &str) -> Option<Self> {
        let verb = whole::verb(text);
        let text = rewrite::preparable(text.trim().trim_end_matches(';').trim_end());
        let holes = holes(&text);
        let root = syntax::parse(&text)?.syntax_node();
        let count = holes.iter().map(|(_, number)| *number).max().unwrap_or(0);
        let mut parameters = vec![
            Parameter {
                role: Role::Other,
                times: 0,
                squashed: false,
            };
            count
        ];
        for literal in root.descendants().filter_map(ast::Literal::cast) {
            let number = literal.positional_param_index();
            if let Some(parameter) = number.and_then(|number| parameters.get_mut(number)) {
                let role = climb::role(literal.syntax());
                if parameter.role == Role::Other {
                    parameter.role = role;
                }
                parameter.squashed |= whole::is_squashed(literal.syntax());
            }
        }
        for (_, number) in &holes {
            if let Some(parameter) = parameters.get_mut(number - 1) {
                parameter.times += 1;
            }
        }
        Some(Self {
            verb,
            tables: source::tables(&root),
            limited: whole::is_limited(&root),
            on_conflict: whole::on_conflict(&root),
            parameters,
            holes,
            text,
        })
    }

    /// The text with something else in the place of each parameter, by its number from 1.
    pub fn replaced(&self, replacement: impl Fn(usize) -> String) -> String {
        let mut out = String::with_capacity(self.text.len() * 2);
        let mut copied = 0;
        for (hole, number) in &self.holes {
            out.push_str(self.text.get(copied..hole.start).unwrap_or_default());
            out.push_str(&replacement(*number));
            copied = hole.end;
        }
        out.push_str(self.text.get(copied..).unwrap_or_default());
        out
    }
}

/// Where parameters stand, with their numbers from 1.
fn holes(text: &str) -> Vec<(Range<usize>, usize)> {
    let mut offset = 0;
    let mut holes = Vec::new();
    for (kind, token) in tokens(text) {
        let number = token.strip_prefix('$').and_then(|n| n.parse().ok());
        if let (TokenKind::PositionalParam { .. }, Some(number @ 1..=MOST)) = (kind, number) {
            holes.push((offset..offset + token.len(), number));
        }
        offset += token.len();
    }
    holes
}

/// Parameters of one statement: the protocol counts them in 16 bits.
const MOST: usize = u16::MAX as usize;

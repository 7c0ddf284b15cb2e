//! Which columns an INSERT gives values.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::TableUse;
use super::source::written;
use crate::sql::syntax;

/// An INSERT, and the columns of the rows that it makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insertion {
    /// The table.
    pub table: TableUse,
    /// The columns that it gives values.
    pub columns: Given,
}

/// Columns that are given values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// These.
    Named(Vec<String>),
    /// So many, the table's first; none of `DEFAULT VALUES`.
    First(usize),
    /// The text does not tell, as of `INSERT INTO t SELECT *`.
    Unknown,
}

impl Insertion {
    /// The INSERTs of a statement, those within `WITH` among them.
    pub fn read(text: &str) -> Vec<Self> {
        let Some(file) = syntax::parse(text) else {
            return Vec::new();
        };
        let root = file.syntax_node();
        let inserts = root
            .descendants()
            .filter(|node| node.kind() == SyntaxKind::INSERT);
        let insertions = inserts.filter_map(|node| {
            Some(Self {
                table: written(&node)?.0,
                columns: given(&node),
            })
        });
        insertions.collect()
    }

    /// Whether the table's column of this name, at this place from 0, is given a value, or may be.
    pub fn gives(&self, column: &str, place: usize) -> bool {
        match &self.columns {
            Given::Named(names) => names.iter().any(|name| name == column),
            Given::First(count) => place < *count,
            Given::Unknown => true,
        }
    }
}

fn given(insert: &SyntaxNode) -> Given {
    if let Some(list) = insert.children().find_map(ast::ColumnTargetList::cast) {
        let names = list
            .column_targets()
            .filter_map(|target| Some(ast::normalize_name_node(target.name()?.syntax())));
        return Given::Named(names.collect());
    }
    let values = insert
        .children()
        .find(|node| node.kind() == SyntaxKind::VALUES);
    if let Some(values) = values {
        let row = values.descendants().find_map(ast::Row::cast);
        let count = |row: ast::Row| {
            row.syntax()
                .children()
                .filter(|node| ast::Expr::can_cast(node.kind()))
                .count()
        };
        return row.map_or(Given::Unknown, |row| Given::First(count(row)));
    }
    let from_query = insert.children().any(|node| {
        matches!(
            node.kind(),
            SyntaxKind::SELECT
                | SyntaxKind::PAREN_SELECT
                | SyntaxKind::COMPOUND_SELECT
                | SyntaxKind::TABLE
        )
    });
    let defaults = !from_query
        && insert
            .text()
            .to_string()
            .to_ascii_lowercase()
            .contains("default values");
    match defaults {
        true => Given::First(0),
        false => Given::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(text: &str) -> Vec<Given> {
        let found = Insertion::read(text).into_iter();
        found.map(|insertion| insertion.columns).collect()
    }

    #[test]
    fn the_columns_of_an_insert_are_read() {
        let named =
            |names: &[&str]| Given::Named(names.iter().map(|&name| name.to_owned()).collect());
        for (text, expected) in [
            (
                "INSERT INTO t (a, \"B c\") VALUES ($1, $2)",
                named(&["a", "B c"]),
            ),
            (
                "insert into s.t (A) select x from u where y = $1",
                named(&["a"]),
            ),
            (
                "INSERT INTO t VALUES ($1, now(), DEFAULT), (1, 2, 3)",
                Given::First(3),
            ),
            ("INSERT INTO t DEFAULT VALUES", Given::First(0)),
            ("INSERT INTO t SELECT * FROM u", Given::Unknown),
            ("INSERT INTO t TABLE u", Given::Unknown),
            (
                "WITH n AS (INSERT INTO t (a) VALUES (1) RETURNING a) SELECT a FROM n",
                named(&["a"]),
            ),
        ] {
            assert_eq!(columns(text), [expected], "{text}");
        }
        assert_eq!(columns("UPDATE t SET a = 1"), []);
        assert_eq!(columns("SELECT 'INSERT INTO t (a) VALUES (1)'"), []);
    }

    #[test]
    fn a_place_beyond_the_values_gets_none() {
        let insertion = |text| Insertion::read(text).remove(0);
        let two = insertion("INSERT INTO s.t VALUES ($1, $2)");
        assert_eq!(two.table.full_name(), "s.t");
        assert!(two.gives("any", 1) && !two.gives("any", 2));
        let named = insertion("INSERT INTO t (a) VALUES (1)");
        assert!(named.gives("a", 7) && !named.gives("b", 0));
        assert!(insertion("INSERT INTO t SELECT * FROM u").gives("b", 9));
    }
}

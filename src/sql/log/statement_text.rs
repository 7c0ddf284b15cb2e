//! What the text of a logged statement says of it: how it bears on the transaction around it, and
//! whether it can be replayed at all.

use super::super::transactions::chains;
use super::super::{StatementKind, split};
use super::normal::Normal;

/// A distinct text of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StatementText {
    pub(super) normal: Normal,
    pub(super) block: Block,
    /// Why it is left out; none if it is replayed.
    pub(super) left_out: Option<String>,
    /// A temporary table that it makes.
    pub(super) makes_temporary: Option<String>,
}

/// What a text does to the transaction block around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    Begins,
    Ends,
    /// Neither, or all of one by itself.
    Keeps,
}

impl StatementText {
    pub(super) fn of(text: &str) -> Self {
        let normal = Normal::of(text);
        let words: Vec<&str> = normal.text.split(' ').collect();
        let makes_temporary = temporary(&words).map(str::to_owned);
        let parts = words.split(|word| *word == ";");
        let left_out = parts
            .filter(|part| temporary(part).is_none())
            .find_map(left_out);
        Self {
            block: block(text),
            left_out,
            makes_temporary,
            normal,
        }
    }

    /// Whether it names one of these tables.
    pub(super) fn names(&self, tables: &[String]) -> bool {
        let mut words = self.normal.text.split(' ');
        words.any(|word| tables.iter().any(|table| table == word))
    }
}

/// The net effect of all statements of a text.
fn block(text: &str) -> Block {
    // What the scanner cannot split has no business in a block.
    let Ok(script) = split("", text) else {
        return Block::Keeps;
    };
    let mut net = Block::Keeps;
    for statement in &script.statements {
        net = match (statement.kind(), net) {
            (StatementKind::TransactionStart, Block::Ends) => Block::Keeps,
            (StatementKind::TransactionStart, _) => Block::Begins,
            (StatementKind::TransactionEnd, Block::Begins) => Block::Keeps,
            (StatementKind::TransactionEnd, _) if !chains(&statement.text) => Block::Ends,
            _ => net,
        };
    }
    net
}

/// The table of `CREATE TEMPORARY TABLE`.
fn temporary<'a>(words: &[&'a str]) -> Option<&'a str> {
    let rest = match words {
        [
            "create",
            "global" | "local",
            "temp" | "temporary",
            rest @ ..,
        ]
        | ["create", "temp" | "temporary", rest @ ..] => rest,
        _ => return None,
    };
    let rest = match rest {
        [
            "table" | "view" | "sequence",
            "if",
            "not",
            "exists",
            rest @ ..,
        ]
        | ["table" | "view" | "sequence", rest @ ..] => rest,
        _ => return None,
    };
    rest.first().copied()
}

/// The command, as a report lists it, of a statement that a replay must not or cannot send.
fn left_out(words: &[&str]) -> Option<String> {
    let shown = match words {
        // It would change the schema under the migration, or be the migration.
        ["create", "or", "replace", ..] => 4,
        ["create" | "alter" | "drop" | "comment" | "security" | "reassign" | "import", ..] => 2,
        ["refresh", "materialized", ..] => 3,
        // It would empty what was filled.
        ["truncate", ..]
        // Maintenance is not the application's.
        | ["vacuum" | "analyze" | "analyse" | "cluster" | "reindex" | "checkpoint" | "load", ..]
        | ["grant" | "revoke", ..]
        // Its data are not in the log.
        | ["copy", ..] => 1,
        _ => return None,
    };
    let words: Vec<String> = words
        .iter()
        .take(shown)
        .map(|word| word.to_ascii_uppercase())
        .collect();
    Some(words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_followed_through_a_text() {
        for (text, block) in [
            ("BEGIN", Block::Begins),
            ("start transaction read only;", Block::Begins),
            ("BEGIN; SELECT 1", Block::Begins),
            ("COMMIT", Block::Ends),
            ("END;", Block::Ends),
            ("SELECT 1; rollback", Block::Ends),
            ("PREPARE TRANSACTION 'x'", Block::Ends),
            ("COMMIT AND NO CHAIN", Block::Ends),
            ("COMMIT AND CHAIN", Block::Keeps),
            ("COMMIT; BEGIN", Block::Keeps),
            ("BEGIN; SELECT 1; COMMIT", Block::Keeps),
            ("ROLLBACK TO a", Block::Keeps),
            ("SELECT 'BEGIN'", Block::Keeps),
            ("SELECT 'open", Block::Keeps),
            ("", Block::Keeps),
        ] {
            assert_eq!(StatementText::of(text).block, block, "{text}");
        }
    }

    #[test]
    fn what_is_not_the_applications_is_left_out() {
        for (text, command) in [
            ("ALTER TABLE t ADD a int", "ALTER TABLE"),
            (
                "create or replace function f() returns int return 1",
                "CREATE OR REPLACE FUNCTION",
            ),
            ("CREATE INDEX CONCURRENTLY i ON t (a)", "CREATE INDEX"),
            ("REFRESH MATERIALIZED VIEW v", "REFRESH MATERIALIZED VIEW"),
            ("/* nightly */ vacuum (full) t", "VACUUM"),
            ("COPY t FROM stdin", "COPY"),
            ("SELECT 1; TRUNCATE t", "TRUNCATE"),
        ] {
            assert_eq!(
                StatementText::of(text).left_out.as_deref(),
                Some(command),
                "{text}"
            );
        }
        for text in [
            "SELECT 1",
            "SET search_path = a",
            "LISTEN x",
            "PREPARE q AS SELECT 1",
            "LOCK TABLE t",
            "DO $$ BEGIN END $$",
            "CREATE TEMP TABLE x AS SELECT 1",
            "DISCARD ALL",
        ] {
            assert_eq!(StatementText::of(text).left_out, None, "{text}");
        }
    }

    #[test]
    fn temporary_tables_are_known() {
        for (text, table) in [
            ("CREATE TEMP TABLE x AS SELECT 1", Some("x")),
            (
                "create local temporary table if not exists Y (a int)",
                Some("y"),
            ),
            ("CREATE TABLE x (a int)", None),
        ] {
            assert_eq!(StatementText::of(text).makes_temporary.as_deref(), table);
        }
        let table = ["x".to_owned()];
        assert!(StatementText::of("DROP TABLE X").names(&table));
        assert!(!StatementText::of("DROP TABLE xy").names(&table));
    }
}

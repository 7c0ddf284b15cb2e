//! The transactions of a migration, and which of them cannot be taken apart.

use super::super::transactions::chains;
use super::super::words::flat_text;
use super::super::{MigrationScript, SqlStatement, StatementKind};
use super::Skipped;

/// What begins and ends a transaction that the script does not write down.
pub(super) const BEGIN: &str = "BEGIN";
pub(super) const COMMIT: &str = "COMMIT";

/// A migration whose transactions go over into each other is left alone.
pub(super) fn chained(script: &MigrationScript) -> Option<Skipped> {
    let chains = |statement: &&SqlStatement| {
        statement.kind() == StatementKind::TransactionEnd && chains(&statement.text)
    };
    let statement = script.statements.iter().find(chains)?;
    Some(Skipped {
        file: script.file.clone(),
        line: statement.line,
        why: "AND CHAIN ties its transactions together: nothing of it is rewritten".to_owned(),
    })
}

/// Statements of one transaction, without those that begin and end it.
pub(super) struct Unit<'a> {
    pub(super) statements: Vec<&'a SqlStatement>,
    /// What begins and ends it, of a transaction that the script itself writes down.
    pub(super) ends: (&'a str, &'a str),
    /// Whether several statements are one transaction.
    pub(super) transaction: bool,
    /// Why it cannot be taken apart, if so.
    pub(super) whole: Option<&'static str>,
}

pub(super) fn units(script: &MigrationScript, one_transaction: bool) -> Vec<Unit<'_>> {
    let mut units = Vec::new();
    let mut open: Option<Unit<'_>> = None;
    if one_transaction {
        let whole = script.statements.iter().find_map(needs_all);
        return vec![Unit {
            statements: script.statements.iter().collect(),
            ends: (BEGIN, COMMIT),
            transaction: true,
            whole,
        }];
    }
    for statement in &script.statements {
        match statement.kind() {
            StatementKind::TransactionStart => {
                open = Some(Unit {
                    statements: Vec::new(),
                    ends: (&statement.text, COMMIT),
                    transaction: true,
                    whole: needs_all(statement),
                });
            }
            StatementKind::TransactionEnd => {
                if let Some(mut unit) = open.take() {
                    unit.whole = unit.whole.or(needs_all(statement));
                    unit.ends.1 = &statement.text;
                    units.push(unit);
                }
            }
            _ => match &mut open {
                Some(unit) => {
                    unit.whole = unit.whole.or(needs_all(statement));
                    unit.statements.push(statement);
                }
                None => units.push(Unit {
                    statements: vec![statement],
                    ends: (BEGIN, COMMIT),
                    transaction: false,
                    whole: None,
                }),
            },
        }
    }
    units.extend(open);
    units
}

/// Why the transaction of a statement cannot be taken apart, if so.
fn needs_all(statement: &SqlStatement) -> Option<&'static str> {
    if statement.kind() == StatementKind::Savepoint {
        return Some("a savepoint");
    }
    let text = flat_text(&statement.text).to_ascii_lowercase();
    let no_word = |c: char| !(c.is_alphanumeric() || c == '_');
    let words = text.split(no_word).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    let has = |sought: &[&str]| words.windows(sought.len()).any(|some| some == sought);
    let is_mode = |word: &&str| ["transaction_isolation", "transaction_read_only"].contains(word);
    match words.as_slice() {
        ["lock", ..] => Some("LOCK TABLE"),
        ["declare", ..] => Some("a cursor"),
        ["set", "transaction" | "constraints", ..] | ["set", "local", "transaction", ..] => {
            Some("SET TRANSACTION or SET CONSTRAINTS")
        }
        ["rollback" | "abort", ..] | ["prepare", "transaction", ..] => {
            Some("a transaction that is not committed")
        }
        ["begin" | "start", ..] if has(&["isolation", "level"]) || has(&["read", "only"]) => {
            Some("an isolation level of its own")
        }
        ["set", rest @ ..] if rest.iter().take(2).any(is_mode) => {
            Some("an isolation level of its own")
        }
        _ if has(&["on", "commit", "drop"]) || has(&["on", "commit", "delete"]) => {
            Some("a table that lives until COMMIT, or whose rows do")
        }
        _ if text.contains("advisory_xact_lock") => Some("an advisory lock that ends with it"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::split;
    use super::*;

    #[test]
    fn what_lives_as_long_as_its_transaction_keeps_it_whole() {
        let whole = |sql: &str| needs_all(&split("m.sql", sql).unwrap().statements[0]).is_some();
        for sql in [
            "BEGIN ISOLATION LEVEL REPEATABLE READ",
            "BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE, DEFERRABLE",
            "START TRANSACTION READ ONLY, DEFERRABLE",
            "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
            "SET LOCAL TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            "SET LOCAL transaction_isolation = 'serializable'",
            "CREATE TEMP TABLE t ON COMMIT DROP AS SELECT 1",
            "CREATE TEMP TABLE t (a int) ON COMMIT DELETE ROWS",
            "SELECT pg_advisory_xact_lock(7)",
            "SELECT pg_catalog.pg_try_advisory_xact_lock_shared(7)",
            "LOCK TABLE t",
        ] {
            assert!(whole(sql), "{sql}");
        }
        for sql in [
            "BEGIN",
            "START TRANSACTION READ WRITE",
            "CREATE TEMP TABLE t ON COMMIT PRESERVE ROWS AS SELECT 1",
            "SELECT pg_advisory_lock(7)",
            "SET work_mem = '1GB'",
            "COMMIT",
        ] {
            assert!(!whole(sql), "{sql}");
        }
    }
}

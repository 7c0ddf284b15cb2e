//! Whether the statements of a file can run in the transactions that the scenario gives them.

use super::words::flat_text;
use super::{MigrationScript, SqlError, SqlStatement, StatementKind};

/// Refuses, before anything runs, what the server would refuse half way.
///
/// With `one_transaction` the whole file is one: nothing in it may need to be outside of one, or
/// begin or end one. Without it each statement is its own, unless the file says `BEGIN`; then the same
/// holds up to its `COMMIT`, which must come.
///
/// # Errors
///
/// The first such statement, with what to do.
pub fn check_transactions(script: &MigrationScript, one_transaction: bool) -> Result<(), SqlError> {
    let mut open: Option<&SqlStatement> = None;
    for statement in &script.statements {
        let kind = statement.kind();
        let message = match kind {
            StatementKind::OutsideTransaction(command) if one_transaction => {
                Some(refused_in_file(command))
            }
            StatementKind::OutsideTransaction(command) => {
                open.map(|begin| refused_in_block(command, begin.line))
            }
            kind if one_transaction && kind.is_transaction_control() => {
                Some(control_in_file(&statement.text))
            }
            StatementKind::TransactionStart => open.map(|begin| begun_twice(begin.line)),
            _ => None,
        };
        if let Some(message) = message {
            return Err(error(script, statement, message));
        }
        match kind {
            StatementKind::TransactionStart => open = Some(statement),
            StatementKind::TransactionEnd if !chains(&statement.text) => open = None,
            _ => {}
        }
    }
    match open {
        Some(begin) => Err(error(
            script,
            begin,
            "the transaction begun here never ends: add COMMIT".to_owned(),
        )),
        None => Ok(()),
    }
}

fn refused_in_file(command: &str) -> String {
    format!(
        "{command} cannot run inside a transaction, and the whole file is one: \
         set `transaction = \"statement\"` under [migration], or move it to a file of its own"
    )
}

fn refused_in_block(command: &str, begin: usize) -> String {
    format!(
        "{command} cannot run inside a transaction, and one is open since line {begin}: \
         move it behind the COMMIT"
    )
}

fn begun_twice(begin: usize) -> String {
    format!("a transaction is open already, since line {begin}: COMMIT it first")
}

fn control_in_file(text: &str) -> String {
    let command = text.split_whitespace().next().unwrap_or_default();
    format!(
        "{} begins or ends a transaction, and the whole file is one: remove it, \
         or set `transaction = \"statement\"` under [migration]",
        command.to_ascii_uppercase()
    )
}

/// `COMMIT AND CHAIN` begins the next transaction at once.
pub(super) fn chains(text: &str) -> bool {
    let text = flat_text(text).to_ascii_lowercase();
    text.trim_end_matches(';')
        .trim_end()
        .ends_with(" and chain")
}

fn error(script: &MigrationScript, statement: &SqlStatement, message: String) -> SqlError {
    SqlError {
        file: script.file.clone(),
        line: statement.line,
        column: statement.column,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::super::split;
    use super::*;

    fn check(sql: &str, one_transaction: bool) -> String {
        match check_transactions(&split("m.sql", sql).unwrap(), one_transaction) {
            Ok(()) => "fine".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn one_transaction_refuses_what_needs_another() {
        insta::assert_snapshot!(check("SELECT 1;\n  CREATE INDEX CONCURRENTLY i ON t (a);", true), @r#"m.sql:2:3: CREATE INDEX CONCURRENTLY cannot run inside a transaction, and the whole file is one: set `transaction = "statement"` under [migration], or move it to a file of its own"#);
        insta::assert_snapshot!(check("begin;\nSELECT 1;\nCOMMIT;", true), @r#"m.sql:1:1: BEGIN begins or ends a transaction, and the whole file is one: remove it, or set `transaction = "statement"` under [migration]"#);
        insta::assert_snapshot!(check("SAVEPOINT a; DO $$ BEGIN END $$; SET lock_timeout = '1s'; RELEASE a", true), @"fine");
    }

    #[test]
    fn statements_of_their_own_may_do_all_that() {
        insta::assert_snapshot!(check("CREATE INDEX CONCURRENTLY i ON t (a); BEGIN; SELECT 1; COMMIT; VACUUM;", false), @"fine");
        insta::assert_snapshot!(check("BEGIN; SELECT 1; COMMIT AND CHAIN; SELECT 2; END;", false), @"fine");
    }

    #[test]
    fn explicit_blocks_are_followed() {
        insta::assert_snapshot!(check("BEGIN;\nVACUUM;\nCOMMIT;", false), @"m.sql:2:1: VACUUM cannot run inside a transaction, and one is open since line 1: move it behind the COMMIT");
        insta::assert_snapshot!(check("BEGIN;\nSELECT 1;", false), @"m.sql:1:1: the transaction begun here never ends: add COMMIT");
        insta::assert_snapshot!(check("BEGIN;\nBEGIN;", false), @"m.sql:2:1: a transaction is open already, since line 1: COMMIT it first");
    }
}

//! Dangers that the statements around a statement make or take away.

use std::collections::BTreeSet;

use squawk_syntax::ast::{AlterTableAction, AlterTypeAction, Stmt};

use super::super::locking::{TIMEOUT_RULE, is_no_timeout, lock_timeout_of, locks, try_again};
use super::super::subject::{made, subject};
use super::super::{MigrationScript, SqlStatement, StatementKind, Work, syntax};
use super::{Hazard, hazards, shapes};

/// The rule of slow work in a transaction that holds a lock since an earlier statement.
pub const WORKING_UNDER_LOCK: &str = "working-under-lock";

/// The dangers of each statement of a script, in its order: those that it shows by itself, without
/// those of tables that the script itself creates, which are empty and nobody's yet; and slow
/// work in a transaction that holds a lock since an earlier statement.
pub fn script_hazards(script: &MigrationScript, session: Session) -> Vec<Vec<Hazard>> {
    let mut context = Context {
        one_transaction: session.one_transaction,
        has_timeout: session.lock_timeout,
        ..Context::default()
    };
    script
        .statements
        .iter()
        .map(|statement| context.judge(statement))
        .collect()
}

/// How a script's statements are run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Session {
    /// Whether the whole script is one transaction.
    pub one_transaction: bool,
    /// Whether there is a `lock_timeout` from the beginning.
    pub lock_timeout: bool,
}

/// What the statements so far have left.
#[derive(Debug, Default)]
struct Context {
    one_transaction: bool,
    /// Whether a lock that is not got soon is given up.
    has_timeout: bool,
    in_block: bool,
    /// Tables that the script created.
    created: BTreeSet<String>,
    /// The first strong lock of the open transaction.
    held: Option<HeldLock>,
}

#[derive(Debug)]
struct HeldLock {
    line: usize,
    table: String,
}

impl Context {
    fn judge(&mut self, statement: &SqlStatement) -> Vec<Hazard> {
        self.follow_transaction(statement.kind());
        self.follow_timeout(statement);
        let tree = syntax::parse(&statement.text).and_then(|parse| parse.tree().stmts().next());
        let Some(tree) = tree else {
            return Vec::new();
        };
        if let Some(table) = made(&tree) {
            self.created.insert(table);
            return hazards(statement);
        }
        let target = subject(&tree);
        if target
            .as_ref()
            .is_some_and(|table| self.created.contains(table))
        {
            return Vec::new();
        }
        let mut found = hazards(statement);
        if let (Some(held), true) = (&self.held, works_long(&tree)) {
            found.push(working_under_lock(held));
        }
        if self.has_timeout {
            let has_it = Some(try_again(&statement.text));
            found.retain(|hazard| hazard.rewrite != has_it);
        }
        let in_transaction = self.one_transaction || self.in_block;
        if in_transaction && adds_enum_value(&tree) {
            found.push(using_enum_value_later());
        }
        if found.is_empty() && !self.has_timeout && locks(&tree) {
            found.push(waiting_for_lock(&statement.text));
        }
        if let (Some(table), true, None) = (target, in_transaction, &self.held)
            && locks_strongly(&tree)
        {
            self.held = Some(HeldLock {
                line: statement.line,
                table,
            });
        }
        found
    }

    fn follow_timeout(&mut self, statement: &SqlStatement) {
        if let Some(value) = lock_timeout_of(statement) {
            self.has_timeout = !is_no_timeout(&value);
        }
    }

    fn follow_transaction(&mut self, kind: StatementKind) {
        if kind.is_transaction_control() {
            self.in_block = kind == StatementKind::TransactionStart;
            self.held = None;
        }
    }
}

/// What the most outages come from: an instant's work, and a wait for the lock before it.
fn waiting_for_lock(text: &str) -> Hazard {
    Hazard {
        rule: TIMEOUT_RULE.to_owned(),
        message: "Takes its lock for an instant, but while it waits for a long transaction to get it, everybody \
                  waits behind it; and there is no lock_timeout."
            .to_owned(),
        rewrite: Some(try_again(text)),
        work: Some(Work::Catalog),
        ..Hazard::default()
    }
}

fn using_enum_value_later() -> Hazard {
    Hazard {
        rule: "adding-enum-value".to_owned(),
        message: "A value that is added in a transaction cannot be used before it commits; before PostgreSQL 12 \
                  it cannot be added in one at all."
            .to_owned(),
        rewrite: Some("Add it in a transaction of its own, before the statements that use it.".to_owned()),
        work: Some(Work::Catalog),
        ..Hazard::default()
    }
}

fn adds_enum_value(tree: &Stmt) -> bool {
    matches!(tree, Stmt::AlterType(ty) if matches!(ty.action(), Some(AlterTypeAction::AddValue(_))))
}

fn working_under_lock(held: &HeldLock) -> Hazard {
    let HeldLock { line, table } = held;
    Hazard {
        rule: WORKING_UNDER_LOCK.to_owned(),
        message: format!(
            "The transaction still holds the lock on {table} that line {line} took: whoever waits \
             for it waits for this statement too."
        ),
        rewrite: Some(
            "COMMIT before the long work: change tables in one transaction, and their rows in others, \
             in batches."
                .to_owned(),
        ),
        ..Hazard::default()
    }
}

/// Whether its duration grows with the table.
fn works_long(tree: &Stmt) -> bool {
    let validates = || {
        shapes::actions(tree)
            .any(|action| matches!(action, AlterTableAction::ValidateConstraint(_)))
    };
    match tree {
        Stmt::Update(_) | Stmt::Delete(_) | Stmt::Merge(_) | Stmt::CreateIndex(_) => true,
        _ => validates(),
    }
}

/// Whether others have to wait for the lock that it takes on its table: all of `ALTER TABLE` but
/// validating.
fn locks_strongly(tree: &Stmt) -> bool {
    shapes::actions(tree).any(|action| !matches!(action, AlterTableAction::ValidateConstraint(_)))
}

#[cfg(test)]
mod tests {
    use super::super::super::split;
    use super::*;

    fn found(sql: &str, one_transaction: bool) -> Vec<String> {
        let script = split("m.sql", sql).unwrap();
        let session = Session {
            one_transaction,
            lock_timeout: true,
        };
        script_hazards(&script, session)
            .into_iter()
            .zip(&script.statements)
            .flat_map(|(hazards, statement)| {
                let line = statement.line;
                hazards
                    .into_iter()
                    .map(move |hazard| format!("{line}: {}", hazard.rule))
            })
            .collect()
    }

    #[test]
    fn new_tables_are_nobodys_yet() {
        let sql = "CREATE TABLE public.n (id bigint);\n\
                   CREATE INDEX ON public.n (id);\n\
                   ALTER TABLE ONLY public.n ADD CHECK (id > 0);\n\
                   UPDATE public.n SET id = 1;\n\
                   CREATE INDEX ON old (id);";
        assert_eq!(found(sql, true), ["5: require-concurrent-index-creation"]);
    }

    #[test]
    fn work_under_an_earlier_lock_is_reported() {
        let sql = "ALTER TABLE a ADD COLUMN b int;\nUPDATE a SET b = 1 WHERE b IS NULL;\n\
                   ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID;\nALTER TABLE a VALIDATE CONSTRAINT c;";
        assert_eq!(
            found(sql, true),
            ["2: working-under-lock", "4: working-under-lock"]
        );
        assert!(found(sql, false).is_empty());
    }

    #[test]
    fn explicit_transactions_are_followed() {
        let sql = "BEGIN;\nALTER TABLE a ADD COLUMN b int;\nCOMMIT;\n\
                   UPDATE a SET b = 1 WHERE id < 9;\n\
                   BEGIN;\nALTER TABLE a ADD COLUMN c int;\nUPDATE a SET c = 1 WHERE id < 9;\nEND;";
        assert_eq!(found(sql, false), ["7: working-under-lock"]);
        let script = split("m.sql", sql).unwrap();
        let hazards = script_hazards(&script, Session::default());
        insta::assert_snapshot!(hazards[6][0].message, @"The transaction still holds the lock on a that line 6 took: whoever waits for it waits for this statement too.");
    }
}

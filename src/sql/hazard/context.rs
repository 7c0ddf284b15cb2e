//! Dangers that the statements around a statement make or take away.

use std::collections::BTreeSet;

use squawk_syntax::ast::{self, AlterTableAction, AstNode, Stmt};

use super::super::{MigrationScript, SqlStatement, StatementKind, syntax};
use super::{Hazard, hazards, shapes};

/// The dangers of each statement of a script, in its order: those that it shows by itself, without
/// those of tables that the script itself creates, which are empty and nobody's yet; and slow
/// work in a transaction that holds a lock since an earlier statement. `one_transaction`: the whole
/// script is one.
pub fn script_hazards(script: &MigrationScript, one_transaction: bool) -> Vec<Vec<Hazard>> {
    let mut context = Context {
        one_transaction,
        ..Context::default()
    };
    script
        .statements
        .iter()
        .map(|statement| context.judge(statement))
        .collect()
}

/// What the statements so far have left.
#[derive(Debug, Default)]
struct Context {
    one_transaction: bool,
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
        let tree = syntax::parse(&statement.text).and_then(|parse| parse.tree().stmts().next());
        let Some(tree) = tree else {
            return Vec::new();
        };
        if let Stmt::CreateTable(_) | Stmt::CreateTableAs(_) = tree {
            self.created.extend(first_table(tree.syntax()));
            return hazards(statement);
        }
        let target = target(&tree);
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
        let in_transaction = self.one_transaction || self.in_block;
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

    fn follow_transaction(&mut self, kind: StatementKind) {
        if kind.is_transaction_control() {
            self.in_block = kind == StatementKind::TransactionStart;
            self.held = None;
        }
    }
}

fn working_under_lock(held: &HeldLock) -> Hazard {
    let HeldLock { line, table } = held;
    Hazard {
        rule: "working-under-lock".to_owned(),
        message: format!(
            "The transaction still holds the lock on {table} that line {line} took: whoever waits \
             for it waits for this statement too."
        ),
        rewrite: Some(
            "COMMIT before the long work: change tables in one transaction, and their rows in others, \
             in batches."
                .to_owned(),
        ),
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

/// The table that a statement is about.
fn target(tree: &Stmt) -> Option<String> {
    match tree {
        Stmt::AlterTable(_) | Stmt::Truncate(_) | Stmt::DropTable(_) => first_table(tree.syntax()),
        Stmt::Update(update) => first_table(update.relation_name()?.syntax()),
        Stmt::Delete(delete) => first_table(delete.relation_name()?.syntax()),
        Stmt::CreateIndex(index) => first_table(index.table_relation_name()?.syntax()),
        Stmt::CreateTrigger(trigger) => first_table(trigger.on_relation()?.syntax()),
        _ => None,
    }
}

/// The first path of names below a node, which is its table's, as it is written but for case.
fn first_table(node: &squawk_syntax::SyntaxNode) -> Option<String> {
    let path = node
        .descendants()
        .find(|node| ast::PathRef::can_cast(node.kind()) || ast::Path::can_cast(node.kind()))?;
    let text = path.text().to_string();
    let text = text.trim();
    Some(if text.contains('"') {
        text.to_owned()
    } else {
        text.to_ascii_lowercase()
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::split;
    use super::*;

    fn found(sql: &str, one_transaction: bool) -> Vec<String> {
        let script = split("m.sql", sql).unwrap();
        script_hazards(&script, one_transaction)
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
        let hazards = script_hazards(&script, false);
        insta::assert_snapshot!(hazards[6][0].message, @"The transaction still holds the lock on a that line 6 took: whoever waits for it waits for this statement too.");
    }
}

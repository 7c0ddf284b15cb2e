//! Shapes of statements that rules look for.

use squawk_syntax::ast::{self, AlterColumnOption, AlterTableAction, AstNode, Constraint, Stmt};

use super::super::subject::refers;
use super::super::words::{flat, is_serial};

pub(super) fn adds_foreign_key(statement: &Stmt) -> bool {
    added_constraints(statement).any(|constraint| {
        matches!(constraint, Constraint::ForeignKeyConstraint(_)) && !constraint.is_not_valid()
    })
}

pub(super) fn adds_check(statement: &Stmt) -> bool {
    added_constraints(statement).any(|constraint| {
        matches!(constraint, Constraint::CheckConstraint(_)) && !constraint.is_not_valid()
    })
}

pub(super) fn adds_exclusion(statement: &Stmt) -> bool {
    added_constraints(statement)
        .any(|constraint| matches!(constraint, Constraint::ExcludeConstraint(_)))
}

pub(super) fn adds_referencing_column(statement: &Stmt) -> bool {
    added_columns(statement)
        .flat_map(|column| column.constraints())
        .any(|constraint| matches!(constraint, Constraint::ReferencesConstraint(_)))
}

pub(super) fn adds_checked_column(statement: &Stmt) -> bool {
    added_columns(statement)
        .flat_map(|column| column.constraints())
        .any(|constraint| matches!(constraint, Constraint::CheckConstraint(_)))
}

pub(super) fn adds_serial_column(statement: &Stmt) -> bool {
    added_columns(statement)
        .filter_map(|column| column.ty())
        .any(|ty| is_serial(&flat(&ty)))
}

/// Whether a new column gets its values from a function or an expression. squawk takes every
/// default for volatile that it does not know, `-1` and `CURRENT_DATE` among them; only functions
/// can be.
pub(super) fn computes_new_column(statement: &Stmt) -> bool {
    added_columns(statement)
        .flat_map(|column| column.constraints())
        .any(|constraint| match constraint {
            // A virtual column has nothing to write (PostgreSQL 18).
            Constraint::GeneratedConstraint(generated) => !is_virtual(&generated),
            Constraint::DefaultConstraint(default) => default
                .syntax()
                .descendants()
                .any(|node| ast::CallExpr::can_cast(node.kind())),
            _ => false,
        })
}

fn is_virtual(generated: &ast::GeneratedConstraint) -> bool {
    generated
        .syntax()
        .descendants()
        .any(|node| ast::Virtual::can_cast(node.kind()))
}

pub(super) fn adds_domain_check(statement: &Stmt) -> bool {
    let Stmt::AlterDomain(domain) = statement else {
        return false;
    };
    match domain.action() {
        Some(ast::AlterDomainAction::AddConstraint(added)) => added
            .constraint()
            .is_some_and(|constraint| !constraint.is_not_valid()),
        _ => false,
    }
}

pub(super) fn sets_expression(statement: &Stmt) -> bool {
    actions(statement).any(|action| match action {
        AlterTableAction::AlterColumn(column) => {
            matches!(column.option(), Some(AlterColumnOption::SetExpression(_)))
        }
        _ => false,
    })
}

pub(super) fn truncates(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Truncate(_))
}

pub(super) fn moves_table(statement: &Stmt) -> bool {
    actions(statement).any(|action| {
        matches!(
            action,
            AlterTableAction::SetLogged(_)
                | AlterTableAction::SetUnlogged(_)
                | AlterTableAction::SetTablespace(_)
                | AlterTableAction::SetAccessMethod(_)
        )
    })
}

pub(super) fn rewrites_table(statement: &Stmt) -> bool {
    match statement {
        Stmt::Cluster(_) => true,
        Stmt::Vacuum(vacuum) => {
            let mut options = vacuum
                .vacuum_option_list()
                .into_iter()
                .flat_map(|list| list.vacuum_options())
                .map(|option| option.syntax().text().to_string().to_ascii_lowercase());
            vacuum.full_token().is_some()
                || options.any(|option| {
                    let mut words = option.split_whitespace();
                    words.next() == Some("full")
                        && !matches!(words.next(), Some("false" | "off" | "0"))
                })
        }
        _ => false,
    }
}

pub(super) fn attaches_partition(statement: &Stmt) -> bool {
    actions(statement).any(|action| matches!(action, AlterTableAction::AttachPartition(_)))
}

pub(super) fn creates_partition(statement: &Stmt) -> bool {
    matches!(statement, Stmt::CreateTable(table) if table.partition_of().is_some())
}

pub(super) fn creates_referencing_table(statement: &Stmt) -> bool {
    matches!(statement, Stmt::CreateTable(table) if refers(table))
}

pub(super) fn creates_trigger(statement: &Stmt) -> bool {
    matches!(statement, Stmt::CreateTrigger(_))
}

pub(super) fn refreshes_view(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Refresh(refresh) if refresh.concurrently_token().is_none())
}

/// Only `ACCESS SHARE` and `ROW SHARE` let everybody go on who reads or writes.
pub(super) fn locks_table(statement: &Stmt) -> bool {
    let Stmt::Lock(lock) = statement else {
        return false;
    };
    let mode = lock.lock_mode_clause().map(|clause| {
        let text = clause.syntax().text().to_string().to_ascii_lowercase();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    !matches!(
        mode.as_deref(),
        Some("in access share mode" | "in row share mode" | "in row exclusive mode")
    )
}

pub(super) fn updates_whole_table(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Update(update) if update.where_clause_or_current_of().is_none())
}

pub(super) fn deletes_whole_table(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Delete(delete) if delete.where_clause_or_current_of().is_none())
}

/// The actions of an `ALTER TABLE`; none of any other statement.
pub(super) fn actions(statement: &Stmt) -> impl Iterator<Item = AlterTableAction> + use<> {
    let table = match statement {
        Stmt::AlterTable(table) => Some(table.clone()),
        _ => None,
    };
    table.into_iter().flat_map(|table| table.actions())
}

pub(super) fn added_constraints(statement: &Stmt) -> impl Iterator<Item = Constraint> + use<> {
    actions(statement).filter_map(|action| match action {
        AlterTableAction::AddConstraint(added) => added.constraint(),
        _ => None,
    })
}

pub(super) fn added_columns(statement: &Stmt) -> impl Iterator<Item = ast::AddColumn> + use<> {
    actions(statement).filter_map(|action| match action {
        AlterTableAction::AddColumn(added) => Some(added),
        _ => None,
    })
}

//! Shapes of statements about tables as a whole, views, types and sequences that rules look for.

use squawk_syntax::ast::{
    AlterExtensionAction, AlterTableAction, AlterTypeAction, AstNode, DataOption, Stmt,
};

use super::super::words::{flat, flat_text, is_type};
use super::shapes::{actions, added_columns};

pub(super) fn adds_json_column(statement: &Stmt) -> bool {
    added_columns(statement)
        .filter_map(|column| column.ty())
        .any(|ty| is_type(&flat(&ty), &["json"]))
}

pub(super) fn disables_trigger(statement: &Stmt) -> bool {
    actions(statement).any(|action| matches!(action, AlterTableAction::DisableTrigger(_)))
}

pub(super) fn changes_row_security(statement: &Stmt) -> bool {
    let policy = matches!(
        statement,
        Stmt::CreatePolicy(_) | Stmt::AlterPolicy(_) | Stmt::DropPolicy(_)
    );
    policy
        || actions(statement).any(|action| {
            matches!(
                action,
                AlterTableAction::EnableRls(_)
                    | AlterTableAction::DisableRls(_)
                    | AlterTableAction::ForceRls(_)
                    | AlterTableAction::NoForceRls(_)
            )
        })
}

pub(super) fn changes_rule(statement: &Stmt) -> bool {
    matches!(statement, Stmt::CreateRule(_) | Stmt::DropRule(_))
}

pub(super) fn merges_partitions(statement: &Stmt) -> bool {
    actions(statement).any(|action| {
        matches!(
            action,
            AlterTableAction::MergePartitions(_) | AlterTableAction::SplitPartition(_)
        )
    })
}

/// `DROP TABLE` and `DROP SCHEMA` are reported as such.
pub(super) fn drops_cascade(statement: &Stmt) -> bool {
    let text = || flat_text(&statement.syntax().text().to_string()).to_ascii_lowercase();
    match statement {
        Stmt::DropView(_)
        | Stmt::DropMaterializedView(_)
        | Stmt::DropType(_)
        | Stmt::DropDomain(_)
        | Stmt::DropFunction(_)
        | Stmt::DropSequence(_)
        | Stmt::DropExtension(_) => text().ends_with(" cascade"),
        _ => false,
    }
}

pub(super) fn alters_sequence(statement: &Stmt) -> bool {
    matches!(statement, Stmt::AlterSequence(sequence) if sequence.actions().next().is_some())
}

pub(super) fn renames_enum_value(statement: &Stmt) -> bool {
    matches!(statement, Stmt::AlterType(ty) if matches!(ty.action(), Some(AlterTypeAction::RenameValue(_))))
}

pub(super) fn creates_filled(statement: &Stmt) -> bool {
    let without_data = |option| matches!(option, Some(DataOption::WithNoData(_)));
    match statement {
        Stmt::CreateMaterializedView(view) => !without_data(view.data_option()),
        Stmt::CreateTableAs(table) => !without_data(table.data_option()),
        _ => false,
    }
}

pub(super) fn updates_extension(statement: &Stmt) -> bool {
    matches!(statement, Stmt::AlterExtension(extension)
        if matches!(extension.action(), Some(AlterExtensionAction::AlterExtensionUpdate(_))))
}

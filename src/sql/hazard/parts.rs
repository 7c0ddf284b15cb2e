//! The names in a statement, for advice that speaks of its own table and columns.

use squawk_syntax::ast::{self, AlterColumnOption, AlterTableAction, AstNode, Constraint, Stmt};

use super::super::subject::subject;
use super::super::words::{flat, flat_text, is_serial, is_type};
use super::shapes::actions;

/// What stands for a name that the statement does not give.
const UNKNOWN: &str = "…";

/// The names in a statement as they are written.
#[derive(Debug, Default)]
struct Parts {
    table: Option<String>,
    column: Option<String>,
    ty: Option<String>,
    /// The new name, the partition's or the domain's.
    name: Option<String>,
}

/// A rule's text with the statement's own names for the ones in braces.
pub(super) fn filled(text: &str, rule: &str, statement: &Stmt) -> String {
    let parts = parts(rule, statement);
    let whole = flat_text(&statement.syntax().text().to_string());
    let whole = whole.trim_end_matches(';').trim_end();
    let or_unknown = |part: Option<String>| part.unwrap_or_else(|| UNKNOWN.to_owned());
    text.replace("{table}", &or_unknown(parts.table))
        .replace("{column}", &or_unknown(parts.column))
        .replace("{type}", &or_unknown(parts.ty))
        .replace("{name}", &or_unknown(parts.name))
        .replace("{statement}", whole)
}

fn parts(rule: &str, statement: &Stmt) -> Parts {
    let mut parts = Parts {
        table: subject(statement),
        ..Parts::default()
    };
    match statement {
        Stmt::AlterTable(_) => {
            if let Some(action) = actions(statement).find(|action| is_of(rule, action)) {
                take_action(&action, &mut parts);
            }
        }
        Stmt::CreateTable(table) => {
            parts.name = subject_of(table.syntax());
            parts.table = table
                .partition_of()
                .and_then(|of| Some(flat(&of.table_name_ref()?)));
        }
        Stmt::AlterDomain(domain) => parts.name = domain.domain_ref().map(|name| flat(&name)),
        Stmt::AlterType(ty) => parts.table = ty.type_name_ref().map(|name| flat(&name)),
        Stmt::Refresh(refresh) => parts.table = refresh.view_ref().map(|view| flat(&view)),
        Stmt::Cluster(_) | Stmt::Vacuum(_) => parts.table = subject_of(statement.syntax()),
        _ => {}
    }
    parts
}

/// The first path of names in a statement.
fn subject_of(node: &squawk_syntax::SyntaxNode) -> Option<String> {
    node.descendants()
        .find(|node| ast::PathRef::can_cast(node.kind()) || ast::Path::can_cast(node.kind()))
        .map(|path| flat_text(&path.text().to_string()))
}

/// Whether an action is one that the rule speaks of.
fn is_of(rule: &str, action: &AlterTableAction) -> bool {
    let option = |wanted: fn(&AlterColumnOption) -> bool| match action {
        AlterTableAction::AlterColumn(column) => column.option().as_ref().is_some_and(wanted),
        _ => false,
    };
    match rule {
        "changing-column-type" => option(|one| matches!(one, AlterColumnOption::SetType(_))),
        "setting-expression" => option(|one| matches!(one, AlterColumnOption::SetExpression(_))),
        "ban-drop-column" => matches!(action, AlterTableAction::DropColumn(_)),
        "renaming-column" => matches!(action, AlterTableAction::RenameColumn(_)),
        "renaming-table" => matches!(action, AlterTableAction::TableRenameTo(_)),
        "ban-set-schema" => matches!(action, AlterTableAction::SetSchema(_)),
        "attaching-partition" => matches!(action, AlterTableAction::AttachPartition(_)),
        "adding-required-field" => added(action, |constraint| {
            matches!(constraint, Constraint::NotNullConstraint(_))
        }),
        "adding-field-with-default" => added(action, |constraint| {
            matches!(
                constraint,
                Constraint::DefaultConstraint(_) | Constraint::GeneratedConstraint(_)
            )
        }),
        "adding-serial-column" => type_is(action, is_serial),
        "adding-json-column" => type_is(action, |ty| is_type(ty, &["json"])),
        _ => false,
    }
}

fn added(action: &AlterTableAction, wanted: fn(&Constraint) -> bool) -> bool {
    match action {
        AlterTableAction::AddColumn(column) => column.constraints().any(|one| wanted(&one)),
        _ => false,
    }
}

fn type_is(action: &AlterTableAction, wanted: fn(&str) -> bool) -> bool {
    match action {
        AlterTableAction::AddColumn(column) => column.ty().is_some_and(|ty| wanted(&flat(&ty))),
        _ => false,
    }
}

fn take_action(action: &AlterTableAction, parts: &mut Parts) {
    match action {
        AlterTableAction::AddColumn(column) => {
            parts.column = column.column_name().map(|name| flat(&name));
            parts.ty = column.ty().map(|ty| flat(&ty));
        }
        AlterTableAction::AlterColumn(column) => {
            parts.column = column.column_name_ref().map(|name| flat(&name));
            if let Some(AlterColumnOption::SetType(set)) = column.option() {
                parts.ty = set.ty().map(|ty| flat(&ty));
            }
        }
        AlterTableAction::DropColumn(column) => {
            parts.column = column.column_name_ref().map(|name| flat(&name));
        }
        AlterTableAction::RenameColumn(column) => {
            parts.column = column.column_name_ref().map(|name| flat(&name));
            parts.name = column.column_name().map(|name| flat(&name));
        }
        AlterTableAction::TableRenameTo(rename) => {
            parts.name = rename.table_name().map(|name| flat(&name));
        }
        AlterTableAction::SetSchema(set) => {
            let schema = set.schema_ref().map(|schema| flat(&schema));
            let own = parts
                .table
                .as_deref()
                .and_then(|table| table.rsplit('.').next());
            parts.name = schema
                .zip(own)
                .map(|(schema, own)| format!("{schema}.{own}"));
        }
        AlterTableAction::AttachPartition(attach) => {
            parts.name = attach.table_name_ref().map(|name| flat(&name));
        }
        _ => {}
    }
}

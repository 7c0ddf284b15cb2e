//! The table that a statement is about.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode, Stmt};

/// The table that a statement is about, as it is written but for case.
pub(super) fn subject(tree: &Stmt) -> Option<String> {
    match tree {
        Stmt::AlterTable(_) | Stmt::Truncate(_) | Stmt::DropTable(_) => first_table(tree.syntax()),
        Stmt::Update(update) => first_table(update.relation_name()?.syntax()),
        Stmt::Delete(delete) => first_table(delete.relation_name()?.syntax()),
        Stmt::CreateIndex(index) => first_table(index.table_relation_name()?.syntax()),
        Stmt::CreateTrigger(trigger) => first_table(trigger.on_relation()?.syntax()),
        _ => None,
    }
}

/// The table that a statement makes.
pub(super) fn made(tree: &Stmt) -> Option<String> {
    match tree {
        Stmt::CreateTable(_) | Stmt::CreateTableAs(_) => first_table(tree.syntax()),
        _ => None,
    }
}

/// Whether a new table refers to others.
pub(super) fn refers(table: &ast::CreateTable) -> bool {
    table.syntax().descendants().any(|node| {
        ast::ReferencesConstraint::can_cast(node.kind())
            || ast::ForeignKeyConstraint::can_cast(node.kind())
    })
}

/// The first path of names below a node, which is its table's, as it is written but for case.
fn first_table(node: &SyntaxNode) -> Option<String> {
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

//! Which column a value goes to: in a new row, or by UPDATE.

use squawk_syntax::ast::{self, AstNode, Expr};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::source::written;
use super::{ColumnUse, Inserted, Role, TableUse, Target};

/// The place of a child among those of its kind.
pub(super) fn place_among(
    node: &SyntaxNode,
    parent: &SyntaxNode,
    counts: fn(SyntaxKind) -> bool,
) -> usize {
    let mut like = parent.children().filter(|child| counts(child.kind()));
    like.position(|child| child == *node).unwrap_or(0)
}

/// A value in `VALUES (…), (…)`.
pub(super) fn inserted_row(node: &SyntaxNode, row: &SyntaxNode) -> Option<Role> {
    let place = place_among(node, row, Expr::can_cast);
    let list = row.parent()?;
    let row = place_among(row, &list, ast::Row::can_cast);
    let values = list.parent()?;
    let (table, column) = insert_target(&values, place)?;
    Some(Role::Inserted(Inserted {
        table,
        column,
        row,
        array: false,
    }))
}

/// A value in a SELECT list: inserted, if that is what becomes of the rows.
pub(super) fn selected(target: &SyntaxNode) -> Option<Role> {
    let list = target.parent()?;
    let place = place_among(target, &list, ast::Target::can_cast);
    let select = list
        .ancestors()
        .find(|node| node.kind() == SyntaxKind::SELECT)?;
    let (table, column) = insert_target(&select, place)?;
    Some(Role::Inserted(Inserted {
        table,
        column,
        row: 0,
        array: false,
    }))
}

/// Where the values in this place of an INSERT's source go.
pub(super) fn insert_target(source: &SyntaxNode, place: usize) -> Option<(TableUse, Target)> {
    let mut statement = source.parent()?;
    while matches!(
        statement.kind(),
        SyntaxKind::PAREN_SELECT | SyntaxKind::COMPOUND_SELECT
    ) {
        statement = statement.parent()?;
    }
    let table = match statement.kind() {
        SyntaxKind::INSERT => written(&statement)?.0,
        SyntaxKind::MERGE_INSERT => {
            let merge = statement
                .ancestors()
                .find(|node| node.kind() == SyntaxKind::MERGE)?;
            written(&merge)?.0
        }
        _ => return None,
    };
    let column = match statement.children().find_map(ast::ColumnTargetList::cast) {
        None => Target::Place(place),
        Some(list) => Target::Named(target_name(&list.column_targets().nth(place)?)?),
    };
    Some((table, column))
}

fn target_name(target: &ast::ColumnTarget) -> Option<String> {
    let name = target.name()?;
    // A field or an element is a part of a value.
    let whole = target.accessors().next().is_none();
    whole.then(|| ast::normalize_name_node(name.syntax()))
}

/// A value in `SET column = …` or `SET (a, b) = (…)`.
pub(super) fn assigned(set: &SyntaxNode, place: Option<usize>) -> Option<Role> {
    let target = match place {
        None => set.children().find_map(ast::ColumnTarget::cast)?,
        Some(place) => {
            let list = set.children().find_map(ast::ColumnTargetList::cast)?;
            list.column_targets().nth(place)?
        }
    };
    let statement = set.ancestors().find(|node| {
        matches!(
            node.kind(),
            SyntaxKind::UPDATE | SyntaxKind::INSERT | SyntaxKind::MERGE
        )
    })?;
    let (table, mention) = written(&statement)?;
    Some(Role::Assigned(ColumnUse {
        table,
        column: target_name(&target)?,
        mention,
    }))
}

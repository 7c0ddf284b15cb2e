//! Keys that take the place of others: apart from each other, the table would have none meanwhile.

use std::collections::BTreeSet;

use squawk_syntax::ast::{self, AlterTableAction, Constraint, Stmt};

use super::super::words::name_of;
use super::super::{SqlStatement, syntax};
use super::ground::Known;
use super::target::Target;

/// What to write instead.
pub(super) const REPLACES: &str = "it takes the place of a key that is dropped, and the table would have none while it \
                                   is built: CREATE UNIQUE INDEX CONCURRENTLY first, then DROP CONSTRAINT and ADD \
                                   CONSTRAINT … USING INDEX in one ALTER TABLE";

/// What an `ALTER TABLE` does with its table's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Replaced {
    pub(super) drops: bool,
    pub(super) adds: Option<Added>,
}

/// How a key is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    /// It takes over an index that is there.
    TakenOver,
    /// Its index is built.
    Built,
}

impl Replaced {
    pub(super) fn of(target: &Target<'_>, actions: &[AlterTableAction]) -> Self {
        let added: Vec<Added> = actions.iter().filter_map(added).collect();
        let built = added.contains(&Added::Built).then_some(Added::Built);
        Self {
            drops: actions.iter().any(|action| drops_key(target, action)),
            adds: built.or(added.first().copied()),
        }
    }
}

/// Whether an action drops a key, or may: of an unknown table, any constraint could be one.
fn drops_key(target: &Target<'_>, action: &AlterTableAction) -> bool {
    let keys = target.table.map(|table| table.unique_keys.iter());
    match action {
        AlterTableAction::DropConstraint(drop) => {
            let name = drop.constraint_name_ref().map(|name| name_of(&name));
            keys.is_none_or(|mut keys| keys.any(|key| Some(&key.name) == name.as_ref()))
        }
        AlterTableAction::DropColumn(drop) => {
            let name = drop.column_name_ref().map(|name| name_of(&name));
            let goes =
                |column: &str| keys.is_some_and(|mut keys| keys.any(|key| key.mentions(column)));
            name.is_some_and(|name| goes(&name))
        }
        _ => false,
    }
}

fn added(action: &AlterTableAction) -> Option<Added> {
    let by = |takes_over: bool| match takes_over {
        true => Added::TakenOver,
        false => Added::Built,
    };
    match action {
        AlterTableAction::AddConstraint(added) => match added.constraint()? {
            Constraint::UniqueConstraint(key) => Some(by(key.using_index().is_some())),
            Constraint::PrimaryKeyConstraint(key) => Some(by(key.using_index().is_some())),
            _ => None,
        },
        AlterTableAction::AddColumn(added) => added
            .constraints()
            .any(|constraint| {
                matches!(
                    constraint,
                    Constraint::UniqueConstraint(_) | Constraint::PrimaryKeyConstraint(_)
                )
            })
            .then_some(Added::Built),
        _ => None,
    }
}

/// Whether a later statement of these adds a key to a table that an earlier one took one from.
pub(super) fn across(statements: &[&SqlStatement], known: &Known<'_>) -> bool {
    let mut dropped = BTreeSet::new();
    for statement in statements {
        let tree = syntax::parse(&statement.text).and_then(|parse| parse.tree().stmts().next());
        let Some(Stmt::AlterTable(alter)) = tree else {
            continue;
        };
        let Some((target, replaced)) = of_statement(&alter, known) else {
            continue;
        };
        if replaced.adds.is_some() && dropped.contains(&target.name) {
            return true;
        }
        if replaced.drops {
            dropped.insert(target.name);
        }
    }
    false
}

fn of_statement<'a>(alter: &ast::AlterTable, known: &Known<'a>) -> Option<(Target<'a>, Replaced)> {
    let target = Target::of(alter, known)?;
    let actions: Vec<AlterTableAction> = alter.actions().collect();
    let replaced = Replaced::of(&target, &actions);
    Some((target, replaced))
}

//! `ALTER TABLE`: each action by itself, in the order in which PostgreSQL carries them out.

use squawk_syntax::ast::{self, AlterColumnOption, AlterTableAction, Constraint};

use super::super::WORKING_UNDER_LOCK;
use super::super::words::{flat, name_of};
use super::ground::Known;
use super::replaced::{Added, REPLACES, Replaced};
use super::step::{Step, Turned};
use super::target::Target;
use super::unique::Key;
use super::{column, constraint, not_null, partition, unique};

/// A part of what a statement becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// A statement with what is kept of the original one.
    Kept(String),
    /// A statement of a safe form.
    Step(Step),
}

/// What a statement becomes, and why parts of it stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Turning {
    pub(super) pieces: Vec<Piece>,
    pub(super) stuck: Vec<String>,
}

/// The pieces of an `ALTER TABLE`.
pub(super) fn turn(alter: &ast::AlterTable, known: &mut Known<'_>) -> Turning {
    let mut turning = Turning::default();
    let Some(target) = Target::of(alter, known) else {
        return turning;
    };
    let mut actions: Vec<AlterTableAction> = alter.actions().collect();
    actions.sort_by_key(pass);
    for action in &actions {
        foresee(&target, action, known);
    }
    let replaced = Replaced::of(&target, &actions);
    if replaced.drops {
        known.drop_key(&target.name);
    }
    // Taken apart, the table would have neither of the two meanwhile.
    if replaced.drops && replaced.adds.is_some() {
        if replaced.adds == Some(Added::Built) {
            turning.stuck.push(REPLACES.to_owned());
        }
        return turning;
    }
    let mut kept: Vec<String> = Vec::new();
    for action in &actions {
        match action_turned(&target, action, known) {
            Turned::Kept => kept.push(flat(action)),
            Turned::Stuck(why) => {
                kept.push(flat(action));
                turning.stuck.push(why);
            }
            Turned::Steps(steps) => {
                turning.keep(&target, &mut kept);
                turning.pieces.extend(steps.into_iter().map(Piece::Step));
            }
        }
    }
    turning.keep(&target, &mut kept);
    turning
}

/// What PostgreSQL knows of the whole statement before it names a constraint.
fn foresee(target: &Target<'_>, action: &AlterTableAction, known: &mut Known<'_>) {
    match action {
        AlterTableAction::DropConstraint(drop) => {
            if let Some(name) = drop.constraint_name_ref() {
                known.names.release(&target.schema, &name_of(&name));
            }
        }
        AlterTableAction::AddColumn(added) => {
            if let Some(name) = added.column_name() {
                known.add_column(&target.name, name_of(&name));
            }
        }
        _ => {}
    }
}

impl Turning {
    fn keep(&mut self, target: &Target<'_>, kept: &mut Vec<String>) {
        if !kept.is_empty() {
            let actions = std::mem::take(kept).join(", ");
            self.pieces.push(Piece::Kept(target.does(&actions)));
        }
    }

    /// The statements of a safe form in it.
    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Step(step) => Some(step),
            Piece::Kept(_) => None,
        })
    }
}

/// When PostgreSQL carries out an action (`AlterTablePass` in `tablecmds.c`).
fn pass(action: &AlterTableAction) -> u8 {
    match action {
        AlterTableAction::DropColumn(_) | AlterTableAction::DropConstraint(_) => 0,
        AlterTableAction::AlterColumn(column) => match column.option() {
            Some(AlterColumnOption::SetType(_)) => 1,
            Some(AlterColumnOption::SetExpression(_)) => 2,
            _ => 3,
        },
        AlterTableAction::AddColumn(_) => 2,
        AlterTableAction::AddConstraint(added) => match added.constraint() {
            Some(Constraint::UniqueConstraint(_) | Constraint::PrimaryKeyConstraint(_)) => 4,
            _ => 5,
        },
        _ => 6,
    }
}

fn action_turned(target: &Target<'_>, action: &AlterTableAction, known: &mut Known<'_>) -> Turned {
    match action {
        AlterTableAction::AddConstraint(added) => match added.constraint() {
            Some(Constraint::ForeignKeyConstraint(key)) => {
                constraint::foreign_key(target, &key, known)
            }
            Some(Constraint::CheckConstraint(check)) => constraint::check(target, &check, known),
            Some(Constraint::UniqueConstraint(key)) => {
                unique::key(target, &Key::unique(&key), None, known)
            }
            Some(Constraint::PrimaryKeyConstraint(key)) => {
                unique::key(target, &Key::primary(&key), None, known)
            }
            Some(Constraint::NotNullConstraint(not_null)) => {
                not_null::add(target, &not_null, known)
            }
            Some(Constraint::ExcludeConstraint(_)) => Turned::stuck(
                "an exclusion constraint has no online form: create a new table with it and move the rows there \
                 in batches",
            ),
            _ => Turned::Kept,
        },
        AlterTableAction::AddColumn(added) => column::add(target, added, known),
        AlterTableAction::AlterColumn(column) => column_turned(target, column, known),
        AlterTableAction::ValidateConstraint(_) => Turned::Steps(vec![Step::long(
            // It is safe, but not beside others.
            WORKING_UNDER_LOCK,
            target.does(&flat(action)),
            "by itself, so that it reads the rows under no stronger lock of an earlier statement",
        )]),
        AlterTableAction::AttachPartition(attach) => partition::attach(target, attach, known),
        AlterTableAction::DetachPartition(detach) => partition::detach(target, detach, known),
        AlterTableAction::SetLogged(_)
        | AlterTableAction::SetUnlogged(_)
        | AlterTableAction::SetTablespace(_)
        | AlterTableAction::SetAccessMethod(_) => Turned::stuck(
            "it writes the whole table anew and has no online form: use pg_repack, or a new table filled in batches",
        ),
        _ => Turned::Kept,
    }
}

fn column_turned(target: &Target<'_>, column: &ast::AlterColumn, known: &mut Known<'_>) -> Turned {
    let Some(name) = column.column_name_ref() else {
        return Turned::Kept;
    };
    let name = name_of(&name);
    match column.option() {
        Some(AlterColumnOption::SetNotNull(_)) => not_null::set_not_null(target, &name, known),
        Some(AlterColumnOption::SetType(set)) => {
            let ty = set.ty().map(|ty| flat(&ty)).unwrap_or_default();
            Turned::Stuck(format!(
                "a new type rewrites the table, unless the old values are good as they are (varchar to a longer \
                 one or to text): add a column of type {ty} beside {name}, keep it up to date by a trigger, fill it \
                 in batches, switch the application over, then drop {name}"
            ))
        }
        Some(AlterColumnOption::SetExpression(_)) => Turned::Stuck(format!(
            "a new expression rewrites the table: add a column with it beside {name}, switch over, then drop {name}"
        )),
        _ => Turned::Kept,
    }
}

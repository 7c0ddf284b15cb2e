//! Foreign keys and CHECKs: added without looking at the rows, which are looked at later, under a lock
//! that lets reads and writes go on.

use squawk_syntax::ast::{self, AstNode, Constraint, ConstraintOption};
use squawk_syntax::quote::quote_ident;

use super::super::words::{flat, flat_without, name_of, own_name};
use super::ground::Known;
use super::step::{Step, Turned};
use super::target::Target;

const NOT_YET: &str =
    "new rows are checked from now on, the old ones below: the lock is held for an instant";
const VALIDATE: &str = "reads every row under ShareUpdateExclusiveLock: reads and writes go on";

/// The two steps of a constraint: `body` is what follows its name.
pub(super) fn in_two_steps(
    target: &Target<'_>,
    rule: &'static str,
    (name, body): (&str, &str),
) -> Vec<Step> {
    let name = quote_ident(name);
    let add = target.does(&format!("ADD CONSTRAINT {name} {body} NOT VALID"));
    let validate = target.does(&format!("VALIDATE CONSTRAINT {name}"));
    vec![
        Step::brief(rule, add, NOT_YET),
        Step::long(rule, validate, VALIDATE),
    ]
}

/// Why a foreign key of this table cannot be added without being validated, if so.
pub(super) fn refuses_not_valid(target: &Target<'_>, known: &Known<'_>) -> Option<String> {
    (target.is_partitioned() && known.major() < 18).then(|| {
        format!(
            "PostgreSQL {} has no NOT VALID for the foreign key of a partitioned table (from 18 on): \
             add it to each partition in two steps, then to the table",
            known.major()
        )
    })
}

pub(super) fn foreign_key(
    target: &Target<'_>,
    key: &ast::ForeignKeyConstraint,
    known: &mut Known<'_>,
) -> Turned {
    if is_lax(&Constraint::ForeignKeyConstraint(key.clone())) {
        return Turned::Kept;
    }
    if let Some(why) = refuses_not_valid(target, known) {
        return Turned::Stuck(why);
    }
    let clause = key.constraint_name_clause();
    let columns: Vec<String> = key
        .syntax()
        .children()
        .find_map(ast::ForeignKeyColumnList::cast)
        .map(|list| list.column_name_refs().map(|name| name_of(&name)).collect())
        .unwrap_or_default();
    let name = named(clause.as_ref(), target, known, |known| {
        known.names.constraint(target.place(), &columns, "fkey")
    });
    let body = body(key, clause.as_ref());
    Turned::Steps(in_two_steps(target, "adding-foreign-key", (&name, &body)))
}

pub(super) fn check(
    target: &Target<'_>,
    check: &ast::CheckConstraint,
    known: &mut Known<'_>,
) -> Turned {
    if let Some(column) = check.expr().and_then(|expr| not_null_of(&expr)) {
        known.prove(&target.name, &column);
    }
    known.check(&target.name);
    if is_lax(&Constraint::CheckConstraint(check.clone())) {
        return Turned::Kept;
    }
    let (name, body) = check_parts(target, check, known);
    Turned::Steps(in_two_steps(target, "adding-check", (&name, &body)))
}

/// A CHECK's name and what follows it.
pub(super) fn check_parts(
    target: &Target<'_>,
    check: &ast::CheckConstraint,
    known: &mut Known<'_>,
) -> (String, String) {
    let clause = check.constraint_name_clause();
    let columns = columns_of(target, check, known);
    // Only the one column that it speaks of is in its name (`AddRelationNewConstraints`).
    let columns = match columns.as_slice() {
        [only] => vec![only.clone()],
        _ => Vec::new(),
    };
    let name = named(clause.as_ref(), target, known, |known| {
        known.names.constraint(target.place(), &columns, "check")
    });
    (name, body(check, clause.as_ref()))
}

/// A constraint's own name, else the one that PostgreSQL would give.
pub(super) fn named(
    clause: Option<&ast::ConstraintNameClause>,
    target: &Target<'_>,
    known: &mut Known<'_>,
    otherwise: impl FnOnce(&mut Known<'_>) -> String,
) -> String {
    match clause.and_then(ast::ConstraintNameClause::constraint_name) {
        Some(name) => {
            let name = name_of(&name);
            known.names.take(&target.schema, &name);
            name
        }
        None => otherwise(known),
    }
}

/// A constraint's text without its name.
pub(super) fn body(
    constraint: &impl AstNode,
    clause: Option<&ast::ConstraintNameClause>,
) -> String {
    let clause: Vec<_> = clause
        .iter()
        .map(|clause| clause.syntax().clone())
        .collect();
    flat_without(constraint.syntax(), &clause)
}

/// Whether the rows that are there are not looked at.
pub(super) fn is_lax(constraint: &Constraint) -> bool {
    let lax = |option| {
        matches!(
            option,
            ConstraintOption::NotValid(_) | ConstraintOption::NotEnforced(_)
        )
    };
    constraint.constraint_options().any(lax)
}

/// The columns that a CHECK speaks of, each once.
fn columns_of(target: &Target<'_>, check: &ast::CheckConstraint, known: &Known<'_>) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    let Some(expr) = check.expr() else {
        return columns;
    };
    let called = |name: &ast::NameRef| {
        name.syntax()
            .parent()
            .is_some_and(|parent| ast::CallExpr::can_cast(parent.kind()))
    };
    for name in expr.syntax().descendants().filter_map(ast::NameRef::cast) {
        let column = name_of(&name);
        let is_column = match target.table {
            Some(table) => table.column(&column).is_some() || known.is_added(&target.name, &column),
            None => !called(&name),
        };
        if is_column && !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}

/// The column of `column IS NOT NULL`.
fn not_null_of(expr: &ast::Expr) -> Option<String> {
    let text = flat(expr);
    let text = text.trim_start_matches('(').trim_end_matches(')').trim();
    let place = text.len().checked_sub(" IS NOT NULL".len())?;
    let (column, test) = text.split_at_checked(place)?;
    let plain = !column.contains([' ', '.', '(']) || column.starts_with('"');
    (plain && test.eq_ignore_ascii_case(" IS NOT NULL")).then(|| own_name(column))
}

//! `SET NOT NULL`: proven by a CHECK first, so that nobody waits while the rows are read.

use squawk_syntax::ast::{self, Constraint};
use squawk_syntax::quote::quote_ident;

use super::super::words::name_of;
use super::constraint::{body, in_two_steps, is_lax, named};
use super::ground::Known;
use super::step::{Step, Turned};
use super::target::Target;

const RULE: &str = "adding-not-nullable-field";

/// The safe form for a column by its name in the catalog.
pub(super) fn set_not_null(target: &Target<'_>, column: &str, known: &mut Known<'_>) -> Turned {
    if is_not_null(target, column) || known.is_proven(&target.name, column) {
        return Turned::Kept;
    }
    if known.major() < 12 {
        let why = format!(
            "PostgreSQL {} reads every row for SET NOT NULL even where a CHECK proves it (from 12 on it \
             does not): keep a validated CHECK ({column} IS NOT NULL) instead",
            known.major()
        );
        return Turned::Stuck(why);
    }
    Turned::Steps(steps(target, column, known))
}

pub(super) fn is_not_null(target: &Target<'_>, column: &str) -> bool {
    let column = target.table.and_then(|table| table.column(column));
    column.is_some_and(|column| column.not_null)
}

/// The safe form, whatever the column is now.
pub(super) fn steps(target: &Target<'_>, column: &str, known: &mut Known<'_>) -> Vec<Step> {
    let columns = [column.to_owned()];
    let check = known
        .names
        .constraint(target.place(), &columns, "not_null_check");
    let column = quote_ident(column);
    let body = format!("CHECK ({column} IS NOT NULL)");
    let mut steps = in_two_steps(target, RULE, (&check, &body));
    steps.push(Step::brief(
        RULE,
        target.does(&format!("ALTER COLUMN {column} SET NOT NULL")),
        "the CHECK proves it: from PostgreSQL 12 on no row is read",
    ));
    let check = quote_ident(&check);
    steps.push(Step::brief(
        RULE,
        target.does(&format!("DROP CONSTRAINT {check}")),
        "it has done its work",
    ));
    steps
}

/// `ADD NOT NULL column`, a constraint from PostgreSQL 18 on.
pub(super) fn add(
    target: &Target<'_>,
    not_null: &ast::NotNullConstraint,
    known: &mut Known<'_>,
) -> Turned {
    let Some(column) = not_null.column_name_ref().map(|name| name_of(&name)) else {
        return Turned::Kept;
    };
    let lax = is_lax(&Constraint::NotNullConstraint(not_null.clone()));
    if lax || known.major() < 18 || is_not_null(target, &column) {
        return Turned::Kept;
    }
    let clause = not_null.constraint_name_clause();
    let columns = [column];
    let name = named(clause.as_ref(), target, known, |known| {
        known.names.constraint(target.place(), &columns, "not_null")
    });
    let body = body(not_null, clause.as_ref());
    Turned::Steps(in_two_steps(target, RULE, (&name, &body)))
}

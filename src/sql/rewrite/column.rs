//! `ADD COLUMN`: the column alone first, which needs no look at the rows, then all that does.

use squawk_linter::{Linter, Rule as LinterRule};
use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode, Constraint};

use super::super::syntax;
use super::super::words::{flat, flat_without, is_serial, name_of};
use super::batches::{Work, in_batches};
use super::constraint::{self, in_two_steps, named};
use super::ground::Known;
use super::not_null;
use super::step::{Step, Turned};
use super::target::Target;
use super::unique::{self, Key};

const DEFAULT: &str = "adding-field-with-default";

/// What an `ADD COLUMN` holds that is better done later.
#[derive(Default)]
struct Later {
    /// What is taken out of it.
    out: Vec<SyntaxNode>,
    /// The text of a default that every row has another value of.
    default: Option<String>,
    not_null: Option<ast::NotNullConstraint>,
    checks: Vec<ast::CheckConstraint>,
    unique: Option<ast::UniqueConstraint>,
    references: Option<ast::ReferencesConstraint>,
}

/// The safe form of one `ADD COLUMN`.
pub(super) fn add(target: &Target<'_>, added: &ast::AddColumn, known: &mut Known<'_>) -> Turned {
    let Some(name) = added.column_name() else {
        return Turned::Kept;
    };
    let (written, name) = (flat(&name), name_of(&name));
    if let Some(why) = stuck(added, &name) {
        return Turned::Stuck(why);
    }
    let later = later(added);
    if later.out.is_empty() {
        return Turned::Kept;
    }
    let is_there = target
        .table
        .is_none_or(|table| table.column(&name).is_some());
    if added.if_not_exists().is_some() && is_there {
        return Turned::stuck("with IF NOT EXISTS, what to do later depends on whether it does");
    }
    let mut out = later.out.clone();
    out.extend(
        added
            .constraints()
            .filter_map(|constraint| match constraint {
                // NULL is the default, and after NOT NULL is taken out it would be said twice.
                Constraint::NullConstraint(null) => Some(null.syntax().clone()),
                _ => None,
            }),
    );
    let alone = target.does(&flat_without(added.syntax(), &out));
    let rule = first_rule(&later);
    let mut steps = vec![Step::brief(
        rule,
        alone,
        "without what needs a look at every row",
    )];
    let Later {
        default,
        not_null,
        checks,
        unique,
        references,
        ..
    } = later;
    if let Some(default) = default {
        match filled(target, (&written, &default), known) {
            Ok(more) => steps.extend(more),
            Err(why) => return Turned::Stuck(why),
        }
    }
    if not_null.is_some() {
        steps.extend(not_null::steps(target, &name, known));
    }
    for check in &checks {
        let (check, body) = constraint::check_parts(target, check, known);
        steps.extend(in_two_steps(
            target,
            "adding-checked-column",
            (&check, &body),
        ));
    }
    if let Some(unique) = unique {
        match unique::key(target, &Key::unique(&unique), Some(&name), known) {
            Turned::Steps(more) => steps.extend(more),
            Turned::Stuck(why) => return Turned::Stuck(why),
            Turned::Kept => {}
        }
    }
    if let Some(references) = references {
        match refer(target, (&written, &name), &references, known) {
            Ok(more) => steps.extend(more),
            Err(why) => return Turned::Stuck(why),
        }
    }
    Turned::Steps(steps)
}

fn first_rule(later: &Later) -> &'static str {
    if later.default.is_some() {
        DEFAULT
    } else if !later.checks.is_empty() {
        "adding-checked-column"
    } else if later.unique.is_some() {
        "disallowed-unique-constraint"
    } else {
        "adding-referencing-column"
    }
}

/// Why only its author can say what to write instead, if so.
fn stuck(added: &ast::AddColumn, name: &str) -> Option<String> {
    let (mut required, mut valued) = (false, false);
    for constraint in added.constraints() {
        match constraint {
            Constraint::GeneratedConstraint(generated) => {
                let text = flat(&generated).to_ascii_lowercase();
                if text.ends_with("virtual") {
                    return None;
                }
                return Some(match text.contains(" identity") {
                    true => format!(
                        "an identity column rewrites the table: add {name} as a plain column with a sequence's \
                         nextval as default, fill it in batches, then ADD GENERATED … AS IDENTITY"
                    ),
                    false => format!(
                        "a stored generated column rewrites the table: keep {name} by a trigger and fill it in \
                         batches, or from PostgreSQL 18 on make it VIRTUAL"
                    ),
                });
            }
            Constraint::PrimaryKeyConstraint(_) => {
                return Some(format!(
                    "every row needs a value of {name} first: add it, fill it in batches, then ADD PRIMARY KEY"
                ));
            }
            Constraint::NotNullConstraint(_) => required = true,
            Constraint::DefaultConstraint(_) => valued = true,
            _ => {}
        }
    }
    if added.ty().is_some_and(|ty| is_serial(&flat(&ty))) {
        return Some(format!(
            "a serial column rewrites the table: add {name} as an integer, CREATE SEQUENCE … OWNED BY it, SET \
             DEFAULT nextval(…), and fill it in batches"
        ));
    }
    (required && !valued).then(|| {
        format!("{name} is NOT NULL and has no default: only you know what the rows that are there should hold")
    })
}

fn later(added: &ast::AddColumn) -> Later {
    let mut later = Later::default();
    for constraint in added.constraints() {
        match &constraint {
            Constraint::DefaultConstraint(default) => {
                let text = default.expr().map(|expr| flat(&expr)).unwrap_or_default();
                if is_volatile(&text) {
                    later.out.push(default.syntax().clone());
                    later.default = Some(text);
                }
            }
            Constraint::CheckConstraint(check) => {
                later.out.push(check.syntax().clone());
                later.checks.push(check.clone());
            }
            Constraint::UniqueConstraint(unique) => {
                later.out.push(unique.syntax().clone());
                later.unique = Some(unique.clone());
            }
            Constraint::ReferencesConstraint(references) => {
                later.out.push(references.syntax().clone());
                later.references = Some(references.clone());
            }
            _ => {}
        }
    }
    // With a default that is the same for all rows, NOT NULL needs no look at them.
    if later.default.is_some() {
        let not_null = added.constraints().find_map(|constraint| match constraint {
            Constraint::NotNullConstraint(not_null) => Some(not_null),
            _ => None,
        });
        later
            .out
            .extend(not_null.iter().map(|found| found.syntax().clone()));
        later.not_null = not_null;
    }
    later
}

/// Whether a default gives every row another value. squawk takes every default for volatile that it
/// does not know; only functions can be.
pub(super) fn is_volatile(default: &str) -> bool {
    let text = format!("ALTER TABLE t ADD COLUMN c text DEFAULT {default}");
    let Some(parse) = syntax::parse(&text) else {
        return false;
    };
    let calls = parse
        .tree()
        .syntax()
        .descendants()
        .any(|node| ast::CallExpr::can_cast(node.kind()));
    calls
        && !Linter::from([LinterRule::AddingFieldWithDefault])
            .lint(&parse, &text)
            .is_empty()
}

/// The default for rows to come, and its values for those that are there.
fn filled(
    target: &Target<'_>,
    (column, default): (&str, &str),
    known: &Known<'_>,
) -> Result<Vec<Step>, String> {
    let set = target.does(&format!("ALTER COLUMN {column} SET DEFAULT {default}"));
    let relation = target.written.clone();
    let work = Work {
        rule: DEFAULT,
        change: format!("UPDATE {relation} SET {column} = DEFAULT"),
        from: relation,
        condition: Some(format!("{column} IS NULL")),
    };
    Ok(vec![
        Step::brief(
            DEFAULT,
            set,
            "for new rows; those that are there are filled below",
        ),
        in_batches(target, &work, known)?,
    ])
}

/// The foreign key of a new column.
fn refer(
    target: &Target<'_>,
    (written, name): (&str, &str),
    references: &ast::ReferencesConstraint,
    known: &mut Known<'_>,
) -> Result<Vec<Step>, String> {
    if let Some(why) = constraint::refuses_not_valid(target, known) {
        return Err(why);
    }
    let clause = references.constraint_name_clause();
    let columns = [name.to_owned()];
    let key = named(clause.as_ref(), target, known, |known| {
        known.names.constraint(target.place(), &columns, "fkey")
    });
    let body = format!(
        "FOREIGN KEY ({written}) {}",
        constraint::body(references, clause.as_ref())
    );
    Ok(in_two_steps(
        target,
        "adding-referencing-column",
        (&key, &body),
    ))
}

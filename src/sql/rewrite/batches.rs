//! Changes of many rows: in batches along the primary key, each committed by itself, so that no row is
//! locked for long and vacuum can follow.

use std::fmt::Write as _;

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::quote::quote_ident;

use super::super::words::{flat, flat_text, name_of};
use super::ground::Known;
use super::step::{Pace, Step, Turned};
use super::target::Target;

/// Rows of one batch: some milliseconds of work on usual hardware.
const ROWS: u32 = 1_000;

/// The pause between two batches, in seconds: replicas and vacuum can follow.
const PAUSE: &str = "0.01";

/// How the variables of the loop begin, which no column may.
const LOW: &str = "batch_low_";
const HIGH: &str = "batch_high_";
const LAST: &str = "batch_last_";

const WHY: &str = "along the primary key, each batch in a transaction of its own; a stop half way loses \
                   nothing, and running it again goes on";

/// What is done to a batch: the statement up to its WHERE, and what it has beside the batch's bounds.
pub(super) struct Work {
    pub(super) rule: &'static str,
    /// `UPDATE t SET a = 1`.
    pub(super) change: String,
    /// The relation whose rows they are, as it stands in FROM.
    pub(super) from: String,
    /// Its own condition.
    pub(super) condition: Option<String>,
}

/// The loop; why not, where there is no primary key to go along.
pub(super) fn in_batches(
    target: &Target<'_>,
    work: &Work,
    known: &Known<'_>,
) -> Result<Step, String> {
    let condition = work.condition.as_deref();
    if !known.has_schema() {
        return Ok(step(work, String::new(), &["id".to_owned()]));
    }
    let Some(table) = target.table else {
        return Err(format!(
            "{} is no table of the schema as it was before",
            target.name
        ));
    };
    let Some(keys) = target.primary_key() else {
        return Err(format!(
            "{} has no primary key to go along in batches: choose another unique key by hand",
            target.name
        ));
    };
    let reserved = |text: &str| [LOW, HIGH, LAST].iter().any(|name| text.contains(name));
    let clash = table.columns.iter().any(|column| reserved(&column.name));
    let own = format!("{}{}", work.change, condition.unwrap_or_default());
    if clash || reserved(&own) || own.contains("$batches$") {
        return Err("it uses names that the loop needs".to_owned());
    }
    let keys: Vec<String> = keys.iter().map(|key| quote_ident(key)).collect();
    Ok(step(work, lines(target, work, &keys), &keys))
}

fn step(work: &Work, sql: String, keys: &[String]) -> Step {
    let also = match &work.condition {
        Some(condition) => format!("({condition}) AND "),
        None => String::new(),
    };
    let brief = format!(
        "{} WHERE {also}{} BETWEEN … AND …, batch after batch, each with its own COMMIT",
        work.change,
        tuple(keys)
    );
    Step {
        brief: Some(brief),
        ..Step::new(work.rule, (sql, WHY), Pace::Batches)
    }
}

/// `a`, or `(a, b)`.
fn tuple(names: &[String]) -> String {
    match names {
        [only] => only.clone(),
        several => format!("({})", several.join(", ")),
    }
}

/// The loop goes no further than the last key of its beginning: rows that come meanwhile are none of the
/// statement's, and would keep it running.
fn lines(target: &Target<'_>, work: &Work, keys: &[String]) -> String {
    let variables = |prefix: &str| -> Vec<String> {
        (1..=keys.len())
            .map(|place| format!("{prefix}{place}"))
            .collect()
    };
    let (lows, highs, lasts) = (variables(LOW), variables(HIGH), variables(LAST));
    let list = keys.join(", ");
    let back: Vec<String> = keys.iter().map(|key| format!("{key} DESC")).collect();
    let back = back.join(", ");
    let (key, low, high, last) = (tuple(keys), tuple(&lows), tuple(&highs), tuple(&lasts));
    let (into_low, into_high, into_last) = (lows.join(", "), highs.join(", "), lasts.join(", "));
    let from = &work.from;
    let mut declare = String::new();
    let variables = lows.iter().chain(&highs).chain(&lasts);
    for (variable, key) in variables.zip(keys.iter().cycle()) {
        // Writing to a String cannot fail.
        let _ = writeln!(declare, "  {variable} {}.{key}%TYPE;", target.written);
    }
    let change = changing(work, &format!("{key} >= {low} AND {key} <= {high}"));
    // On an empty table both are null, and so is their comparison.
    format!(
        "DO $batches$
DECLARE
{declare}BEGIN
  SELECT {list} INTO {into_low} FROM {from} ORDER BY {list} LIMIT 1;
  SELECT {list} INTO {into_last} FROM {from} ORDER BY {back} LIMIT 1;
  WHILE {low} <= {last} LOOP
    SELECT {list} INTO {into_high}
    FROM (SELECT {list} FROM {from} WHERE {key} >= {low} AND {key} <= {last} ORDER BY {list} LIMIT {ROWS}) AS batch
    ORDER BY {back} LIMIT 1;
{change}
    COMMIT;
    PERFORM pg_sleep({PAUSE});
    SELECT {list} INTO {into_low} FROM {from} WHERE {key} > {high} ORDER BY {list} LIMIT 1;
  END LOOP;
END
$batches$"
    )
}

/// The change of a batch, tried until it gets its locks.
fn changing(work: &Work, bounds: &str) -> String {
    let own = match &work.condition {
        Some(condition) => format!(" AND ({condition})"),
        None => String::new(),
    };
    let change = &work.change;
    format!(
        "    LOOP
      BEGIN
        {change}
        WHERE {bounds}{own};
        EXIT;
      EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
        PERFORM pg_sleep(0.1);
      END;
    END LOOP;"
    )
}

pub(super) fn update(update: &ast::Update, known: &Known<'_>) -> Turned {
    let Some((relation, set)) = update.relation_name().zip(update.set_clause()) else {
        return Turned::Kept;
    };
    let condition = match condition(update.where_clause_or_current_of()) {
        Ok(condition) => condition,
        Err(()) => return Turned::Kept,
    };
    let columns: Vec<String> = set
        .syntax()
        .descendants()
        .filter_map(ast::ColumnTarget::cast)
        .filter_map(|column| Some(name_of(&column.name()?)))
        .collect();
    // A condition on other columns may find its few rows by an index.
    if let Some(condition) = &condition
        && !names_in(condition.syntax())
            .iter()
            .all(|name| columns.contains(name))
    {
        return Turned::Kept;
    }
    let more = update.with_clause().is_some()
        || update.from_clause().is_some()
        || update.for_portion_of().is_some()
        || has_query(update.syntax());
    if more || update.returning_clause().is_some() {
        return Turned::stuck(
            "it reads other rows than the one it changes, or returns them: batches could see each other's work",
        );
    }
    if reads_what_it_sets(&set, &columns) {
        return Turned::stuck(
            "its new values are made of the old ones: run again after a stop half way it would change rows twice",
        );
    }
    let target = target(&relation.syntax().text().to_string(), known);
    if let Some(why) = sets_a_key(&target, &columns) {
        return Turned::Stuck(why);
    }
    let alias = update.alias().map(|alias| format!(" {}", flat(&alias)));
    let alias = alias.unwrap_or_default();
    let relation = flat(&relation);
    let work = Work {
        rule: "updating-whole-table",
        change: format!("UPDATE {relation}{alias} {}", flat(&set)),
        from: relation,
        condition: condition.and_then(|clause| Some(flat(&clause.expr()?))),
    };
    match in_batches(&target, &work, known) {
        Ok(step) => Turned::Steps(vec![step]),
        Err(why) => Turned::Stuck(why),
    }
}

pub(super) fn delete(delete: &ast::Delete, known: &Known<'_>) -> Turned {
    let Some(relation) = delete.relation_name() else {
        return Turned::Kept;
    };
    if delete.where_clause_or_current_of().is_some() || delete.using_clause().is_some() {
        return Turned::Kept;
    }
    if delete.with_clause().is_some()
        || delete.for_portion_of().is_some()
        || delete.returning_clause().is_some()
    {
        return Turned::stuck("it returns its rows, or reads others");
    }
    let target = target(&relation.syntax().text().to_string(), known);
    let relation = flat(&relation);
    let work = Work {
        rule: "deleting-whole-table",
        change: format!("DELETE FROM {relation}"),
        from: relation,
        condition: None,
    };
    match in_batches(&target, &work, known) {
        Ok(step) => Turned::Steps(vec![step]),
        Err(why) => Turned::Stuck(why),
    }
}

/// The table of a relation as UPDATE and DELETE name it: `ONLY t`, `t *`.
fn target<'a>(relation: &str, known: &Known<'a>) -> Target<'a> {
    let text = flat_text(relation);
    let text = text.trim_end_matches('*').trim();
    let only = text
        .get(..5)
        .is_some_and(|word| word.eq_ignore_ascii_case("only "));
    let text = if only {
        text.get(5..).unwrap_or(text)
    } else {
        text
    };
    let text = text.trim_matches(['(', ')', ' ']);
    Target::named(text, known)
}

/// The condition; an error for that of a cursor.
fn condition(clause: Option<ast::WhereClauseOrCurrentOf>) -> Result<Option<ast::WhereClause>, ()> {
    match clause {
        None => Ok(None),
        Some(ast::WhereClauseOrCurrentOf::WhereClause(clause)) => Ok(Some(clause)),
        Some(ast::WhereClauseOrCurrentOf::WhereCurrentOf(_)) => Err(()),
    }
}

fn has_query(node: &squawk_syntax::SyntaxNode) -> bool {
    node.descendants().any(|node| {
        ast::Select::can_cast(node.kind())
            || ast::ParenSelect::can_cast(node.kind())
            || ast::Values::can_cast(node.kind())
    })
}

/// The last part of every name in an expression, functions left out.
fn names_in(node: &squawk_syntax::SyntaxNode) -> Vec<String> {
    let called = |name: &ast::NameRef| {
        let parent = name.syntax().parent();
        parent.is_some_and(|parent| ast::CallExpr::can_cast(parent.kind()))
    };
    node.descendants()
        .filter_map(ast::NameRef::cast)
        .filter(|name| !called(name))
        .map(|name| name_of(&name))
        .collect()
}

fn reads_what_it_sets(set: &ast::SetClause, columns: &[String]) -> bool {
    set.syntax()
        .descendants()
        .filter_map(ast::SetExpr::cast)
        .flat_map(|expr| names_in(expr.syntax()))
        .any(|name| columns.contains(&name))
}

/// Rows that change their place in a unique key may meet others half way.
fn sets_a_key(target: &Target<'_>, columns: &[String]) -> Option<String> {
    let table = target.table?;
    let key = table
        .unique_keys
        .iter()
        .find(|key| columns.iter().any(|column| key.mentions(column)))?;
    Some(format!(
        "it changes columns of the unique key {}: what is unique at its end may not be so half way",
        key.name
    ))
}

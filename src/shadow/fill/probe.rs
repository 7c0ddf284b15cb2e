//! A thousand rows of each table, tried on its double before anything is touched: what a CHECK, a
//! domain or an index refuses is known in seconds rather than after hours.

use std::ops::Range;

use tokio_postgres::Client;

use crate::postgres::probe;
use crate::schema::{Table, TypeKind};
use crate::synth::TablePlan;

use super::crew::Crew;
use super::evaluator::answers;
use super::{FillError, filled};

/// Rows tried of a table.
const ROWS: u64 = 1_000;

/// Places of the table from which they are.
const PLACES: u64 = 10;

/// Tries rows of all tables that could refuse them, and returns what the user should know.
pub(super) async fn probe(crew: &Crew, client: &Client) -> Result<Vec<String>, FillError> {
    let may = probe::may_try(client).await;
    let may = may.map_err(|error| crew.explain("asking for the right to try rows", error))?;
    if !may {
        let note =
            "no rows were tried before the fill: the user has no TEMPORARY right on the database";
        return Ok(vec![note.to_owned()]);
    }
    match try_tables(crew, client).await {
        Ok(()) => Ok(Vec::new()),
        Err(error) => Err(error.before_any_change()),
    }
}

async fn try_tables(crew: &Crew, client: &Client) -> Result<(), FillError> {
    for table in filled(crew.schema(), crew.plan()) {
        let mut tables = crew.plan().tables.iter();
        let plan = tables.find(|plan| plan.name == table.name);
        let Some(plan) = plan.filter(|plan| plan.asks() || is_selective(table)) else {
            continue;
        };
        if crew.must_end() {
            return Err(FillError::Stopped);
        }
        let columns: Vec<String> = plan.columns.iter().map(|c| c.name.clone()).collect();
        let rows = rows(client, plan).await?;
        let doing = format!("trying {} rows of {}", ROWS.min(plan.rows), table.name);
        let fail = |error| crew.explain_rows(&table.name, &doing, error);
        let tried = probe::try_rows(client, table, &columns, rows).await;
        tried.map_err(fail)?;
    }
    Ok(())
}

/// Whether a table has conditions that planning may not have understood.
fn is_selective(table: &Table) -> bool {
    let odd_key = table
        .unique_keys
        .iter()
        .any(|key| key.partial || !key.expressions.is_empty());
    let columns = &table.columns;
    !table.checks.is_empty()
        || !table.exclusions.is_empty()
        || odd_key
        || columns
            .iter()
            .any(|column| has_domain(&column.data_type.kind))
}

fn has_domain(kind: &TypeKind) -> bool {
    match kind {
        TypeKind::Domain { .. } => true,
        TypeKind::Array { element } => has_domain(element),
        TypeKind::Range { subtype } | TypeKind::Multirange { subtype } => has_domain(subtype),
        TypeKind::Composite { fields } => fields.iter().any(|(_, kind)| has_domain(kind)),
        TypeKind::Base { .. } | TypeKind::Enum { .. } | TypeKind::Other { .. } => false,
    }
}

/// Rows of the plan from the beginning, the end, and between, in COPY's text format.
async fn rows(client: &Client, plan: &TablePlan) -> Result<Vec<u8>, FillError> {
    let mut out = Vec::new();
    for rows in places(plan.rows) {
        let answers = answers(client, plan, rows.clone()).await?;
        plan.encode_answered(rows, &answers, &mut out);
    }
    Ok(out)
}

/// The rows that are tried of so many.
fn places(rows: u64) -> Vec<Range<u64>> {
    let each = ROWS.min(rows).div_ceil(PLACES);
    let step = (rows - each.min(rows)) / (PLACES - 1);
    let step = step.max(each);
    let places = (0..PLACES).map(|place| place * step);
    places
        .map(|from| from..(from + each).min(rows))
        .filter(|place| !place.is_empty())
        .collect()
}

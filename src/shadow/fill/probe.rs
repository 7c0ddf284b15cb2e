//! A thousand rows of each table, tried before all of them are written: what a CHECK, a domain or an
//! index refuses is known in seconds rather than after hours.

use tokio_postgres::Client;

use crate::postgres::{copy, probe};
use crate::schema::{Table, TypeKind};
use crate::synth::TablePlan;

use super::crew::Crew;
use super::{FillError, filled};

/// Rows tried of a table.
const ROWS: u64 = 1_000;

/// Places of the table from which they are.
const PLACES: u64 = 10;

/// Tries rows of all tables that could refuse them.
pub(super) async fn probe(crew: &Crew, client: &Client) -> Result<(), FillError> {
    for table in filled(crew.schema(), crew.plan()).filter(|table| is_selective(table)) {
        let mut tables = crew.plan().tables.iter();
        let Some(plan) = tables.find(|plan| plan.name == table.name) else {
            continue;
        };
        if crew.must_end() {
            return Ok(());
        }
        let columns: Vec<String> = plan.columns.iter().map(|c| c.name.clone()).collect();
        let statement = copy::copy_statement(&table.name, &columns);
        let rows = rows(plan);
        let doing = format!("trying {} rows of {}", ROWS.min(plan.rows), table.name);
        let fail = |error| crew.explain_rows(table, &doing, error);
        let tried = probe::try_rows(client, &statement, rows).await;
        tried.map_err(fail)?;
        let cleaned = probe::clean(client, &table.name).await;
        cleaned.map_err(fail)?;
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
        || table.partitioning.is_some()
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
fn rows(plan: &TablePlan) -> Vec<u8> {
    let mut out = Vec::new();
    if plan.rows <= ROWS {
        plan.encode(0..plan.rows, usize::MAX, &mut out);
        return out;
    }
    let each = ROWS / PLACES;
    let step = (plan.rows - each) / (PLACES - 1);
    for place in 0..PLACES {
        let from = place * step;
        plan.encode(from..from + each, usize::MAX, &mut out);
    }
    out
}

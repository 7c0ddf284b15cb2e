//! A check: the migration on the bare schema, without rows or load, and the traffic's statements
//! prepared before and after it.

use super::ground::Ground;
use super::integrity::Moments;
use super::loaded::Surroundings;
use super::prepare::Shadow;
use super::roster::Roster;
use super::{Options, RehearsalError, ShadowFacts, integrity, production, runner};
use crate::judge::{Age, BrokenStatement, Compatibility};
use crate::observe::{Integrity, Migration, MigrationOutcome, StatementCoverage};
use crate::scenario::Plan;
use crate::scenario::plan::Role;
use crate::scenario::release::Moment;
use crate::traffic::{StatementCheck, Timeline};

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    /// The shadow server.
    pub shadow: ShadowFacts,
    /// The plan that was carried out: with production's statements as transactions.
    pub plan: Plan,
    /// What of production's statements was prepared; none where the scenario has none.
    pub statements: Option<StatementCoverage>,
    /// The migration's statements.
    pub migration: Migration,
    /// Statements of the traffic that the migration breaks.
    pub broken: Vec<BrokenStatement>,
    /// Which release's code runs on which schema; nothing where the migration was not applied, so that there
    /// is no new schema.
    pub compatibility: Vec<Compatibility>,
    /// The schema before and after.
    pub integrity: Integrity,
    /// What the user should know although nothing failed.
    pub notes: Vec<String>,
}

/// Applies the plan's migration to its schema alone.
///
/// # Errors
/// Where the shadow cannot be prepared, or a statement of the traffic does not prepare even before
/// the migration.
pub async fn check(
    plan: &Plan,
    options: &Options,
    around: Surroundings<'_>,
) -> Result<Checked, RehearsalError> {
    let shadow = Shadow::bare(plan, options, around).await?;
    let config = shadow.config();
    let (plan, coverage) =
        production::with_statements(plan, &shadow, production::Rows::None).await?;
    let plan = &plan;
    let statements =
        StatementCheck::prepare(&plan.traffic, Box::new(shadow.keys.clone()), &config).await?;
    let before = integrity::before(plan, &config).await?;
    let timeline = Timeline::new();
    let migration = runner::run(
        Ground {
            config: &config,
            timeline: &timeline,
            roster: &Roster::default(),
            around,
            abort: None,
        },
        &plan.migration,
        plan.limits.migration_time,
    )
    .await;
    let mut enabled = statements.too_early().to_vec();
    let mut compatibility = statements.compatibility(&config).await?;
    let mut broken = broken_by_migration(&compatibility);
    let place = |statement: &BrokenStatement| (statement.place(), statement.sql.clone());
    enabled.retain(|early| !broken.iter().any(|still| place(still) == place(early)));
    if migration.outcome != MigrationOutcome::Applied {
        // What the next release misses, only a migration that succeeds could bring.
        broken.retain(|statement| statement.role == Role::Current);
        compatibility.clear();
    }
    let integrity = integrity::after(
        plan,
        &config,
        (&before, Moments::default()),
        Some(&migration),
    )
    .await;
    let facts = shadow.facts(plan).await;
    let mut notes = shadow.notes();
    notes.extend(coverage.iter().flat_map(StatementCoverage::notes));
    notes.extend(enabled.iter().map(|needs| needs_migration(plan, needs)));
    shadow.stop().await;
    Ok(Checked {
        shadow: facts,
        plan: plan.clone(),
        statements: coverage,
        migration,
        broken,
        compatibility,
        integrity,
        notes,
    })
}

/// What does not run on the new schema, each statement once: of the running release, and what the next one has
/// of its own.
fn broken_by_migration(cells: &[Compatibility]) -> Vec<BrokenStatement> {
    let on_new = cells.iter().filter(|cell| cell.schema == Age::New);
    let own = on_new.flat_map(|cell| {
        let role = match cell.code {
            Age::Old => Role::Current,
            Age::New => Role::Next,
        };
        cell.broken.iter().filter(move |broken| broken.role == role)
    });
    own.cloned().collect()
}

/// That a statement of the next release does not run without the migration, and whether the scenario waits
/// for it.
fn needs_migration(plan: &Plan, statement: &BrokenStatement) -> String {
    let next_from = plan.release.unwrap_or_default().next_from;
    let order = match next_from {
        Moment::MigrationEnd => ", which comes first".to_owned(),
        Moment::Before(_) | Moment::After(_) => {
            format!(", but `release.next_from = \"{next_from}\"` does not wait for its end")
        }
    };
    let (place, error) = (statement.place(), statement.error());
    format!("a statement of the next release needs the migration ({place}: {error}){order}")
}

//! A check: the migration on the bare schema, without rows or load, and the traffic's statements
//! prepared before and after it.

use super::loaded::Surroundings;
use super::prepare::Shadow;
use super::roster::Roster;
use super::{Options, RehearsalError, ShadowFacts, integrity, runner};
use crate::judge::BrokenStatement;
use crate::observe::{Integrity, Migration};
use crate::scenario::Plan;
use crate::traffic::{StatementCheck, Timeline};

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    /// The shadow server.
    pub shadow: ShadowFacts,
    /// The migration's statements.
    pub migration: Migration,
    /// Statements of the traffic that the migration breaks.
    pub broken: Vec<BrokenStatement>,
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
    let statements =
        StatementCheck::prepare(&plan.traffic, Box::new(shadow.keys.clone()), &config).await?;
    let before = integrity::before(plan, &config).await?;
    let timeline = Timeline::new();
    let migration = runner::run(
        runner::Ground {
            config: &config,
            timeline: &timeline,
            roster: &Roster::default(),
            around,
        },
        &plan.migration,
        plan.limits.migration_time,
    )
    .await;
    let broken = statements.broken(&config).await?;
    let integrity = integrity::after(plan, &config, (before, Some(&migration))).await;
    let facts = shadow.facts(plan).await;
    let notes = shadow.notes();
    shadow.stop().await;
    Ok(Checked {
        shadow: facts,
        migration,
        broken,
        integrity,
        notes,
    })
}

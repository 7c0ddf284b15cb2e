//! The way back on an idle database: the migration, `down`, and everything compared with before.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio_postgres::Config;

use super::ground::Ground;
use super::loaded::Surroundings;
use super::roster::Roster;
use super::runner;
use crate::judge::failure;
use crate::observe::{Migration, MigrationOutcome, RestoredTable, Rollback, SecondRun};
use crate::postgres::checksums::{TableSum, sums};
use crate::postgres::connect::{connect_unlimited, describe};
use crate::postgres::inventory;
use crate::scenario::Plan;
use crate::scenario::plan::MigrationPlan;
use crate::schema::inventory::{Inventory, difference};
use crate::traffic::Timeline;

/// Schema and rows at one moment.
struct State {
    inventory: Inventory,
    sums: BTreeMap<String, TableSum>,
}

/// Applies a migration while nothing else happens.
pub(super) async fn apply(
    (plan, migration): (&Plan, &MigrationPlan),
    config: &Config,
    around: Surroundings<'_>,
) -> Migration {
    let ground = Ground {
        config,
        timeline: &Timeline::new(),
        roster: &Roster::default(),
        around,
        abort: None,
    };
    runner::run(ground, migration, plan.limits.migration_time).await
}

/// Goes up and down and compares. What stands in the way is in the result.
pub(super) async fn compare(
    (plan, down): (&Plan, &MigrationPlan),
    config: &Config,
    around: Surroundings<'_>,
) -> Rollback {
    let mut rollback = Rollback::default();
    if let Err(error) = tried((plan, down), (config, around), &mut rollback).await {
        rollback.identical = false;
        rollback.error = Some(error);
    }
    rollback
}

async fn tried(
    (plan, down): (&Plan, &MigrationPlan),
    (config, around): (&Config, Surroundings<'_>),
    rollback: &mut Rollback,
) -> Result<(), String> {
    let before = match state(config).await {
        Ok(before) => before,
        Err(error) => {
            // The tool's own failure says nothing of the way back.
            rollback.uncompared = Some(error);
            return Ok(());
        }
    };
    let up = apply((plan, &plan.migration), config, around).await;
    rollback.up = up.end.saturating_sub(up.start);
    // Half of a migration is what most needs a way back.
    rollback.from_half = applied(&up, "the migration").err();
    let way_back = apply((plan, down), config, around).await;
    rollback.down = way_back.end.saturating_sub(way_back.start);
    let ended = applied(&way_back, "the way back");
    match state(config).await {
        Ok(after) => {
            let found = difference(&before.inventory, &after.inventory);
            rollback.schema_diff = found.iter().map(|line| line.to_string()).collect();
            let missed = found.iter().filter(|line| line.is_missed());
            rollback.missing = missed.map(|line| line.to_string()).collect();
            rollback.tables = tables(&before.sums, &after.sums);
        }
        Err(error) => rollback.uncompared = Some(error),
    }
    ended?;
    rollback.identical = rollback.uncompared.is_none()
        && rollback.schema_diff.is_empty()
        && rollback.tables.iter().all(RestoredTable::is_same);
    if rollback.from_half.is_none() {
        let again = apply((plan, &plan.migration), config, around).await;
        rollback.again = applied(&again, "the migration").err();
    }
    Ok(())
}

async fn state(config: &Config) -> Result<State, String> {
    let session = connect_unlimited(config, "pgrehearse comparison").await;
    let session = session.map_err(|error| describe(&error))?;
    let read = async {
        Ok(State {
            inventory: inventory::read(&session.client).await?,
            sums: sums(&session.client).await?,
        })
    };
    let read: Result<State, tokio_postgres::Error> = read.await;
    read.map_err(|error| describe(&error))
}

fn applied(migration: &Migration, what: &str) -> Result<(), String> {
    match migration.outcome {
        MigrationOutcome::Applied => Ok(()),
        MigrationOutcome::Failed => Err(format!("{what}: {}", failure(migration))),
        MigrationOutcome::Aborted => Err(format!("{what} was stopped before its end")),
    }
}

fn tables(
    before: &BTreeMap<String, TableSum>,
    after: &BTreeMap<String, TableSum>,
) -> Vec<RestoredTable> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let compared = names.into_iter().map(|name| {
        let (then, now) = (before.get(name), after.get(name));
        let columns = match (then, now) {
            (Some(then), Some(now)) => differing(then, now),
            _ => Vec::new(),
        };
        RestoredTable {
            name: name.clone(),
            rows_before: then.map(|sum| sum.rows),
            rows_after: now.map(|sum| sum.rows),
            checksum_equal: then.is_some() && now.is_some() && columns.is_empty(),
            columns,
        }
    });
    compared.collect()
}

/// The columns whose values are others, and those that are gone with their values. One more than before is the
/// schema's matter alone.
fn differing(then: &TableSum, now: &TableSum) -> Vec<String> {
    let pairs = then.columns.iter();
    let differ = pairs.filter(|(name, sum)| now.columns.get(*name) != Some(*sum));
    differ.map(|(name, _)| name.clone()).collect()
}

/// What a second run was.
pub(super) fn second_run(migration: Migration, left: Vec<String>) -> SecondRun {
    SecondRun {
        outcome: migration.outcome,
        duration: migration
            .end
            .checked_sub(migration.start)
            .unwrap_or(Duration::ZERO),
        error: migration.error,
        left,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: u64, columns: &[(&str, &str)]) -> TableSum {
        TableSum {
            rows,
            columns: columns
                .iter()
                .map(|(name, sum)| ((*name).to_owned(), (*sum).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn a_column_that_comes_back_empty_or_not_at_all_is_told() {
        let before = BTreeMap::from([
            (
                "s.kept".to_owned(),
                sum(3, &[("a", "1"), ("b", "2"), ("d", "5")]),
            ),
            ("s.gone".to_owned(), sum(5, &[("a", "1")])),
            ("s.same".to_owned(), sum(7, &[("a", "1")])),
        ]);
        let after = BTreeMap::from([
            (
                "s.kept".to_owned(),
                sum(3, &[("a", "1"), ("b", "9"), ("c", "4")]),
            ),
            ("s.new".to_owned(), sum(0, &[("a", "")])),
            ("s.same".to_owned(), sum(7, &[("a", "1")])),
        ]);
        let compared = tables(&before, &after);
        let told: Vec<String> = compared
            .iter()
            .map(|t| format!("{} {} {:?}", t.name, t.is_same(), t.columns))
            .collect();
        let expected = [
            "s.gone false []",
            "s.kept false [\"b\", \"d\"]",
            "s.new false []",
            "s.same true []",
        ];
        assert_eq!(told, expected);
    }
}

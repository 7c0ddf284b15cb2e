//! Several settings of `lock_timeout` side by side.

use std::io::{self, Write};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::observe::MigrationOutcome;
use crate::scenario::Plan;
use crate::scenario::plan::Outcome;
use crate::units::{Span, seconds};

use super::Report;
use super::columns::{Align, Cell, Columns};
use super::page::{BOLD, DIM, GREEN, Page, RED, Style, name, shade};

/// What came of one setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// `[migration] lock_timeout`.
    #[serde(with = "seconds")]
    pub lock_timeout: Duration,
    /// `[migration] backoff`.
    #[serde(with = "seconds")]
    pub backoff: Duration,
    /// Attempts made.
    pub attempts: u32,
    /// Whether the migration was applied in the end.
    pub applied: bool,
    /// How long it took, attempts that failed included.
    #[serde(with = "seconds")]
    pub duration: Duration,
    /// The longest wait of the application behind it.
    #[serde(with = "seconds")]
    pub longest_wait: Duration,
    /// All waits of the application behind it: request-seconds.
    #[serde(with = "seconds")]
    pub total_wait: Duration,
    /// Whether the migration sets another `lock_timeout` itself.
    pub overridden: bool,
    /// What was decided; none where it could not be judged.
    pub outcome: Option<Outcome>,
}

/// All settings that were tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// The scenario's name.
    pub scenario: String,
    /// The migration's file.
    pub migration: String,
    /// In the order in which they were tried.
    pub settings: Vec<Setting>,
}

impl Setting {
    /// Sums a report of one pass up.
    pub fn of(report: &Report, lock_timeout: Duration, backoff: Duration) -> Self {
        let pass = report.passes.first();
        let migration = pass.and_then(|pass| pass.migration.as_ref());
        // Of the waits themselves only the longest are kept.
        let tolls = || pass.into_iter().flat_map(|pass| &pass.locks.tolls);
        let locking = migration
            .into_iter()
            .flat_map(|migration| &migration.statements);
        let mut locking = locking.filter(|statement| !statement.locks.is_empty());
        Self {
            lock_timeout,
            backoff,
            attempts: migration.map_or(0, |migration| migration.attempts),
            applied: migration
                .is_some_and(|migration| migration.outcome == MigrationOutcome::Applied),
            duration: migration.map_or(Duration::ZERO, |migration| {
                migration.end.saturating_sub(migration.start)
            }),
            longest_wait: tolls().map(|toll| toll.longest).max().unwrap_or_default(),
            total_wait: tolls().map(|toll| toll.total).sum(),
            overridden: locking.any(|statement| statement.lock_timeout != lock_timeout),
            outcome: report.outcome(),
        }
    }
}

impl Sweep {
    /// Of a plan, with the settings that were tried.
    pub fn new(plan: &Plan, settings: Vec<Setting>) -> Self {
        Self {
            scenario: plan.name.clone(),
            migration: plan.migration.file.clone(),
            settings,
        }
    }

    /// The setting with the best chance inside the limits: of those that are safe, that which needed the fewest
    /// attempts, and of these the one whose longest wait is the shortest.
    pub fn best(&self) -> Option<&Setting> {
        let safe = self
            .settings
            .iter()
            .filter(|setting| setting.outcome == Some(Outcome::Safe));
        safe.min_by_key(|setting| (setting.attempts, setting.longest_wait))
    }

    /// Whether some setting could not be judged, so that it may be safe for all that is known.
    pub fn is_open(&self) -> bool {
        let mut settings = self.settings.iter();
        settings.any(|setting| !matches!(setting.outcome, Some(Outcome::Safe | Outcome::Unsafe)))
    }
}

/// Writes them as JSON (`lock_timeout.json`).
///
/// # Errors
/// Where `out` cannot be written.
pub fn write_json(sweep: &Sweep, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, sweep)?;
    writeln!(out)
}

/// Writes the table and the best of it.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(sweep: &Sweep, out: &mut dyn Write, style: Style) -> io::Result<()> {
    let mut page = Page::new(out, style);
    let heading = format!(
        "{} {}: lock_timeout and backoff",
        sweep.scenario, sweep.migration
    );
    page.heading(&heading, "under the scenario's disturbances")?;
    let mut table = Columns::new(&[Align::Right; 7]);
    let head = [
        "lock_timeout",
        "backoff",
        "attempts",
        "migration",
        "longest wait",
        "waited in all",
        "verdict",
    ];
    table.row(head.map(|title| Cell::painted(title, DIM)).to_vec());
    for setting in &sweep.settings {
        table.row(row(setting));
    }
    table.write(&mut page)?;
    page.line("")?;
    if sweep.settings.iter().any(|setting| setting.overridden) {
        let text = "the migration sets a lock_timeout itself, which wins: take it out of the file, so that \
                    the scenario's holds";
        page.item(("  ! ", RED), text)?;
    }
    match sweep.best() {
        Some(best) => {
            let attempts = best.attempts.saturating_mul(2).max(5);
            let text = format!(
                "lock_timeout = \"{}\", backoff = \"{}\", attempts = {attempts}: it got through in {} of \
                 them, and nobody waited longer than {}",
                plain(best.lock_timeout),
                plain(best.backoff),
                best.attempts,
                Span(best.longest_wait)
            );
            page.item(("  → ", GREEN), &text)
        }
        None if sweep.is_open() => page.item(
            ("  ? ", RED),
            "no setting is known to bring the migration through inside the limits, and some could not be judged: \
             rehearse those by themselves to see why",
        ),
        None => page.item(
            ("  ✗ ", RED),
            "no setting brings the migration through inside the limits",
        ),
    }
}

/// A duration as scenario.toml takes it.
fn plain(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

fn row(setting: &Setting) -> Vec<Cell> {
    let outcome = match setting.outcome {
        Some(outcome) => Cell::painted(name(outcome), shade(outcome)),
        None => Cell::painted("–", DIM),
    };
    let took = Span(setting.duration);
    vec![
        Cell::painted(Span(setting.lock_timeout).to_string(), BOLD),
        Cell::new(Span(setting.backoff).to_string()),
        Cell::new(setting.attempts.to_string()),
        match setting.applied {
            true => Cell::new(format!("applied in {took}")),
            false => Cell::painted(format!("failed after {took}"), RED),
        },
        Cell::new(Span(setting.longest_wait).to_string()),
        Cell::new(Span(setting.total_wait).to_string()),
        outcome,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(outcome: Option<Outcome>) -> Setting {
        Setting {
            lock_timeout: Duration::from_millis(50),
            backoff: Duration::from_millis(100),
            attempts: 3,
            applied: outcome == Some(Outcome::Safe),
            duration: Duration::from_secs(1),
            longest_wait: Duration::from_millis(40),
            total_wait: Duration::from_secs(2),
            overridden: false,
            outcome,
        }
    }

    #[test]
    fn a_setting_that_could_not_be_judged_is_not_called_unsafe() {
        let told = |outcomes: &[Option<Outcome>]| {
            let sweep = Sweep {
                scenario: "s".to_owned(),
                migration: "m.sql".to_owned(),
                settings: outcomes.iter().map(|one| setting(*one)).collect(),
            };
            let mut out = Vec::new();
            let style = Style {
                width: Style::WIDEST,
                colour: false,
            };
            write(&sweep, &mut out, style).unwrap();
            let text = String::from_utf8(out).unwrap();
            let words: Vec<&str> = text.split_whitespace().collect();
            words.join(" ")
        };
        use Outcome::{Inconclusive, Safe, Unsafe};
        let open = "some could not be judged";
        assert!(told(&[Some(Unsafe), Some(Inconclusive)]).contains(open));
        assert!(told(&[Some(Unsafe), None]).contains(open));
        assert!(told(&[Some(Unsafe)]).contains("no setting brings the migration through"));
        assert!(!told(&[Some(Inconclusive), Some(Safe)]).contains(open));
    }
}

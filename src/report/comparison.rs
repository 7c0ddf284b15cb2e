//! Several rehearsals side by side: `verify`, and `run` with several migrations.

use std::fmt;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::judge::{Finding, Verdict};
use crate::scenario::Plan;
use crate::scenario::plan::Outcome;

use super::Report;
use super::columns::{Align, Cell, Columns};
use super::page::{BOLD, DIM, GREEN, PLAIN, Page, RED, Style, name, shade};

/// One rehearsal among several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsed {
    /// The scenario's name.
    pub scenario: String,
    /// The migration's file.
    pub migration: String,
    /// The order of release and migration, where one was asked for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ordering: String,
    /// What `[expect]` says; none where it says nothing.
    pub expected: Option<Outcome>,
    /// What came out; none if it could not run.
    pub got: Option<Outcome>,
    /// What decided, in a few words; why it could not run, where it could not.
    pub deciding: String,
}

impl Rehearsed {
    /// Sums a report up.
    pub fn of(report: &Report, expected: Option<Outcome>) -> Self {
        Self {
            scenario: report.scenario().to_owned(),
            migration: report.migration_file().to_owned(),
            ordering: report.ordering().to_owned(),
            expected,
            got: report.outcome(),
            deciding: report.verdict.as_ref().map(deciding).unwrap_or_default(),
        }
    }

    /// One that came to no report; `why` may have several lines, of which the first says it.
    pub fn could_not_run(plan: &Plan, expected: Option<Outcome>, why: &impl fmt::Display) -> Self {
        let why = why.to_string();
        let first = why.lines().next().unwrap_or_default();
        let ordering = plan.release.and_then(|release| release.ordering);
        Self {
            scenario: plan.name.clone(),
            migration: plan.migration.file.clone(),
            ordering: ordering.map_or_else(String::new, |ordering| ordering.to_string()),
            expected,
            got: None,
            deciding: first.trim_start_matches("error: ").to_owned(),
        }
    }

    /// Whether it ran, and nothing else was expected.
    pub fn is_as_expected(&self) -> bool {
        self.got.is_some() && (self.expected.is_none() || self.expected == self.got)
    }
}

fn deciding(verdict: &Verdict) -> String {
    match verdict.deciding() {
        Some(finding) => amounts(finding),
        None => verdict.reasons.first().cloned().unwrap_or_default(),
    }
}

/// `lock_wait 4.21 s, limit 2.00 s`; of a rule without a limit, its sentence.
fn amounts(finding: &Finding) -> String {
    match finding.limit > 0.0 {
        true => format!(
            "{} {}, limit {}",
            finding.rule,
            finding.unit.show(finding.measured),
            finding.unit.show(finding.limit)
        ),
        false => finding.detail.clone(),
    }
}

/// Writes them as JSON (`comparison.json`).
pub fn write_json(rehearsed: &[Rehearsed], out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, rehearsed)?;
    writeln!(out)
}

/// Writes the table and how many are as expected.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(rehearsed: &[Rehearsed], out: &mut dyn Write, style: Style) -> io::Result<()> {
    let mut page = Page::new(out, style);
    let ordered = rehearsed.iter().any(|one| !one.ordering.is_empty());
    let mut head = vec![
        "scenario",
        "migration",
        "ordering",
        "expected",
        "got",
        "as expected",
        "deciding",
    ];
    if !ordered {
        head.remove(ORDERING);
    }
    let mut table = Columns::new(&vec![Align::Left; head.len()]);
    let head = head.into_iter().map(|title| Cell::painted(title, DIM));
    table.row(head.collect());
    for one in rehearsed {
        let mut row = row(one);
        if !ordered {
            row.remove(ORDERING);
        }
        table.row(row);
    }
    table.write(&mut page)?;
    page.line("")?;
    for one in rehearsed.iter().filter(|one| !one.is_as_expected()) {
        let text = format!("{} {}: {}", one.scenario, one.migration, one.deciding);
        page.item(("  ✗ ", RED), &text)?;
    }
    let judged = || rehearsed.iter().filter(|one| one.expected.is_some());
    let expected = judged().filter(|one| one.is_as_expected()).count();
    let all = judged().count();
    if all == 0 {
        return Ok(());
    }
    let style = if expected == all { GREEN } else { RED };
    let sum = page.paint(style.bold(), &format!("{expected} of {all} as expected"));
    page.line(&format!("  {sum}"))
}

/// The place of the column that is left out where no order was asked for.
const ORDERING: usize = 2;

fn row(one: &Rehearsed) -> Vec<Cell> {
    let got = match one.got {
        Some(outcome) => Cell::painted(name(outcome), shade(outcome)),
        None => Cell::painted("could not run", RED),
    };
    let verdict = match (one.is_as_expected(), one.expected) {
        (true, None) => Cell::painted("–", DIM),
        (true, Some(_)) => Cell::painted("yes", GREEN),
        (false, _) => Cell::painted("no", RED.bold()),
    };
    vec![
        Cell::painted(one.scenario.as_str(), BOLD),
        Cell::new(one.migration.as_str()),
        Cell::new(one.ordering.as_str()),
        Cell::painted(one.expected.map_or("–", name), PLAIN),
        got,
        verdict,
        Cell::new(one.deciding.as_str()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures;

    fn rehearsed() -> Vec<Rehearsed> {
        vec![
            Rehearsed::of(&fixtures::unsafe_report(), Some(Outcome::Unsafe)),
            Rehearsed::of(&fixtures::safe_report(), Some(Outcome::Safe)),
            Rehearsed::of(&fixtures::inconclusive_report(), Some(Outcome::Safe)),
            Rehearsed::of(&fixtures::check_report(), None),
            Rehearsed {
                scenario: "login-lock".to_owned(),
                migration: "migration.sql".to_owned(),
                ordering: String::new(),
                expected: Some(Outcome::Unsafe),
                got: None,
                deciding: "schema.sql:12: type \"citext\" does not exist".to_owned(),
            },
        ]
    }

    #[test]
    fn the_table_reads_well() {
        let mut out = Vec::new();
        let style = Style {
            width: 100,
            colour: false,
        };
        write(&rehearsed(), &mut out, style).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r##"
    scenario     migration      expected  got            as expected  deciding
    foreign-key  migration.sql  unsafe    unsafe         yes          lock_wait 4.21 s, limit 2.00 s
    foreign-key  safe.sql       safe      safe           yes          p99_ratio 9.74 ms, limit 100 ms
    foreign-key  safe.sql       safe      inconclusive   no           the load generator could not ke…
    foreign-key  migration.sql  –         unsafe         –            a statement of the running rele…
    login-lock   migration.sql  unsafe    could not run  no           schema.sql:12: type "citext" do…

    ✗ foreign-key safe.sql: the load generator could not keep up: its lag in the baseline has a p99 of
      220 ms, more than 10.0 ms; lower the rate or use a larger machine
    ✗ login-lock migration.sql: schema.sql:12: type "citext" does not exist
    2 of 4 as expected
    "##);
    }

    #[test]
    fn orders_of_one_migration_stand_beside_each_other() {
        let in_order = |ordering: &str, outcome| Rehearsed {
            scenario: "index-with-release".to_owned(),
            migration: "migration.sql".to_owned(),
            ordering: ordering.to_owned(),
            expected: None,
            got: Some(outcome),
            deciding: String::new(),
        };
        let rows = [
            in_order("app-first", Outcome::Unsafe),
            in_order("migration-first", Outcome::Safe),
        ];
        let mut out = Vec::new();
        let style = Style {
            width: 100,
            colour: false,
        };
        write(&rows, &mut out, style).unwrap();
        let told = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = told.lines().collect();
        assert!(lines[0].contains("ordering"), "{told}");
        assert!(
            lines[1].contains("app-first        –         unsafe"),
            "{told}"
        );
        assert!(
            lines[2].contains("migration-first  –         safe"),
            "{told}"
        );
    }

    #[test]
    fn only_what_ran_and_was_expected_counts() {
        let expected: Vec<bool> = rehearsed().iter().map(Rehearsed::is_as_expected).collect();
        assert_eq!(expected, [true, true, false, true, false]);
    }
}

//! Several rehearsals side by side: `verify`, and `run` with several migrations.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::judge::{Finding, Verdict};
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
            expected,
            got: Some(report.verdict.outcome),
            deciding: deciding(&report.verdict),
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
    let mut table = Columns::new(&[Align::Left; 6]);
    let head = [
        "scenario",
        "migration",
        "expected",
        "got",
        "as expected",
        "deciding",
    ];
    table.row(head.map(|title| Cell::painted(title, DIM)).to_vec());
    for one in rehearsed {
        table.row(row(one));
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
    fn only_what_ran_and_was_expected_counts() {
        let expected: Vec<bool> = rehearsed().iter().map(Rehearsed::is_as_expected).collect();
        assert_eq!(expected, [true, true, false, true, false]);
    }
}

//! The verdict: what the traffic of the passes suffered, held against the scenario's limits.
//!
//! A rule that failed on a sound baseline makes a migration unsafe. Evidence that cannot carry a
//! verdict makes it inconclusive, and never safe: a rehearsal that could have missed the harm has
//! shown nothing.

mod baseline;
mod case;
mod check;
mod evidence;
mod failure;
mod finding;
#[cfg(test)]
pub(crate) mod fixtures;
mod gap;
mod integrity;
mod latency;
mod losses;
mod tail;
#[cfg(test)]
mod tests;

pub mod blame;
pub mod rules;
pub mod wording;

use serde::{Deserialize, Serialize};

pub use blame::{Blame, Waiter, blame};
pub use check::{BrokenStatement, judge_check};
pub use finding::{Finding, Unit, Window};

use crate::observe::{Integrity, Pass, PassName};
use crate::scenario::plan::{Limits, Outcome};
use crate::units::{Rate, Rows};
use case::Case;
use gap::Gap;

/// What a rehearsal decided, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The decision.
    pub outcome: Outcome,
    /// Why, one sentence each, the weightiest first.
    pub reasons: Vec<String>,
    /// What the evidence does not cover, one sentence each. They do not change the outcome.
    #[serde(default)]
    pub caveats: Vec<String>,
    /// Every rule's measurement, in the order of [`rules::RULES`], pass after pass.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// The finding that says most: of an unsafe verdict the worst of the first rule that failed, of
    /// a safe one the nearest to its limit; none where the verdict rests on something else.
    pub fn deciding(&self) -> Option<&Finding> {
        match self.outcome {
            Outcome::Unsafe => worst_of_each_rule(decisive(&self.findings))
                .into_iter()
                .next(),
            Outcome::Safe => self
                .findings
                .iter()
                .filter(|finding| finding.limit > 0.0)
                .max_by(|a, b| a.severity().total_cmp(&b.severity())),
            Outcome::Inconclusive => None,
        }
    }
}

/// What must be known beside the passes to tell what their evidence is worth.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Context {
    /// Transactions that the plan has come due, per second.
    pub rate: Option<Rate>,
    /// The filled tables.
    pub tables: Vec<TableSize>,
    /// Whether the scenario has disturbances: then a safe verdict needs a disturbed pass too.
    pub disturbances_given: bool,
    /// Whether a projection to production size was made.
    pub forecast_made: bool,
    /// The schema and the invariants before and after.
    pub integrity: Integrity,
    /// Whether the user stopped the rehearsal before its end.
    pub interrupted: bool,
}

/// How much smaller than production a table was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSize {
    /// Schema-qualified name.
    pub name: String,
    /// Rows in the shadow.
    pub rows: Rows,
    /// Rows in production.
    pub production_rows: Rows,
}

/// Judges the passes under load. A pass of kind `check` has no load and is left to [`judge_check`].
pub fn judge(limits: &Limits, passes: &[Pass], context: &Context) -> Verdict {
    let mut findings = Vec::new();
    let mut gaps = evidence::missing_passes(passes, context);
    let mut caveats = evidence::uncovered(passes, context);
    for pass in passes.iter().filter(|pass| pass.name != PassName::Check) {
        let case = Case::new(limits, pass, &context.integrity);
        let mut found = rules::measure(&case);
        let missing = evidence::gaps(&case, context);
        for gap in &missing {
            doubt(&mut found, gap);
        }
        caveats.extend(evidence::unjudged(&case));
        caveats.extend(close_calls(&found));
        findings.extend(found);
        gaps.extend(missing);
    }
    decide(findings, gaps, caveats)
}

/// What a gap takes the ground from cannot be held against the migration.
fn doubt(findings: &mut [Finding], gap: &Gap) {
    let failed = findings.iter_mut().filter(|finding| !finding.passed);
    for finding in failed.filter(|finding| gap.doubts.contains(&finding.rule.as_str())) {
        finding.doubt.get_or_insert_with(|| gap.sentence.clone());
    }
}

/// What another run may decide otherwise; nothing where a clear failure decides in any case.
fn close_calls(findings: &[Finding]) -> Vec<String> {
    if decisive(findings).any(|finding| !finding.is_close()) {
        return Vec::new();
    }
    let worst = worst_of_each_rule(findings).into_iter();
    worst
        .filter(|finding| finding.is_close())
        .map(close_call)
        .collect()
}

fn close_call(finding: &Finding) -> String {
    format!(
        "{} is within the noise of its limit ({} ± {}, limit {}): another run may decide otherwise",
        finding.rule,
        finding.unit.show(finding.measured),
        finding.unit.show(finding.noise.unwrap_or_default()),
        finding.unit.show(finding.limit)
    )
}

fn decide(findings: Vec<Finding>, gaps: Vec<Gap>, mut caveats: Vec<String>) -> Verdict {
    let mut missing: Vec<String> = gaps.into_iter().map(|gap| gap.sentence).collect();
    missing.extend(findings.iter().filter_map(|finding| finding.doubt.clone()));
    wording::keep_first(&mut missing);
    let (outcome, reasons) = if findings.iter().any(Finding::is_decisive) {
        caveats.splice(0..0, missing);
        (Outcome::Unsafe, failures(&findings))
    } else if missing.is_empty() {
        (Outcome::Safe, successes(&findings))
    } else {
        (Outcome::Inconclusive, missing)
    };
    Verdict {
        outcome,
        reasons,
        caveats,
        findings,
    }
}

/// That all went well, and how well for the two rules that outages are made of.
fn successes(findings: &[Finding]) -> Vec<String> {
    let told = worst_of_each_rule(findings)
        .into_iter()
        .filter(|finding| ["lock_wait", "p99_ratio"].contains(&finding.rule.as_str()));
    std::iter::once("every limit held".to_owned())
        .chain(told.map(|finding| told_of(findings, finding)))
        .collect()
}

/// One sentence for each rule that decided, about its worst finding in any pass.
fn failures(findings: &[Finding]) -> Vec<String> {
    let mut worst: Vec<&Finding> = Vec::new();
    for finding in worst_of_each_rule(decisive(findings)) {
        match worst.iter_mut().find(|kept| kept.rule == finding.rule) {
            Some(kept) if is_worse(finding, kept) => *kept = finding,
            Some(_) => {}
            None => worst.push(finding),
        }
    }
    worst
        .into_iter()
        .map(|worst| {
            let same = decisive(findings).filter(|finding| finding.rule == worst.rule);
            let told = told_of(findings, worst);
            match same.count() - 1 {
                0 => told,
                1 => format!("{told} (and one more finding of this rule)"),
                n => format!("{told} (and {n} more findings of this rule)"),
            }
        })
        .collect()
}

/// A finding's sentence, with its pass where there are several.
fn told_of(findings: &[Finding], finding: &Finding) -> String {
    match findings.iter().all(|other| other.pass == finding.pass) {
        true => finding.detail.clone(),
        false => format!("{}: {}", wording::pass(finding.pass), finding.detail),
    }
}

fn decisive(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(|finding| finding.is_decisive())
}

/// The worst finding of each rule and pass, failed ones before passed ones, in the rules' order.
pub fn worst_of_each_rule<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<&'a Finding> {
    let mut worst: Vec<&Finding> = Vec::new();
    for finding in findings {
        match worst.iter_mut().find(|kept| same_rule(kept, finding)) {
            Some(kept) if is_worse(finding, kept) => *kept = finding,
            Some(_) => {}
            None => worst.push(finding),
        }
    }
    worst.sort_by_key(|finding| rules::rank(&finding.rule));
    worst
}

fn is_worse(a: &Finding, b: &Finding) -> bool {
    match a.passed == b.passed {
        true => a.severity() > b.severity(),
        false => b.passed,
    }
}

fn same_rule(a: &Finding, b: &Finding) -> bool {
    a.rule == b.rule && a.pass == b.pass
}

//! The verdict: what the traffic of the passes suffered, held against the scenario's limits.
//!
//! A rule that failed on a sound baseline makes a migration unsafe. Evidence that cannot carry a
//! verdict makes it inconclusive, and never safe: a rehearsal that could have missed the harm has
//! shown nothing. So does a value within noise of its limit, which another run may find on the other side.

mod advice;
mod baseline;
mod case;
mod check;
mod compatibility;
mod demand;
mod evidence;
mod failure;
mod finding;
#[cfg(test)]
pub(crate) mod fixtures;
mod gap;
mod integrity;
mod interval;
mod latency;
pub mod load;
mod losses;
mod restarts;
mod reversal;
pub mod slowness;
mod tail;
#[cfg(test)]
mod tests;
mod tolerance;
mod undecided;
mod unsteady;
mod wave;

pub mod blame;
pub mod cause;
pub mod chain;
pub mod forecast;
pub mod rules;
pub mod wording;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use blame::{Blame, Waiter, blame};
pub use cause::Cause;
pub use chain::{Link, chain};
pub use check::{BrokenStatement, judge_check};
pub use compatibility::{Age, Compatibility, release_order};
pub use failure::failure;
pub use finding::{Finding, Unit, Window};
pub use reversal::not_as_before;
pub use tolerance::{Tolerance, tolerance};

use crate::observe::{Forecast, Pass};
use crate::scenario::plan::{Limits, Load, Outcome};
use crate::units::Rows;
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
    /// When the plan has requests come due.
    pub load: Load,
    /// How long the traffic ran before the baseline, from which the phases' times count.
    pub warmup: Duration,
    /// The filled tables.
    pub tables: Vec<TableSize>,
    /// Whether the scenario has disturbances: then a safe verdict needs a disturbed pass too.
    pub disturbances: bool,
    /// Whether a projection to production size was made.
    pub forecast_made: bool,
    /// The projection.
    pub forecasts: Vec<Forecast>,
    /// Whether the user stopped the rehearsal before its end.
    pub interrupted: bool,
    /// What the traffic lacks of production's, in a sentence.
    pub missing_traffic: Option<String>,
    /// What was asked for and could not be made, a sentence each: without it no verdict is safe.
    pub missing: Vec<String>,
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

/// Judges the passes in which traffic met the migration. A check has no load and is left to
/// [`judge_check`]; a load has no migration, and no verdict.
pub fn judge(limits: &Limits, passes: &[Pass], context: &Context) -> Verdict {
    let mut findings = Vec::new();
    let mut gaps = evidence::missing_passes(passes, context);
    let mut caveats = evidence::uncovered(context);
    caveats.extend(demand::waiting_clients(&context.load));
    let rehearsals = passes.iter().filter(|pass| pass.name.is_rehearsal());
    let cases: Vec<Case<'_>> = rehearsals.map(|pass| Case::new(limits, pass)).collect();
    for case in &cases {
        let mut found = rules::measure(case);
        let missing = evidence::gaps(case, context);
        for gap in &missing {
            doubt(&mut found, gap);
        }
        caveats.extend(integrity::caveats(case));
        caveats.extend(evidence::unjudged(case));
        caveats.extend(demand::uneven(case, context));
        findings.extend(found);
        gaps.extend(missing);
    }
    if limits.forecast {
        let outlook = forecast::outlook(limits, &cases, &context.forecasts);
        findings.extend(outlook.findings);
        gaps.extend(outlook.gaps);
        caveats.extend(outlook.caveats);
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

fn decide(findings: Vec<Finding>, gaps: Vec<Gap>, mut caveats: Vec<String>) -> Verdict {
    let mut missing: Vec<String> = gaps.into_iter().map(|gap| gap.sentence).collect();
    missing.extend(doubts(&findings));
    let undecided = undecided::sentences(&findings);
    wording::keep_first(&mut missing);
    let (outcome, reasons) = if findings.iter().any(Finding::is_decisive) {
        caveats.splice(0..0, missing);
        (Outcome::Unsafe, failures(&findings))
    } else if missing.is_empty() && undecided.is_empty() {
        (Outcome::Safe, successes(&findings))
    } else {
        missing.extend(undecided);
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
        match worst
            .iter_mut()
            .find(|kept| same_rule_in_any_pass(kept, finding))
        {
            Some(kept) if is_worse(finding, kept) => *kept = finding,
            Some(_) => {}
            None => worst.push(finding),
        }
    }
    worst
        .into_iter()
        .map(|worst| {
            let same = decisive(findings).filter(|finding| same_rule_in_any_pass(finding, worst));
            and_more(told_of(findings, worst), same.count() - 1)
        })
        .collect()
}

/// Why failures are not held against the migration, of each rule and pass that of the worst: twenty kinds of
/// transactions on a machine that was too busy are one thing to know.
fn doubts(findings: &[Finding]) -> Vec<String> {
    let doubted = findings.iter().filter(|finding| finding.doubt.is_some());
    let worst = worst_of_each_rule(doubted.clone()).into_iter();
    worst
        .filter_map(|worst| {
            let others = doubted.clone().filter(|other| same_rule(other, worst));
            let others = others.filter(|other| other.doubt != worst.doubt).count();
            Some(and_more(worst.doubt.clone()?, others))
        })
        .collect()
}

fn and_more(told: String, findings: usize) -> String {
    match findings {
        0 => told,
        1 => format!("{told} (and one more finding of this rule)"),
        n => format!("{told} (and {n} more findings of this rule)"),
    }
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
    same_rule_in_any_pass(a, b) && a.pass == b.pass
}

/// What was measured and what was foreseen are two things to know.
fn same_rule_in_any_pass(a: &Finding, b: &Finding) -> bool {
    let is_foreseen = |finding: &Finding| finding.window == Window::Forecast;
    a.rule == b.rule && is_foreseen(a) == is_foreseen(b)
}

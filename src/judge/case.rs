//! One pass, laid out for judging.

use crate::observe::{Integrity, Pass, Phase, PhaseName};
use crate::scenario::plan::Limits;

use super::blame::{Blame, NOTICEABLE, blame};
use super::tail::Sample;
use super::{Finding, Unit, Window};

/// One pass, laid out for judging.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) limits: &'a Limits,
    pub(super) pass: &'a Pass,
    pub(super) integrity: &'a Integrity,
    pub(super) baseline: Option<&'a Phase>,
    pub(super) migrating: Option<&'a Phase>,
    pub(super) recovery: Option<&'a Phase>,
    blame: Vec<Blame>,
}

impl<'a> Case<'a> {
    pub(super) fn new(limits: &'a Limits, pass: &'a Pass, integrity: &'a Integrity) -> Self {
        let phase = |name| pass.phases.iter().find(|phase| phase.name == name);
        Self {
            limits,
            pass,
            integrity,
            baseline: phase(PhaseName::Baseline),
            migrating: phase(PhaseName::Migration),
            recovery: phase(PhaseName::Recovery),
            blame: blame(pass),
        }
    }

    /// The windows that the traffic is judged in, as far as they were measured.
    pub(super) fn windows(&self) -> impl Iterator<Item = (Window, &'a Phase)> + use<'a> {
        let windows = [
            (Window::Migration, self.migrating),
            (Window::Recovery, self.recovery),
        ];
        windows
            .into_iter()
            .filter_map(|(window, phase)| Some((window, phase?)))
    }

    /// What the traffic is judged by: all of it, and each kind where there are several.
    pub(super) fn kinds(&self) -> Vec<Option<&'a str>> {
        let kinds = self
            .baseline
            .map_or(&[][..], |phase| &phase.transactions[..]);
        let several = kinds.iter().filter(|_| kinds.len() > 1);
        std::iter::once(None)
            .chain(several.map(|kind| Some(kind.name.as_str())))
            .collect()
    }

    /// A finding about the migration window, `measured` against its limit.
    pub(super) fn finding(&self, rule: &str, unit: Unit, (measured, limit): (f64, f64)) -> Finding {
        Finding {
            rule: rule.to_owned(),
            pass: self.pass.name,
            passed: measured <= limit,
            measured,
            limit,
            unit,
            window: Window::Migration,
            transaction: None,
            statement: None,
            relation: None,
            detail: String::new(),
            help: None,
            noise: None,
            doubt: None,
        }
    }

    /// Blames the statement that most of the waiting is owed to, where anybody waited noticeably: a
    /// few milliseconds behind one statement do not explain what another did by its reading and
    /// writing.
    pub(super) fn blame_most_waiting(&self, finding: &mut Finding) {
        let noticed = self.blame.first().filter(|most| most.longest >= NOTICEABLE);
        if let Some(most) = noticed.filter(|_| !finding.passed) {
            self.blame(finding, most.statement);
            finding.relation = most.relation.clone();
        }
    }

    /// Blames a statement for a failed finding, and gives the advice of its own hazards, else of the
    /// statement that ran for most of the time under its lock.
    pub(super) fn blame(&self, finding: &mut Finding, statement: Option<usize>) {
        if finding.passed {
            return;
        }
        finding.statement = statement;
        finding.help = statement.and_then(|index| {
            let spent_in = || {
                self.blame
                    .iter()
                    .find(|blame| blame.statement == statement)?
                    .spent_in
            };
            self.rewrite(index).or_else(|| self.rewrite(spent_in()?))
        });
    }

    fn rewrite(&self, index: usize) -> Option<String> {
        let migration = self.pass.migration.as_ref()?;
        migration
            .statements
            .iter()
            .filter(|statement| statement.index == index)
            .flat_map(|statement| &statement.hazards)
            .find_map(|hazard| hazard.rewrite.clone())
    }
}

/// The sample of one kind of transaction in a phase that may not have been measured.
pub(super) fn sample<'a>(phase: Option<&'a Phase>, kind: Option<&str>) -> Option<Sample<'a>> {
    Sample::of(phase?, kind)
}

//! One pass, laid out for judging.

use crate::observe::{Integrity, NextTransaction, Pass, Phase, PhaseName};
use crate::scenario::plan::Limits;

use super::advice::Culprit;
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
    pub(super) fn new(limits: &'a Limits, pass: &'a Pass) -> Self {
        let phase = |name| pass.phases.iter().find(|phase| phase.name == name);
        Self {
            limits,
            pass,
            integrity: &pass.integrity,
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

    /// What a kind is compared with. One that only the next release sends is compared with the kind that
    /// it replaces, else with all requests: it had no baseline of its own.
    pub(super) fn usual(&self, kind: Option<&str>) -> Option<Sample<'a>> {
        sample(self.baseline, self.usual_kind(kind))
    }

    /// The kind of the baseline's that a kind is compared with; none: all of them.
    pub(super) fn usual_kind<'k>(&self, kind: Option<&'k str>) -> Option<&'k str>
    where
        'a: 'k,
    {
        match self.next(kind) {
            Some(next) => next.replaces.as_deref(),
            None => kind,
        }
    }

    /// The limit on a p99, in seconds, where it is `usual` in the baseline.
    pub(super) fn p99_limit(&self, usual: f64) -> f64 {
        (self.limits.p99_ratio * usual).max(self.limits.p99_floor.as_secs_f64())
    }

    /// Whether a kind is the next release's, and which one it replaces.
    pub(super) fn next(&self, kind: Option<&str>) -> Option<&'a NextTransaction> {
        let kind = kind?;
        self.pass.next.iter().find(|next| next.name == kind)
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
            low: None,
            high: None,
            undecided: false,
            doubt: None,
        }
    }

    /// What the migration did to the traffic, lock by lock, the most waiting first.
    pub(super) fn blames(&self) -> &[Blame] {
        &self.blame
    }

    /// Blames the statement that most of the waiting is owed to, where anybody waited noticeably: a
    /// few milliseconds behind one statement do not explain what another did by its reading and
    /// writing. Else the first that was in a deadlock with the traffic.
    pub(super) fn blame_most_waiting(&self, finding: &mut Finding) {
        let noticed = self.blame.first().filter(|most| most.longest >= NOTICEABLE);
        if let Some(most) = noticed.filter(|_| !finding.passed) {
            self.blame(finding, most.statement);
            finding.relation = most.relation.clone();
            return;
        }
        let mut deadlocks = self.pass.locks.deadlocks.iter();
        if let Some(deadlock) = deadlocks.find(|deadlock| deadlock.involves_migration()) {
            self.blame(finding, deadlock.statement);
        }
    }

    /// Blames a statement for a failed finding, and gives the advice against it.
    pub(super) fn blame(&self, finding: &mut Finding, statement: Option<usize>) {
        if finding.passed {
            return;
        }
        finding.statement = statement;
        let culprit = statement.and_then(|index| Culprit::of(self.pass, &self.blame, index));
        finding.help = culprit.and_then(|culprit| culprit.advice(finding, self.limits.lock_wait));
    }
}

/// The sample of one kind of transaction in a phase that may not have been measured.
pub(super) fn sample<'a>(phase: Option<&'a Phase>, kind: Option<&str>) -> Option<Sample<'a>> {
    Sample::of(phase?, kind)
}

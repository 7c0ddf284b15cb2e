//! What the forecast means for the traffic: the limits, held against the projection.

use std::cmp::Ordering;

use crate::judge::case::Case;
use crate::judge::gap::Gap;
use crate::judge::rules::RULES;
use crate::judge::wording::place;
use crate::judge::{Finding, Unit, Window};
use crate::observe::{Forecast, Interval, LockMode, Migration, Pass, Quantity};
use crate::scenario::plan::Limits;
use crate::units::Span;

/// What a forecast adds to a verdict.
#[derive(Debug, Default)]
pub(in crate::judge) struct Outlook {
    /// The limits that a forecast can be held against.
    pub(in crate::judge) findings: Vec<Finding>,
    /// What it leaves open and could hurt.
    pub(in crate::judge) gaps: Vec<Gap>,
    /// What it leaves open and hurts nobody.
    pub(in crate::judge) caveats: Vec<String>,
}

/// Holds the limits against the projection. A limit is broken where the whole interval is above it, kept where the
/// whole interval is below, and else undecided.
pub(in crate::judge) fn outlook(
    limits: &Limits,
    cases: &[Case<'_>],
    forecasts: &[Forecast],
) -> Outlook {
    let mut outlook = Outlook::default();
    let mut cases = cases
        .iter()
        .filter(|case| case.pass.name.is_of_the_migration());
    let passes: Vec<&Pass> = cases.clone().map(|case| case.pass).collect();
    let Some(case) = cases.find(|case| case.pass.migration.is_some()) else {
        return outlook;
    };
    let Some(migration) = case.pass.migration.as_ref() else {
        return outlook;
    };
    let bench = Bench {
        case,
        limits,
        migration,
        passes: &passes,
    };
    bench.locks(forecasts, &mut outlook);
    bench.time(forecasts, &mut outlook);
    outlook
}

struct Bench<'a> {
    /// The pass whose name the findings carry: the first.
    case: &'a Case<'a>,
    limits: &'a Limits,
    migration: &'a Migration,
    passes: &'a [&'a Pass],
}

impl Bench<'_> {
    /// One finding for each statement whose lock is held too long or may be; where there is none, one for the
    /// longest hold of all.
    fn locks(&self, forecasts: &[Forecast], outlook: &mut Outlook) {
        let mut worst: Vec<(&Forecast, Interval)> = Vec::new();
        let limit = self.limits.lock_wait.as_secs_f64();
        let hurting = forecasts
            .iter()
            .filter(|forecast| forecast.quantity == Quantity::LockHeld)
            .filter(|forecast| self.hurts(forecast, forecasts));
        for forecast in hurting {
            let Some(interval) = forecast.interval() else {
                let open = self.unforeseen(forecast);
                outlook.leave_open(
                    open,
                    forecast.bounds().is_some_and(|(_, high)| high <= limit),
                );
                continue;
            };
            let same = worst
                .iter_mut()
                .find(|(kept, _)| kept.statement == forecast.statement);
            match same {
                Some(kept) if weightier(interval, kept.1, limit).is_lt() => {
                    *kept = (forecast, interval);
                }
                Some(_) => {}
                None => worst.push((forecast, interval)),
            }
        }
        worst.sort_by(|a, b| weightier(a.1, b.1, limit));
        let over = worst.iter().filter(|(_, hold)| hold.high > limit).count();
        worst.truncate(over.max(1));
        for (forecast, interval) in worst {
            let what = format!("{} would hold {}", self.place(forecast), lock(forecast));
            let mut finding = self.held_against("lock_wait", (&what, limit), interval);
            finding.relation = forecast.relation.clone();
            self.case.blame(&mut finding, Some(forecast.statement));
            finding.statement = Some(forecast.statement);
            outlook.add(finding, interval);
        }
    }

    fn time(&self, forecasts: &[Forecast], outlook: &mut Outlook) {
        let limit = self.limits.migration_time.as_secs_f64();
        let durations = forecasts
            .iter()
            .filter(|forecast| forecast.quantity == Quantity::Duration);
        let Some(total) = super::total(forecasts) else {
            let most = durations.clone().map(|one| Some(one.bounds()?.1));
            let is_kept = most.sum::<Option<f64>>().is_some_and(|most| most <= limit);
            for forecast in durations {
                outlook.leave_open(self.unforeseen(forecast), is_kept);
            }
            return;
        };
        let mut finding =
            self.held_against("migration_time", ("the migration would take", limit), total);
        let slowest = durations.max_by(|a, b| {
            let time = |forecast: &Forecast| forecast.predicted.unwrap_or_default();
            time(a).total_cmp(&time(b))
        });
        self.case
            .blame(&mut finding, slowest.map(|slowest| slowest.statement));
        outlook.add(finding, total);
    }

    /// Whether the lock keeps out what the traffic does with the table.
    fn hurts(&self, forecast: &Forecast, all: &[Forecast]) -> bool {
        let (Some(relation), Some(mode)) = (&forecast.relation, &forecast.mode) else {
            return false;
        };
        let Ok(mode) = mode.parse::<LockMode>() else {
            return false;
        };
        if mode == LockMode::RowExclusive {
            // Such a lock is forecast only where somebody was seen waiting for its rows.
            return true;
        }
        let beside = all
            .iter()
            .filter(|other| other.statement == forecast.statement)
            .filter_map(|other| other.relation.as_deref());
        let beside: Vec<&str> = beside.collect();
        let (reads, writes) = self.uses(relation, &beside);
        reads && mode.conflicts_with(LockMode::AccessShare)
            || writes && mode.conflicts_with(LockMode::RowExclusive)
    }

    /// Whether the traffic reads a relation, and whether it writes it. Of what has no counters (an index, a
    /// partitioned table, a view) it is taken to do both, unless all that is known of the tables locked `beside` it
    /// is that nobody uses them.
    fn uses(&self, relation: &str, beside: &[&str]) -> (bool, bool) {
        let any = |pick: fn(&Pass) -> &[String], name: &str| {
            let mut passes = self.passes.iter();
            passes.any(|pass| pick(pass).iter().any(|table| table == name))
        };
        let used = |name: &str| any(|pass| &pass.usage.used, name);
        let idle = |name: &str| any(|pass| &pass.usage.idle, name);
        if used(relation) {
            return (true, any(|pass| &pass.usage.written, relation));
        }
        let unknown = !idle(relation);
        let idle_beside =
            beside.iter().any(|name| idle(name)) && !beside.iter().any(|name| used(name));
        let used = unknown && !idle_beside;
        (used, used)
    }

    fn held_against(&self, rule: &str, (what, limit): (&str, f64), value: Interval) -> Finding {
        let amounts = (value.predicted, limit);
        let mut finding = self.case.finding(rule, Unit::Seconds, amounts);
        let show = |seconds: f64| Span::from_seconds(seconds);
        finding.window = Window::Forecast;
        let for_ = if rule == "lock_wait" { "for " } else { "" };
        finding.detail = format!(
            "at production size {what} {for_}{} ({} to {}); the limit is {}",
            show(value.predicted),
            show(value.low),
            show(value.high),
            show(limit)
        );
        let rule = RULES.iter().find(|known| known.name == rule);
        finding.help = rule
            .filter(|_| !finding.passed)
            .map(|rule| rule.help.to_owned());
        finding
    }

    /// That something cannot be told of production, and why; none where it can.
    fn unforeseen(&self, forecast: &Forecast) -> Option<String> {
        let why = forecast.refused.as_deref()?;
        let place = self.place(forecast);
        let what = match forecast.quantity {
            Quantity::LockHeld => format!("{place} would hold {}", lock(forecast)),
            Quantity::Duration | Quantity::WalBytes => format!("{place} takes"),
        };
        Some(format!(
            "how long {what} at production size cannot be told: {why}"
        ))
    }

    fn place(&self, forecast: &Forecast) -> String {
        place(self.migration, forecast.statement)
    }
}

impl Outlook {
    /// What cannot be foreseen leaves the verdict open, unless the limit `is_kept` whatever it is.
    fn leave_open(&mut self, sentence: Option<String>, is_kept: bool) {
        match is_kept {
            true => self.caveats.extend(sentence),
            false => self.gaps.extend(sentence.map(Gap::thin)),
        }
    }

    /// A limit within the interval is neither kept nor broken.
    fn add(&mut self, mut finding: Finding, value: Interval) {
        if value.low <= finding.limit && finding.limit < value.high {
            let open = format!(
                "{}, and whether that is kept cannot be told: rehearse with more rows, or set a clearer limit",
                finding.detail
            );
            match finding.passed {
                true => self.gaps.push(Gap::thin(open)),
                false => finding.doubt = Some(open),
            }
        }
        self.findings.push(finding);
    }
}

/// The order of holds: those that may be above the limit before all that are surely below it, else the longer one
/// first.
fn weightier(a: Interval, b: Interval, limit: f64) -> Ordering {
    let may_break = |hold: Interval| hold.high > limit;
    let open_first = may_break(b).cmp(&may_break(a));
    open_first.then(b.predicted.total_cmp(&a.predicted))
}

/// A lock, for people.
fn lock(forecast: &Forecast) -> String {
    let (mode, relation) = (forecast.mode.as_deref(), forecast.relation.as_deref());
    let rows = LockMode::RowExclusive.to_string();
    let mode = match mode {
        Some(mode) if mode == rows => "row locks",
        Some(mode) => mode,
        None => "a lock",
    };
    format!("{mode} on {}", relation.unwrap_or("a table"))
}

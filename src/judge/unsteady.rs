//! How much more shares of requests differ from run to run than those of independent requests would.
//!
//! Requests of one second suffer together: a checkpoint, a vacuum or a busy neighbour slows all of them
//! down. Shares are therefore compared with as many requests as independent ones would tell as much
//! (Kish's design effect), and that is found by the moving-block bootstrap over seconds. A share is a mean,
//! and of a mean the bootstrap's variance is known in closed form (Künsch, The jackknife and the bootstrap
//! for general stationary observations, Annals of Statistics 17, 1989, theorem 3.1), so that nothing is
//! drawn at random: the same report gives the same verdict. A percentile's interval follows from that of the
//! share beyond it (Woodruff, Confidence intervals for medians and other position measures, JASA 47, 1952).
//!
//! What the migration does is no such chance. Seconds in which somebody waits behind it, and those that work
//! off what it has held up, would come again in every run: between them nothing is drawn, and what they have
//! in common is not noise but the finding.

use std::time::Duration;

use crate::observe::{Phase, Second, Spread};

use super::blame::NOTICEABLE;
use super::case::Case;

/// Fewer seconds than these say too little of how seconds differ.
const FEWEST_SECONDS: usize = 8;

/// Which requests of a second are counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Counted {
    /// Those that took longer than so many seconds.
    Slower(f64),
    /// Those that were lost.
    Lost,
}

/// A second's requests, and how many of them are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Portion {
    total: f64,
    counted: f64,
}

/// The effect in the baseline, at least 1: its seconds differ by nothing but chance.
pub(super) fn of_baseline(case: &Case<'_>, kind: Option<&str>, counted: Counted) -> f64 {
    let Some(baseline) = case.baseline else {
        return 1.0;
    };
    let within = |second: &&Second| {
        second.t >= baseline.start.as_secs_f64() && second.t + 1.0 <= baseline.end.as_secs_f64()
    };
    let kind = case.usual_kind(kind);
    let seconds = case.pass.series.iter().filter(within);
    let mut portions: Vec<Portion> = seconds
        .filter_map(|second| portion(second, kind, counted))
        .collect();
    // What was due last may have met the migration.
    portions.pop();
    effect(&portions)
}

/// The effect in judged phases, at least that of the baseline: their seconds may differ by chance as those of
/// the baseline do, and those that the migration did not hold up by what they show themselves.
pub(super) fn of_window(
    case: &Case<'_>,
    kind: Option<&str>,
    (phases, counted, baseline): (&[&Phase], Counted, f64),
) -> f64 {
    let within = |second: &Second| {
        let middle = Duration::from_secs_f64((second.t + 0.5).max(0.0));
        phases
            .iter()
            .any(|phase| (phase.start..phase.end).contains(&middle))
    };
    let seconds = case.pass.series.iter().zip(held_up(case));
    let (mut all, mut free) = (Portion::default(), Vec::new());
    for (second, held) in seconds.filter(|(second, _)| within(second)) {
        let Some(portion) = portion(second, kind, counted) else {
            continue;
        };
        all.add(&portion);
        free.extend((!held).then_some(portion));
    }
    let own = effect(&free);
    let mut unheld = Portion::default();
    free.iter().for_each(|portion| unheld.add(portion));
    match all.variance() > 0.0 {
        true => baseline + (own - baseline).max(0.0) * unheld.variance() / all.variance(),
        false => baseline,
    }
}

/// Of each second of the series, whether its traffic was held up by the migration: somebody waited behind
/// it, an instance was away, or requests still pay for the second before.
fn held_up(case: &Case<'_>) -> Vec<bool> {
    let pass = case.pass;
    let started = pass.migration.as_ref().map(|migration| migration.start);
    let owed = pass.locks.waits.iter();
    let spans: Vec<(f64, f64)> = owed
        .filter(|wait| wait.is_owed_to_migration() && wait.length >= NOTICEABLE)
        .map(|wait| (wait.start, wait.start + wait.length.as_secs_f64()))
        .collect();
    let instances = pass.series.iter().filter_map(|second| second.up).max();
    let slow = case
        .baseline
        .and_then(|phase| phase.latency)
        .map_or(f64::INFINITY, |usual| case.p99_limit(usual.p99));
    let mut held = false;
    let seconds = pass.series.iter().map(|second| {
        let waited = spans
            .iter()
            .any(|(from, to)| *from < second.t + 1.0 && *to > second.t);
        let short = second.up.is_some() && second.up < instances;
        let after = started.is_some_and(|at| second.t + 1.0 > at.as_secs_f64());
        let pays = held && second.p99.is_none_or(|p99| p99 > slow);
        held = waited || after && (short || pays);
        held
    });
    seconds.collect()
}

/// None where the second says nothing of the kind, or its latencies were not kept.
fn portion(second: &Second, kind: Option<&str>, counted: Counted) -> Option<Portion> {
    let (rate, errors, latencies): (f64, u64, &Spread) = match kind {
        None => (second.rate, second.errors, &second.latencies),
        Some(name) => {
            let found = second.transactions.iter().find(|kind| kind.name == name)?;
            (found.rate, found.errors, &found.latencies)
        }
    };
    match counted {
        Counted::Slower(threshold) => (!latencies.is_empty()).then(|| Portion {
            total: latencies.count(),
            counted: latencies.above(Duration::from_secs_f64(threshold.max(0.0))),
        }),
        Counted::Lost => Some(Portion {
            total: rate + errors as f64,
            counted: errors as f64,
        }),
    }
}

impl Portion {
    fn add(&mut self, other: &Self) {
        self.total += other.total;
        self.counted += other.counted;
    }

    /// Of the counted requests, were all independent of each other.
    fn variance(&self) -> f64 {
        match self.total > 0.0 {
            true => self.counted * (1.0 - self.counted / self.total),
            false => 0.0,
        }
    }
}

/// How many times the variance of the counted share is that of independent requests, at least 1.
///
/// Seconds hold different numbers of requests, so that what is averaged over blocks is what a second has
/// beyond the common share of its requests. The blocks' length grows with the cube root of the series', which
/// is best for a variance (Hall, Horowitz and Jing, On blocking rules for the bootstrap with dependent data,
/// Biometrika 82, 1995).
fn effect(seconds: &[Portion]) -> f64 {
    let mut all = Portion::default();
    seconds.iter().for_each(|second| all.add(second));
    let independent = all.variance();
    if seconds.len() < FEWEST_SECONDS || independent <= 0.0 {
        return 1.0;
    }
    let share = all.counted / all.total;
    let beyond: Vec<f64> = seconds
        .iter()
        .map(|second| second.counted - share * second.total)
        .collect();
    let length = (seconds.len() as f64).cbrt().round() as usize;
    let means = beyond
        .windows(length)
        .map(|block| block.iter().sum::<f64>() / length as f64);
    let squares: f64 = means.map(|mean| mean * mean).sum();
    let (n, b) = (seconds.len() as f64, length as f64);
    // Over n - b blocks instead of n, since the seconds' common share is one of themselves (Meketon and
    // Schmeiser, Overlapping batch means, Winter Simulation Conference, 1984).
    let variance = n * n * b / ((n - b + 1.0) * (n - b)) * squares;
    (variance / independent).max(1.0)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// The mean effect over many series of so many seconds whose share is drawn anew every `together` seconds.
    fn mean_effect(seconds: usize, together: usize, spread: f64) -> f64 {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let runs = 200;
        let effects = (0..runs).map(|_| {
            let mut share = 0.05;
            let portions: Vec<Portion> = (0..seconds)
                .map(|second| {
                    if second % together == 0 {
                        share = 0.05 * (1.0 + spread * (random.random::<f64>() - 0.5));
                    }
                    let slow = (0..200).filter(|_| random.random::<f64>() < share).count();
                    Portion {
                        total: 200.0,
                        counted: slow as f64,
                    }
                })
                .collect();
            effect(&portions)
        });
        effects.sum::<f64>() / f64::from(runs)
    }

    #[test]
    fn independent_requests_count_in_full_and_what_hangs_together_does_not() {
        let independent = mean_effect(60, 1, 0.0);
        assert!((1.0..1.5).contains(&independent), "{independent}");
        // A share that differs between seconds: 1 + 200 × 0.05² × 2²/12 / (0.05 × 0.95) = 4.5 times.
        let single = mean_effect(60, 1, 2.0);
        assert!((3.0..6.0).contains(&single), "{single}");
        // The same share for three seconds: three times that, of which blocks of four seconds see most.
        let joined = mean_effect(60, 3, 2.0);
        assert!(joined > 1.5 * single, "{joined} {single}");
    }

    #[test]
    fn few_seconds_and_shares_of_nothing_or_all_tell_nothing() {
        let portion = |counted| Portion {
            total: 100.0,
            counted,
        };
        assert_eq!(effect(&[]), 1.0);
        assert_eq!(effect(&[portion(90.0), portion(0.0)]), 1.0);
        assert_eq!(effect(&[portion(0.0); 20]), 1.0);
        assert_eq!(effect(&[portion(100.0); 20]), 1.0);
    }
}

//! The same scenario run again and again: simulated passes whose true value is so many times its limit.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Exp, Normal};

use super::*;
use crate::observe::{Ended, Fate, Recording};

/// Runs of one scenario, as the demand on a verdict has it: twenty times the same.
const RUNS: u64 = 20;

/// Multiples of a limit that are too near to it for every run to be decided.
const NEAR: [f64; 4] = [0.85, 0.95, 1.0, 1.1];

const WARMUP: f64 = 3.0;

/// A machine and its traffic: how the latencies of a phase are, as multiples of the baseline's.
#[derive(Clone, Copy)]
struct World {
    /// Requests a second.
    rate: f64,
    /// How long each phase is, in seconds.
    length: f64,
    /// The p99 of the baseline, in seconds.
    p99: f64,
    /// How many times slower all requests are while migrating.
    slower: f64,
    /// The share of requests that is lost while migrating.
    lost: f64,
    /// The standard deviation of a second's level of latency, as a part of it: the machine's own unsteadiness.
    unsteady: f64,
}

const STEADY: World = World {
    rate: 400.0,
    length: 10.0,
    p99: 0.008,
    slower: 1.0,
    lost: 0.0,
    unsteady: 0.1,
};

impl World {
    /// Where the phases begin and end, since the baseline's beginning.
    fn phases(&self) -> [(PhaseName, f64, f64); 3] {
        let names = [
            PhaseName::Baseline,
            PhaseName::Migration,
            PhaseName::Recovery,
        ];
        let mut start = -self.length;
        names.map(|name| {
            start += self.length;
            (name, start, start + self.length)
        })
    }
}

/// Traffic of log-normal latencies, whose level drifts from second to second.
fn simulated(world: &World, seed: u64) -> Pass {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let names = [RECORD.to_owned(), CHART.to_owned()];
    let mut recording = Recording::new(names.len());
    // Half a magnitude between the median and the p99, as a busy server has it.
    let sigma = 1.0;
    let median = world.p99 / f64::exp(2.326 * sigma);
    let gaps = Exp::new(world.rate).unwrap();
    let normal = Normal::new(0.0, 1.0).unwrap();
    let (mut at, mut second, mut level) = (gaps.sample(&mut random), -1.0, 0.0);
    let phases = world.phases();
    while at < 3.0 * world.length {
        if at.floor() > second {
            second = at.floor();
            level = 0.5 * level + world.unsteady * normal.sample(&mut random);
        }
        let phase = phases
            .iter()
            .find(|(_, start, end)| (*start..*end).contains(&at));
        let phase = phase.map_or(PhaseName::Recovery, |(name, _, _)| *name);
        let migrating = phase == PhaseName::Migration;
        let factor = if migrating { world.slower } else { 1.0 };
        let latency = median * factor * f64::exp(level + sigma * normal.sample(&mut random));
        let kind = usize::from(random.random::<f64>() < 0.3);
        let due = recording.scheduled(kind, phase, secs(WARMUP + at));
        let lost = migrating && random.random::<f64>() < world.lost;
        let ended = Ended {
            lag: secs(0.000_1),
            at: secs(WARMUP + at + latency),
            fate: match lost {
                true => Fate::Failed("40P01".to_owned()),
                false => Fate::Completed,
            },
            retries: 0,
        };
        recording.ended(due, ended);
        at += gaps.sample(&mut random);
    }
    let mut pass = healthy();
    pass.phases = phases
        .map(|(name, start, end)| recording.phase(name, &names, secs(start), secs(end)))
        .into();
    pass.series = recording.series(&names, secs(WARMUP), secs(WARMUP + 3.0 * world.length));
    let migration = pass.migration.as_mut().unwrap();
    (migration.start, migration.end) = (secs(world.length), secs(2.0 * world.length));
    pass
}

fn at_rate(rate: f64) -> Context {
    Context {
        load: crate::scenario::plan::Load::steady(rate, crate::scenario::plan::Arrivals::Poisson),
        ..context()
    }
}

/// The outcomes of so many runs, and how often each came.
fn outcomes(limits: &Limits, rate: f64, run: impl Fn(u64) -> Pass) -> (usize, usize, usize) {
    let (mut safe, mut broken, mut open) = (0, 0, 0);
    for seed in 0..RUNS {
        let verdict = judge(limits, &[run(seed)], &at_rate(rate));
        match verdict.outcome {
            Outcome::Safe => safe += 1,
            Outcome::Unsafe => broken += 1,
            Outcome::Inconclusive => open += 1,
        }
    }
    (safe, broken, open)
}

/// What must hold of a rule whose true value is `k` times its limit: the same outcome in every run where it
/// is clear, and never both where it is not.
fn holds_steady(
    rule: &str,
    (limits, rate): (&Limits, f64),
    near: &[f64],
    run: impl Fn(f64, u64) -> Pass,
) {
    let runs = RUNS as usize;
    let got = outcomes(limits, rate, |seed| run(0.5, seed));
    assert_eq!(got, (runs, 0, 0), "{rule} at half its limit");
    let got = outcomes(limits, rate, |seed| run(2.0, seed));
    assert_eq!(got, (0, runs, 0), "{rule} at twice its limit");
    for &k in near {
        let (safe, broken, open) = outcomes(limits, rate, |seed| run(k, seed));
        let one_of_both = safe == 0 || broken == 0;
        assert!(
            one_of_both,
            "{rule} at {k}: {safe} safe and {broken} unsafe"
        );
        if k == 1.0 {
            assert!(open > runs / 2, "{rule} at its limit: {open} of {runs}");
        }
    }
}

#[test]
fn a_p99_against_the_floor_is_steady() {
    holds_steady(
        "p99_ratio",
        (&Limits::default(), 400.0),
        &NEAR,
        |k, seed| {
            let world = World {
                slower: k * 0.1 / STEADY.p99,
                ..STEADY
            };
            simulated(&world, seed)
        },
    );
}

#[test]
fn a_p99_against_the_baselines_is_steady() {
    let limits = Limits {
        p99_floor: Duration::from_millis(1),
        ..Limits::default()
    };
    holds_steady("p99_ratio", (&limits, 600.0), &[1.0], |k, seed| {
        let world = World {
            rate: 600.0,
            length: 20.0,
            slower: k * limits.p99_ratio,
            ..STEADY
        };
        simulated(&world, seed)
    });
}

#[test]
fn a_share_of_lost_requests_is_steady() {
    let limits = Limits {
        error_rate: 0.01,
        ..Limits::default()
    };
    holds_steady("error_rate", (&limits, 1_000.0), &[1.0], |k, seed| {
        let world = World {
            rate: 1_000.0,
            lost: k * limits.error_rate,
            ..STEADY
        };
        simulated(&world, seed)
    });
}

/// A length as one run measures it: three per cent off, as repeated runs of one migration are that
/// lie 7 % around their middle.
fn measured(length: f64, seed: u64) -> Duration {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    secs(length * (1.0 + Normal::new(0.0, 0.03).unwrap().sample(&mut random)))
}

#[test]
fn the_longest_wait_is_steady() {
    holds_steady(
        "lock_wait",
        (&Limits::default(), 400.0),
        &NEAR,
        |k, seed| {
            let mut pass = healthy();
            pass.locks.waits[0].length = measured(k * 2.0, seed);
            pass
        },
    );
}

#[test]
fn the_longest_time_without_success_is_steady() {
    holds_steady(
        "unavailable",
        (&Limits::default(), 400.0),
        &NEAR,
        |k, seed| {
            let mut pass = healthy();
            pass.impact.unavailable = measured(k * 2.0, seed);
            pass.impact.unavailable_transaction = Some(RECORD.to_owned());
            pass
        },
    );
}

#[test]
fn an_unsteady_machine_makes_less_certain_and_not_another_verdict() {
    let world = World {
        slower: 1.5 * 0.1 / STEADY.p99,
        ..STEADY
    };
    let effect = |unsteady| {
        let pass = simulated(&World { unsteady, ..world }, 5);
        let verdict = judge(&Limits::default(), &[pass], &at_rate(400.0));
        let finding = verdict.findings.iter().find(|one| {
            one.rule == "p99_ratio" && one.transaction.is_none() && one.window == Window::Migration
        });
        let finding = finding.unwrap().clone();
        finding.high.unwrap() / finding.low.unwrap()
    };
    let (steady, unsteady) = (effect(0.0), effect(0.6));
    assert!(unsteady > 1.3 * steady, "{steady} and {unsteady}");
}

/// One lock that holds everybody up for a moment is the migration's doing and no chance, although most
/// seconds know nothing of it.
#[test]
fn a_single_stall_is_not_taken_for_noise() {
    let stalled = |waits: bool| {
        let mut pass = simulated(&STEADY, 3);
        // One and a half of ten seconds' requests wait for up to as long.
        let world = World {
            slower: 60.0,
            ..STEADY
        };
        let slow = simulated(&world, 3);
        for (second, slow) in pass.series.iter_mut().zip(slow.series) {
            if (11.0..13.0).contains(&second.t) {
                *second = slow;
            }
        }
        pass.locks = locks(match waits {
            true => vec![wait(RECORD, 11.2, 0.9), wait(CHART, 12.1, 0.8)],
            false => Vec::new(),
        });
        let case_limits = Limits::default();
        let case = case::Case::new(&case_limits, &pass);
        let counted = unsteady::Counted::Slower(0.1);
        unsteady::of_window(&case, None, (&[&pass.phases[1]], counted, 1.0))
    };
    assert_eq!(stalled(true), 1.0);
    assert!(stalled(false) > 3.0);
}

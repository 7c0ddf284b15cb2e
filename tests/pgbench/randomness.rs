//! Random functions: the same draws for the same seed, and the same distributions for others.

use pgrehearse::pgbench::{Definitions, Run, Script, Step};

use super::client::Protocol;
use super::support::server;
use super::tool::{Address, NoKeys, client_seed, debugged, major, run_text};

/// What is drawn from, with ranges that a test can count: 1 to 20.
const DISTRIBUTIONS: [&str; 8] = [
    "random(1, 20)",
    "random_exponential(1, 20, 0.5)",
    "random_exponential(1, 20, 5.0)",
    "random_gaussian(1, 20, 2.0)",
    "random_gaussian(1, 20, 4.5)",
    "random_zipfian(1, 20, 1.01)",
    "random_zipfian(1, 20, 1.5)",
    "1 + permute(random(0, 19), 20, random(1, 1000))",
];

/// Ranges and parameters at their ends.
const EXTREMES: [&str; 10] = [
    "random(-9223372036854775807, -1)",
    "random(0, 9223372036854775806)",
    "random(-5, 5)",
    "random_exponential(0, 9223372036854775806, 0.001)",
    "random_exponential(1, 1000000, 700)",
    "random_gaussian(0, 9223372036854775806, 30)",
    "random_gaussian(-1000000, 1000000, 2.0)",
    "random_zipfian(1, 1000000000, 1.001)",
    "random_zipfian(-5, 1000000, 2)",
    "random_zipfian(1, 1000, 1000)",
];

/// The draws of `rounds` runs of a script that draws once from each.
fn ours(distributions: &[&str], seeds: impl Iterator<Item = u64>, times: usize) -> Vec<String> {
    let text = format!("{}SELECT :v", script(distributions, times));
    // Every draw is sent, not only the last.
    let text = text.replace("\n\\set v debug(:v)\n", "\nSELECT :v;\n");
    let script = Script::parse("draws.sql", &text).unwrap();
    let program = Protocol::Prepared
        .bind(&script, &Definitions::default())
        .unwrap();
    let last = program.statements().len() - 1;
    let mut draws = Vec::new();
    for seed in seeds {
        let mut run = Run::new(program.clone(), seed, 0);
        while let Step::Sql {
            statement,
            parameters,
        } = run.step(&NoKeys).unwrap()
        {
            if statement < last {
                draws.extend(parameters.into_iter().flatten());
            }
        }
    }
    draws
}

fn script(distributions: &[&str], times: usize) -> String {
    let draw = |distribution: &&str| format!("\\set v {distribution}\n\\set v debug(:v)\n");
    let once: String = distributions.iter().map(draw).collect();
    once.repeat(times)
}

/// What `debug` says of integers, without the type.
fn integers(printed: &str) -> Vec<String> {
    let value = |value: String| value.strip_prefix("int ").unwrap().to_owned();
    debugged(printed).into_iter().map(value).collect()
}

#[tokio::test]
async fn the_same_seed_gives_the_same_draws() {
    let server = server().await;
    let address = Address::of(&server.config());
    let all: Vec<_> = DISTRIBUTIONS.into_iter().chain(EXTREMES).collect();
    // Before 15, pgbench had another generator.
    assert!(major() >= 15, "install pgbench 15 or newer to compare with");
    for seed in [0, 42, u64::MAX] {
        let random_seed = format!("--random-seed={seed}");
        let arguments = [&random_seed, "--transactions=1"];
        let printed = run_text(&address, &script(&all, 40), &arguments).unwrap();
        let theirs = integers(&printed);
        let ours = ours(&all, [client_seed(seed)].into_iter(), 40);
        assert_eq!(ours.len(), 40 * all.len());
        assert_eq!(ours, theirs, "seed {seed}");
    }
}

/// Draws of each distribution and side.
const DRAWS: usize = 10_000;

/// How unlike two samples of draws from 1 to 20 are, of the same size: chi-square.
fn distance(left: &[usize], right: &[usize]) -> f64 {
    let count = |draws: &[usize], value| draws.iter().filter(|draw| **draw == value).count() as f64;
    (1..=20)
        .map(|value| (count(left, value), count(right, value)))
        .filter(|(left, right)| left + right > 0.0)
        .map(|(left, right)| (left - right).powi(2) / (left + right))
        .sum()
}

/// What chi-square of 19 degrees of freedom exceeds once in ten million times.
const LIMIT: f64 = 71.0;

#[tokio::test]
async fn other_seeds_give_the_same_distributions() {
    let server = server().await;
    let address = Address::of(&server.config());
    let arguments = ["--random-seed=1", &format!("--transactions={DRAWS}")];
    let printed = run_text(&address, &script(&DISTRIBUTIONS, 1), &arguments).unwrap();
    let theirs = integers(&printed);
    let ours = ours(&DISTRIBUTIONS, 1..=DRAWS as u64, 1);
    let kinds = DISTRIBUTIONS.len();
    assert_eq!((ours.len(), theirs.len()), (kinds * DRAWS, kinds * DRAWS));
    let sample = |draws: &[String], kind: usize| -> Vec<usize> {
        let draws = draws.iter().skip(kind).step_by(kinds);
        draws.map(|draw| draw.parse().unwrap()).collect()
    };
    for (left, distribution) in DISTRIBUTIONS.iter().enumerate() {
        for (right, other) in DISTRIBUTIONS.iter().enumerate() {
            let distance = distance(&sample(&ours, left), &sample(&theirs, right));
            // A permutation of what is uniform is uniform.
            let same = left == right || (left.min(right) == 0 && left.max(right) == kinds - 1);
            assert_eq!(
                distance < LIMIT,
                same,
                "{distribution}, pgbench's {other}: {distance}"
            );
        }
    }
}

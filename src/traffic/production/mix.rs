//! The transactions that statements become: their names, their weights, and the rarest together.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::scenario::statements::{ProductionStatement, StatementLoad};
use crate::sql::StatementUse;

/// Kinds that reports tell apart: production has hundreds of statements, and most of them hardly ever
/// run.
const MOST_KINDS: usize = 60;

/// What all statements together weigh beside the scenario's own transactions.
const WEIGHT_OF_ALL: f64 = 100.0;

/// Statements bound to a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// The transaction's name.
    pub name: String,
    /// Its script.
    pub script: String,
    /// How often it ran and how long it took in production.
    pub load: StatementLoad,
    /// Statements in it; more than one where the rarest are together.
    pub statements: usize,
    /// Parameters whose values are plausible by their type alone.
    pub guessed: usize,
}

/// Short names for statements, in their order, none of them `taken` already: `select orders #3`.
pub fn names(statements: &[&ProductionStatement], taken: &[String]) -> Vec<String> {
    let base = |usage: &StatementUse| match usage.tables.first() {
        Some(table) => format!("{} {}", usage.verb.word(), table.name),
        None => usage.verb.word().to_owned(),
    };
    let bases: Vec<String> = statements.iter().map(|one| base(&one.usage)).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in bases
        .iter()
        .map(String::as_str)
        .chain(taken.iter().map(String::as_str))
    {
        *counts.entry(name).or_default() += 1;
    }
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    let mut names: Vec<String> = Vec::new();
    for base in &bases {
        if counts.get(base.as_str()) == Some(&1) {
            names.push(base.clone());
            continue;
        }
        let number = used.entry(base).or_default();
        loop {
            *number += 1;
            let name = format!("{base} #{number}");
            if !taken.contains(&name) {
                names.push(name);
                break;
            }
        }
    }
    names
}

/// Puts the rarest together, so that there are no more than 60 kinds: one script that chooses
/// among theirs. A statement that took much time is told apart however rare it is.
pub fn merge(mut bound: Vec<Bound>) -> Vec<Bound> {
    if bound.len() <= MOST_KINDS {
        return bound;
    }
    let calls = bound
        .iter()
        .map(|one| one.load.calls as f64)
        .sum::<f64>()
        .max(1.0);
    let time = bound
        .iter()
        .map(|one| one.load.time_ms)
        .sum::<f64>()
        .max(f64::MIN_POSITIVE);
    let part = |one: &Bound| (one.load.calls as f64 / calls).max(one.load.time_ms / time);
    bound.sort_by(|a, b| part(b).total_cmp(&part(a)));
    let rare = bound.split_off(MOST_KINDS - 1);
    bound.push(together(&rare));
    bound
}

/// One script that runs one of several, each as often as it ran in production.
fn together(rare: &[Bound]) -> Bound {
    let mut all = Bound {
        name: "other statements".to_owned(),
        script: String::new(),
        load: StatementLoad::default(),
        statements: 0,
        guessed: 0,
    };
    for one in rare {
        let Bound {
            name,
            script,
            load,
            statements,
            guessed,
        } = one;
        let keyword = if all.statements == 0 { "if" } else { "elif" };
        all.load.add(*load);
        all.statements += statements;
        all.guessed += guessed;
        let _ = write!(
            all.script,
            "\\{keyword} :which <= {}\n-- {name}\n{script}",
            all.load.calls
        );
    }
    all.script = format!(
        "\\set which random(1, {})\n{}\\endif\n",
        all.load.calls, all.script
    );
    all
}

/// The weights of transactions that have so many calls, and what the weights of the scenario's own are
/// multiplied by. Alone, a statement's weight is its calls, or in proportion to them where they are too many;
/// beside others, all together weigh 100.
pub fn weights(calls: &[u64], own: &[u32]) -> (Vec<u32>, u32) {
    let all: f64 = calls
        .iter()
        .map(|calls| *calls as f64)
        .sum::<f64>()
        .max(1.0);
    let own: f64 = own.iter().map(|weight| f64::from(*weight)).sum();
    // All weights together must be a u32, with room for those that are rounded up to 1.
    let room = f64::from(u32::MAX / 2);
    let factor = match own > 0.0 {
        true => (room / (own + WEIGHT_OF_ALL)).floor().clamp(1.0, 10_000.0),
        false => 1.0,
    };
    let sum = match own > 0.0 {
        true => WEIGHT_OF_ALL * factor,
        false => all.min(room),
    };
    let weight = |calls: &u64| ((*calls as f64 / all * sum).round() as u32).max(1);
    (calls.iter().map(weight).collect(), factor as u32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pgbench::Script;

    fn statement(query: &str) -> ProductionStatement {
        ProductionStatement {
            usage: StatementUse::read(query).unwrap(),
            load: StatementLoad::default(),
        }
    }

    fn bound(calls: u64, time_ms: f64) -> Bound {
        Bound {
            name: format!("select t #{calls}"),
            script: "\\set p1 1\nSELECT :p1;\n".to_owned(),
            load: StatementLoad {
                calls,
                time_ms,
                rows: 0,
            },
            statements: 1,
            guessed: 1,
        }
    }

    #[test]
    fn names_are_short_and_told_apart() {
        let statements = [
            "SELECT * FROM a",
            "UPDATE a SET x = 1",
            "SELECT 1 FROM a JOIN b ON true",
            "SELECT 1",
            "SELECT x FROM c",
        ]
        .map(statement);
        let statements: Vec<_> = statements.iter().collect();
        let taken = ["select c".to_owned(), "select a #2".to_owned()];
        assert_eq!(
            names(&statements, &taken),
            [
                "select a #1",
                "update a",
                "select a #3",
                "select",
                "select c #1"
            ]
        );
    }

    #[test]
    fn the_rarest_are_one_script_that_keeps_their_shares() {
        let few: Vec<Bound> = (1..=60).map(|calls| bound(calls, 1.0)).collect();
        assert_eq!(merge(few.clone()), few);
        let mut many: Vec<Bound> = (1..=80).map(|calls| bound(calls, 1.0)).collect();
        many[0].load.time_ms = 1e6;
        let merged = merge(many);
        assert_eq!(merged.len(), MOST_KINDS);
        // Rare, and yet most of the server's time.
        assert_eq!(merged[0].load.calls, 1);
        let other = merged.last().unwrap();
        assert_eq!((other.statements, other.guessed), (21, 21));
        assert_eq!(other.load.calls, (2..=22).sum::<u64>());
        assert!(
            other
                .script
                .starts_with("\\set which random(1, 252)\n\\if :which <= 22\n")
        );
        Script::parse("other", &other.script).unwrap();
    }

    proptest! {
        #[test]
        fn weights_keep_shares_and_fit(
            calls in prop::collection::vec(1_u64..1_000_000_000_000, 1..500),
            own in prop::collection::vec(1_u32..1_000, 0..4),
        ) {
            let (weights, factor) = weights(&calls, &own);
            let own: Vec<u32> = own.iter().map(|weight| weight * factor).collect();
            prop_assert!(own.iter().chain(&weights).try_fold(0_u32, |sum, one| sum.checked_add(*one)).is_some());
            let all: u64 = calls.iter().sum();
            let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
            let exact = if own.is_empty() { 1e-6 } else { 1e-3 };
            for (calls, weight) in calls.iter().zip(&weights) {
                prop_assert!(*weight > 0);
                let share = *calls as f64 / all as f64;
                let got = f64::from(*weight) / sum as f64;
                // A weight is a whole number, and at least 1.
                prop_assert!((share - got).abs() < exact + 500.0 / sum as f64, "{share} {got}");
            }
        }

        #[test]
        fn few_calls_are_the_weights(calls in prop::collection::vec(1_u64..1_000_000, 1..50)) {
            let (weights, factor) = weights(&calls, &[]);
            let weights: Vec<u64> = weights.into_iter().map(u64::from).collect();
            prop_assert_eq!(weights, calls);
            prop_assert_eq!(factor, 1);
        }
    }
}

//! Tables of both generators' figures, with what they must be.

use std::fmt;

use crate::generators::Measured;

/// A figure of a round.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) of: fn(&Measured) -> Option<f64>,
    pub(crate) bound: Bound,
}

/// What the ratio of ours to pgbench's must be.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    /// Shown only.
    None,
    AtLeast {
        floor: f64,
        goal: f64,
    },
    AtMost {
        floor: f64,
        goal: f64,
    },
}

impl Bound {
    fn judge(self, ratio: f64) -> String {
        if !ratio.is_finite() {
            return "nothing to compare with".to_owned();
        }
        let (sign, floor, met, reached) = match self {
            Self::None => return String::new(),
            Self::AtLeast { floor, goal } => ('≥', floor, ratio >= floor, ratio >= goal),
            Self::AtMost { floor, goal } => ('≤', floor, ratio <= floor, ratio <= goal),
        };
        let word = match (met, reached) {
            (_, true) => "goal met",
            (true, false) => "met",
            (false, false) => "missed",
        };
        format!("{sign} {floor:.2} {word}")
    }
}

/// The median of rounds, the least and the most.
pub(crate) struct Summary {
    pub(crate) median: f64,
    least: f64,
    most: f64,
}

impl Summary {
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let middle = |at: usize| values[at.min(values.len() - 1)];
        Self {
            median: (middle((values.len() - 1) / 2) + middle(values.len() / 2)) / 2.0,
            least: values[0],
            most: values[values.len() - 1],
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = match self.median {
            large if large >= 1_000.0 => 0,
            middling if middling >= 10.0 => 1,
            _ => 2,
        };
        let Self {
            median,
            least,
            most,
        } = self;
        write!(f, "{median:.digits$} [{least:.digits$}–{most:.digits$}]")
    }
}

/// One table of pgbench's rounds and ours.
pub(crate) fn show(title: &str, figures: &[Figure], rounds: &[(Measured, Measured)]) {
    println!("\n{title}  (load average {})", load_average());
    println!(
        "  {:22}{:>28}{:>28}{:>20}",
        "", "pgbench", "pgrehearse", "ratio"
    );
    for Figure { name, of, bound } in figures {
        let pairs: Option<Vec<(f64, f64)>> = rounds
            .iter()
            .map(|(theirs, ours)| Some((of(theirs)?, of(ours)?)))
            .collect();
        if let Some(pairs) = pairs {
            show_line(name, *bound, &pairs);
        }
    }
}

/// One figure of all rounds: pgbench's, ours, and ours over theirs.
pub(crate) fn show_line(name: &str, bound: Bound, pairs: &[(f64, f64)]) {
    let theirs = Summary::of(pairs.iter().map(|pair| pair.0).collect());
    let ours = Summary::of(pairs.iter().map(|pair| pair.1).collect());
    let mut ratio = Summary::of(pairs.iter().map(|pair| pair.1 / pair.0).collect());
    ratio.median = ours.median / theirs.median;
    println!(
        "  {name:22}{:>28}{:>28}{:>20}  {}",
        theirs.to_string(),
        ours.to_string(),
        ratio.to_string(),
        bound.judge(ratio.median)
    );
}

/// Of the last minute.
pub(crate) fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

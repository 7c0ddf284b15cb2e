//! Which of several cases a row belongs to.

use super::random;

/// Which case a row belongs to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chooser {
    key: u64,
    /// The random bits below which a row belongs to each case but the last.
    until: Vec<u64>,
}

impl Chooser {
    /// A choice by these weights.
    pub(crate) fn new(key: u64, weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        let cumulative = weights.iter().scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        let mut until: Vec<u64> = cumulative
            .map(|sum| random::threshold(sum / total))
            .collect();
        until.pop();
        Self { key, until }
    }

    /// The case of a row.
    pub(crate) fn case(&self, row: u64) -> usize {
        if self.until.is_empty() {
            return 0;
        }
        let bits = random::bits(self.key, row);
        self.until.partition_point(|&until| until <= bits)
    }
}

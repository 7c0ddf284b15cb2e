//! The errors of a pass, as a table that several formats print.

use std::collections::BTreeMap;

use crate::observe::{FirstFailure, Pass, Phase, errors};

/// One kind of error in the phases of a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ErrorRow<'a> {
    /// The SQLSTATE or kind.
    pub(super) error: &'a str,
    /// Its condition, or what the kind means; empty where neither is known.
    pub(super) meaning: &'static str,
    /// Requests that it ended, of each phase.
    pub(super) counts: Vec<u64>,
    /// The kinds of transactions that it ended, the one with the most first.
    pub(super) transactions: Vec<(&'a str, u64)>,
}

impl ErrorRow<'_> {
    /// Requests that it ended.
    pub(super) fn all(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The part of all requests that it ended.
    pub(super) fn share(&self, pass: &Pass) -> f64 {
        let scheduled = pass.phases.iter().map(|phase| phase.accounting.scheduled);
        self.all() as f64 / scheduled.sum::<u64>().max(1) as f64
    }
}

/// The name of what ends a request that the application refuses; it is no error of the server's.
pub(super) const SHED: &str = "shed";

/// The errors of a pass, the most frequent first; refused requests are among them.
pub(super) fn errors_of(pass: &Pass) -> Vec<ErrorRow<'_>> {
    let mut counts: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (place, phase) in pass.phases.iter().enumerate() {
        for (error, count) in errors_in(phase) {
            let counts = counts
                .entry(error)
                .or_insert_with(|| vec![0; pass.phases.len()]);
            if let Some(own) = counts.get_mut(place) {
                *own = count;
            }
        }
    }
    let mut rows: Vec<ErrorRow<'_>> = counts
        .into_iter()
        .map(|(error, counts)| ErrorRow {
            error,
            meaning: errors::meaning(error).unwrap_or_default(),
            counts,
            transactions: ended_by(pass, error),
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.all()));
    rows
}

/// How often each kind of error ended a request of a phase, those refused for a full queue included.
pub(super) fn errors_in(phase: &Phase) -> impl Iterator<Item = (&str, u64)> {
    let errors = phase.errors.iter();
    let errors = errors.map(|(error, count)| (error.as_str(), *count));
    let shed = Some((SHED, phase.accounting.shed)).filter(|(_, count)| *count > 0);
    errors.chain(shed)
}

fn ended_by<'a>(pass: &'a Pass, error: &str) -> Vec<(&'a str, u64)> {
    let mut by: BTreeMap<&str, u64> = BTreeMap::new();
    for kind in pass.phases.iter().flat_map(|phase| &phase.transactions) {
        let count = match error {
            SHED => kind.accounting.shed,
            _ => kind.errors.get(error).copied().unwrap_or_default(),
        };
        if count > 0 {
            *by.entry(&kind.name).or_default() += count;
        }
    }
    let mut by: Vec<(&str, u64)> = by.into_iter().collect();
    by.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    by
}

/// What the first failures said, one for each kind of error, in order of time: `first 22P02: orders.sql:2:1:
/// invalid input syntax for type integer: "x"`.
pub(super) fn first_words(pass: &Pass) -> Vec<String> {
    let mut told: Vec<&FirstFailure> = Vec::new();
    for failure in &pass.first_failures {
        let known = told.iter().any(|other| other.error == failure.error);
        if !known && !failure.message.is_empty() {
            told.push(failure);
        }
    }
    let words = told.into_iter().map(|failure| {
        let whose = failure.place.as_ref().unwrap_or(&failure.transaction);
        format!("first {}: {whose}: {}", failure.error, failure.message)
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::judge::fixtures::{RECORD, locked};

    #[test]
    fn the_first_failure_of_each_kind_of_error_is_told_with_its_place() {
        let first = |error: &str, place: Option<&str>, message: &str| FirstFailure {
            transaction: RECORD.to_owned(),
            error: error.to_owned(),
            at: Duration::ZERO,
            place: place.map(str::to_owned),
            message: message.to_owned(),
        };
        let mut pass = locked();
        pass.first_failures = vec![
            first("22P02", Some("a.sql:1:1"), "invalid input"),
            first("22P02", Some("b.sql:1:1"), "the same kind later"),
            first("57P01", None, "bye"),
            first("script", None, ""),
        ];
        assert_eq!(
            first_words(&pass),
            [
                "first 22P02: a.sql:1:1: invalid input".to_owned(),
                format!("first 57P01: {RECORD}: bye"),
            ]
        );
    }

    #[test]
    fn errors_are_gathered_over_phases_and_kinds() {
        let mut pass = locked();
        pass.phases[2].errors.insert("57014".to_owned(), 200);
        pass.phases[0].accounting.shed = 7;
        let rows = errors_of(&pass);
        let told: Vec<(&str, &[u64])> = rows
            .iter()
            .map(|row| (row.error, row.counts.as_slice()))
            .collect();
        let expected: [(&str, &[u64]); 3] = [
            ("57014", &[0, 0, 200]),
            ("acquire_timeout", &[0, 34, 0]),
            ("shed", &[7, 0, 0]),
        ];
        assert_eq!(told, expected);
        assert_eq!(rows[0].meaning, "query_canceled");
        assert_eq!(rows[1].transactions[0], (RECORD, 31));
    }
}

//! What is asked of a column whose statistics are known, and how its rows are shared out.

use crate::schema::TypeKind;
use crate::synth::choice::draw::Draw;
use crate::synth::choice::random;
use crate::synth::value::form::Ask;

use super::Known;
use super::ranks::{Ranks, Stretch, before_nulls};

/// What a column's place in its table leaves to its statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Values may repeat.
    Free,
    /// Every row has its own value.
    Unique,
    /// Every row has its own number, from 1 on without gaps.
    Serial,
}

/// A column that is being planned by what is known of it.
pub(super) struct Plan<'p> {
    pub(super) kind: &'p TypeKind,
    pub(super) ask: &'p Ask<'p>,
    pub(super) known: &'p Known,
    pub(super) role: Role,
    pub(super) lost: Vec<&'static str>,
}

impl Plan<'_> {
    pub(super) fn rows(&self) -> u64 {
        self.ask.rows
    }

    /// Ranks in the known order, as far as the values have one.
    pub(super) fn ranks(&self, stretches: &[Stretch], ordered: bool) -> Draw {
        let correlation = self.known.column.correlation.filter(|_| ordered);
        let key = random::key(self.ask.key, "ranks");
        Draw::Ranked(Box::new(Ranks::new(
            key,
            self.rows(),
            stretches,
            correlation,
        )))
    }

    /// Rows with a value that is not among the most common.
    fn places(&self) -> u64 {
        let share = self.known.rest() / (1.0 - self.known.column.null_fraction).max(1e-9);
        ((self.rows() as f64 * share).round() as u64).max(1)
    }

    /// Different values that are not among the most common, of `capacity`.
    pub(super) fn others(&self, capacity: u64) -> u64 {
        let column = &self.known.column;
        let common = column.most_common.len() as u64;
        let nothing_left = self.known.rest() < 1e-9;
        let wanted = match column.distinct {
            _ if nothing_left => return 0,
            Some(distinct) => distinct.of_rows(self.rows()).saturating_sub(common).max(1),
            None => self.places(),
        };
        before_nulls(wanted, self.places(), column.null_fraction).min(capacity)
    }
}

/// Cold stretches, given by first ordinal, span and weight, parted where hot values lie in them. Both
/// are in order.
pub(super) fn split(cold: &[(u64, u64, f64)], hot: &[(u64, f64)]) -> Vec<Stretch> {
    let mut stretches = Vec::with_capacity(cold.len() + 2 * hot.len());
    let mut hot = hot.iter().peekable();
    for &(first, span, weight) in cold {
        while let Some((place, frequency)) = hot.next_if(|(place, _)| *place < first) {
            stretches.push(Stretch::hot(*place, *frequency));
        }
        let end = first.saturating_add(span);
        let mut from = first;
        let mut parts = Vec::new();
        while let Some((place, frequency)) = hot.next_if(|(place, _)| *place < end) {
            if *place > from {
                parts.push(Stretch::cold(from, *place - from, 0.0));
            }
            parts.push(Stretch::hot(*place, *frequency));
            from = place.saturating_add(1).max(from);
        }
        if end > from {
            parts.push(Stretch::cold(from, end - from, 0.0));
        }
        let room: u64 = parts
            .iter()
            .filter(|part| !part.hot)
            .map(|part| part.span)
            .sum();
        for part in parts.iter_mut().filter(|part| !part.hot) {
            part.weight = weight * part.span as f64 / room as f64;
        }
        stretches.extend(parts);
    }
    stretches.extend(hot.map(|(place, frequency)| Stretch::hot(*place, *frequency)));
    stretches.retain(|stretch| stretch.weight > 0.0);
    stretches
}

//! What CHECK constraints, domains and NOT NULL leave of a column's values.

use std::cmp::Ordering;

use crate::schema::{Table, TypeKind};
use crate::sql::{BoundRule, TextPattern, understand_check};

use super::value::calendar::{self, MomentKind};

/// The conditions on one column's values, all of which must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Limits {
    /// Lower bounds as written, and whether each is itself allowed.
    pub(crate) min: Vec<(String, bool)>,
    /// Upper bounds.
    pub(crate) max: Vec<(String, bool)>,
    /// The only values allowed.
    pub(crate) one_of: Option<Vec<String>>,
    /// Values not allowed.
    pub(crate) not: Vec<String>,
    pub(crate) min_length: Option<u32>,
    pub(crate) max_length: Option<u32>,
    /// Patterns that texts match, or do not.
    pub(crate) patterns: Vec<TextPattern>,
    pub(crate) min_elements: Option<u32>,
    pub(crate) max_elements: Option<u32>,
    /// The kinds of JSON allowed.
    pub(crate) json: Option<Vec<String>>,
    /// The kinds of JSON not allowed.
    pub(crate) not_json: Vec<String>,
    /// Ranges that are not empty and have both their ends.
    pub(crate) finite: bool,
    /// Nothing but NULL.
    pub(crate) null: bool,
    pub(crate) not_null: bool,
    /// Parts of CHECKs that were not understood.
    pub(crate) unknown: Vec<String>,
}

impl Limits {
    /// The limits on a table's column and the type below its domains.
    pub(crate) fn of<'a>(table: &Table, column: &str, kind: &'a TypeKind) -> (Self, &'a TypeKind) {
        let mut limits = Self::default();
        for check in &table.checks {
            for bound in understand_check(&check.expression) {
                if bound.column == column {
                    limits.add(bound.rule);
                }
            }
        }
        let base = limits.add_domains(kind);
        (limits, base)
    }

    /// Adds the conditions of domains and returns the type below them.
    pub(crate) fn add_domains<'a>(&mut self, kind: &'a TypeKind) -> &'a TypeKind {
        let mut kind = kind;
        while let TypeKind::Domain {
            base,
            not_null,
            checks,
        } = kind
        {
            self.not_null |= not_null;
            for bound in checks.iter().flat_map(|check| understand_check(check)) {
                self.add(bound.rule);
            }
            kind = base;
        }
        kind
    }

    /// Adds a demand on the column's values.
    pub(crate) fn add(&mut self, rule: BoundRule) {
        let fewer = |old: Option<u32>, new: u32| Some(old.map_or(new, |old| old.min(new)));
        let more = |old: Option<u32>, new: u32| Some(old.map_or(new, |old| old.max(new)));
        match rule {
            BoundRule::Min { value, inclusive } => self.min.push((value, inclusive)),
            BoundRule::Max { value, inclusive } => self.max.push((value, inclusive)),
            BoundRule::OneOf(values) => self.one_of = Some(common(self.one_of.take(), values)),
            BoundRule::Not(value) => self.not.push(value),
            BoundRule::MaxLength(length) => self.max_length = fewer(self.max_length, length),
            BoundRule::MinLength(length) => self.min_length = more(self.min_length, length),
            BoundRule::MaxElements(count) => self.max_elements = fewer(self.max_elements, count),
            BoundRule::MinElements(count) => self.min_elements = more(self.min_elements, count),
            BoundRule::Matches(pattern) => self.patterns.push(pattern),
            BoundRule::JsonKind(kind) => self.json = Some(common(self.json.take(), vec![kind])),
            BoundRule::NotJsonKind(kind) => self.not_json.push(kind),
            BoundRule::FiniteRange => self.finite = true,
            BoundRule::Null => self.null = true,
            BoundRule::NotNull => self.not_null = true,
            BoundRule::Unknown(part) => self.unknown.push(part),
        }
    }

    /// Adds all of other limits on the same column.
    pub(crate) fn and(&mut self, other: Self) {
        let Self {
            min,
            max,
            one_of,
            not,
            min_length,
            max_length,
            patterns,
            min_elements,
            max_elements,
            json,
            not_json,
            finite,
            null,
            not_null,
            unknown,
        } = other;
        self.min.extend(min);
        self.max.extend(max);
        self.not.extend(not);
        self.patterns.extend(patterns);
        self.not_json.extend(not_json);
        self.unknown.extend(unknown);
        self.finite |= finite;
        self.null |= null;
        self.not_null |= not_null;
        if let Some(kinds) = json {
            self.json = Some(common(self.json.take(), kinds));
        }
        let rules = [
            one_of.map(BoundRule::OneOf),
            min_length.map(BoundRule::MinLength),
            max_length.map(BoundRule::MaxLength),
            min_elements.map(BoundRule::MinElements),
            max_elements.map(BoundRule::MaxElements),
        ];
        for rule in rules.into_iter().flatten() {
            self.add(rule);
        }
    }

    /// Takes the bounds of both columns for each of them, in one order: those of this one first or last.
    pub(crate) fn share_bounds(&mut self, other: Self, first: bool) {
        for (own, its) in [(&mut self.min, other.min), (&mut self.max, other.max)] {
            let at = if first { own.len() } else { 0 };
            own.splice(at..at, its);
        }
    }

    /// The limits on what is not NULL.
    pub(crate) fn of_values(&self) -> Self {
        Self {
            null: false,
            not_null: false,
            ..self.clone()
        }
    }

    /// The same, with a list of values without those that other limits forbid. `only` are the values
    /// that the type has, if these are few.
    pub(crate) fn narrowed(mut self, only: &[String]) -> Self {
        let bounded = !self.min.is_empty() || !self.max.is_empty();
        let limited = self.one_of.is_some() || !self.not.is_empty() || bounded;
        if limited && !only.is_empty() {
            self.one_of = Some(common(self.one_of.take(), only.to_vec()));
        }
        if let Some(values) = self.one_of.take() {
            let kept = values.into_iter().filter(|value| self.allows(value));
            self.one_of = Some(kept.collect());
        }
        self
    }

    /// Whether a value of a list is within the other limits, as far as its text shows.
    fn allows(&self, value: &str) -> bool {
        let length = u32::try_from(value.chars().count()).unwrap_or(u32::MAX);
        let above = |(bound, inclusive): &(String, bool)| match order(value, bound) {
            Some(Ordering::Equal) => *inclusive,
            Some(ordering) => ordering == Ordering::Greater,
            None => true,
        };
        let below = |(bound, inclusive): &(String, bool)| match order(value, bound) {
            Some(Ordering::Equal) => *inclusive,
            Some(ordering) => ordering == Ordering::Less,
            None => true,
        };
        !self.not.iter().any(|not| not == value)
            && self.min.iter().all(above)
            && self.max.iter().all(below)
            && self.min_length.is_none_or(|least| length >= least)
            && self.max_length.is_none_or(|most| length <= most)
    }

    /// Whether no value, NULL among them where only that is left, can be within the limits.
    pub(crate) fn is_contradiction(&self) -> bool {
        let crossed = self.min.iter().any(|(low, low_itself)| {
            self.max
                .iter()
                .any(|(high, high_itself)| match order(low, high) {
                    Some(Ordering::Equal) => !(*low_itself && *high_itself),
                    Some(ordering) => ordering == Ordering::Greater,
                    None => false,
                })
        });
        let lengths = [
            (self.min_length, self.max_length),
            (self.min_elements, self.max_elements),
        ];
        let no_value = crossed
            || self.one_of.as_ref().is_some_and(Vec::is_empty)
            || self
                .json
                .as_ref()
                .is_some_and(|kinds| kinds.iter().all(|kind| self.not_json.contains(kind)))
            || lengths
                .iter()
                .any(|(low, high)| low.zip(*high).is_some_and(|(l, h)| l > h));
        match self.null {
            true => self.not_null,
            false => no_value,
        }
    }

    /// Whether few values are left: of an enum, a boolean, a list.
    pub(crate) fn leave_few(&self, kind: &TypeKind) -> bool {
        let by_type = match kind.below_domains() {
            TypeKind::Enum { .. } => true,
            TypeKind::Base { name, .. } => matches!(name.as_str(), "bool" | "char"),
            _ => false,
        };
        by_type || self.one_of.is_some()
    }

    /// The highest lower bound and the lowest upper bound, as whole numbers in a unit that `read`
    /// turns a bound into: the largest not above it, and whether that is exact. Bounds that `read`
    /// does not understand are left to the server.
    pub(crate) fn interval(
        &self,
        read: impl Fn(&str) -> Option<(i64, bool)>,
    ) -> (Option<i64>, Option<i64>) {
        let low = self.min.iter().filter_map(|(bound, inclusive)| {
            let (floor, exact) = read(bound)?;
            Some(floor.saturating_add(i64::from(!(exact && *inclusive))))
        });
        let high = self.max.iter().filter_map(|(bound, inclusive)| {
            let (floor, exact) = read(bound)?;
            Some(floor.saturating_sub(i64::from(exact && !inclusive)))
        });
        (low.max(), high.min())
    }
}

/// How two constants compare, where both are numbers or both are moments.
fn order(a: &str, b: &str) -> Option<Ordering> {
    if let (Ok(a), Ok(b)) = (a.trim().parse::<f64>(), b.trim().parse::<f64>()) {
        return a.partial_cmp(&b);
    }
    let moment = |text: &str| calendar::read(MomentKind::Timestamp, text);
    Some(moment(a)?.cmp(&moment(b)?))
}

/// The values of both lists.
fn common(old: Option<Vec<String>>, new: Vec<String>) -> Vec<String> {
    match old {
        None => new,
        Some(old) => old.into_iter().filter(|v| new.contains(v)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::value::decimal;

    fn bounds(rules: Vec<BoundRule>) -> Limits {
        let mut limits = Limits::default();
        for rule in rules {
            limits.add(rule);
        }
        limits
    }

    fn min(value: &str, inclusive: bool) -> BoundRule {
        BoundRule::Min {
            value: value.into(),
            inclusive,
        }
    }

    fn max(value: &str, inclusive: bool) -> BoundRule {
        BoundRule::Max {
            value: value.into(),
            inclusive,
        }
    }

    #[test]
    fn bounds_become_whole_units() {
        let read = |text: &str| decimal::read(text, 0);
        for (rules, interval) in [
            (vec![min("0", true)], (Some(0), None)),
            (vec![min("0", false)], (Some(1), None)),
            (
                vec![min("0.5", true), max("9.5", false)],
                (Some(1), Some(9)),
            ),
            (vec![max("10", false), max("12", true)], (None, Some(9))),
            (vec![min("now()", true)], (None, None)),
        ] {
            assert_eq!(bounds(rules.clone()).interval(read), interval, "{rules:?}");
        }
    }

    #[test]
    fn lists_are_intersected() {
        let list =
            |values: &[&str]| BoundRule::OneOf(values.iter().map(|v| (*v).to_owned()).collect());
        let limits = bounds(vec![list(&["a", "b"]), list(&["b", "c"])]);
        assert_eq!(limits.one_of, Some(vec!["b".to_owned()]));
    }
}

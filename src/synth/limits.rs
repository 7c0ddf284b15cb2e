//! What CHECK constraints, domains and NOT NULL leave of a column's values.

use crate::schema::{Table, TypeKind};
use crate::sql::{Bound, BoundRule, understand_check};

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
                    limits.add(bound);
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
                self.add(bound);
            }
            kind = base;
        }
        kind
    }

    pub(crate) fn add(&mut self, bound: Bound) {
        match bound.rule {
            BoundRule::Min { value, inclusive } => self.min.push((value, inclusive)),
            BoundRule::Max { value, inclusive } => self.max.push((value, inclusive)),
            BoundRule::OneOf(values) => self.choose(values),
            BoundRule::Not(value) => self.not.push(value),
            BoundRule::MaxLength(length) => {
                self.max_length = Some(self.max_length.map_or(length, |old| old.min(length)));
            }
            BoundRule::MinLength(length) => {
                self.min_length = Some(self.min_length.map_or(length, |old| old.max(length)));
            }
            BoundRule::NotNull => self.not_null = true,
            BoundRule::Unknown(part) => self.unknown.push(part),
        }
    }

    fn choose(&mut self, values: Vec<String>) {
        self.one_of = Some(match self.one_of.take() {
            None => values,
            Some(old) => old.into_iter().filter(|v| values.contains(v)).collect(),
        });
    }

    /// Adds one condition on the column.
    pub(crate) fn demand(&mut self, rule: BoundRule) {
        self.add(Bound {
            column: String::new(),
            rule,
        });
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
            not_null,
            unknown,
        } = other;
        self.min.extend(min);
        self.max.extend(max);
        self.not.extend(not);
        self.unknown.extend(unknown);
        self.not_null |= not_null;
        if let Some(values) = one_of {
            self.choose(values);
        }
        let lengths = min_length.map(BoundRule::MinLength).into_iter();
        for rule in lengths.chain(max_length.map(BoundRule::MaxLength)) {
            self.demand(rule);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::decimal;

    fn bounds(rules: Vec<BoundRule>) -> Limits {
        let mut limits = Limits::default();
        for rule in rules {
            limits.add(Bound {
                column: "c".into(),
                rule,
            });
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

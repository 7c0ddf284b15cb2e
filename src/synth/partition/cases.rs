//! The partitions of a table, each with what a row must satisfy to lie in it.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::{
    Check, Partition, PartitionBound, PartitionEdge, PartitionStrategy, Partitioning, Table,
};
use crate::sql::understand_check;
use crate::synth::error::SynthError;
use crate::synth::limits::Limits;

use super::order::Order;
use super::{beyond, weights};

/// What rows of one partition satisfy.
#[derive(Debug, Clone, Default)]
pub(crate) struct Case {
    /// The partition.
    pub(crate) name: String,
    /// Its share of the table's rows, among all cases.
    pub(crate) weight: f64,
    /// Limits on columns beyond those that all rows have.
    pub(crate) limits: BTreeMap<String, Limits>,
    /// Columns that are NULL.
    pub(crate) nulls: BTreeSet<String>,
}

/// Says whether there can be rows of a case.
pub(crate) type Feasible<'f> = dyn Fn(&Case) -> Result<bool, SynthError> + 'f;

/// Takes a table's partitions apart.
pub(super) struct Cases<'c> {
    pub(super) table: &'c Table,
    /// Columns whose values the scenario gives, wherever they lie.
    pub(super) given: &'c dyn Fn(&str) -> bool,
    pub(super) feasible: &'c Feasible<'c>,
}

/// The partitions below one table and the columns that decide between them.
pub(super) struct Level<'l> {
    pub(super) partitioning: &'l Partitioning,
    /// Of columns that the scenario does not give; none for others and for expressions.
    pub(super) key: Vec<Option<&'l str>>,
}

impl Case {
    fn add_checks(&mut self, checks: &[Check]) {
        for check in checks {
            for bound in understand_check(&check.expression) {
                if !bound.column.is_empty() {
                    let limits = self.limits.entry(bound.column.clone()).or_default();
                    limits.add(bound.rule);
                }
            }
        }
    }

    fn limit(&mut self, column: &str) -> &mut Limits {
        self.limits.entry(column.to_owned()).or_default()
    }

    /// Adds what another case demands.
    fn and(&mut self, other: Self) {
        self.nulls.extend(other.nulls);
        for (column, limits) in other.limits {
            self.limit(&column).and(limits);
        }
    }

    /// Makes a column NULL.
    pub(super) fn set_null(&mut self, column: &str) {
        self.nulls.insert(column.to_owned());
    }

    /// Makes a column differ from these values.
    pub(super) fn exclude(&mut self, column: &str, values: Vec<String>) {
        self.limit(column).not.extend(values);
    }

    /// Makes a column the value of an end.
    fn put_at(&mut self, column: Option<&str>, edge: &PartitionEdge) {
        if let (Some(column), PartitionEdge::Value(text)) = (column, edge) {
            self.limit(column).one_of = Some(vec![text.clone()]);
        }
    }

    /// Bounds a column by a value that is itself allowed or not.
    pub(super) fn bound(&mut self, column: Option<&str>, end: (&str, bool), side: Side) {
        if let Some(column) = column {
            let limits = self.limit(column);
            let bounds = match side {
                Side::Above => &mut limits.min,
                Side::Below => &mut limits.max,
            };
            bounds.push((end.0.to_owned(), end.1));
        }
    }
}

impl Cases<'_> {
    /// The cases of a level within a case: their weights sum up to its own, where none is impossible.
    pub(super) fn expand(
        &self,
        partitioning: &Partitioning,
        within: &Case,
    ) -> Result<Vec<Case>, SynthError> {
        let known = |name: &&str| !(self.given)(name);
        let level = Level {
            partitioning,
            key: partitioning
                .key
                .iter()
                .map(|name| name.as_deref().filter(known))
                .collect(),
        };
        let hashed = partitioning.strategy == PartitionStrategy::Hash;
        if hashed || level.key.iter().all(Option::is_none) {
            return self.anywhere(&level, within);
        }
        let shares = weights::of(&level, self.table);
        let total: f64 = shares.iter().sum();
        let mut cases = Vec::new();
        for (partition, share) in partitioning.partitions.iter().zip(shares) {
            let whole = Case {
                name: partition.name.to_string(),
                weight: within.weight * share / total.max(f64::MIN_POSITIVE),
                ..within.clone()
            };
            for alternative in level.alternatives(&partition.bound, self.table) {
                let mut case = whole.clone();
                case.and(alternative);
                case.add_checks(&partition.checks);
                if (self.feasible)(&case)? {
                    match &partition.partitioning {
                        Some(below) => cases.extend(self.expand(below, &case)?),
                        None => cases.push(case),
                    }
                    break;
                }
            }
        }
        Ok(cases)
    }

    /// Rows that may lie in any partition of a level: all must take what one takes.
    fn anywhere(&self, level: &Level<'_>, within: &Case) -> Result<Vec<Case>, SynthError> {
        let Level { partitioning, key } = level;
        let known = key.iter().any(Option::is_some);
        if known && !is_complete(partitioning) {
            return Err(SynthError::MissingPartition {
                table: self.table.name.to_string(),
            });
        }
        let partitions = &partitioning.partitions;
        let Some(first) = partitions.first() else {
            return Ok(Vec::new());
        };
        let mut case = within.clone();
        case.name = first.name.to_string();
        for partition in partitions {
            case.add_checks(&partition.checks);
        }
        match &first.partitioning {
            None => Ok(vec![case]),
            Some(below) if partitions.iter().all(|other| alike(first, other)) => {
                self.expand(below, &case)
            }
            Some(_) => Err(SynthError::UnlikePartitions {
                table: self.table.name.to_string(),
            }),
        }
    }
}

/// Whether two partitions are partitioned alike.
fn alike(one: &Partition, other: &Partition) -> bool {
    let parts = |partition: &Partition| {
        let below = partition.partitioning.as_ref()?;
        let bounds = below.partitions.iter().map(|p| p.bound.clone());
        Some((
            below.strategy,
            below.key.clone(),
            bounds.collect::<Vec<_>>(),
        ))
    };
    parts(one) == parts(other)
}

/// Whether every hash has its partition.
fn is_complete(partitioning: &Partitioning) -> bool {
    let share = |partition: &Partition| match partition.bound {
        PartitionBound::Hash { modulus, .. } => 1.0 / f64::from(modulus.max(1)),
        _ => 1.0,
    };
    partitioning.partitions.iter().map(share).sum::<f64>() > 1.0 - 1e-9
}

impl Level<'_> {
    /// How the values of a key column are ordered.
    pub(super) fn order(&self, column: usize, table: &Table) -> Option<Order> {
        let name = self.key.get(column).copied().flatten()?;
        table.column(name).map(|c| Order::of(&c.data_type.kind))
    }

    /// What rows of a partition satisfy: one of these, the first that is possible.
    fn alternatives(&self, bound: &PartitionBound, table: &Table) -> Vec<Case> {
        match bound {
            PartitionBound::List { values } => vec![self.listed(values)],
            PartitionBound::Range { from, to } => self.between(from, to),
            PartitionBound::Hash { .. } => vec![Case::default()],
            PartitionBound::Default => beyond::all(self, table),
        }
    }

    fn listed(&self, values: &[Option<String>]) -> Case {
        let mut case = Case::default();
        if let Some(column) = self.key.first().copied().flatten() {
            let some: Vec<String> = values.iter().flatten().cloned().collect();
            match some.is_empty() {
                true => case.set_null(column),
                false => case.limit(column).one_of = Some(some),
            }
        }
        case
    }

    /// Rows between the ends of a range, which are compared column by column: strictly between the
    /// ends of the first column in which they differ or, where nothing is there, at one of its ends.
    fn between(&self, from: &[PartitionEdge], to: &[PartitionEdge]) -> Vec<Case> {
        let same = from.iter().zip(to).take_while(|(a, b)| a == b).count();
        let mut common = Case::default();
        for (column, edge) in self.key.iter().zip(from).take(same) {
            common.put_at(*column, edge);
        }
        let inside = common.clone();
        let mut cases = vec![self.beside(inside, (from, same), Side::Above)]
            .into_iter()
            .flatten()
            .filter_map(|case| self.beside(case, (to, same), Side::Below))
            .collect::<Vec<_>>();
        for (edges, side) in [(from, Side::Above), (to, Side::Below)] {
            let column = self.key.get(same).copied().flatten();
            if let (Some(edge @ PartitionEdge::Value(_)), true) =
                (edges.get(same), same + 1 < edges.len())
            {
                let mut case = common.clone();
                case.put_at(column, edge);
                cases.extend(self.beside(case, (edges, same + 1), side));
            }
        }
        cases
    }

    /// Rows on one side of an end, by one of its columns; those behind it are free. None where there
    /// are none.
    fn beside(&self, mut case: Case, end: (&[PartitionEdge], usize), side: Side) -> Option<Case> {
        let (edges, place) = end;
        let edge = edges.get(place)?;
        let column = self.key.get(place).copied().flatten();
        // At the end itself, the columns behind decide; nothing is below MINVALUE.
        let behind = edges.get(place + 1);
        match (edge, side) {
            (PartitionEdge::MinValue, Side::Below) | (PartitionEdge::MaxValue, Side::Above) => {
                return None;
            }
            (PartitionEdge::Value(text), side) => {
                let inclusive = match side {
                    Side::Above => behind.is_none_or(|edge| *edge == PartitionEdge::MinValue),
                    Side::Below => behind == Some(&PartitionEdge::MaxValue),
                };
                case.bound(column, (text, inclusive), side);
            }
            _ => {}
        }
        Some(case)
    }
}

/// Which side of a value rows are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Above,
    Below,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Column, DataType, RelationName, TypeKind};

    fn named(name: &str) -> RelationName {
        RelationName {
            schema: "public".into(),
            name: name.into(),
        }
    }

    /// A table of int columns `a` and `b`, `a` nullable, with these partitions.
    fn table(strategy: PartitionStrategy, key: &[&str], bounds: &[&str]) -> Table {
        let column = |name: &str| Column {
            name: name.into(),
            data_type: DataType {
                name: "integer".into(),
                kind: TypeKind::Base {
                    name: "int4".into(),
                    modifiers: Vec::new(),
                },
            },
            not_null: false,
            default: None,
            generated: false,
            sequence: false,
        };
        let partition = |(index, text): (usize, &&str)| Partition {
            oid: 0,
            name: named(&format!("p{index}")),
            bound: crate::sql::parse_partition_bound(text).unwrap(),
            partitioning: None,
            checks: Vec::new(),
        };
        Table {
            oid: 0,
            name: named("t"),
            columns: vec![column("a"), column("b")],
            unique_keys: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            exclusions: Vec::new(),
            partitioning: Some(Partitioning {
                strategy,
                key: key.iter().map(|name| Some((*name).to_owned())).collect(),
                partitions: bounds.iter().enumerate().map(partition).collect(),
            }),
        }
    }

    /// One line a case: its share in percent and its limits.
    fn cases(table: &Table, feasible: &Feasible<'_>) -> Vec<String> {
        let cases = Cases {
            table,
            given: &|_| false,
            feasible,
        };
        let whole = Case {
            weight: 1.0,
            ..Case::default()
        };
        let expanded = cases
            .expand(table.partitioning.as_ref().unwrap(), &whole)
            .unwrap();
        let line = |case: &Case| {
            let mut text = format!("{:.0}%", case.weight * 100.0);
            for (column, limits) in &case.limits {
                for (value, inclusive) in &limits.min {
                    text += &format!(" {column}>{}{value}", if *inclusive { "=" } else { "" });
                }
                for (value, inclusive) in &limits.max {
                    text += &format!(" {column}<{}{value}", if *inclusive { "=" } else { "" });
                }
                if let Some(values) = &limits.one_of {
                    text += &format!(" {column}={}", values.join("|"));
                }
                for value in &limits.not {
                    text += &format!(" {column}!={value}");
                }
            }
            for column in &case.nulls {
                text += &format!(" {column} NULL");
            }
            text
        };
        expanded.iter().map(line).collect()
    }

    #[test]
    fn ranges_share_by_their_width() {
        let range = table(
            PartitionStrategy::Range,
            &["a"],
            &[
                "FOR VALUES FROM (0) TO (30)",
                "FOR VALUES FROM (30) TO (40)",
                "FOR VALUES FROM (50) TO (MAXVALUE)",
            ],
        );
        assert_eq!(
            cases(&range, &|_| Ok(true)),
            ["50% a>=0 a<30", "17% a>=30 a<40", "33% a>=50"]
        );
    }

    #[test]
    fn the_default_takes_what_no_other_does() {
        let mut range = table(
            PartitionStrategy::Range,
            &["a"],
            &[
                "DEFAULT",
                "FOR VALUES FROM (0) TO (10)",
                "FOR VALUES FROM (20) TO (30)",
            ],
        );
        assert_eq!(cases(&range, &|_| Ok(true))[0], "1% a>=30");
        let above = |case: &Case| {
            Ok(!case
                .limits
                .values()
                .any(|limits| limits.max.is_empty() && !limits.min.is_empty()))
        };
        assert_eq!(cases(&range, &above)[0], "1% a<0");
        let bounded = |case: &Case| {
            Ok(case
                .limits
                .values()
                .all(|limits| limits.max.len() == limits.min.len()))
        };
        assert_eq!(cases(&range, &bounded)[0], "1% a>=10 a<20");
        let null = |case: &Case| {
            let inside = |limits: &Limits| limits.min.iter().any(|(low, _)| low != "10");
            Ok(!case.nulls.is_empty() || case.limits.values().any(inside))
        };
        range
            .partitioning
            .as_mut()
            .unwrap()
            .partitions
            .swap_remove(2);
        assert!(
            cases(&range, &|case| Ok(
                null(case)? && case.limits.values().all(|l| !l.max.is_empty())
            ))
            .contains(&"1% a NULL".to_owned())
        );
        let list = table(
            PartitionStrategy::List,
            &["a"],
            &["FOR VALUES IN (1, 7, NULL)", "FOR VALUES IN (3)", "DEFAULT"],
        );
        assert_eq!(
            cases(&list, &|_| Ok(true)),
            ["74% a=1|7", "25% a=3", "1% a>7"]
        );
        let nothing = cases(&list, &|case| {
            Ok(case.limits.values().any(|l| l.one_of.is_some()))
        });
        assert_eq!(
            nothing.len(),
            2,
            "no value and no NULL is left for the default"
        );
        for strategy in [PartitionStrategy::Range, PartitionStrategy::List] {
            let alone = table(strategy, &["a"], &["DEFAULT"]);
            assert_eq!(cases(&alone, &|_| Ok(true)), ["100%"]);
        }
    }

    #[test]
    fn several_columns_are_compared_one_after_the_other() {
        let range = table(
            PartitionStrategy::Range,
            &["a", "b"],
            &[
                "FOR VALUES FROM (1, 1) TO (1, 9)",
                "FOR VALUES FROM (2, MINVALUE) TO (3, MINVALUE)",
                "FOR VALUES FROM (4, 5) TO (5, 7)",
                "FOR VALUES FROM (6, MINVALUE) TO (6, MAXVALUE)",
            ],
        );
        // Nothing is strictly between 4 and 5.
        let feasible = |case: &Case| {
            let a = case.limits.get("a").cloned().unwrap_or_default();
            Ok(a.min != [("4".to_owned(), false)])
        };
        let cases = cases(&range, &feasible);
        assert!(cases[0].ends_with("% a=1 b>=1 b<9"), "{cases:?}");
        assert!(cases[1].ends_with("% a>=2 a<3"), "{cases:?}");
        assert!(cases[2].ends_with("% a=4 b>=5"), "{cases:?}");
        assert!(cases[3].ends_with("% a=6"), "{cases:?}");
    }

    #[test]
    fn a_missing_hash_is_refused() {
        let bound = "FOR VALUES WITH (modulus 2, remainder 1)";
        let hash = table(PartitionStrategy::Hash, &["a"], &[bound]);
        let cases = Cases {
            table: &hash,
            given: &|_| false,
            feasible: &|_| Ok(true),
        };
        let error = cases.expand(hash.partitioning.as_ref().unwrap(), &Case::default());
        assert!(matches!(error, Err(SynthError::MissingPartition { .. })));
    }
}

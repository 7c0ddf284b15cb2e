//! Columns of a row that stand in an order: `started_at < ended_at`, `low + 10 <= high`.
//!
//! All such demands say that one value is at least so far above another, a system of difference
//! constraints (Cormen et al., "Introduction to Algorithms", 24.4). Its closure, the longest path
//! between any two, makes it easy to keep: columns are given their values one after another, each
//! between the bounds that the earlier ones leave, and some value is always left.

use crate::sql::{Comparison, Relation};
use crate::synth::limits::Limits;
use crate::synth::value::form::Scalar;

/// A column on a ladder.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) column: String,
    pub(crate) scalar: Scalar,
    pub(crate) limits: Limits,
    /// Whether something else decides its values.
    pub(crate) fixed: bool,
}

/// Columns of one case that are compared with each other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ladder {
    /// In the order in which they get their values.
    places: Vec<Place>,
    /// Least distances in the finest units of the family, from row to column; place 0 is the number
    /// 0, so that limits are distances, too.
    distances: Vec<Vec<Option<i128>>>,
}

/// A column that has its value already, and how far from it another must be, in the finest units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Neighbour {
    pub(crate) column: String,
    pub(crate) distance: i128,
}

impl Ladder {
    /// The ladder of these columns; none if the relations contradict each other or the limits.
    pub(crate) fn new(mut places: Vec<Place>, relations: &[Relation]) -> Option<Self> {
        // Coarser columns first: finer ones always find room between them.
        let lower = |column: &str| {
            let above = |one: &&Relation| match one.comparison {
                Comparison::Less | Comparison::AtMost => one.right == column,
                Comparison::Greater | Comparison::AtLeast => one.left == column,
                _ => false,
            };
            relations.iter().filter(above).count()
        };
        places.sort_by_key(|place| {
            (
                !place.fixed,
                std::cmp::Reverse(place.scalar.factor()),
                lower(&place.column),
            )
        });
        let size = places.len() + 1;
        let mut ladder = Self {
            places,
            distances: vec![vec![None; size]; size],
        };
        for relation in relations {
            ladder.relate(relation)?;
        }
        for index in 0..ladder.places.len() {
            ladder.limit(index);
        }
        ladder.close().then_some(ladder)
    }

    /// The columns in the order in which they get their values.
    #[cfg(test)]
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.places.iter().map(|place| place.column.as_str())
    }

    fn index(&self, column: &str) -> Option<usize> {
        let found = self
            .places
            .iter()
            .position(|place| place.column == column)?;
        Some(found + 1)
    }

    fn distance(&self, from: usize, to: usize) -> Option<i128> {
        *self.distances.get(from)?.get(to)?
    }

    /// Demands that `to` be at least so far above `from`.
    fn demand(&mut self, from: usize, to: usize, distance: i128) {
        let cell = self.distances.get_mut(from).and_then(|row| row.get_mut(to));
        if let Some(cell) = cell {
            *cell = Some(cell.map_or(distance, |old| old.max(distance)));
        }
    }

    fn relate(&mut self, relation: &Relation) -> Option<()> {
        let (left, right) = (self.index(&relation.left)?, self.index(&relation.right)?);
        // A step that is strict for the coarser of both is so for the finer.
        let step = self
            .places
            .iter()
            .map(|place| place.scalar.factor())
            .max()?;
        let scalar = &self.places.get(left - 1)?.scalar;
        let offset = |sign: &str| match &relation.offset {
            None => Some(0),
            Some(text) if sign == "-" => scalar.distance(&turned(text)),
            Some(text) => scalar.distance(text),
        };
        let (above, below) = (offset("")?, offset("-")?);
        match relation.comparison {
            Comparison::Greater => self.demand(right, left, above + step),
            Comparison::AtLeast => self.demand(right, left, above),
            Comparison::Less => self.demand(left, right, below + step),
            Comparison::AtMost => self.demand(left, right, below),
            Comparison::Equal => {
                self.demand(right, left, above);
                self.demand(left, right, below);
            }
            Comparison::Unequal => return None,
        }
        Some(())
    }

    /// The limits of a column as distances from 0.
    fn limit(&mut self, index: usize) {
        let Some(place) = self.places.get(index) else {
            return;
        };
        let (low, high) = place.range();
        let factor = place.scalar.factor();
        self.demand(0, index + 1, i128::from(low) * factor);
        self.demand(index + 1, 0, -i128::from(high) * factor);
    }

    /// Finds the longest path between any two places (Floyd and Warshall); false if one leads from a
    /// place above itself.
    fn close(&mut self) -> bool {
        let size = self.distances.len();
        for middle in 0..size {
            for from in 0..size {
                let Some(first) = self.distance(from, middle) else {
                    continue;
                };
                for to in 0..size {
                    if let Some(second) = self.distance(middle, to) {
                        self.demand(from, to, first.saturating_add(second));
                    }
                }
            }
        }
        (0..size).all(|place| self.distance(place, place).is_none_or(|own| own <= 0))
    }

    /// The lowest and the highest value that the ladder leaves a column, in its own units.
    pub(crate) fn range(&self, column: &str) -> Option<(i64, i64)> {
        let index = self.index(column)?;
        let factor = self.places.get(index - 1)?.scalar.factor();
        let low = self.distance(0, index)?;
        let high = -self.distance(index, 0)?;
        let low = low.div_euclid(factor) + i128::from(low.rem_euclid(factor) != 0);
        Some((
            i64::try_from(low).unwrap_or(i64::MIN),
            i64::try_from(high.div_euclid(factor)).unwrap_or(i64::MAX),
        ))
    }

    /// The columns with values already that this one must be above, and those that it must be below.
    pub(crate) fn neighbours(&self, column: &str) -> (Vec<Neighbour>, Vec<Neighbour>) {
        let Some(index) = self.index(column) else {
            return (Vec::new(), Vec::new());
        };
        let earlier = self.places.iter().enumerate().take(index - 1);
        let (mut floors, mut ceilings) = (Vec::new(), Vec::new());
        for (place, other) in earlier {
            // What follows from limits alone is in the range.
            let by_limits = |from, to| {
                let through = self.distance(from, 0).zip(self.distance(0, to));
                through.map(|(first, second)| first.saturating_add(second))
            };
            let neighbour = |distance| Neighbour {
                column: other.column.clone(),
                distance,
            };
            let floor = self.distance(place + 1, index);
            if floor > by_limits(place + 1, index) {
                floors.extend(floor.map(neighbour));
            }
            let ceiling = self.distance(index, place + 1);
            if ceiling > by_limits(index, place + 1) {
                ceilings.extend(ceiling.map(neighbour));
            }
        }
        (floors, ceilings)
    }
}

impl Place {
    /// The lowest and highest value by type and limits, in units.
    fn range(&self) -> (i64, i64) {
        let (low, high) = self.limits.interval(|text| self.scalar.read(text));
        (
            low.map_or(self.scalar.low, |low| low.max(self.scalar.low)),
            high.map_or(self.scalar.high, |high| high.min(self.scalar.high)),
        )
    }
}

/// A distance in the other direction.
fn turned(text: &str) -> String {
    match text.strip_prefix('-') {
        Some(positive) => positive.to_owned(),
        None => format!("-{text}"),
    }
}

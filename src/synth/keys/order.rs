//! The rows of tables in an order in which those that belong together stand together.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::spread::Spread;
use crate::synth::choice::permutation::Permutation;

/// The rows of a table in positions. Rows that belong to the same row of the table above, a tenant
/// or a project, have neighbouring positions, and so on upwards: the rows of any ancestor are one
/// range.
#[derive(Debug)]
pub(crate) struct Order {
    rows: u64,
    shuffle: Permutation,
    above: Option<(Arc<Order>, Spread)>,
}

/// A place for an order that is known once all of its table's keys are planned.
pub(crate) type Slot = Arc<OnceLock<Arc<Order>>>;

impl Order {
    /// The rows of a table in a random order of positions, below those of another or by themselves.
    pub(crate) fn new(key: u64, rows: u64, above: Option<(Arc<Order>, Spread)>) -> Self {
        Self {
            rows,
            shuffle: Permutation::new(key, rows),
            above,
        }
    }

    /// The rows of the table.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The order of the table above.
    pub(crate) fn parent(&self) -> Option<&Self> {
        self.above.as_ref().map(|(order, _)| order.as_ref())
    }

    /// The position of a row.
    pub(crate) fn position(&self, row: u64) -> u64 {
        self.shuffle.apply(row)
    }

    /// The row in a position.
    pub(crate) fn row(&self, position: u64) -> u64 {
        self.shuffle.invert(position)
    }

    /// The position of the ancestor so many levels up that a position belongs to.
    pub(crate) fn above(&self, levels: u32, position: u64) -> u64 {
        match (&self.above, levels) {
            (_, 0) | (None, _) => position,
            (Some((order, spread)), _) => order.above(levels - 1, spread.of(position)),
        }
    }

    /// The positions that belong to an ancestor's.
    pub(crate) fn within(&self, levels: u32, position: u64) -> Range<u64> {
        self.start(levels, position)..self.start(levels, position.saturating_add(1))
    }

    /// How many positions belong to an ancestor's positions before this one.
    pub(crate) fn start(&self, levels: u32, position: u64) -> u64 {
        match (&self.above, levels) {
            (_, 0) | (None, _) => position.min(self.rows),
            (Some((order, spread)), _) => spread.start(order.start(levels - 1, position)),
        }
    }

    /// How many positions of an ancestor have rows: the first ones.
    pub(crate) fn cover(&self, levels: u32) -> u64 {
        match (&self.above, levels) {
            (_, 0) | (None, _) => self.rows,
            (Some((order, spread)), _) => match spread.groups().checked_sub(1) {
                Some(last) => order.above(levels - 1, last) + 1,
                None => 0,
            },
        }
    }

    /// The most positions that belong to one of an ancestor's.
    pub(crate) fn largest(&self, levels: u32) -> u64 {
        /// Groups that are looked at one by one.
        const MOST: u64 = 1 << 22;
        let groups = self.cover(levels);
        if groups > MOST {
            return self.rows;
        }
        let sizes = (0..groups).map(|group| {
            let range = self.within(levels, group);
            range.end - range.start
        });
        sizes.max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::synth::choice::distribution::Distribution;

    proptest! {
        #[test]
        fn ranges_hold_what_belongs_to_them(key: u64, rows in prop::array::uniform3(1u64..120), used in 1u64..60) {
            let [tenants, projects, tasks] = rows;
            let even = |rows, groups| Spread::new(rows, groups, Distribution::Uniform);
            let top = Arc::new(Order::new(key, tenants, None));
            let middle = Some((Arc::clone(&top), even(projects, tenants.min(used))));
            let middle = Arc::new(Order::new(key ^ 1, projects, middle));
            let order = Order::new(key ^ 2, tasks, Some((middle, even(tasks, projects))));
            for levels in 0..3 {
                let mut seen = 0;
                for group in 0..order.cover(levels) {
                    let range = order.within(levels, group);
                    prop_assert!(!range.is_empty());
                    for position in range {
                        prop_assert_eq!(order.above(levels, position), group);
                        prop_assert_eq!(order.position(order.row(position)), position);
                        seen += 1;
                    }
                }
                prop_assert_eq!(seen, tasks);
                prop_assert!(order.within(levels, order.cover(levels)).is_empty());
            }
        }
    }
}

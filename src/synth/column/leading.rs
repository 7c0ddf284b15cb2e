//! Values that only the first row of each ancestor has: of the users of a tenant, one is its admin.

use std::sync::Arc;

use crate::synth::keys::order::Slot;

use super::ColumnPlan;

/// A column that is one thing in the first row of each ancestor, and another in all others.
#[derive(Debug, Clone)]
pub(crate) struct Leading {
    /// The order of the table.
    pub(crate) order: Slot,
    /// Levels up to the ancestor.
    pub(crate) levels: u32,
    /// What it is in the first rows; none for NULL.
    pub(crate) first: Option<Arc<ColumnPlan>>,
    /// What it is in the others.
    pub(crate) others: Option<Arc<ColumnPlan>>,
}

impl Leading {
    /// The plan of a row; none for NULL.
    pub(super) fn plan(&self, row: u64) -> Option<&Arc<ColumnPlan>> {
        let order = self.order.get()?;
        let position = order.position(row);
        let ancestor = order.above(self.levels, position);
        match order.start(self.levels, ancestor) == position {
            true => self.first.as_ref(),
            false => self.others.as_ref(),
        }
    }
}

//! How the links of a table whose rows have an order find the rows of their parents.

/// How a link finds the parent's row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Relation {
    /// By the table's own order.
    Above,
    /// Among those that agree with the row that another link chose: levels up from that row, and from
    /// the parent, to where both meet.
    Beside { base: usize, up: u32, down: u32 },
    /// Among earlier rows of the same table with the same ancestor.
    Earlier { levels: u32 },
    /// The row of the same number.
    Twin,
    /// Anywhere among the first positions of the parent.
    Free { rows: u64 },
}

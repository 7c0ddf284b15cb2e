//! Rows that workers share out among themselves while they write them.
//!
//! A table's rows are handed out in blocks, one after the other, so that rows lie in the table in
//! about the order of their numbers, exactly so where one worker writes it alone. What is to be done
//! takes no more memory for more rows.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::synth::{FillPlan, TablePlan};

/// Bytes of text that a worker sends at a time, about as many as a socket holds.
pub(super) const BUFFER: usize = 64 * 1024;

/// A table is joined if this much is left for each who then writes it. What they have sent and the
/// server has not yet written is a tenth of that, so that rows stay near their place.
const WORTH_JOINING: u64 = 4 * 1024 * 1024;

/// Rows, evenly spread, that tell how wide a table's rows are.
const SAMPLE: u64 = 32;

/// All tables of a fill, those with the most to write first.
#[derive(Debug)]
pub(super) struct Shares {
    tables: Vec<Share>,
    begun: AtomicUsize,
}

/// The rows of one table, handed out in blocks.
#[derive(Debug)]
pub(super) struct Share {
    /// The table's index in the plan.
    pub(super) table: usize,
    rows: u64,
    /// Mean bytes of a row's text.
    width: u64,
    next: AtomicU64,
    writers: AtomicU64,
}

impl Shares {
    pub(super) fn new(plan: &FillPlan) -> Self {
        let tables = plan.tables.iter().enumerate();
        let mut tables: Vec<Share> = tables
            .filter(|(_, planned)| planned.rows > 0)
            .map(|(table, planned)| Share {
                table,
                rows: planned.rows,
                width: width(planned),
                next: AtomicU64::new(0),
                writers: AtomicU64::new(0),
            })
            .collect();
        tables.sort_by_key(|share| Reverse(share.left()));
        Self {
            tables,
            begun: AtomicUsize::new(0),
        }
    }

    /// A table for a worker that has nothing to do: the largest that nobody writes yet, else the one
    /// that has most left, where that is worth it.
    pub(super) fn join(&self) -> Option<&Share> {
        let begun = self.begun.fetch_add(1, Ordering::Relaxed);
        let share = self.tables.get(begun).or_else(|| {
            let worth = self.tables.iter().filter(|share| share.is_worth_joining());
            worth.max_by_key(|share| share.left())
        })?;
        share.writers.fetch_add(1, Ordering::Relaxed);
        Some(share)
    }
}

impl Share {
    /// The next block of rows that nobody has; none when all are taken.
    pub(super) fn take(&self) -> Option<Range<u64>> {
        let size = (BUFFER as u64 / self.width).max(1);
        let begin = self.next.fetch_add(size, Ordering::Relaxed);
        (begin < self.rows).then(|| begin..begin.saturating_add(size).min(self.rows))
    }

    fn is_worth_joining(&self) -> bool {
        let writers = self.writers.load(Ordering::Relaxed) + 1;
        self.left() >= WORTH_JOINING.saturating_mul(writers)
    }

    /// Bytes of text that nobody has taken yet, about.
    fn left(&self) -> u64 {
        let taken = self.next.load(Ordering::Relaxed);
        self.rows.saturating_sub(taken).saturating_mul(self.width)
    }
}

/// What one worker writes of a table, as text to send.
#[derive(Debug)]
pub(super) struct Buffers<'a> {
    planned: &'a TablePlan,
    share: &'a Share,
    block: Range<u64>,
}

/// Whole rows in COPY's text format.
#[derive(Debug)]
pub(super) struct Buffer {
    pub(super) text: Vec<u8>,
    pub(super) rows: u64,
}

impl<'a> Buffers<'a> {
    pub(super) fn new(planned: &'a TablePlan, share: &'a Share) -> Self {
        Self {
            planned,
            share,
            block: 0..0,
        }
    }
}

impl Iterator for Buffers<'_> {
    type Item = Buffer;

    fn next(&mut self) -> Option<Buffer> {
        // The last row may be wider than what is left.
        let mut text = Vec::with_capacity(BUFFER + BUFFER / 8);
        let mut rows = 0;
        while text.len() < BUFFER {
            if self.block.is_empty() {
                match self.share.take() {
                    Some(block) => self.block = block,
                    None => break,
                }
            }
            let reached = self.planned.encode(self.block.clone(), BUFFER, &mut text);
            rows += reached - self.block.start;
            self.block.start = reached;
        }
        (rows > 0).then_some(Buffer { text, rows })
    }
}

fn width(planned: &TablePlan) -> u64 {
    let count = planned.rows.min(SAMPLE);
    let step = planned.rows.checked_div(count).unwrap_or(1);
    let mut row_text = Vec::new();
    let mut bytes = 0;
    for sample in 0..count {
        row_text.clear();
        let row = sample * step;
        planned.encode(row..row + 1, 1, &mut row_text);
        bytes += row_text.len() as u64;
    }
    bytes.checked_div(count).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn share(rows: u64, width: u64) -> Share {
        Share {
            table: 0,
            rows,
            width,
            next: AtomicU64::new(0),
            writers: AtomicU64::new(0),
        }
    }

    fn shares(tables: Vec<Share>) -> Shares {
        Shares {
            tables,
            begun: AtomicUsize::new(0),
        }
    }

    proptest! {
        #[test]
        fn every_row_is_handed_out_once_and_in_order(rows in 0u64..100_000, width in 1u64..200_000) {
            let share = share(rows, width);
            let mut expected = 0;
            while let Some(block) = share.take() {
                prop_assert_eq!(block.start, expected);
                prop_assert!(block.end > block.start);
                expected = block.end;
            }
            prop_assert_eq!(expected, rows);
            prop_assert_eq!(share.take(), None);
        }
    }

    #[test]
    fn blocks_are_no_wider_than_a_buffer() {
        assert_eq!(share(10, 1_000_000).take(), Some(0..1));
        assert_eq!(share(1_000_000, 64).take(), Some(0..1024));
    }

    #[test]
    fn a_table_is_joined_only_when_all_are_begun_and_much_is_left() {
        let all = shares(vec![share(1_000_000, 100), share(1_000, 100)]);
        let joined = |shares: &Shares| shares.join().map(|share| share.rows);
        assert_eq!(joined(&all), Some(1_000_000));
        assert_eq!(joined(&all), Some(1_000));
        assert_eq!(joined(&all), Some(1_000_000), "the largest again");
        while all.tables[0].left() >= 3 * WORTH_JOINING {
            all.tables[0].take().unwrap();
        }
        assert_eq!(joined(&all), None, "too little for three");
        assert!(all.tables[0].left() > 2 * WORTH_JOINING);
    }
}

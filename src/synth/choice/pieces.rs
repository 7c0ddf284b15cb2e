//! Things side by side along the numbers from 0.

/// Things of which each has the numbers from its beginning to the next one's, counted from 0.
#[derive(Debug, Clone)]
pub(crate) struct Pieces<T> {
    pieces: Vec<(u64, T)>,
}

impl<T> Default for Pieces<T> {
    fn default() -> Self {
        Self { pieces: Vec::new() }
    }
}

impl<T> Pieces<T> {
    /// Adds one that begins at `start`, where or after the last one does.
    pub(crate) fn push(&mut self, start: u64, piece: T) {
        self.pieces.push((start, piece));
    }

    /// The piece that has a number, and the number counted from the piece's beginning.
    pub(crate) fn at(&self, number: u64) -> Option<(u64, &T)> {
        let after = self.pieces.partition_point(|(start, _)| *start <= number);
        let (start, piece) = self.pieces.get(after.checked_sub(1)?)?;
        Some((number - start, piece))
    }

    /// All pieces in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().map(|(_, piece)| piece)
    }

    /// The pieces that have any of the numbers below `end`, and how many of these each has.
    pub(crate) fn lengths(&self, end: u64) -> impl Iterator<Item = (&T, u64)> {
        let ends = self.pieces.iter().skip(1).map(|(start, _)| *start);
        let pieces = self.pieces.iter().zip(ends.chain([end]));
        pieces.filter_map(|((start, piece), end)| {
            let length = end.checked_sub(*start).filter(|length| *length > 0)?;
            Some((piece, length))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_number_has_its_piece(lengths in prop::collection::vec(0u64..9, 1..8)) {
            let (mut pieces, mut start) = (Pieces::default(), 0);
            for (index, length) in lengths.iter().enumerate() {
                pieces.push(start, index);
                start += length;
            }
            let found: Vec<(u64, usize)> =
                (0..start).map(|number| pieces.at(number).unwrap()).map(|(n, p)| (n, *p)).collect();
            let expected: Vec<(u64, usize)> = lengths
                .iter()
                .enumerate()
                .flat_map(|(index, length)| (0..*length).map(move |n| (n, index)))
                .collect();
            prop_assert_eq!(found, expected);
            let some = lengths.iter().enumerate().filter(|(_, length)| **length > 0);
            let counted: Vec<(usize, u64)> = pieces.lengths(start).map(|(p, n)| (*p, n)).collect();
            prop_assert_eq!(counted, some.map(|(p, n)| (p, *n)).collect::<Vec<_>>());
        }
    }
}

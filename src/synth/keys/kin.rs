//! Which rows of their parents the rows of a table have, where they must agree: the user and the
//! project of a task are of the same tenant.

use std::sync::Arc;

use super::order::{Order, Slot};
use crate::synth::choice::chosen::{Chosen, Digit};
use crate::synth::choice::distribution::{Distribution, Sampler};
use crate::synth::choice::random;

/// Which row of its parent a row has, by positions in their [orders](Order).
#[derive(Debug, Clone)]
pub(crate) enum Kin {
    /// The one above it in the order of its own table.
    Above {
        /// The table's own order.
        order: Slot,
    },
    /// One that belongs to the same ancestor as the row that another foreign key chose.
    Beside {
        /// The other foreign key.
        base: Arc<Kin>,
        /// Levels from the row of `base` up to the ancestor.
        up: u32,
        /// The order of the parent.
        order: Slot,
        /// Levels from the parent up to the ancestor.
        down: u32,
        choice: Choice,
    },
    /// An earlier row of the same table that belongs to the same ancestor. The first one points to
    /// itself or, where it may, nowhere.
    Earlier {
        order: Slot,
        /// Levels up to the ancestor.
        levels: u32,
        key: u64,
        distribution: Distribution,
        first_is_null: bool,
    },
    /// The row of the same number.
    Twin { order: Slot, digit: Digit },
    /// Any position of the parent.
    Free { order: Slot, places: Places },
}

/// Which of all positions.
#[derive(Debug, Clone)]
pub(crate) enum Places {
    /// By a distribution.
    Chosen(Chosen),
    /// By a digit of the row's number.
    Digit(Digit),
}

/// Which of several positions.
#[derive(Debug, Clone)]
pub(crate) enum Choice {
    /// By chance.
    Random {
        key: u64,
        distribution: Distribution,
    },
    /// The one that a part of the row's index says.
    Digit(Arc<Index>, usize),
}

impl Kin {
    /// The parent's row, none for NULL.
    pub(crate) fn ordinal(&self, row: u64) -> Option<u64> {
        let position = self.position(row)?;
        Some(self.parent()?.row(position))
    }

    /// The parent's order.
    fn parent(&self) -> Option<&Order> {
        match self {
            Self::Above { order } => order.get()?.parent(),
            Self::Beside { order, .. }
            | Self::Earlier { order, .. }
            | Self::Twin { order, .. }
            | Self::Free { order, .. } => order.get().map(AsRef::as_ref),
        }
    }

    /// The position in the parent's order.
    fn position(&self, row: u64) -> Option<u64> {
        match self {
            Self::Above { order } => {
                let order = order.get()?;
                Some(order.above(1, order.position(row)))
            }
            Self::Beside {
                base,
                up,
                order,
                down,
                choice,
            } => {
                let ancestor = base.parent()?.above(*up, base.position(row)?);
                let range = order.get()?.within(*down, ancestor);
                let place = choice.of(row, range.end - range.start)?;
                Some(range.start + place)
            }
            Self::Earlier {
                order,
                levels,
                key,
                distribution,
                first_is_null,
            } => {
                let order = order.get()?;
                let position = order.position(row);
                let first = order.start(*levels, order.above(*levels, position));
                if position == first {
                    return (!first_is_null).then_some(first);
                }
                let bits = random::bits(*key, row);
                let sampler = Sampler::new(*distribution, position - first);
                Some(match distribution {
                    Distribution::Sequence => position - 1,
                    _ => first + sampler.sample(row, bits),
                })
            }
            Self::Twin { order, digit } => Some(order.get()?.position(digit.of(row)?)),
            Self::Free { places, .. } => match places {
                Places::Chosen(chosen) => Some(chosen.choose(row, random::bits(chosen.key, row))),
                Places::Digit(digit) => digit.of(row),
            },
        }
    }
}

impl Choice {
    fn of(&self, row: u64, count: u64) -> Option<u64> {
        let place = match self {
            Self::Random { key, distribution } => {
                Sampler::new(*distribution, count).sample(row, random::bits(*key, row))
            }
            Self::Digit(index, part) => index.part(row, Some(*part))?,
        };
        (place < count).then_some(place)
    }
}

/// The number of a row among those that belong to the same ancestor, cut into digits of a mixed
/// radix: together with the ancestor they are unique.
#[derive(Debug)]
pub(crate) struct Index {
    /// The order of the table.
    pub(crate) order: Slot,
    /// Levels up to the ancestor.
    pub(crate) levels: u32,
    /// The random key of the scatter.
    pub(crate) key: u64,
    /// What each digit counts up to.
    pub(crate) parts: Vec<Radix>,
    /// The digits that are NULL in rows beyond the last combination; others begin again.
    pub(crate) once: Vec<usize>,
}

/// What a digit counts up to.
#[derive(Debug, Clone)]
pub(crate) enum Radix {
    Fixed(u64),
    /// As many positions as belong to the ancestor `up` levels above the one right above the row.
    Belonging {
        up: u32,
        order: Slot,
        down: u32,
    },
}

/// A prime, by which neighbours among all combinations are moved apart (Knuth's multiplicative hash).
const STRIDE: u64 = 2_654_435_761;

impl Index {
    /// A digit of the row.
    fn digit(&self, row: u64, part: usize) -> Option<u64> {
        let order = self.order.get()?;
        let position = order.position(row);
        let ancestor = order.above(self.levels, position);
        let number = position - order.start(self.levels, ancestor);
        let direct = order.above(1, position);
        let radices = self
            .parts
            .iter()
            .map(|radix| radix.at(order.parent(), direct));
        let product = radices.clone().fold(1, u64::saturating_mul);
        let offset = random::below(random::bits(self.key, ancestor), product);
        let mut place = scattered(number.checked_rem(product)?, offset, product);
        for (index, radix) in radices.enumerate() {
            if index == part {
                return place.checked_rem(radix);
            }
            place = place.checked_div(radix)?;
        }
        None
    }

    /// How often all combinations were used up before the row.
    pub(crate) fn rest(&self, row: u64) -> Option<u64> {
        let order = self.order.get()?;
        let position = order.position(row);
        let number = position - order.start(self.levels, order.above(self.levels, position));
        number.checked_div(self.combinations(order.parent(), order.above(1, position)))
    }

    /// The combinations of the digits of rows right below a position of the table above.
    pub(crate) fn combinations(&self, above: Option<&Order>, direct: u64) -> u64 {
        let radices = self.parts.iter().map(|radix| radix.at(above, direct));
        radices.fold(1, u64::saturating_mul)
    }

    /// A digit for a column of its own.
    pub(crate) fn part(&self, row: u64, part: Option<usize>) -> Option<u64> {
        match part {
            Some(part) if self.once.contains(&part) && self.rest(row)? > 0 => None,
            Some(part) => self.digit(row, part),
            None => self.rest(row),
        }
    }
}

impl Radix {
    /// Its size for rows right below a position of the table above.
    fn at(&self, above: Option<&Order>, direct: u64) -> u64 {
        match self {
            Self::Fixed(count) => *count,
            Self::Belonging {
                up,
                order: parent,
                down,
            } => {
                let ancestor = above.map_or(direct, |above| above.above(*up, direct));
                let range = parent.get().map(|parent| parent.within(*down, ancestor));
                range.map_or(0, |range| range.end - range.start)
            }
        }
    }
}

/// Moves numbers below `count` about: a bijection, for no count but its multiples share a factor with
/// a prime.
fn scattered(number: u64, offset: u64, count: u64) -> u64 {
    if count.checked_rem(STRIDE).is_none_or(|rest| rest == 0) {
        return number;
    }
    let moved = u128::from(number) * u128::from(STRIDE) + u128::from(offset);
    u64::try_from(moved % u128::from(count)).unwrap_or(0)
}

//! Ranges and multiranges.

use crate::synth::choice::random;

use super::Shape;
use super::nested::write_quoted;

/// Ranges whose bounds are the values of another shape.
#[derive(Debug, Clone)]
pub(crate) struct Ranges {
    pub(crate) key: u64,
    /// The bounds by ordinal.
    pub(crate) bounds: Shape,
    /// How far apart two ranges begin and how long they are at most, in the bounds' ordinals. None
    /// where the bounds are in no order that is known: such a range holds one value.
    pub(crate) step: Option<Step>,
    /// Whether these are multiranges.
    pub(crate) multi: bool,
    /// Whether a few are empty or have no end.
    pub(crate) odd: bool,
    /// Ranges within the bounds.
    pub(crate) capacity: u64,
}

/// The distances of ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// From the beginning of one range to that of the next.
    pub(crate) apart: u64,
    /// The longest range.
    pub(crate) longest: u64,
}

/// One in so many ranges is empty, one has no beginning and one no end, where they may.
const ODD: u64 = 64;

impl Ranges {
    /// Whether ranges of different ordinals have nothing in common.
    pub(super) fn disjoint(&self) -> bool {
        !self.odd && self.step.is_none_or(|step| step.longest <= step.apart)
    }

    pub(super) fn write(&self, ordinal: u64, out: &mut Vec<u8>) {
        let bits = random::bits(self.key, ordinal);
        let Some(step) = self.step else {
            self.in_braces(out, |out| {
                out.push(b'[');
                write_quoted(&self.bounds, ordinal, out);
                out.push(b',');
                write_quoted(&self.bounds, ordinal, out);
                out.push(b']');
            });
            return;
        };
        let low = ordinal.saturating_mul(step.apart);
        if self.odd && bits.is_multiple_of(ODD) {
            out.extend_from_slice(if self.multi { b"{}" } else { b"empty" });
            return;
        }
        let (no_low, no_high) = (self.odd && bits % ODD == 1, self.odd && bits % ODD == 2);
        // A multirange of two leaves a gap between them, and needs the room for it.
        let parts = if self.multi && step.longest >= 4 && bits & 1 == 0 {
            2
        } else {
            1
        };
        let room = step.longest / parts;
        self.in_braces(out, |out| {
            for part in 0..parts {
                if part > 0 {
                    out.push(b',');
                }
                let most = if parts == 1 { room } else { room - 1 };
                let length = 1 + random::below(random::bits(bits, part), most);
                let from = low.saturating_add(part * room);
                let from = (!(no_low && part == 0)).then_some(from);
                let to = low.saturating_add(part * room).saturating_add(length);
                let to = (!(no_high && part + 1 == parts)).then_some(to);
                self.write_range(from, to, out);
            }
        });
    }

    fn write_range(&self, from: Option<u64>, to: Option<u64>, out: &mut Vec<u8>) {
        out.push(b'[');
        if let Some(from) = from {
            write_quoted(&self.bounds, from, out);
        }
        out.push(b',');
        if let Some(to) = to {
            write_quoted(&self.bounds, to, out);
        }
        out.push(b')');
    }

    fn in_braces(&self, out: &mut Vec<u8>, inner: impl FnOnce(&mut Vec<u8>)) {
        if self.multi {
            out.push(b'{');
        }
        inner(out);
        if self.multi {
            out.push(b'}');
        }
    }
}

//! Values made of values: arrays and composites, quoted as PostgreSQL reads them.

use crate::synth::choice::draw::Draw;
use crate::synth::choice::random;

use super::Shape;

/// The elements of an array.
#[derive(Debug, Clone)]
pub(crate) struct Elements {
    pub(crate) key: u64,
    pub(crate) shape: Shape,
    pub(crate) draw: Draw,
    /// Whether the ordinal itself must be in it.
    pub(crate) unique: bool,
    /// Fewest and most of them, but for a unique array, which has the fewest.
    pub(crate) counts: (u64, u64),
    /// What parts them: `;` of boxes, else `,` (`pg_type.typdelim`).
    pub(crate) delimiter: u8,
}

/// A field of a composite.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) shape: Shape,
    pub(crate) draw: Draw,
    /// Whether the ordinal itself is in it, so that the whole is unique.
    pub(crate) unique: bool,
}

impl Elements {
    pub(super) fn write(&self, ordinal: u64, out: &mut Vec<u8>) {
        let (fewest, most) = self.counts;
        let spread = most.saturating_sub(fewest) + 1;
        let count = match self.unique {
            true => fewest,
            false => fewest + random::below(random::bits(self.key, ordinal), spread),
        };
        out.push(b'{');
        for index in 0..count {
            if index > 0 {
                out.push(self.delimiter);
            }
            let row = match self.unique {
                true => ordinal,
                false => ordinal.wrapping_mul(most).wrapping_add(index),
            };
            match self.draw.ordinal(row) {
                None => out.extend_from_slice(b"NULL"),
                Some(element) => write_quoted(&self.shape, element, out),
            }
        }
        out.push(b'}');
    }
}

/// Writes a value as an element of an array or a bound of a range: in quotes, in which a backslash
/// goes before quotes and backslashes.
pub(super) fn write_quoted(shape: &Shape, ordinal: u64, out: &mut Vec<u8>) {
    if shape.is_bare() {
        return shape.write(ordinal, out);
    }
    out.push(b'"');
    let start = out.len();
    shape.write(ordinal, out);
    escape(out, start, |byte| {
        matches!(byte, b'"' | b'\\').then_some([b'\\', byte])
    });
    out.push(b'"');
}

/// How many ordinals give different composites: as many as its unique field has values.
pub(super) fn record_capacity(fields: &[Field]) -> u64 {
    let unique = fields.iter().find(|field| field.unique);
    unique.map_or(0, |field| field.shape.capacity())
}

/// Writes a composite: in quotes, quotes and backslashes are doubled.
pub(super) fn write_record(fields: &[Field], ordinal: u64, out: &mut Vec<u8>) {
    out.push(b'(');
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match field.draw.ordinal(ordinal) {
            // Nothing is NULL.
            None => {}
            Some(ordinal) if field.shape.is_bare() => field.shape.write(ordinal, out),
            Some(ordinal) => {
                out.push(b'"');
                let start = out.len();
                field.shape.write(ordinal, out);
                escape(out, start, |byte| {
                    matches!(byte, b'"' | b'\\').then_some([byte, byte])
                });
                out.push(b'"');
            }
        }
    }
    out.push(b')');
}

/// Replaces bytes from `start` on by two, where `escaped` says so. It costs nothing more than a
/// look at each byte where there is nothing to replace.
pub(crate) fn escape(out: &mut Vec<u8>, start: usize, escaped: impl Fn(u8) -> Option<[u8; 2]>) {
    let written = out.get(start..).unwrap_or_default();
    // Counting all needs no branch a byte, so the compiler looks at many at a time.
    let more = written
        .iter()
        .map(|&byte| usize::from(escaped(byte).is_some()));
    let more: usize = more.sum();
    if more == 0 {
        return;
    }
    let mut from = out.len();
    out.resize(from + more, 0);
    let mut to = out.len();
    // From the end, so that nothing is overwritten that was not read.
    while to > from {
        let unread = out.get(start..from).unwrap_or_default();
        let found = unread.iter().rposition(|&byte| escaped(byte).is_some());
        let Some(last) = found.map(|place| start + place) else {
            return;
        };
        let pair = out.get(last).and_then(|&byte| escaped(byte));
        to -= from - last - 1;
        out.copy_within(last + 1..from, to);
        to -= 2;
        if let (Some(place), Some(pair)) = (out.get_mut(to..to + 2), pair) {
            place.copy_from_slice(&pair);
        }
        from = last;
    }
}

//! What values look like: the text of a value as a function of its ordinal.

use super::calendar::Moments;
use super::captured::{Document, Stems, TimedUuid};
use super::decimal::Numbers;
use super::digits;
use super::draw::Draw;
use super::random;
use super::text::{Pattern, Text};

/// How the text of a value is made from an ordinal. Where it is [injective](Shape::capacity),
/// different ordinals give different values.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// Integers, decimals and floats.
    Numbers(Numbers),
    /// Dates, times and timestamps.
    Moments(Moments),
    /// Intervals of whole seconds.
    Interval,
    /// Words.
    Text(Text),
    /// A pattern of the scenario.
    Pattern(Pattern),
    /// UUIDs of version 4.
    Uuid { key: u64 },
    /// `bytea` of so many bytes, the ordinal among them.
    Bytes { key: u64, width: u32 },
    /// A bit string of so many bits.
    Bits { key: u64, width: u32 },
    /// A small JSON object.
    Json { key: u64 },
    /// An IP address; a network where `host` is false.
    Address { host: bool },
    /// A MAC address of so many bytes.
    Hardware { bytes: u32 },
    /// One of a list, by its index.
    Choice(Vec<String>),
    /// An array.
    Array(Box<Elements>),
    /// Known values, then others.
    Listed(Box<Listed>),
    /// Text between known bounds.
    Stems(Stems),
    /// UUIDs of version 7.
    TimedUuid(TimedUuid),
    /// A JSON object of a known width.
    Document(Document),
}

/// Known values, by the first ordinals, then those of a shape.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) values: Vec<String>,
    pub(crate) rest: Shape,
}

/// The elements of an array.
#[derive(Debug, Clone)]
pub(crate) struct Elements {
    pub(crate) key: u64,
    pub(crate) shape: Shape,
    pub(crate) draw: Draw,
    /// Whether the ordinal itself must be in it.
    pub(crate) unique: bool,
}

/// Most elements of an array that need not be unique.
const MOST_ELEMENTS: u64 = 3;

/// Addresses of `10.0.0.0/8`; further ones are of `fd00::/8`.
const PRIVATE_ADDRESSES: u64 = 1 << 24;

impl Shape {
    /// How many ordinals, from 0, give different values within the type.
    pub(crate) fn capacity(&self) -> u64 {
        match self {
            Self::Numbers(_) | Self::Moments(_) | Self::Json { .. } | Self::Address { .. } => {
                u64::MAX
            }
            Self::Uuid { .. } | Self::Interval => u64::MAX,
            Self::Text(text) => text.capacity(),
            Self::Pattern(pattern) if pattern.is_numbered() => u64::MAX,
            Self::Pattern(_) => 1,
            Self::Bytes { width, .. } => power_of_two(width.saturating_mul(8)),
            Self::Bits { width, .. } => power_of_two(*width),
            Self::Hardware { bytes } => power_of_two((bytes * 8).saturating_sub(8)),
            Self::Choice(values) => values.len() as u64,
            Self::Array(elements) if elements.unique => elements.shape.capacity(),
            Self::Array(_) => 0,
            Self::Listed(listed) => match listed.rest.capacity() {
                0 => 0,
                rest => rest.saturating_add(listed.values.len() as u64),
            },
            Self::Stems(_) | Self::TimedUuid(_) | Self::Document(_) => u64::MAX,
        }
    }

    /// Whether its text never holds a character that COPY must escape.
    pub(crate) fn is_plain(&self) -> bool {
        match self {
            Self::Numbers(_) | Self::Moments(_) | Self::Interval | Self::Text(_) => true,
            Self::Uuid { .. } | Self::Bits { .. } => true,
            Self::Address { .. } | Self::Hardware { .. } => true,
            // Words and numbers between quotes.
            Self::Json { .. } => true,
            Self::Pattern(_) | Self::Bytes { .. } => false,
            Self::Choice(_) | Self::Array(_) => false,
            Self::TimedUuid(_) | Self::Document(_) => true,
            Self::Listed(_) | Self::Stems(_) => false,
        }
    }

    /// Whether values sort as their ordinals do.
    pub(crate) fn is_ordered(&self) -> bool {
        match self {
            Self::Numbers(_) | Self::Moments(_) | Self::Interval | Self::Address { .. } => true,
            Self::Bits { width, .. } => *width <= 64,
            Self::Hardware { .. } | Self::Stems(_) | Self::TimedUuid(_) => true,
            // `jsonb` compares the value of the first key first.
            Self::Json { .. } | Self::Document(_) => true,
            Self::Listed(listed) => listed.rest.is_ordered(),
            _ => false,
        }
    }

    /// Writes the value's text, as PostgreSQL's input function of the type reads it.
    pub(crate) fn write(&self, ordinal: u64, out: &mut Vec<u8>) {
        match self {
            Self::Numbers(numbers) => numbers.write(ordinal, out),
            Self::Moments(moments) => moments.write(ordinal, out),
            Self::Interval => {
                seconds().write(ordinal, out);
                out.extend_from_slice(b" seconds");
            }
            Self::Text(text) => text.write(ordinal, out),
            Self::Pattern(pattern) => pattern.write(ordinal, out),
            Self::Uuid { key } => write_uuid(*key, ordinal, out),
            Self::Bytes { key, width } => write_bytes(*key, *width, ordinal, out),
            Self::Bits { key, width } => write_bits(*key, *width, ordinal, out),
            Self::Json { key } => write_json(*key, ordinal, out),
            Self::Address { host } => write_address(*host, ordinal, out),
            Self::Hardware { bytes } => write_hardware(*bytes, ordinal, out),
            Self::Choice(values) => {
                let index = ordinal.checked_rem(values.len() as u64).unwrap_or(0);
                let index = usize::try_from(index).unwrap_or(usize::MAX);
                let value = values.get(index).map_or("", String::as_str);
                out.extend_from_slice(value.as_bytes());
            }
            Self::Array(elements) => elements.write(ordinal, out),
            Self::Listed(listed) => listed.write(ordinal, out),
            Self::Stems(stems) => stems.write(ordinal, out),
            Self::TimedUuid(uuid) => write_halves(uuid.halves(ordinal), out),
            Self::Document(document) => document.write(ordinal, out),
        }
    }
}

impl Listed {
    fn write(&self, ordinal: u64, out: &mut Vec<u8>) {
        let known = usize::try_from(ordinal).ok();
        match known.and_then(|index| self.values.get(index)) {
            Some(value) => out.extend_from_slice(value.as_bytes()),
            None => self.rest.write(ordinal - self.values.len() as u64, out),
        }
    }
}

fn power_of_two(bits: u32) -> u64 {
    1u64.checked_shl(bits).unwrap_or(u64::MAX)
}

fn seconds() -> Numbers {
    Numbers { low: 0, scale: 0 }
}

fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend(bytes.iter().flat_map(|byte| digits::hex_pair(*byte)));
}

/// A version 4 UUID that holds the ordinal, mixed by a bijection, in its 122 free bits: unique.
fn write_uuid(key: u64, ordinal: u64, out: &mut Vec<u8>) {
    let mixed = random::bits(key, ordinal);
    let other = random::bits(!key, ordinal);
    let high = ((mixed >> 12) << 16) | 0x4000 | (mixed & 0x0fff);
    let low = (other >> 2) | (1 << 63);
    // The upper 4 bits of the mixed ordinal fell off above; they go where `other` was.
    write_halves((high, (low & !0xf) | (mixed >> 60)), out);
}

/// A UUID of these 128 bits.
fn write_halves((high, low): (u64, u64), out: &mut Vec<u8>) {
    let [h0, h1, h2, h3, h4, h5, h6, h7] = high.to_be_bytes();
    let [l0, l1, l2, l3, l4, l5, l6, l7] = low.to_be_bytes();
    for (index, group) in [
        &[h0, h1, h2, h3][..],
        &[h4, h5],
        &[h6, h7],
        &[l0, l1],
        &[l2, l3, l4, l5, l6, l7],
    ]
    .into_iter()
    .enumerate()
    {
        if index > 0 {
            out.push(b'-');
        }
        write_hex(group, out);
    }
}

/// Random bytes that end in the ordinal, mixed where it fits whole.
fn write_bytes(key: u64, width: u32, ordinal: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\x");
    let mut sequence = random::Sequence(random::bits(key, ordinal));
    let mut left = width as usize;
    while left > 8 {
        let chunk = sequence.next().to_le_bytes();
        let take = (left - 8).min(8);
        write_hex(chunk.get(..take).unwrap_or_default(), out);
        left -= take;
    }
    let tail = match left {
        8 => random::bits(key, ordinal),
        _ => ordinal,
    };
    write_hex(tail.to_be_bytes().get(8 - left..).unwrap_or_default(), out);
}

fn write_bits(key: u64, width: u32, ordinal: u64, out: &mut Vec<u8>) {
    let padding = random::bits(key, ordinal);
    for place in (0..width).rev() {
        let bit = match place {
            0..64 => ordinal >> place,
            _ => padding >> (place % 64),
        };
        out.push(b'0' + (bit & 1) as u8);
    }
}

fn write_json(key: u64, ordinal: u64, out: &mut Vec<u8>) {
    let mut sequence = random::Sequence(random::bits(key, ordinal));
    out.extend_from_slice(b"{\"id\": ");
    Numbers { low: 1, scale: 0 }.write(ordinal, out);
    out.extend_from_slice(b", \"kind\": \"");
    super::text::write_words(&mut sequence, 8, out);
    out.extend_from_slice(b"\", \"value\": ");
    Numbers { low: 0, scale: 2 }.write(random::below(sequence.next(), 100_000), out);
    out.push(b'}');
}

fn write_address(host: bool, ordinal: u64, out: &mut Vec<u8>) {
    let bytes = ordinal.to_be_bytes();
    if ordinal < PRIVATE_ADDRESSES {
        out.extend_from_slice(b"10");
        for byte in bytes.iter().skip(5) {
            out.push(b'.');
            Numbers {
                low: i64::from(*byte),
                scale: 0,
            }
            .write(0, out);
        }
        if !host {
            out.extend_from_slice(b"/32");
        }
        return;
    }
    out.extend_from_slice(b"fd00:");
    for group in bytes.chunks(2) {
        out.push(b':');
        write_hex(group, out);
    }
    if !host {
        out.extend_from_slice(b"/128");
    }
}

fn write_hardware(bytes: u32, ordinal: u64, out: &mut Vec<u8>) {
    // 02 marks a locally administered address.
    out.extend_from_slice(b"02");
    for place in (0..bytes.saturating_sub(1)).rev() {
        out.push(b':');
        let byte = ordinal.checked_shr(place * 8).unwrap_or(0) & 0xff;
        write_hex(&[byte as u8], out);
    }
}

impl Elements {
    fn write(&self, ordinal: u64, out: &mut Vec<u8>) {
        let count = match self.unique {
            true => 1,
            false => 1 + random::below(random::bits(self.key, ordinal), MOST_ELEMENTS),
        };
        out.push(b'{');
        for index in 0..count {
            if index > 0 {
                out.push(b',');
            }
            let row = match self.unique {
                true => ordinal,
                false => ordinal.wrapping_mul(MOST_ELEMENTS).wrapping_add(index),
            };
            let start = out.len() + 1;
            match (self.draw.ordinal(row), &self.shape) {
                (None, _) => out.extend_from_slice(b"NULL"),
                (Some(element), Shape::Numbers(_)) => self.shape.write(element, out),
                (Some(element), _) => {
                    out.push(b'"');
                    self.shape.write(element, out);
                    escape(out, start, |byte| {
                        matches!(byte, b'"' | b'\\').then_some([b'\\', byte])
                    });
                    out.push(b'"');
                }
            }
        }
        out.push(b'}');
    }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn text(shape: &Shape, ordinal: u64) -> String {
        let mut out = Vec::new();
        shape.write(ordinal, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn injective_shapes_are_injective() {
        let numbers = Shape::Numbers(seconds());
        for shape in [
            Shape::Uuid { key: 7 },
            Shape::Bytes { key: 7, width: 2 },
            Shape::Bytes { key: 7, width: 20 },
            Shape::Bits { key: 7, width: 12 },
            Shape::Json { key: 7 },
            Shape::Address { host: true },
            Shape::Hardware { bytes: 6 },
            Shape::Interval,
            Shape::Array(Box::new(Elements {
                key: 7,
                shape: numbers,
                draw: Draw::Row,
                unique: true,
            })),
        ] {
            let count = shape.capacity().min(4_000);
            let texts: BTreeSet<String> = (0..count).map(|n| text(&shape, n)).collect();
            assert_eq!(texts.len() as u64, count, "{shape:?}");
        }
    }

    #[test]
    fn values_are_written_as_postgresql_reads_them() {
        assert_eq!(text(&Shape::Address { host: true }, 258), "10.0.1.2");
        assert_eq!(
            text(&Shape::Address { host: false }, 1 << 24),
            "fd00::0000:0000:0100:0000/128"
        );
        assert_eq!(
            text(&Shape::Hardware { bytes: 6 }, 258),
            "02:00:00:00:01:02"
        );
        let uuid = text(&Shape::Uuid { key: 1 }, 5);
        assert_eq!(uuid.len(), 36);
        assert_eq!(&uuid[14..15], "4");
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
        assert_eq!(text(&Shape::Bytes { key: 1, width: 3 }, 5), "\\x000005");
        let json: serde_json::Value =
            serde_json::from_str(&text(&Shape::Json { key: 1 }, 5)).unwrap();
        assert_eq!(json["id"], 6);
        let choice = Shape::Choice(vec!["a \"b\" \\ c".into()]);
        let array = Shape::Array(Box::new(Elements {
            key: 1,
            shape: choice,
            draw: Draw::Row,
            unique: true,
        }));
        assert_eq!(text(&array, 0), r#"{"a \"b\" \\ c"}"#);
    }
}

//! What values look like: the text of a value as a function of its ordinal.

mod article;
mod binary;
mod document;
mod figure;
mod interval;
mod nested;
mod network;
mod range;
mod system;

use super::calendar::Moments;
use super::captured::{FittedJson, Stems, TimedUuid};
use super::decimal::Numbers;
use super::digits;
use super::matching::Matching;
use super::text::{Pattern, Text};
use crate::synth::choice::pieces::Pieces;

pub(crate) use article::Article;
pub(crate) use document::{Document, DocumentKind};
pub(crate) use figure::Figure;
pub(crate) use interval::{Intervals, Unit, read_interval};
pub(crate) use nested::{Elements, Field, escape};
pub(crate) use range::{Ranges, Step};
pub(crate) use system::SystemValue;

/// How the text of a value is made from an ordinal. Where it is [injective](Shape::capacity),
/// different ordinals give different values.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// Integers, decimals and floats.
    Numbers(Numbers),
    /// Numbers that end in so many zeros before the decimal point: `numeric(5,-2)`.
    Rounded { numbers: Numbers, zeros: u32 },
    /// Dates, times and timestamps.
    Moments(Moments),
    /// Intervals.
    Interval(Intervals),
    /// Words.
    Text(Text),
    /// A pattern of the scenario.
    Pattern(Pattern),
    /// Texts that match a regular expression.
    Matching(Box<Matching>),
    /// UUIDs of version 4.
    Uuid { key: u64 },
    /// UUIDs of no version whose upper 64 bits are in `low..low + count`.
    UuidWithin { key: u64, low: u64, count: u64 },
    /// `bytea` of so many bytes, the ordinal among them.
    Bytes { key: u64, width: u32 },
    /// A bit string of so many bits.
    Bits { key: u64, width: u32 },
    /// A small JSON object.
    Json { key: u64 },
    /// Other texts with a syntax: XML, text search, paths, labels.
    Document(Document),
    /// An IP address; a network where `host` is false.
    Address { host: bool },
    /// A MAC address of so many bytes.
    Hardware { bytes: u32 },
    /// A geometric figure.
    Figure { key: u64, figure: Figure },
    /// What PostgreSQL itself counts in: places, positions, snapshots.
    System(SystemValue),
    /// A product's or publication's number with its check digit.
    Article(Article),
    /// A range or a multirange.
    Range(Box<Ranges>),
    /// A composite value, field by field.
    Record(Vec<Field>),
    /// Those of several shapes, side by side.
    Pieces {
        shapes: Pieces<Shape>,
        capacity: u64,
    },
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
    FittedJson(FittedJson),
}

/// Known values, by the first ordinals, then those of a shape.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) values: Vec<String>,
    pub(crate) rest: Shape,
}

impl Shape {
    /// How many ordinals, from 0, give different values within the type; 0 where values repeat at
    /// will.
    pub(crate) fn capacity(&self) -> u64 {
        match self {
            Self::Numbers(_) | Self::Rounded { .. } | Self::Moments(_) => u64::MAX,
            Self::Json { .. } | Self::Document(_) => u64::MAX,
            Self::Uuid { .. } | Self::UuidWithin { .. } => u64::MAX,
            Self::Pieces { capacity, .. } => *capacity,
            Self::Interval(intervals) => intervals.capacity(),
            Self::Text(text) => text.capacity(),
            Self::Matching(matching) => matching.capacity(),
            Self::Pattern(pattern) if pattern.is_numbered() => u64::MAX,
            Self::Pattern(_) => 1,
            Self::Bytes { width, .. } => power_of_two(width.saturating_mul(8)),
            Self::Bits { width, .. } => power_of_two(*width),
            Self::Address { host } => network::capacity(*host),
            Self::Hardware { bytes } => power_of_two((bytes * 8).saturating_sub(8)),
            Self::Figure { figure, .. } => figure.capacity(),
            Self::System(system) => system.capacity(),
            Self::Article(article) => article.capacity(),
            Self::Range(ranges) => ranges.capacity,
            Self::Record(fields) => nested::record_capacity(fields),
            Self::Choice(values) => values.len() as u64,
            Self::Array(elements) if elements.unique => elements.shape.capacity(),
            Self::Array(_) => 0,
            Self::Listed(listed) => match listed.rest.capacity() {
                0 => 0,
                rest => rest.saturating_add(listed.values.len() as u64),
            },
            Self::Stems(_) | Self::TimedUuid(_) | Self::FittedJson(_) => u64::MAX,
        }
    }

    /// Whether values of different ordinals do not overlap (`&&`), as exclusion constraints ask.
    pub(crate) fn disjoint(&self) -> bool {
        match self {
            Self::Range(ranges) => ranges.disjoint(),
            Self::Figure { figure, .. } => figure.disjoint(),
            Self::Address { .. } => true,
            // Arrays overlap in an element; that of a unique one is its own.
            Self::Array(elements) => elements.unique,
            _ => false,
        }
    }

    /// Whether a higher ordinal gives a greater value.
    pub(crate) fn rises(&self) -> bool {
        matches!(
            self,
            Self::Numbers(_) | Self::Rounded { .. } | Self::Moments(_) | Self::Interval(_)
        )
    }

    /// Whether values sort as their ordinals do: all that [rise](Self::rises), and those that the type's
    /// order compares by what the ordinal decides.
    pub(crate) fn is_ordered(&self) -> bool {
        match self {
            Self::Address { .. } | Self::Hardware { .. } => true,
            Self::Bits { width, .. } => *width <= 64,
            Self::Stems(_) | Self::TimedUuid(_) => true,
            // `jsonb` compares the value of the first key first.
            Self::Json { .. } | Self::FittedJson(_) => true,
            Self::Listed(listed) => listed.rest.is_ordered(),
            _ => self.rises(),
        }
    }

    /// Whether its text never holds a character that COPY must escape.
    pub(crate) fn is_plain(&self) -> bool {
        match self {
            Self::Pattern(_) | Self::Matching(_) | Self::Bytes { .. } => false,
            Self::Choice(_) | Self::Array(_) | Self::Record(_) => false,
            Self::Listed(_) | Self::Stems(_) => false,
            Self::Range(ranges) => ranges.bounds.rises(),
            Self::Pieces { shapes, .. } => shapes.all().all(Self::is_plain),
            _ => true,
        }
    }

    /// Whether its text needs no quotes within arrays, records and ranges: digits and signs alone.
    fn is_bare(&self) -> bool {
        matches!(self, Self::Numbers(_) | Self::Rounded { .. })
    }

    /// Writes the value's text, as PostgreSQL's input function of the type reads it.
    pub(crate) fn write(&self, ordinal: u64, out: &mut Vec<u8>) {
        match self {
            Self::Numbers(numbers) => numbers.write(ordinal, out),
            Self::Rounded { numbers, zeros } => write_rounded(numbers, *zeros, ordinal, out),
            Self::Moments(moments) => moments.write(ordinal, out),
            Self::Interval(intervals) => intervals.write(ordinal, out),
            Self::Text(text) => text.write(ordinal, out),
            Self::Pattern(pattern) => pattern.write(ordinal, out),
            Self::Matching(matching) => matching.write(ordinal, out),
            Self::Uuid { key } => binary::write_uuid(*key, ordinal, out),
            Self::UuidWithin { key, low, count } => {
                binary::write_uuid_within(*key, (*low, *count), ordinal, out);
            }
            Self::Pieces { shapes, .. } => {
                if let Some((ordinal, shape)) = shapes.at(ordinal) {
                    shape.write(ordinal, out);
                }
            }
            Self::Bytes { key, width } => binary::write_bytes(*key, *width, ordinal, out),
            Self::Bits { key, width } => binary::write_bits(*key, *width, ordinal, out),
            Self::Json { key } => document::write_json(*key, ordinal, out),
            Self::Document(document) => document.write(ordinal, out),
            Self::Address { host } => network::write_address(*host, ordinal, out),
            Self::Hardware { bytes } => network::write_hardware(*bytes, ordinal, out),
            Self::Figure { key, figure } => figure.write(*key, ordinal, out),
            Self::System(system) => system.write(ordinal, out),
            Self::Article(article) => article.write(ordinal, out),
            Self::Range(ranges) => ranges.write(ordinal, out),
            Self::Record(fields) => nested::write_record(fields, ordinal, out),
            Self::Choice(values) => write_choice(values, ordinal, out),
            Self::Array(elements) => elements.write(ordinal, out),
            Self::Listed(listed) => listed.write(ordinal, out),
            Self::Stems(stems) => stems.write(ordinal, out),
            Self::TimedUuid(uuid) => binary::write_uuid_halves(uuid.halves(ordinal), out),
            Self::FittedJson(json) => json.write(ordinal, out),
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

fn write_choice(values: &[String], ordinal: u64, out: &mut Vec<u8>) {
    let index = ordinal.checked_rem(values.len() as u64).unwrap_or(0);
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    let value = values.get(index).map_or("", String::as_str);
    out.extend_from_slice(value.as_bytes());
}

fn write_rounded(numbers: &Numbers, zeros: u32, ordinal: u64, out: &mut Vec<u8>) {
    let start = out.len();
    numbers.write(ordinal, out);
    if out.get(start..) != Some(b"0") {
        out.extend(std::iter::repeat_n(b'0', zeros as usize));
    }
}

/// Writes a whole number.
fn write_number(number: u64, out: &mut Vec<u8>) {
    Numbers { low: 0, scale: 0 }.write(number, out);
}

/// Writes a signed whole number.
fn write_signed(number: i64, out: &mut Vec<u8>) {
    Numbers {
        low: number,
        scale: 0,
    }
    .write(0, out);
}

/// Writes bytes as lower-case hexadecimal digits.
fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend(bytes.iter().flat_map(|byte| digits::hex_pair(*byte)));
}

#[cfg(test)]
mod tests;

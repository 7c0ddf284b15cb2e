//! Geometric figures. Each lies within a cell of its own of a grid, so that figures of different
//! ordinals neither are the same nor overlap.

use crate::synth::choice::random;
use crate::synth::value::decimal::Numbers;

use super::write_number;

/// A geometric type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figure {
    /// `point`.
    Point,
    /// `line`.
    Line,
    /// `lseg`.
    Segment,
    /// `box`.
    Box,
    /// `path`.
    Path,
    /// `polygon`.
    Polygon,
    /// `circle`.
    Circle,
    /// `cube`: a point on the Earth's surface, so that the domain `earth` takes it too.
    Cube,
    /// `seg`: an interval of the line of numbers.
    Seg,
}

/// The side of a cell. Figures keep 1 away from its edge.
const CELL: u64 = 20;

/// The Earth's radius in metres, as `earth()` of earthdistance has it.
const EARTH: f64 = 6_378_168.0;

/// Decimal places of a point on the Earth: micrometres.
const EARTH_PLACES: u32 = 6;

impl Figure {
    /// How many ordinals give different figures.
    pub(super) fn capacity(self) -> u64 {
        match self {
            Self::Line => 1 << 53,
            // Points that the golden ratio spreads over a metre each are still micrometres apart.
            Self::Cube => 1 << 32,
            // `float4` holds whole numbers below 2^24, of which a figure takes two.
            Self::Seg => 1 << 23,
            // Coordinates stay below 2^53, where `float8` is exact.
            _ => u64::MAX,
        }
    }

    /// Whether figures of different ordinals share no point.
    pub(super) fn disjoint(self) -> bool {
        !matches!(self, Self::Line)
    }

    pub(super) fn write(self, key: u64, ordinal: u64, out: &mut Vec<u8>) {
        let cell = Cell::new(key, ordinal);
        match self {
            Self::Point => cell.write_point(cell.low, out),
            Self::Line => {
                out.extend_from_slice(b"{1,-1,");
                write_number(ordinal, out);
                out.push(b'}');
            }
            Self::Segment => cell.write_points(b"[]", &[cell.low, cell.high], out),
            Self::Box => cell.write_points(b"  ", &[cell.high, cell.low], out),
            Self::Path => match cell.bits & 1 {
                0 => cell.write_points(b"[]", &cell.corners(), out),
                _ => cell.write_points(b"()", &cell.corners(), out),
            },
            Self::Polygon => cell.write_points(b"()", &cell.corners(), out),
            Self::Circle => {
                out.push(b'<');
                cell.write_point((CELL / 2, CELL / 2), out);
                out.push(b',');
                write_number(1 + cell.bits % (CELL / 2 - 1), out);
                out.push(b'>');
            }
            Self::Cube => write_earth(ordinal, out),
            Self::Seg => {
                write_number(ordinal.saturating_mul(2), out);
                out.extend_from_slice(b" .. ");
                write_number(ordinal.saturating_mul(2).saturating_add(1), out);
            }
        }
    }
}

/// An ordinal's cell of the grid and a rectangle in it, by its corners' distance from the cell's.
struct Cell {
    x: u64,
    y: u64,
    low: (u64, u64),
    high: (u64, u64),
    bits: u64,
}

impl Cell {
    /// Cells are numbered along a Z-order curve, so that few of them are a square.
    fn new(key: u64, ordinal: u64) -> Self {
        let bits = random::bits(key, ordinal);
        let place = |shift: u32| (bits >> shift) % (CELL / 2 - 1);
        Self {
            x: every_second_bit(ordinal),
            y: every_second_bit(ordinal >> 1),
            low: (1 + place(8), 1 + place(16)),
            high: (CELL / 2 + place(24), CELL / 2 + place(32)),
            bits,
        }
    }

    fn corners(&self) -> [(u64, u64); 3] {
        [self.low, (self.high.0, self.low.1), self.high]
    }

    fn write_point(&self, (x, y): (u64, u64), out: &mut Vec<u8>) {
        out.push(b'(');
        write_number(self.x * CELL + x, out);
        out.push(b',');
        write_number(self.y * CELL + y, out);
        out.push(b')');
    }

    fn write_points(&self, around: &[u8; 2], points: &[(u64, u64)], out: &mut Vec<u8>) {
        let [before, after] = *around;
        let bare = before == b' ';
        if !bare {
            out.push(before);
        }
        for (index, point) in points.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            self.write_point(*point, out);
        }
        if !bare {
            out.push(after);
        }
    }
}

/// The bits at even places, moved together.
fn every_second_bit(bits: u64) -> u64 {
    let mut spread = bits & 0x5555_5555_5555_5555;
    for (shift, mask) in [
        (1, 0x3333_3333_3333_3333),
        (2, 0x0f0f_0f0f_0f0f_0f0f),
        (4, 0x00ff_00ff_00ff_00ff),
        (8, 0x0000_ffff_0000_ffff),
        (16, 0x0000_0000_ffff_ffff),
    ] {
        spread = (spread | (spread >> shift)) & mask;
    }
    spread
}

/// A point on the Earth's surface: the height goes by multiples of the golden ratio, whose points
/// stay far apart; the longitude by random bits. Only operations that every processor rounds alike.
fn write_earth(ordinal: u64, out: &mut Vec<u8>) {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let height = 2.0 * random::unit(ordinal.wrapping_mul(GOLDEN)) - 1.0;
    let bits = random::mix(ordinal);
    // Half a circle by the tangent of a quarter of the angle; the other half by the sign.
    let tangent = 2.0 * random::unit(bits) - 1.0;
    let square = tangent * tangent;
    let sign = if bits & 1 == 0 { 1.0 } else { -1.0 };
    let across = (1.0 - height * height).max(0.0).sqrt();
    let x = sign * across * (1.0 - square) / (1.0 + square);
    let y = across * 2.0 * tangent / (1.0 + square);
    for (mark, coordinate) in [(b'(', x), (b',', y), (b',', height)] {
        out.push(mark);
        let unit = 10f64.powi(EARTH_PLACES.cast_signed());
        Numbers {
            low: (coordinate * EARTH * unit).round() as i64,
            scale: EARTH_PLACES,
        }
        .write(0, out);
    }
    out.push(b')');
}

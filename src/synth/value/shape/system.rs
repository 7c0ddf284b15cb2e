//! What PostgreSQL itself counts in.

use super::write_number;

/// A type of PostgreSQL's own bookkeeping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SystemValue {
    /// `tid`: a block and a place in it.
    Place,
    /// `pg_lsn`.
    Position,
    /// `pg_snapshot` and `txid_snapshot`.
    Snapshot,
    /// `int2vector` and `oidvector`.
    Vector,
}

/// Places of a block that are used.
const PLACES: u64 = 200;

/// Bytes between two positions in the WAL.
const RECORD: u64 = 64;

/// Transactions between two snapshots.
const SNAPSHOT: u64 = 4;

/// What an element of a vector counts up to: within `int2`.
const ELEMENT: u64 = 30_000;

impl SystemValue {
    /// How many ordinals give different values.
    pub(super) fn capacity(self) -> u64 {
        match self {
            Self::Place => PLACES << 32,
            Self::Position => u64::MAX / RECORD,
            // The numbers are 63 bits wide.
            Self::Snapshot => (u64::MAX >> 1) / SNAPSHOT - 2,
            Self::Vector => u64::MAX,
        }
    }

    pub(super) fn write(self, ordinal: u64, out: &mut Vec<u8>) {
        match self {
            Self::Place => {
                out.push(b'(');
                write_number(ordinal / PLACES, out);
                out.push(b',');
                write_number(ordinal % PLACES + 1, out);
                out.push(b')');
            }
            Self::Position => {
                let position = ordinal.saturating_mul(RECORD);
                write_upper_hex(position >> 32, out);
                out.push(b'/');
                write_upper_hex(position & 0xffff_ffff, out);
            }
            Self::Snapshot => {
                // The oldest that runs, the next to start, and those that run in between.
                let oldest = ordinal.saturating_add(1).saturating_mul(SNAPSHOT);
                for (mark, number) in [(b':', 0), (b':', SNAPSHOT), (b',', 0), (b' ', 2)] {
                    write_number(oldest.saturating_add(number), out);
                    if mark != b' ' {
                        out.push(mark);
                    }
                }
            }
            Self::Vector => {
                let mut rest = ordinal;
                loop {
                    write_number(rest % ELEMENT + 1, out);
                    rest /= ELEMENT;
                    if rest == 0 {
                        break;
                    }
                    out.push(b' ');
                }
            }
        }
    }
}

/// Writes a number as PostgreSQL prints halves of an LSN: upper case, without leading zeros.
fn write_upper_hex(number: u64, out: &mut Vec<u8>) {
    let digits = (64 - number.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        let digit = ((number >> (place * 4)) & 15) as u8;
        out.push(match digit {
            0..10 => b'0' + digit,
            _ => b'A' + digit - 10,
        });
    }
}

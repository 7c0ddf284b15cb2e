//! Intervals: written in years, months, days and a time of day, as PostgreSQL prints them.

use super::{write_number, write_signed};

/// The smallest part of an interval that a type keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// `interval year`.
    Year,
    /// `interval month`, `interval year to month`.
    Month,
    /// `interval day`.
    Day,
    /// `interval hour`, `interval day to hour`.
    Hour,
    /// `interval minute`, …
    Minute,
    /// Any other.
    Second,
}

/// A series of intervals: `low`, `low + 1`, … units. Different ones are different to PostgreSQL,
/// which takes a month for 30 days and a day for 24 hours when it compares.
#[derive(Debug, Clone)]
pub(crate) struct Intervals {
    pub(crate) unit: Unit,
    pub(crate) low: i64,
}

const DAY: u64 = 86_400;
const MONTH: u64 = 30 * DAY;
const YEAR: u64 = 12 * MONTH;

/// Seconds of the longest interval written: 100 million years of the 178 million that there may be.
const LONGEST: u64 = 100_000_000 * YEAR;

impl Unit {
    /// Its length in seconds, as PostgreSQL compares it.
    pub(crate) fn seconds(self) -> u64 {
        match self {
            Self::Year => YEAR,
            Self::Month => MONTH,
            Self::Day => DAY,
            Self::Hour => 3_600,
            Self::Minute => 60,
            Self::Second => 1,
        }
    }
}

impl Intervals {
    /// How many ordinals give different intervals.
    pub(super) fn capacity(&self) -> u64 {
        (LONGEST / self.unit.seconds()).saturating_sub(self.low.unsigned_abs())
    }

    pub(super) fn write(&self, ordinal: u64, out: &mut Vec<u8>) {
        let units = self.low.saturating_add_unsigned(ordinal);
        let negative = units < 0;
        let seconds = units.unsigned_abs().saturating_mul(self.unit.seconds());
        let start = out.len();
        for (count, name) in [
            (seconds / YEAR, "year"),
            (seconds % YEAR / MONTH, "mon"),
            (seconds % MONTH / DAY, "day"),
        ] {
            if count > 0 {
                write_part(count, name, negative, out);
            }
        }
        let time = seconds % DAY;
        if time > 0 || out.len() == start {
            if negative {
                out.push(b'-');
            }
            for (index, number) in [time / 3_600, time / 60 % 60, time % 60]
                .into_iter()
                .enumerate()
            {
                if index > 0 {
                    out.push(b':');
                }
                if number < 10 {
                    out.push(b'0');
                }
                write_number(number, out);
            }
        } else {
            // The space after the last part.
            out.pop();
        }
    }
}

fn write_part(count: u64, name: &str, negative: bool, out: &mut Vec<u8>) {
    let signed = i64::try_from(count).unwrap_or(i64::MAX);
    let signed = if negative { -signed } else { signed };
    write_signed(signed, out);
    out.push(b' ');
    out.extend_from_slice(name.as_bytes());
    if signed != 1 {
        out.push(b's');
    }
    out.push(b' ');
}

/// Reads an interval as PostgreSQL prints or people write it (`1 year 2 mons 3 days 04:05:06`,
/// `90 minutes`), in seconds; none for what is not understood or has fractions.
pub(crate) fn read_interval(text: &str) -> Option<i64> {
    let mut words = text.split_ascii_whitespace();
    let mut seconds = 0i64;
    let mut any = false;
    while let Some(word) = words.next() {
        any = true;
        let part = match word.contains(':') {
            true => read_clock(word)?,
            false => {
                let (count, unit) = match word.find(|c: char| c.is_ascii_alphabetic()) {
                    Some(at) => word.split_at(at),
                    None => (word, words.next()?),
                };
                count.parse::<i64>().ok()?.checked_mul(read_unit(unit)?)?
            }
        };
        seconds = seconds.checked_add(part)?;
    }
    any.then_some(seconds)
}

/// The seconds of a unit by any of its names.
fn read_unit(name: &str) -> Option<i64> {
    let singular = match name {
        "s" => name,
        plural => plural.strip_suffix('s').unwrap_or(plural),
    };
    let seconds = match singular {
        "year" | "yr" | "y" => YEAR,
        "month" | "mon" => MONTH,
        "week" | "w" => 7 * DAY,
        "day" | "d" => DAY,
        "hour" | "hr" | "h" => 3_600,
        "minute" | "min" | "m" => 60,
        "second" | "sec" | "s" => 1,
        _ => return None,
    };
    i64::try_from(seconds).ok()
}

fn read_clock(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut parts = digits.split(':');
    let mut number = || {
        parts
            .next()
            .map_or(Some(0), |part| part.parse::<u32>().ok())
    };
    let (hours, minutes, seconds) = (number()?, number()?, number()?);
    let total = (i64::from(hours) * 60 + i64::from(minutes)) * 60 + i64::from(seconds);
    Some(sign * total)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(unit: Unit, low: i64) -> String {
        let mut out = Vec::new();
        Intervals { unit, low }.write(0, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn intervals_are_written_as_postgresql_prints_them() {
        for (unit, low, expected) in [
            (Unit::Second, 0, "00:00:00"),
            (Unit::Second, 86_400 * 33 + 3_661, "1 mon 3 days 01:01:01"),
            (Unit::Second, -90, "-00:01:30"),
            (Unit::Month, 14, "1 year 2 mons"),
            (Unit::Month, -1, "-1 mons"),
            (Unit::Year, 2, "2 years"),
            (Unit::Day, 1, "1 day"),
            (Unit::Hour, 25, "1 day 01:00:00"),
        ] {
            assert_eq!(text(unit, low), expected);
        }
    }

    #[test]
    fn what_people_write_is_read() {
        for (text, seconds) in [
            ("90 minutes", Some(5_400)),
            ("1h", Some(3_600)),
            ("1 week", Some(604_800)),
            ("-1 days +02:00", Some(7_200 - 86_400)),
            ("30s", Some(30)),
            ("", None),
            ("1", None),
            ("1.5 days", None),
            ("5 moons", None),
        ] {
            assert_eq!(read_interval(text), seconds, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(units in -1_000_000_000i64..1_000_000_000) {
            for unit in [Unit::Month, Unit::Day, Unit::Hour, Unit::Minute, Unit::Second] {
                let seconds = units * i64::try_from(unit.seconds()).unwrap();
                prop_assert_eq!(read_interval(&text(unit, units)), Some(seconds));
            }
        }

        #[test]
        fn reading_never_panics(text in ".{0,30}|[0-9:+ -]{0,12}[a-z]{0,4}") {
            let _ = read_interval(&text);
        }
    }
}

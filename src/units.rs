//! Quantities with units, as scenarios write them and reports print them.

mod bytes;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use bytes::Bytes;

/// What is wrong with a quantity as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Not a row count.
    #[error(
        "`{0}` is not a number of rows: write a whole number, or one with k, M or G, as in \"2M\""
    )]
    Rows(String),
    /// Not a duration.
    #[error("`{0}` is not a duration: write a number with us, ms, s, min, h or d, as in \"500ms\"")]
    Duration(String),
    /// No number of bytes.
    #[error("`{0}` is no number of bytes: write it as 20GB or 512MiB")]
    Bytes(String),
    /// Larger than this program can count.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

/// A number of rows. Written as a whole number, or with `k`, `M` or `G` (powers of 1,000).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Rows(pub u64);

impl FromStr for Rows {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = || UnitError::Rows(text.to_owned());
        let (digits, scale) = match text.trim().strip_suffix(['k', 'M', 'G']) {
            Some(digits) if text.trim().ends_with('k') => (digits, 1_000),
            Some(digits) if text.trim().ends_with('M') => (digits, 1_000_000),
            Some(digits) => (digits, 1_000_000_000),
            None => (text.trim(), 1),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() || ends_badly(digits, fraction) {
            return Err(wrong());
        }
        let whole: u64 = whole.parse().map_err(|_| wrong())?;
        let mut rows = whole.checked_mul(scale);
        let mut place = scale;
        for digit in fraction.chars() {
            let digit = u64::from(digit.to_digit(10).ok_or_else(wrong)?);
            if place % 10 != 0 {
                return Err(wrong());
            }
            place /= 10;
            rows = rows.and_then(|rows| rows.checked_add(digit.checked_mul(place)?));
        }
        rows.map(Rows)
            .ok_or_else(|| UnitError::TooLarge(text.to_owned()))
    }
}

fn ends_badly(digits: &str, fraction: &str) -> bool {
    digits.ends_with('.') || digits.starts_with('+') || fraction.starts_with('+')
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (scale, suffix) in [(1_000_000_000, 'G'), (1_000_000, 'M'), (1_000, 'k')] {
            if self.0 >= scale {
                let tenths = self.0 / (scale / 10);
                return match tenths % 10 {
                    0 => write!(f, "{}{suffix}", tenths / 10),
                    tenth => write!(f, "{}.{tenth}{suffix}", tenths / 10),
                };
            }
        }
        write!(f, "{}", self.0)
    }
}

impl Serialize for Rows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Rows;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of rows, as 100000 or \"100k\"")
            }

            fn visit_u64<E: de::Error>(self, rows: u64) -> Result<Rows, E> {
                Ok(Rows(rows))
            }

            fn visit_i64<E: de::Error>(self, rows: i64) -> Result<Rows, E> {
                u64::try_from(rows)
                    .map(Rows)
                    .map_err(|_| E::custom(UnitError::Rows(rows.to_string())))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Rows, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A duration as scenarios write it (`"500ms"`, `"2s"`, `"1.5h"`; `"0"` is none).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span(pub Duration);

impl Span {
    /// A span of so many seconds; zero for what no duration can be (negative, not a number).
    pub fn from_seconds(seconds: f64) -> Self {
        Self(Duration::try_from_secs_f64(seconds).unwrap_or_default())
    }
}

/// Ten years: added to a moment of now, a longer one may be beyond what a clock can hold.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);

impl FromStr for Span {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = || UnitError::Duration(text.to_owned());
        let trimmed = text.trim();
        if trimmed == "0" {
            return Ok(Span(Duration::ZERO));
        }
        let unit_at = trimmed
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .ok_or_else(wrong)?;
        let (number, unit) = trimmed.split_at(unit_at);
        let seconds_per_unit = match unit.trim() {
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "min" | "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return Err(wrong()),
        };
        let number: f64 = number.parse().map_err(|_| wrong())?;
        // Rounded to the nanosecond, so that "0.1s" and "100ms" are equal.
        Duration::try_from_secs_f64(number * seconds_per_unit)
            .ok()
            .filter(|span| *span <= LONGEST)
            .map(Span)
            .ok_or_else(|| UnitError::TooLarge(text.to_owned()))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        match seconds {
            0.0 => f.write_str("0 s"),
            s if s < 0.001 => write!(f, "{:.0} µs", s * 1e6),
            s if s < 0.01 => write!(f, "{:.2} ms", s * 1e3),
            s if s < 0.1 => write!(f, "{:.1} ms", s * 1e3),
            s if s < 1.0 => write!(f, "{:.0} ms", s * 1e3),
            s if s < 10.0 => write!(f, "{s:.2} s"),
            s if s < 120.0 => write!(f, "{s:.1} s"),
            s if s < 7_200.0 => write!(f, "{:.0} min", s / 60.0),
            s => write!(f, "{:.1} h", s / 3_600.0),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration in quotes with its unit, as \"500ms\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.as_secs_f64())
    }
}

/// Transactions per second.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Rate(pub f64);

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            rate if rate < 10.0 => write!(f, "{rate:.1}/s"),
            rate => write!(f, "{rate:.0}/s"),
        }
    }
}

/// Durations in files written by this program: seconds, as a number.
pub mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de};

    /// Writes a duration as seconds.
    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(value.as_secs_f64())
    }

    /// Reads seconds as a duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds).map_err(de::Error::custom)
    }
}

/// Optional durations in files written by this program: seconds or null.
pub mod optional_seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de};

    /// Writes a duration as seconds, none as null.
    pub fn serialize<S: Serializer>(
        value: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.serialize_some(&value.as_secs_f64()),
            None => serializer.serialize_none(),
        }
    }

    /// Reads seconds or null.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Option::<f64>::deserialize(deserializer)?
            .map(|seconds| Duration::try_from_secs_f64(seconds).map_err(de::Error::custom))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_are_read_with_and_without_suffix() {
        for (text, rows) in [
            ("0", 0),
            ("100k", 100_000),
            ("2M", 2_000_000),
            ("1.5M", 1_500_000),
            ("800M", 800_000_000),
        ] {
            assert_eq!(text.parse::<Rows>(), Ok(Rows(rows)), "{text}");
        }
        for text in [
            "", "M", "-1", "2x", "1.", ".5M", "1.0001k", "1.5", "2 M rows", "+1",
        ] {
            assert!(text.parse::<Rows>().is_err(), "{text}");
        }
        assert!(matches!(
            "99999999999G".parse::<Rows>(),
            Err(UnitError::TooLarge(_))
        ));
        assert!(matches!(
            "5000d".parse::<Span>(),
            Err(UnitError::TooLarge(_))
        ));
    }

    #[test]
    fn durations_are_read_with_their_unit() {
        for (text, millis) in [
            ("0", 0),
            ("2s", 2_000),
            ("500ms", 500),
            ("1.5h", 5_400_000),
            ("1 min", 60_000),
        ] {
            assert_eq!(
                text.parse::<Span>(),
                Ok(Span(Duration::from_millis(millis))),
                "{text}"
            );
        }
        for text in ["", "5", "s", "5 sec", "-1s", "1..2s"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn durations_print_with_three_digits_at_most() {
        for (millis, text) in [
            (0.0, "0 s"),
            (0.25, "250 µs"),
            (1.5, "1.50 ms"),
            (42.0, "42.0 ms"),
            (420.0, "420 ms"),
            (4_200.0, "4.20 s"),
            (42_000.0, "42.0 s"),
            (1_200_000.0, "20 min"),
        ] {
            assert_eq!(
                Span(Duration::from_secs_f64(millis / 1e3)).to_string(),
                text
            );
        }
    }

    proptest! {
        #[test]
        fn printing_rows_keeps_them_within_a_tenth(rows in 0u64..10_000_000_000) {
            let printed: Rows = Rows(rows).to_string().parse().unwrap();
            prop_assert!(printed.0 <= rows && rows - printed.0 <= rows / 10);
        }

        #[test]
        fn reading_never_panics(text in ".{0,12}") {
            let _ = text.parse::<Rows>();
            let _ = text.parse::<Span>();
        }
    }
}

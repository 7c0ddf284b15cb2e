//! Numbers of bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::UnitError;

/// A number of bytes, as `20GB` or `512 MiB`; a number alone is bytes. Printed in powers of 1,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Bytes(pub u64);

/// The units of [`Bytes`] that are read.
const BYTE_UNITS: [(&str, u64); 10] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("b", 1),
    ("", 1),
];

impl FromStr for Bytes {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let lower = text.trim().to_ascii_lowercase();
        let number = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = lower.get(number.len()..).unwrap_or_default();
        let scale = BYTE_UNITS.iter().find(|(name, _)| *name == unit);
        let (scale, number) = scale
            .zip(number.trim().parse::<u64>().ok())
            .ok_or_else(|| UnitError::Bytes(text.to_owned()))?;
        number
            .checked_mul(scale.1)
            .map(Self)
            .ok_or_else(|| UnitError::TooLarge(text.to_owned()))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value = self.0 as f64;
        for unit in ["B", "kB", "MB", "GB"] {
            if value < 999.5 {
                return match unit == "B" || value >= 9.95 {
                    true => write!(f, "{value:.0} {unit}"),
                    false => write!(f, "{value:.1} {unit}"),
                };
            }
            value /= 1_000.0;
        }
        write!(f, "{value:.1} TB")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_and_printed() {
        for (text, bytes) in [
            ("0", 0),
            ("512", 512),
            ("20GB", 20_000_000_000),
            ("1 MiB", 1 << 20),
            ("3kb", 3_000),
        ] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
        for text in ["", "GB", "-1", "1.5GB", "3 apples", "99999999999 TB"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
        for (bytes, text) in [
            (999, "999 B"),
            (1_184, "1.2 kB"),
            (999_900, "1.0 MB"),
            (314_000_000, "314 MB"),
            (2_500_000_000_000, "2.5 TB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }
}

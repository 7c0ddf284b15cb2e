//! Decimal numbers as integers of their last place.

use super::digits;

/// A series of numbers: `low`, `low + 1`, … in units of `10^-scale`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) low: i64,
    pub(crate) scale: u32,
}

impl Numbers {
    pub(crate) fn write(&self, ordinal: u64, out: &mut Vec<u8>) {
        let unscaled = self.low.saturating_add_unsigned(ordinal);
        if unscaled < 0 {
            out.push(b'-');
        }
        let magnitude = unscaled.unsigned_abs();
        if self.scale == 0 {
            return digits::write(magnitude, 1, out);
        }
        let unit = 10u64.saturating_pow(self.scale);
        digits::write(magnitude / unit, 1, out);
        out.push(b'.');
        digits::write(magnitude % unit, self.scale as usize, out);
    }
}

/// A number as written, in units of `10^-scale`: the largest such number not above it, and whether
/// it is exact. None for what is no number or too large.
pub(crate) fn read(text: &str, scale: u32) -> Option<(i64, bool)> {
    let text = text.trim();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, i32::from(exponent.parse::<i16>().ok()?)),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = [whole, fraction].concat();
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let unscaled: i128 = all.parse().ok()?;
    let places =
        i32::try_from(scale).ok()? + exponent - i32::from(i16::try_from(fraction.len()).ok()?);
    let factor = 10i128.checked_pow(places.unsigned_abs())?;
    let signed = if negative { -unscaled } else { unscaled };
    if places >= 0 {
        let value = signed.checked_mul(factor)?;
        return Some((i64::try_from(value).ok()?, true));
    }
    let floor = signed.div_euclid(factor);
    Some((i64::try_from(floor).ok()?, floor * factor == signed))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_at_a_scale() {
        for (text, scale, value) in [
            ("0", 0, Some((0, true))),
            ("-1.5", 2, Some((-150, true))),
            ("1.5", 0, Some((1, false))),
            ("-1.5", 0, Some((-2, false))),
            ("1e3", 0, Some((1_000, true))),
            ("2.5E-1", 2, Some((25, true))),
            (".5", 1, Some((5, true))),
            ("", 0, None),
            ("-", 0, None),
            ("now()", 0, None),
            ("99999999999999999999", 0, None),
        ] {
            assert_eq!(read(text, scale), value, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(low: i64, scale in 0u32..10) {
            let mut out = Vec::new();
            Numbers { low, scale }.write(0, &mut out);
            prop_assert_eq!(read(std::str::from_utf8(&out).unwrap(), scale), Some((low, true)));
        }

        #[test]
        fn reading_never_panics(text in ".{0,20}", scale in 0u32..20) {
            let _ = read(&text, scale);
        }
    }
}

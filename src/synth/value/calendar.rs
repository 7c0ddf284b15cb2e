//! Dates and times as microseconds since 1970, read and written without a time zone database.

use super::digits;

/// Microseconds in a day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// What part of a moment a type holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MomentKind {
    /// `date`.
    Date,
    /// `time` and `timetz`.
    Time,
    /// `timestamp` and `timestamptz`.
    Timestamp,
}

/// A series of moments: `low`, `low + unit`, `low + 2 unit`, …
#[derive(Debug, Clone)]
pub(crate) struct Moments {
    pub(crate) kind: MomentKind,
    /// Whether a zone is written: UTC.
    pub(crate) zoned: bool,
    /// The first, in `unit`s since 1970 or midnight.
    pub(crate) low: i64,
    /// Microseconds.
    pub(crate) unit: i64,
}

impl Moments {
    pub(crate) fn write(&self, ordinal: u64, out: &mut Vec<u8>) {
        let ticks = self.low.saturating_add_unsigned(ordinal);
        let micros = ticks.saturating_mul(self.unit);
        if self.kind != MomentKind::Time {
            write_date(micros.div_euclid(DAY), out);
        }
        if self.kind == MomentKind::Timestamp {
            out.push(b' ');
        }
        if self.kind != MomentKind::Date {
            write_time(micros.rem_euclid(DAY), out);
        }
        if self.zoned {
            out.extend_from_slice(b"+00");
        }
    }
}

/// Year, month and day of a day number since 1970 (Howard Hinnant, "chrono-compatible low-level
/// date algorithms", `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The day number of a date, its inverse (`days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn write_date(day_number: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil(day_number);
    let year = year.unsigned_abs();
    digits::write(year, if year > 9_999 { 6 } else { 4 }, out);
    let ([m1, m2], [d1, d2]) = (
        digits::pair(month.unsigned_abs()),
        digits::pair(day.unsigned_abs()),
    );
    out.extend_from_slice(&[b'-', m1, m2, b'-', d1, d2]);
}

fn write_time(micros: i64, out: &mut Vec<u8>) {
    let micros = micros.unsigned_abs();
    let seconds = micros / 1_000_000;
    let [h1, h2] = digits::pair(seconds / 3_600);
    let [m1, m2] = digits::pair(seconds / 60 % 60);
    let [s1, s2] = digits::pair(seconds % 60);
    out.extend_from_slice(&[h1, h2, b':', m1, m2, b':', s1, s2]);
    if !micros.is_multiple_of(1_000_000) {
        out.push(b'.');
        digits::write(micros % 1_000_000, 6, out);
    }
}

/// Reads an ISO date, time or timestamp (`2024-02-29`, `12:30`, `2024-02-29T12:30:00.5Z`) as
/// microseconds since 1970 or midnight.
pub(crate) fn read(kind: MomentKind, text: &str) -> Option<i64> {
    let text = text.trim();
    if kind == MomentKind::Time {
        return read_time(text);
    }
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, read_time(time.trim())?),
        None => (text, 0),
    };
    let mut parts = date.splitn(3, '-');
    let year = number(parts.next()?, 1..=294_275)?;
    let month = number(parts.next()?, 1..=12)?;
    let day = number(parts.next()?, 1..=31)?;
    let day_number = days(year, month, day);
    // The 31st of February is none.
    (civil(day_number) == (year, month, day)).then(|| day_number * DAY + time)
}

fn number(text: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits)?;
    range.contains(&number).then_some(number)
}

/// A time of day with an optional offset from UTC, which is taken off.
fn read_time(text: &str) -> Option<i64> {
    let zone_at = text.find(['Z', 'z', '+', '-']).unwrap_or(text.len());
    let (time, zone) = text.split_at(zone_at);
    let mut parts = time.trim().splitn(3, ':');
    let hours = number(parts.next()?, 0..=24)?;
    let minutes = number(parts.next()?, 0..=59)?;
    let rest = parts.next().unwrap_or("0");
    let (seconds, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
    let seconds = number(seconds, 0..=59)?;
    let micros = number(&format!("{fraction:0<6}"), 0..=999_999)?;
    let of_day = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros;
    Some(of_day - read_zone(zone)?)
}

fn read_zone(zone: &str) -> Option<i64> {
    if zone.is_empty() || zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone
        .get(1..)?
        .split_once(':')
        .unwrap_or((zone.get(1..)?, "0"));
    let minutes = number(hours, 0..=15)? * 60 + number(minutes, 0..=59)?;
    Some(sign * minutes * 60_000_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(moments: &Moments, ordinal: u64) -> String {
        let mut out = Vec::new();
        moments.write(ordinal, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn moments_are_read() {
        let timestamp = |text| read(MomentKind::Timestamp, text);
        assert_eq!(timestamp("1970-01-01"), Some(0));
        assert_eq!(timestamp("1970-01-02 00:00:01.5"), Some(DAY + 1_500_000));
        assert_eq!(timestamp("1970-01-02T01:00:00+01:00"), Some(DAY));
        assert_eq!(timestamp("1970-01-01T23:00:00-01"), Some(DAY));
        assert_eq!(
            timestamp("2024-02-29T12:30:00Z"),
            Some(1_709_209_800_000_000)
        );
        assert_eq!(read(MomentKind::Time, "00:01"), Some(60_000_000));
        for wrong in [
            "",
            "2023-02-29",
            "now()",
            "2024-13-01",
            "2024-01-01 25:00",
            "-1-01-01",
        ] {
            assert_eq!(timestamp(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(micros in -62_000_000_000_000_000i64..250_000_000_000_000_000) {
            let moments = Moments { kind: MomentKind::Timestamp, zoned: true, low: micros, unit: 1 };
            let text = written(&moments, 0);
            prop_assert_eq!(read(MomentKind::Timestamp, &text), Some(micros), "{}", text);
        }

        #[test]
        fn reading_never_panics(text in ".{0,30}") {
            let _ = read(MomentKind::Timestamp, &text);
            let _ = read(MomentKind::Time, &text);
        }
    }
}

//! Times as people write them in the first column of a curve.

use std::fmt;

use crate::units::Span;

/// Seconds of a day.
pub(super) const DAY: f64 = 86_400.0;

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Seconds,
    Duration,
    TimeOfDay,
    Timestamp,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seconds => "a number of seconds",
            Self::Duration => "a duration",
            Self::TimeOfDay => "a time of day",
            Self::Timestamp => "a timestamp",
        })
    }
}

/// A time and its kind, in seconds since a beginning that all times of the kind share; none where it is
/// no time.
pub(super) fn read(text: &str) -> Option<(Kind, f64)> {
    if let Ok(seconds) = text.parse::<f64>() {
        return seconds.is_finite().then_some((Kind::Seconds, seconds));
    }
    if let Some(timestamp) = timestamp(text) {
        return Some((Kind::Timestamp, timestamp));
    }
    if let Some(time) = time_of_day(text) {
        return Some((Kind::TimeOfDay, time));
    }
    let span: Span = text.parse().ok()?;
    Some((Kind::Duration, span.0.as_secs_f64()))
}

/// `HH:MM` or `HH:MM:SS`, with a fraction or without, up to 24:00.
fn time_of_day(text: &str) -> Option<f64> {
    let mut parts = text.split(':');
    let hours = number(parts.next()?, 24)?;
    let minutes = number(parts.next()?, 59)?;
    let seconds = match parts.next() {
        Some(seconds) => seconds_of_minute(seconds)?,
        None => 0.0,
    };
    let time = (hours * 60 + minutes) as f64 * 60.0 + seconds;
    (parts.next().is_none() && time <= DAY).then_some(time)
}

/// A date and a time of day, with an offset from UTC or without; a date alone is its midnight.
fn timestamp(text: &str) -> Option<f64> {
    let (date, rest) = match text.split_once(['T', 't', ' ']) {
        Some((date, rest)) => (date, rest.trim()),
        None => (text, "00:00"),
    };
    let mut parts = date.split('-');
    let year = number(parts.next()?, 9_999)?;
    let month = number(parts.next()?, 12).filter(|month| *month > 0)?;
    let day = number(parts.next()?, 31).filter(|day| *day > 0)?;
    let (time, offset) = with_offset(rest)?;
    let midnight = days(year, month, day) as f64 * DAY;
    (parts.next().is_none()).then_some(midnight + time_of_day(time)? - offset)
}

/// A time of day, and how many seconds its clock is ahead of UTC.
fn with_offset(text: &str) -> Option<(&str, f64)> {
    if let Some(time) = text.strip_suffix(['Z', 'z']) {
        return Some((time, 0.0));
    }
    let Some(at) = text.find(['+', '-']) else {
        return Some((text, 0.0));
    };
    let (time, offset) = text.split_at_checked(at)?;
    let sign = if offset.starts_with('-') { -1.0 } else { 1.0 };
    let offset = offset.get(1..)?;
    let (hours, minutes) = match offset.split_once(':') {
        Some(parts) => parts,
        None if offset.len() == 4 => offset.split_at_checked(2)?,
        None => (offset, "0"),
    };
    let minutes = number(hours, 23)? * 60 + number(minutes, 59)?;
    Some((time.trim_end(), sign * minutes as f64 * 60.0))
}

fn seconds_of_minute(text: &str) -> Option<f64> {
    let written = text.starts_with(|c: char| c.is_ascii_digit());
    let digits = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let seconds: f64 = text.parse().ok()?;
    // 60 is a leap second.
    (written && digits && seconds < 61.0).then_some(seconds)
}

fn number(text: &str, most: i64) -> Option<i64> {
    let digits = !text.is_empty() && text.len() <= 4 && text.chars().all(|c| c.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits)?;
    (number <= most).then_some(number)
}

/// Days since 1 March of the year 0 in the Gregorian calendar (Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(from: &str, to: &str) -> f64 {
        read(to).unwrap().1 - read(from).unwrap().1
    }

    #[test]
    fn times_are_read_by_their_look() {
        for (text, kind, seconds) in [
            ("0", Kind::Seconds, 0.0),
            ("-2.5", Kind::Seconds, -2.5),
            ("90s", Kind::Duration, 90.0),
            ("1.5h", Kind::Duration, 5_400.0),
            ("07:30", Kind::TimeOfDay, 27_000.0),
            ("7:30:15.5", Kind::TimeOfDay, 27_015.5),
            ("24:00", Kind::TimeOfDay, DAY),
        ] {
            assert_eq!(read(text), Some((kind, seconds)), "{text}");
        }
        for text in [
            "",
            "noon",
            "24:01",
            "12:60",
            "12:00:61",
            "12",
            "1:2:3:4",
            "2026-13-01",
            "2026-00-01",
            "2026-01-32",
            "2026-01",
            "2026-01-01 25:00",
            "12:+1",
            "inf",
            "NaN",
            "2026-01-01T12:00+9:99",
        ] {
            let kind = read(text).map(|(kind, _)| kind);
            let expected = (text == "12").then_some(Kind::Seconds);
            assert_eq!(kind, expected, "{text}");
        }
    }

    #[test]
    fn timestamps_are_days_apart() {
        let year = between("2025-01-01", "2026-01-01 00:00:00");
        assert_eq!(year, 365.0 * DAY);
        assert_eq!(between("2024-02-28", "2024-03-01"), 2.0 * DAY);
        assert_eq!(between("2000-02-28", "2000-03-01"), 2.0 * DAY);
        assert_eq!(between("2100-02-28", "2100-03-01"), DAY);
        assert_eq!(
            between("2026-03-01T12:00:00Z", "2026-03-01 14:00:00.25+0200"),
            0.25
        );
        assert_eq!(
            between("2026-03-01T12:00:00-05", "2026-03-01 17:00:00+00:00"),
            0.0
        );
    }
}

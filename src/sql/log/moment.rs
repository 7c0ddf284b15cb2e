//! When an entry was written.

/// A time as a log prints it (`2026-01-31 23:59:59.999 UTC`). Only differences matter to a replay, so the
/// zone is kept as its text: times of one zone can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment<'a> {
    /// Since 1970 in its own zone.
    pub(super) microseconds: i64,
    pub(super) zone: &'a str,
}

impl<'a> Moment<'a> {
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(3, ' ');
        let (date, time, zone) = (parts.next()?, parts.next()?, parts.next()?);
        let (year, rest) = date.split_once('-')?;
        let (month, day) = rest.split_once('-')?;
        let days = days(number(year)?, number(month)?, number(day)?)?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let mut clock = time.split(':').map(number);
        let (hours, minutes, seconds) = (clock.next()??, clock.next()??, clock.next()??);
        if clock.next().is_some() || hours > 24 || minutes > 59 || seconds > 60 {
            return None;
        }
        let digits = u32::try_from(fraction.len())
            .ok()
            .filter(|&count| count <= 6)?;
        let fraction = number(fraction)? * 10_i64.pow(6 - digits);
        let seconds = ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
        Some(Self {
            microseconds: seconds * 1_000_000 + fraction,
            zone,
        })
    }
}

fn number(text: &str) -> Option<i64> {
    let digits = (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// Days since 1970-01-01 in the Gregorian calendar, by H. Hinnant's `days_from_civil`
/// (howardhinnant.github.io/date_algorithms.html): years begin in March, so that the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month) = match month {
        1 | 2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_from_1970() {
        let microseconds = |text: &str| Moment::read(text).unwrap().microseconds;
        assert_eq!(microseconds("1970-01-01 00:00:00.001 UTC"), 1_000);
        assert_eq!(microseconds("2000-03-01 00:00:00 UTC"), 951_868_800_000_000);
        let before = microseconds("2024-02-28 23:59:59.999 CET");
        let after = microseconds("2024-03-01 00:00:00.000 CET");
        assert_eq!(after - before, 86_400_001_000);
        assert_eq!(
            Moment::read("2026-01-31 01:02:03 <+03>-3").unwrap().zone,
            "<+03>-3"
        );
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in [
            "",
            "2026-01-31",
            "2026-01-31 01:02:03",
            "2026-13-31 01:02:03 UTC",
            "2026-01-00 01:02:03 UTC",
            "2026-01-31 25:02:03 UTC",
            "2026-01-31 01:02 UTC",
            "2026-01-31 01:02:03:04 UTC",
            "2026-01-31 01:02:03.1234567 UTC",
            "+026-01-31 01:02:03 UTC",
            "9999999999999999-01-31 01:02:03 UTC",
        ] {
            assert_eq!(Moment::read(text), None, "{text}");
        }
    }
}

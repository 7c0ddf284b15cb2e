//! A rate over time from a file: what was once measured, to be repeated.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::moment::{self, Kind};
use crate::units::{Rate, seconds};

/// A rate over time, linear between its points. It is repeated from its beginning when it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The file as the scenario names it.
    pub file: String,
    /// How long it takes once.
    #[serde(with = "seconds")]
    pub over: Duration,
    /// In order, the first at 0 and the last at 1; reports name the file only. A curve read back from
    /// one has none, and stands for a constant rate.
    #[serde(skip)]
    points: Arc<[Point]>,
    /// The rate that a height of 1 was.
    #[serde(skip)]
    peak: f64,
}

/// One point of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// Its time as a part of the curve's whole length.
    pub(super) at: f64,
    /// Its rate as a part of the highest.
    pub(super) height: f64,
}

/// What is wrong with a curve's file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CurveError {
    /// In one line of it.
    #[error("{file}:{line}: {message}")]
    Line {
        /// The file as the scenario names it.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong and what to write.
        message: String,
    },
    /// In the whole.
    #[error("{file}: {message}")]
    Whole {
        /// The file as the scenario names it.
        file: String,
        /// What is wrong and what to write.
        message: String,
    },
}

/// A line of the file.
struct Row {
    line: usize,
    kind: Kind,
    /// In seconds from some beginning.
    time: f64,
    rate: f64,
}

impl Curve {
    /// Reads lines of `time,rate`. Empty lines and those that begin with `#` are passed over, as is a
    /// first line of names. Times are all of one kind: seconds (`90`), durations (`1.5min`), times of
    /// day (`07:30`, `07:30:15`) or timestamps (`2026-03-01 07:30:15.5+01:00`); they do not go back. A
    /// point at the time of the one before is a step. Rates are transactions per second.
    ///
    /// The curve is as long as the times span. Times of day are those of one day: from the last it goes
    /// on to the first of the next.
    ///
    /// # Errors
    ///
    /// A line that cannot be read, a time before the one above it, fewer than two points, no rate
    /// above 0.
    pub fn parse(file: &str, text: &str) -> Result<Self, CurveError> {
        let mut rows: Vec<Row> = Vec::new();
        let lines = text
            .lines()
            .zip(1..)
            .map(|(text, line)| (line, text.trim()));
        let filled = lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#'));
        for (number, (line, text)) in filled.enumerate() {
            if number == 0 && is_header(text) {
                continue;
            }
            let in_line = |message| CurveError::Line {
                file: file.to_owned(),
                line,
                message,
            };
            let row = read(line, text).map_err(in_line)?;
            follows(rows.last(), &row).map_err(in_line)?;
            rows.push(row);
        }
        Self::of(file, rows).map_err(|message| CurveError::Whole {
            file: file.to_owned(),
            message: message.to_owned(),
        })
    }

    fn of(file: &str, mut rows: Vec<Row>) -> Result<Self, &'static str> {
        if let [first, .., last] = rows.as_slice() {
            rows.extend(next_day(first, last));
        }
        let [first, .., last] = rows.as_slice() else {
            return Err("a curve needs two points at least, each a line of `time,rate`");
        };
        let (start, span) = (first.time, last.time - first.time);
        let peak = rows.iter().map(|row| row.rate).fold(0.0, f64::max);
        if span <= 0.0 {
            return Err("all points are of the same time: a curve needs two times at least");
        }
        if !rows.windows(2).any(rises) {
            return Err("the rate is 0 all the time: no transaction would ever be due");
        }
        let points = rows.iter().map(|row| Point {
            at: (row.time - start) / span,
            height: row.rate / peak,
        });
        Ok(Self {
            file: file.to_owned(),
            over: Duration::try_from_secs_f64(span).map_err(|_| "its times span too long")?,
            points: points.collect(),
            peak,
        })
    }

    /// The same curve, stretched or compressed to another length.
    pub fn lasting(self, over: Duration) -> Self {
        Self { over, ..self }
    }

    /// The highest rate that the file has.
    pub fn peak(&self) -> Rate {
        Rate(self.peak)
    }

    /// Lines between its points.
    pub(super) fn pieces(&self) -> u64 {
        self.points.len().saturating_sub(1) as u64
    }

    /// The ends of one of these lines, counted from 0.
    pub(super) fn piece(&self, number: u64) -> Option<(Point, Point)> {
        let number = usize::try_from(number).ok()?;
        Some((*self.points.get(number)?, *self.points.get(number + 1)?))
    }
}

/// Whether anything is due between two points.
fn rises(points: &[Row]) -> bool {
    match points {
        [from, to] => to.time > from.time && from.rate.max(to.rate) > 0.0,
        _ => false,
    }
}

/// Whether a line names the columns: where a rate should be, it has no digit at all.
fn is_header(text: &str) -> bool {
    let rate = text.split(',').nth(1);
    rate.is_some_and(|rate| !rate.contains(|c: char| c.is_ascii_digit()))
}

fn read(line: usize, text: &str) -> Result<Row, String> {
    let mut columns = text
        .split(',')
        .map(|column| column.trim().trim_matches('"').trim());
    let (Some(time), Some(rate), None) = (columns.next(), columns.next(), columns.next()) else {
        return Err(format!(
            "`{text}` is not a time and a rate: write `time,rate`"
        ));
    };
    let Some((kind, time)) = moment::read(time) else {
        return Err(format!(
            "`{time}` is not a time: write seconds, a duration as 1.5min, a time of day as 07:30, or \
             a timestamp as 2026-03-01 07:30:00"
        ));
    };
    match rate.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= 0.0 => Ok(Row {
            line,
            kind,
            time,
            rate,
        }),
        _ => Err(format!(
            "`{rate}` is not a rate: write transactions per second, 0 or more"
        )),
    }
}

fn follows(before: Option<&Row>, row: &Row) -> Result<(), String> {
    match before {
        Some(before) if before.kind != row.kind => Err(format!(
            "this is {}, but line {} has {}: all times must be of one kind",
            row.kind, before.line, before.kind
        )),
        Some(before) if before.time > row.time => Err(format!(
            "this time is before that of line {}: points come in the order of their times",
            before.line
        )),
        _ => Ok(()),
    }
}

/// The first point again a day later, where the times are those of a day and end before that.
fn next_day(first: &Row, last: &Row) -> Option<Row> {
    let time = first.time + moment::DAY;
    (first.kind == Kind::TimeOfDay && last.time < time).then_some(Row {
        line: first.line,
        kind: first.kind,
        time,
        rate: first.rate,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points(text: &str) -> (Vec<(f64, f64)>, Duration) {
        let curve = Curve::parse("day.csv", text).unwrap();
        let points = curve.points.iter().map(|point| (point.at, point.height));
        (points.collect(), curve.over)
    }

    fn error(text: &str) -> String {
        Curve::parse("day.csv", text).unwrap_err().to_string()
    }

    #[test]
    fn times_are_of_several_kinds() {
        let expected = vec![(0.0, 0.5), (0.25, 1.0), (1.0, 0.0)];
        for text in [
            "10,50\n20,100\n50,0\n",
            "time,rate\n\n# The start.\n10s, 50\n20s, 100\n50s, 0",
            "\"at\",\"tps\"\n\"2026-03-01 23:59:50\",\"50\"\n2026-03-02T00:00:00,100\n2026-03-02 00:00:30,0",
            "2026-03-01T00:00:10Z,5\n2026-03-01T01:00:20+01:00,10\n2026-03-01T00:00:50Z,0\n",
        ] {
            assert_eq!(points(text), (expected.clone(), Duration::from_secs(40)));
        }
    }

    #[test]
    fn a_day_of_hours_goes_on_to_the_next() {
        let day = Duration::from_secs(86_400);
        let closed = vec![(0.0, 1.0), (0.5, 0.5), (1.0, 1.0)];
        assert_eq!(points("06:00,8\n18:00:00,4\n"), (closed.clone(), day));
        assert_eq!(points("00:00,8\n12:00,4\n24:00,8\n"), (closed, day));
    }

    #[test]
    fn faults_are_shown_with_their_line() {
        insta::assert_snapshot!(error("time,rate\n1;2\n"), @"day.csv:2: `1;2` is not a time and a rate: write `time,rate`");
        insta::assert_snapshot!(error("1,2,3\n"), @"day.csv:1: `1,2,3` is not a time and a rate: write `time,rate`");
        insta::assert_snapshot!(error("25:00,1\n"), @"day.csv:1: `25:00` is not a time: write seconds, a duration as 1.5min, a time of day as 07:30, or a timestamp as 2026-03-01 07:30:00");
        insta::assert_snapshot!(error("1,5\n2,-5\n"), @"day.csv:2: `-5` is not a rate: write transactions per second, 0 or more");
        insta::assert_snapshot!(error("1,5\n\n07:30,5\n"), @"day.csv:3: this is a time of day, but line 1 has a number of seconds: all times must be of one kind");
        insta::assert_snapshot!(error("1,5\n3,5\n2,5\n"), @"day.csv:3: this time is before that of line 2: points come in the order of their times");
        insta::assert_snapshot!(error("time,rate\n"), @"day.csv: a curve needs two points at least, each a line of `time,rate`");
        insta::assert_snapshot!(error("1,5\n1,5\n"), @"day.csv: all points are of the same time: a curve needs two times at least");
        insta::assert_snapshot!(error("1,0\n2,0\n"), @"day.csv: the rate is 0 all the time: no transaction would ever be due");
        insta::assert_snapshot!(error("1,0\n2,0\n2,7\n"), @"day.csv: the rate is 0 all the time: no transaction would ever be due");
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "[0-9:,.Tzs \\-+\n]{0,60}") {
            let _ = Curve::parse("day.csv", &text);
        }
    }
}

//! A pass's seconds as lines of small bars.

use crate::observe::Second;

const FULL: char = '█';

/// In eighths of the largest value; zero and nothing are blank.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', FULL];

/// The series of a pass from the baseline's start on, in columns of as many whole seconds each as it
/// takes to fit.
#[derive(Debug, Clone)]
pub(super) struct Timeline<'a> {
    /// Seconds that one column stands for.
    pub(super) per_column: usize,
    columns: Vec<&'a [Second]>,
}

impl<'a> Timeline<'a> {
    pub(super) fn new(series: &'a [Second], width: usize) -> Self {
        let warmup = series.partition_point(|second| second.t < 0.0);
        let measured = series.get(warmup..).unwrap_or_default();
        let per_column = measured.len().div_ceil(width.max(1)).max(1);
        Self {
            per_column,
            columns: measured.chunks(per_column).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The column that a moment falls into, in seconds since the baseline began.
    pub(super) fn column(&self, t: f64) -> usize {
        let column = (t.max(0.0) / self.per_column as f64) as usize;
        column.min(self.columns.len().saturating_sub(1))
    }

    /// Bars of each column's mean; the full bar stands for `full` or the largest of them.
    pub(super) fn means(&self, full: f64, value: impl Fn(&Second) -> f64) -> Bars {
        let mean = |seconds: &&[Second]| {
            seconds.iter().map(&value).sum::<f64>() / seconds.len().max(1) as f64
        };
        Bars::new(full, self.columns.iter().map(mean).collect())
    }

    /// Bars of each column's largest value: a short stall stays visible however long the run.
    pub(super) fn peaks(&self, full: f64, value: impl Fn(&Second) -> f64) -> Bars {
        let peak = |seconds: &&[Second]| seconds.iter().map(&value).fold(0.0, f64::max);
        Bars::new(full, self.columns.iter().map(peak).collect())
    }
}

/// One line of bars.
#[derive(Debug, Clone)]
pub(super) struct Bars {
    /// The largest value.
    pub(super) most: f64,
    pub(super) bars: Vec<char>,
}

impl Bars {
    fn new(full: f64, values: Vec<f64>) -> Self {
        let most = values.iter().copied().fold(0.0, f64::max);
        let bars = values
            .iter()
            .map(|value| bar(*value, most.max(full)))
            .collect();
        Self { most, bars }
    }
}

fn bar(value: f64, most: f64) -> char {
    if value <= 0.0 || most <= 0.0 {
        return ' ';
    }
    let step = (value / most * BARS.len() as f64).ceil() as usize;
    BARS.get(step.saturating_sub(1)).copied().unwrap_or(FULL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(rates: &[f64]) -> Vec<Second> {
        let second = |(at, rate): (usize, &f64)| Second {
            t: at as f64 - 2.0,
            rate: *rate,
            ..Second::default()
        };
        rates.iter().enumerate().map(second).collect()
    }

    #[test]
    fn bars_leave_the_warmup_out_and_show_a_standstill_as_a_gap() {
        let series = series(&[9.0, 9.0, 8.0, 4.0, 0.0, 1.0, 0.1]);
        let timeline = Timeline::new(&series, 80);
        let bars = timeline.means(0.0, |second| second.rate);
        assert_eq!(bars.most, 8.0);
        assert_eq!(bars.bars.iter().collect::<String>(), "█▄ ▁▁");
        let half = timeline.means(16.0, |second| second.rate);
        assert_eq!(half.bars.iter().collect::<String>(), "▄▂ ▁▁");
        assert_eq!((timeline.column(0.0), timeline.column(3.7)), (0, 3));
        assert_eq!(timeline.column(99.0), 4);
    }

    #[test]
    fn a_long_run_is_gathered_into_the_width() {
        let mut rates = vec![1.0; 1_202];
        rates[700] = 8.0;
        let series = series(&rates);
        let timeline = Timeline::new(&series, 50);
        assert_eq!(timeline.per_column, 24);
        assert_eq!(timeline.peaks(0.0, |second| second.rate).bars.len(), 50);
        assert_eq!(timeline.peaks(0.0, |second| second.rate).most, 8.0);
        assert!(timeline.means(0.0, |second| second.rate).most < 2.0);
        assert_eq!(timeline.column(698.0), 29);
    }

    #[test]
    fn nothing_measured_is_empty() {
        let timeline = Timeline::new(&[], 50);
        assert!(timeline.is_empty());
        assert_eq!(timeline.column(5.0), 0);
    }
}

//! The rate of arrivals over time and its integral, the number of arrivals due. Arrivals at any rate
//! are those at a rate of 1 with time stretched: the n-th comes when so many are due (Çınlar,
//! Introduction to Stochastic Processes, ch. 4.7). The rate is linear in pieces, so that the integral
//! is quadratic in pieces and its inverse exact.

use std::time::Duration;

use super::{Bursts, Curve, OpenLoad, Shape};

/// A stretch of time in which the rate changes evenly. Times are in seconds since the traffic's start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    start: f64,
    /// Infinite where the rate never changes again.
    end: f64,
    /// Transactions per second at the start.
    from: f64,
    /// Transactions per second at the end.
    to: f64,
}

impl Stretch {
    /// From `start` on for ever at one rate.
    fn endless(start: f64, rate: f64) -> Self {
        Self {
            start,
            end: f64::INFINITY,
            from: rate,
            to: rate,
        }
    }

    /// When it begins, in seconds.
    pub fn start(&self) -> f64 {
        self.start
    }

    /// Arrivals due in it on average; infinitely many where it has no end.
    pub fn due(&self) -> f64 {
        self.due_until(self.end)
    }

    /// Arrivals due in it up to a moment; all of them where it ends before.
    pub fn due_until(&self, moment: f64) -> f64 {
        let moment = moment.min(self.end);
        if moment <= self.start || self.from.max(self.to) <= 0.0 {
            return 0.0;
        }
        (self.from + self.rate_at(moment)) / 2.0 * (moment - self.start)
    }

    /// When so many of its arrivals have come due. Never before its start, nor after its end.
    pub fn moment(&self, due: f64) -> f64 {
        // The solution of from · x + slope · x² / 2 = due that loses no digits where the slope is
        // small (Numerical Recipes, §5.6).
        let root = (self.from * self.from + 2.0 * self.slope() * due).max(0.0);
        let divisor = self.from + root.sqrt();
        match divisor > 0.0 {
            true => (self.start + 2.0 * due / divisor).min(self.end),
            false => self.start,
        }
    }

    fn rate_at(&self, moment: f64) -> f64 {
        match moment < self.end {
            true => self.from + self.slope() * (moment - self.start),
            false => self.to,
        }
    }

    fn slope(&self) -> f64 {
        match self.end.is_finite() {
            true => (self.to - self.from) / (self.end - self.start),
            false => 0.0,
        }
    }

    /// A part of it, at a multiple of its rate.
    fn part(&self, (start, end): (f64, f64), factor: f64) -> Self {
        Self {
            start,
            end,
            from: factor * self.rate_at(start),
            to: factor * self.rate_at(end),
        }
    }
}

/// A rate over time, stretch after stretch. Boundaries are multiplied, not added up, so that nothing
/// drifts however long it goes on.
#[derive(Debug, Clone)]
pub struct Stretches {
    rate: f64,
    shape: Option<Shape>,
    bursts: Option<Bursts>,
    /// Where the next stretch begins.
    at: f64,
    /// The piece of the shape that this is in, and how many have begun.
    piece: Stretch,
    pieces: u64,
    /// How many starts and ends of bursts were passed.
    edges: u64,
}

impl Stretches {
    /// The rate of a load. One of 0 has no stretches, and bursts that scenarios are not allowed are
    /// none.
    pub(super) fn of(load: &OpenLoad) -> Self {
        let sound = |bursts: &Bursts| {
            let Bursts {
                every,
                length,
                factor,
            } = *bursts;
            !length.is_zero() && length < every && factor.is_finite() && factor > 0.0
        };
        Self {
            rate: load.rate.0,
            shape: load.shape.clone(),
            bursts: load.bursts.filter(sound),
            at: 0.0,
            piece: Stretch {
                start: 0.0,
                end: 0.0,
                from: 0.0,
                to: 0.0,
            },
            pieces: 0,
            edges: 0,
        }
    }

    /// The shape's next piece, without bursts.
    fn next_piece(&mut self) -> Option<Stretch> {
        let (number, rate) = (self.pieces, self.rate);
        self.pieces += 1;
        match (&self.shape, number) {
            _ if rate.is_nan() || rate <= 0.0 => None,
            (Some(Shape::Curve(curve)), _) if curve.pieces() > 0 => {
                curve_piece(curve, number, rate)
            }
            (Some(Shape::Ramp(ramp)), 0) => Some(Stretch {
                start: 0.0,
                end: ramp.over.as_secs_f64(),
                from: ramp.from.0.max(0.0),
                to: rate,
            }),
            (Some(Shape::Ramp(ramp)), 1) => Some(Stretch::endless(ramp.over.as_secs_f64(), rate)),
            (Some(Shape::Curve(_)) | None, 0) => Some(Stretch::endless(0.0, rate)),
            _ => None,
        }
    }

    /// The next start or end of a burst, and the factor until then.
    fn next_edge(&mut self) -> (f64, f64) {
        let Some(bursts) = &self.bursts else {
            return (f64::INFINITY, 1.0);
        };
        loop {
            let burst = (self.edges / 2 + 1) as f64 * bursts.every.as_secs_f64();
            let (edge, factor) = match self.edges % 2 {
                0 => (burst, 1.0),
                _ => (burst + bursts.length.as_secs_f64(), bursts.factor),
            };
            if edge > self.at {
                return (edge, factor);
            }
            self.edges += 1;
        }
    }
}

/// A piece of a curve that goes on from its end to its beginning.
fn curve_piece(curve: &Curve, number: u64, rate: f64) -> Option<Stretch> {
    let lap = (number / curve.pieces()) as f64;
    let over = curve.over.max(Duration::from_nanos(1)).as_secs_f64();
    let (from, to) = curve.piece(number % curve.pieces())?;
    Some(Stretch {
        start: (lap + from.at) * over,
        end: (lap + to.at) * over,
        from: rate * from.height,
        to: rate * to.height,
    })
}

impl Iterator for Stretches {
    type Item = Stretch;

    fn next(&mut self) -> Option<Stretch> {
        // A piece without length is a step.
        while self.piece.end <= self.at {
            self.piece = self.next_piece()?;
        }
        let (edge, factor) = self.next_edge();
        let end = edge.min(self.piece.end);
        let stretch = self.piece.part((self.at, end), factor);
        self.at = end;
        Some(stretch)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::load::{Load, Ramp};
    use crate::units::Rate;

    fn secs(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn ramp(from: f64, rate: f64) -> OpenLoad {
        OpenLoad {
            rate: Rate(rate),
            shape: Some(Shape::Ramp(Ramp {
                from: Rate(from),
                over: secs(10.0),
            })),
            ..OpenLoad::default()
        }
    }

    fn curve(text: &str, over: f64) -> OpenLoad {
        let curve = Curve::parse("day.csv", text).unwrap();
        OpenLoad {
            rate: curve.peak(),
            shape: Some(Shape::Curve(curve.lasting(secs(over)))),
            ..OpenLoad::default()
        }
    }

    fn expected(load: &OpenLoad, from: f64, to: f64) -> f64 {
        let load = Load::Open(load.clone());
        load.expected(secs(from), secs(to)).unwrap()
    }

    #[test]
    fn a_ramp_goes_up_and_stays() {
        let load = ramp(100.0, 300.0);
        assert_eq!(expected(&load, 0.0, 10.0), 2_000.0);
        assert_eq!(expected(&load, 0.0, 5.0), 750.0);
        assert_eq!(expected(&load, 10.0, 20.0), 3_000.0);
        assert_eq!(load.stretches().count(), 2);
        assert_eq!(expected(&ramp(0.0, 0.0), 0.0, 100.0), 0.0);
        assert_eq!(ramp(5.0, 0.0).stretches().count(), 0);
    }

    #[test]
    fn a_curve_repeats() {
        let load = curve("0,0\n1,100\n2,0\n", 2.0);
        assert_eq!(expected(&load, 0.0, 2.0), 100.0);
        assert_eq!(expected(&load, 0.5, 1.5), 75.0);
        assert_eq!(expected(&load, 2_000.0, 2_002.0), 100.0);
        // A step is a point over another.
        let step = curve("0,10\n1,10\n1,30\n2,30\n", 20.0);
        assert_eq!(expected(&step, 0.0, 10.0), 100.0);
        assert_eq!(expected(&step, 10.0, 20.0), 300.0);
    }

    #[test]
    fn bursts_multiply_the_rate() {
        let mut load = OpenLoad {
            rate: Rate(100.0),
            ..OpenLoad::default()
        };
        load.bursts = Some(Bursts {
            every: secs(10.0),
            length: secs(2.0),
            factor: 3.0,
        });
        assert_eq!(expected(&load, 0.0, 10.0), 1_000.0);
        assert_eq!(expected(&load, 10.0, 20.0), 1_400.0);
        assert_eq!(expected(&load, 11.0, 13.0), 400.0);
        assert_eq!(expected(&load, 36_000.0, 36_010.0), 1_400.0);
        let both = OpenLoad {
            bursts: load.bursts,
            ..ramp(0.0, 100.0)
        };
        assert_eq!(expected(&both, 0.0, 10.0), 500.0);
        assert_eq!(expected(&both, 10.0, 20.0), 1_400.0);
        for factor in [0.0, f64::NAN, -1.0] {
            load.bursts = Some(Bursts {
                every: secs(1.0),
                length: secs(0.5),
                factor,
            });
            assert_eq!(expected(&load, 0.0, 10.0), 1_000.0);
        }
    }

    /// Loads of every shape, with and without bursts.
    pub(crate) fn any_load() -> impl Strategy<Value = OpenLoad> {
        let points = proptest::collection::vec((0.0..100.0f64, 0.01..5.0f64), 2..6);
        let shape = prop_oneof![
            Just(None),
            (0.0..50.0f64, 0.01..20.0f64).prop_map(|(from, over)| Some(Shape::Ramp(Ramp {
                from: Rate(from),
                over: secs(over),
            }))),
            (points, 0.1..30.0f64).prop_map(|(points, over)| {
                let mut at = 0.0;
                let mut text = "0,1\n".to_owned();
                for (height, gap) in points {
                    at += gap;
                    text += &format!("{at},{height}\n");
                }
                let curve = Curve::parse("day.csv", &text).unwrap();
                Some(Shape::Curve(curve.lasting(secs(over))))
            }),
        ];
        let bursts = proptest::option::of((0.1..5.0f64, 0.01..0.99f64, 0.1..8.0f64).prop_map(
            |(every, share, factor)| Bursts {
                every: secs(every),
                length: secs(every * share),
                factor,
            },
        ));
        (shape, bursts, 1.0..5_000.0f64).prop_map(|(shape, bursts, rate)| OpenLoad {
            rate: Rate(rate),
            shape,
            bursts,
            ..OpenLoad::default()
        })
    }

    proptest! {
        #[test]
        fn stretches_follow_each_other_without_gaps(load in any_load()) {
            let mut end = 0.0;
            for stretch in load.stretches().take(200) {
                prop_assert_eq!(stretch.start, end);
                prop_assert!(stretch.end > stretch.start && stretch.from >= 0.0 && stretch.to >= 0.0);
                end = stretch.end;
            }
        }

        #[test]
        fn the_inverse_undoes_the_integral(load in any_load(), share in 0.0..1.0f64) {
            for stretch in load.stretches().take(50) {
                let all = stretch.due_until(stretch.start + 1_000.0);
                let due = share * all;
                let moment = stretch.moment(due);
                prop_assert!(stretch.start <= moment && moment <= stretch.end);
                let again = stretch.due_until(moment);
                prop_assert!((again - due).abs() <= 1e-6 * all.max(1.0), "{again} for {due}");
            }
        }
    }
}

//! From what is known of a column to its values and to which of them a row has.

use crate::schema::TypeKind;
use crate::synth::choice::arrangement::Arrangement;
use crate::synth::choice::draw::Draw;
use crate::synth::choice::random;
use crate::synth::error::Problem;
use crate::synth::value::form::{Ask, Form, form, holds};
use crate::synth::value::shape::{Listed, Shape};

use super::measure::Measure;
use super::plan::{Plan, Role, split};
use super::ranks::{Ranks, Stretch, share_out, squares, thin};
use super::{Known, prose};

/// Values that follow what is known, and which of it is lost.
pub(crate) struct Followed {
    pub(crate) form: Form,
    pub(crate) lost: Vec<&'static str>,
}

/// The values of a column of a type that is no domain, by what is known of it.
pub(crate) fn follow(
    kind: &TypeKind,
    ask: &Ask<'_>,
    known: &Known,
    role: Role,
) -> Result<Followed, Problem> {
    let mut plan = Plan {
        kind,
        ask,
        known,
        role,
        lost: Vec::new(),
    };
    let usual = form(kind, ask)?;
    if role != Role::Free && !known.column.most_common.is_empty() {
        plan.lost.push("its most common values, for it is unique");
    }
    let made = match (role, Measure::of(kind, known, ask.rows)) {
        (Role::Serial, _) => plan.serial(usual),
        (_, Some(measure)) if plan.is_measured(&usual) => plan.measured(measure, usual),
        (Role::Free, _) => match usual.shape {
            Shape::Choice(values) => plan.listed(values, &usual.draw),
            _ => plan.invented(usual),
        },
        (Role::Unique, _) => plan.unique(usual),
    };
    Ok(Followed {
        form: made,
        lost: plan.lost,
    })
}

impl Plan<'_> {
    /// Whether values are numbers or moments, rather than of a list.
    fn is_measured(&self, usual: &Form) -> bool {
        matches!(usual.shape, Shape::Numbers(_) | Shape::Moments(_))
            && !matches!(usual.draw, Draw::Weighted { .. })
    }

    /// The rows' own numbers, in the order that is asked.
    fn serial(&mut self, usual: Form) -> Form {
        let draw = match (self.known.column.correlation, &usual.draw) {
            (Some(correlation), _) => self.placed(correlation),
            (None, rising @ Draw::Rising { .. }) => rising.clone(),
            (None, _) => Draw::Row,
        };
        Form { draw, ..usual }
    }

    fn placed(&self, correlation: f64) -> Draw {
        let key = random::key(self.ask.key, "order");
        Draw::Placed(Arrangement::new(key, self.rows(), correlation))
    }

    fn unique(&mut self, usual: Form) -> Form {
        let form = prose::fit(self, usual, self.rows());
        let shape = prose::timed(self, form.shape);
        self.lose_histogram(&shape);
        let form = Form { shape, ..form };
        if let Shape::Stems(_) = &form.shape {
            let mut stretches = prose::stretches(self, &form.shape, self.rows(), &[]);
            let key = random::key(self.ask.key, "ranks");
            let correlation = self.known.column.correlation;
            if let Some(ranks) = Ranks::unique(key, self.rows(), &mut stretches, correlation) {
                let draw = Draw::Ranked(Box::new(ranks));
                return Form { draw, ..form };
            }
        }
        if form.shape.is_ordered() {
            return self.serial(form);
        }
        self.lose_correlation(0.0);
        let draw = Draw::Row;
        Form { draw, ..form }
    }

    /// UUIDs aside, whose bounds are as even as invented ones.
    fn lose_histogram(&mut self, shape: &Shape) {
        let follows = matches!(
            shape,
            Shape::Stems(_) | Shape::Uuid { .. } | Shape::TimedUuid(_)
        );
        if !follows && !self.known.column.histogram.is_empty() {
            self.lost.push("its histogram, for its values are invented");
        }
    }

    fn lose_correlation(&mut self, natural: f64) {
        /// Differences below this are as good as none.
        const SLIGHT: f64 = 0.1;
        let wanted = self.known.column.correlation;
        if wanted.is_some_and(|wanted| (wanted - natural).abs() > SLIGHT) {
            self.lost
                .push("its correlation, for its values are in no order");
        }
    }

    /// Numbers and moments: between the histogram's bounds, or as usual where there are none.
    fn measured(&mut self, measure: Measure, usual: Form) -> Form {
        let series = measure.series(self, &usual);
        let Some(series) = series else {
            return self.spread(usual);
        };
        let (shape, mut stretches) = (series.shape, series.stretches);
        let capacity = stretches.iter().map(|s| s.first.saturating_add(s.span));
        let capacity = capacity.max().unwrap_or(1);
        if self.role == Role::Unique {
            let key = random::key(self.ask.key, "ranks");
            let correlation = self.known.column.correlation;
            return match Ranks::unique(key, self.rows(), &mut stretches, correlation) {
                Some(ranks) => Form {
                    shape,
                    capacity,
                    draw: Draw::Ranked(Box::new(ranks)),
                },
                None => {
                    self.lost
                        .push("its histogram, for it is unique and has not enough values in it");
                    self.serial(usual)
                }
            };
        }
        let cold: u64 = stretches.iter().filter(|s| !s.hot).map(|s| s.span).sum();
        if cold > 0 {
            let others = self.others(cold);
            thin(&mut stretches, others);
            share_out(&mut stretches, others);
        }
        Form {
            draw: self.ranks(&stretches, true),
            shape,
            capacity,
        }
    }

    /// Numbers and moments of which no value is known: as many as asked, of the usual ones.
    fn spread(&mut self, usual: Form) -> Form {
        if self.role == Role::Unique {
            return self.serial(usual);
        }
        if self.keeps_its_draw(&usual) {
            return usual;
        }
        let common = self.known.column.most_common.len() as u64;
        let others = self.others(u64::MAX);
        let mut usual = usual;
        if self.known.column.distinct.is_none() {
            // Repeated as often as they usually are.
        } else if others.saturating_add(common) > usual.capacity {
            let more = Ask {
                different: Some(others.saturating_add(common)),
                ..*self.ask
            };
            usual = form(self.kind, &more).unwrap_or(usual);
            usual.capacity = usual.capacity.min(others.saturating_add(common));
        }
        let mut stretches = self.scattered(usual.capacity.max(1));
        thin(&mut stretches, others);
        share_out(&mut stretches, others.min(usual.capacity));
        Form {
            draw: self.ranks(&stretches, true),
            ..usual
        }
    }

    /// Whether nothing is known but an order that the usual values have already.
    fn keeps_its_draw(&self, usual: &Form) -> bool {
        let column = &self.known.column;
        let nothing = column.most_common.is_empty() && column.distinct.is_none();
        nothing
            && match usual.draw {
                Draw::Rising { .. } => column.correlation.is_none_or(|c| c > 0.99),
                _ => column.correlation.is_none(),
            }
    }

    /// The most common values anywhere among `span` ordinals, and the rest between them.
    pub(super) fn scattered(&self, span: u64) -> Vec<Stretch> {
        let key = random::key(self.ask.key, "common values");
        let common = self.known.column.most_common.iter().zip(0u64..);
        let mut hot: Vec<(u64, f64)> = common
            .map(|(common, index)| {
                let place = random::below(random::bits(key, index), span);
                (place, common.frequency)
            })
            .collect();
        hot.sort_by_key(|(place, _)| *place);
        split(&[(0, span, self.known.rest())], &hot)
    }

    /// Values that are made by their type: the captured ones where there are, and invented ones.
    fn invented(&mut self, usual: Form) -> Form {
        if self.known.column.distinct.is_none()
            && self.known.column.most_common.is_empty()
            && self.known.column.histogram.is_empty()
            && !usual.shape.is_ordered()
            && !matches!(usual.shape, Shape::Text(_))
        {
            self.lose_correlation(0.0);
            return usual;
        }
        let (values, named) = self.captured_values();
        let wanted = self.others(u64::MAX);
        let rest = prose::fit(self, usual, wanted.saturating_add(named.len() as u64));
        let shape = prose::timed(self, rest.shape);
        self.lose_histogram(&shape);
        let others = match shape.capacity() {
            0 => wanted,
            capacity => wanted.min(capacity),
        };
        let mut stretches = prose::stretches(self, &shape, others, &values);
        let capacity = rest.capacity.saturating_add(values.len() as u64);
        let ordered = shape.is_ordered();
        if !ordered {
            self.lose_correlation(squares(&stretches));
        }
        stretches.retain(|stretch| stretch.weight > 0.0);
        Form {
            draw: self.ranks(&stretches, ordered),
            capacity,
            shape: match values.is_empty() {
                true => shape,
                false => Shape::Listed(Box::new(Listed {
                    values: values.into_iter().map(|(value, _)| value).collect(),
                    rest: shape,
                })),
            },
        }
    }

    /// The most common values that are known and fit the type, and the frequencies of the others.
    pub(super) fn captured_values(&mut self) -> (Vec<(String, f64)>, Vec<f64>) {
        let (mut values, mut unnamed) = (Vec::new(), Vec::new());
        for common in &self.known.column.most_common {
            match &common.value {
                Some(value) if self.fits(value) => values.push((value.clone(), common.frequency)),
                Some(_) => {
                    self.lost.push("most common values that it may not have");
                    unnamed.push(common.frequency);
                }
                None => unnamed.push(common.frequency),
            }
        }
        (values, unnamed)
    }

    fn fits(&self, value: &str) -> bool {
        let limits = self.ask.limits;
        let length = u32::try_from(value.chars().count()).unwrap_or(u32::MAX);
        let within = |least: Option<u32>, most: Option<u32>| {
            least.is_none_or(|least| length >= least) && most.is_none_or(|most| length <= most)
        };
        holds(self.kind, value)
            && within(limits.min_length, limits.max_length)
            && !limits.not.iter().any(|not| not == value)
    }
}

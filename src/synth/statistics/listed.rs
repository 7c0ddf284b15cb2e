//! Values of a short list, by how often each is.

use crate::schema::TypeKind;
use crate::synth::choice::draw::Draw;
use crate::synth::value::form::Form;
use crate::synth::value::shape::Shape;

use super::plan::Plan;
use super::ranks::Stretch;

impl Plan<'_> {
    /// Values of a short list.
    pub(super) fn listed(&mut self, values: Vec<String>, draw: &Draw) -> Form {
        let mut weights = vec![0.0; values.len()];
        match draw {
            Draw::Weighted { cumulative, .. } if self.known.column.most_common.is_empty() => {
                let mut before = 0.0;
                for (weight, until) in weights.iter_mut().zip(cumulative) {
                    *weight = until - before;
                    before = *until;
                }
            }
            _ => self.weigh(&values, &mut weights),
        }
        let mut order: Vec<usize> = (0..values.len()).collect();
        if !matches!(self.kind, TypeKind::Enum { .. }) {
            order.sort_by_key(|&index| values.get(index));
        }
        let stretches: Vec<Stretch> = order
            .into_iter()
            .filter_map(|index| {
                let weight = weights.get(index).copied().filter(|weight| *weight > 0.0)?;
                Some(Stretch::hot(index as u64, weight))
            })
            .collect();
        Form {
            draw: self.ranks(&stretches, true),
            capacity: values.len() as u64,
            shape: Shape::Choice(values),
        }
    }

    /// How often each value of a list is, by the most common ones; what is left is of the others.
    fn weigh(&mut self, values: &[String], weights: &mut [f64]) {
        let mut unnamed = Vec::new();
        let mut strange = false;
        for common in &self.known.column.most_common {
            let Some(text) = &common.value else {
                unnamed.push(common.frequency);
                continue;
            };
            let is_boolean = matches!(self.kind, TypeKind::Base { name, .. } if name == "bool");
            let same = |value: &&String| {
                *value == text || (is_boolean && text.starts_with(value.as_str()))
            };
            let found = values.iter().zip(weights.iter_mut());
            match found.into_iter().find(|(value, _)| same(value)) {
                Some((_, weight)) => *weight = common.frequency,
                None => strange = true,
            }
        }
        if strange {
            self.lost.push("most common values that it may not have");
        }
        let mut unnamed = unnamed.into_iter();
        for weight in weights.iter_mut().filter(|weight| **weight == 0.0) {
            *weight = unnamed.next().unwrap_or(0.0);
        }
        let free = weights.iter().filter(|weight| **weight == 0.0).count();
        let others = self.others(free as u64);
        let each = self.known.rest() / others.max(1) as f64;
        let rest = weights.iter_mut().filter(|weight| **weight == 0.0);
        for weight in rest.take(usize::try_from(others).unwrap_or(usize::MAX)) {
            *weight = each;
        }
        if weights.iter().all(|weight| *weight == 0.0) {
            weights.fill(1.0);
        }
    }
}

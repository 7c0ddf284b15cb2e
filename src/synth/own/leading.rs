//! Columns that keep all but the first row of each ancestor out of a partial index.

use std::sync::Arc;

use crate::synth::choice::draw::Draw;
use crate::synth::column::{ColumnPlan, Event, Leading, Source};
use crate::synth::error::SynthError;
use crate::synth::keys::unique::{Lead, Side};

use super::{Made, Place, Within, plain_column};

/// Plans the column on both sides of the index's condition.
pub(super) fn leading_column(place: Place<'_>, lead: &Lead) -> Result<Made, SynthError> {
    let first = on_side(place, &lead.inside)?;
    let others = on_side(place, &lead.outside)?;
    let source = Source::Leading(Leading {
        order: Arc::clone(&lead.order),
        levels: lead.levels,
        first,
        others,
    });
    let plan = ColumnPlan {
        name: place.column.name.clone(),
        rows: place.rows(),
        nulls: Event::default(),
        orphans: Event::default(),
        draw: Draw::Row,
        source,
    };
    Ok((Some(plan), None))
}

/// The column where the condition holds, or where it does not; none for NULL.
fn on_side(place: Place<'_>, side: &Side) -> Result<Option<Arc<ColumnPlan>>, SynthError> {
    let Side::Within(own) = side else {
        return Ok(None);
    };
    let (mut limits, _) = place.limits();
    limits.and((**own).clone());
    limits.not_null = true;
    let within = Within {
        limits: limits.narrowed(&[]),
        spec: place.spec().clone(),
    };
    let (plan, _) = plain_column(Place {
        within: Some(&within),
        ..place
    })?;
    Ok(plan.map(Arc::new))
}

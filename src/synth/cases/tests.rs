//! Normal forms and ladders against brute force.

use proptest::prelude::*;

use super::normal::{Clause, product};
use super::order::{Ladder, Place};
use crate::schema::TypeKind;
use crate::sql::{Bound, BoundRule, Comparison, Formula, Relation};
use crate::synth::limits::Limits;
use crate::synth::value::form::scalar;

/// The truth of one of eight demands in a world of eight bits.
fn atom(number: u8) -> Formula {
    Formula::Column(Bound {
        column: number.to_string(),
        rule: BoundRule::NotNull,
    })
}

fn formulas() -> impl Strategy<Value = Formula> {
    let leaf = (0u8..8).prop_map(atom);
    leaf.prop_recursive(4, 24, 4, |inner| {
        let parts = prop::collection::vec(inner, 0..4);
        prop_oneof![
            parts.clone().prop_map(Formula::All),
            parts.prop_map(Formula::Any)
        ]
    })
}

fn is_true(formula: &Formula, world: u8) -> bool {
    match formula {
        Formula::All(parts) => parts.iter().all(|part| is_true(part, world)),
        Formula::Any(parts) => parts.iter().any(|part| is_true(part, world)),
        Formula::Column(bound) => world >> bound.column.parse::<u8>().unwrap() & 1 == 1,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn the_normal_form_holds_where_the_formula_does(formula in formulas(), world: u8) {
        let clauses = product(vec![Clause::whole()], &formula, &|_| true);
        let met = |clause: &Clause| {
            clause.bounds.iter().all(|bound| is_true(&Formula::Column(bound.clone()), world))
        };
        prop_assert_eq!(clauses.iter().any(met), is_true(&formula, world));
    }

    #[test]
    fn simplified_formulas_say_the_same(formula in formulas(), world: u8) {
        prop_assert_eq!(is_true(&formula.clone().simplified(), world), is_true(&formula, world));
    }

    #[test]
    fn ladders_leave_room_for_every_column(
        relations in prop::collection::vec((0usize..4, 0usize..4, 0u8..5, -3i64..4), 1..6),
        scales in prop::array::uniform4(0i32..3),
        limits in prop::array::uniform4((-20i64..20, 0i64..30)),
        choices in prop::array::uniform4(0.0f64..1.0),
    ) {
        let relations: Vec<Relation> = relations
            .into_iter()
            .filter(|(left, right, ..)| left != right)
            .map(|(left, right, comparison, offset)| Relation {
                left: left.to_string(),
                comparison: [
                    Comparison::Less,
                    Comparison::AtMost,
                    Comparison::Equal,
                    Comparison::AtLeast,
                    Comparison::Greater,
                ][usize::from(comparison)],
                right: right.to_string(),
                offset: (offset != 0).then(|| offset.to_string()),
            })
            .collect();
        let places: Vec<Place> = (0..4)
            .map(|n| {
                let kind = TypeKind::Base { name: "numeric".into(), modifiers: vec![6, scales[n]] };
                let mut bounds = Limits::default();
                bounds.min.push((limits[n].0.to_string(), true));
                bounds.max.push(((limits[n].0 + limits[n].1).to_string(), true));
                Place {
                    column: n.to_string(),
                    scalar: scalar(&kind).unwrap(),
                    limits: bounds,
                    fixed: false,
                }
            })
            .collect();
        let Some(ladder) = Ladder::new(places, &relations) else {
            return Ok(());
        };
        // Values as rows get them, each anywhere between what the earlier ones leave, in nanos.
        let mut values: std::collections::BTreeMap<String, i128> = Default::default();
        for (rank, column) in ladder.columns().enumerate() {
            let n: usize = column.parse().unwrap();
            let factor = 10i128.pow(9 - u32::try_from(scales[n]).unwrap());
            let (low, high) = ladder.range(column).unwrap();
            let (mut low, mut high) = (i128::from(low), i128::from(high));
            let (floors, ceilings) = ladder.neighbours(column);
            for floor in floors {
                low = low.max((values[&floor.column] + floor.distance + factor - 1).div_euclid(factor));
            }
            for ceiling in ceilings {
                high = high.min((values[&ceiling.column] - ceiling.distance).div_euclid(factor));
            }
            prop_assert!(low <= high, "no room for {column}, the {rank}th");
            let chosen = low + ((high - low) as f64 * choices[n]) as i128;
            values.insert(column.to_owned(), chosen * factor);
        }
        for Relation { left, comparison, right, offset } in relations {
            let offset: i128 = offset.map_or(0, |text| text.parse::<i128>().unwrap() * 1_000_000_000);
            let difference = values[&left] - values[&right] - offset;
            let sign = i64::try_from(difference.signum()).unwrap();
            prop_assert!(comparison.holds(sign, 0), "{left} {comparison:?} {right}: {values:?}");
        }
    }
}

//! How the values of a type are ordered, by their texts.

use std::cmp::Ordering;

use crate::schema::TypeKind;
use crate::synth::limits::Limits;
use crate::synth::value::calendar::{self, MomentKind};
use crate::synth::value::decimal;

/// The order of a type's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Numbers.
    Number,
    /// Dates and times.
    Moment(MomentKind),
    /// UUIDs.
    Uuid,
    /// Anything else: byte by byte, which is how collation \"C\" orders text.
    Text,
}

/// Decimal places that are compared.
const PLACES: u32 = 6;

impl Order {
    pub(crate) fn of(kind: &TypeKind) -> Self {
        let TypeKind::Base { name, .. } = kind.below_domains() else {
            return Self::Text;
        };
        match name.as_str() {
            "int2" | "int4" | "int8" | "oid" | "numeric" | "float4" | "float8" | "money" => {
                Self::Number
            }
            "date" => Self::Moment(MomentKind::Date),
            "time" | "timetz" => Self::Moment(MomentKind::Time),
            "timestamp" | "timestamptz" => Self::Moment(MomentKind::Timestamp),
            "uuid" => Self::Uuid,
            _ => Self::Text,
        }
    }

    /// Whether values are at measurable distances, and each has another above it.
    pub(crate) fn is_measured(self) -> bool {
        matches!(self, Self::Number | Self::Moment(_))
    }

    /// The whole units and the rest of a value, none of what is no number or moment.
    fn position(self, text: &str) -> Option<(i64, i64)> {
        match self {
            Self::Number => {
                let (whole, _) = decimal::read(text, 0)?;
                let rest = decimal::read(text, PLACES)
                    .map_or(0, |(value, _)| value.rem_euclid(10i64.pow(PLACES)));
                Some((whole, rest))
            }
            Self::Moment(kind) => calendar::read(kind, text).map(|micros| (micros, 0)),
            Self::Uuid | Self::Text => None,
        }
    }

    pub(crate) fn compare(self, a: &str, b: &str) -> Ordering {
        match (self, self.position(a), self.position(b)) {
            (_, Some(a), Some(b)) => a.cmp(&b),
            (Self::Uuid, ..) => a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase()),
            _ => a.cmp(b),
        }
    }

    /// The distance from one value to another, in a unit of its own; none where it has none.
    pub(crate) fn width(self, from: &str, to: &str) -> Option<f64> {
        if let Self::Uuid = self {
            let number = |text| Some(uuid_head(text)? as f64);
            return Some(number(to)? - number(from)?);
        }
        let number = |(whole, rest): (i64, i64)| {
            whole as f64 + rest as f64 / 10f64.powi(PLACES.cast_signed())
        };
        Some(number(self.position(to)?) - number(self.position(from)?))
    }

    /// Whether a value is within limits, as far as they are bounds and lists.
    pub(crate) fn admits(self, limits: &Limits, text: &str) -> bool {
        let above = limits
            .min
            .iter()
            .all(|(bound, inclusive)| match self.compare(text, bound) {
                Ordering::Greater => true,
                Ordering::Equal => *inclusive,
                Ordering::Less => false,
            });
        let below = limits
            .max
            .iter()
            .all(|(bound, inclusive)| match self.compare(text, bound) {
                Ordering::Less => true,
                Ordering::Equal => *inclusive,
                Ordering::Greater => false,
            });
        let same = |value: &String| self.compare(text, value) == Ordering::Equal;
        let listed = limits
            .one_of
            .as_ref()
            .is_none_or(|values| values.iter().any(same));
        above && below && listed && !limits.not.iter().any(same)
    }
}

/// The upper 64 bits of a UUID.
pub(crate) fn uuid_head(text: &str) -> Option<u64> {
    let digits: String = text
        .chars()
        .filter(char::is_ascii_hexdigit)
        .take(16)
        .collect();
    match digits.len() {
        16 => u64::from_str_radix(&digits, 16).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn base(name: &str) -> Order {
        Order::of(&TypeKind::Base {
            name: name.into(),
            modifiers: Vec::new(),
        })
    }

    #[test]
    fn values_are_compared_as_their_type_does() {
        for (name, less, more) in [
            ("int4", "9", "10"),
            ("numeric", "-1.5", "-1.25"),
            (
                "timestamptz",
                "2024-01-01 00:00:00+02",
                "2024-01-01 00:00:00+00",
            ),
            (
                "uuid",
                "0A000000-0000-0000-0000-000000000000",
                "0b000000-0000-0000-0000-000000000000",
            ),
            ("text", "a", "b"),
        ] {
            assert_eq!(base(name).compare(less, more), Ordering::Less, "{name}");
        }
        assert_eq!(
            base("date").width("2024-01-01", "2024-01-03"),
            Some(2.0 * 86_400e6)
        );
        assert_eq!(base("text").width("a", "b"), None);
    }

    proptest! {
        #[test]
        fn numbers_within_limits_are_admitted(low in -50i64..50, width in 1i64..50, value in -120i64..120) {
            let limits = Limits {
                min: vec![(low.to_string(), true)],
                max: vec![((low + width).to_string(), false)],
                ..Limits::default()
            };
            let inside = (low..low + width).contains(&value);
            prop_assert_eq!(base("int8").admits(&limits, &value.to_string()), inside);
        }
    }
}

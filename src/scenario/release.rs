//! `[release]`: when the application's instances go over to the next release.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::units::{Span, UnitError, seconds};

/// `[release]` as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Release {
    /// When the first instance goes over.
    pub next_from: Option<Moment>,
    /// Time between two instances.
    pub rolling: Option<Span>,
}

/// When instances go over to the next release, which sends the transactions whose role is `next`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasePlan {
    /// When the first instance does.
    pub next_from: Moment,
    /// Time between two instances, which follow in the order of their numbers; zero: all at once.
    #[serde(with = "seconds")]
    pub rolling: Duration,
    /// The order of release and migration that was asked for; none where the scenario's is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordering: Option<Ordering>,
}

/// In which order the next release and the migration come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ordering {
    /// All instances go over before the migration.
    AppFirst,
    /// None does before the migration has been applied.
    MigrationFirst,
    /// One after the other, the first with the migration's start, while the others go on beside it.
    Rolling,
}

impl Ordering {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::AppFirst, Self::MigrationFirst, Self::Rolling];

    /// As it is written on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::AppFirst => "app-first",
            Self::MigrationFirst => "migration-first",
            Self::Rolling => "rolling",
        }
    }
}

impl fmt::Display for Ordering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A moment of a pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Moment {
    /// So long before the migration starts, which waits for that: the baseline ends with the release.
    Before(Duration),
    /// So long after the migration has started; zero: with it.
    After(Duration),
    /// When the migration has been applied: never if it fails, as a deployment stops then. The order
    /// that most release pipelines have: migrate first, then the code.
    #[default]
    MigrationEnd,
}

/// What is known of a pass so far, in times since its timeline's origin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks {
    /// When the migration is to start by the plan; none until the baseline is over.
    pub planned: Option<Duration>,
    /// When it started.
    pub started: Option<Duration>,
    /// When it had been applied.
    pub applied: Option<Duration>,
}

impl Release {
    /// With the defaults applied.
    pub(super) fn plan(&self) -> ReleasePlan {
        ReleasePlan {
            next_from: self.next_from.unwrap_or_default(),
            rolling: self.rolling.unwrap_or_default().0,
            ordering: None,
        }
    }
}

/// How long the next release runs before the migration, where the scenario does not say: long enough for its
/// connections and caches, and for what it breaks without the migration to be seen.
const LEAD: Duration = Duration::from_secs(5);

impl ReleasePlan {
    /// The same release in another order: the scenario's own times where they fit it, and else such that every
    /// instance goes over within the pass. `recovery` is how long the pass goes on after the migration.
    pub fn ordered(&self, ordering: Ordering, instances: u32, recovery: Duration) -> Self {
        let others = instances.saturating_sub(1);
        let (next_from, rolling) = match ordering {
            Ordering::AppFirst => {
                let own = match self.next_from {
                    Moment::Before(lead) => lead,
                    Moment::After(_) | Moment::MigrationEnd => LEAD,
                };
                let lead = own.saturating_add(self.rolling.saturating_mul(others));
                (Moment::Before(lead), self.rolling)
            }
            Ordering::MigrationFirst => (Moment::MigrationEnd, self.rolling),
            Ordering::Rolling => {
                let pace = match self.rolling.is_zero() {
                    true => recovery / instances.max(1),
                    false => self.rolling,
                };
                (Moment::After(Duration::ZERO), pace)
            }
        };
        Self {
            next_from,
            rolling,
            ordering: Some(ordering),
        }
    }

    /// How long before the migration the first instance goes over; zero where it does not.
    pub fn lead(&self) -> Duration {
        match self.next_from {
            Moment::Before(lead) => lead,
            Moment::After(_) | Moment::MigrationEnd => Duration::ZERO,
        }
    }

    /// When an instance goes over, since the timeline's origin; none while that is not known.
    pub fn switch(&self, instance: u64, marks: &Marks) -> Option<Duration> {
        let first = match self.next_from {
            Moment::Before(lead) => marks.planned?.saturating_sub(lead),
            Moment::After(delay) => marks.started?.saturating_add(delay),
            Moment::MigrationEnd => marks.applied?,
        };
        let turns = u32::try_from(instance).unwrap_or(u32::MAX);
        Some(first.saturating_add(self.rolling.saturating_mul(turns)))
    }
}

impl FromStr for Moment {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let text = text.trim();
        let span = |text: &str| text.parse::<Span>().map(|span| span.0);
        Ok(match text {
            "migration-start" => Self::After(Duration::ZERO),
            "migration-end" => Self::MigrationEnd,
            _ => match text.strip_prefix('-') {
                Some(lead) => Self::Before(span(lead)?),
                None => Self::After(span(text.strip_prefix('+').unwrap_or(text))?),
            },
        })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MigrationEnd => f.write_str("migration-end"),
            Self::Before(lead) => write!(f, "-{}", Span(*lead)),
            Self::After(Duration::ZERO) => f.write_str("migration-start"),
            Self::After(delay) => write!(f, "{}", Span(*delay)),
        }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|_| {
            serde::de::Error::custom(format!(
                "`{text}` is no moment: use \"migration-start\", \"migration-end\", or a time relative \
                 to the migration's start as \"-5s\" or \"5s\""
            ))
        })
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn plan(next_from: &str, rolling: u64) -> ReleasePlan {
        ReleasePlan {
            next_from: next_from.parse().unwrap(),
            rolling: SECOND * rolling as u32,
            ordering: None,
        }
    }

    #[test]
    fn an_order_keeps_the_scenarios_times_where_they_fit() {
        let recovery = SECOND * 10;
        let default = ReleasePlan::default();
        let first = default.ordered(Ordering::AppFirst, 4, recovery);
        assert_eq!(
            (first.next_from, first.rolling),
            (Moment::Before(LEAD), Duration::ZERO)
        );
        // The last of four instances goes over as long before the migration as the scenario has the first.
        let first = plan("-2s", 1).ordered(Ordering::AppFirst, 4, recovery);
        assert_eq!(first.next_from, Moment::Before(SECOND * 5));
        let marks = Marks {
            planned: Some(SECOND * 20),
            ..Marks::default()
        };
        assert_eq!(first.switch(3, &marks), Some(SECOND * 18));
        let last = plan("-2s", 1).ordered(Ordering::MigrationFirst, 4, recovery);
        assert_eq!(
            (last.next_from, last.rolling),
            (Moment::MigrationEnd, SECOND)
        );
        // Even where the migration takes no time the last one goes over before the end.
        let between = default.ordered(Ordering::Rolling, 4, recovery);
        let marks = Marks {
            started: Some(Duration::ZERO),
            ..Marks::default()
        };
        assert!(between.switch(3, &marks).unwrap() < recovery);
        assert_eq!(between.switch(0, &marks), Some(Duration::ZERO));
        assert_eq!(
            plan("5s", 3)
                .ordered(Ordering::Rolling, 4, recovery)
                .rolling,
            SECOND * 3
        );
    }

    #[test]
    fn moments_are_read_as_they_are_written() {
        for (text, moment) in [
            ("migration-start", Moment::After(Duration::ZERO)),
            ("migration-end", Moment::MigrationEnd),
            ("-5s", Moment::Before(SECOND * 5)),
            ("5s", Moment::After(SECOND * 5)),
            ("+1.5s", Moment::After(Duration::from_millis(1_500))),
            ("0", Moment::After(Duration::ZERO)),
        ] {
            assert_eq!(text.parse(), Ok(moment), "{text}");
            assert_eq!(moment.to_string().parse(), Ok(moment), "{moment}");
        }
        for text in ["", "soon", "--5s", "5", "-migration-end"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_instance_goes_over_when_its_moment_is_known() {
        let marks = |planned: u64, started: Option<u64>, applied: Option<u64>| Marks {
            planned: Some(SECOND * planned as u32),
            started: started.map(Duration::from_secs),
            applied: applied.map(Duration::from_secs),
        };
        let before = plan("-5s", 2);
        assert_eq!(before.switch(0, &Marks::default()), None);
        assert_eq!(before.switch(0, &marks(13, None, None)), Some(SECOND * 8));
        assert_eq!(before.switch(3, &marks(13, None, None)), Some(SECOND * 14));
        let with = plan("migration-start", 0);
        assert_eq!(with.switch(3, &marks(13, None, None)), None);
        assert_eq!(
            with.switch(3, &marks(13, Some(14), None)),
            Some(SECOND * 14)
        );
        let after = plan("migration-end", 1);
        assert_eq!(after.switch(0, &marks(13, Some(14), None)), None);
        assert_eq!(
            after.switch(1, &marks(13, Some(14), Some(20))),
            Some(SECOND * 21)
        );
    }

    #[test]
    fn a_lead_longer_than_the_pass_is_from_its_beginning() {
        let marks = Marks {
            planned: Some(SECOND),
            ..Marks::default()
        };
        assert_eq!(plan("-1h", 0).switch(0, &marks), Some(Duration::ZERO));
    }

    proptest! {
        #[test]
        fn later_instances_never_go_over_earlier(
            rolling in 0u64..100, a in 0u64..u64::MAX, b in 0u64..u64::MAX, started in 0u64..1_000_000,
        ) {
            let marks = Marks { started: Some(Duration::from_secs(started)), ..Marks::default() };
            let plan = plan("migration-start", rolling);
            let (a, b) = (a.min(b), a.max(b));
            prop_assert!(plan.switch(a, &marks) <= plan.switch(b, &marks));
        }

        #[test]
        fn no_text_makes_reading_panic(text in ".{0,20}") {
            let _ = text.parse::<Moment>();
        }
    }
}

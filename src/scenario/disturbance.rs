//! `[[disturbances]]`: what production does while it is migrated.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::units::{Span, UnitError, seconds};

/// How long a disturbance lasts where the scenario does not say (DESIGN §6).
const USUAL_LENGTH: Duration = Duration::from_secs(5);

/// How long before the migration it starts then: it must be there when the migration asks for its first
/// lock.
const USUAL_LEAD: Duration = Duration::from_secs(1);

/// One of `[[disturbances]]` as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disturbance {
    /// What it does.
    pub kind: DisturbanceKind,
    /// The table that it is about; all if left out.
    pub table: Option<String>,
    /// Its start relative to the migration's, as `"-2s"`.
    pub start: Option<Offset>,
    /// How long it lasts.
    pub duration: Option<Span>,
}

/// What a disturbance does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DisturbanceKind {
    /// A transaction that has read the table, goes on with its work, and keeps its snapshot.
    LongTransaction,
    /// One that has read the table and was forgotten: no statement runs.
    IdleInTransaction,
    /// One query that takes so long.
    LongQuery,
    /// What `pg_dump` does: it locks the tables in AccessShareLock and copies them out in one snapshot.
    Dump,
    /// A vacuum that does not give way to whoever waits for its lock, as the one against the wraparound of
    /// transaction numbers.
    AntiWraparoundVacuum,
}

/// One disturbance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisturbancePlan {
    /// What it does.
    pub kind: DisturbanceKind,
    /// The table that it is about; none: all.
    pub table: Option<String>,
    /// Its start relative to the migration's.
    pub start: Offset,
    /// How long it lasts.
    #[serde(with = "seconds")]
    pub duration: Duration,
}

impl DisturbancePlan {
    /// What production has at any time, and most rehearsals leave out: a transaction that somebody keeps
    /// open for a few seconds.
    pub fn usual() -> Self {
        Self {
            kind: DisturbanceKind::LongTransaction,
            table: None,
            start: Offset::Before(USUAL_LEAD),
            duration: USUAL_LENGTH,
        }
    }

    /// How long after the migration's start it is still there.
    pub fn outlasts(&self) -> Duration {
        match self.start {
            Offset::Before(lead) => self.duration.saturating_sub(lead),
            Offset::After(delay) => delay.saturating_add(self.duration),
        }
    }
}

impl Disturbance {
    /// With the defaults applied.
    pub(super) fn plan(&self) -> DisturbancePlan {
        DisturbancePlan {
            kind: self.kind,
            table: self.table.clone(),
            start: self.start.unwrap_or(Offset::Before(USUAL_LEAD)),
            duration: self.duration.map_or(USUAL_LENGTH, |span| span.0),
        }
    }
}

impl fmt::Display for DisturbanceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LongTransaction => "long-transaction",
            Self::IdleInTransaction => "idle-in-transaction",
            Self::LongQuery => "long-query",
            Self::Dump => "dump",
            Self::AntiWraparoundVacuum => "anti-wraparound-vacuum",
        })
    }
}

/// A moment relative to the migration's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offset {
    /// So long before it.
    Before(Duration),
    /// So long after it.
    After(Duration),
}

impl Offset {
    /// How long before the migration; zero where it is after.
    pub fn lead(self) -> Duration {
        match self {
            Self::Before(lead) => lead,
            Self::After(_) => Duration::ZERO,
        }
    }

    /// The moment, where the migration starts at this one; both since the same origin.
    pub fn from(self, migration: Duration) -> Duration {
        match self {
            Self::Before(lead) => migration.saturating_sub(lead),
            Self::After(delay) => migration.saturating_add(delay),
        }
    }
}

impl FromStr for Offset {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let text = text.trim();
        let span = |text: &str| text.parse::<Span>().map(|span| span.0);
        Ok(match text.strip_prefix('-') {
            Some(lead) => Self::Before(span(lead)?),
            None => Self::After(span(text.strip_prefix('+').unwrap_or(text))?),
        })
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(lead) => write!(f, "-{}", Span(*lead)),
            Self::After(delay) => write!(f, "{}", Span(*delay)),
        }
    }
}

impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|_| {
            serde::de::Error::custom(format!(
                "`{text}` is no time relative to the migration's start: write it as \"-2s\" or \"5s\""
            ))
        })
    }
}

impl Serialize for Offset {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_reads_back_as_written() {
        for (text, offset) in [
            ("-2s", Offset::Before(Duration::from_secs(2))),
            ("500ms", Offset::After(Duration::from_millis(500))),
            ("+1m", Offset::After(Duration::from_secs(60))),
        ] {
            assert_eq!(text.parse(), Ok(offset));
            assert_eq!(offset.to_string().replace(' ', "").parse(), Ok(offset));
        }
        assert!("-".parse::<Offset>().is_err());
        assert!("soon".parse::<Offset>().is_err());
    }

    #[test]
    fn the_usual_one_is_there_before_the_migration_and_after_its_start() {
        let usual = DisturbancePlan::usual();
        assert_eq!(
            usual.start.from(Duration::from_secs(10)),
            Duration::from_secs(9)
        );
        assert_eq!(usual.outlasts(), Duration::from_secs(4));
    }
}

//! What is tried beside the plain rehearsal: asked for on the command line, not in scenario.toml.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::{Span, seconds};

/// What is tried beside the plain rehearsal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Trials {
    /// Whether the way back is rehearsed.
    pub rollback: bool,
    /// How the migration is ended in its midst; none: it is not.
    pub abort: Option<AbortPlan>,
    /// Whether a projection is made even where the shadow is as large as production.
    pub forecast: bool,
}

/// An end of the migration on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AbortPlan {
    /// When.
    pub after: AbortAfter,
    /// How.
    pub by: AbortBy,
}

/// When a migration is ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbortAfter {
    /// So long after its start.
    #[serde(with = "seconds")]
    Time(Duration),
    /// After this part of the time that it took in the quiet pass, from 0 to 1.
    Share(f64),
    /// As soon as this statement runs, counted from 1.
    Statement(usize),
}

/// How a migration is ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AbortBy {
    /// Its statement is cancelled, as by Ctrl-C in psql or `pg_cancel_backend`.
    #[default]
    Cancel,
    /// Its session is ended, as by `pg_terminate_backend`.
    Terminate,
    /// The server dies and starts again.
    KillServer,
}

impl FromStr for AbortAfter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "`{text}` does not say when to abort: write a time as 3s, a part as 50%, or statement:2"
            )
        };
        if let Some(number) = text.strip_prefix("statement:") {
            let number = number.parse().ok().filter(|number| *number > 0);
            return number.map(Self::Statement).ok_or_else(refused);
        }
        if let Some(percent) = text.strip_suffix('%') {
            let percent: Option<f64> = percent.trim().parse().ok();
            let part = percent.filter(|percent| (0.0..=100.0).contains(percent));
            return part
                .map(|part| Self::Share(part / 100.0))
                .ok_or_else(refused);
        }
        let span: Span = text.parse().map_err(|_| refused())?;
        Ok(Self::Time(span.0))
    }
}

impl fmt::Display for AbortAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => write!(f, "{}", Span(*time)),
            Self::Share(part) => write!(f, "{} % of its time", part * 100.0),
            Self::Statement(number) => write!(f, "statement {number}"),
        }
    }
}

impl FromStr for AbortBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "cancel" => Ok(Self::Cancel),
            "terminate" => Ok(Self::Terminate),
            "kill-server" => Ok(Self::KillServer),
            _ => Err(format!(
                "`{text}` is no way to abort: use cancel, terminate or kill-server"
            )),
        }
    }
}

impl fmt::Display for AbortBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancel => "cancel",
            Self::Terminate => "terminate",
            Self::KillServer => "kill-server",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abort_is_a_time_a_part_or_a_statement() {
        assert_eq!("3s".parse(), Ok(AbortAfter::Time(Duration::from_secs(3))));
        assert_eq!("50%".parse(), Ok(AbortAfter::Share(0.5)));
        assert_eq!("statement:2".parse(), Ok(AbortAfter::Statement(2)));
        for wrong in ["", "150%", "statement:0", "statement:", "later", "-3s"] {
            assert!(wrong.parse::<AbortAfter>().is_err(), "{wrong}");
        }
        for by in [AbortBy::Cancel, AbortBy::Terminate, AbortBy::KillServer] {
            assert_eq!(by.to_string().parse(), Ok(by));
        }
        assert!("kill".parse::<AbortBy>().is_err());
    }
}

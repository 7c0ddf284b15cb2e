//! One rule's measurement, and what it is measured in.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::observe::PassName;
use crate::units::Span;

use super::wording;

/// One rule applied to one window of one pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's name, as in [`super::rules::RULES`]; `traffic_prepares` of a check.
    pub rule: String,
    /// The pass it was measured in.
    pub pass: PassName,
    /// Whether the limit held: `measured <= limit`.
    pub passed: bool,
    /// The measured value, in `unit`.
    pub measured: f64,
    /// The largest value that passes, in `unit`.
    pub limit: f64,
    /// The unit of both.
    pub unit: Unit,
    /// The window that it was measured in.
    pub window: Window,
    /// The kind of transaction that it is about; none where it is about all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// The migration's statement to blame, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<usize>,
    /// The relation that the harm came through, schema-qualified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    /// The measurement in one sentence, with its limit.
    pub detail: String,
    /// What to do about it; only where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Half the width of the measured value's 95 % interval, in `unit`, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    /// The smallest value that another run of the same scenario may measure, in `unit`; none of what is
    /// counted exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// The largest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Whether the limit lies between them, so that `passed` is as good as a coin toss.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undecided: bool,
    /// Why a failed finding is not held against the migration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

impl Finding {
    /// Whether it makes the migration unsafe: it failed clearly, and nothing speaks against the evidence.
    pub fn is_decisive(&self) -> bool {
        !self.passed && self.doubt.is_none() && !self.undecided
    }

    /// Whether nothing but noise keeps it from telling safe from unsafe.
    pub fn is_undecided(&self) -> bool {
        self.undecided && self.doubt.is_none()
    }

    /// How far the measured value is up to its limit and beyond: 1 is the limit itself.
    pub fn severity(&self) -> f64 {
        match self.limit > 0.0 {
            true => self.measured / self.limit,
            false if self.measured > 0.0 => f64::INFINITY,
            false => 0.0,
        }
    }
}

/// What a finding's numbers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
    /// A quotient of two equal units.
    #[serde(rename = "ratio")]
    Ratio,
    /// A part of all requests, from 0 to 1.
    #[serde(rename = "share")]
    Share,
    /// A number of things.
    #[serde(rename = "count")]
    Count,
}

impl Unit {
    /// Prints a value in this unit as people read it.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Seconds => Span::from_seconds(value).to_string(),
            Self::Ratio => wording::times(value),
            Self::Share => wording::percent(value),
            Self::Count => format!("{value:.0}"),
        }
    }
}

/// The part of a pass that a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// While the migration ran.
    Migration,
    /// After it.
    Recovery,
    /// As projected to production size.
    Forecast,
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Migration => "while migrating",
            Self::Recovery => "in recovery",
            Self::Forecast => "at production size",
        })
    }
}

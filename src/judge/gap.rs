//! Something that the evidence lacks, and what it takes the ground from.

/// Something that the evidence lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gap {
    /// What, in one sentence.
    pub(super) sentence: String,
    /// The rules that it takes the ground from: where they failed, that cannot be held against the
    /// migration. Every gap forbids `safe`.
    pub(super) doubts: &'static [&'static str],
}

impl Gap {
    pub(super) fn doubting(doubts: &'static [&'static str], sentence: String) -> Self {
        Self { sentence, doubts }
    }

    /// A gap that only forbids `safe`.
    pub(super) fn thin(sentence: String) -> Self {
        Self::doubting(&[], sentence)
    }
}

/// What a server under a load that it cannot bear shows of its own accord. Not among them: whether
/// the migration's SQL fits the schema and the data, which no load changes.
pub(super) const UNDER_LOAD: &[&str] = &[
    "lock_wait",
    "unavailable",
    "restarts",
    "error_rate",
    "p99_ratio",
    "migration_time",
];

/// All that a server that fails takes with it. `migration_applied` knows its own outside causes.
pub(super) const ON_A_FAILED_SERVER: &[&str] = &[
    "integrity",
    "lock_wait",
    "unavailable",
    "restarts",
    "error_rate",
    "p99_ratio",
    "migration_time",
];

/// What is held against the baseline's own figures.
pub(super) const COMPARED: &[&str] = &["error_rate", "p99_ratio"];

//! Statements of a safe form.

/// One statement of a safe form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// The hazard that it avoids.
    pub(super) rule: &'static str,
    /// Why it is so.
    pub(super) why: &'static str,
    /// Its text, without the semicolon.
    pub(super) sql: String,
    /// What stands for it where there is room for a line only, if not its text.
    pub(super) brief: Option<String>,
    /// How it takes its locks.
    pub(super) pace: Pace,
}

/// How a statement takes its locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// A lock that others wait for, for an instant: it should rather give up than wait for it.
    Brief,
    /// For long, but nobody who reads or writes waits for it.
    Long,
    /// Row locks, batch after batch; what gives up is tried again by itself.
    Batches,
}

impl Step {
    pub(super) fn brief(rule: &'static str, sql: String, why: &'static str) -> Self {
        Self::new(rule, (sql, why), Pace::Brief)
    }

    pub(super) fn long(rule: &'static str, sql: String, why: &'static str) -> Self {
        Self::new(rule, (sql, why), Pace::Long)
    }

    pub(super) fn new(rule: &'static str, (sql, why): (String, &'static str), pace: Pace) -> Self {
        Self {
            rule,
            why,
            sql,
            brief: None,
            pace,
        }
    }
}

/// What becomes of a statement or of one action of an `ALTER TABLE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turned {
    /// It is as safe as it can be.
    Kept,
    /// It is not, and has no form that could be written without knowing more; why.
    Stuck(String),
    /// Its safe form.
    Steps(Vec<Step>),
}

impl Turned {
    pub(super) fn stuck(why: &str) -> Self {
        Self::Stuck(why.to_owned())
    }
}

//! Why a server's log cannot be replayed.

/// A fault in a server's log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct LogError {
    /// The file, as the scenario names it.
    pub file: String,
    /// Where the entry begins, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// What is wrong with the entry that begins at a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(line: usize, message: impl Into<String>) -> Self {
        Self {
            line,
            message: message.into(),
        }
    }

    pub(super) fn of(self, file: &str) -> LogError {
        LogError {
            file: file.to_owned(),
            line: self.line,
            message: self.message,
        }
    }
}

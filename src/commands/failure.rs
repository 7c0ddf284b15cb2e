//! Why a command could not do its work, and the exit code that says so.

use std::fmt;

use super::exit;

/// An error that ends a command.
#[derive(Debug)]
pub enum Failure {
    /// The user's input is wrong.
    Usage(anyhow::Error),
    /// The rehearsal could not run.
    CouldNotRun(anyhow::Error),
    /// The user stopped it; what became of what was begun.
    Stopped(String),
    /// The user stopped it before there was anything to report.
    Interrupted,
}

impl Failure {
    /// Wrong input.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::Usage(error.into())
    }

    /// Could not run.
    pub fn could_not_run(error: impl Into<anyhow::Error>) -> Self {
        Self::CouldNotRun(error.into())
    }

    /// The exit code (DESIGN §8).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => exit::USAGE,
            Self::CouldNotRun(_) => exit::COULD_NOT_RUN,
            Self::Stopped(_) | Self::Interrupted => exit::INTERRUPTED,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) | Self::CouldNotRun(error) => {
                let text = format!("{error:#}");
                // Errors that point into a file come with their own heading.
                let heading = if text.starts_with("error") {
                    ""
                } else {
                    "error: "
                };
                write!(f, "{heading}{text}")
            }
            Self::Stopped(fate) => write!(f, "{}", fate.trim_end()),
            Self::Interrupted => f.write_str("interrupted before anything was measured"),
        }
    }
}

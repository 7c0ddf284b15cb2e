//! A scenario: the file as written, and the [`Plan`] it resolves to. Both pure: whoever reads the
//! files hands their text in.
//!
//! [`parse`] reads and checks scenario.toml, [`ScenarioFile::files`] says which other files it needs, and
//! [`ScenarioFile::resolve`] makes the plan of their texts.

mod checks;
mod document;
mod error;
pub mod file;
mod limitations;
mod overrides;
pub mod plan;
mod reading;
mod resolve;
#[cfg(test)]
mod tests;

pub use error::{ResolveError, ScenarioError};
pub use overrides::{Override, OverrideError};
pub use plan::Plan;
pub use reading::{ScenarioFile, parse};

//! A scenario: the file as written, and the [`Plan`] it resolves to. Both pure: whoever reads the
//! files hands their text in.
//!
//! [`parse`] reads and checks scenario.toml, [`ScenarioFile::files`] says which other files it needs, and
//! [`ScenarioFile::resolve`] makes the plan of their texts.

mod application;
mod checks;
mod current;
pub mod disturbance;
mod document;
mod error;
pub mod file;
mod limitations;
mod load;
mod overrides;
mod patience;
pub mod plan;
mod reading;
pub mod release;
mod replay;
mod resolve;
mod share;
pub mod statements;
#[cfg(test)]
mod tests;
pub mod trial;
mod variables;

pub use error::{ResolveError, ScenarioError};
pub use overrides::{Override, OverrideError};
pub use plan::Plan;
pub use reading::{ScenarioFile, parse};

//! A scenario: the file as written, and the [`Plan`] it resolves to. Both pure: whoever reads the
//! files hands their text in.

pub mod plan;

pub use plan::Plan;

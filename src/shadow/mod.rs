//! .
pub mod fill;

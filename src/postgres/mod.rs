//! What the tool asks of PostgreSQL for its own purposes: one concern a file, the SQL beside the
//! struct that its rows become.

pub mod catalog;
pub mod copy;
pub mod indexes;
pub mod names;
pub mod sequences;
pub mod settle;

//! The script language beside the installed `pgbench`: the same scripts under both must give the same.
//!
//! What is compared lies in `corpus/`: expressions with their values, scripts with what they leave in a
//! table under each protocol, and what both must refuse.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

mod builtins;
mod client;
mod expressions;
mod published;
mod randomness;
mod refusals;
mod scripts;
mod tool;

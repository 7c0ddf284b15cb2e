//! The tool as its users run it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test cannot do without fails it"
)]

mod bad_input;
mod cache;
mod existing;
mod fill;
mod fixture;
mod forecast;
mod interrupt;
mod load;
mod rehearse;
mod release;
mod resilience;
mod rewrite;

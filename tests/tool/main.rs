//! The tool as its users run it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test cannot do without fails it"
)]

mod bad_input;
mod cache;
mod fill;
mod fixture;
mod interrupt;
mod rehearse;

//! pgrehearse rehearses a PostgreSQL migration on a shadow database, at production size, under
//! production-like traffic, and decides whether it is safe.
//!
//! A module imports only modules below it in this list; `tests/architecture.rs` keeps it so.

pub mod cli;

pub mod commands;

pub mod report;

pub mod rehearsal;

pub mod traffic;

pub mod shadow;

pub mod postgres;

// From here down everything is pure: no async, no clock, no file, no printing.

pub mod judge;

pub mod scenario;

pub mod observe;

pub mod synth;

pub mod pgbench;

pub mod sql;

pub mod schema;

pub mod units;

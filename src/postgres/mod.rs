//! All SQL of the tool's own, one file a concern, beside the struct its rows become.

pub mod connect;
pub mod database;
pub mod savepoint;

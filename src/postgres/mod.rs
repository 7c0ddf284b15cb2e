//! All SQL that the tool sends for its own purposes, one file a concern, beside the struct that its
//! rows become.

pub mod connect;
pub mod database;
pub mod facts;
pub mod integrity;
pub mod locks;
pub mod savepoint;
pub mod sizes;

//! All SQL that the tool sends for its own purposes, one file a concern, beside the struct that its
//! rows become.

pub mod catalog;
pub mod connect;
pub mod copy;
pub mod database;
pub mod facts;
pub mod given;
pub mod indexes;
pub mod integrity;
pub mod locks;
pub mod names;
pub mod savepoint;
pub mod sequences;
pub mod settle;
pub mod sizes;
pub mod statistics;
pub mod uses;

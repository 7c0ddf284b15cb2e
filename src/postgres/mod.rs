//! All SQL that the tool sends for its own purposes, one file a concern, beside the struct that its
//! rows become.

pub mod catalog;
pub mod connect;
pub mod conninfo;
pub mod copy;
pub mod database;
mod defaults;
pub mod endpoint;
pub mod evaluate;
pub mod facts;
pub mod given;
pub mod identity;
pub mod indexes;
pub mod integrity;
pub mod locks;
pub mod names;
pub mod orphans;
pub mod passfile;
pub mod persistence;
pub mod probe;
pub mod removal;
pub mod savepoint;
pub mod sequences;
pub mod settle;
pub mod sizes;
pub mod statistics;
pub mod tls;
pub mod uses;
pub mod views;

//! The sessions of a server's log, sent again: each on a connection of its own that opens and closes when
//! it did, its transactions in their order, none before it is due.
//!
//! A transaction is due when the log says so, whatever became of the ones before; a session that is behind
//! sends the next as soon as the former has ended, and its latency counts from when it was due. When the
//! log ends, it begins again: a connection that the log leaves open is kept, with its state discarded.

mod agenda;
mod cast;
mod connection;
mod player;

pub(super) use cast::{Cast, Part};

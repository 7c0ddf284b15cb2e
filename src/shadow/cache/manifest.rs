//! What is known of a cached database without opening it.

use serde::{Deserialize, Serialize};

use crate::schema::Schema;
use crate::synth::GivenRows;
use crate::units::{Bytes, Rows};

/// What is known of a cached database, and what of its making cannot be seen in it any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The key's name.
    pub key: String,
    /// The scenario that it was first filled for.
    pub scenario: String,
    /// The server's build: `15.18 in /usr/lib/postgresql/15/bin`.
    pub postgres: String,
    /// Rows filled.
    pub rows: Rows,
    /// What it takes on the disk.
    pub bytes: Bytes,
    /// The schema, as the catalog had it.
    pub schema: Schema,
    /// Rows that were there before the fill.
    pub given: Vec<GivenRows>,
    /// What the loading of the schema said.
    pub notes: Vec<String>,
}

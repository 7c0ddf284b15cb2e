//! The shadow: the database that a migration is rehearsed on.

mod account;
pub mod cache;
mod cluster;
mod death_signal;
mod directory;
mod error;
mod existing;
pub mod fill;
mod guard;
mod installation;
mod machine;
mod mark;
mod postmaster;
mod schema;
mod server;
mod settings;
mod target;

pub use directory::sweep;
pub use error::ServerError;
pub use existing::{ExistingOptions, ExistingShadow, default_database};
pub use guard::GuardError;
pub use installation::{find_pg_bin, postgres_build};
pub use mark::mark;
pub use postmaster::EmergencyStop;
pub use schema::{LoadSummary, SchemaError, StatementFailure, load_schema, load_schema_as_guest};
pub use server::{Server, ServerOptions};
pub use settings::Durability;
pub use target::{Licence, Sending, Target};

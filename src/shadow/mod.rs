//! The shadow: the database that a migration is rehearsed on.

mod account;
mod death_signal;
mod directory;
mod installation;
mod machine;
mod postmaster;
pub mod schema;
pub mod server;
mod settings;

pub use directory::sweep;
pub use installation::find_pg_bin;
pub use postmaster::EmergencyStop;
pub use schema::{LoadSummary, SchemaError, load_schema};
pub use server::{Server, ServerError, ServerOptions};
pub use settings::Durability;

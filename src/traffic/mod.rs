//! The traffic: an application's fleet of instances that sends open-loop transactions, each from
//! its scheduled arrival on, and records what became of every one.
//!
//! A [`Fleet`] runs on its own threads. Each worker thread owns whole instances, walks the common
//! sequence of [`Arrivals`] and keeps its own recording, so workers share nothing that they must
//! wait for, and more machines could share one sequence in the same way.

mod agenda;
pub mod arrivals;
mod block;
mod error;
mod fleet;
mod gauges;
mod ledger;
mod mix;
mod orders;
mod pacer;
mod parameter;
mod pool;
mod preflight;
pub mod registry;
mod request;
mod session;
mod statement_check;
pub mod timeline;
mod timer;
mod worker;

pub use arrivals::{Arrival, Arrivals};
pub use error::TrafficError;
pub use fleet::{Fleet, FleetSetup};
pub use gauges::Live;
pub use registry::{Activity, Registry};
pub use statement_check::StatementCheck;
pub use timeline::Timeline;

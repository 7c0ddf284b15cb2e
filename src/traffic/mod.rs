//! The traffic: an application's fleet of instances that sends transactions, each from the moment that
//! it is due on, and records what became of every one.
//!
//! A [`Fleet`] runs on its own threads. Each worker thread owns whole instances, walks the common
//! sequence of [`Arrivals`] and keeps its own recording, so workers share nothing that they must
//! wait for, and more machines could share one sequence in the same way.

mod agenda;
mod alarm;
pub mod arrivals;
mod backoff;
mod balancer;
mod client;
mod condition;
mod demand;
mod error;
mod fleet;
mod gauges;
mod health;
mod instance;
mod ledger;
mod memory;
mod mix;
mod orders;
mod outbox;
mod pacer;
mod pool;
mod preflight;
pub mod production;
pub mod registry;
mod replay;
mod request;
mod roles;
mod servants;
mod session;
mod site;
mod statement_check;
pub mod timeline;
mod timer;
mod unfilled;
pub mod wire;
mod worker;

pub use arrivals::{Arrival, Arrivals};
pub use error::TrafficError;
pub use fleet::{Fleet, FleetSetup};
pub use gauges::Live;
pub use registry::{Activity, Registry};
pub use statement_check::StatementCheck;
pub use timeline::Timeline;

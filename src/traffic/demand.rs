//! What the fleet is asked to send, by the plan's kind of load.

use super::TrafficError;
use super::arrivals::{Arrivals, Draws};
use super::client::Clients;
use super::roles::Roles;
use crate::scenario::plan::{Load, ReplayLoad, TrafficPlan};

/// What all workers together send; each takes its share.
#[derive(Debug, Clone)]
pub(super) enum Demand {
    /// Requests at their own times: those of the current release, and what the next one adds.
    Arrivals(Vec<Arrivals>),
    /// Those of clients that wait for their answers.
    Clients(Box<Clients>),
    /// Those of a log's sessions.
    Replay(ReplayLoad),
}

impl Demand {
    /// The demand of a plan.
    ///
    /// # Errors
    ///
    /// [`TrafficError::NoTransactions`] if there is no transaction, or none with a weight.
    pub(super) fn of(plan: &TrafficPlan, seed: u64) -> Result<Self, TrafficError> {
        let roles = Roles::of(&plan.transactions);
        let draws = Draws::new(&roles, seed)?;
        Ok(match &plan.load {
            Load::Open(open) => Self::Arrivals(Arrivals::by_release(open, draws, &roles)),
            Load::Closed(closed) => Self::Clients(Box::new(Clients::new(closed.clone(), draws))),
            Load::Replay(replay) => Self::Replay(replay.clone()),
        })
    }
}

//! What a run of the migration has around it.

use tokio_postgres::Config;

use super::abort::Abortion;
use super::loaded::Surroundings;
use super::roster::Roster;
use crate::traffic::Timeline;

/// Where a migration runs.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    /// The shadow database.
    pub config: &'a Config,
    /// The rehearsal's clock.
    pub timeline: &'a Timeline,
    /// Where the lock sampler finds the migration's place.
    pub roster: &'a Roster,
    /// Who is told of each statement, and who may end the migration early.
    pub around: Surroundings<'a>,
    /// The order to end it in its midst.
    pub abort: Option<Abortion<'a>>,
}

impl<'a> Ground<'a> {
    /// Returns when the migration is to be ended by an order; never, where there is none.
    pub(super) async fn abort_due(&self) -> Abortion<'a> {
        match self.abort {
            Some(abortion) => {
                abortion.due(self.timeline, self.roster).await;
                abortion.begin(self.timeline, self.roster);
                abortion
            }
            None => std::future::pending().await,
        }
    }
}

//! A server's log as the traffic.

use crate::scenario::ScenarioFile;
use crate::scenario::error::ResolveError;
use crate::scenario::file::Traffic;
use crate::scenario::plan::{ReplayLoad, TrafficPlan};
use crate::sql::{LogOptions, LoggedTraffic};

impl ScenarioFile {
    /// The traffic of a log whose text is given.
    pub(in crate::scenario) fn replay(
        &self,
        traffic: &Traffic,
        (log, text): (&str, &str),
    ) -> Result<TrafficPlan, ResolveError> {
        let speed = traffic.speed.unwrap_or(1.0);
        let options = LogOptions {
            database: traffic.log_database.as_deref(),
            speed,
        };
        let load = ReplayLoad::new(log, speed, LoggedTraffic::read(log, text, options)?);
        Ok(TrafficPlan::replay(load))
    }
}

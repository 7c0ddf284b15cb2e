//! What a rehearsal tells while it runs. It sends; whoever shows progress consumes.

use std::sync::Arc;
use std::time::Duration;

use crate::observe::{PassName, PhaseName};
use crate::shadow::EmergencyStop;
use crate::shadow::fill::{FillProgress, FillSummary};
use crate::traffic::Live;

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// A pass begins, on a database of its own.
    Pass(PassName),
    /// A step of the preparation begins.
    Preparing(&'a str),
    /// A server runs; this ends it when there is no time for anything else.
    ServerStarted(&'a EmergencyStop),
    /// The fill begins; its progress is read from here until the next event.
    Filling(&'a Arc<FillProgress>),
    /// The fill is done.
    Filled(&'a FillSummary),
    /// The shadow is ready for traffic, so long after the start of the rehearsal.
    Ready(Duration),
    /// Something the user should know although nothing failed.
    Note(&'a str),
    /// A phase begins, of this length where it is known.
    Phase(PhaseName, Option<Duration>),
    /// A statement of the migration begins.
    Statement {
        /// Its index, from 0.
        index: usize,
        /// Statements in all.
        count: usize,
        /// Its text.
        sql: &'a str,
    },
    /// The state of the traffic, several times a second.
    Live {
        /// The traffic.
        traffic: &'a Live,
        /// Sessions that wait for a lock.
        waiters: u32,
    },
}

/// Consumes events.
pub trait Observer {
    /// Takes one in; must not block.
    fn event(&self, event: Event<'_>);
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event<'_>) {}
}

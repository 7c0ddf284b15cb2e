//! Whose sessions the backends of the server are.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::roster::Roster;
use crate::observe::lock_sample::{LockRow, Owner};
use crate::traffic::{Registry, Timeline};

/// Whose sessions the sampler can tell, and by which clock it stamps.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    /// The migration's place.
    pub roster: Arc<Roster>,
    /// The traffic's sessions.
    pub registry: Arc<Registry>,
    /// The names of the traffic's transactions, by index.
    pub transactions: Vec<String>,
    /// The rehearsal's clock.
    pub timeline: Arc<Timeline>,
}

/// Whose sessions the backends of these rows, and those they wait for, are now.
pub(super) fn owners(watch: &Watch, rows: &[LockRow]) -> BTreeMap<i32, Owner> {
    let pids = rows
        .iter()
        .flat_map(|row| row.blockers.iter().chain([&row.pid]));
    pids.filter_map(|&pid| {
        if watch.roster.disturbance(pid).is_some() {
            return Some((pid, Owner::Disturbance));
        }
        let activity = watch.registry.lookup(pid)?;
        let name = activity
            .transaction
            .and_then(|index| watch.transactions.get(index));
        let idle = match activity.health_check {
            true => "health-check",
            false => "idle",
        };
        Some((
            pid,
            Owner::Traffic(name.map_or_else(|| idle.to_owned(), Clone::clone)),
        ))
    })
    .collect()
}

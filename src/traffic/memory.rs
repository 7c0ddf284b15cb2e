//! What whoever makes a request remembers of those before it.

use std::sync::Arc;

use super::arrivals::Arrival;
use super::mix::Mix;
use crate::pgbench::Run;

/// The variables of a client, which it keeps from request to request as pgbench's do. A request of an open
/// loop comes from nobody, and begins without.
#[derive(Debug, Default)]
pub(super) struct Memory {
    client: Option<u32>,
    run: Option<Run>,
}

impl Memory {
    /// Of the client of this number, which has made no request yet.
    pub(super) fn of_client(number: u32) -> Self {
        Self {
            client: Some(number),
            run: None,
        }
    }

    /// Begins a run of a script of the mix; none if there is no such script.
    pub(super) fn begin(&mut self, mix: &Mix, arrival: &Arrival) -> Option<&mut Run> {
        let program = Arc::clone(&mix.transaction(arrival.transaction)?.program);
        let (seed, serial) = (arrival.seed, arrival.serial);
        let run = match (self.run.take(), self.client) {
            (Some(before), _) => before.next(program, seed, serial),
            (None, Some(client)) => Run::new(program, seed, serial).of_client(client),
            (None, None) => Run::new(program, seed, serial),
        };
        Some(self.run.insert(run))
    }
}

//! The server that both generators ask.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pgrehearse::shadow::{Server, ServerOptions, find_pg_bin};
use rustix::process::setpriority_process;
use tokio::runtime::{Builder, Runtime};

use crate::generators::{Pace, Workload, measure_both, pgbench};

/// The priority of everything measured, the server too: others who use the machine disturb less then.
const PRIORITY: i32 = -5;

/// A private server with pgbench's tables at scale 10.
pub(crate) struct Bench {
    runtime: Runtime,
    server: Server,
}

/// Takes [`PRIORITY`] for this process and all that it starts, where the system lets it.
pub(crate) fn prefer() {
    // Who may not measures with the usual one.
    let _ = setpriority_process(None, PRIORITY);
}

impl Bench {
    pub(crate) fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let server = Server::start(ServerOptions {
            pg_bin: find_pg_bin(None).unwrap(),
            settings: BTreeMap::new(),
            connections: 20,
            keep: false,
        });
        let server = runtime.block_on(server).unwrap();
        let bench = Self { runtime, server };
        pgbench(&bench, &["-i", "-q", "-s", "10"]);
        // The first to come would find nothing in any cache.
        let workload = Workload {
            script: "select-only",
            pace: Pace::Closed,
            seconds: 1,
        };
        measure_both(&bench, &workload, 0);
        bench
    }

    /// The directory of the server's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.server.directory().join("s")
    }

    pub(crate) fn stop(self) {
        self.runtime.block_on(self.server.stop()).unwrap();
    }
}

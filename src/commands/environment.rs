//! The machine that a rehearsal runs on.

use std::thread;

/// Processors this process may use.
pub fn cpus() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

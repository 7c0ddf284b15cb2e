//! The machine that a rehearsal runs on.

use std::thread;

/// Processors this process may use.
pub(super) fn cpus() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The machine's memory; none where the system does not say.
#[cfg(target_os = "linux")]
pub(super) fn memory_bytes() -> Option<u64> {
    let info = rustix::system::sysinfo();
    Some(u64::from(info.mem_unit).saturating_mul(info.totalram))
}

/// The machine's memory; none where the system does not say.
#[cfg(not(target_os = "linux"))]
pub fn memory_bytes() -> Option<u64> {
    None
}

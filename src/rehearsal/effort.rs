//! What this process itself takes: a load generator that is short of processor measures itself.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What a stretch of traffic took of the machine that sent it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effort {
    /// Processor time of all threads, of the user's and the system's kind.
    pub cpu: Duration,
    /// Most memory that the process has held at once since its start; none where the system does not
    /// say.
    pub peak_memory: Option<u64>,
}

/// Processor time so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Since(Duration);

impl Since {
    /// The start of a stretch.
    pub(super) fn now() -> Self {
        Self(cpu())
    }

    /// What was taken from there to now.
    pub(super) fn effort(self) -> Effort {
        Effort {
            cpu: cpu().saturating_sub(self.0),
            peak_memory: peak_memory(),
        }
    }
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// `VmHWM`, the high-water mark of the resident set.
#[cfg(target_os = "linux")]
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024)
}

#[cfg(not(target_os = "linux"))]
fn peak_memory() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_and_memory_are_seen() {
        let since = Since::now();
        let mut sum = 0u64;
        while since.effort().cpu < Duration::from_millis(5) {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
        if cfg!(target_os = "linux") {
            assert!(since.effort().peak_memory > Some(100_000));
        }
    }
}

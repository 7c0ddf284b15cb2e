//! The machine's processors, as its kernel counts them.

use std::time::Duration;

use crate::observe::processors::ProcessorReading;

/// The counters now, `at` on the timeline; none where the system does not say.
#[cfg(target_os = "linux")]
pub(super) fn read(at: Duration) -> Option<ProcessorReading> {
    parse(&std::fs::read_to_string("/proc/stat").ok()?, at)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn read(_: Duration) -> Option<ProcessorReading> {
    None
}

/// Reads `/proc/stat`: `cpu` and the ticks of all processors as user, nice, system, idle, iowait, irq,
/// softirq, steal and two that are within these; `procs_running` (proc_stat(5)). Who waits for a disk
/// leaves the processor idle; what another guest took of it is as good as busy.
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "only Linux has the file")
)]
fn parse(stat: &str, at: Duration) -> Option<ProcessorReading> {
    let line = |name: &str| {
        let lines = stat.lines().filter_map(|line| line.split_once(' '));
        lines
            .clone()
            .find(|(first, _)| *first == name)
            .map(|(_, rest)| rest)
    };
    let ticks: Vec<u64> = line("cpu")?
        .split_whitespace()
        .take(8)
        .map_while(|tick| tick.parse().ok())
        .collect();
    let [_, _, _, idle, iowait, ..] = ticks[..] else {
        return None;
    };
    let total: u64 = ticks.iter().sum();
    Some(ProcessorReading {
        at,
        busy: total.saturating_sub(idle + iowait),
        total,
        runnable: line("procs_running")?.trim().parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_counters_are_read() {
        let stat = "cpu  100 1 50 800 40 2 3 4 7 7\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 1 2\nprocs_running 3\n";
        let reading = parse(stat, Duration::from_secs(9));
        assert_eq!(
            reading,
            Some(ProcessorReading {
                at: Duration::from_secs(9),
                busy: 160,
                total: 1_000,
                runnable: 3,
            })
        );
        assert_eq!(parse("cpu 1 2\n", Duration::ZERO), None);
        assert_eq!(read(Duration::ZERO).is_some(), cfg!(target_os = "linux"));
    }
}

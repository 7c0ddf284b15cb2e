//! How long a process had work and no processor: what a busy machine adds to a time, and an idle one does not.

use std::time::Duration;

/// Time that the main thread of a process of this machine has waited for a processor since it began; none where the
/// system does not say. Linux does, in nanoseconds (`Documentation/scheduler/sched-stats.rst`, "/proc/<pid>/schedstat").
#[cfg(target_os = "linux")]
pub(super) fn waited(pid: i32) -> Option<Duration> {
    let line = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
    let nanoseconds = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

/// Time that a process has waited for a processor; elsewhere nobody says.
#[cfg(not(target_os = "linux"))]
pub(super) fn waited(_: i32) -> Option<Duration> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_process_that_lives_is_known() {
        let own = std::process::id().cast_signed();
        let before = waited(own).unwrap();
        assert!(waited(own).unwrap() >= before);
        assert_eq!(waited(-1), None);
    }
}

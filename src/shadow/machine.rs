//! What the machine has for a server to use.

use std::fs;
use std::path::Path;
use std::thread::available_parallelism;

/// Bytes in a mebibyte.
pub(super) const MIB: u64 = 1 << 20;

/// The size of the machine, or of the container that this process is confined to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Machine {
    /// Memory in bytes.
    pub(super) memory: u64,
    /// Processors.
    pub(super) cpus: u64,
    /// Bytes free for POSIX shared memory (`/dev/shm`), where that is a file system of its own.
    pub(super) shared_memory: Option<u64>,
}

impl Machine {
    /// Measures this machine.
    pub(super) fn measure() -> Self {
        let memory = [physical_memory(), control_group_limit()]
            .into_iter()
            .flatten()
            .min();
        Self {
            // Where nothing can be read, a size that every machine of today has.
            memory: memory.unwrap_or(2048 * MIB),
            cpus: available_parallelism().map_or(1, |cpus| cpus.get() as u64),
            shared_memory: rustix::fs::statvfs("/dev/shm")
                .ok()
                .map(|shm| shm.f_bavail.saturating_mul(shm.f_frsize)),
        }
    }
}

#[cfg(target_os = "linux")]
fn physical_memory() -> Option<u64> {
    let system = rustix::system::sysinfo();
    // The fields' types follow the platform's C.
    (system.totalram as u64).checked_mul(u64::from(system.mem_unit))
}

#[cfg(not(target_os = "linux"))]
fn physical_memory() -> Option<u64> {
    let output = std::process::Command::new("sysctl")
        .args(["-n", "hw.memsize"])
        .output()
        .ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// The tightest memory limit of this process' control group and of those around it.
fn control_group_limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let limits = groups.lines().filter_map(|line| {
        // `0::/path` (version 2) or `7:memory:/path` (version 1).
        let (_, group) = line.split_once(':')?;
        let (controllers, path) = group.split_once(':')?;
        if controllers.is_empty() {
            limit_under(Path::new("/sys/fs/cgroup"), path, "memory.max")
        } else if controllers.split(',').any(|name| name == "memory") {
            let root = Path::new("/sys/fs/cgroup/memory");
            limit_under(root, path, "memory.limit_in_bytes")
        } else {
            None
        }
    });
    limits.min()
}

/// The least limit in a group's folder and in those above it, up to `root`.
fn limit_under(root: &Path, path: &str, file: &str) -> Option<u64> {
    let inner = root.join(path.trim_start_matches('/'));
    inner
        .ancestors()
        .take_while(|group| group.starts_with(root))
        .filter_map(|group| fs::read_to_string(group.join(file)).ok())
        // "max" is no limit.
        .filter_map(|limit| limit.trim().parse().ok())
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_memory_and_processors() {
        let machine = Machine::measure();
        assert!(machine.memory >= 64 * MIB, "{machine:?}");
        assert!(machine.cpus >= 1, "{machine:?}");
    }

    #[test]
    fn the_tightest_of_nested_limits_counts() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("pod/container");
        fs::create_dir_all(&inner).unwrap();
        let limit = || limit_under(root.path(), "/pod/container", "memory.max");
        assert_eq!(limit(), None);
        fs::write(inner.join("memory.max"), "max\n").unwrap();
        assert_eq!(limit(), None);
        fs::write(root.path().join("pod/memory.max"), "1073741824\n").unwrap();
        assert_eq!(limit(), Some(1024 * MIB));
        fs::write(inner.join("memory.max"), "536870912\n").unwrap();
        assert_eq!(limit(), Some(512 * MIB));
        // A path as seen from outside of a container has no folder inside.
        assert_eq!(limit_under(root.path(), "/elsewhere", "memory.max"), None);
    }
}

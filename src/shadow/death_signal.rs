//! A child that does not outlive the tool, however the tool ends.

use std::process::Command;

use rustix::process::Signal;

/// Makes the kernel send `signal` to the command's process when the thread that spawns it ends, be it
/// by `kill -9`. The *thread* counts, so spawn from one that lives as long as the child should.
///
/// Where the kernel has no such thing (all but Linux) this does nothing: what a killed tool leaves
/// is then stopped by the next run's [`sweep`](super::sweep).
#[cfg(target_os = "linux")]
pub(super) fn send_on_parent_death(command: &mut Command, signal: Signal) {
    use std::io;
    use std::os::unix::process::CommandExt;

    use rustix::io::Errno;
    use rustix::process::{getpid, getppid, set_parent_process_death_signal};

    let parent = getpid();
    let arm = move || {
        set_parent_process_death_signal(Some(signal))?;
        // A parent that died before the line above sends nothing any more.
        if getppid() != Some(parent) {
            return Err(io::Error::from(Errno::SRCH));
        }
        Ok(())
    };
    #[expect(
        unsafe_code,
        reason = "the signal must be armed between fork and exec, after the change of user, which clears it"
    )]
    // SAFETY: the closure makes three system calls and nothing else: no allocation, no lock, no
    // memory that another thread of the forked process may have held.
    unsafe {
        command.pre_exec(arm);
    }
}

/// No such signal here; see the Linux version.
#[cfg(not(target_os = "linux"))]
pub(super) fn send_on_parent_death(_command: &mut Command, _signal: Signal) {}

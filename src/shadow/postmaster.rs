//! The server's main process, held so that it ends with the tool on every path.

use std::fs::{self, OpenOptions};
use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::death_signal::send_on_parent_death;
use super::directory::RunDirectory;

/// How often a process that should end is looked at.
const PAUSE: Duration = Duration::from_millis(10);

/// After SIGQUIT the server gives its processes 5 s, then kills them and goes (`SIGKILL_CHILDREN_AFTER_SECS`
/// of postmaster.c); one that is still there then will not go by itself.
const QUIT_LIMIT: Duration = Duration::from_secs(8);

/// Lines of the log that an error shows.
const LOG_LINES: usize = 15;

/// One directory and the process, if any, that serves it: `initdb` first, then `postgres`.
#[derive(Debug)]
pub(super) struct Postmaster {
    state: Mutex<State>,
    pub(super) directory: RunDirectory,
}

#[derive(Debug)]
enum State {
    /// Nothing runs.
    Down,
    /// A process that is not yet waited for, so its pid is not used again.
    Up(Child),
    /// Ended for good: nothing may start any more.
    Ended,
}

impl Postmaster {
    /// Nothing runs in the directory yet.
    pub(super) fn new(directory: RunDirectory) -> Self {
        Self {
            state: Mutex::new(State::Down),
            directory,
        }
    }

    /// Starts a process that prints to the server's log and gets `death` when this thread dies.
    pub(super) fn spawn(&self, mut command: Command, death: Signal) -> io::Result<()> {
        let log = OpenOptions::new().append(true).open(self.directory.log())?;
        command.stdout(log.try_clone()?).stderr(log);
        send_on_parent_death(&mut command, death);
        let mut state = self.state();
        match *state {
            State::Down => *state = State::Up(command.spawn()?),
            State::Up(_) => return Err(io::Error::other("a server process still runs here")),
            State::Ended => return Err(io::Error::other("the server was ended")),
        }
        Ok(())
    }

    /// How the process ended; none while it runs or where none was started.
    pub(super) fn ended(&self) -> io::Result<Option<ExitStatus>> {
        let mut state = self.state();
        let State::Up(child) = &mut *state else {
            return Ok(None);
        };
        let status = child.try_wait()?;
        if status.is_some() {
            *state = State::Down;
        }
        Ok(status)
    }

    /// Waits until the process has ended by itself. None: it runs longer than `limit`.
    pub(super) async fn wait(&self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(Some(status));
            }
            if Instant::now() >= deadline || !self.is_up() {
                return Ok(None);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether a process runs (or has ended unnoticed).
    pub(super) fn is_up(&self) -> bool {
        matches!(*self.state(), State::Up(_))
    }

    /// Sends a signal to the process, if there is one.
    pub(super) fn signal(&self, signal: Signal) {
        if let State::Up(child) = &*self.state() {
            // A child that is not waited for has its pid, so this cannot hit another process; that
            // it has just ended is no failure.
            let _ = kill_process(Pid::from_child(child), signal);
        }
    }

    /// Ends the process at once and for good, and removes the directory. Blocks until both are done.
    pub(super) fn end(&self) -> io::Result<()> {
        let mut state = self.state();
        if let State::Up(child) = &mut *state {
            quit(child)?;
        }
        *state = State::Ended;
        self.directory.remove()
    }

    /// The length of the log so far, to show later only what came after.
    pub(super) fn log_length(&self) -> u64 {
        fs::metadata(self.directory.log()).map_or(0, |log| log.len())
    }

    /// The log's last lines, of what was written after its first `from` bytes.
    pub(super) fn log_tail(&self, from: u64) -> String {
        let log = fs::read(self.directory.log()).unwrap_or_default();
        let new = usize::try_from(from).ok().and_then(|from| log.get(from..));
        let text = String::from_utf8_lossy(new.unwrap_or_default()).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.split_at(lines.len().saturating_sub(LOG_LINES)).1;
        last.join("\n")
    }

    /// The log's last lines that tell why the server, or a process of it, went down; none if it did not.
    pub(super) fn last_words(&self) -> Option<String> {
        let went_down = |line: &&str| {
            [" PANIC: ", "was terminated by", "No space left on device"]
                .iter()
                .any(|sign| line.contains(sign))
        };
        let tail = self.log_tail(0);
        let lines: Vec<&str> = tail.lines().filter(went_down).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// A panic elsewhere must not keep the server from being ended.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        // There is nobody left to tell, and the next run's sweep tries again.
        let _ = self.end();
    }
}

/// Immediate shutdown: no checkpoint, since nobody will read the data again.
fn quit(child: &mut Child) -> io::Result<()> {
    let _ = kill_process(Pid::from_child(child), Signal::QUIT);
    let deadline = Instant::now() + QUIT_LIMIT;
    while child.try_wait()?.is_none() {
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// Ends a server from outside of the task that uses it: for a second Ctrl-C.
#[derive(Debug, Clone)]
pub struct EmergencyStop {
    postmaster: Arc<Postmaster>,
}

impl EmergencyStop {
    /// A handle on this server.
    pub(super) fn new(postmaster: Arc<Postmaster>) -> Self {
        Self { postmaster }
    }

    /// Ends the server at once, removes its directory, and lets it not start again. Blocks until that
    /// is done: milliseconds as a rule, some seconds where the server hangs.
    ///
    /// # Errors
    /// The process could not be waited for, or the directory not removed.
    pub fn stop_now(&self) -> io::Result<()> {
        self.postmaster.end()
    }
}

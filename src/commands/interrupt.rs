//! Ctrl-C, SIGTERM and SIGHUP: the first asks the rehearsal to stop and report, the second ends at once.

use std::sync::{Arc, Mutex, PoisonError};

use anstream::eprintln;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, exit};
use crate::rehearsal::{Stop, StopSwitch, stop_switch};
use crate::shadow::EmergencyStop;

/// The server to end when there is no time for anything else; set once one runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Emergency(Arc<Mutex<Option<EmergencyStop>>>);

impl Emergency {
    /// From now on this server is the one to end.
    pub(super) fn set(&self, stop: EmergencyStop) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop);
    }

    fn pull(&self) {
        if let Some(stop) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // There is nothing left to do about a server that cannot be ended.
            let _ = stop.stop_now();
        }
    }
}

/// Heeds signals from now on, on a thread of its own: the main one may be busy.
///
/// `first` is what the first signal is answered with.
fn heed(switch: StopSwitch, emergency: Emergency, first: &'static str) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            runtime.block_on(async {
                let streams = (
                    signal(SignalKind::interrupt()),
                    signal(SignalKind::terminate()),
                    signal(SignalKind::hangup()),
                );
                let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = streams else {
                    return;
                };
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                        _ = hangup.recv() => {}
                    }
                    if switch.set() {
                        eprintln!("stopping: {first} (again to end at once)");
                    } else {
                        end_at_once(&emergency);
                    }
                }
            });
        })?;
    Ok(())
}

/// Begins work on this thread that signals end: its runtime, what tells it to stop, and the server to end at once. The main
/// thread is the one to begin on: a server dies with the thread that started it, so that must live as long as the command.
pub(super) fn begin(first: &'static str) -> Result<(Runtime, Stop, Emergency), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::could_not_run)?;
    let (switch, stop) = stop_switch();
    let emergency = Emergency::default();
    heed(switch, emergency.clone(), first).map_err(Failure::could_not_run)?;
    Ok((runtime, stop, emergency))
}

#[expect(
    clippy::exit,
    reason = "the user asked twice: nothing else may delay the end"
)]
fn end_at_once(emergency: &Emergency) {
    emergency.pull();
    std::process::exit(i32::from(exit::INTERRUPTED));
}

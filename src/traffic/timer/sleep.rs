//! Where there is no timerfd: the runtime's own timer, precise to 1 ms.

use std::cell::Cell;
use std::io;
use std::time::Instant;

use tokio::sync::Notify;

/// Fires at one moment.
#[derive(Debug)]
pub(in crate::traffic) struct Timer {
    deadline: Cell<Option<Instant>>,
    set_anew: Notify,
}

impl Timer {
    /// A timer that is not set; this one always succeeds.
    pub(in crate::traffic) fn new() -> io::Result<Self> {
        Ok(Self {
            deadline: Cell::new(None),
            set_anew: Notify::new(),
        })
    }

    /// Fires at `deadline` instead of what it was set to before.
    pub(in crate::traffic) fn set(&self, deadline: Instant) -> io::Result<()> {
        self.deadline.set(Some(deadline));
        self.set_anew.notify_one();
        Ok(())
    }

    /// Waits until it fires.
    pub(in crate::traffic) async fn fired(&self) -> io::Result<()> {
        loop {
            let Some(deadline) = self.deadline.get() else {
                self.set_anew.notified().await;
                continue;
            };
            tokio::select! {
                () = tokio::time::sleep_until(deadline.into()) => {
                    self.deadline.set(None);
                    return Ok(());
                }
                () = self.set_anew.notified() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_never_wakes_early_and_can_be_set_anew() {
        let timer = Timer::new().unwrap();
        timer
            .set(Instant::now() + Duration::from_secs(3_600))
            .unwrap();
        let deadline = Instant::now() + Duration::from_micros(1_300);
        let setting = async {
            tokio::task::yield_now().await;
            timer.set(deadline).unwrap();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            fired = timer.fired() => fired.unwrap(),
            () = setting => {}
        }
        assert!(Instant::now() >= deadline);
    }
}

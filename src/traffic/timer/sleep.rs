//! Where there is no timerfd: the runtime's own timer, precise to 1 ms.

use std::io;
use std::time::Instant;

/// Waits for moments.
#[derive(Debug)]
pub(in crate::traffic) struct Timer(());

impl Timer {
    /// A timer; this one always succeeds.
    pub(in crate::traffic) fn new() -> io::Result<Self> {
        Ok(Self(()))
    }

    /// Waits until `deadline`; returns at once if it has passed.
    pub(in crate::traffic) async fn until(&mut self, deadline: Instant) -> io::Result<()> {
        tokio::time::sleep_until(deadline.into()).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_never_wakes_early() {
        let mut timer = Timer::new().unwrap();
        let deadline = Instant::now() + Duration::from_micros(1_300);
        timer.until(deadline).await.unwrap();
        assert!(Instant::now() >= deadline);
    }
}

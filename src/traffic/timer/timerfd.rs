//! Linux: a `timerfd` with absolute deadlines. It fires from a high-resolution timer without the
//! 50 µs of slack that the timeouts of `epoll_wait` and `nanosleep` have.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Fires at one moment.
#[derive(Debug)]
pub(in crate::traffic) struct Timer {
    fd: AsyncFd<OwnedFd>,
    /// One moment on both clocks: `Instant` is `CLOCK_MONOTONIC`, but does not show its reading.
    anchor: (Instant, Timespec),
}

impl Timer {
    /// A timer of the current runtime that is not set.
    #[expect(unsafe_code, reason = "tokio has no safe way to register a descriptor")]
    pub(in crate::traffic) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        // SAFETY: an `OwnedFd` is open for as long as it lives and always names the same descriptor;
        // the `AsyncFd` owns it, and this file neither takes it out nor replaces it.
        let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE)? };
        Ok(Self {
            fd,
            anchor: (Instant::now(), clock_gettime(ClockId::Monotonic)),
        })
    }

    /// Fires at `deadline` instead of what it was set to before; at once if that has passed.
    pub(in crate::traffic) fn set(&self, deadline: Instant) -> io::Result<()> {
        let expiry = Itimerspec {
            it_interval: Timespec::default(),
            it_value: self.reading(deadline),
        };
        timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::ABSTIME, &expiry)?;
        Ok(())
    }

    /// Waits until it fires. It may also return where it was set anew in the last moment.
    pub(in crate::traffic) async fn fired(&self) -> io::Result<()> {
        // The expirations need not be read: the runtime waits for edges, every expiry is one, and
        // setting the timer anew takes them back.
        self.fd.readable().await?.clear_ready();
        Ok(())
    }

    /// What the clock reads at `deadline`.
    fn reading(&self, deadline: Instant) -> Timespec {
        let (instant, reading) = self.anchor;
        let ahead = deadline.saturating_duration_since(instant);
        let nanos = reading.tv_nsec + i64::from(ahead.subsec_nanos());
        let seconds = i64::try_from(ahead.as_secs()).unwrap_or(i64::MAX / 2);
        Timespec {
            tv_sec: reading.tv_sec + seconds + nanos / 1_000_000_000,
            tv_nsec: nanos % 1_000_000_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_never_wakes_early() {
        let timer = Timer::new().unwrap();
        for micros in [0, 50, 300, 2_000] {
            let deadline = Instant::now() + Duration::from_micros(micros);
            timer.set(deadline).unwrap();
            timer.fired().await.unwrap();
            // The anchor's two clock readings are some nanoseconds apart.
            assert!(Instant::now() + Duration::from_micros(5) >= deadline);
        }
    }

    #[tokio::test]
    async fn a_timer_can_be_set_anew() {
        let timer = Timer::new().unwrap();
        let start = Instant::now();
        timer.set(start + Duration::from_secs(3_600)).unwrap();
        tokio::select! {
            biased;
            _ = timer.fired() => panic!("an hour has not passed"),
            () = tokio::task::yield_now() => {}
        }
        timer.set(start + Duration::from_millis(1)).unwrap();
        timer.fired().await.unwrap();
    }
}

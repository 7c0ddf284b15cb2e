//! A timer more precise than the runtime's, which ticks at 1 ms.

#[cfg(any(test, not(target_os = "linux")))]
mod sleep;
#[cfg(target_os = "linux")]
mod timerfd;

#[cfg(not(target_os = "linux"))]
pub(super) use sleep::Timer;
#[cfg(target_os = "linux")]
pub(super) use timerfd::Timer;

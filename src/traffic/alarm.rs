//! Sleeping to the microsecond: many sleepers of one worker share one precise timer.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::timer::Timer;

/// Wakes the sleepers of one worker, as long as somebody awaits [`Alarm::ring`].
#[derive(Debug)]
pub(super) struct Alarm {
    timer: Timer,
    /// What the timer is set to; none when it is not.
    set: Cell<Option<Instant>>,
    sleepers: RefCell<BTreeMap<Ticket, Waker>>,
    next: Cell<u64>,
}

/// A sleeper: when it wakes, and its number, since several may wake at the same moment.
type Ticket = (Instant, u64);

impl Alarm {
    /// An alarm of the current runtime.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            timer: Timer::new()?,
            set: Cell::new(None),
            sleepers: RefCell::default(),
            next: Cell::new(0),
        })
    }

    /// Wakes sleepers when they are due, for ever.
    ///
    /// # Errors
    ///
    /// The system's, of the timer: nobody wakes any more then.
    pub(super) async fn ring(&self) -> io::Result<Infallible> {
        loop {
            self.timer.fired().await?;
            self.set.set(None);
            if let Some(next) = self.wake(Instant::now()) {
                self.set_to(next)?;
            }
        }
    }

    /// Waits until `deadline`; returns at once if it has passed.
    ///
    /// # Errors
    ///
    /// The system's, if the timer cannot be set.
    pub(super) async fn until(&self, deadline: Instant) -> io::Result<()> {
        if deadline <= Instant::now() {
            return Ok(());
        }
        let sleeper = Sleeper {
            alarm: self,
            ticket: (deadline, self.number()),
        };
        poll_fn(|context| sleeper.poll(context)).await
    }

    /// The same for whom an error of the timer means nothing: it waits by the runtime's clock then,
    /// which ticks at 1 ms.
    pub(super) async fn sleep_until(&self, deadline: Instant) {
        if self.until(deadline).await.is_err() {
            tokio::time::sleep_until(deadline.into()).await;
        }
    }

    /// Wakes who is due and says when the next is.
    fn wake(&self, now: Instant) -> Option<Instant> {
        loop {
            let mut sleepers = self.sleepers.borrow_mut();
            let first = sleepers.first_entry()?;
            let (deadline, _) = *first.key();
            if deadline > now {
                return Some(deadline);
            }
            let waker = first.remove();
            // A waker may do anything, such as sleep again.
            drop(sleepers);
            waker.wake();
        }
    }

    fn set_to(&self, deadline: Instant) -> io::Result<()> {
        self.set.set(Some(deadline));
        self.timer.set(deadline)
    }

    fn number(&self) -> u64 {
        self.next.replace(self.next.get().wrapping_add(1))
    }
}

/// One wait. Given up, it leaves nothing behind.
struct Sleeper<'a> {
    alarm: &'a Alarm,
    ticket: Ticket,
}

impl Sleeper<'_> {
    fn poll(&self, context: &Context<'_>) -> Poll<io::Result<()>> {
        let (deadline, _) = self.ticket;
        if deadline <= Instant::now() {
            return Poll::Ready(Ok(()));
        }
        let mut sleepers = self.alarm.sleepers.borrow_mut();
        sleepers
            .entry(self.ticket)
            .and_modify(|waker| waker.clone_from(context.waker()))
            .or_insert_with(|| context.waker().clone());
        drop(sleepers);
        if self.alarm.set.get().is_none_or(|set| deadline < set)
            && let Err(error) = self.alarm.set_to(deadline)
        {
            return Poll::Ready(Err(error));
        }
        Poll::Pending
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.alarm.sleepers.borrow_mut().remove(&self.ticket);
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::time::Duration;

    use tokio::task::LocalSet;

    use super::*;

    async fn ringing<T>(test: impl AsyncFnOnce(Rc<Alarm>) -> T) -> T {
        let alarm = Rc::new(Alarm::new().unwrap());
        let local = LocalSet::new();
        let tested = local.run_until(test(Rc::clone(&alarm)));
        tokio::select! {
            broken = alarm.ring() => panic!("{broken:?}"),
            tested = tested => tested,
        }
    }

    #[tokio::test]
    async fn sleepers_wake_in_the_order_of_their_deadlines_and_none_early() {
        ringing(async |alarm| {
            let start = Instant::now();
            let woken = Rc::new(RefCell::new(Vec::new()));
            let mut tasks = Vec::new();
            for micros in [3_000, 500, 0, 12_000, 500, 1_700] {
                let (alarm, woken) = (Rc::clone(&alarm), Rc::clone(&woken));
                tasks.push(tokio::task::spawn_local(async move {
                    let deadline = start + Duration::from_micros(micros);
                    alarm.until(deadline).await.unwrap();
                    assert!(Instant::now() >= deadline);
                    woken.borrow_mut().push(micros);
                }));
            }
            for task in tasks {
                task.await.unwrap();
            }
            let last = *woken.borrow().last().unwrap();
            assert_eq!(last, 12_000);
            assert!(alarm.sleepers.borrow().is_empty());
        })
        .await;
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_alarm_usable() {
        ringing(async |alarm| {
            let far = Instant::now() + Duration::from_secs(3_600);
            tokio::select! {
                biased;
                _ = alarm.until(far) => panic!("an hour has not passed"),
                () = tokio::task::yield_now() => {}
            }
            assert!(alarm.sleepers.borrow().is_empty());
            let soon = Instant::now() + Duration::from_millis(1);
            alarm.sleep_until(soon).await;
        })
        .await;
    }

    #[tokio::test]
    async fn an_earlier_sleeper_sets_the_timer_anew() {
        ringing(async |alarm| {
            let far = Rc::clone(&alarm);
            let far = tokio::task::spawn_local(async move {
                let hour = Duration::from_secs(3_600);
                far.sleep_until(Instant::now() + hour).await;
            });
            tokio::task::yield_now().await;
            for _ in 0..3 {
                let soon = Instant::now() + Duration::from_micros(200);
                alarm.sleep_until(soon).await;
            }
            assert!(!far.is_finished());
            far.abort();
        })
        .await;
    }
}

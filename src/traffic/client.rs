//! The clients of a closed loop: each makes its next request when it has the answer to the one before
//! and has thought about it.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::agenda::Share;
use super::arrivals::{Arrival, Draws};
use super::balancer::{Balancer, Route};
use super::gauges::AtWork;
use super::ledger::Ledger;
use super::memory::Memory;
use super::orders::{Orders, Stop};
use super::outbox::Outbox;
use super::request::serve;
use super::timeline::Timeline;
use crate::scenario::plan::{ClosedLoad, Role, Think};

/// The pause after a second failure in a row, and the longest: each further one is twice as long, so
/// that a server that fails at once is not hammered by clients who have nothing else to do. A single
/// failure, such as a serialization error, slows nobody down.
const PAUSE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));

/// How much longer than the average a pause may be (TPC-C, clause 5.2.5.4).
const LONGEST_THINK: f64 = 10.0;

/// The clients of all workers.
#[derive(Debug, Clone)]
pub(super) struct Clients {
    load: ClosedLoad,
    draws: Draws,
}

impl Clients {
    /// The clients of a closed loop, whose requests are drawn from streams of `draws`.
    pub(super) fn new(load: ClosedLoad, draws: Draws) -> Self {
        Self { load, draws }
    }

    /// The clients of a worker, each with the worker's own number of its instance.
    fn of(self, share: Share) -> impl Iterator<Item = (usize, Habits)> {
        let Self { load, draws } = self;
        (0..load.clients).filter_map(move |number| {
            let habits = Habits::new(load.clone(), number, &draws);
            Some((share.own_instance(number.into())?, habits))
        })
    }
}

/// What a client does next, as far as that follows from the seed and from how it fared.
#[derive(Debug)]
struct Habits {
    load: ClosedLoad,
    number: u32,
    draws: Draws,
    /// Requests that it has made.
    made: u64,
    /// Failures in a row.
    failures: u32,
}

impl Habits {
    fn new(load: ClosedLoad, number: u32, draws: &Draws) -> Self {
        Self {
            load,
            number,
            draws: draws.stream(u64::from(number) + 1),
            made: 0,
            failures: 0,
        }
    }

    /// How long after the traffic's start it makes its first request. Constant pauses would keep all
    /// clients in step, so their beginnings are spread over one.
    fn first_pause(&mut self) -> Duration {
        match self.load.think {
            Think::Constant => {
                let share = f64::from(self.number) / f64::from(self.load.clients.max(1));
                self.load.think_time.mul_f64(share)
            }
            Think::Exponential => self.think_time(),
        }
    }

    /// How long after an answer it makes its next request.
    fn pause(&mut self, completed: bool) -> Duration {
        self.failures = match completed {
            true => 0,
            false => self.failures.saturating_add(1),
        };
        self.think_time().max(self.breather())
    }

    fn think_time(&mut self) -> Duration {
        match self.load.think {
            _ if self.load.think_time.is_zero() => Duration::ZERO,
            Think::Constant => self.load.think_time,
            Think::Exponential => {
                let factor = self.draws.gap().min(LONGEST_THINK);
                self.load.think_time.mul_f64(factor)
            }
        }
    }

    fn breather(&self) -> Duration {
        let (first, longest) = PAUSE;
        match self.failures {
            0 | 1 => Duration::ZERO,
            failures => first
                .saturating_mul(2u32.saturating_pow(failures - 2))
                .min(longest),
        }
    }

    /// Whether it makes another request.
    fn goes_on(&self) -> bool {
        self.load.transactions.is_none_or(|most| self.made < most)
    }

    /// Its next request, of an instance of this release, with a number that nobody else's has.
    fn arrival(&mut self, release: Role, at: Duration) -> Arrival {
        let clients = u64::from(self.load.clients);
        let serial = self
            .made
            .wrapping_mul(clients)
            .wrapping_add(self.number.into());
        self.made += 1;
        self.draws.arrival(release, serial, at)
    }
}

/// Lets the worker's clients make requests from `start` on, until told to stop: whatever is due up to
/// the stop is sent, and each client ends with the answer to it. None if the fleet was dropped.
pub(super) async fn attend(
    outbox: &mut Outbox,
    orders: &mut Orders,
    clients: Clients,
    (share, start): (Share, Duration),
) -> Option<Stop> {
    let closing = Rc::new(Closing::default());
    for (instance, habits) in clients.of(share) {
        let client = Client {
            memory: Memory::of_client(habits.number),
            habits,
            instance,
            balancer: Rc::clone(&outbox.balancer),
            ledger: Rc::clone(&outbox.ledger),
            timeline: Arc::clone(&outbox.timeline),
            closing: Rc::clone(&closing),
            _work: AtWork::new(&outbox.ledger.gauges),
        };
        outbox.requests.spawn_local(client.run(start));
    }
    outbox.work = None;
    loop {
        if let Some(stop) = orders.stop() {
            closing.at(outbox.since_origin(stop.cutoff));
            return Some(stop);
        }
        tokio::select! {
            changed = orders.changed() => if !changed { return None },
            () = outbox.broken() => {}
        }
    }
}

/// Tells the clients when to make no more requests.
#[derive(Debug, Default)]
struct Closing {
    cutoff: Cell<Option<Duration>>,
    told: Notify,
}

impl Closing {
    /// What is due after `cutoff`, since the timeline's origin, is not sent.
    fn at(&self, cutoff: Duration) {
        self.cutoff.set(Some(cutoff));
        self.told.notify_waiters();
    }

    fn admits(&self, due: Duration) -> bool {
        self.cutoff.get().is_none_or(|cutoff| due <= cutoff)
    }
}

/// One client at work.
struct Client {
    habits: Habits,
    memory: Memory,
    /// The worker's own number of its instance.
    instance: usize,
    balancer: Rc<Balancer>,
    ledger: Rc<Ledger>,
    timeline: Arc<Timeline>,
    closing: Rc<Closing>,
    _work: AtWork,
}

impl Client {
    /// Makes one request after the other.
    async fn run(mut self, start: Duration) {
        let mut now = self.timeline.now();
        let mut due = start + self.habits.first_pause();
        while self.habits.goes_on() && self.comes_due(due, now).await {
            let at = (self.instance, due);
            let release = self.balancer.release(self.instance, due);
            let drawn = self.habits.arrival(release, due.saturating_sub(start));
            let Route { pool, transaction } = self.balancer.route(at, drawn.transaction);
            let arrival = Arrival {
                transaction,
                ..drawn
            };
            let ticket = self.ledger.open(&arrival, due);
            let completed = serve(pool, (arrival, ticket), &mut self.memory).await;
            now = self.timeline.now();
            due = now + self.habits.pause(completed);
            // A script that waits for nothing must not keep the others from their turns.
            tokio::task::consume_budget().await;
        }
    }

    /// Waits from `now` until a request is due; false if it is not to be sent any more.
    async fn comes_due(&self, due: Duration, now: Duration) -> bool {
        if due > now && self.closing.cutoff.get().is_none() {
            let deadline = self.timeline.instant(due);
            tokio::select! {
                () = self.ledger.alarm.sleep_until(deadline) => {}
                () = self.closing.told.notified() => {}
            }
        }
        self.closing.admits(due)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::plan::TransactionPlan;
    use crate::traffic::roles::Roles;

    fn load(clients: u32, think_time: u64, think: Think) -> ClosedLoad {
        ClosedLoad {
            clients,
            think_time: Duration::from_millis(think_time),
            think,
            transactions: None,
        }
    }

    fn draws() -> Draws {
        let kinds = [TransactionPlan::default(), TransactionPlan::default()];
        Draws::new(&Roles::of(&kinds), 42).unwrap()
    }

    fn habits(load: ClosedLoad, number: u32) -> Habits {
        Habits::new(load, number, &draws())
    }

    proptest! {
        #[test]
        fn workers_together_have_every_client_and_number_once(
            clients in 1u32..40, instances in 1u64..12, workers in 1u64..5,
        ) {
            let all = Clients::new(load(clients, 0, Think::Constant), draws());
            let (mut numbers, mut serials) = (Vec::new(), Vec::new());
            for worker in 0..workers {
                let share = Share { instances, workers, worker };
                for (own, mut habits) in all.clone().of(share) {
                    let instance = share.instances().nth(own);
                    prop_assert_eq!(instance, Some(u64::from(habits.number) % instances));
                    numbers.push(habits.number);
                    serials.extend((0..3).map(|_| habits.arrival(Role::Current, Duration::ZERO).serial));
                }
            }
            numbers.sort_unstable();
            serials.sort_unstable();
            prop_assert_eq!(numbers, (0..clients).collect::<Vec<_>>());
            prop_assert_eq!(serials, (0..3 * u64::from(clients)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn clients_draw_from_streams_of_their_own() {
        let requests = |number| {
            let mut habits = habits(load(8, 0, Think::Constant), number);
            let seeds = (0..100).map(move |_| habits.arrival(Role::Current, Duration::ZERO).seed);
            seeds.collect::<Vec<_>>()
        };
        assert_eq!(requests(3), requests(3));
        assert!(requests(3).iter().all(|seed| !requests(4).contains(seed)));
    }

    #[test]
    fn constant_pauses_begin_spread_over_one() {
        let starts: Vec<_> = (0..4)
            .map(|number| habits(load(4, 100, Think::Constant), number).first_pause())
            .collect();
        assert_eq!(starts, [0, 25, 50, 75].map(Duration::from_millis));
        let mut client = habits(load(4, 100, Think::Constant), 1);
        assert_eq!(client.pause(true), Duration::from_millis(100));
    }

    #[test]
    fn exponential_pauses_have_their_mean_and_an_end() {
        let mut client = habits(load(1, 100, Think::Exponential), 0);
        let pauses: Vec<_> = (0..20_000).map(|_| client.pause(true)).collect();
        let mean = pauses.iter().sum::<Duration>().as_secs_f64() / 20_000.0;
        // Off by 0.7 % (one standard deviation).
        assert!((mean - 0.1).abs() < 0.005, "{mean}");
        assert!(pauses.iter().max().unwrap() <= &Duration::from_secs(1));
    }

    #[test]
    fn failures_in_a_row_make_a_client_pause() {
        let mut client = habits(load(1, 0, Think::Constant), 0);
        let pauses: Vec<_> = (0..12).map(|_| client.pause(false).as_millis()).collect();
        assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 32, 64, 100, 100, 100, 100]);
        assert_eq!(client.pause(true), Duration::ZERO);
        assert_eq!(client.pause(false), Duration::ZERO);
    }
}

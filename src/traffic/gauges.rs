//! The fleet's state for a progress line, kept in atomics while it runs.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::observe::buckets::{self, BUCKETS};

/// How the fleet fares at a moment. Approximate: the recording is what counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Live {
    /// Transactions that succeeded, per second, over about the last second.
    pub rate: f64,
    /// 99th percentile latency of those that ended in about the last second; none when none did.
    pub p99: Option<Duration>,
    /// Requests due that have not ended.
    pub in_flight: u64,
    /// Those of them that wait for a connection.
    pub waiting: u64,
    /// Requests that ended in an error since the start.
    pub errors: u64,
    /// Connections open.
    pub connections: u64,
    /// Instances that accept requests.
    pub instances: u64,
}

/// What [`Live`] is read from.
#[derive(Debug)]
pub(super) struct Dashboard {
    /// Of each worker.
    gauges: Vec<Arc<Gauges>>,
    /// What was read lately, oldest first.
    readings: Mutex<VecDeque<Reading>>,
}

/// The counters of one worker. Workers that shared them would wait for each other's cache lines.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Gauges {
    pub(super) in_flight: Gauge,
    pub(super) waiting: PeakGauge,
    pub(super) connections: Gauge,
    pub(super) instances: Gauge,
    at_work: Gauge,
    completed: AtomicU64,
    errors: AtomicU64,
    /// Requests that ended, by their latency's bucket.
    latencies: Box<[AtomicU32]>,
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub(super) struct Gauge(AtomicU64);

impl Gauge {
    pub(super) fn rise(&self) {
        self.raised();
    }

    /// The same, and tells how much it is then.
    fn raised(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn fall(&self) {
        self.0.fetch_sub(1, Ordering::Release);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// The same, which remembers the most that it ever was.
#[derive(Debug, Default)]
pub(super) struct PeakGauge {
    now: Gauge,
    peak: AtomicU64,
}

impl PeakGauge {
    pub(super) fn rise(&self) {
        self.peak.fetch_max(self.now.raised(), Ordering::Relaxed);
    }

    pub(super) fn fall(&self) {
        self.now.fall();
    }

    pub(super) fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

/// Somebody who may make more requests, until it is dropped.
#[derive(Debug)]
pub(super) struct AtWork(Arc<Gauges>);

impl AtWork {
    pub(super) fn new(gauges: &Arc<Gauges>) -> Self {
        gauges.at_work.rise();
        Self(Arc::clone(gauges))
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.at_work.fall();
    }
}

#[derive(Debug)]
struct Reading {
    at: Instant,
    completed: u64,
    latencies: Vec<u32>,
}

/// What rates and percentiles look back on.
const LOOK_BACK: Duration = Duration::from_secs(1);
/// Readings kept: a reader that asks more often than this per second looks back less.
const READINGS: usize = 32;

impl Gauges {
    pub(super) fn new() -> Self {
        Self {
            in_flight: Gauge::default(),
            waiting: PeakGauge::default(),
            connections: Gauge::default(),
            instances: Gauge::default(),
            at_work: Gauge::default(),
            completed: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            latencies: (0..BUCKETS).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    /// Counts a request that ended.
    pub(super) fn ended(&self, latency: Duration, success: bool) {
        let outcome = if success {
            &self.completed
        } else {
            &self.errors
        };
        outcome.fetch_add(1, Ordering::Relaxed);
        let bucket = usize::from(buckets::bucket_of(latency));
        if let Some(count) = self.latencies.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Dashboard {
    /// A dashboard of so many workers.
    pub(super) fn new(workers: u64) -> Self {
        let dashboard = Self {
            gauges: (0..workers).map(|_| Arc::new(Gauges::new())).collect(),
            readings: Mutex::default(),
        };
        dashboard.live();
        dashboard
    }

    /// The gauges of the workers, in their order.
    pub(super) fn gauges(&self) -> Vec<Arc<Gauges>> {
        self.gauges.clone()
    }

    /// Reads the gauges; rates are since the reading before, or about a second ago.
    pub(super) fn live(&self) -> Live {
        let now = self.read();
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        while readings.len() >= READINGS
            || (readings.len() > 1
                && readings
                    .get(1)
                    .is_some_and(|second| now.at - second.at >= LOOK_BACK))
        {
            readings.pop_front();
        }
        let (rate, p99) = match readings.front() {
            Some(before) => now.since(before),
            None => (0.0, None),
        };
        readings.push_back(now);
        Live {
            rate,
            p99,
            in_flight: self.sum(|gauges| gauges.in_flight.get()),
            waiting: self.sum(|gauges| gauges.waiting.now.get()),
            errors: self.sum(|gauges| gauges.errors.load(Ordering::Relaxed)),
            connections: self.sum(|gauges| gauges.connections.get()),
            instances: self.sum(|gauges| gauges.instances.get()),
        }
    }

    /// Whether all requests that will ever be made have ended.
    pub(super) fn is_finished(&self) -> bool {
        // In this order: who is at work makes its request before it ends.
        self.sum(|gauges| gauges.at_work.get()) == 0
            && self.sum(|gauges| gauges.in_flight.get()) == 0
    }

    /// The sum of the workers' own peaks.
    pub(super) fn peak_waiting(&self) -> u64 {
        self.sum(|gauges| gauges.waiting.peak())
    }

    fn sum(&self, of: impl Fn(&Gauges) -> u64) -> u64 {
        self.gauges.iter().map(|gauges| of(gauges)).sum()
    }

    fn read(&self) -> Reading {
        let mut latencies = vec![0u32; BUCKETS];
        for gauges in &self.gauges {
            for (sum, count) in latencies.iter_mut().zip(&gauges.latencies) {
                *sum = sum.wrapping_add(count.load(Ordering::Relaxed));
            }
        }
        Reading {
            at: Instant::now(),
            completed: self.sum(|gauges| gauges.completed.load(Ordering::Relaxed)),
            latencies,
        }
    }
}

impl Reading {
    fn since(&self, before: &Self) -> (f64, Option<Duration>) {
        let seconds = (self.at - before.at).as_secs_f64().max(1e-3);
        let counts = self.latencies.iter().zip(&before.latencies).zip(0u16..);
        let ended =
            counts.map(|((now, before), bucket)| (bucket, u64::from(now.wrapping_sub(*before))));
        let completed = (self.completed - before.completed) as f64;
        (completed / seconds, buckets::quantile(ended, 0.99))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_covers_what_ended_since_the_one_before() {
        let dashboard = Dashboard::new(2);
        assert_eq!(dashboard.live().p99, None);
        let workers = dashboard.gauges();
        for gauges in workers.iter().cycle().take(100) {
            gauges.in_flight.rise();
            gauges.ended(Duration::from_millis(2), true);
            gauges.in_flight.fall();
        }
        workers[1].in_flight.rise();
        workers[1].ended(Duration::from_secs(5), false);
        let live = dashboard.live();
        assert!(live.rate > 0.0);
        assert_eq!(live.in_flight, 1);
        assert_eq!(live.errors, 1);
        let p99 = live.p99.unwrap().as_secs_f64();
        assert!((p99 - 0.002).abs() < 0.0001, "{p99}");
    }

    #[test]
    fn frequent_readers_do_not_fill_the_memory() {
        let dashboard = Dashboard::new(1);
        for _ in 0..1_000 {
            dashboard.live();
        }
        assert!(dashboard.readings.lock().unwrap().len() <= READINGS);
    }
}

//! The fleet's state for a progress line, kept in atomics while it runs.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
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
}

/// The counters behind [`Live`], shared by all workers.
#[derive(Debug)]
pub(super) struct Gauges {
    pub(super) in_flight: Gauge,
    pub(super) waiting: Gauge,
    pub(super) connections: Gauge,
    completed: AtomicU64,
    errors: AtomicU64,
    /// Requests that ended, by their latency's bucket.
    latencies: Box<[AtomicU32]>,
    /// What was read lately, oldest first.
    readings: Mutex<VecDeque<Reading>>,
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub(super) struct Gauge(AtomicU64);

impl Gauge {
    pub(super) fn rise(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn fall(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
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
        let gauges = Self {
            in_flight: Gauge::default(),
            waiting: Gauge::default(),
            connections: Gauge::default(),
            completed: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            latencies: (0..BUCKETS).map(|_| AtomicU32::new(0)).collect(),
            readings: Mutex::default(),
        };
        gauges.live();
        gauges
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
            in_flight: self.in_flight.get(),
            waiting: self.waiting.get(),
            errors: self.errors.load(Ordering::Relaxed),
            connections: self.connections.get(),
        }
    }

    fn read(&self) -> Reading {
        Reading {
            at: Instant::now(),
            completed: self.completed.load(Ordering::Relaxed),
            latencies: self
                .latencies
                .iter()
                .map(|count| count.load(Ordering::Relaxed))
                .collect(),
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
        let gauges = Gauges::new();
        assert_eq!(gauges.live().p99, None);
        for _ in 0..100 {
            gauges.in_flight.rise();
            gauges.ended(Duration::from_millis(2), true);
            gauges.in_flight.fall();
        }
        gauges.in_flight.rise();
        gauges.ended(Duration::from_secs(5), false);
        let live = gauges.live();
        assert!(live.rate > 0.0);
        assert_eq!(live.in_flight, 1);
        assert_eq!(live.errors, 1);
        let p99 = live.p99.unwrap().as_secs_f64();
        assert!((p99 - 0.002).abs() < 0.0001, "{p99}");
    }

    #[test]
    fn frequent_readers_do_not_fill_the_memory() {
        let gauges = Gauges::new();
        for _ in 0..1_000 {
            gauges.live();
        }
        assert!(gauges.readings.lock().unwrap().len() <= READINGS);
    }
}

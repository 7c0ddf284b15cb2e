//! What the tool's memory grows with: seconds and kinds of transactions, and requests that wait; not requests.

#[path = "support/fleet.rs"]
mod fleet;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fleet::{PATIENCE, application, connect, server_with_table, traffic, until};
use pgrehearse::observe::{Ended, Fate, PhaseName, Recording};
use pgrehearse::traffic::Timeline;
use tokio::sync::Mutex;

/// Counts the bytes that are allocated.
struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: everything is the system's allocator's own doing; this only counts.
#[expect(unsafe_code, reason = "an allocator is unsafe by its nature")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as of the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as of the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The tests of this file one after the other: each counts what all allocate.
static ALONE: Mutex<()> = Mutex::const_new(());

fn allocated() -> usize {
    ALLOCATED.load(Ordering::Relaxed)
}

const KINDS: usize = 10;

/// Latencies told apart, evenly spread over the octaves from 0.2 to 20 ms.
const LATENCIES: u32 = 200;

fn latency(number: u32) -> Duration {
    let share = f64::from(number % LATENCIES) / f64::from(LATENCIES);
    Duration::from_secs_f64(0.000_2 * 100f64.powf(share))
}

/// Records so many requests of each kind in each second.
fn record(recording: &mut Recording, seconds: u32, of_each: u32) {
    let latencies: Vec<Duration> = (0..LATENCIES).map(latency).collect();
    for second in 0..seconds {
        for (number, &latency) in (0..of_each).zip(latencies.iter().cycle()) {
            let share = f64::from(number) / f64::from(of_each);
            let at = Duration::from_secs_f64(f64::from(second) + share);
            for kind in 0..KINDS {
                let due = recording.scheduled(kind, PhaseName::Baseline, at);
                let ended = Ended {
                    lag: latency / 100,
                    at: at + latency,
                    fate: Fate::Completed,
                    retries: 0,
                };
                recording.ended(due, ended);
            }
        }
    }
}

/// The bytes that a recording of this holds.
fn recorded(seconds: u32, of_each: u32) -> usize {
    let before = allocated();
    let mut recording = Recording::new(KINDS);
    record(&mut recording, seconds, of_each);
    let held = allocated() - before;
    let scheduled = recording.accounting(PhaseName::Baseline).scheduled;
    assert_eq!(scheduled, u64::from(seconds * of_each) * KINDS as u64);
    held
}

#[test]
fn a_recording_grows_with_its_seconds_and_kinds_alone() {
    let _alone = ALONE.blocking_lock();
    // An hour at 10,000/s.
    let hour = recorded(3_600, 5 * LATENCIES);
    // Of each second and kind 32 bytes, in a vector that is at most twice as long as it needs to be, four for
    // each latency in it, and two bits for each of its hundred ticks, in such a vector too.
    let a_second = 2 * 32 + 4 * LATENCIES as usize + 2 * 2 * 100 / 8;
    let histograms = 250_000;
    let most = KINDS * (histograms + 3_600 * a_second);
    assert!(hour <= most, "{hour} bytes, {most} at most");
    let (slow, fast) = (recorded(300, LATENCIES), recorded(300, 5 * LATENCIES));
    assert!(
        fast <= slow,
        "{fast} bytes at 10,000/s, {slow} bytes at 2,000/s"
    );
}

/// Requests that wait at once.
const CROWD: u64 = 100_000;

#[tokio::test]
async fn requests_that_wait_take_little_and_are_soon_cut_off() {
    let _alone = ALONE.lock().await;
    let (server, mut client) = server_with_table().await;
    let plan = traffic(50_000.0, &[("read", "SELECT count(*) FROM t;")]);
    let mut application = application(2, 2);
    application.acquire_timeout = 10 * PATIENCE;
    let fleet = fleet::fleet(&server, &plan, &application).await.unwrap();
    let lock = client.transaction().await.unwrap();
    let locked = "LOCK TABLE t IN ACCESS EXCLUSIVE MODE";
    lock.batch_execute(locked).await.unwrap();
    let before = allocated();
    fleet.go(Arc::new(Timeline::new()));
    until("many wait", || fleet.live().waiting >= CROWD).await;
    let live = fleet.live();
    let each = (allocated() - before) as u64 / live.in_flight;
    assert!(each < 4_096, "{each} bytes for each that waits");
    assert!(fleet.peak_waiting() >= CROWD);
    let recording = fleet.stop(Duration::ZERO).await.unwrap();
    let accounting = recording.accounting(PhaseName::Warmup);
    assert!(accounting.balances(), "{accounting:?}");
    assert!(accounting.unfinished >= CROWD, "{accounting:?}");
    assert_eq!(accounting.completed, 0);
    lock.rollback().await.unwrap();
    drop(connect(&server).await);
}

//! The lock sampler: looks at `pg_locks` every few milliseconds on a connection and a thread of its
//! own, so that neither the traffic nor the migration can hold it up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio_postgres::Config;

use super::roster::Roster;
use crate::observe::lock_sample::{LockRow, LockSample, Owner};
use crate::observe::waits::{TrackedLocks, WaitTracker};
use crate::postgres::connect::{connect, describe};
use crate::postgres::locks::LockQuery;
use crate::traffic::{Registry, Timeline};

/// Time between two samples (DESIGN §7).
const INTERVAL: Duration = Duration::from_millis(10);

/// Time between two attempts to open a lost connection again.
const RECONNECT: Duration = Duration::from_millis(50);

/// Whose sessions the sampler can tell, and by which clock it stamps.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    /// The migration's place.
    pub roster: Arc<Roster>,
    /// The traffic's sessions.
    pub registry: Arc<Registry>,
    /// The names of the traffic's transactions, by index.
    pub transactions: Vec<String>,
    /// The rehearsal's clock.
    pub timeline: Arc<Timeline>,
}

/// A running lock sampler.
#[derive(Debug)]
pub(super) struct Sampler {
    stop: Arc<AtomicBool>,
    waiters: Arc<AtomicU32>,
    timeline: Arc<Timeline>,
    thread: Option<JoinHandle<(WaitTracker, Option<String>)>>,
}

/// What the sampler saw, and what went wrong meanwhile, if anything did.
#[derive(Debug)]
pub(super) struct Sampled {
    /// The waits.
    pub locks: TrackedLocks,
    /// Why it saw nothing for a while; how long, is in the waits' sampling error.
    pub error: Option<String>,
}

impl Sampler {
    /// Starts sampling. Fails only where no thread can be made; a lost connection is opened again and
    /// told by [`Sampler::finish`].
    pub(super) fn start(config: Config, watch: Watch) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let waiters = Arc::new(AtomicU32::new(0));
        let (stopped, seen) = (Arc::clone(&stop), Arc::clone(&waiters));
        let timeline = Arc::clone(&watch.timeline);
        let thread = std::thread::Builder::new()
            .name("lock-sampler".into())
            .spawn(move || {
                let mut tracker = WaitTracker::default();
                let error = match tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                {
                    Ok(runtime) => runtime.block_on(sample_until_stopped(
                        &config,
                        &watch,
                        (&stopped, &seen),
                        &mut tracker,
                    )),
                    Err(error) => Some(error.to_string()),
                };
                tracker.blind_until(watch.timeline.now());
                (tracker, error)
            })?;
        Ok(Self {
            stop,
            waiters,
            timeline,
            thread: Some(thread),
        })
    }

    /// Sessions waiting for a lock in the latest sample.
    pub(super) fn waiters(&self) -> u32 {
        self.waiters.load(Ordering::Relaxed)
    }

    /// Ends sampling. Times in the result are since `zero` on the timeline.
    pub(super) fn finish(mut self, zero: Duration) -> Sampled {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok((tracker, error))) => Sampled {
                locks: tracker.finish(zero),
                error,
            },
            _ => {
                let mut nothing = WaitTracker::default();
                nothing.blind_until(self.timeline.now());
                Sampled {
                    locks: nothing.finish(zero),
                    error: Some("the lock sampler's thread died".into()),
                }
            }
        }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Samples, on a new connection where one is lost: a migration may end the sessions of others. The
/// first error, if there was one.
async fn sample_until_stopped(
    config: &Config,
    watch: &Watch,
    (stop, waiters): (&AtomicBool, &AtomicU32),
    tracker: &mut WaitTracker,
) -> Option<String> {
    let mut first = None;
    while let Err(error) = sample(config, watch, (stop, waiters), tracker).await {
        first.get_or_insert_with(|| describe(&error));
        waiters.store(0, Ordering::Relaxed);
        if stop.load(Ordering::Relaxed) {
            break;
        }
        tokio::time::sleep(RECONNECT).await;
    }
    first
}

async fn sample(
    config: &Config,
    watch: &Watch,
    (stop, waiters): (&AtomicBool, &AtomicU32),
    tracker: &mut WaitTracker,
) -> Result<(), tokio_postgres::Error> {
    let session = connect(config, "pgrehearse lock sampler").await?;
    let version = session
        .client
        .query_one(
            "SELECT pg_catalog.current_setting('server_version_num')::int4",
            &[],
        )
        .await?;
    let query = LockQuery::prepare(&session.client, version.try_get(0)?).await?;
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let migration = watch.roster.migration();
        let rows = query
            .read(&session.client, migration.map_or(0, |(pid, _)| pid))
            .await?;
        let waiting = rows.iter().filter(|row| !row.granted).count();
        waiters.store(
            u32::try_from(waiting).unwrap_or(u32::MAX),
            Ordering::Relaxed,
        );
        let owners = owners(watch, &rows);
        tracker.observe(&LockSample {
            at: watch.timeline.now(),
            locks: rows,
            migration,
            owners,
        });
        // A sample that takes more than half the interval stretches it, so that sampling never takes
        // more than half of a core and of the lock table's time.
        let took = begun.elapsed();
        let pause = INTERVAL.max(took * 2).saturating_sub(took);
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

/// Whose sessions the backends of these rows, and those they wait for, are now.
fn owners(watch: &Watch, rows: &[LockRow]) -> BTreeMap<i32, Owner> {
    let pids = rows
        .iter()
        .flat_map(|row| row.blockers.iter().chain([&row.pid]));
    pids.filter_map(|&pid| {
        let activity = watch.registry.lookup(pid)?;
        let name = activity
            .transaction
            .and_then(|index| watch.transactions.get(index));
        Some((
            pid,
            Owner::Traffic(name.map_or_else(|| "idle".to_owned(), Clone::clone)),
        ))
    })
    .collect()
}

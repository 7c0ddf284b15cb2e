//! The lock sampler: looks at `pg_locks` every few milliseconds, and now and then at what sessions that
//! wait for no lock do and at the machine's processors. It has a connection and a thread of its own, so
//! that neither the traffic nor the migration can hold it up.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio_postgres::Client;
use tokio_postgres::config::Host;

use super::seen::Seen;
pub(super) use super::watch::Watch;
use super::watch::owners;
use crate::observe::lock_sample::LockSample;
use crate::observe::waits::{TrackedLocks, WaitTracker};
use crate::postgres::activity::ActivityQuery;
use crate::postgres::connect::{describe, unlimited};
use crate::postgres::endpoint::Endpoint;
use crate::postgres::locks::LockQuery;
use crate::traffic::Timeline;

/// Time between two samples (DESIGN §7).
const INTERVAL: Duration = Duration::from_millis(10);

/// Samples of the locks for one of what sessions do: that one costs more, and tells what is long.
const LOCKS_AN_ACTIVITY: u64 = 5;

/// Time between two attempts to open a lost connection again.
const RECONNECT: Duration = Duration::from_millis(50);

impl Sampled {
    /// What is known where nobody looked.
    pub(super) fn nothing() -> Self {
        Self {
            locks: TrackedLocks::default(),
            error: None,
        }
    }
}

/// A running lock sampler.
#[derive(Debug)]
pub(super) struct Sampler {
    stop: Arc<AtomicBool>,
    waiters: Arc<AtomicU32>,
    timeline: Arc<Timeline>,
    thread: Option<JoinHandle<(Seen, Option<String>)>>,
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
    pub(super) fn start(endpoint: Endpoint, watch: Watch) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let waiters = Arc::new(AtomicU32::new(0));
        let (stopped, seen) = (Arc::clone(&stop), Arc::clone(&waiters));
        let timeline = Arc::clone(&watch.timeline);
        let thread = std::thread::Builder::new()
            .name("lock-sampler".into())
            .spawn(move || {
                let mut eyes = Seen::default();
                let error = match tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                {
                    Ok(runtime) => runtime.block_on(sample_until_stopped(
                        &endpoint,
                        &watch,
                        (&stopped, &seen),
                        &mut eyes,
                    )),
                    Err(error) => Some(error.to_string()),
                };
                eyes.locks.blind_until(watch.timeline.now());
                (eyes, error)
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
            Some(Ok((seen, error))) => Sampled {
                locks: seen.finish(zero),
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
    endpoint: &Endpoint,
    watch: &Watch,
    (stop, waiters): (&AtomicBool, &AtomicU32),
    seen: &mut Seen,
) -> Option<String> {
    let mut first = None;
    while let Err(error) = sample(endpoint, watch, (stop, waiters), seen).await {
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
    endpoint: &Endpoint,
    watch: &Watch,
    (stop, waiters): (&AtomicBool, &AtomicU32),
    seen: &mut Seen,
) -> Result<(), tokio_postgres::Error> {
    let session = endpoint.connect("pgrehearse lock sampler").await?;
    unlimited(&session.client).await?;
    let mut eyes = Eyes::open(&session.client, is_on_this_machine(endpoint)).await?;
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let waiting = eyes.look(watch, seen).await?;
        waiters.store(
            u32::try_from(waiting).unwrap_or(u32::MAX),
            Ordering::Relaxed,
        );
        // A sample that takes more than half the interval stretches it, so that sampling never takes
        // more than half of a core and of the lock table's time.
        let took = begun.elapsed();
        let pause = INTERVAL.max(took * 2).saturating_sub(took);
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

/// What is asked of the server, and of the machine if that is the server's too.
struct Eyes<'a> {
    client: &'a Client,
    locks: LockQuery,
    activity: ActivityQuery,
    own_machine: bool,
    samples: u64,
}

impl<'a> Eyes<'a> {
    async fn open(client: &'a Client, own_machine: bool) -> Result<Self, tokio_postgres::Error> {
        let version = client
            .query_one(
                "SELECT pg_catalog.current_setting('server_version_num')::int4",
                &[],
            )
            .await?;
        let version = version.try_get(0)?;
        Ok(Self {
            locks: LockQuery::prepare(client, version).await?,
            activity: ActivityQuery::prepare(client, version).await?,
            client,
            own_machine,
            samples: 0,
        })
    }

    /// Takes a sample; how many sessions wait for a lock in it.
    async fn look(
        &mut self,
        watch: &Watch,
        seen: &mut Seen,
    ) -> Result<usize, tokio_postgres::Error> {
        if self.samples.is_multiple_of(LOCKS_AN_ACTIVITY) {
            seen.observe_activity(watch, self.activity.read(self.client).await?);
        }
        self.samples += 1;
        if self.own_machine {
            seen.look_at_processors(watch.timeline.now());
        }
        let migration = watch.roster.migration();
        let pid = migration.map_or(0, |(pid, _)| pid);
        let rows = self.locks.read(self.client, pid).await?;
        let waiting = rows.iter().filter(|row| !row.granted).count();
        seen.locks.observe(&LockSample {
            at: watch.timeline.now(),
            owners: owners(watch, &rows),
            strangers: match waiting {
                0 => BTreeMap::new(),
                _ => seen.strangers.clone(),
            },
            locks: rows,
            // It may have begun since it was asked for.
            migration: migration.or_else(|| watch.roster.migration()),
        });
        Ok(waiting)
    }
}

/// Whether the server is on the machine that this runs on, so that its processors are these.
fn is_on_this_machine(endpoint: &Endpoint) -> bool {
    endpoint.config().get_hosts().iter().all(|host| match host {
        #[cfg(unix)]
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            let address = name.parse().map(|address: IpAddr| address.is_loopback());
            name == "localhost" || address.unwrap_or(false)
        }
    })
}

//! The fleet: all instances of the application and the threads that run them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use tokio_postgres::Config;

use super::agenda::Share;
use super::arrivals::Arrivals;
use super::gauges::{Gauges, Live};
use super::mix::Mix;
use super::orders::{Bulletin, Orders, Start, Stop};
use super::registry::Registry;
use super::timeline::Timeline;
use super::worker::{Assignment, Worker, hire};
use super::{TrafficError, session};
use crate::observe::Recording;
use crate::pgbench::Keys;
use crate::scenario::plan::{ApplicationPlan, TrafficPlan};

/// The time between the order to start and the first possible arrival, so that all workers are awake
/// by then.
const LEAD: Duration = Duration::from_millis(5);

/// What a fleet is made from.
pub struct FleetSetup<'a> {
    /// The traffic to send.
    pub traffic: &'a TrafficPlan,
    /// The fleet that sends it.
    pub application: &'a ApplicationPlan,
    /// All randomness.
    pub seed: u64,
    /// Where the server is. The sessions add their `application_name` and `statement_timeout`.
    pub config: Config,
    /// What `\pick` and `\fresh` draw from.
    pub keys: Box<dyn Keys>,
}

/// The application's instances, connected and ready to send. Dropping it stops its threads.
pub struct Fleet {
    orders: watch::Sender<Bulletin>,
    workers: Vec<Worker>,
    registry: Arc<Registry>,
    gauges: Arc<Gauges>,
    transactions: usize,
}

impl Fleet {
    /// Checks that the server can prepare every statement, starts the workers, and returns when all
    /// connections are open.
    ///
    /// # Errors
    ///
    /// A script that does not fit, a statement that the server refuses (by file, line and column), or
    /// a connection that cannot be opened.
    pub async fn start(setup: FleetSetup<'_>) -> Result<Self, TrafficError> {
        let FleetSetup {
            traffic,
            application,
            seed,
            config,
            keys,
        } = setup;
        if application.instances == 0 || application.pool_size == 0 {
            return Err(TrafficError::NoConnections);
        }
        let arrivals = Arrivals::new(traffic, seed)?;
        let mix = Arc::new(Mix::bind(traffic, seed, keys)?);
        let config = session::configure(&config, application.statement_timeout);
        let connections = u64::from(application.instances) * u64::from(application.pool_size);
        let registry = Registry::new(usize::try_from(connections).unwrap_or(usize::MAX));
        let gauges = Arc::new(Gauges::new());
        let (orders, _) = watch::channel(Bulletin::default());
        let instances = u64::from(application.instances);
        let workers = worker_count(instances);
        let mut fleet = Self {
            orders,
            workers: Vec::new(),
            registry,
            gauges,
            transactions: mix.transactions.len(),
        };
        for worker in 0..workers {
            let assignment = Assignment {
                mix: Arc::clone(&mix),
                arrivals: arrivals.clone(),
                share: Share {
                    instances,
                    workers,
                    worker,
                },
                pool_size: application.pool_size,
                acquire_timeout: application.acquire_timeout,
                config: config.clone(),
                registry: Arc::clone(&fleet.registry),
                gauges: Arc::clone(&fleet.gauges),
            };
            let orders = Orders(fleet.orders.subscribe());
            fleet.workers.push(hire(assignment, orders)?);
        }
        fleet.ready().await?;
        Ok(fleet)
    }

    async fn ready(&mut self) -> Result<(), TrafficError> {
        for index in 0..self.workers.len() {
            let Some(ready) = self
                .workers
                .get_mut(index)
                .and_then(|worker| worker.ready.take())
            else {
                continue;
            };
            match ready.await {
                Ok(result) => result?,
                Err(_) => return Err(self.obituary(index)),
            }
        }
        Ok(())
    }

    /// Starts the traffic on all workers at once. Its times are the timeline's.
    pub fn go(&self, timeline: Arc<Timeline>) {
        let at = timeline.now() + LEAD;
        self.orders.send_modify(|bulletin| {
            bulletin.start.get_or_insert(Start { timeline, at });
        });
    }

    /// How the traffic fares, about.
    pub fn live(&self) -> Live {
        self.gauges.live()
    }

    /// Whether all workers are at work. One that is not has died; [`Fleet::stop`] tells why.
    pub fn is_alive(&self) -> bool {
        !self
            .workers
            .iter()
            .any(|worker| worker.thread.is_finished())
    }

    /// Which backend runs which transaction; usable from any thread, as long as one likes.
    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry)
    }

    /// Stops the traffic: nothing that is due after this moment is sent. Requests under way have
    /// `drain` to end; those that have not are cancelled and recorded as unfinished, with the age
    /// that they had. All connections are closed when this returns.
    ///
    /// # Errors
    ///
    /// [`TrafficError::WorkerDied`] if a worker's recording is lost.
    pub async fn stop(mut self, drain: Duration) -> Result<Recording, TrafficError> {
        let cutoff = Instant::now();
        self.orders.send_modify(|bulletin| {
            bulletin.stop = Some(Stop {
                cutoff,
                drained: cutoff + drain,
            });
        });
        let mut recording = Recording::new(self.transactions);
        for index in 0..self.workers.len() {
            let Some(worker) = self.workers.get_mut(index) else {
                continue;
            };
            match (&mut worker.recorded).await {
                Ok(recorded) => recording.merge(&recorded?),
                Err(_) => return Err(self.obituary(index)),
            }
        }
        Ok(recording)
    }

    /// Why a worker died. Its lines are broken, so its thread ends now.
    fn obituary(&mut self, index: usize) -> TrafficError {
        let worker = self.workers.remove(index);
        let reason = match worker.thread.join() {
            Ok(()) => "it ended without a word".to_owned(),
            Err(panic) => panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "it panicked".to_owned()),
        };
        TrafficError::WorkerDied(reason)
    }
}

impl Drop for Fleet {
    /// Breaks the lines, upon which every worker ends within moments, and waits for that.
    fn drop(&mut self) {
        let (broken, _) = watch::channel(Bulletin::default());
        drop(std::mem::replace(&mut self.orders, broken));
        for worker in self.workers.drain(..) {
            // A panic was told by `stop` already, or nobody asks any more.
            let _ = worker.thread.join();
        }
    }
}

/// A thread for each processor, but none without an instance.
fn worker_count(instances: u64) -> u64 {
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    processors.min(instances)
}

//! The fleet: all instances of the application and the threads that run them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use tokio_postgres::Config;

use super::agenda::Share;
use super::demand::Demand;
use super::gauges::{AtWork, Dashboard, Live};
use super::mix::Mix;
use super::orders::{Bulletin, Orders, Start, Stop};
use super::registry::Registry;
use super::site::GENERATIONS;
use super::timeline::Timeline;
use super::wire::ConnectError;
use super::worker::{Assignment, Worker, hire};
use super::{TrafficError, session};
use crate::observe::Recording;
use crate::pgbench::Keys;
use crate::postgres::endpoint::Endpoint;
use crate::postgres::limits::connection_limits;
use crate::scenario::plan::{ApplicationPlan, Load, TrafficPlan};
use crate::scenario::release::ReleasePlan;

/// The time between the order to start and the first possible arrival, so that all workers are awake
/// by then.
const LEAD: Duration = Duration::from_millis(5);

/// How often it is looked whether all requests have ended.
const FINISHED_EVERY: Duration = Duration::from_millis(1);

/// The SQLSTATE of a server that has no connection to give.
const TOO_MANY_CONNECTIONS: &str = "53300";

/// What a fleet is made from.
pub struct FleetSetup<'a, E = Config> {
    /// The traffic to send.
    pub traffic: &'a TrafficPlan,
    /// The fleet that sends it.
    pub application: &'a ApplicationPlan,
    /// When it goes over to the next release, which sends the transactions whose role is `next`; none: never.
    pub release: Option<ReleasePlan>,
    /// All randomness.
    pub seed: u64,
    /// Where the server is: an [`Endpoint`], or a configuration, which is without TLS. The sessions add
    /// their `application_name` and timeouts.
    pub config: E,
    /// What `\pick` and `\fresh` draw from.
    pub keys: Box<dyn Keys>,
}

/// The application's instances, connected and ready to send. Dropping it stops its threads.
pub struct Fleet {
    orders: watch::Sender<Bulletin>,
    workers: Vec<Worker>,
    registry: Arc<Registry>,
    dashboard: Dashboard,
    transactions: usize,
}

impl Fleet {
    /// Checks that the server can prepare every statement of the current release, starts the workers, and returns when all
    /// connections are open.
    ///
    /// # Errors
    ///
    /// A script that does not fit, a statement that the server refuses (by file, line and column), or
    /// a connection that cannot be opened.
    pub async fn start<E: Into<Endpoint>>(setup: FleetSetup<'_, E>) -> Result<Self, TrafficError> {
        let FleetSetup {
            traffic,
            application,
            release,
            seed,
            config,
            keys,
        } = setup;
        if application.instances == 0 || application.pool_size == 0 {
            return Err(TrafficError::NoConnections);
        }
        let demand = Demand::of(traffic, seed)?;
        let mut mix = Mix::bind(traffic, seed, keys)?;
        if let Some(check) = &application.health_check {
            mix = mix.with_health_check(&check.sql)?;
        }
        let mix = Arc::new(mix);
        let endpoint = config.into();
        let target = session::configure(&endpoint, application);
        let replay = match &traffic.load {
            Load::Replay(replay) => Some(replay),
            Load::Open(_) | Load::Closed(_) => None,
        };
        let registry =
            Registry::new(replay.map_or(sessions(application, release), |log| log.sessions));
        let (orders, _) = watch::channel(Bulletin::default());
        let application = Arc::new(application.clone());
        // The sessions of a log are of no instance.
        let instances = replay.map_or(u64::from(application.instances), |_| 0);
        let workers = workers(&traffic.load, instances);
        let mut fleet = Self {
            orders,
            workers: Vec::new(),
            registry,
            dashboard: Dashboard::new(workers),
            transactions: mix.transactions.len(),
        };
        for (worker, gauges) in (0..workers).zip(fleet.dashboard.gauges()) {
            let assignment = Assignment {
                mix: Arc::clone(&mix),
                demand: demand.clone(),
                share: Share {
                    instances,
                    workers,
                    worker,
                },
                application: Arc::clone(&application),
                release,
                seed,
                target: target.clone(),
                registry: Arc::clone(&fleet.registry),
                work: AtWork::new(&gauges),
                gauges,
            };
            let orders = Orders(fleet.orders.subscribe());
            fleet.workers.push(hire(assignment, orders)?);
        }
        match fleet.ready().await {
            Ok(()) => Ok(fleet),
            Err(TrafficError::Connect(error)) if is_full(&error) => {
                // Its connections must be gone, or there is none to ask with.
                drop(fleet);
                let needed = replay.map_or(connections(&application), |log| {
                    u64::from(log.peak_sessions)
                });
                Err(too_many(&error, needed, &endpoint).await)
            }
            Err(error) => Err(error),
        }
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
        self.dashboard.live()
    }

    /// The most requests that ever waited for a connection at once; of several workers the sum of what
    /// each had, which need not have been at one moment.
    pub fn peak_waiting(&self) -> u64 {
        self.dashboard.peak_waiting()
    }

    /// Returns when all requests have ended of a load that has a [last one](Load::ends); of another, never.
    pub async fn finished(&self) {
        while !self.dashboard.is_finished() {
            tokio::time::sleep(FINISHED_EVERY).await;
        }
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

/// Connections of all instances.
fn connections(application: &ApplicationPlan) -> u64 {
    u64::from(application.instances) * u64::from(application.pool_size)
}

/// Sessions that the registry has room for: those of the instances now, those of the other release, and
/// those that the server still has of instances that were ended.
fn sessions(application: &ApplicationPlan, release: Option<ReleasePlan>) -> usize {
    let releases = 1 + u64::from(release.is_some());
    let sessions = connections(application).saturating_mul(releases + u64::from(GENERATIONS));
    usize::try_from(sessions).unwrap_or(usize::MAX)
}

/// Whether a server has no connection to give.
fn is_full(error: &ConnectError) -> bool {
    error.sqlstate() == Some(TOO_MANY_CONNECTIONS)
}

/// The error for a server that has not enough connections, with its limits if it tells them soon:
/// backends take a moment to end.
async fn too_many(error: &ConnectError, needed: u64, endpoint: &Endpoint) -> TrafficError {
    let mut limits = None;
    for _ in 0..20 {
        if let Ok(session) = endpoint.connect("pgrehearse connection limits").await {
            limits = connection_limits(&session.client).await.ok();
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    TrafficError::TooManyConnections {
        needed,
        message: error.to_string(),
        limits,
    }
}

/// Transactions per second for which one thread is enough on any machine: some tenth of what one bears.
const RATE_OF_A_THREAD: f64 = 2_000.0;

/// As many threads as the load needs, none without an instance or session, and no more than there are
/// processors. An instance that is away leaves its requests to others of its thread, so that a small
/// load must not be dealt out to many threads because the machine is large.
fn workers(load: &Load, instances: u64) -> u64 {
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let needed = match load {
        Load::Open(open) => {
            let bursts = open.bursts.map_or(1.0, |bursts| bursts.factor.max(1.0));
            let threads = (open.rate.0 * bursts / RATE_OF_A_THREAD).ceil();
            instances.min(threads.max(1.0) as u64)
        }
        // Of these nobody knows what they make of the server.
        Load::Closed(_) => instances,
        Load::Replay(replay) => replay.sessions as u64,
    };
    needed.min(processors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::plan::{Arrivals, Bursts, OpenLoad};

    #[test]
    fn a_small_load_has_one_thread_on_any_machine() {
        let steady = |rate| Load::steady(rate, Arrivals::Poisson);
        assert_eq!(workers(&steady(400.0), 64), 1);
        assert_eq!(workers(&steady(0.0), 64), 1);
        assert_eq!(workers(&steady(1e9), 1), 1);
        assert_eq!(workers(&Load::clients(8), 1), 1);
        let Load::Open(open) = steady(1_000.0) else {
            unreachable!("it has a rate")
        };
        let bursts = Load::Open(OpenLoad {
            bursts: Some(Bursts {
                every: Duration::from_secs(2),
                length: Duration::from_secs(1),
                factor: 1e6,
            }),
            ..open
        });
        assert_eq!(workers(&bursts, 64), workers(&Load::clients(1), 64));
    }
}

//! One worker: a thread with its own runtime, instances and recording.

use std::convert::Infallible;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures_util::StreamExt as _;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::agenda::{Agenda, Share};
use super::alarm::Alarm;
use super::balancer::Balancer;
use super::client::attend;
use super::demand::Demand;
use super::gauges::{AtWork, Gauges};
use super::instance::Instance;
use super::ledger::Ledger;
use super::mix::Mix;
use super::orders::Orders;
use super::outbox::{Outbox, pass_on_panic};
use super::pacer::pace;
use super::registry::Registry;
use super::replay::{Cast, Part};
use super::servants::Servants;
use super::session::OPENING;
use super::site::Site;
use super::wire::Target;
use super::{TrafficError, preflight};
use crate::observe::Recording;
use crate::scenario::plan::ApplicationPlan;
use crate::scenario::release::ReleasePlan;

/// What a worker needs to begin.
pub(super) struct Assignment {
    pub(super) mix: Arc<Mix>,
    pub(super) demand: Demand,
    pub(super) share: Share,
    pub(super) application: Arc<ApplicationPlan>,
    /// When the next release comes, if it does.
    pub(super) release: Option<ReleasePlan>,
    /// Of the jitter of pauses.
    pub(super) seed: u64,
    pub(super) target: Target,
    pub(super) registry: Arc<Registry>,
    pub(super) gauges: Arc<Gauges>,
    /// Holds until the worker's last request is made.
    pub(super) work: AtWork,
}

/// A worker's end of its lines to the fleet.
struct Lines {
    orders: Orders,
    ready: oneshot::Sender<Result<(), TrafficError>>,
    recorded: oneshot::Sender<Result<Recording, TrafficError>>,
}

/// The fleet's end of them.
pub(super) struct Worker {
    pub(super) thread: JoinHandle<()>,
    /// Comes when all connections are open.
    pub(super) ready: Option<oneshot::Receiver<Result<(), TrafficError>>>,
    /// Comes after the stop.
    pub(super) recorded: oneshot::Receiver<Result<Recording, TrafficError>>,
}

/// Starts a worker's thread.
pub(super) fn hire(assignment: Assignment, orders: Orders) -> io::Result<Worker> {
    let (ready_sender, ready) = oneshot::channel();
    let (recorded_sender, recorded) = oneshot::channel();
    let lines = Lines {
        orders,
        ready: ready_sender,
        recorded: recorded_sender,
    };
    let thread = std::thread::Builder::new()
        .name(format!("traffic-{}", assignment.share.worker))
        .spawn(move || work(assignment, lines))?;
    Ok(Worker {
        thread,
        ready: Some(ready),
        recorded,
    })
}

/// A worker's whole life. If it dies, its lines break and the fleet hears of it.
fn work(assignment: Assignment, lines: Lines) {
    // Tasks of a `LocalSet` would have the whole worker polled whenever one of them wakes.
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default());
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return lines.refuse(TrafficError::Spawn(error)),
    };
    runtime.block_on(async move {
        let alarm = match Alarm::new() {
            Ok(alarm) => alarm,
            Err(error) => return lines.refuse(TrafficError::Spawn(error)),
        };
        let ledger = Ledger::new(
            assignment.mix.transactions.len(),
            alarm,
            Arc::clone(&assignment.gauges),
        );
        if let Demand::Replay(load) = &assignment.demand {
            let part = Part::of(load, (assignment.share.worker, assignment.share.workers));
            return replay(part, &assignment, (ledger, lines)).await;
        }
        serve(assignment, &ledger, lines).await;
    });
}

impl Lines {
    /// Says why there will be no worker.
    fn refuse(self, error: TrafficError) {
        // The fleet may be gone already.
        let _ = self.ready.send(Err(error));
    }
}

/// The whole life of a worker that has instances.
async fn serve(assignment: Assignment, ledger: &Rc<Ledger>, mut lines: Lines) {
    let site = Site::new(
        (
            Arc::clone(&assignment.mix),
            Arc::clone(&assignment.application),
        ),
        (assignment.target.clone(), Arc::clone(&assignment.registry)),
        Rc::clone(ledger),
        assignment.seed,
    );
    let instances = tokio::select! {
        opened = open_instances(&site, assignment.share) => match opened {
            Ok(instances) => instances,
            Err(error) => return lines.refuse(error),
        },
        () = lines.orders.dropped() => return,
    };
    let Lines {
        orders,
        ready,
        recorded,
    } = lines;
    let _ = ready.send(Ok(()));
    let balancer = Balancer::new(&site.mix, instances);
    let mut duties = ringing(ledger);
    let tended = Rc::clone(&balancer);
    duties.spawn_local(async move { tended.tend().await });
    let mut sending = JoinSet::new();
    sending.spawn_local(send(
        assignment,
        Rc::clone(ledger),
        Rc::clone(&balancer),
        orders,
    ));
    let sent = tokio::select! {
        broken = first(&mut duties) => broken.map(|never| match never {}),
        sent = first(&mut sending) => sent,
    };
    sending.shutdown().await;
    balancer.close().await;
    site.clear().await;
    let _ = recorded.send(sent.map(|()| ledger.close()).map_err(TrafficError::Spawn));
}

/// The worker's alarm at work, until the result is dropped. It and all else that wakes often are tasks of
/// their own, so that only what has something to do is polled.
fn ringing(ledger: &Rc<Ledger>) -> JoinSet<io::Result<Infallible>> {
    let mut duties = JoinSet::new();
    let ledger = Rc::clone(ledger);
    duties.spawn_local(async move { ledger.alarm.ring().await });
    duties
}

/// What the first of these tasks to end gives. A panic goes on here.
async fn first<T: 'static>(tasks: &mut JoinSet<T>) -> T {
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(given) => return given,
            Err(error) => pass_on_panic(Err(error)),
        }
    }
    std::future::pending().await
}

/// The whole life of a worker that replays sessions of a log.
async fn replay(part: Part, assignment: &Assignment, (ledger, mut lines): (Rc<Ledger>, Lines)) {
    let server = (&assignment.target, &assignment.registry);
    let mut cast = tokio::select! {
        opened = Cast::open(part, server, &ledger) => match opened {
            Ok(cast) => cast,
            Err(error) => return lines.refuse(error),
        },
        () = lines.orders.dropped() => return,
    };
    let _ = lines.ready.send(Ok(()));
    let mut duties = ringing(&ledger);
    let played = tokio::select! {
        broken = first(&mut duties) => broken.map(|never| match never {}),
        played = play(&mut cast, &ledger, &mut lines.orders) => played,
    };
    cast.close().await;
    let recorded = played.map(|()| ledger.close());
    let _ = lines.recorded.send(recorded.map_err(TrafficError::Spawn));
}

/// Replays, from the order to start to the end of the drain.
async fn play(cast: &mut Cast, ledger: &Ledger, orders: &mut Orders) -> io::Result<()> {
    let Some(start) = orders.start().await else {
        return Ok(());
    };
    ledger.start(Arc::clone(&start.timeline));
    if let Some(stop) = cast.play(&start, orders).await? {
        tokio::select! {
            () = cast.drain(stop) => {}
            () = orders.dropped() => {}
        }
    }
    Ok(())
}

/// Opens all connections of the worker's instances.
async fn open_instances(site: &Rc<Site>, share: Share) -> Result<Vec<Rc<Instance>>, TrafficError> {
    // One worker's word is enough, and the first one's is heard first.
    if share.worker == 0 {
        preflight::check(&site.mix, &site.target).await?;
    }
    let instances: Vec<_> = share
        .instances()
        .map(|number| Instance::new(site, u32::try_from(number).unwrap_or(u32::MAX)))
        .collect();
    let connections = instances
        .iter()
        .flat_map(|instance| (0..site.application.pool_size).map(move |_| instance.pool()));
    let mut opened = futures_util::stream::iter(connections)
        .map(|pool| async move { pool.open().await })
        .buffer_unordered(OPENING);
    while let Some(result) = opened.next().await {
        result?;
    }
    drop(opened);
    Ok(instances)
}

/// Sends the worker's share of the traffic, from the order to start to the end of the drain.
async fn send(
    assignment: Assignment,
    ledger: Rc<Ledger>,
    balancer: Rc<Balancer>,
    mut orders: Orders,
) -> io::Result<()> {
    let Some(start) = orders.start().await else {
        return Ok(());
    };
    ledger.start(Arc::clone(&start.timeline));
    let mut lives = balancer.live(assignment.release, &start.timeline);
    let mut outbox = Outbox {
        servants: Servants::default(),
        balancer,
        ledger,
        timeline: start.timeline,
        requests: JoinSet::new(),
        work: Some(assignment.work),
    };
    let share = assignment.share;
    let stop = match assignment.demand {
        Demand::Arrivals(arrivals) => {
            let agenda = Agenda::new(arrivals, share, start.at);
            pace(&mut outbox, &mut orders, agenda).await?
        }
        Demand::Clients(clients) => {
            attend(&mut outbox, &mut orders, *clients, (share, start.at)).await
        }
        // Those have no instances, and a life of their own.
        Demand::Replay(_) => None,
    };
    // What happens to instances after the end, nobody measures.
    lives.shutdown().await;
    if let Some(stop) = stop {
        tokio::select! {
            () = outbox.drain(stop.drained) => {}
            () = orders.dropped() => {}
        }
    }
    outbox.requests.shutdown().await;
    Ok(())
}

//! One worker: a thread with its own runtime, instances and recording.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::{JoinSet, LocalSet};
use tokio_postgres::Config;

use super::agenda::{Agenda, Share};
use super::arrivals::Arrivals;
use super::gauges::Gauges;
use super::ledger::Ledger;
use super::mix::Mix;
use super::orders::Orders;
use super::pacer::Pacer;
use super::pool::Pool;
use super::registry::{Registry, Seat};
use super::{TrafficError, preflight};
use crate::observe::Recording;

/// Connections that a worker opens at a time: forking backends for all at once would only make the
/// server slow to answer any.
const OPENING: usize = 8;

/// What a worker needs to begin.
pub(super) struct Assignment {
    pub(super) mix: Arc<Mix>,
    pub(super) arrivals: Arrivals,
    pub(super) share: Share,
    pub(super) pool_size: u32,
    pub(super) acquire_timeout: Duration,
    pub(super) config: Config,
    pub(super) registry: Arc<Registry>,
    pub(super) gauges: Arc<Gauges>,
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
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let thread = std::thread::Builder::new()
        .name(format!("traffic-{}", assignment.share.worker))
        .spawn(move || work(&runtime, assignment, lines))?;
    Ok(Worker {
        thread,
        ready: Some(ready),
        recorded,
    })
}

/// A worker's whole life. If it dies, its lines break and the fleet hears of it.
fn work(runtime: &Runtime, assignment: Assignment, lines: Lines) {
    let Lines {
        mut orders,
        ready,
        recorded,
    } = lines;
    let local = LocalSet::new();
    local.block_on(runtime, async move {
        let ledger = Ledger::new(
            assignment.mix.transactions.len(),
            Arc::clone(&assignment.gauges),
        );
        let pools = tokio::select! {
            opened = open_pools(&assignment, &ledger) => match opened {
                Ok(pools) => pools,
                Err(error) => {
                    // The fleet may be gone already.
                    let _ = ready.send(Err(error));
                    return;
                }
            },
            () = orders.dropped() => return,
        };
        let _ = ready.send(Ok(()));
        let sent = send(assignment, &ledger, &pools, &mut orders).await;
        for pool in &pools {
            pool.close().await;
        }
        let _ = recorded.send(sent.map(|()| ledger.close()).map_err(TrafficError::Spawn));
    });
}

/// Opens all connections of the worker's instances.
async fn open_pools(
    assignment: &Assignment,
    ledger: &Rc<Ledger>,
) -> Result<Vec<Rc<Pool>>, TrafficError> {
    // One worker's word is enough, and the first one's is heard first.
    if assignment.share.worker == 0 {
        preflight::check(&assignment.mix, &assignment.config).await?;
    }
    let config = Rc::new(assignment.config.clone());
    let pools: Vec<_> = assignment
        .share
        .instances()
        .map(|instance| {
            let timeout = assignment.acquire_timeout;
            let pool = Pool::new(Rc::clone(&config), timeout, Rc::clone(ledger));
            (instance, pool)
        })
        .collect();
    let size = u64::from(assignment.pool_size);
    let seats = pools.iter().flat_map(|(instance, pool)| {
        (0..size).map(move |connection| (pool, instance * size + connection))
    });
    let mut opened = futures_util::stream::iter(seats)
        .map(|(pool, seat)| {
            let seat = usize::try_from(seat).unwrap_or(usize::MAX);
            pool.open(Seat::new(&assignment.registry, seat), &assignment.mix)
        })
        .buffer_unordered(OPENING);
    while let Some(result) = opened.next().await {
        result?;
    }
    drop(opened);
    Ok(pools.into_iter().map(|(_, pool)| pool).collect())
}

/// Sends the worker's share of the traffic, from the order to start to the end of the drain.
async fn send(
    assignment: Assignment,
    ledger: &Rc<Ledger>,
    pools: &[Rc<Pool>],
    orders: &mut Orders,
) -> io::Result<()> {
    let Some(start) = orders.start().await else {
        return Ok(());
    };
    ledger.start(Arc::clone(&start.timeline));
    let mut pacer = Pacer {
        mix: assignment.mix,
        pools: pools.to_vec(),
        ledger: Rc::clone(ledger),
        timeline: start.timeline,
        requests: JoinSet::new(),
    };
    let agenda = Agenda::new(assignment.arrivals, assignment.share, start.at);
    if let Some(stop) = pacer.run(agenda, orders).await? {
        tokio::select! {
            () = pacer.drain(stop.drained) => {}
            () = orders.dropped() => {}
        }
    }
    pacer.requests.shutdown().await;
    Ok(())
}

//! One instance's bounded pool of connections, from its start to its end.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use super::TrafficError;
use super::condition::Condition;
use super::ledger::Connected;
use super::session::Session;
use super::site::Site;
use crate::scenario::plan::{Protocol, Role};

mod lease;
mod upkeep;

pub(super) use lease::Lease;

/// The connections of one instance. Who waits is served in the order of coming; a connection that
/// was lost is replaced in the background.
pub(super) struct Pool {
    site: Rc<Site>,
    /// The release that its instance runs.
    release: Role,
    condition: Condition,
    stage: Cell<Stage>,
    idle: RefCell<Vec<Connection>>,
    /// One permit for each idle connection. It is fair, and a waiter that gives up loses none.
    permits: Semaphore,
    waiting: Cell<u32>,
    /// Connections whose request was cut off in the middle of something.
    cut_off: RefCell<Vec<Connection>>,
    reconnects: RefCell<JoinSet<()>>,
    /// Of the next reconnect's pauses.
    jitter: Cell<u64>,
    farewells: RefCell<JoinSet<()>>,
    /// Comes with the first connection.
    opened: Notify,
    ended: Notify,
}

/// Where a pool is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No connection has been open yet.
    Opening,
    Serving,
    /// Another pool has taken its instance over: what it still has to do, it ends.
    Retiring,
    /// The traffic is over.
    Closing,
    /// Its instance was ended.
    Ended,
}

/// A session that is counted as open.
struct Connection {
    session: Session,
    _counted: Connected,
}

/// Why somebody got no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// As many wait already as may.
    Full,
    /// None was free in time.
    GaveUp,
    /// The instance was ended.
    Ended,
}

impl Pool {
    /// A pool without connections; `again` if its instance was up before with the same release.
    pub(super) fn new(site: &Rc<Site>, instance: u32, release: Role, again: bool) -> Rc<Self> {
        let size = site.application.pool_size;
        Rc::new(Self {
            site: Rc::clone(site),
            release,
            condition: Condition::new(&site.ledger, instance, size, again),
            stage: Cell::new(Stage::Opening),
            idle: RefCell::default(),
            permits: Semaphore::new(0),
            waiting: Cell::new(0),
            cut_off: RefCell::default(),
            reconnects: RefCell::default(),
            jitter: Cell::new(site.seed ^ (u64::from(instance) << 32)),
            farewells: RefCell::default(),
            opened: Notify::new(),
            ended: Notify::new(),
        })
    }

    /// Opens one of the first connections, with all statements of the current release prepared.
    pub(super) async fn open(self: &Rc<Self>) -> Result<(), TrafficError> {
        let mut connection = self.connect().await?;
        let mix = &self.site.mix;
        if mix.protocol == Protocol::Prepared {
            for command in mix.current_commands() {
                let prepared = connection.session.prepare(command).await;
                prepared.map_err(|error| super::preflight::refused(mix, command, &error))?;
            }
        }
        self.add(connection);
        Ok(())
    }

    /// Opens all connections in the background, all at once.
    pub(super) fn open_all(self: &Rc<Self>) {
        for _ in 0..self.site.application.pool_size {
            self.replace();
        }
    }

    /// Whether its instance accepts requests: from its first connection on until it ends.
    pub(super) fn is_serving(&self) -> bool {
        self.stage.get() == Stage::Serving
    }

    /// The release that its instance runs.
    pub(super) fn release(&self) -> Role {
        self.release
    }

    pub(super) fn site(&self) -> &Rc<Site> {
        &self.site
    }

    pub(super) fn condition(&self) -> &Condition {
        &self.condition
    }

    /// Takes a connection, waiting for one up to `patience`. No timer is touched where one is free.
    pub(super) async fn acquire(self: &Rc<Self>, patience: Duration) -> Result<Lease, Refusal> {
        let given_up = self.condition.given_up();
        let lease = match self.try_acquire() {
            Some(lease) => lease,
            None => self.wait(patience).await?,
        };
        self.condition.served(given_up);
        Ok(lease)
    }

    async fn wait(self: &Rc<Self>, patience: Duration) -> Result<Lease, Refusal> {
        let limit = self.site.application.queue_limit;
        if limit.is_some_and(|limit| self.waiting.get() >= limit) {
            return Err(Refusal::Full);
        }
        let _waiting = Waiting::new(self);
        if self.stage.get() == Stage::Retiring {
            // Such as for a retry: the connection that it had is closed already.
            self.replace();
        }
        let lease = tokio::time::timeout(patience, async {
            loop {
                let Ok(permit) = self.permits.acquire().await else {
                    return Err(Refusal::Ended);
                };
                permit.forget();
                if let Some(lease) = self.take() {
                    return Ok(lease);
                }
            }
        });
        lease.await.unwrap_or_else(|_| {
            self.gave_up();
            Err(Refusal::GaveUp)
        })
    }

    /// Somebody who waits gives up.
    pub(super) fn gave_up(&self) {
        self.condition.gave_up(self.waiting.get());
    }

    fn try_acquire(self: &Rc<Self>) -> Option<Lease> {
        loop {
            self.permits.try_acquire().ok()?.forget();
            if let Some(lease) = self.take() {
                return Some(lease);
            }
        }
    }

    /// Takes an idle connection for a permit; none if it turns out to be closed.
    fn take(self: &Rc<Self>) -> Option<Lease> {
        let connection = self.idle.borrow_mut().pop()?;
        if connection.session.is_closed() {
            self.lose_closed(connection);
            return None;
        }
        Some(Lease::new(self, connection))
    }

    /// Makes a connection available; after the end it closes.
    fn add(&self, connection: Connection) {
        match self.stage.get() {
            Stage::Ended => return,
            Stage::Opening => {
                self.stage.set(Stage::Serving);
                self.site.ledger.gauges.instances.rise();
                self.opened.notify_waiters();
            }
            Stage::Serving | Stage::Retiring | Stage::Closing => {}
        }
        self.idle.borrow_mut().push(connection);
        self.permits.add_permits(1);
        if self.stage.get() == Stage::Retiring {
            self.close_spare();
        }
    }
}

/// Counts who waits, however the waiting ends.
struct Waiting<'a>(&'a Pool);

impl<'a> Waiting<'a> {
    fn new(pool: &'a Pool) -> Self {
        pool.waiting.set(pool.waiting.get() + 1);
        pool.site.ledger.gauges.waiting.rise();
        Self(pool)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Self(pool) = self;
        pool.waiting.set(pool.waiting.get().saturating_sub(1));
        pool.site.ledger.gauges.waiting.fall();
    }
}

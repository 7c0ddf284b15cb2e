//! One instance's bounded pool of connections.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_postgres::Config;

use super::TrafficError;
use super::ledger::Ledger;
use super::mix::Mix;
use super::registry::Seat;
use super::session::Session;
use crate::scenario::plan::Protocol;

/// The first pause before a lost connection is opened again, and the longest: each pause is twice
/// the one before, as in most applications' pools.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The connections of one instance. Who waits is served in the order of coming; a connection that
/// was lost is replaced in the background.
pub(super) struct Pool {
    config: Rc<Config>,
    acquire_timeout: Duration,
    ledger: Rc<Ledger>,
    idle: RefCell<Vec<Seated>>,
    /// One permit for each idle connection. It is fair, and a waiter that gives up loses none.
    permits: Semaphore,
    /// Sessions that were busy when the traffic was cut off.
    abandoned: RefCell<Vec<Session>>,
    reconnects: RefCell<JoinSet<()>>,
    closing: Cell<bool>,
}

/// A session and its place in the registry, which its successor takes over.
struct Seated {
    session: Session,
    seat: Seat,
}

impl Pool {
    pub(super) fn new(
        config: Rc<Config>,
        acquire_timeout: Duration,
        ledger: Rc<Ledger>,
    ) -> Rc<Self> {
        Rc::new(Self {
            config,
            acquire_timeout,
            ledger,
            idle: RefCell::default(),
            permits: Semaphore::new(0),
            abandoned: RefCell::default(),
            reconnects: RefCell::default(),
            closing: Cell::new(false),
        })
    }

    /// Opens the first connection of a seat, with all statements prepared.
    pub(super) async fn open(self: &Rc<Self>, seat: Seat, mix: &Mix) -> Result<(), TrafficError> {
        let opened = self.connect(&seat).await;
        let mut session = opened.map_err(TrafficError::Connect)?;
        if mix.protocol == Protocol::Prepared {
            for command in mix.commands() {
                session
                    .prepare(command)
                    .await
                    .map_err(|error| super::preflight::refused(mix, command, &error))?;
            }
        }
        self.add(Seated { session, seat });
        Ok(())
    }

    /// Takes a connection, waiting for one up to the acquire timeout; none when that has passed.
    pub(super) async fn acquire(self: &Rc<Self>) -> Option<Lease> {
        if let Some(lease) = self.try_acquire() {
            return Some(lease);
        }
        let _waiting = Waiting::new(&self.ledger);
        tokio::time::timeout(self.acquire_timeout, async {
            loop {
                // The semaphore is never closed.
                self.permits.acquire().await.ok()?.forget();
                if let Some(lease) = self.take() {
                    return Some(lease);
                }
            }
        })
        .await
        .ok()
        .flatten()
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
        let seated = self.idle.borrow_mut().pop()?;
        if seated.session.is_closed() {
            self.replace(seated.seat);
            return None;
        }
        Some(Lease {
            pool: Rc::clone(self),
            seated: Some(seated),
        })
    }

    /// Makes a connection available.
    fn add(&self, seated: Seated) {
        self.idle.borrow_mut().push(seated);
        self.permits.add_permits(1);
    }

    /// Replaces idle connections that have closed, so that the next request need not find out.
    fn reap(self: &Rc<Self>) {
        loop {
            let mut idle = self.idle.borrow_mut();
            let Some(at) = idle.iter().position(|seated| seated.session.is_closed()) else {
                return;
            };
            let seated = idle.swap_remove(at);
            drop(idle);
            // A permit that a waiter has in hand already finds no connection, and waits on.
            self.permits.forget_permits(1);
            self.replace(seated.seat);
        }
    }

    /// Opens a connection anew in the background until it succeeds.
    fn replace(self: &Rc<Self>, seat: Seat) {
        if self.closing.get() {
            return;
        }
        let pool = Rc::downgrade(self);
        let mut reconnects = self.reconnects.borrow_mut();
        while reconnects.try_join_next().is_some() {}
        reconnects.spawn_local(async move {
            let (mut pause, longest) = BACKOFF;
            loop {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(longest);
                let Some(pool) = pool.upgrade() else { return };
                if let Ok(session) = pool.connect(&seat).await {
                    pool.add(Seated { session, seat });
                    return;
                }
            }
        });
    }

    async fn connect(self: &Rc<Self>, seat: &Seat) -> Result<Session, tokio_postgres::Error> {
        let pool: Weak<Self> = Rc::downgrade(self);
        let session = Session::open(&self.config, seat, move || {
            if let Some(pool) = pool.upgrade() {
                pool.ledger.disconnected();
                pool.reap();
            }
        })
        .await?;
        self.ledger.connected();
        Ok(session)
    }

    /// Closes all connections; those whose request was cut off after cancelling it. No request may
    /// be under way.
    pub(super) async fn close(&self) {
        self.closing.set(true);
        let mut reconnects = self.reconnects.take();
        reconnects.shutdown().await;
        let mut closing = JoinSet::new();
        for seated in self.idle.take() {
            closing.spawn_local(seated.session.close());
        }
        for session in self.abandoned.take() {
            closing.spawn_local(session.abandon());
        }
        while closing.join_next().await.is_some() {}
    }
}

/// A connection on loan to one request.
pub(super) struct Lease {
    pool: Rc<Pool>,
    seated: Option<Seated>,
}

impl Lease {
    /// The connection; none only after it was given back.
    pub(super) fn session(&mut self) -> Option<&mut Session> {
        self.seated.as_mut().map(|seated| &mut seated.session)
    }

    /// Gives back a connection that is usable.
    pub(super) fn give_back(mut self) {
        if let Some(seated) = self.seated.take() {
            seated.session.enter(None);
            match seated.session.is_closed() {
                true => self.pool.replace(seated.seat),
                false => self.pool.add(seated),
            }
        }
    }

    /// Throws away a connection that is not.
    pub(super) fn discard(mut self) {
        if let Some(seated) = self.seated.take() {
            self.pool.replace(seated.seat);
        }
    }
}

impl Drop for Lease {
    /// A request that was cut off leaves its connection in the middle of something.
    fn drop(&mut self) {
        if let Some(seated) = self.seated.take() {
            self.pool.abandoned.borrow_mut().push(seated.session);
        }
    }
}

/// Counts who waits, however the waiting ends.
struct Waiting<'a>(&'a Ledger);

impl<'a> Waiting<'a> {
    fn new(ledger: &'a Ledger) -> Self {
        ledger.gauges.waiting.rise();
        Self(ledger)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.gauges.waiting.fall();
    }
}

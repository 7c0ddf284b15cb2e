//! What happens to a pool's connections while nobody uses them.

use std::rc::Rc;
use std::time::Duration;

use super::{Connection, Pool, Stage};
use crate::traffic::backoff::Backoff;
use crate::traffic::session::Session;
use crate::traffic::site::Site;
use crate::traffic::wire::ConnectError;

/// The first pause before a connection that could not be opened is tried again, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

impl Pool {
    /// Lets a connection go that the server closed, or that is of no more use, and opens another.
    pub(super) fn lose(self: &Rc<Self>, connection: Connection, error: &str) {
        drop(connection);
        if self.stage.get() == Stage::Ended {
            return;
        }
        self.condition.lost(error);
        self.replace();
    }

    /// The same for one that is closed: the server has said why, or nothing.
    pub(super) fn lose_closed(self: &Rc<Self>, connection: Connection) {
        let end = connection.session.end();
        self.lose(connection, end.as_deref().unwrap_or("connection_lost"));
    }

    /// Looks after the connections that nobody uses: those that have closed are replaced, so that the
    /// next request need not find out; what a request was cut off from is cancelled and replaced.
    pub(in crate::traffic) fn tend(self: &Rc<Self>) {
        loop {
            let mut idle = self.idle.borrow_mut();
            let closed = |connection: &Connection| connection.session.is_closed();
            let Some(at) = idle.iter().position(closed) else {
                break;
            };
            let connection = idle.swap_remove(at);
            drop(idle);
            // A permit that a waiter has in hand already finds no connection, and waits on.
            self.permits.forget_permits(1);
            self.lose_closed(connection);
        }
        for connection in self.cut_off.take() {
            self.condition.closed();
            self.bid_farewell(connection);
            self.replace();
        }
        let mut farewells = self.farewells.borrow_mut();
        while farewells.try_join_next().is_some() {}
    }

    /// Opens a connection in the background, as often as it takes, unless nobody needs one any more.
    pub(super) fn replace(self: &Rc<Self>) {
        let mut reconnects = self.reconnects.borrow_mut();
        while reconnects.try_join_next().is_some() {}
        if !self.needs_beside(reconnects.len()) {
            return;
        }
        let seed = self.jitter.get();
        self.jitter.set(seed.wrapping_add(1));
        let mut backoff = Backoff::new(BACKOFF.0, BACKOFF.1, seed);
        let pool = Rc::downgrade(self);
        reconnects.spawn_local(async move {
            while let Some(pool) = pool.upgrade().filter(|pool| pool.needs_beside(0)) {
                match pool.connect().await {
                    Ok(connection) => return pool.add(connection),
                    Err(error) => pool.condition.refused(error.kind().to_owned()),
                }
                drop(pool);
                tokio::time::sleep(backoff.pause()).await;
            }
        });
    }

    /// Whether the pool needs one more connection beside those that are open and so many to come. A pool
    /// that retires needs one for each who still waits, as far as it may have so many.
    fn needs_beside(&self, coming: usize) -> bool {
        match self.stage.get() {
            Stage::Opening | Stage::Serving => true,
            Stage::Retiring => {
                let all = self.condition.open() as usize + coming;
                let free = self.idle.borrow().len() + coming;
                all < self.site.application.pool_size as usize && free < self.waiting.get() as usize
            }
            Stage::Closing | Stage::Ended => false,
        }
    }

    pub(super) async fn connect(&self) -> Result<Connection, ConnectError> {
        let Site {
            target,
            registry,
            ledger,
            ..
        } = &*self.site;
        let session = Session::open(target, registry.seat()).await?;
        self.condition.opened();
        Ok(Connection {
            session,
            _counted: ledger.connected(),
        })
    }

    fn bid_farewell(&self, connection: Connection) {
        let mut farewells = self.farewells.borrow_mut();
        farewells.spawn_local(async move { connection.session.abandon().await });
    }

    /// Leaves the stage; whether it did accept requests shows in the gauge.
    fn leave(&self, stage: Stage) {
        if self.stage.replace(stage) == Stage::Serving {
            self.site.ledger.gauges.instances.fall();
        }
    }

    /// Lets its instance go over to another pool: who has a connection or waits for one is still served,
    /// and connections close as nobody needs them any more. One that has ended stays so.
    pub(in crate::traffic) fn retire(&self) {
        if self.stage.get() != Stage::Ended {
            self.leave(Stage::Retiring);
            self.close_spare();
        }
    }

    /// Closes the connections that nobody has or waits for.
    pub(super) fn close_spare(&self) {
        // Free permits are those that no waiter was given.
        while let Ok(permit) = self.permits.try_acquire() {
            permit.forget();
            let Some(connection) = self.idle.borrow_mut().pop() else {
                continue;
            };
            self.condition.closed();
            let mut farewells = self.farewells.borrow_mut();
            farewells.spawn_local(async move { connection.session.close().await });
        }
    }

    /// Whether its instance was ended.
    pub(in crate::traffic) fn has_ended(&self) -> bool {
        self.stage.get() == Stage::Ended
    }

    /// Comes when it has, or had, its first connection.
    pub(in crate::traffic) async fn opened(&self) {
        let opened = self.opened.notified();
        if self.stage.get() == Stage::Opening {
            opened.await;
        }
    }

    /// Ends the instance as a container platform does: all connections close at once, and the server
    /// hears of it when it next looks. Requests that wait or run are told by [`Self::ended`].
    pub(in crate::traffic) fn end(&self) {
        self.leave(Stage::Ended);
        self.permits.close();
        self.reconnects.borrow_mut().abort_all();
        // Cut off in the middle of a cancel request, a backend would stay that nobody remembers.
        self.farewells.take().detach_all();
        drop(self.idle.take());
        for connection in self.cut_off.take() {
            self.site.leave_behind(connection.session.sever());
        }
        self.ended.notify_waiters();
    }

    /// Comes when the instance has ended.
    pub(in crate::traffic) async fn ended(&self) {
        let ended = self.ended.notified();
        if self.stage.get() != Stage::Ended {
            ended.await;
        }
    }

    /// Closes all connections; those whose request was cut off after cancelling it. No request may
    /// be under way.
    pub(in crate::traffic) async fn close(&self) {
        self.leave(Stage::Closing);
        let mut reconnects = self.reconnects.take();
        reconnects.shutdown().await;
        for connection in self.cut_off.take() {
            self.bid_farewell(connection);
        }
        let mut farewells = self.farewells.take();
        for connection in self.idle.take() {
            farewells.spawn_local(connection.session.close());
        }
        while farewells.join_next().await.is_some() {}
    }
}

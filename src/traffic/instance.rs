//! One instance of the application: a process with a pool, which a container platform ends and starts
//! anew when its health checks fail, and replaces by one of the next release when that comes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;

use super::health;
use super::pool::Pool;
use super::site::Site;
use super::timeline::Timeline;
use crate::observe::FleetEventKind;
use crate::scenario::plan::Role;
use crate::scenario::release::ReleasePlan;

/// One instance.
pub(super) struct Instance {
    number: u32,
    site: Rc<Site>,
    /// Of its current life, or of the last one while it is away.
    pool: RefCell<Rc<Pool>>,
    /// The next release's until it takes over, the current one's from then on.
    beside: RefCell<Option<Rc<Pool>>>,
    /// Since when it runs the next release, on the timeline.
    released: Cell<Option<Duration>>,
    taken_over: Notify,
}

impl Instance {
    /// An instance without connections yet.
    pub(super) fn new(site: &Rc<Site>, number: u32) -> Rc<Self> {
        Rc::new(Self {
            number,
            site: Rc::clone(site),
            pool: RefCell::new(Pool::new(site, number, Role::Current, false)),
            beside: RefCell::default(),
            released: Cell::default(),
            taken_over: Notify::new(),
        })
    }

    pub(super) fn pool(&self) -> Rc<Pool> {
        Rc::clone(&self.pool.borrow())
    }

    /// Its pool, if it accepts requests.
    pub(super) fn serving(&self) -> Option<Rc<Pool>> {
        let pool = self.pool.borrow();
        pool.is_serving().then(|| Rc::clone(&pool))
    }

    /// Which release it ran at a moment of the timeline that has passed.
    pub(super) fn release_at(&self, moment: Duration) -> Role {
        match self.released.get() {
            Some(since) if since <= moment => Role::Next,
            _ => Role::Current,
        }
    }

    /// All pools that may have connections.
    pub(super) fn pools(&self) -> impl Iterator<Item = Rc<Pool>> {
        let beside = self.beside.borrow().clone();
        std::iter::once(self.pool()).chain(beside)
    }

    /// Restarts the instance whenever its checks fail, for ever. Without a check nothing happens.
    pub(super) async fn live(self: Rc<Self>) {
        let Some(check) = &self.site.application.health_check else {
            return;
        };
        let instances = self.site.application.instances.max(1);
        // Instances were not all started at the same moment.
        let mut first = check.every * (self.number % instances + 1) / instances;
        loop {
            let pool = self.pool();
            tokio::select! {
                biased;
                () = self.taken_over(&pool) => {}
                () = health::until_it_fails(&pool, check, first) => {
                    self.restart(&pool, check.restart).await;
                }
            }
            first = check.every;
        }
    }

    /// Ends the instance and starts it anew, unless the next release takes it over meanwhile.
    async fn restart(&self, pool: &Rc<Pool>, away: Duration) {
        self.tell(FleetEventKind::Restarted);
        pool.end();
        tokio::select! {
            biased;
            () = self.taken_over(pool) => {}
            () = tokio::time::sleep(away) => {
                let pool = Pool::new(&self.site, self.number, pool.release(), true);
                self.pool.replace(Rc::clone(&pool));
                self.tell(FleetEventKind::Returned);
                pool.open_all();
            }
        }
    }

    /// Goes over to the next release when its turn comes, as a rolling deployment does: an instance of the
    /// next release starts beside this one, and takes its place when it accepts requests.
    pub(super) async fn go_over(self: Rc<Self>, release: ReleasePlan, timeline: &Timeline) {
        let turn = loop {
            let marked = timeline.marked();
            match release.switch(u64::from(self.number), &timeline.marks()) {
                Some(turn) => break turn,
                None => marked.await,
            }
        };
        let alarm = &self.site.ledger.alarm;
        alarm.sleep_until(timeline.instant(turn)).await;
        let next = Pool::new(&self.site, self.number, Role::Next, false);
        self.beside.replace(Some(Rc::clone(&next)));
        next.open_all();
        next.opened().await;
        let former = self.pool.replace(Rc::clone(&next));
        self.beside.replace(Some(Rc::clone(&former)));
        self.released.set(Some(timeline.now()));
        if former.has_ended() {
            self.tell(FleetEventKind::Returned);
        }
        self.tell(FleetEventKind::Released);
        former.retire();
        self.taken_over.notify_waiters();
    }

    /// Comes when this is no longer its pool.
    async fn taken_over(&self, pool: &Rc<Pool>) {
        let taken_over = self.taken_over.notified();
        if Rc::ptr_eq(&self.pool.borrow(), pool) {
            taken_over.await;
        }
    }

    fn tell(&self, kind: FleetEventKind) {
        self.site.ledger.happened(self.number, kind);
    }
}

//! What stands before a worker's instances: it knows which of them accept requests and which release they
//! run, and looks after their connections.

use std::convert::Infallible;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::instance::Instance;
use super::mix::Mix;
use super::pool::Pool;
use super::timeline::Timeline;
use crate::scenario::plan::Role;
use crate::scenario::release::ReleasePlan;

/// How often connections that nobody uses are looked after.
const TEND_EVERY: Duration = Duration::from_millis(50);

/// A worker's instances.
pub(super) struct Balancer {
    mix: Arc<Mix>,
    instances: Vec<Rc<Instance>>,
}

/// Where a request goes, and as what.
pub(super) struct Route {
    /// None where no instance is up that could send it.
    pub(super) pool: Option<Rc<Pool>>,
    /// The kind of transaction that the instance sends.
    pub(super) transaction: usize,
}

impl Balancer {
    pub(super) fn new(mix: &Arc<Mix>, instances: Vec<Rc<Instance>>) -> Rc<Self> {
        Rc::new(Self {
            mix: Arc::clone(mix),
            instances,
        })
    }

    /// The release that the instance at `place`, from 0, ran at a moment that has passed.
    pub(super) fn release(&self, place: usize, moment: Duration) -> Role {
        let instance = self.instances.get(place);
        instance.map_or(Role::Current, |instance| instance.release_at(moment))
    }

    /// Whether a kind of transaction that is due at `place` is sent at all: what the next release adds is
    /// not before the instance runs it.
    pub(super) fn admits(&self, (place, due): (usize, Duration), kind: usize) -> bool {
        !self.mix.roles.is_added(kind) || self.release(place, due) == Role::Next
    }

    /// The way of a request for the instance at `place`: there, or, while that is away, to the next one that
    /// is not. What the next release adds goes to its instances alone; what it replaces, the instance
    /// that gets the request sends in its own way.
    pub(super) fn route(&self, (place, due): (usize, Duration), kind: usize) -> Route {
        let added = self.mix.roles.is_added(kind);
        let (before, from) = self.instances.split_at_checked(place).unwrap_or_default();
        let serving = from.iter().chain(before).filter_map(|one| one.serving());
        let mut able = serving.filter(|pool| !added || pool.release() == Role::Next);
        let pool = able.next();
        let release = match &pool {
            Some(pool) => pool.release(),
            None => self.release(place, due),
        };
        Route {
            pool,
            transaction: self.mix.roles.sent(kind, release),
        }
    }

    /// Lets the instances live until the result is dropped, and go over to the next release, if one comes.
    pub(super) fn live(
        &self,
        release: Option<ReleasePlan>,
        timeline: &Arc<Timeline>,
    ) -> JoinSet<()> {
        let mut lives = JoinSet::new();
        for instance in &self.instances {
            lives.spawn_local(Rc::clone(instance).live());
            if let Some(release) = release {
                let (instance, timeline) = (Rc::clone(instance), Arc::clone(timeline));
                lives.spawn_local(async move { instance.go_over(release, &timeline).await });
            }
        }
        lives
    }

    /// Looks after the connections for ever.
    pub(super) async fn tend(&self) -> io::Result<Infallible> {
        let mut interval = tokio::time::interval(TEND_EVERY);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            for pool in self.pools() {
                pool.tend();
            }
        }
    }

    /// Closes all connections. No request may be under way.
    pub(super) async fn close(&self) {
        for pool in self.pools() {
            pool.close().await;
        }
    }

    fn pools(&self) -> impl Iterator<Item = Rc<Pool>> {
        self.instances.iter().flat_map(|one| one.pools())
    }
}
